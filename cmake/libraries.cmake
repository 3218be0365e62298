# What comes from Debian (scripts/bootstrap installs it), as targets named outside_<library>.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

function(outside name module)
    string(MAKE_C_IDENTIFIER "PC_${name}" prefix)
    pkg_check_modules(${prefix} REQUIRED IMPORTED_TARGET ${module})
    add_library(outside_${name} INTERFACE)
    target_link_libraries(outside_${name} INTERFACE PkgConfig::${prefix})
endfunction()

outside(uv libuv)
outside(openssl openssl)
outside(json-c json-c)
outside(talloc talloc)
outside(sqlite3 sqlite3)
outside(pcre2 libpcre2-8)
outside(libconfig libconfig)
outside(curl libcurl)
target_link_libraries(outside_uv INTERFACE Threads::Threads)

# libwslay ships neither a pkg-config file nor a usable CMake one.
find_library(WSLAY_LIBRARY wslay REQUIRED)
add_library(outside_wslay INTERFACE)
target_link_libraries(outside_wslay INTERFACE ${WSLAY_LIBRARY})

# Debian's node-llhttp installs the parser's C sources. Strict mode refuses what HTTP request smuggling lives on.
find_path(LLHTTP_SOURCES llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH REQUIRED)
find_path(LLHTTP_INCLUDE llhttp.h PATHS /usr/share/include/llhttp NO_DEFAULT_PATH REQUIRED)
add_library(outside_llhttp STATIC ${LLHTTP_SOURCES}/api.c ${LLHTTP_SOURCES}/http.c ${LLHTTP_SOURCES}/llhttp.c)
target_include_directories(outside_llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE})
target_compile_definitions(outside_llhttp PRIVATE LLHTTP_STRICT_MODE=1)
target_compile_options(outside_llhttp PRIVATE -w)
