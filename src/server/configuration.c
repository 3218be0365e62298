/* configuration.c - muster.conf: one table of settings, read with libconfig; every fault has a file, a line, a reason. */
#include "server/server.h"
#include "base/bytes.h"
#include "sts/sts.h"
#include <libconfig.h>
#include <stdio.h>

enum kind { TEXT, INTEGER, FLAG, CHOICE };

static const struct setting {
    const char *name;
    enum kind kind;
    size_t offset;
    int low, high;       /* INTEGER */
    const char *choices; /* CHOICE: "text json" */
    const char *comment;
} settings[] = {
#define AT(member) offsetof(struct configuration, member)
    { "region", TEXT, AT(region), 0, 0, NULL, "The region in ARNs and signatures." },
    { "domain", TEXT, AT(domain), 0, 0, NULL,
      "The name clients dial; it stands for the default account. Other accounts: <prefix>-ats.iot.<region>.<domain>." },
    { "mqtt_port", INTEGER, AT(mqtt_port), 1, 65535, NULL, "MQTT with client certificates (AWS: 8883)." },
    { "https_port", INTEGER, AT(https_port), 1, 65535, NULL,
      "The API, and by ALPN x-amzn-mqtt-ca MQTT with client certificates (AWS: 443)." },
    { "device_https_port", INTEGER, AT(device_https_port), 1, 65535, NULL,
      "HTTPS with client certificates (AWS: 8443)." },
    { "metrics_port", INTEGER, AT(metrics_port), 1, 65535, NULL, "Metrics and health, plain, on loopback only." },
    { "loops", INTEGER, AT(loops), 0, 256, NULL, "Event loops; 0: one for each core." },
    { "workers", INTEGER, AT(workers), 0, 256, NULL, "Worker threads; 0: twice the cores, at least 4." },
    { "key_pool", INTEGER, AT(key_pool), 1, 100000, NULL, "RSA-2048 key pairs kept ready." },
    { "connection_limit", INTEGER, AT(connection_limit), 1, 10000000, NULL, "Connections at most." },
    { "session_expiry_max_s", INTEGER, AT(session_expiry_max_s), 1, 604800, NULL,
      "How long a persistent MQTT session may outlive its connection, in seconds." },
    { "thing_type_delete_delay_s", INTEGER, AT(thing_type_delete_delay_s), 0, 86400, NULL,
      "How long a thing type stays deprecated before it can be deleted, in seconds." },
    { "transfer_expiry_days", INTEGER, AT(transfer_expiry_days), 0, 3650, NULL,
      "After how many days a certificate's transfer that nobody answered is cancelled; 0: never." },
    { "log_format", CHOICE, AT(log_format), 0, 0, "text json", "text or json; one line an event, on standard error." },
    { "log_level", CHOICE, AT(log_level), 0, 0, "debug info warn error", "debug, info, warn or error." },
    { "audit_days", INTEGER, AT(audit_days), 0, 36500, NULL, "How many days of DIR/audit are kept; 0: all of them." },
    { "enforce_iam", FLAG, AT(enforce_iam), 0, 0, NULL, "Whether IAM policies decide who may call what." },
    { "allow_unrevoke", FLAG, AT(allow_unrevoke), 0, 0, NULL,
      "Whether a REVOKED certificate may be given another status." },
    { "jitp_hold", FLAG, AT(jitp_hold), 0, 0, NULL,
      "Whether a device that a CA's template provisions is held until that is done, so that its first connect "
      "succeeds." },
    { "default_account_without_sni", FLAG, AT(default_account_without_sni), 0, 0, NULL,
      "Whether devices that name no host, and that no account has in DEFAULT mode, belong to the default account." },
    { "allow_insecure_issuer", FLAG, AT(allow_insecure_issuer), 0, 0, NULL,
      "Whether issuers of tokens on loopback may speak plain http: for trying things out." },
};
enum { SETTINGS = sizeof(settings) / sizeof(*settings) };

struct configuration *configuration_default(void *ctx)
{
    struct configuration *configuration = MAKE(ctx, struct configuration);
    *configuration = (struct configuration){
        .region = "us-east-1",
        .domain = "localhost",
        .mqtt_port = 8883,
        .https_port = 9443,
        .device_https_port = 8443,
        .metrics_port = 9100,
        .key_pool = 64,
        .connection_limit = 20000,
        .session_expiry_max_s = 3600,
        .thing_type_delete_delay_s = 300,
        .audit_days = 90,
        .log_format = "text",
        .log_level = "info",
        .enforce_iam = true,
    };
    return configuration;
}

bool configuration_is_name(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    size_t length = strlen(text);
    return length >= 1 && length <= 253 && strspn(text, allowed) == length;
}

/* ---- reading ---- */

struct reading {
    void *ctx;
    const char *path;
    struct configuration *out;
};

static error *fault(struct reading *reading, const config_setting_t *at, const char *reason)
{
    return error_new(reading->ctx, "InvalidConfiguration", "%s, line %u: %s: %s", reading->path,
                     config_setting_source_line(at), config_setting_name(at), reason);
}

static FALLIBLE read_integer(struct reading *reading, const struct setting *setting, const config_setting_t *at)
{
    int value = config_setting_get_int(at);
    if (config_setting_type(at) != CONFIG_TYPE_INT)
        return fault(reading, at, "a whole number is wanted.");
    if (value < setting->low || value > setting->high)
        return fault(reading, at,
                     text_format(reading->ctx, "%d is not between %d and %d.", value, setting->low, setting->high));
    *(int *)((char *)reading->out + setting->offset) = value;
    return NULL;
}

static FALLIBLE read_flag(struct reading *reading, const struct setting *setting, const config_setting_t *at)
{
    if (config_setting_type(at) != CONFIG_TYPE_BOOL)
        return fault(reading, at, "true or false is wanted.");
    *(bool *)((char *)reading->out + setting->offset) = config_setting_get_bool(at) != 0;
    return NULL;
}

static bool is_choice(const char *choices, const char *text)
{
    slice rest = slice_of(choices), choice;
    while (slice_split(&rest, ' ', &choice))
        if (slice_is(choice, text))
            return true;
    return false;
}

static FALLIBLE read_text(struct reading *reading, const struct setting *setting, const config_setting_t *at)
{
    const char *text = config_setting_get_string(at);
    if (text == NULL || *text == '\0')
        return fault(reading, at, "a text in quotes is wanted.");
    if (setting->kind == CHOICE && !is_choice(setting->choices, text))
        return fault(reading, at, text_format(reading->ctx, "\"%s\" is none of: %s.", text, setting->choices));
    if (!configuration_is_name(text))
        return fault(reading, at, "only letters, digits, '.' and '-' are allowed, 253 at most.");
    *(const char **)((char *)reading->out + setting->offset) = text_copy(reading->out, text);
    return NULL;
}

static FALLIBLE read_listen(struct reading *reading, config_setting_t *at)
{
    if (!config_setting_is_array(at) && !config_setting_is_list(at))
        return fault(reading, at, "a list of addresses is wanted, such as [ \"127.0.0.1\" ].");
    for (int i = 0; i < config_setting_length(at); i++) {
        const char *address = config_setting_get_string_elem(at, i);
        if (address == NULL)
            return fault(reading, at, "an address is a text in quotes.");
        *ARRAY_ADD(reading->out, reading->out->listen, reading->out->listen_count) = text_copy(reading->out, address);
    }
    return NULL;
}

/* ---- issuers of tokens (auth 3.5.5) ---- */

static const struct issuer_member {
    const char *name, *start, *alternate; /* what its text begins with */
    size_t offset;
} issuer_members[] = {
    { "issuer", "https://", "http://", offsetof(struct issuer_setting, issuer) },
    { "jwks_file", "/", NULL, offsetof(struct issuer_setting, jwks_file) },
    { "jwks_uri", "https://", "http://", offsetof(struct issuer_setting, jwks_uri) },
    { "ca_file", "/", NULL, offsetof(struct issuer_setting, ca_file) },
};

static FALLIBLE read_issuer_member(struct reading *reading, config_setting_t *at, struct issuer_setting *out)
{
    const char *text = config_setting_get_string(at), *name = config_setting_name(at);
    for (size_t i = 0; i < sizeof(issuer_members) / sizeof(*issuer_members); i++) {
        const struct issuer_member *member = &issuer_members[i];
        if (strcmp(member->name, name) != 0)
            continue;
        if (text == NULL || !(slice_starts(slice_of(text), member->start) ||
                              (member->alternate && slice_starts(slice_of(text), member->alternate))))
            return fault(reading, at,
                         text_format(reading->ctx, "a text that begins with %s is wanted.", member->start));
        *(const char **)((char *)out + member->offset) = text_copy(reading->out, text);
        return NULL;
    }
    return fault(reading, at, "an issuer has issuer, jwks_file, jwks_uri and ca_file, and nothing else.");
}

static FALLIBLE read_issuers(struct reading *reading, config_setting_t *at)
{
    if (!config_setting_is_list(at))
        return fault(reading, at, "a list of groups is wanted, such as ( { issuer = \"https://id.example\"; } ).");
    for (int i = 0; i < config_setting_length(at); i++) {
        config_setting_t *group = config_setting_get_elem(at, (unsigned)i);
        struct issuer_setting *issuer = ARRAY_ADD(reading->out, reading->out->issuers, reading->out->issuer_count);
        for (int k = 0; config_setting_is_group(group) && k < config_setting_length(group); k++)
            TRY(read_issuer_member(reading, config_setting_get_elem(group, (unsigned)k), issuer));
        if (issuer->issuer == NULL)
            return fault(reading, at, "each group names its issuer.");
    }
    return NULL;
}

static FALLIBLE read_setting(struct reading *reading, config_setting_t *at)
{
    static error *(*const readers[])(struct reading *, const struct setting *, const config_setting_t *) = {
        [TEXT] = read_text, [INTEGER] = read_integer, [FLAG] = read_flag, [CHOICE] = read_text
    };
    if (strcmp(config_setting_name(at), "listen") == 0)
        return read_listen(reading, at);
    if (strcmp(config_setting_name(at), "issuers") == 0)
        return read_issuers(reading, at);
    for (size_t i = 0; i < SETTINGS; i++)
        if (strcmp(settings[i].name, config_setting_name(at)) == 0)
            return readers[settings[i].kind](reading, &settings[i], at);
    return fault(reading, at, "there is no such setting.");
}

static FALLIBLE read_file(struct reading *reading, config_t *file)
{
    if (config_read_file(file, reading->path) != CONFIG_TRUE) {
        if (config_error_type(file) == CONFIG_ERR_FILE_IO)
            return error_new(reading->ctx, "InvalidConfiguration", "%s cannot be read.", reading->path);
        return error_new(reading->ctx, "InvalidConfiguration", "%s, line %d: %s.", reading->path,
                         config_error_line(file), config_error_text(file));
    }
    config_setting_t *root = config_root_setting(file);
    for (int i = 0; i < config_setting_length(root); i++)
        TRY(read_setting(reading, config_setting_get_elem(root, (unsigned)i)));
    return NULL;
}

FALLIBLE configuration_read(void *ctx, const char *path, struct configuration **out)
{
    struct reading reading = { .ctx = ctx, .path = path, .out = configuration_default(ctx) };
    config_t file;
    config_init(&file);
    error *e = read_file(&reading, &file);
    config_destroy(&file);
    *out = reading.out;
    return e;
}

/* ---- writing ---- */

static void write_setting(writer *out, const struct setting *setting, const struct configuration *configuration)
{
    const char *at = (const char *)configuration + setting->offset;
    writer_format(out, "# %s\n%s = ", setting->comment, setting->name);
    switch (setting->kind) {
    case INTEGER:
        writer_format(out, "%d;\n\n", *(const int *)at);
        break;
    case FLAG:
        writer_format(out, "%s;\n\n", *(const bool *)at ? "true" : "false");
        break;
    default:
        writer_format(out, "\"%s\";\n\n", *(const char *const *)at);
    }
}

const char *configuration_text(void *ctx, const struct configuration *configuration)
{
    writer out = writer_new(ctx, 65536);
    writer_text(&out, "# muster.conf - read by musterd when it starts.\n\n");
    for (size_t i = 0; i < SETTINGS; i++)
        write_setting(&out, &settings[i], configuration);
    writer_text(
        &out,
        "# Numeric addresses to listen on; without this line loopback only. All of IPv4:\n"
        "# listen = [ \"0.0.0.0\" ];\n\n"
        "# Issuers of tokens whose keys are not found by their URL and the system's authorities alone:\n"
        "# issuers = ( { issuer = \"https://id.example/realms/plant\"; ca_file = \"/etc/muster/id-ca.pem\"; },\n"
        "#             { issuer = \"https://other.example\"; jwks_file = \"/etc/muster/other-keys.json\"; } );\n");
    return writer_finish(&out);
}
