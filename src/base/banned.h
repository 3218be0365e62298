/* banned.h - functions that only src/base may call, since it has something better; forced in front of every other
   file. What they would have done is done by base/clock.h (time), base/random.h (random), base/bytes.h and
   base/memory.h (strcpy and kin) and uv_spawn (system, popen). */
#pragma once
/* Their declarations come first: the names are macros afterwards. */
#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#undef time
#undef gettimeofday
#undef clock_gettime
#undef rand
#undef random
#undef strcpy
#undef strcat
#undef strncpy
#undef sprintf
#undef vsprintf
#undef strtok
#undef gets
#undef atoi
#undef atol
#undef alloca
#undef system
#undef popen

#define BANNED(function)   function##_is_banned_see_base_banned_h()
#define time(...)          BANNED(time)
#define gettimeofday(...)  BANNED(gettimeofday)
#define clock_gettime(...) BANNED(clock_gettime)
#define rand(...)          BANNED(rand)
#define random(...)        BANNED(random)
#define strcpy(...)        BANNED(strcpy)
#define strcat(...)        BANNED(strcat)
#define strncpy(...)       BANNED(strncpy)
#define sprintf(...)       BANNED(sprintf)
#define vsprintf(...)      BANNED(vsprintf)
#define strtok(...)        BANNED(strtok)
#define gets(...)          BANNED(gets)
#define atoi(...)          BANNED(atoi)
#define atol(...)          BANNED(atol)
#define alloca(...)        BANNED(alloca)
#define system(...)        BANNED(system)
#define popen(...)         BANNED(popen)
