# The few words that people type; CMakeLists.txt does the work. Each installs what it needs first (scripts/bootstrap).
.PHONY: all build demo run test bench asan tsan tidy format format-check clean
.DEFAULT_GOAL := build

jobs := $(shell nproc)
cmake = cmake -S . -G Ninja -B

all: build

# A release build: build/musterd and build/muster.
build:
	@scripts/bootstrap build
	@$(cmake) build -DCMAKE_BUILD_TYPE=Release --log-level=WARNING
	@cmake --build build -j $(jobs) --target muster musterd

# A server, a small fleet that provisions itself, and what to do next.
demo: build
	@build/muster demo

# The development server in the foreground; its data stay in .muster-dev.
run: build
	@[ -e .muster-dev ] || build/muster init --dir .muster-dev
	@exec build/musterd --dir .muster-dev

# Everything; ends with "N passed, N failed".
test:
	@scripts/bootstrap build test
	@scripts/test

# Our speed beside Debian's mosquitto and a bare OpenSSL loop; what API calls cost, with few things and with many.
bench:
	@scripts/bootstrap build test bench
	@$(MAKE) --no-print-directory build
	@tests/bench/run
	@tests/bench/api

asan:
	@scripts/bootstrap build test
	@$(cmake) build-asan -DCMAKE_BUILD_TYPE=Debug -DMUSTER_SANITIZE=ON --log-level=WARNING
	@cmake --build build-asan -j $(jobs)
	@ctest --test-dir build-asan -j $(jobs) --output-on-failure

tsan:
	@scripts/bootstrap build test
	@$(cmake) build-tsan -DCMAKE_BUILD_TYPE=Debug -DMUSTER_TSAN=ON --log-level=WARNING
	@cmake --build build-tsan -j $(jobs)
	@ctest --test-dir build-tsan -j $(jobs) --output-on-failure

tidy:
	@scripts/bootstrap build test
	@$(cmake) build-tidy -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=clang --log-level=WARNING
	@find src -name '*.c' -print0 | xargs -0 -n 4 -P $(jobs) clang-tidy --quiet -p build-tidy

sources = find src tests -name node_modules -prune -o -name '*.[ch]' -print0

format:
	@$(sources) | xargs -0 clang-format -i

format-check:
	@scripts/bootstrap build test
	@scripts/test format

clean:
	@rm -rf build build-asan build-tsan build-fuzz build-tidy
