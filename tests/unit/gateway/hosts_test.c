/* hosts_test.c - whose name is it? */
#include "gateway/hosts.h"
#include "table.h"

static const struct gateway_host others[] = {
    { "zzz-ats.iot.eu-west-1.example.test", "000000000002", false },
    { "A1B2-ats.iot.eu-west-1.Example.test", "000000000003", false },
    { "a1b3.credentials.iot.eu-west-1.example.test", "000000000003", true },
};

static const struct row {
    const char *name, *host, *account; /* account NULL: nobody's */
} rows[] = {
    { "the domain is the default account's", "example.test", "000000000001" },
    { "in any case", "EXAMPLE.Test", "000000000001" },
    { "so is localhost", "localhost", "000000000001" },
    { "an IPv4 literal", "127.0.0.1", "000000000001" },
    { "an IPv6 literal", "::1", "000000000001" },
    { "another account's host", "zzz-ats.iot.eu-west-1.example.test", "000000000002" },
    { "another account's host in any case", "a1b2-ATS.iot.eu-west-1.example.test", "000000000003" },
    { "a credentials host", "a1b3.credentials.iot.eu-west-1.example.test", "000000000003" },
    { "a host of nobody", "yyy-ats.iot.eu-west-1.example.test", NULL },
    { "below the domain", "a.example.test", NULL },
    { "above the domain", "test", NULL },
    { "a prefix of a name", "zzz-ats.iot.eu-west-1.example.tes", NULL },
    { "nothing", "", NULL },
    { "no address", "127.0.0.256", NULL },
};

static void belongs(void **state)
{
    const struct row *row = *state;
    struct host_owner owner;
    struct hosts *hosts = hosts_new("example.test", "000000000001", others, sizeof(others) / sizeof(*others));
    assert_int_equal(hosts_find(hosts, slice_of(row->host), &owner), row->account != NULL);
    if (row->account != NULL)
        assert_string_equal(owner.account, row->account);
    if (row->account != NULL)
        assert_int_equal(owner.is_credentials, strstr(row->host, ".credentials.") != NULL);
    hosts_drop(hosts);
}

static const struct odd_row {
    const char *name;
    slice host;
} odd[] = {
    { "a NUL inside", { "localhost\0x", 11 } },
    { "256 bytes",
      { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        256 } },
};

static void is_nobodys(void **state)
{
    const struct odd_row *row = *state;
    struct host_owner owner;
    struct hosts *hosts = hosts_new("localhost", NULL, NULL, 0);
    assert_false(hosts_find(hosts, row->host, &owner));
    assert_true(hosts_find(hosts, SLICE("localhost"), &owner));
    assert_null(owner.account); /* no default account: the certificate decides */
    hosts_drop(hosts);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, belongs), TABLE(odd, is_nobodys));
}
