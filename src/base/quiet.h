/* quiet.h - log lines that strangers cause: so many a second and no more, and then how many were left out. */
#pragma once
#include "base/clock.h"
#include "base/log.h"

enum { QUIET_LINES_A_SECOND = 20 };

struct quiet {
    int64_t second;
    unsigned said, held;
};

/* May one more line be written? Says first what was left out before, if anything was. */
static inline bool quiet_allows(struct quiet *quiet, const struct scope *scope, const char *what)
{
    int64_t second = clock_monotonic_ms() / 1000;
    if (second != quiet->second) {
        if (quiet->held > 0)
            log_info(scope, "%u more lines on %s were left out", quiet->held, what);
        *quiet = (struct quiet){ .second = second };
    }
    if (quiet->said == QUIET_LINES_A_SECOND) {
        quiet->held++;
        return false;
    }
    quiet->said++;
    return true;
}
