/* clock.c - wall time with a shift, monotonic time without one. */
#include "base/clock.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static _Atomic int64_t shift_s;

static int64_t read_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_now_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000 + atomic_load(&shift_s) * 1000;
}

int64_t clock_now_s(void)
{
    return clock_now_ms() / 1000;
}

int64_t clock_monotonic_ms(void)
{
    return clock_monotonic_us() / 1000;
}

int64_t clock_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

void clock_shift_s(int64_t seconds)
{
    atomic_fetch_add(&shift_s, seconds);
}

int64_t clock_shifted_s(void)
{
    return atomic_load(&shift_s);
}

/* Rounds towards the past, so that a time before 1970 has its own second. */
static int64_t whole_seconds(int64_t ms)
{
    return ms / 1000 - (ms % 1000 < 0);
}

static void print_time(int64_t ms, const char *format, char text[CLOCK_TEXT_MAX])
{
    time_t seconds = (time_t)whole_seconds(ms);
    struct tm parts;
    if (gmtime_r(&seconds, &parts) == NULL || strftime(text, CLOCK_TEXT_MAX, format, &parts) == 0)
        text[0] = '\0';
}

void clock_iso8601(int64_t ms, char text[CLOCK_TEXT_MAX])
{
    print_time(ms, "%Y-%m-%dT%H:%M:%SZ", text);
}

void clock_basic(int64_t ms, char text[CLOCK_TEXT_MAX])
{
    print_time(ms, "%Y%m%dT%H%M%SZ", text);
}

/* Days and months are English whatever the locale: nothing in muster calls setlocale. */
void clock_http_date(int64_t ms, char text[CLOCK_TEXT_MAX])
{
    print_time(ms, "%a, %d %b %Y %H:%M:%S GMT", text);
}

void clock_log(int64_t ms, char text[CLOCK_TEXT_MAX])
{
    print_time(ms, "%Y-%m-%d %H:%M:%S", text);
    size_t length = strlen(text);
    snprintf(text + length, CLOCK_TEXT_MAX - length, ".%03u", (unsigned)(ms - whole_seconds(ms) * 1000) % 1000);
}

/* `count` decimal digits, or -1. */
static int digits(const char *text, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

int clock_parse_basic(const char *text, int64_t *seconds)
{
    if (strlen(text) != 16 || text[8] != 'T' || text[15] != 'Z')
        return false;
    struct tm parts = {
        .tm_year = digits(text, 4) - 1900,
        .tm_mon = digits(text + 4, 2) - 1,
        .tm_mday = digits(text + 6, 2),
        .tm_hour = digits(text + 9, 2),
        .tm_min = digits(text + 11, 2),
        .tm_sec = digits(text + 13, 2),
    };
    time_t value = timegm(&parts);
    char printed[CLOCK_TEXT_MAX];
    clock_basic((int64_t)value * 1000, printed); /* timegm takes February 30th for March 2nd */
    if (strcmp(printed, text) != 0)
        return false;
    *seconds = value;
    return true;
}
