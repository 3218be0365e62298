/* muster.conf: what is taken, and how every fault is named with its line. */
#include "server/server.h"
#include "base/memory.h"
#include "table.h"
#include <unistd.h>

static const struct row {
    const char *name, *text;
    const char *refusal; /* after "PATH, line N: "; NULL: taken */
    int line;
} rows[] = {
    { "an empty file is all defaults", "", NULL, 0 },
    { "a comment and a setting", "# why\nmqtt_port = 1883;\n", NULL, 0 },
    { "a list of addresses", "listen = [ \"127.0.0.1\", \"::1\" ];", NULL, 0 },
    { "no such setting", "mqtt_port = 1883;\nmqtt_prt = 8883;\n", "mqtt_prt: there is no such setting.", 2 },
    { "a text where a number belongs", "mqtt_port = \"8883\";", "mqtt_port: a whole number is wanted.", 1 },
    { "a port past the last", "\n\nmqtt_port = 65536;", "mqtt_port: 65536 is not between 1 and 65535.", 3 },
    { "port zero", "https_port = 0;", "https_port: 0 is not between 1 and 65535.", 1 },
    { "a number where a text belongs", "domain = 5;", "domain: a text in quotes is wanted.", 1 },
    { "a domain that is none", "domain = \"a b\";",
      "domain: only letters, digits, '.' and '-' are allowed, 253 at most.", 1 },
    { "a format that is none", "log_format = \"xml\";", "log_format: \"xml\" is none of: text json.", 1 },
    { "a flag that is none", "enforce_iam = \"yes\";", "enforce_iam: true or false is wanted.", 1 },
    { "an address that is no text", "listen = [ 1, 2 ];", "listen: an address is a text in quotes.", 1 },
    { "no list", "listen = \"0.0.0.0\";", "listen: a list of addresses is wanted, such as [ \"127.0.0.1\" ].", 1 },
    { "issuers",
      "issuers = ( { issuer = \"https://id.example/a\"; jwks_file = \"/k.json\"; },\n"
      " { issuer = \"https://b\"; jwks_uri = \"https://b/k\"; ca_file = \"/ca.pem\"; } );",
      NULL, 0 },
    { "no issuers", "issuers = ( );", NULL, 0 },
    { "issuers that are texts", "issuers = ( \"https://a\" );", "issuers: each group names its issuer.", 1 },
    { "issuers in brackets", "issuers = [ \"https://a\" ];",
      "issuers: a list of groups is wanted, such as ( { issuer = \"https://id.example\"; } ).", 1 },
    { "an issuer without a name", "issuers = ( { jwks_file = \"/k\"; } );", "issuers: each group names its issuer.",
      1 },
    { "an issuer without a scheme", "issuers = (\n{ issuer = \"id.example\"; } );",
      "issuer: a text that begins with https:// is wanted.", 2 },
    { "a file by a relative path", "issuers = ( { issuer = \"https://a\"; jwks_file = \"k\"; } );",
      "jwks_file: a text that begins with / is wanted.", 1 },
    { "an issuer's foreign member", "issuers = ( { issuer = \"https://a\"; jwks = \"k\"; } );",
      "jwks: an issuer has issuer, jwks_file, jwks_uri and ca_file, and nothing else.", 1 },
    { "broken grammar", "mqtt_port = 1883;\nhttps_port = ;\n", "syntax error.", 2 },
};

static void is_read_or_refused(void **state)
{
    const struct row *row = *state;
    void *ctx = talloc_new(NULL);
    char path[] = "/tmp/muster-conf-XXXXXX";
    int file = mkstemp(path);
    struct configuration *configuration;
    assert_int_equal(write(file, row->text, strlen(row->text)), strlen(row->text));
    close(file);
    error *e = configuration_read(ctx, path, &configuration);
    unlink(path);
    if (row->refusal == NULL) {
        assert_null(e);
    } else {
        assert_non_null(e);
        assert_string_equal(e->message, text_format(ctx, "%s, line %d: %s", path, row->line, row->refusal));
    }
    talloc_free(ctx);
}

/* What init writes is what the server reads. */
static void a_written_configuration_reads_back(void **state)
{
    (void)state;
    void *ctx = talloc_new(NULL);
    char path[] = "/tmp/muster-conf-XXXXXX";
    struct configuration *written = configuration_default(ctx), *read;
    written->mqtt_port = 1;
    written->domain = "muster.example";
    written->allow_unrevoke = true;
    written->log_format = "json";
    const char *text = configuration_text(ctx, written);
    int file = mkstemp(path);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
    assert_null(configuration_read(ctx, path, &read));
    unlink(path);
    assert_int_equal(read->mqtt_port, 1);
    assert_int_equal(read->https_port, written->https_port);
    assert_string_equal(read->domain, "muster.example");
    assert_true(read->allow_unrevoke);
    assert_true(read->enforce_iam);
    assert_string_equal(read->log_format, "json");
    talloc_free(ctx);
}

int main(void)
{
    static const struct CMUnitTest more[] = { cmocka_unit_test(a_written_configuration_reads_back) };
    return RUN_TABLE(rows, is_read_or_refused) + cmocka_run_group_tests(more, NULL, NULL);
}
