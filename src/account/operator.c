/* operator.c - what the operator asks through the server's own socket (the model "muster"): accounts, and what happened
   to a thing or a certificate. */
#include "account/account.h"
#include "base/encode.h"
#include "base/random.h"
#include <ctype.h>

/* ---- accounts ---- */

static error *no_account(struct call *call, const char *id)
{
    return error_new(call, "ResourceNotFoundException", "accountId: there is no account %s.", id);
}

/* Twelve digits, the first of which is none that a spreadsheet would drop. */
static const char *new_account_id(struct call *call)
{
    char *id = random_text(call, 12, "0123456789");
    if (id[0] == '0')
        id[0] = '9';
    return id;
}

static FALLIBLE create(struct call *call)
{
    struct account_made made;
    json *endpoints;
    const char *id = call_string(call, "accountId");
    id = id ? id : new_account_id(call);
    error *e = account_create(call->tx, call, door_get(call->door, ACCOUNT_MASTER_KEY), id, call->region, false,
                              call->now_ms, &made);
    if (error_is(e, "InvalidAccount"))
        e->name = "ResourceAlreadyExistsException"; /* the model has seen that it is 12 digits */
    TRY(e);
    TRY(account_endpoints(call, id, &endpoints));
    return answer(call, string("accountId", id), string("userArn", made.user_arn),
                  string("accessKeyId", made.access_key_id), string("secretAccessKey", slice_text(call, made.secret)),
                  string("provisioningRoleArn", made.provisioning_role_arn),
                  value_of("endpoints", json_object_get(endpoints)));
}

static json *account_entry(struct call *call, const struct row *row)
{
    json *entry = json_object_new_object();
    json_put_text(entry, "accountId", row_text(call, row, 0));
    json_put_bool(entry, "isDefault", row_integer(row, 1) != 0);
    json_put_time(entry, "creationDate", row_integer(row, 2));
    return entry;
}

static FALLIBLE list(struct call *call)
{
    struct list list = { .call = call, .member = "accounts", .entry = account_entry };
    TRY(list_begin(&list));
    TRY(store_each(call->tx, list_row, &list,
                   "SELECT id, is_default, created FROM account WHERE id > ? ORDER BY id LIMIT ?",
                   ARGS(list_after(&list), list_limit(&list))));
    return list_answer(&list);
}

static FALLIBLE describe(struct call *call)
{
    struct row *row;
    json *endpoints;
    const char *id = call_string(call, "accountId");
    TRY(store_find(call->tx, call, &row,
                   "SELECT is_default, created, (SELECT count(*) FROM thing WHERE account = a.id), "
                   "(SELECT count(*) FROM certificate WHERE account = a.id), "
                   "(SELECT count(*) FROM iam_user WHERE account = a.id) FROM account a WHERE id = ?",
                   ARGS(sql_text(id))));
    if (row == NULL)
        return no_account(call, id);
    TRY(account_endpoints(call, id, &endpoints));
    return answer(call, string("accountId", id), boolean("isDefault", row_integer(row, 0) != 0),
                  time_ms("creationDate", row_integer(row, 1)), integer("things", row_integer(row, 2)),
                  integer("certificates", row_integer(row, 3)), integer("users", row_integer(row, 4)),
                  value_of("endpoints", json_object_get(endpoints)));
}

/* ---- history ---- */

/* A certificate by its id or ARN, else a thing by its name or ARN. */
struct subject {
    const char *name;
    const char *arn; /* of the certificate; NULL: a thing */
};

static FALLIBLE read_subject(struct call *call, struct subject *out)
{
    const char *given = call_string(call, "subject"), *slash = strrchr(given, '/');
    slice name = slash ? slice_of(slash + 1) : slice_of(given);
    bool is_thing = slash ? strstr(given, ":thing/") != NULL : !hex_is(name, 64);
    bool is_certificate = hex_is(name, 64) && (slash == NULL || strstr(given, ":cert/") != NULL);
    if (!is_thing && !is_certificate)
        return error_new(
            call, "InvalidRequestException",
            "subject: %s is no thing's name, no certificate id (64 hexadecimal digits), nor the ARN of one.", given);
    char *lower = slice_text(call, name);
    for (char *at = lower; is_certificate && *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    out->name = lower;
    out->arn = is_thing ? NULL : call_arn(call, "cert/%s", out->name);
    return NULL;
}

static json *change_entry(struct call *call, const struct row *row)
{
    static const char *const texts[] = { "what", "key", "kind", "detail", "principal", "operation", "requestId" };
    json *entry = json_object_new_object();
    json_put_integer(entry, "sequence", row_integer(row, 0));
    json_put_time(entry, "time", row_integer(row, 1));
    for (int i = 0; i < 7; i++)
        json_put_text(entry, texts[i], row_text(call, row, 2 + i));
    return entry;
}

#define CHANGE_COLUMNS "SELECT sequence, at, what, key, kind, detail, principal, operation, request FROM change "

static FALLIBLE history(struct call *call)
{
    struct subject subject;
    const char *account = call_string(call, "accountId");
    if (account != NULL)
        call->account = account;
    struct list list = { .call = call, .member = "changes", .entry = change_entry, .numbered = true };
    TRY(read_subject(call, &subject));
    TRY(list_begin(&list));
    struct value owner = sql_text(call->account), region = sql_text(call->region), name = sql_text(subject.name);
    struct value arn = sql_text(subject.arn), after = list_after(&list), limit = list_limit(&list);
    if (subject.arn == NULL)
        TRY(store_each(
            call->tx, list_row, &list,
            CHANGE_COLUMNS
            "WHERE account = ? AND region = ? AND what = 'thing' AND key = ? AND sequence > ? "
            "UNION ALL " CHANGE_COLUMNS
            "WHERE account = ? AND region = ? AND what = 'thing-group-member' AND key = ? AND sequence > ? "
            "UNION ALL " CHANGE_COLUMNS
            "WHERE account = ? AND region = ? AND what = 'thing-principal' AND detail = ? AND sequence > ? "
            "ORDER BY 1 LIMIT ?",
            ARGS(owner, region, name, after, owner, region, name, after, owner, region, name, after, limit)));
    else
        TRY(store_each(call->tx, list_row, &list,
                       CHANGE_COLUMNS
                       "WHERE account = ? AND region = ? AND what = 'certificate' AND key = ? AND sequence > ? "
                       "UNION ALL " CHANGE_COLUMNS
                       "WHERE account = ? AND region = ? AND what = 'thing-principal' AND key = ? AND sequence > ? "
                       "UNION ALL " CHANGE_COLUMNS
                       "WHERE account = ? AND region = ? AND what = 'policy-target' AND key = ? AND sequence > ? "
                       "ORDER BY 1 LIMIT ?",
                       ARGS(owner, region, name, after, owner, region, arn, after, owner, region, arn, after, limit)));
    return list_answer(&list);
}

static const struct operation create_account = { "muster", "CreateAccount", STEPS({ APPLY, create }) };
static const struct operation describe_account = { "muster", "DescribeAccount", STEPS({ APPLY, describe }) };
static const struct operation list_accounts = { "muster", "ListAccounts", STEPS({ READ, list }) };
static const struct operation list_history = { "muster", "ListHistory", STEPS({ READ, history }) };

const struct operation *const operator_operations[] = { &create_account, &describe_account, &list_accounts,
                                                        &list_history, NULL };
