/* Role ARNs: whose role, and its name. */
#include "account/account.h"
#include "table.h"

static const struct row {
    const char *name, *arn, *account, *role; /* account NULL: refused */
} rows[] = {
    { "a role", "arn:aws:iam::000000000001:role/Prov", "000000000001", "Prov" },
    { "a role below a path", "arn:aws:iam::000000000001:role/service-role/a/Prov", "000000000001", "Prov" },
    { "a user", "arn:aws:iam::000000000001:user/Prov", NULL, NULL },
    { "no name", "arn:aws:iam::000000000001:role/", NULL, NULL },
    { "a path without a name", "arn:aws:iam::000000000001:role/a/", NULL, NULL },
    { "eleven digits", "arn:aws:iam::00000000001:role/Prov", NULL, NULL },
    { "letters for an account", "arn:aws:iam::00000000000a:role/Prov", NULL, NULL },
    { "another service", "arn:aws:iot::000000000001:role/Prov", NULL, NULL },
    { "a name of 65",
      "arn:aws:iam::000000000001:role/"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      NULL, NULL },
    { "nothing", "", NULL, NULL },
};

static void is_taken_apart(void **state)
{
    const struct row *row = *state;
    slice account, role;
    assert_int_equal(account_role_arn(slice_of(row->arn), &account, &role), row->account != NULL);
    if (row->account == NULL)
        return;
    assert_true(slice_is(account, row->account));
    assert_true(slice_is(role, row->role));
}

int main(void)
{
    return RUN_TABLE(rows, is_taken_apart);
}
