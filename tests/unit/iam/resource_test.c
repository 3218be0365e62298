/* What a decision is told about an IAM entity (auth 4.2.5, 4.3): the ARN with its path, tags, the boundary; and how
   documents are shown (auth 3.2). */
#include "iam/inner.h"
#include "table.h"
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#define ACCOUNT "000000000001"
#define ARN     "arn:aws:iam::" ACCOUNT ":"
#define OTHER   "arn:aws:iam::000000000002:"
#define BOUND   "arn:aws:iam::aws:policy/AWSIoTFullAccess"

static struct store *store;
static char folder[] = "/tmp/muster-iam-XXXXXX";

static const char *const seeds[] = {
    "INSERT INTO iam_user (account, name, path, id, created, boundary) "
    "VALUES ('" ACCOUNT "', 'ada', '/ops/', 'AIDA1', 1, '" BOUND "')",
    "INSERT INTO iam_user (account, name, path, id, created) VALUES ('" ACCOUNT "', 'bob', '/', 'AIDA2', 1)",
    "INSERT INTO iam_user (account, name, path, id, created) VALUES ('000000000002', 'eve', '/x/', 'AIDA3', 1)",
    "INSERT INTO iam_group (account, name, path, id, created) VALUES ('" ACCOUNT "', 'ada', '/groups/', 'AGPA1', 1)",
    "INSERT INTO iam_role (account, name, path, id, trust, max_session_s, created) "
    "VALUES ('" ACCOUNT "', 'Edge', '/plant/', 'AROA1', '{}', 3600, 1)",
    "INSERT INTO iam_policy (account, name, path, id, default_version, last_version, created, modified) "
    "VALUES ('" ACCOUNT "', 'Narrow', '/p/', 'ANPA1', 1, 1, 1, 1)",
    "INSERT INTO iam_tag (account, owner_kind, owner_name, name, value) VALUES ('" ACCOUNT
    "', 'user', 'ada', 'Team', 'x')",
    "INSERT INTO iam_tag (account, owner_kind, owner_name, name, value) VALUES ('" ACCOUNT
    "', 'role', 'Edge', 'a', '')",
    "INSERT INTO iam_access_key (id, account, user_name, secret_sealed, status, created) VALUES "
    "('AKIAMINE', '" ACCOUNT "', 'ada', x'00', 'Active', 1), "
    "('AKIATHEIRS', '000000000002', 'eve', x'00', 'Active', 1)",
};

static const struct row {
    const char *name, *operation, *input, *arn;
    const char *becomes; /* NULL: stays */
    const char *facts;
} rows[] = {
    { "a user's ARN has its path", "DeleteUser", "{\"UserName\":\"ada\"}", ARN "user/ada", ARN "user/ops/ada",
      "aws:ResourceTag/Team=x iam:PermissionsBoundary=" BOUND " " },
    { "a group is no user of its name", "GetGroup", "{\"GroupName\":\"ada\"}", ARN "group/ada", ARN "group/groups/ada",
      "" },
    { "a role's ARN has its path", "GetRole", "{\"RoleName\":\"Edge\"}", ARN "role/Edge", ARN "role/plant/Edge",
      "aws:ResourceTag/a= " },
    { "the empty path adds nothing", "GetUser", "{\"UserName\":\"bob\"}", ARN "user/bob", NULL, "" },
    { "names have one case", "GetUser", "{\"UserName\":\"ADA\"}", ARN "user/ADA", NULL, "" },
    { "nobody", "GetUser", "{\"UserName\":\"eve\"}", ARN "user/eve", NULL, "" },
    { "another account's user", "GetUser", "{\"UserName\":\"eve\"}", OTHER "user/x/eve", NULL, "" },
    { "a policy by its whole ARN", "GetPolicy", "{}", ARN "policy/p/Narrow", NULL, "" },
    { "a policy by half its ARN is none", "GetPolicy", "{}", ARN "policy/Narrow", NULL, "" },
    { "a user by its whole ARN", "SimulatePrincipalPolicy", "{}", ARN "user/ops/ada", NULL,
      "aws:ResourceTag/Team=x iam:PermissionsBoundary=" BOUND " " },
    { "a user with a path that is not its own", "SimulatePrincipalPolicy", "{}", ARN "user/dev/ada", NULL, "" },
    { "who is made has the path of the request", "CreateUser", "{\"UserName\":\"new\",\"Path\":\"/dev/\"}",
      ARN "user/new", ARN "user/dev/new", "" },
    { "who is made has nothing of a namesake", "CreateUser", "{\"UserName\":\"ada\"}", ARN "user/ada", NULL, "" },
    { "a policy is made on its path", "CreatePolicy", "{\"PolicyName\":\"N\",\"Path\":\"/q/\"}", ARN "policy/N",
      ARN "policy/q/N", "" },
    { "the boundary that is set is the request's", "PutUserPermissionsBoundary",
      "{\"UserName\":\"ada\",\"PermissionsBoundary\":\"b\"}", ARN "user/ada", ARN "user/ops/ada",
      "aws:ResourceTag/Team=x " },
    { "who names no user means itself", "GetUser", "{}", "*", ARN "user/ops/ada",
      "aws:ResourceTag/Team=x iam:PermissionsBoundary=" BOUND " " },
    { "its own keys", "CreateAccessKey", "{}", "*", ARN "user/ops/ada",
      "aws:ResourceTag/Team=x iam:PermissionsBoundary=" BOUND " " },
    { "a list is about no user", "ListUsers", "{}", "*", NULL, "" },
    { "a key leads to its user", "GetAccessKeyLastUsed", "{\"AccessKeyId\":\"AKIAMINE\"}", "*", ARN "user/ops/ada",
      "aws:ResourceTag/Team=x iam:PermissionsBoundary=" BOUND " " },
    { "another account's key leads nowhere", "GetAccessKeyLastUsed", "{\"AccessKeyId\":\"AKIATHEIRS\"}", "*", NULL,
      "" },
};

static void must(error *e)
{
    if (e != NULL)
        fail_msg("%s: %s", e->name, e->message);
}

struct question {
    const struct row *row;
    struct resource resource;
    void *ctx;
};

static FALLIBLE ask(struct tx *tx, void *arg)
{
    struct question *question = arg;
    static const struct caller ada = { .account = ACCOUNT, .user_name = "ada", .arn = ARN "user/ops/ada" };
    struct operation operation = { .service = "iam", .name = question->row->operation };
    struct call call = { .operation = &operation, .account = ACCOUNT, .caller = &ada };
    TRY(json_parse(question->ctx, slice_of(question->row->input), 8, &call.input));
    return iam_resource(tx, question->ctx, &call, &question->resource);
}

static void is_told(void **state)
{
    const struct row *row = *state;
    struct question question = { .row = row, .resource.arn = row->arn, .ctx = talloc_new(NULL) };
    must(store_read(store, question.ctx, ask, &question));
    assert_string_equal(question.resource.arn, row->becomes ? row->becomes : row->arn);
    writer facts = writer_new(question.ctx, 1000);
    for (size_t i = 0; i < question.resource.tag_count; i++) {
        const struct caller_fact *fact = &question.resource.tags[i];
        assert_int_equal(fact->count, 1);
        writer_format(&facts, "%s=%.*s ", fact->key, PRINT(fact->values[0]));
    }
    assert_string_equal(writer_finish(&facts), row->facts);
    talloc_free(question.ctx);
}

static const struct shown {
    const char *name, *document, *text;
} documents[] = {
    { "unreserved characters stay", "aZ09-._~", "aZ09-._~" },
    { "all others do not (RFC 3986)", "{\"a\": [*+/=]}", "%7B%22a%22%3A%20%5B%2A%2B%2F%3D%5D%7D" },
    { "nor line breaks and UTF-8", "\n\xC3\xA9", "%0A%C3%A9" },
};

static void is_encoded(void **state)
{
    const struct shown *row = *state;
    SCRATCH ctx = talloc_new(NULL);
    assert_string_equal(iam_encoded(ctx, slice_of(row->document)), row->text);
}

static FALLIBLE seed(struct tx *tx, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
        TRY(store_run(tx, NULL, seeds[i], NO_ARGS));
    return NULL;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

int main(void)
{
    void *ctx = talloc_new(NULL);
    if (mkdtemp(folder) == NULL)
        return 1;
    struct store_options options = { .folder = folder, .readers = 1 };
    error *e = store_open(ctx, &options, &store);
    e = e ? e : store_apply(store, ctx, seed, NULL);
    int failed = e ? 1 : RUN_TABLES(TABLE(rows, is_told), TABLE(documents, is_encoded));
    if (e != NULL)
        fprintf(stderr, "%s: %s\n", e->name, e->message);
    store_close(store);
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    talloc_free(ctx);
    return failed;
}
