/* value.h - the values that condition operators compare: numbers, moments, networks. Nothing here allocates; a number
   points into the text that it was read from. */
#pragma once
#include "base/bytes.h"

/* An exact decimal: no number is too long to be compared right. */
struct decimal {
    bool negative;
    slice whole;    /* without leading zeros */
    slice fraction; /* without trailing zeros */
};

struct network {
    int family; /* AF_INET, AF_INET6 */
    unsigned char address[16];
    unsigned bits;
};

bool decimal_parse(slice text, struct decimal *out); /* "-12.50"; no exponent */
int decimal_compare(const struct decimal *a, const struct decimal *b);

/* "2026-01-15T08:30:00Z" and its shorter forms (W3C's profile of ISO 8601), or seconds since 1970; in microseconds. */
bool moment_parse(slice text, int64_t *us);

/* "10.0.0.0/8", "2001:db8::/32"; a bare address is a network of one. ::ffff:a.b.c.d is a.b.c.d. */
bool network_parse(slice text, struct network *out);
bool network_holds(const struct network *network, const struct network *address);
