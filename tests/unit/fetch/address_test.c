/* address_test.c - where outgoing calls may connect. */
#include "fetch/fetch.h"
#include "table.h"
#include <arpa/inet.h>
#include <sys/un.h>

enum { NO = 0, YES = 1, P = FETCH_PRIVATE, L = FETCH_LOOPBACK, ALL = FETCH_PRIVATE | FETCH_LOOPBACK | FETCH_PLAIN };

static const struct row {
    const char *name, *address;
    unsigned places;
    bool plain;
    int answer;
} rows[] = {
    { "a public address", "93.184.216.34", 0, false, YES },
    { "a public address by plain http", "93.184.216.34", ALL, true, NO },
    { "metadata of the clouds, whatever is allowed", "169.254.169.254", ALL, false, NO },
    { "metadata by plain http", "169.254.169.254", ALL, true, NO },
    { "task credentials", "169.254.170.2", ALL, false, NO },
    { "metadata inside of 100.64/10", "100.100.100.200", ALL, false, NO },
    { "the wire server", "168.63.129.16", ALL, false, NO },
    { "any", "0.0.0.0", ALL, false, NO },
    { "this network", "0.1.2.3", ALL, false, NO },
    { "multicast", "224.0.0.1", ALL, false, NO },
    { "reserved", "240.0.0.1", ALL, false, NO },
    { "broadcast", "255.255.255.255", ALL, false, NO },
    { "10/8 unasked", "10.1.2.3", L, false, NO },
    { "10/8", "10.1.2.3", P, false, YES },
    { "10/8 by plain http", "10.1.2.3", ALL, true, NO },
    { "the last of 172.16/12", "172.31.255.255", P, false, YES },
    { "past 172.16/12", "172.32.0.1", 0, false, YES },
    { "192.168/16", "192.168.0.1", 0, false, NO },
    { "100.64/10", "100.127.255.255", 0, false, NO },
    { "loopback unasked", "127.0.0.1", P, false, NO },
    { "loopback", "127.0.0.1", L, false, YES },
    { "all of 127/8", "127.255.0.9", P, false, NO },
    { "loopback by plain http", "127.0.0.1", L | FETCH_PLAIN, true, YES },
    { "loopback by plain http, not said", "127.0.0.1", L, true, NO },
    { "plain http without loopback", "127.0.0.1", FETCH_PLAIN, true, NO },
    { "a public IPv6 address", "2606:2800:220:1:248:1893:25c8:1946", 0, false, YES },
    { "::1", "::1", P, false, NO },
    { "::1 allowed", "::1", L, false, YES },
    { "::", "::", ALL, false, NO },
    { "fe80::/10", "fe80::1", ALL, false, NO },
    { "the last of fe80::/10", "febf::1", ALL, false, NO },
    { "multicast v6", "ff02::1", ALL, false, NO },
    { "unique local unasked", "fd12::1", L, false, NO },
    { "unique local", "fd12::1", P, false, YES },
    { "metadata by IPv6", "fd00:ec2::254", ALL, false, NO },
    { "metadata mapped into IPv6", "::ffff:169.254.169.254", ALL, false, NO },
    { "loopback mapped into IPv6", "::ffff:127.0.0.1", P, false, NO },
    { "a public address mapped", "::ffff:93.184.216.34", 0, false, YES },
    { "metadata by NAT64", "64:ff9b::a9fe:a9fe", ALL, false, NO },
    { "metadata by 6to4", "2002:a9fe:a9fe::1", ALL, false, NO },
    { "10/8 by 6to4", "2002:0a00:0001::1", 0, false, NO },
    { "Teredo", "2001:0:53aa:64c:0:7fff:5601:5601", ALL, false, NO },
    { "IPv4-compatible", "::169.254.169.254", ALL, false, NO },
    { "discard-only", "100::1", ALL, false, NO },
};

static void may_connect(void **state)
{
    const struct row *row = *state;
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    const struct sockaddr *address = (const struct sockaddr *)&v4;
    if (inet_pton(AF_INET, row->address, &v4.sin_addr) != 1) {
        assert_int_equal(inet_pton(AF_INET6, row->address, &v6.sin6_addr), 1);
        address = (const struct sockaddr *)&v6;
    }
    assert_int_equal(fetch_may_connect(address, row->places, row->plain), row->answer);
}

static const struct other {
    const char *name;
} others[] = { { "a socket of the file system is no place" } };

static void never(void **state)
{
    (void)state;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    assert_false(fetch_may_connect((const struct sockaddr *)&address, ALL, false));
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, may_connect), TABLE(others, never));
}
