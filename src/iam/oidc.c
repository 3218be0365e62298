/* oidc.c - OpenID Connect providers (auth.md 2.4, 3.5.5): which issuers' tokens an account takes, for which clients.

   A provider is named by its URL without the scheme, as ARNs and trust policies name it. One slash at the end does not
   count. AWS knows no ports in URLs; issuers on one's own network have them, so here they may (our choice). */
#include "iam/inner.h"
#include "base/encode.h"
#include <ctype.h>

enum { PROVIDERS_MAX = 100, CLIENTS_MAX = 100, THUMBPRINTS_MAX = 5, THUMBPRINT = 40, URL_MAX = 255 };

#define TAG_OWNER "oidc-provider"

/* ---- names ---- */

static bool all_of(slice text, const char *marks)
{
    for (size_t i = 0; i < text.length; i++)
        if (!isalnum((unsigned char)text.at[i]) && (text.at[i] == '\0' || strchr(marks, text.at[i]) == NULL))
            return false;
    return true;
}

/* "host", "host:8443", "[::1]:8443" */
static bool is_authority(slice text)
{
    bool literal = slice_starts(text, "[");
    slice rest = text, host, port = { NULL, 0 };
    slice_split(&rest, literal ? ']' : ':', &host);
    if (literal && rest.length > 0 && rest.at[0] != ':')
        return false;
    if (rest.at != NULL && !(literal && rest.length == 0))
        port = literal ? slice_from(rest, 1) : rest;
    for (size_t i = 0; i < port.length; i++)
        if (!isdigit((unsigned char)port.at[i]))
            return false;
    if (port.at != NULL && (port.length == 0 || port.length > 5))
        return false;
    return literal ? host.length > 1 && all_of(slice_from(host, 1), ":.") : host.length > 0 && all_of(host, ".-");
}

static bool is_loopback(slice authority)
{
    slice host;
    slice_split(&authority, ':', &host);
    return slice_is(host, "localhost") || slice_starts(host, "127.") || slice_starts(authority, "[::1]");
}

static bool is_one_word(slice name)
{
    for (size_t i = 0; i < name.length; i++)
        if (strchr(".:/", name.at[i]) != NULL)
            return false;
    return true;
}

static error *bad_url(struct call *call, const char *why)
{
    return error_new(call, "InvalidInputException", "Invalid Open ID Connect Provider URL: %s.", why);
}

/* The URL in two: "https" and "id.example.test/realms/plant". */
static FALLIBLE read_url(struct call *call, const char **scheme, slice *name)
{
    slice url = call_text(call, "Url"), path, authority;
    bool plain = slice_starts(url, "http://");
    *scheme = plain ? "http" : "https";
    if (!plain && !slice_starts(url, "https://"))
        return bad_url(call, "it must begin with https://");
    *name = path = slice_from(url, strlen(*scheme) + 3);
    name->length -= slice_ends(*name, "/");
    slice_split(&path, '/', &authority);
    if (name->length == 0 || url.length > URL_MAX || !is_authority(authority) || !all_of(*name, "-._~!'()+,;=:@%/[]"))
        return bad_url(call, "it is an https:// URL with a host, perhaps a port and a path, and nothing else");
    if (!slice_is(*name, "localhost") && is_one_word(*name)) /* "aws:userid" is no claim of https://aws */
        return bad_url(call, "condition keys begin with what follows https://, which needs a dot, a port or a path");
    if (plain && (door_get(call->door, IAM_ALLOW_INSECURE_ISSUER) == NULL || !is_loopback(authority)))
        return bad_url(call, "it must begin with https://");
    return NULL;
}

static const char *arn_of(void *ctx, const char *account, slice name)
{
    return text_format(ctx, "arn:aws:iam::%s:oidc-provider/%.*s", account, PRINT(name));
}

static error *unknown(struct call *call, const char *arn)
{
    return error_new(call, "NoSuchEntityException", "OpenIDConnect Provider not found for arn %s", arn);
}

/* The provider that the request names; one of another account is like none. */
static FALLIBLE find_named(struct call *call, slice *name, struct row **row)
{
    const char *arn = call_string(call, "OpenIDConnectProviderArn");
    const char *start = arn_of(call, call->account, SLICE(""));
    if (strncmp(arn, start, strlen(start)) != 0)
        return unknown(call, arn);
    *name = slice_of(arn + strlen(start));
    TRY(store_find(call->tx, call, row, "SELECT created FROM iam_oidc_provider WHERE account = ? AND url = ?",
                   ARGS(sql_text(call->account), sql_slice(*name))));
    return *row ? NULL : unknown(call, arn);
}

static FALLIBLE note(struct call *call, slice name, const char *kind)
{
    return call_change(call, "oidc-provider", slice_text(call, name), kind, NULL);
}

/* ---- client ids and thumbprints ---- */

static const struct value_kind {
    const char *kind, *member;
    size_t most;
} clients = { "client", "ClientIDList", CLIENTS_MAX },
  thumbprints = { "thumbprint", "ThumbprintList", THUMBPRINTS_MAX };

static FALLIBLE add_text(const struct row *row, void *array)
{
    slice text = row_slice(row, 0);
    json_add(array, json_object_new_string_len(text.at, (int)text.length));
    return NULL;
}

static FALLIBLE read_values(struct tx *tx, const char *account, slice name, const struct value_kind *kind, json *out)
{
    return store_each(tx, add_text, out,
                      "SELECT value FROM iam_oidc_value WHERE account = ? AND url = ? AND kind = ? ORDER BY position",
                      ARGS(sql_text(account), sql_slice(name), sql_text(kind->kind)));
}

static FALLIBLE add_value(struct call *call, slice name, const struct value_kind *kind, slice value)
{
    return store_run(call->tx, NULL,
                     "INSERT INTO iam_oidc_value (account, url, kind, position, value) SELECT ?, ?, ?, "
                     "coalesce(max(position), 0) + 1, ? FROM iam_oidc_value WHERE account = ? AND url = ? AND kind = ? "
                     "ON CONFLICT DO NOTHING",
                     ARGS(sql_text(call->account), sql_slice(name), sql_text(kind->kind), sql_slice(value),
                          sql_text(call->account), sql_slice(name), sql_text(kind->kind)));
}

static FALLIBLE check_count(struct call *call, slice name, const struct value_kind *kind)
{
    struct row *row;
    TRY(store_find(call->tx, call, &row,
                   "SELECT count(*) FROM iam_oidc_value WHERE account = ? AND url = ? AND kind = ?",
                   ARGS(sql_text(call->account), sql_slice(name), sql_text(kind->kind))));
    if ((size_t)row_integer(row, 0) <= kind->most)
        return NULL;
    return error_new(call, "LimitExceededException", "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d",
                     CLIENTS_MAX);
}

static FALLIBLE add_values(struct call *call, slice name, const struct value_kind *kind)
{
    json *values = json_get_array(call->input, kind->member);
    for (size_t i = 0; values && i < json_object_array_length(values); i++)
        TRY(add_value(call, name, kind, json_text(json_object_array_get_idx(values, i))));
    return check_count(call, name, kind);
}

static FALLIBLE check_thumbprints(struct call *call)
{
    json *values = json_get_array(call->input, thumbprints.member);
    size_t count = values ? json_object_array_length(values) : 0;
    if (count > THUMBPRINTS_MAX)
        return error_new(call, "InvalidInputException", "ThumbprintList: a provider has at most %d thumbprints.",
                         THUMBPRINTS_MAX);
    for (size_t i = 0; i < count; i++)
        if (!hex_is(json_text(json_object_array_get_idx(values, i)), THUMBPRINT))
            return error_new(call, "InvalidInputException",
                             "ThumbprintList: a thumbprint is the SHA-1 of a certificate in %d hexadecimal digits.",
                             THUMBPRINT);
    return NULL;
}

static FALLIBLE check_clients(struct call *call)
{
    json *values = json_get_array(call->input, clients.member);
    if (values == NULL || json_object_array_length(values) <= CLIENTS_MAX)
        return NULL;
    return error_new(call, "LimitExceededException", "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d",
                     CLIENTS_MAX);
}

/* ---- the operations ---- */

/* The right is asked on an ARN that the request does not spell: api/authorization.json has no row to say it. */
static FALLIBLE check_new(struct call *call)
{
    const char *scheme;
    slice name;
    TRY(read_url(call, &scheme, &name));
    TRY(call_require(call, "iam:CreateOpenIDConnectProvider", arn_of(call, call->account, name)));
    TRY(check_clients(call));
    return check_thumbprints(call);
}

static FALLIBLE create(struct call *call)
{
    const char *scheme;
    slice name;
    int64_t made;
    struct row *row;
    json *tags;
    TRY(read_url(call, &scheme, &name));
    TRY(store_run(call->tx, &made,
                  "INSERT INTO iam_oidc_provider (account, url, scheme, created) VALUES (?, ?, ?, ?) "
                  "ON CONFLICT DO NOTHING",
                  ARGS(sql_text(call->account), sql_slice(name), sql_text(scheme), sql_integer(call->now_ms))));
    if (made == 0)
        return error_new(call, "EntityAlreadyExistsException", "Provider with url %s://%.*s already exists.", scheme,
                         PRINT(name));
    TRY(store_find(call->tx, call, &row, "SELECT count(*) FROM iam_oidc_provider WHERE account = ?",
                   ARGS(sql_text(call->account))));
    if (row_integer(row, 0) > PROVIDERS_MAX)
        return error_new(call, "LimitExceededException", "Cannot exceed quota for OpenIdConnectProvidersPerAccount: %d",
                         PROVIDERS_MAX);
    TRY(add_values(call, name, &clients));
    TRY(add_values(call, name, &thumbprints));
    TRY(iam_write_tags(call, TAG_OWNER, slice_text(call, name)));
    TRY(note(call, name, "CREATED"));
    TRY(iam_tags_json(call, TAG_OWNER, slice_text(call, name), &tags));
    return answer(call, string("OpenIDConnectProviderArn", arn_of(call, call->account, name)), value_of("Tags", tags));
}

static FALLIBLE get(struct call *call)
{
    slice name;
    struct row *row;
    json *tags, *ids = json_new_array(call), *prints = json_new_array(call);
    TRY(find_named(call, &name, &row));
    TRY(read_values(call->tx, call->account, name, &clients, ids));
    TRY(read_values(call->tx, call->account, name, &thumbprints, prints));
    TRY(iam_tags_json(call, TAG_OWNER, slice_text(call, name), &tags));
    return answer(call, string("Url", slice_text(call, name)), value_of("ClientIDList", json_object_get(ids)),
                  value_of("ThumbprintList", json_object_get(prints)), time_ms("CreateDate", row_integer(row, 0)),
                  value_of("Tags", tags));
}

struct listing {
    struct call *call;
    json *array;
};

static FALLIBLE add_provider(const struct row *row, void *arg)
{
    struct listing *listing = arg;
    json *entry = json_object_new_object();
    json_put_text(entry, "Arn", arn_of(listing->call, listing->call->account, row_slice(row, 0)));
    json_add(listing->array, entry);
    return NULL;
}

static FALLIBLE list_all(struct call *call)
{
    struct listing listing = { call, json_new_array(call) };
    TRY(store_each(call->tx, add_provider, &listing, "SELECT url FROM iam_oidc_provider WHERE account = ? ORDER BY url",
                   ARGS(sql_text(call->account))));
    return answer(call, value_of("OpenIDConnectProviderList", json_object_get(listing.array)));
}

static FALLIBLE delete (struct call *call)
{
    slice name;
    struct row *row;
    TRY(find_named(call, &name, &row));
    TRY(store_run(call->tx, NULL, "DELETE FROM iam_oidc_value WHERE account = ? AND url = ?",
                  ARGS(sql_text(call->account), sql_slice(name))));
    TRY(store_run(call->tx, NULL,
                  "DELETE FROM iam_tag WHERE account = ? AND owner_kind = 'oidc-provider' AND owner_name = ?",
                  ARGS(sql_text(call->account), sql_slice(name))));
    TRY(store_run(call->tx, NULL, "DELETE FROM iam_oidc_provider WHERE account = ? AND url = ?",
                  ARGS(sql_text(call->account), sql_slice(name))));
    return note(call, name, "DELETED");
}

/* Both of an id that is there already and of one that is not there: nothing is to do (as AWS). */
static FALLIBLE add_client(struct call *call)
{
    slice name;
    struct row *row;
    TRY(find_named(call, &name, &row));
    TRY(add_value(call, name, &clients, call_text(call, "ClientID")));
    TRY(check_count(call, name, &clients));
    return note(call, name, "UPDATED");
}

static FALLIBLE remove_client(struct call *call)
{
    slice name;
    struct row *row;
    TRY(find_named(call, &name, &row));
    TRY(store_run(call->tx, NULL,
                  "DELETE FROM iam_oidc_value WHERE account = ? AND url = ? AND kind = 'client' AND value = ?",
                  ARGS(sql_text(call->account), sql_slice(name), sql_slice(call_text(call, "ClientID")))));
    return note(call, name, "UPDATED");
}

static FALLIBLE update_thumbprints(struct call *call)
{
    slice name;
    struct row *row;
    TRY(check_thumbprints(call));
    TRY(find_named(call, &name, &row));
    TRY(store_run(call->tx, NULL, "DELETE FROM iam_oidc_value WHERE account = ? AND url = ? AND kind = 'thumbprint'",
                  ARGS(sql_text(call->account), sql_slice(name))));
    TRY(add_values(call, name, &thumbprints));
    return note(call, name, "UPDATED");
}

#define OPERATION(variable, name, ...) static const struct operation variable = { "iam", name, STEPS(__VA_ARGS__) }
OPERATION(op_create, "CreateOpenIDConnectProvider", { READ, check_new }, { APPLY, create });
OPERATION(op_get, "GetOpenIDConnectProvider", { READ, get });
OPERATION(op_list, "ListOpenIDConnectProviders", { READ, list_all });
OPERATION(op_delete, "DeleteOpenIDConnectProvider", { APPLY, delete });
OPERATION(op_add_client, "AddClientIDToOpenIDConnectProvider", { APPLY, add_client });
OPERATION(op_remove_client, "RemoveClientIDFromOpenIDConnectProvider", { APPLY, remove_client });
OPERATION(op_update, "UpdateOpenIDConnectProviderThumbprint", { APPLY, update_thumbprints });

const struct operation *const iam_oidc_operations[] = { &op_create,     &op_get,           &op_list,   &op_delete,
                                                        &op_add_client, &op_remove_client, &op_update, NULL };

/* ---- for who judges tokens ---- */

static FALLIBLE read_texts(struct tx *tx, const char *account, slice name, const struct value_kind *kind,
                           struct oidc_provider *provider, const char *const **out, size_t *count)
{
    json *values = json_new_array(provider);
    TRY(read_values(tx, account, name, kind, values));
    *count = json_object_array_length(values);
    const char **texts = MAKE_ARRAY(provider, const char *, *count + 1);
    for (size_t i = 0; i < *count; i++)
        texts[i] = slice_text(provider, json_text(json_object_array_get_idx(values, i)));
    *out = texts;
    return NULL;
}

FALLIBLE iam_find_oidc_provider(struct tx *tx, void *ctx, const char *account, slice issuer, struct oidc_provider **out)
{
    struct row *row;
    const char *scheme = slice_starts(issuer, "http://") ? "http" : "https";
    slice name = slice_from(issuer, strlen(scheme) + 3);
    name.length -= slice_ends(name, "/");
    *out = NULL;
    if (!slice_starts(issuer, "http://") && !slice_starts(issuer, "https://"))
        return NULL;
    TRY(store_find(tx, ctx, &row, "SELECT url FROM iam_oidc_provider WHERE account = ? AND url = ? AND scheme = ?",
                   ARGS(sql_text(account), sql_slice(name), sql_text(scheme))));
    if (row == NULL)
        return NULL;
    struct oidc_provider *provider = MAKE(ctx, struct oidc_provider);
    provider->name = slice_text(provider, name);
    provider->issuer = text_format(provider, "%s://%s", scheme, provider->name);
    provider->arn = arn_of(provider, account, name);
    TRY(read_texts(tx, account, name, &clients, provider, &provider->client_ids, &provider->client_id_count));
    TRY(read_texts(tx, account, name, &thumbprints, provider, &provider->thumbprints, &provider->thumbprint_count));
    *out = provider;
    return NULL;
}
