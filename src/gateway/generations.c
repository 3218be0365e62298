/* generations.c - which counters a row of the change log moves. */
#include "gateway/generations.h"
#include "base/encode.h"
#include "base/secret.h"

enum { STRIPES = 4096, CERTIFICATE_ID = 64 };

struct generations {
    uint64_t certificates[STRIPES], accounts[STRIPES];
    uint64_t any_account, keys;
};

/* What a change may concern. A kind of NULL is any; the first row that fits counts. What has no row concerns
   everything: a change that is forgotten here costs reads, not safety. */
enum concern { NOTHING, CERTIFICATE, ACCOUNT, KEYS, EVERYTHING };
static const struct row {
    const char *what, *kind;
    enum concern concern;
} rows[] = {
    /* Nothing that was read before can hold what did not exist: an attachment is a change of its own. */
    { "certificate", "CREATED", NOTHING },
    { "thing", "CREATED", NOTHING },
    { "thing-group", "CREATED", NOTHING },
    { "thing-group", "UPDATED", NOTHING },
    { "billing-group", NULL, NOTHING },
    { "resource-tag", NULL, NOTHING },
    { "policy", "CREATED", NOTHING },
    { "policy-version", NULL, NOTHING },
    { "thing-type", NULL, NOTHING },
    { "template", NULL, NOTHING },
    { "endpoint", NULL, NOTHING },
    { "oidc-provider", NULL, NOTHING }, /* sessions that its tokens brought outlive it */
    { "event-configuration", NULL, NOTHING },
    { "role-alias", NULL, NOTHING },
    { "ca-certificate", NULL, NOTHING }, /* nor does a CA decide on what is registered */
    { "registration-code", NULL, NOTHING },
    { "certificate", NULL, CERTIFICATE },
    { "thing-principal", NULL, CERTIFICATE },
    { "policy-target", NULL, CERTIFICATE },
    { "policy", NULL, ACCOUNT },
    { "thing", NULL, ACCOUNT },
    { "thing-group", NULL, ACCOUNT },
    { "thing-group-member", NULL, ACCOUNT },
    { "account", NULL, KEYS },
    { "iam", NULL, KEYS },
};

struct generations *generations_new(void *ctx)
{
    return MAKE(ctx, struct generations);
}

static size_t stripe(const char *text)
{
    return hash_keyed(slice_of(text)) % STRIPES;
}

static uint64_t value_of(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_SEQ_CST);
}

static void move(uint64_t *counter)
{
    __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

struct generation generation_of_principal(const struct generations *generations, const char *account,
                                          const char *certificate_id)
{
    return (struct generation){ .of_certificate = value_of(&generations->certificates[stripe(certificate_id)]),
                                .of_account = value_of(account ? &generations->accounts[stripe(account)]
                                                               : &generations->any_account) };
}

struct generation generation_of_keys(const struct generations *generations)
{
    return (struct generation){ .of_account = value_of(&generations->keys) };
}

bool generation_same(struct generation a, struct generation b)
{
    return a.of_certificate == b.of_certificate && a.of_account == b.of_account;
}

static enum concern concern_of(const struct change *change)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].what, change->what) == 0 &&
            (rows[i].kind == NULL || (change->kind != NULL && strcmp(rows[i].kind, change->kind) == 0)))
            return rows[i].concern;
    return EVERYTHING;
}

/* The id at the end of a key: "64 hex" or "arn:...:cert/64 hex". NULL: it names no certificate, but a group, say. */
static const char *certificate_in(const char *key)
{
    size_t length = key ? strlen(key) : 0;
    if (length < CERTIFICATE_ID)
        return NULL;
    const char *id = key + length - CERTIFICATE_ID;
    if (id != key && id[-1] != '/')
        return NULL;
    return hex_is(slice_of(id), CERTIFICATE_ID) ? id : NULL;
}

static void move_account(struct generations *generations, const char *account)
{
    if (account != NULL)
        move(&generations->accounts[stripe(account)]);
    move(&generations->any_account);
}

void generations_move(struct generations *generations, const struct change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum concern concern = concern_of(&changes[i]);
        const char *certificate = concern == CERTIFICATE ? certificate_in(changes[i].key) : NULL;
        if (certificate != NULL)
            move(&generations->certificates[stripe(certificate)]);
        else if (concern != NOTHING && concern != KEYS)
            move_account(generations, changes[i].account);
        if (concern == KEYS || concern == EVERYTHING)
            move(&generations->keys);
    }
}
