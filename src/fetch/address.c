/* address.c - which addresses an outgoing call may connect to. */
#include "fetch/fetch.h"
#include <arpa/inet.h>
#include <netinet/in.h>

enum place { NEVER, PRIVATE, LOOPBACK, ANYWHERE };

/* The first row that fits counts; the longer prefixes stand first. */
static const struct {
    const char *prefix;
    unsigned bits;
    enum place place;
} v4[] = {
    { "0.0.0.0", 8, NEVER },       { "10.0.0.0", 8, PRIVATE },     { "100.100.100.200", 32, NEVER }, /* metadata */
    { "100.64.0.0", 10, PRIVATE }, { "127.0.0.0", 8, LOOPBACK },   { "168.63.129.16", 32, NEVER },   /* metadata */
    { "169.254.0.0", 16, NEVER },  { "172.16.0.0", 12, PRIVATE },  { "192.0.0.0", 24, NEVER },
    { "192.0.2.0", 24, NEVER },    { "192.168.0.0", 16, PRIVATE }, { "198.18.0.0", 15, PRIVATE },
    { "198.51.100.0", 24, NEVER }, { "203.0.113.0", 24, NEVER },   { "224.0.0.0", 3, NEVER },
}, v6[] = {
    { "::1", 128, LOOPBACK },         { "fd00:ec2::254", 128, NEVER }, /* metadata */
    { "fd20:ce::254", 128, NEVER },   /* metadata */
    { "fd00:42::42", 128, NEVER },    /* metadata */
    { "fc00::", 7, PRIVATE },         { "fec0::", 10, PRIVATE },       { "2001::", 32, NEVER }, /* Teredo */
    { "2001:db8::", 32, NEVER },      { "2000::", 3, ANYWHERE },       /* the rest of what is given out at all */
};

/* IPv4 inside of IPv6, and where in it. */
static const struct {
    const char *prefix;
    unsigned bits, offset;
} nested[] = { { "::ffff:0:0", 96, 12 }, { "::ffff:0:0:0", 96, 12 }, { "64:ff9b::", 96, 12 }, { "2002::", 16, 2 } };

static bool fits(const uint8_t *address, const uint8_t *prefix, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(address, prefix, whole) != 0)
        return false;
    return rest == 0 || (address[whole] ^ prefix[whole]) >> (8 - rest) == 0;
}

static bool fits_text(int family, const uint8_t *address, const char *text, unsigned bits)
{
    uint8_t prefix[16];
    return inet_pton(family, text, prefix) == 1 && fits(address, prefix, bits);
}

static enum place place_of_v4(const uint8_t address[4])
{
    for (size_t i = 0; i < sizeof(v4) / sizeof(*v4); i++)
        if (fits_text(AF_INET, address, v4[i].prefix, v4[i].bits))
            return v4[i].place;
    return ANYWHERE;
}

static enum place place_of_v6(const uint8_t address[16])
{
    for (size_t i = 0; i < sizeof(nested) / sizeof(*nested); i++)
        if (fits_text(AF_INET6, address, nested[i].prefix, nested[i].bits))
            return place_of_v4(address + nested[i].offset);
    for (size_t i = 0; i < sizeof(v6) / sizeof(*v6); i++)
        if (fits_text(AF_INET6, address, v6[i].prefix, v6[i].bits))
            return v6[i].place;
    return NEVER;
}

bool fetch_may_connect(const struct sockaddr *address, unsigned places, bool plain)
{
    enum place place = NEVER;
    if (address->sa_family == AF_INET)
        place = place_of_v4((const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr);
    else if (address->sa_family == AF_INET6)
        place = place_of_v6((const uint8_t *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
    if (plain)
        return place == LOOPBACK && (places & FETCH_LOOPBACK) != 0 && (places & FETCH_PLAIN) != 0;
    return place == ANYWHERE || (place == PRIVATE && (places & FETCH_PRIVATE) != 0) ||
           (place == LOOPBACK && (places & FETCH_LOOPBACK) != 0);
}
