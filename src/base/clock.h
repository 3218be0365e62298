/* clock.h - the one place that reads time. Everything that a user can see (certificate dates, token life, `now` of a
   call) uses wall time, which a test build can shift; everything that measures a wait uses monotonic time. */
#pragma once
#include <stdint.h>

int64_t clock_now_ms(void); /* milliseconds since 1970-01-01T00:00:00Z, plus the shift */
int64_t clock_now_s(void);
int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);
void clock_shift_s(int64_t seconds); /* added to the present shift; any thread; a test build's `clock +3600` */
int64_t clock_shifted_s(void);

enum { CLOCK_TEXT_MAX = 32 };
void clock_iso8601(int64_t ms, char text[CLOCK_TEXT_MAX]);   /* 2026-01-15T08:30:00Z */
void clock_basic(int64_t ms, char text[CLOCK_TEXT_MAX]);     /* 20260115T083000Z */
void clock_http_date(int64_t ms, char text[CLOCK_TEXT_MAX]); /* Thu, 15 Jan 2026 08:30:00 GMT */
void clock_log(int64_t ms, char text[CLOCK_TEXT_MAX]);       /* 2026-01-15 08:30:00.123 */
/* Seconds since the epoch of "20260115T083000Z"; false when it is not such a time. */
int clock_parse_basic(const char *text, int64_t *seconds);
