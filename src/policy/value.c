/* value.c - see value.h. */
#include "policy/value.h"
#include <arpa/inet.h>

/* Takes up to `most` digits off *text; the number of digits taken. */
static size_t take_digits(slice *text, size_t most, int64_t *value)
{
    size_t n = 0;
    *value = 0;
    while (n < text->length && n < most && text->at[n] >= '0' && text->at[n] <= '9')
        *value = *value * 10 + (text->at[n++] - '0');
    *text = slice_from(*text, n);
    return n;
}

static bool take_mark(slice *text, char mark)
{
    if (text->length == 0 || text->at[0] != mark)
        return false;
    *text = slice_from(*text, 1);
    return true;
}

static slice digits_of(slice *text)
{
    size_t n = 0;
    while (n < text->length && text->at[n] >= '0' && text->at[n] <= '9')
        n++;
    slice digits = { text->at, n };
    *text = slice_from(*text, n);
    return digits;
}

/* --- Numbers -------------------------------------------------------------------------------------------------------- */

bool decimal_parse(slice text, struct decimal *out)
{
    *out = (struct decimal){ .negative = take_mark(&text, '-') };
    if (!out->negative)
        take_mark(&text, '+');
    out->whole = digits_of(&text);
    size_t digits = out->whole.length;
    if (take_mark(&text, '.')) {
        out->fraction = digits_of(&text);
        digits += out->fraction.length;
    }
    if (digits == 0 || text.length > 0)
        return false;

    while (out->whole.length > 0 && out->whole.at[0] == '0')
        out->whole = slice_from(out->whole, 1);
    while (out->fraction.length > 0 && out->fraction.at[out->fraction.length - 1] == '0')
        out->fraction.length--;
    if (out->whole.length == 0 && out->fraction.length == 0)
        out->negative = false;
    return true;
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    int larger;
    if (a->whole.length != b->whole.length)
        larger = a->whole.length < b->whole.length ? -1 : 1;
    else if ((larger = slice_compare(a->whole, b->whole)) == 0)
        larger = slice_compare(a->fraction, b->fraction);
    return a->negative ? -larger : larger;
}

/* --- Moments -------------------------------------------------------------------------------------------------------- */

/* Days since 1970-01-01 in the proleptic Gregorian calendar; years are counted from March so that a leap day is a
   year's last one. */
static int64_t days_since_epoch(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static bool is_day(int64_t year, int64_t month, int64_t day)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month >= 1 && month <= 12 && day >= 1 && day <= lengths[month - 1] + (month == 2 && leap);
}

/* Digits behind a point as microseconds; what is finer is dropped. */
static bool take_fraction(slice *text, int64_t *us)
{
    *us = 0;
    if (!take_mark(text, '.'))
        return true;
    slice digits = digits_of(text);
    for (size_t i = 0; i < 6; i++)
        *us = *us * 10 + (i < digits.length ? digits.at[i] - '0' : 0);
    return digits.length > 0;
}

/* "Z", "+02:00", "-05:30"; seconds to add to come to UTC. */
static bool take_zone(slice *text, int64_t *seconds)
{
    int64_t hours, minutes;
    *seconds = 0;
    if (take_mark(text, 'Z'))
        return true;
    bool east = take_mark(text, '+');
    if (!east && !take_mark(text, '-'))
        return false;
    if (take_digits(text, 2, &hours) != 2 || !take_mark(text, ':') || take_digits(text, 2, &minutes) != 2 ||
        hours > 23 || minutes > 59)
        return false;
    *seconds = (hours * 3600 + minutes * 60) * (east ? -1 : 1);
    return true;
}

static bool take_time(slice *text, int64_t *us)
{
    int64_t hours, minutes, seconds = 0, fraction = 0, zone;
    if (take_digits(text, 2, &hours) != 2 || !take_mark(text, ':') || take_digits(text, 2, &minutes) != 2)
        return false;
    if (take_mark(text, ':') && (take_digits(text, 2, &seconds) != 2 || !take_fraction(text, &fraction)))
        return false;
    if (hours > 23 || minutes > 59 || seconds > 60 || !take_zone(text, &zone))
        return false;
    *us = (hours * 3600 + minutes * 60 + seconds + zone) * 1000000 + fraction;
    return true;
}

static bool parse_iso8601(slice text, int64_t *us)
{
    int64_t year, month = 1, day = 1, time = 0;
    if (take_digits(&text, 4, &year) != 4)
        return false;
    if (take_mark(&text, '-')) {
        if (take_digits(&text, 2, &month) != 2)
            return false;
        if (take_mark(&text, '-')) {
            if (take_digits(&text, 2, &day) != 2 || (take_mark(&text, 'T') && !take_time(&text, &time)))
                return false;
        }
    }
    if (text.length > 0 || !is_day(year, month, day))
        return false;
    *us = days_since_epoch(year, month, day) * 86400000000 + time;
    return true;
}

static bool parse_epoch(slice text, int64_t *us)
{
    int64_t seconds, fraction;
    bool negative = take_mark(&text, '-');
    if (take_digits(&text, 12, &seconds) == 0 || !take_fraction(&text, &fraction) || text.length > 0)
        return false;
    *us = (seconds * 1000000 + fraction) * (negative ? -1 : 1);
    return true;
}

bool moment_parse(slice text, int64_t *us)
{
    return parse_iso8601(text, us) || parse_epoch(text, us); /* four digits are a year */
}

/* --- Networks ------------------------------------------------------------------------------------------------------- */

static bool parse_address(slice text, struct network *out)
{
    static const unsigned char mapped[12] = { [10] = 0xFF, [11] = 0xFF };
    char copy[INET6_ADDRSTRLEN];
    if (text.length == 0 || text.length >= sizeof(copy) || memchr(text.at, 0, text.length) != NULL)
        return false;
    memcpy(copy, text.at, text.length);
    copy[text.length] = 0;

    out->family = memchr(text.at, ':', text.length) ? AF_INET6 : AF_INET;
    out->bits = out->family == AF_INET ? 32 : 128;
    if (inet_pton(out->family, copy, out->address) != 1)
        return false;
    if (out->family == AF_INET6 && memcmp(out->address, mapped, sizeof(mapped)) == 0) {
        memmove(out->address, out->address + sizeof(mapped), 4);
        out->family = AF_INET;
        out->bits = 32;
    }
    return true;
}

bool network_parse(slice text, struct network *out)
{
    *out = (struct network){ 0 };
    const char *slash = text.length ? memchr(text.at, '/', text.length) : NULL;
    size_t length = slash ? (size_t)(slash - text.at) : text.length;
    if (!parse_address((slice){ text.at, length }, out))
        return false;
    if (slash == NULL)
        return true;

    int64_t bits;
    bool was_mapped = out->family == AF_INET && memchr(text.at, ':', length) != NULL;
    slice rest = slice_from(text, length + 1);
    if (take_digits(&rest, 3, &bits) == 0 || rest.length > 0)
        return false;
    bits -= was_mapped ? 96 : 0;
    if (bits < 0 || bits > (int64_t)out->bits)
        return false;
    out->bits = (unsigned)bits;
    return true;
}

bool network_holds(const struct network *network, const struct network *address)
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    unsigned mask = rest ? 0xFFU << (8 - rest) & 0xFFU : 0;
    return network->family == address->family && memcmp(network->address, address->address, whole) == 0 &&
           (mask == 0 || ((network->address[whole] ^ address->address[whole]) & mask) == 0);
}
