/* create.c - the first account: its administrator with one key, and a role for templates to name
   (shared decisions: muster init makes MusterProvisioning). */
#include "account/account.h"
#include "base/random.h"
#include "sigv4/sigv4.h"

static const char provisioning_trust[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
    "\"Principal\":{\"Service\":\"iot.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}";

static FALLIBLE attach(struct tx *tx, const char *account, const char *kind, const char *name, const char *policy_arn)
{
    return store_run(tx, NULL,
                     "INSERT INTO iam_attached_policy (account, owner_kind, owner_name, policy_arn) "
                     "VALUES (?, ?, ?, ?)",
                     ARGS(sql_text(account), sql_text(kind), sql_text(name), sql_text(policy_arn)));
}

static int wipe_key(struct account_key *key)
{
    secret_wipe((void *)(uintptr_t)key->secret.at, key->secret.length);
    return 0;
}

FALLIBLE account_make_key(struct tx *tx, void *ctx, const struct master_key *master, const char *account,
                          const char *user_name, int64_t now_ms, struct account_key **out)
{
    struct account_key *key = *out = MAKE(ctx, struct account_key);
    key->id = sigv4_access_key_id(key, "AKIA", account);
    key->secret = slice_of(random_text(key, 40, ALPHABET_BASE64));
    talloc_set_destructor(key, wipe_key);
    slice sealed = master_key_seal(key, master, text_format(key, "access-key:%s", key->id), key->secret);
    return store_run(
        tx, NULL,
        "INSERT INTO iam_access_key (id, account, user_name, secret_sealed, status, created) "
        "VALUES (?, ?, ?, ?, 'Active', ?)",
        ARGS(sql_text(key->id), sql_text(account), sql_text(user_name), sql_blob(sealed), sql_integer(now_ms)));
}

static FALLIBLE create_administrator(struct tx *tx, void *ctx, const struct master_key *master, const char *account,
                                     int64_t now_ms, struct account_made *out)
{
    struct account_key *key;
    const char *id = text_format(ctx, "AIDA%s", random_text(ctx, 17, ALPHABET_ID));
    TRY(store_run(tx, NULL, "INSERT INTO iam_user (account, name, path, id, created) VALUES (?, 'admin', '/', ?, ?)",
                  ARGS(sql_text(account), sql_text(id), sql_integer(now_ms))));
    TRY(attach(tx, account, "user", "admin", "arn:aws:iam::aws:policy/AdministratorAccess"));
    TRY(account_make_key(tx, ctx, master, account, "admin", now_ms, &key));
    out->user_arn = text_format(ctx, "arn:aws:iam::%s:user/admin", account);
    out->access_key_id = key->id;
    out->secret = key->secret;
    return NULL;
}

static FALLIBLE create_provisioning_role(struct tx *tx, void *ctx, const char *account, int64_t now_ms,
                                         struct account_made *out)
{
    const char *id = text_format(ctx, "AROA%s", random_text(ctx, 17, ALPHABET_ID));
    out->provisioning_role_arn = text_format(ctx, "arn:aws:iam::%s:role/MusterProvisioning", account);
    TRY(store_run(tx, NULL,
                  "INSERT INTO iam_role (account, name, path, id, trust, description, max_session_s, created) "
                  "VALUES (?, 'MusterProvisioning', '/', ?, ?, 'For provisioning templates', 3600, ?)",
                  ARGS(sql_text(account), sql_text(id), sql_text(provisioning_trust), sql_integer(now_ms))));
    return attach(tx, account, "role", "MusterProvisioning",
                  "arn:aws:iam::aws:policy/service-role/AWSIoTThingsRegistration");
}

static bool is_account_id(const char *id)
{
    return strlen(id) == 12 && strspn(id, "0123456789") == 12;
}

FALLIBLE account_create(struct tx *tx, void *ctx, const struct master_key *master, const char *id, const char *region,
                        bool is_default, int64_t now_ms, struct account_made *out)
{
    int64_t made;
    const char *prefix;
    if (!is_account_id(id))
        return error_new(ctx, "InvalidAccount", "account: \"%s\" is not 12 digits.", id);
    TRY(store_run(tx, &made, "INSERT INTO account (id, is_default, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                  ARGS(sql_text(id), sql_integer(is_default), sql_integer(now_ms))));
    if (made == 0)
        return error_new(ctx, "InvalidAccount", "account: %s exists already.", id);
    TRY(account_endpoint_prefix(tx, ctx, id, region, "data", &prefix));
    TRY(create_administrator(tx, ctx, master, id, now_ms, out));
    TRY(create_provisioning_role(tx, ctx, id, now_ms, out));
    return change_log(tx, id, region, "account", id, "CREATED", NULL);
}
