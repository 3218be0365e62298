/* trust.c - the principals of a trust policy, as they are stored and as they are shown (auth 4.2.3). */
#include "account/inner.h"

enum { DEPTH_MAX = 8 };

struct walk {
    struct tx *tx;
    void *ctx;
    const char *account; /* whose role it is */
    /* What stands for this principal instead; NULL: itself. */
    FALLIBLE (*replace)(struct walk *walk, slice principal, const char **instead);
    bool changed;
};

/* ---- users and roles by ARN and by id ----
   Whether another account has such a user or role is not told: one that is not there is kept as it was written, and an
   id alone is taken of the role's own account only. */

static const struct kind {
    const char *word, *prefix; /* in ARNs, and of ids */
    const char *by_name, *by_id;
} kinds[] = {
    { "user", "AIDA", "SELECT id FROM iam_user WHERE account = ? AND name = ? AND path || name = ?",
      "SELECT account, path, name FROM iam_user WHERE id = ?" },
    { "role", "AROA", "SELECT id FROM iam_role WHERE account = ? AND name = ? AND path || name = ?",
      "SELECT account, path, name FROM iam_role WHERE id = ?" },
};
enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

/* "arn:aws:iam::ACCOUNT:user" before the path? */
static bool is_arn_of(slice arn, const struct kind *kind, slice *account, slice *path_and_name)
{
    static const char start[] = "arn:aws:iam::";
    slice rest = slice_from(arn, sizeof(start) - 1), word;
    if (!slice_starts(arn, start) || !slice_split(&rest, ':', account) || rest.at == NULL)
        return false;
    word = (slice){ rest.at, strlen(kind->word) };
    *path_and_name = slice_from(rest, word.length);
    return rest.length > word.length && slice_is(word, kind->word) && path_and_name->at[0] == '/';
}

static error *invalid(const struct walk *walk, slice principal)
{
    return error_new(walk->ctx, "MalformedPolicyDocument", "Invalid principal in policy: \"AWS\":\"%.*s\"",
                     PRINT(principal));
}

static FALLIBLE id_of_arn(struct walk *walk, slice principal, const char **instead)
{
    struct row *row;
    slice account, path_and_name;
    for (size_t i = 0; i < KINDS; i++) {
        if (slice_starts(principal, kinds[i].prefix)) {
            TRY(store_find(walk->tx, walk->ctx, &row, kinds[i].by_id, ARGS(sql_slice(principal))));
            return row && slice_is(row_slice(row, 0), walk->account) ? NULL : invalid(walk, principal);
        }
        if (!is_arn_of(principal, &kinds[i], &account, &path_and_name))
            continue;
        slice name = path_and_name, piece;
        for (slice rest = path_and_name; slice_split(&rest, '/', &piece);)
            name = piece;
        TRY(store_find(walk->tx, walk->ctx, &row, kinds[i].by_name,
                       ARGS(sql_slice(account), sql_slice(name), sql_slice(path_and_name))));
        if (row != NULL)
            *instead = row_text(walk->ctx, row, 0);
        else if (slice_is(account, walk->account))
            return invalid(walk, principal);
    }
    return NULL;
}

static FALLIBLE arn_of_id(struct walk *walk, slice principal, const char **instead)
{
    struct row *row;
    for (size_t i = 0; i < KINDS; i++) {
        if (!slice_starts(principal, kinds[i].prefix))
            continue;
        TRY(store_find(walk->tx, walk->ctx, &row, kinds[i].by_id, ARGS(sql_slice(principal))));
        if (row != NULL)
            *instead = text_format(walk->ctx, "arn:aws:iam::%.*s:%s%.*s%.*s", PRINT(row_slice(row, 0)), kinds[i].word,
                                   PRINT(row_slice(row, 1)), PRINT(row_slice(row, 2)));
    }
    return NULL;
}

/* ---- the document ---- */

static FALLIBLE walk_texts(struct walk *walk, json *principals)
{
    const char *instead;
    json *one = json_get(principals, "AWS");
    size_t count = json_is_array(one) ? json_object_array_length(one) : 0;
    for (size_t i = 0; i < count; i++) {
        instead = NULL;
        TRY(walk->replace(walk, json_text(json_object_array_get_idx(one, i)), &instead));
        if (instead != NULL)
            json_object_array_put_idx(one, i, json_object_new_string(instead));
        walk->changed |= instead != NULL;
    }
    if (!json_is_text(one))
        return NULL;
    instead = NULL;
    TRY(walk->replace(walk, json_text(one), &instead));
    walk->changed |= instead != NULL;
    if (instead != NULL)
        json_put_text(principals, "AWS", instead);
    return NULL;
}

static FALLIBLE walk_statement(struct walk *walk, const json *statement)
{
    TRY(walk_texts(walk, json_get_object(statement, "Principal")));
    return walk_texts(walk, json_get_object(statement, "NotPrincipal"));
}

static FALLIBLE walk_document(struct walk *walk, slice document, slice *out)
{
    json *root;
    *out = slice_copy(walk->ctx, document);
    if (json_parse(walk->ctx, document, DEPTH_MAX, &root) != NULL)
        return NULL; /* only what was stored by other means */
    json *list = json_get_array(root, "Statement");
    for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++)
        TRY(walk_statement(walk, json_object_array_get_idx(list, i)));
    TRY(walk_statement(walk, json_get_object(root, "Statement")));
    if (walk->changed)
        *out = json_print(walk->ctx, root);
    return NULL;
}

FALLIBLE account_trust_store(struct tx *tx, void *ctx, const char *account, slice document, slice *out)
{
    struct walk walk = { .tx = tx, .ctx = ctx, .account = account, .replace = id_of_arn };
    struct policy *policy;
    TRY(policy_parse(ctx, document, POLICY_IAM_TRUST, &policy));
    return walk_document(&walk, document, out);
}

FALLIBLE account_trust_show(struct tx *tx, void *ctx, slice stored, slice *out)
{
    struct walk walk = { .tx = tx, .ctx = ctx, .replace = arn_of_id };
    return walk_document(&walk, stored, out);
}
