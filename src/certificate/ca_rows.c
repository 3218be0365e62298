/* ca_rows.c - rows of registered CAs, for operations here, and above for templates and devices that connect
   (x509.md 2.2, 3.3, 4.4). */
#include "certificate/inner.h"
#include "base/random.h"

FALLIBLE ca_find(struct tx *tx, void *ctx, const char *account, const char *region, const char *id, struct ca **out)
{
    struct row *row;
    *out = NULL;
    TRY(store_find(
        tx, ctx, &row,
        "SELECT status, mode, pem, auto_registration, template_body, role_arn, template_name, generation_id, "
        "version, not_before, not_after, created, modified FROM ca_certificate "
        "WHERE region = ? AND id = ? AND account = ?",
        ARGS(sql_text(region), sql_text(id), sql_text(account))));
    if (row == NULL)
        return NULL;

    struct ca *ca = MAKE(ctx, struct ca);
    ca->id = text_copy(ca, id);
    ca->status = row_text(ca, row, 0);
    ca->mode = row_text(ca, row, 1);
    ca->pem = row_text(ca, row, 2);
    ca->auto_registration = row_integer(row, 3) != 0;
    ca->config.template_body = row_text(ca, row, 4);
    ca->config.role_arn = row_text(ca, row, 5);
    ca->config.template_name = row_text(ca, row, 6);
    ca->generation_id = row_text(ca, row, 7);
    ca->version = row_integer(row, 8);
    ca->not_before_s = row_integer(row, 9);
    ca->not_after_s = row_integer(row, 10);
    ca->created = row_integer(row, 11);
    ca->modified = row_integer(row, 12);
    *out = ca;
    return NULL;
}

FALLIBLE ca_need(struct call *call, struct ca **out)
{
    const char *id = call_string(call, "certificateId");
    TRY(ca_find(call->tx, call, call->account, call->region, id, out));
    return *out ? NULL : error_new(call, "ResourceNotFoundException", "CA certificate %s cannot be found.", id);
}

/* ---- those of one subject ---- */

struct listing {
    void *ctx;
    struct ca_list *list;
};

static FALLIBLE take_ca(const struct row *row, void *arg)
{
    struct listing *listing = arg;
    struct ca_list *list = listing->list;
    list->items = talloc_realloc(listing->ctx, list->items, struct ca_candidate, (unsigned)(list->count + 1));
    struct ca_candidate *one = &list->items[list->count++];
    *one = (struct ca_candidate){ .id = row_text(listing->ctx, row, 0),
                                  .status = row_text(listing->ctx, row, 1),
                                  .mode = row_text(listing->ctx, row, 2),
                                  .pem = row_text(listing->ctx, row, 3),
                                  .auto_registration = row_integer(row, 4) != 0 };
    return NULL;
}

FALLIBLE ca_with_subject(struct tx *tx, void *ctx, const char *account, const char *region, slice subject,
                         struct ca_list *out)
{
    *out = (struct ca_list){ .count = 0 };
    return store_each(
        tx, take_ca, &(struct listing){ ctx, out },
        "SELECT id, status, mode, pem, auto_registration FROM ca_certificate "
        "WHERE account = ? AND region = ? AND subject_hash = ? ORDER BY sequence LIMIT ?",
        ARGS(sql_text(account), sql_text(region), sql_integer(pki_name_hash(subject)), sql_integer(CA_CANDIDATES_MAX)));
}

/* ---- writing ---- */

static FALLIBLE tell(struct call *call, const struct ca *ca, const char *operation)
{
    json *members = json_new_object(call);
    json_put_text(members, "certificateId", ca->id);
    json_put_text(members, "status", ca->status);
    json_put_text(members, "autoRegistrationStatus", ca->auto_registration ? "ENABLE" : "DISABLE");
    return registry_event(call, EVENT_CA_CERTIFICATE, text_format(call, "caCertificate/%s", ca->id), operation,
                          members);
}

FALLIBLE ca_store(struct call *call, const struct ca *ca, slice subject)
{
    int64_t sequence;
    TRY(certificate_next_sequence(call, "ca_certificate", &sequence));
    TRY(store_run(
        call->tx, NULL,
        "INSERT INTO ca_certificate (region, id, account, status, auto_registration, mode, pem, subject_hash, "
        "template_body, role_arn, template_name, version, generation_id, not_before, not_after, created, "
        "sequence, modified) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?)",
        ARGS(sql_text(call->region), sql_text(ca->id), sql_text(call->account), sql_text(ca->status),
             sql_integer(ca->auto_registration), sql_text(ca->mode), sql_text(ca->pem),
             sql_integer(pki_name_hash(subject)), sql_text(ca->config.template_body), sql_text(ca->config.role_arn),
             sql_text(ca->config.template_name), sql_text(random_uuid(call)), sql_integer(ca->not_before_s),
             sql_integer(ca->not_after_s), sql_integer(call->now_ms), sql_integer(sequence),
             sql_integer(call->now_ms))));
    TRY(call_change(call, "ca-certificate", ca->id, "CREATED", ca->status));
    return tell(call, ca, "CREATED");
}

FALLIBLE ca_change(struct call *call, const struct ca *ca)
{
    TRY(store_run(call->tx, NULL,
                  "UPDATE ca_certificate SET status = ?, auto_registration = ?, template_body = ?, role_arn = ?, "
                  "template_name = ?, version = version + 1, modified = ? WHERE region = ? AND id = ? AND account = ?",
                  ARGS(sql_text(ca->status), sql_integer(ca->auto_registration), sql_text(ca->config.template_body),
                       sql_text(ca->config.role_arn), sql_text(ca->config.template_name), sql_integer(call->now_ms),
                       sql_text(call->region), sql_text(ca->id), sql_text(call->account))));
    TRY(call_change(call, "ca-certificate", ca->id, "UPDATED", ca->status));
    return tell(call, ca, "UPDATED");
}

FALLIBLE ca_remove(struct call *call, const struct ca *ca)
{
    TRY(registry_remove_tags(call, call_arn(call, "cacert/%s", ca->id)));
    TRY(store_run(call->tx, NULL, "DELETE FROM ca_certificate WHERE region = ? AND id = ? AND account = ?",
                  ARGS(sql_text(call->region), sql_text(ca->id), sql_text(call->account))));
    TRY(call_change(call, "ca-certificate", ca->id, "DELETED", NULL));
    return tell(call, ca, "DELETED");
}
