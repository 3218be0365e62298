/* principal.c - who a connecting device is, read in one snapshot (x509.md 4.8; broker.md 4.11). */
#include "certificate/inner.h"

/* ---- may the certificate connect? ---- */

static const struct refusal {
    const char *status, *rule, *text;
} refusals[] = {
    { "INACTIVE", "DEVICE_CERTIFICATE_INACTIVE", "is INACTIVE; activate it with update-certificate" },
    { "REVOKED", "DEVICE_CERTIFICATE_REVOKED", "is REVOKED; the device needs a new certificate" },
    { "PENDING_ACTIVATION", "DEVICE_CERTIFICATE_PENDING_ACTIVATION",
      "is PENDING_ACTIVATION; it is activated by RegisterThing or update-certificate" },
    { "PENDING_TRANSFER", "DEVICE_CERTIFICATE_PENDING_TRANSFER", "is PENDING_TRANSFER between two accounts" },
};

static FALLIBLE may_connect(void *ctx, const struct certificate *certificate, int64_t now_s)
{
    if (now_s > certificate->not_after_s)
        return error_new(ctx, "DEVICE_CERTIFICATE_EXPIRED", "Certificate %s has expired.", certificate->id);
    if (now_s < certificate->not_before_s)
        return error_new(ctx, "DEVICE_CERTIFICATE_NOT_YET_VALID", "Certificate %s is not yet valid; is a clock wrong?",
                         certificate->id);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
        if (strcmp(certificate->status, refusals[i].status) == 0)
            return error_new(ctx, refusals[i].rule, "Certificate %s %s.", certificate->id, refusals[i].text);
    return NULL;
}

/* ---- policies: the certificate's own, and those of its thing's groups and their ancestors ---- */

struct gathering {
    struct principal *principal;
    struct principal_policy *policies;
    size_t count;
    bool wants_facts;
    const char *account, *region;
};

/* Names of variables compare without regard to case, and JSON can spell any letter as an escape. */
static bool may_ask_for_facts(slice document)
{
    static const char name[] = "iot:Certificate";
    for (slice rest = document; rest.length > 0; rest = slice_from(rest, 1))
        if ((rest.length >= sizeof(name) - 1 && strncasecmp(rest.at, name, sizeof(name) - 1) == 0) ||
            slice_starts(rest, "\\u"))
            return true;
    return false;
}

static FALLIBLE add_policy(const struct row *row, void *arg)
{
    struct gathering *into = arg;
    slice name = row_slice(row, 0), document = row_slice(row, 1);
    struct policy *policy;
    for (size_t i = 0; i < into->count; i++)
        if (slice_is(name, into->policies[i].name))
            return NULL;
    TRY(policy_parse(into->principal, document, POLICY_IOT, &policy));
    policy_set_name(policy, name);
    struct principal_policy *added = ARRAY_ADD(into->principal, into->policies, into->count);
    added->name = slice_text(into->principal, name);
    added->arn = text_format(into->principal, "arn:aws:iot:%s:%s:policy/%s", into->region, into->account, added->name);
    added->policy = policy;
    into->wants_facts = into->wants_facts || may_ask_for_facts(document);
    return NULL;
}

/* ---- the thing, as policy variables see it ---- */

static const struct principal_thing *thing_facts(struct principal *principal, const struct thing *thing, bool exclusive)
{
    struct principal_thing *facts = MAKE(principal, struct principal_thing);
    size_t count = (size_t)json_object_object_length(thing->attributes), i = 0;
    facts->name = text_copy(facts, thing->name);
    facts->type_name = thing->type_name ? text_copy(facts, thing->type_name) : NULL;
    facts->exclusive = exclusive;
    facts->attribute_count = count;
    facts->attribute_names = MAKE_ARRAY(facts, const char *, count);
    facts->attribute_values = MAKE_ARRAY(facts, const char *, count);
    json_object_object_foreach (thing->attributes, name, value) {
        facts->attribute_names[i] = text_copy(facts, name);
        facts->attribute_values[i++] = slice_text(facts, json_text(value));
    }
    return facts;
}

/* ---- certificate variables, only for policies that ask ---- */

static void list_values(void *ctx, struct principal_fact *fact)
{
    slice *list = MAKE_ARRAY(ctx, slice, PRINCIPAL_FACT_VALUES_MAX);
    for (size_t i = 0; i < fact->value_count && i < PRINCIPAL_FACT_VALUES_MAX; i++)
        if (policy_certificate_value_ok(slice_of(fact->values[i])))
            list[fact->list_count++] = slice_of(fact->values[i]);
    fact->list = list;
}

FALLIBLE certificate_fill_facts(struct principal *principal, const char *pem)
{
    struct pki_certificate_info *info;
    TRY(pki_certificate_parse(principal, slice_of(pem), &info));
    struct principal_fact *facts = MAKE_ARRAY(principal, struct principal_fact, info->attribute_count);
    for (size_t i = 0; i < info->attribute_count; i++) {
        facts[i] = (struct principal_fact){ .name = info->attributes[i].name,
                                            .value_count = info->attributes[i].value_count,
                                            .values = info->attributes[i].values };
        list_values(principal, &facts[i]);
    }
    principal->facts = facts;
    principal->fact_count = info->attribute_count;
    return NULL;
}

/* ---- account: by host, else by the one DEFAULT registration in the region ---- */

static FALLIBLE account_of(struct tx *tx, void *ctx, const char *region, const char *id, const char **account)
{
    struct row *row;
    if (*account != NULL)
        return NULL;
    TRY(store_find(tx, ctx, &row,
                   "SELECT account FROM certificate WHERE region = ? AND id = ? AND mode = 'DEFAULT' LIMIT 1",
                   ARGS(sql_text(region), sql_text(id))));
    *account = row ? row_text(ctx, row, 0) : "";
    return NULL;
}

FALLIBLE certificate_fill_principal(struct tx *tx, struct principal *principal, const struct certificate *certificate,
                                    slice client_id)
{
    struct thing *thing;
    bool exclusive;
    struct gathering policies = { .principal = principal, .account = principal->account, .region = principal->region };
    TRY(registry_thing_of_connection(tx, principal, principal->account, principal->region, principal->arn, client_id,
                                     &thing, &exclusive));
    if (thing != NULL)
        principal->thing = thing_facts(principal, thing, exclusive);
    TRY(certificate_each_policy(tx,
                                &(struct policy_source){ .account = principal->account,
                                                         .region = principal->region,
                                                         .target = principal->arn,
                                                         .thing = thing ? thing->name : NULL },
                                add_policy, &policies));
    principal->policies = policies.policies;
    principal->policy_count = policies.count;
    return policies.wants_facts && certificate ? certificate_fill_facts(principal, certificate->pem) : NULL;
}

FALLIBLE certificate_load_principal(struct tx *tx, void *ctx, const char *account, const char *region,
                                    const char *certificate_id, slice client_id, int64_t now_s, struct principal **out)
{
    struct certificate *certificate;
    *out = NULL;
    if (certificate_id == NULL)
        return error_new(ctx, "NOT_AUTHENTICATED", "The client showed no certificate.");
    TRY(account_of(tx, ctx, region, certificate_id, &account));
    TRY(certificate_find(tx, ctx, account, region, certificate_id, &certificate));
    if (certificate == NULL)
        return error_new(ctx, "DEVICE_CERTIFICATE_NOT_REGISTERED",
                         "Certificate %s is not registered in account %s and region %s.", certificate_id,
                         *account ? account : "(no SNI, and none has it in DEFAULT mode)", region);
    TRY(may_connect(ctx, certificate, now_s));

    struct principal *principal = principal_new();
    principal->account = text_copy(principal, account);
    principal->region = text_copy(principal, region);
    principal->id = text_copy(principal, certificate_id);
    principal->arn = text_format(principal, "arn:aws:iot:%s:%s:cert/%s", region, account, certificate_id);
    principal->expires_s = certificate->not_after_s;
    error *e = certificate_fill_principal(tx, principal, certificate, client_id);
    if (e != NULL) {
        e = error_new(ctx, e->name, "%s", e->message); /* the error hangs off what is dropped now */
        principal_drop(principal);
        return e;
    }
    *out = principal;
    return NULL;
}
