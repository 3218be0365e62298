/* last_used.c - when an access key or a role was used last, written beside the requests, not by them. */
#include "account/account.h"

static FALLIBLE write_key(struct call *call)
{
    return store_run(call->tx, NULL,
                     "UPDATE iam_access_key SET last_used = ?, last_used_service = ?, last_used_region = ? "
                     "WHERE id = ? AND account = ? AND (last_used IS NULL OR last_used < ?)",
                     ARGS(sql_integer(call->now_ms), sql_text(call_string(call, "service")), sql_text(call->region),
                          sql_text(call_string(call, "id")), sql_text(call->account), sql_integer(call->now_ms)));
}

/* By its id, as another role of that name has not been used. */
static FALLIBLE write_role(struct call *call)
{
    return store_run(call->tx, NULL,
                     "UPDATE iam_role SET last_used = ?, last_used_region = ? "
                     "WHERE account = ? AND id = ? AND (last_used IS NULL OR last_used < ?)",
                     ARGS(sql_integer(call->now_ms), sql_text(call->region), sql_text(call->account),
                          sql_text(call_string(call, "id")), sql_integer(call->now_ms)));
}

static const struct operation note_key = { .name = "NoteKeyUse", STEPS({ APPLY, write_key }) };
static const struct operation note_role = { .name = "NoteRoleUse", STEPS({ APPLY, write_role }) };

static void forget(struct call *call)
{
    talloc_free(call);
}

void account_note_use(struct door *door, const struct caller *caller, const char *service, const char *region)
{
    bool role = caller->session == SESSION_ROLE;
    const char *id = role ? caller->unique_id : caller->access_key;
    if (id == NULL)
        return;
    struct call *call = call_new_internal(door, role ? &note_role : &note_key, NULL, NULL);
    call->account = text_copy(call, caller->account);
    call->region = text_copy(call, region);
    call->lane = LANE_BULK;
    call->done = forget;
    json_put_text(call->input, "id", id);
    json_put_text(call->input, "service", service);
    operation_run(call);
}
