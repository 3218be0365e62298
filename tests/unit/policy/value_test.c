/* value_test.c - numbers, moments and networks. */
#include "policy/value.h"
#include "given.h"

enum { NOT_A_NUMBER = 9 };

static const struct number {
    const char *name, *a, *b;
    int order;
} numbers[] = {
    { "equal", "7", "7", 0 },
    { "leading zeros", "007", "7", 0 },
    { "trailing zeros", "1.10", "1.1", 0 },
    { "a point without digits behind", "7.", "7", 0 },
    { "a point without digits before", ".5", "0.5", 0 },
    { "zero has no sign", "-0", "0.00", 0 },
    { "a plus", "+3", "3", 0 },
    { "more digits", "10", "9", 1 },
    { "a fraction", "1.25", "1.3", -1 },
    { "a longer fraction", "1.25", "1.2", 1 },
    { "below zero", "-2", "1", -1 },
    { "both below zero", "-2", "-10", 1 },
    { "past 64 bits", "123456789012345678901234567890", "123456789012345678901234567891", -1 },
    { "a word", "seven", "7", NOT_A_NUMBER },
    { "nothing", "", "7", NOT_A_NUMBER },
    { "a sign alone", "-", "7", NOT_A_NUMBER },
    { "a point alone", ".", "7", NOT_A_NUMBER },
    { "something behind", "7x", "7", NOT_A_NUMBER },
    { "an exponent", "1e3", "1000", NOT_A_NUMBER },
};

static void compares(void **state)
{
    const struct number *row = *state;
    struct decimal a, b;
    bool good = decimal_parse(slice_of(row->a), &a) && decimal_parse(slice_of(row->b), &b);
    int order = good ? decimal_compare(&a, &b) : 0;
    assert_int_equal(good ? (order > 0) - (order < 0) : NOT_A_NUMBER, row->order);
}

#define NO_MOMENT INT64_MIN

static const struct moment {
    const char *name, *text;
    int64_t us;
} moments[] = {
    { "the epoch", "1970-01-01T00:00:00Z", 0 },
    { "seconds", "2026-01-15T08:30:00Z", 1768465800000000 },
    { "fractions", "2026-01-15T08:30:00.5Z", 1768465800500000 },
    { "finer than microseconds", "2026-01-15T08:30:00.123456789Z", 1768465800123456 },
    { "without seconds", "2026-01-15T08:30Z", 1768465800000000 },
    { "east", "2026-01-15T10:30:00+02:00", 1768465800000000 },
    { "west", "2026-01-15T03:00:00-05:30", 1768465800000000 },
    { "a day", "2026-01-15", 1768435200000000 },
    { "a month", "2026-01", 1767225600000000 },
    { "a year", "2026", 1767225600000000 },
    { "before 1970", "1969-12-31T23:59:59Z", -1000000 },
    { "a leap day", "2024-02-29", 1709164800000000 },
    { "the leap day of 2000", "2000-02-29", 951782400000000 },
    { "epoch seconds", "1768465800", 1768465800000000 },
    { "epoch with a fraction", "1768465800.25", 1768465800250000 },
    { "epoch below zero", "-1.5", -1500000 },
    { "no leap day", "2025-02-29", NO_MOMENT },
    { "no leap day in 1900", "1900-02-29", NO_MOMENT },
    { "a thirteenth month", "2026-13-01", NO_MOMENT },
    { "a day too many", "2026-04-31", NO_MOMENT },
    { "an hour too many", "2026-01-15T24:00:00Z", NO_MOMENT },
    { "no zone", "2026-01-15T08:30:00", NO_MOMENT },
    { "text behind", "2026-01-15T08:30:00Zx", NO_MOMENT },
    { "a word", "tomorrow", NO_MOMENT },
    { "nothing", "", NO_MOMENT },
    { "an epoch past all clocks", "1234567890123", NO_MOMENT },
};

static void is_moment(void **state)
{
    const struct moment *row = *state;
    int64_t us = NO_MOMENT;
    bool good = moment_parse(slice_of(row->text), &us);
    assert_int_equal(good ? us : NO_MOMENT, row->us);
}

enum { NO, YES, REFUSED };

static const struct network_row {
    const char *name, *network, *address;
    int answer;
} networks[] = {
    { "inside", "10.0.0.0/8", "10.200.3.4", YES },
    { "outside", "10.0.0.0/8", "11.0.0.1", NO },
    { "host bits are ignored", "10.9.9.9/8", "10.0.0.1", YES },
    { "odd bits inside", "192.168.4.0/22", "192.168.7.255", YES },
    { "odd bits outside", "192.168.4.0/22", "192.168.8.0", NO },
    { "a bare address", "10.0.0.1", "10.0.0.1", YES },
    { "another address", "10.0.0.1", "10.0.0.2", NO },
    { "everything", "0.0.0.0/0", "203.0.113.9", YES },
    { "everything of one family", "0.0.0.0/0", "2001:db8::1", NO },
    { "version 6", "2001:db8::/32", "2001:db8:1::9", YES },
    { "outside version 6", "2001:db8::/32", "2001:db9::1", NO },
    { "a bare version 6 address", "::1", "::1", YES },
    { "a mapped address is its version 4", "10.0.0.0/8", "::ffff:10.1.1.1", YES },
    { "a mapped network too", "::ffff:10.0.0.0/104", "10.1.1.1", YES },
    { "too many bits", "10.0.0.0/33", "10.0.0.1", REFUSED },
    { "no bits", "10.0.0.0/", "10.0.0.1", REFUSED },
    { "bits that are no number", "10.0.0.0/x", "10.0.0.1", REFUSED },
    { "a mapped network above its mapping", "::ffff:10.0.0.0/8", "10.0.0.1", REFUSED },
    { "three numbers", "10.0.0", "10.0.0.1", REFUSED },
    { "nothing", "", "10.0.0.1", REFUSED },
};

static void holds(void **state)
{
    const struct network_row *row = *state;
    struct network network, address;
    bool good = network_parse(slice_of(row->network), &network);
    assert_true(network_parse(slice_of(row->address), &address));
    assert_int_equal(good ? network_holds(&network, &address) : REFUSED, row->answer);
}

int main(void)
{
    return RUN_TABLES(TABLE(numbers, compares), TABLE(moments, is_moment), TABLE(networks, holds));
}
