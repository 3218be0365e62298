/* principal.c - the Principal element of trust and resource policies (auth 4.2.3). */
#include "policy/compiled.h"

static bool all_of(slice text, const char *from, const char *to, const char *more)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        bool ranged = false;
        for (size_t r = 0; from[r] != 0; r++)
            ranged |= c >= from[r] && c <= to[r];
        if (!ranged && (c == 0 || strchr(more, c) == NULL))
            return false;
    }
    return true;
}

static bool is_account(slice text)
{
    return text.length == 12 && all_of(text, "0", "9", "");
}

static bool is_unique_id(slice text)
{
    return (slice_starts(text, "AIDA") || slice_starts(text, "AROA")) && text.length >= 16 && text.length <= 128 &&
           all_of(text, "A0", "Z9", "");
}

static bool has_name(slice text, const char *prefix)
{
    return slice_starts(text, prefix) && text.length > strlen(prefix);
}

/* A session's ARN has two names: arn:aws:sts::A:assumed-role/R/S. */
static bool is_session(slice resource)
{
    if (!has_name(resource, "assumed-role/"))
        return has_name(resource, "federated-user/");
    slice names = slice_from(resource, strlen("assumed-role/")), role;
    return slice_split(&names, '/', &role) && role.length > 0 && names.length > 0;
}

static bool is_iam_arn(const struct arn *arn)
{
    return arn->complete && slice_is(arn->part[0], "arn") && slice_starts(arn->part[1], "aws") &&
           arn->part[3].length == 0 && is_account(arn->part[4]);
}

static bool is_user_or_role(slice resource)
{
    return has_name(resource, "user/") || has_name(resource, "role/");
}

static bool compile_aws(struct principal *out)
{
    struct arn arn = arn_of(out->text);
    bool iam = is_iam_arn(&arn) && slice_is(arn.part[2], "iam"), sts = is_iam_arn(&arn) && slice_is(arn.part[2], "sts");

    if (slice_is(out->text, "*")) {
        out->type = PRINCIPAL_ANYONE;
    } else if (is_account(out->text)) {
        out->type = PRINCIPAL_ACCOUNT;
    } else if (is_unique_id(out->text)) {
        out->type = PRINCIPAL_ID;
    } else if (iam && slice_is(arn.part[5], "root")) {
        out->type = PRINCIPAL_ACCOUNT;
        out->text = arn.part[4];
    } else {
        out->type = PRINCIPAL_ARN;
        return (iam && is_user_or_role(arn.part[5])) || (sts && is_session(arn.part[5]));
    }
    return true;
}

static bool is_host(slice text, const char *more)
{
    return all_of(text, "aA0", "zZ9", more) && memchr(text.at, '.', text.length) != NULL;
}

static bool compile_service(struct principal *out)
{
    out->type = PRINCIPAL_SERVICE;
    return is_host(out->text, ".-");
}

/* A host name, or arn:aws:iam::A:oidc-provider/HOST/PATH, or a saml-provider. */
static bool compile_federated(struct principal *out)
{
    struct arn arn = arn_of(out->text);
    bool is_provider = is_iam_arn(&arn) && slice_is(arn.part[2], "iam") &&
                       (has_name(arn.part[5], "oidc-provider/") || has_name(arn.part[5], "saml-provider/"));
    out->type = PRINCIPAL_FEDERATED;
    return is_provider || is_host(out->text, ".-/");
}

const char *principal_compile(void *ctx, slice type, slice text, struct principal *out)
{
    static const struct {
        const char *type, *shown; /* as the document spells it, and as the error does */
        bool (*compile)(struct principal *out);
    } types[] = { { "AWS", "AWS", compile_aws },
                  { "Service", "SERVICE", compile_service },
                  { "Federated", "FEDERATED", compile_federated } };

    *out = (struct principal){ .text = slice_copy(ctx, text) };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (!slice_is(type, types[i].type))
            continue;
        bool good = text.length > 0 && types[i].compile(out);
        bool wild = text.length > 0 && (memchr(text.at, '*', text.length) || memchr(text.at, '?', text.length));
        return good && (!wild || out->type == PRINCIPAL_ANYONE) ? NULL : types[i].shown;
    }
    return "AWS";
}

/* --- Naming a caller ---------------------------------------------------------------------------------------------- */

static bool same(slice a, slice b)
{
    return a.length > 0 && slice_equal(a, b);
}

static enum naming principal_names(const struct principal *principal, const struct policy_principal *caller)
{
    bool in_session = caller->session_arn.length > 0;
    switch (principal->type) {
    case PRINCIPAL_ANYONE:
        return NAMES_EVERYONE;
    case PRINCIPAL_ACCOUNT:
        return same(caller->account, principal->text) ? NAMES_ACCOUNT : NAMES_NOBODY;
    case PRINCIPAL_ARN:
        if (same(caller->session_arn, principal->text))
            return NAMES_CALLER;
        return !same(caller->arn, principal->text) ? NAMES_NOBODY : in_session ? NAMES_ROLE : NAMES_CALLER;
    case PRINCIPAL_ID:
        return !same(caller->id, principal->text) ? NAMES_NOBODY : in_session ? NAMES_ROLE : NAMES_CALLER;
    case PRINCIPAL_SERVICE:
        return same(caller->service, principal->text) ? NAMES_CALLER : NAMES_NOBODY;
    case PRINCIPAL_FEDERATED:
        return same(caller->federated, principal->text) ? NAMES_CALLER : NAMES_NOBODY;
    }
    return NAMES_NOBODY;
}

enum naming statement_names(const struct statement *statement, const struct policy_principal *caller)
{
    if (statement->principal_count == 0)
        return NAMES_EVERYONE;
    if (caller == NULL)
        return NAMES_NOBODY;

    enum naming most = NAMES_NOBODY;
    for (size_t i = 0; i < statement->principal_count; i++) {
        enum naming one = principal_names(&statement->principals[i], caller);
        most = one > most ? one : most;
    }
    if (statement->not_principal)
        return most == NAMES_NOBODY ? NAMES_EVERYONE : NAMES_NOBODY;
    return most;
}
