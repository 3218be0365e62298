/* clock_test.c - formats, and the shift that tests use. */
#include "base/clock.h"
#include "table.h"
#include <stdbool.h>

static const struct row {
    const char *name;
    void (*print)(int64_t ms, char text[CLOCK_TEXT_MAX]);
    int64_t ms;
    const char *text;
} rows[] = {
    { "ISO 8601", clock_iso8601, 1768465800000, "2026-01-15T08:30:00Z" },
    { "ISO 8601 drops milliseconds", clock_iso8601, 1768465800999, "2026-01-15T08:30:00Z" },
    { "basic", clock_basic, 1768465800000, "20260115T083000Z" },
    { "HTTP", clock_http_date, 1768465800000, "Thu, 15 Jan 2026 08:30:00 GMT" },
    { "log", clock_log, 1768465800123, "2026-01-15 08:30:00.123" },
    { "log with leading zeros", clock_log, 1768465800007, "2026-01-15 08:30:00.007" },
    { "the epoch", clock_iso8601, 0, "1970-01-01T00:00:00Z" },
    { "a millisecond before the epoch", clock_log, -1, "1969-12-31 23:59:59.999" },
    { "a leap day", clock_iso8601, 1709164800000, "2024-02-29T00:00:00Z" },
    { "the last second that certificates know", clock_iso8601, 253402300799000, "9999-12-31T23:59:59Z" },
};

static void prints(void **state)
{
    const struct row *row = *state;
    char text[CLOCK_TEXT_MAX];
    row->print(row->ms, text);
    assert_string_equal(text, row->text);
}

static const struct parse {
    const char *name, *text;
    bool valid;
    int64_t seconds;
} parses[] = {
    { "a time", "20260115T083000Z", true, 1768465800 },
    { "a leap day", "20240229T000000Z", true, 1709164800 },
    { "February 29th of another year", "20250229T000000Z", false, 0 },
    { "hour 24", "20260115T240000Z", false, 0 },
    { "second 60", "20260115T083060Z", false, 0 },
    { "month 13", "20261315T083000Z", false, 0 },
    { "day 0", "20260100T083000Z", false, 0 },
    { "no zone", "20260115T083000", false, 0 },
    { "another zone", "20260115T083000A", false, 0 },
    { "a blank for a digit", "2026011 T083000Z", false, 0 },
    { "a sign for a digit", "20260115T-83000Z", false, 0 },
    { "one more", "20260115T083000ZZ", false, 0 },
    { "nothing", "", false, 0 },
};

static void parsed(void **state)
{
    const struct parse *row = *state;
    int64_t seconds = 0;
    assert_int_equal(clock_parse_basic(row->text, &seconds), row->valid);
    assert_int_equal(seconds, row->seconds);
}

static const struct {
    const char *name;
} shifts[] = { { "the shift moves wall time and leaves monotonic time" } };

static void shifted(void **state)
{
    (void)state;
    int64_t wall = clock_now_ms(), monotonic = clock_monotonic_ms();
    clock_shift_s(3000);
    clock_shift_s(600);
    assert_int_equal(clock_shifted_s(), 3600);
    assert_in_range(clock_now_ms() - wall, 3600000, 3660000);
    assert_in_range(clock_monotonic_ms() - monotonic, 0, 60000);
    clock_shift_s(-3600);
    assert_int_equal(clock_shifted_s(), 0);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, prints), TABLE(parses, parsed), TABLE(shifts, shifted));
}
