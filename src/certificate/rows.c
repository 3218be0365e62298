/* rows.c - rows of certificates and their status machine (x509.md 4.2, 4.6). */
#include "certificate/inner.h"
#include "base/random.h"

FALLIBLE certificate_next_sequence(struct call *call, const char *name, int64_t *out)
{
    struct row *row;
    TRY(store_run(call->tx, NULL,
                  "INSERT INTO sequence (name, value) VALUES (?, 1) "
                  "ON CONFLICT (name) DO UPDATE SET value = sequence.value + 1",
                  ARGS(sql_text(name))));
    TRY(store_find(call->tx, call, &row, "SELECT value FROM sequence WHERE name = ?", ARGS(sql_text(name))));
    *out = row_integer(row, 0);
    return NULL;
}

FALLIBLE certificate_find(struct tx *tx, void *ctx, const char *account, const char *region, const char *id,
                          struct certificate **out)
{
    struct row *row;
    *out = NULL;
    TRY(store_find(tx, ctx, &row,
                   "SELECT status, mode, pem, ca_id, previous_owner, generation_id, version, not_before, not_after, "
                   "created, modified FROM certificate WHERE region = ? AND id = ? AND account = ?",
                   ARGS(sql_text(region), sql_text(id), sql_text(account))));
    if (row == NULL)
        return NULL;

    struct certificate *certificate = MAKE(ctx, struct certificate);
    certificate->id = text_copy(certificate, id);
    certificate->status = row_text(certificate, row, 0);
    certificate->mode = row_text(certificate, row, 1);
    certificate->pem = row_text(certificate, row, 2);
    certificate->ca_id = row_text(certificate, row, 3);
    certificate->previous_owner = row_text(certificate, row, 4);
    certificate->generation_id = row_text(certificate, row, 5);
    certificate->version = row_integer(row, 6);
    certificate->not_before_s = row_integer(row, 7);
    certificate->not_after_s = row_integer(row, 8);
    certificate->created = row_integer(row, 9);
    certificate->modified = row_integer(row, 10);
    *out = certificate;
    return NULL;
}

static FALLIBLE tell(struct call *call, const struct certificate *certificate, const char *status,
                     const char *operation)
{
    json *members = json_new_object(call);
    json_put_text(members, "certificateId", certificate->id);
    json_put_text(members, "certificateArn", call_arn(call, "cert/%s", certificate->id));
    json_put_text(members, "status", status);
    json_put(members, "caCertificateId", certificate->ca_id ? json_object_new_string(certificate->ca_id) : NULL);
    return registry_event(call, EVENT_CERTIFICATE, text_format(call, "certificate/%s", certificate->id), operation,
                          members);
}

FALLIBLE certificate_insert(struct call *call, const struct certificate *certificate)
{
    int64_t sequence;
    TRY(certificate_next_sequence(call, "certificate", &sequence));
    TRY(store_run(
        call->tx, NULL,
        "INSERT INTO certificate (region, id, account, status, mode, pem, ca_id, version, generation_id, "
        "not_before, not_after, created, sequence, modified) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?)",
        ARGS(sql_text(call->region), sql_text(certificate->id), sql_text(call->account), sql_text(certificate->status),
             sql_text(certificate->mode), sql_text(certificate->pem), sql_text(certificate->ca_id),
             sql_text(random_uuid(call)), sql_integer(certificate->not_before_s), sql_integer(certificate->not_after_s),
             sql_integer(call->now_ms), sql_integer(sequence), sql_integer(call->now_ms))));
    TRY(call_change(call, "certificate", certificate->id, "CREATED", certificate->status));
    return tell(call, certificate, certificate->status, "CREATED");
}

FALLIBLE certificate_store(struct call *call, const struct pki_certificate *certificate, const char *status)
{
    return certificate_insert(call, &(struct certificate){ .id = certificate->id,
                                                           .status = status,
                                                           .mode = "DEFAULT",
                                                           .pem = certificate->pem,
                                                           .not_before_s = certificate->not_before_s,
                                                           .not_after_s = certificate->not_after_s });
}

/* ---- the status machine ---- */

static bool is_any(const char *status, const char *a, const char *b, const char *c)
{
    return strcmp(status, a) == 0 || strcmp(status, b) == 0 || strcmp(status, c) == 0;
}

static error *wrong_state(struct call *call, const struct certificate *certificate, const char *status)
{
    return error_new(call, "CertificateStateException", "Certificate %s is %s; it cannot become %s.", certificate->id,
                     certificate->status, status);
}

static FALLIBLE check_transition(struct call *call, const struct certificate *certificate, const char *status)
{
    if (strcmp(status, "REGISTER_INACTIVE") == 0)
        return error_new(call, "InvalidRequestException",
                         "newStatus: REGISTER_INACTIVE is deprecated; use ACTIVE, INACTIVE or REVOKED.");
    if (!is_any(status, "ACTIVE", "INACTIVE", "REVOKED"))
        return wrong_state(call, certificate, status);
    if (is_any(certificate->status, "ACTIVE", "INACTIVE", "PENDING_ACTIVATION"))
        return NULL;
    bool unrevoked = door_get(call->door, CERTIFICATE_ALLOW_UNREVOKE) != NULL;
    if (strcmp(certificate->status, "REVOKED") == 0 && (strcmp(status, "REVOKED") == 0 || unrevoked))
        return NULL;
    return wrong_state(call, certificate, status);
}

FALLIBLE certificate_set_status(struct call *call, const struct certificate *certificate, const char *status)
{
    TRY(check_transition(call, certificate, status));
    return strcmp(certificate->status, status) == 0 ? NULL : certificate_write_status(call, certificate, status);
}

FALLIBLE certificate_write_status(struct call *call, const struct certificate *certificate, const char *status)
{
    TRY(store_run(call->tx, NULL,
                  "UPDATE certificate SET status = ?, version = version + 1, modified = ? "
                  "WHERE region = ? AND id = ? AND account = ?",
                  ARGS(sql_text(status), sql_integer(call->now_ms), sql_text(call->region), sql_text(certificate->id),
                       sql_text(call->account))));
    if (strcmp(certificate->status, "ACTIVE") == 0)
        call_effect(call, EFFECT_DISCONNECT, certificate->id);
    TRY(call_change(call, "certificate", certificate->id, "UPDATED", status));
    return tell(call, certificate, status, "UPDATED");
}

/* ---- removal ---- */

FALLIBLE certificate_is_attached(struct call *call, const char *id, bool *things, bool *policies)
{
    struct row *row;
    const char *arn = call_arn(call, "cert/%s", id);
    TRY(registry_has_things(call->tx, call->account, call->region, arn, things));
    TRY(store_find(call->tx, call, &row,
                   "SELECT 1 FROM policy_target WHERE account = ? AND region = ? AND target = ? LIMIT 1",
                   ARGS(sql_text(call->account), sql_text(call->region), sql_text(arn))));
    *policies = row != NULL;
    return NULL;
}

FALLIBLE certificate_drop(struct call *call, const struct certificate *certificate)
{
    const char *id = certificate->id, *arn = call_arn(call, "cert/%s", id);
    TRY(certificate_release_target(call, arn));
    TRY(registry_release_principal(call, arn));
    TRY(store_run(call->tx, NULL, "DELETE FROM certificate WHERE region = ? AND id = ? AND account = ?",
                  ARGS(sql_text(call->region), sql_text(id), sql_text(call->account))));
    return call_change(call, "certificate", id, "DELETED", NULL);
}

FALLIBLE certificate_remove(struct call *call, const struct certificate *certificate)
{
    TRY(certificate_drop(call, certificate));
    return tell(call, certificate, certificate->status, "DELETED");
}
