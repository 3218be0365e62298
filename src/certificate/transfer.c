/* transfer.c - TransferCertificate, AcceptCertificateTransfer, RejectCertificateTransfer, CancelCertificateTransfer,
   ListOutgoingCertificates (x509.md 2.2, 3.3, 4.7).

       TransferCertificate   the source's row becomes PENDING_TRANSFER, the target gets one like it
       accept                the source's row goes, the target's becomes INACTIVE or ACTIVE: one transaction
       reject, cancel        the target's row goes, the source's becomes INACTIVE

   The writer decides between those who come at the same time: what ends a transfer finds it PENDING and leaves it in
   another state, so exactly one does, and the others are told that it is finished. */
#include "account/account.h"
#include "certificate/inner.h"

/* ---- one transfer ---- */

struct transfer {
    const char *source, *target, *id;
};

/* The transfer of the input's certificate that is pending to or from the caller. */
static FALLIBLE need_pending(struct call *call, const char *sql, struct transfer *out)
{
    struct row *row;
    const char *id = call_string(call, "certificateId");
    TRY(store_find(call->tx, call, &row, sql, ARGS(sql_text(call->account), sql_text(call->region), sql_text(id))));
    if (row == NULL)
        return error_new(call, "ResourceNotFoundException", "No transfer of certificate %s can be found.", id);
    if (!slice_is(row_slice(row, 2), "PENDING"))
        return error_new(call, "TransferAlreadyCompletedException", "The transfer of certificate %s is already %.*s.",
                         id, PRINT(row_slice(row, 2)));
    *out = (struct transfer){ .source = row_text(call, row, 0), .target = row_text(call, row, 1), .id = id };
    return NULL;
}

static FALLIBLE need_incoming(struct call *call, struct transfer *out)
{
    return need_pending(call,
                        "SELECT account, target, state FROM certificate_transfer WHERE target = ? AND region = ? "
                        "AND id = ? ORDER BY state = 'PENDING' DESC, number DESC LIMIT 1",
                        out);
}

static FALLIBLE need_outgoing(struct call *call, struct transfer *out)
{
    return need_pending(call,
                        "SELECT account, target, state FROM certificate_transfer WHERE account = ? AND region = ? "
                        "AND id = ? ORDER BY state = 'PENDING' DESC, number DESC LIMIT 1",
                        out);
}

static FALLIBLE end_transfer(struct call *call, const struct transfer *transfer, const char *state)
{
    bool accepted = strcmp(state, "ACCEPTED") == 0, rejected = strcmp(state, "REJECTED") == 0;
    return store_run(call->tx, NULL,
                     "UPDATE certificate_transfer SET state = ?, accepted = ?, rejected = ?, reject_reason = ? "
                     "WHERE account = ? AND region = ? AND id = ? AND target = ?",
                     ARGS(sql_text(state), accepted ? sql_integer(call->now_ms) : SQL_NULL,
                          rejected ? sql_integer(call->now_ms) : SQL_NULL,
                          sql_text(rejected ? call_string(call, "rejectReason") : NULL), sql_text(transfer->source),
                          sql_text(call->region), sql_text(transfer->id), sql_text(transfer->target)));
}

/* ---- both ends: what a step does, it does in the account whose row it is ---- */

/* The row of one end, in the state that every transfer leaves it in while it is pending. */
static FALLIBLE need_end(struct call *call, const char *account, const char *id, struct certificate **out)
{
    TRY(certificate_find(call->tx, call, account, call->region, id, out));
    if (*out == NULL || strcmp((*out)->status, "PENDING_TRANSFER") != 0)
        return error_new(call, "InternalFailureException", "An end of the transfer of certificate %s is missing.", id);
    return NULL;
}

static FALLIBLE change_end(struct call *call, const char *account, const char *id, const char *status)
{
    struct certificate *certificate;
    const char *caller = call->account;
    TRY(need_end(call, account, id, &certificate));
    call->account = account;
    error *e = certificate_write_status(call, certificate, status);
    call->account = caller;
    return e;
}

/* Its attachments go too: they may have been made since the transfer began. */
static FALLIBLE drop_end(struct call *call, const char *account, const char *id, bool announced)
{
    struct certificate *certificate;
    const char *caller = call->account;
    TRY(need_end(call, account, id, &certificate));
    call->account = account;
    error *e = announced ? certificate_remove(call, certificate) : certificate_drop(call, certificate);
    call->account = caller;
    return e;
}

static FALLIBLE give_back(struct call *call, const struct transfer *transfer, const char *state)
{
    TRY(end_transfer(call, transfer, state));
    TRY(drop_end(call, transfer->target, transfer->id, false)); /* of its coming nobody was told */
    return change_end(call, transfer->source, transfer->id, "INACTIVE");
}

/* ---- TransferCertificate ---- */

static FALLIBLE check_certificate(struct call *call, const struct certificate *certificate)
{
    static const char *const wrong[] = { "ACTIVE", "REVOKED", "PENDING_TRANSFER" };
    bool things, policies;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        if (strcmp(certificate->status, wrong[i]) == 0)
            return error_new(call, "CertificateStateException", "Certificate %s is %s; it cannot be transferred.",
                             certificate->id, certificate->status);
    TRY(certificate_is_attached(call, certificate->id, &things, &policies));
    if (!things && !policies)
        return NULL;
    return error_new(call, "TransferConflictException", "%s must be detached before certificate %s is transferred.",
                     policies ? "Policies" : "Things", certificate->id);
}

static FALLIBLE check_target(struct call *call, const char *target)
{
    bool exists;
    if (strcmp(target, call->account) == 0)
        return error_new(call, "InvalidRequestException", "targetAwsAccount: %s owns the certificate already.", target);
    TRY(account_exists(call->tx, target, &exists));
    return exists ? NULL
                  : error_new(call, "InvalidRequestException", "targetAwsAccount: there is no account %s.", target);
}

/* The target's row: everything but the owner is the source's. */
static FALLIBLE give_row(struct call *call, const struct certificate *certificate, const char *target)
{
    int64_t changed;
    const char *caller = call->account;
    TRY(store_run(call->tx, &changed,
                  "INSERT INTO certificate (region, id, account, status, mode, pem, ca_id, version, generation_id, "
                  "not_before, not_after, created, sequence, modified) SELECT region, id, ?, status, mode, pem, ca_id, "
                  "version, generation_id, not_before, not_after, created, sequence, modified FROM certificate "
                  "WHERE region = ? AND id = ? AND account = ? ON CONFLICT DO NOTHING",
                  ARGS(sql_text(target), sql_text(call->region), sql_text(certificate->id), sql_text(call->account))));
    if (changed == 0)
        return error_new(call, "TransferConflictException", "Account %s has certificate %s already.", target,
                         certificate->id);
    call->account = target;
    error *e = call_change(call, "certificate", certificate->id, "CREATED", "PENDING_TRANSFER");
    call->account = caller;
    return e;
}

static FALLIBLE keep_transfer(struct call *call, const struct certificate *certificate, const char *target)
{
    int64_t number;
    TRY(certificate_next_sequence(call, "transfer", &number));
    TRY(store_run(call->tx, NULL,
                  "DELETE FROM certificate_transfer WHERE account = ? AND region = ? AND id = ? AND target = ?",
                  ARGS(sql_text(call->account), sql_text(call->region), sql_text(certificate->id), sql_text(target))));
    return store_run(
        call->tx, NULL,
        "INSERT INTO certificate_transfer (account, region, id, target, state, number, generation_id, created, "
        "sequence, message, transferred) SELECT account, region, id, ?, 'PENDING', ?, generation_id, created, "
        "sequence, "
        "?, ? FROM certificate WHERE region = ? AND id = ? AND account = ?",
        ARGS(sql_text(target), sql_integer(number), sql_text(call_string(call, "transferMessage")),
             sql_integer(call->now_ms), sql_text(call->region), sql_text(certificate->id), sql_text(call->account)));
}

static FALLIBLE transfer(struct call *call)
{
    struct certificate *certificate;
    const char *id = call_string(call, "certificateId"), *target = call_string(call, "targetAwsAccount");
    TRY(certificate_find(call->tx, call, call->account, call->region, id, &certificate));
    if (certificate == NULL)
        return certificate_unknown(call, id);
    TRY(check_certificate(call, certificate));
    TRY(check_target(call, target));
    TRY(certificate_write_status(call, certificate, "PENDING_TRANSFER"));
    TRY(give_row(call, certificate, target));
    TRY(keep_transfer(call, certificate, target));
    return answer(call, string("transferredCertificateArn",
                               text_format(call, "arn:aws:iot:%s:%s:cert/%s", call->region, target, id)));
}

/* ---- how it ends ---- */

static FALLIBLE accept_transfer(struct call *call)
{
    struct transfer transfer;
    TRY(need_incoming(call, &transfer));
    TRY(end_transfer(call, &transfer, "ACCEPTED"));
    TRY(drop_end(call, transfer.source, transfer.id, true));
    TRY(store_run(
        call->tx, NULL, "UPDATE certificate SET previous_owner = ? WHERE region = ? AND id = ? AND account = ?",
        ARGS(sql_text(transfer.source), sql_text(call->region), sql_text(transfer.id), sql_text(call->account))));
    TRY(change_end(call, call->account, transfer.id, call_flag(call, "setAsActive") ? "ACTIVE" : "INACTIVE"));
    return answer(call);
}

static FALLIBLE reject_transfer(struct call *call)
{
    struct transfer transfer;
    TRY(need_incoming(call, &transfer));
    TRY(give_back(call, &transfer, "REJECTED"));
    return answer(call);
}

static FALLIBLE cancel_transfer(struct call *call)
{
    struct transfer transfer;
    TRY(need_outgoing(call, &transfer));
    TRY(give_back(call, &transfer, "CANCELLED"));
    return answer(call);
}

/* ---- what DescribeCertificate shows ---- */

FALLIBLE certificate_transfer_data(struct call *call, const struct certificate *certificate, const char **owner,
                                   json *data)
{
    struct row *row;
    *owner = call->account;
    TRY(store_find(call->tx, call, &row,
                   "SELECT account, state, message, transferred, accepted, rejected, reject_reason "
                   "FROM certificate_transfer WHERE (account = ? OR target = ?) AND region = ? AND id = ? "
                   "AND generation_id = ? ORDER BY number DESC LIMIT 1",
                   ARGS(sql_text(call->account), sql_text(call->account), sql_text(call->region),
                        sql_text(certificate->id), sql_text(certificate->generation_id))));
    if (row == NULL)
        return NULL;
    if (slice_is(row_slice(row, 1), "PENDING"))
        *owner = row_text(call, row, 0);
    json_put_text(data, "transferMessage", row_text(call, row, 2));
    json_put_time(data, "transferDate", row_integer(row, 3));
    if (!row_is_null(row, 4))
        json_put_time(data, "acceptDate", row_integer(row, 4));
    if (!row_is_null(row, 5))
        json_put_time(data, "rejectDate", row_integer(row, 5));
    json_put_text(data, "rejectReason", row_text(call, row, 6));
    return NULL;
}

/* ---- ListOutgoingCertificates ---- */

static json *outgoing_entry(struct call *call, const struct row *row)
{
    json *certificate = json_object_new_object();
    json_put_text(certificate, "certificateArn",
                  text_format(call, "arn:aws:iot:%s:%.*s:cert/%.*s", call->region, PRINT(row_slice(row, 1)),
                              PRINT(row_slice(row, 0))));
    json_put_slice(certificate, "certificateId", row_slice(row, 0));
    json_put_slice(certificate, "transferredTo", row_slice(row, 1));
    json_put_time(certificate, "transferDate", row_integer(row, 2));
    json_put_text(certificate, "transferMessage", row_text(call, row, 3));
    json_put_time(certificate, "creationDate", row_integer(row, 4));
    return certificate;
}

static FALLIBLE list_outgoing(struct call *call)
{
    struct list list = { .call = call,
                         .member = "outgoingCertificates",
                         .entry = outgoing_entry,
                         .position = 5,
                         .numbered = true,
                         .newest_first = true };
    TRY(list_begin(&list));
    TRY(list_each(&list,
                  LIST_BY("sequence", "SELECT id, target, transferred, message, created, sequence "
                                      "FROM certificate_transfer WHERE account = ? AND region = ? "
                                      "AND state = 'PENDING' AND"),
                  ARGS(sql_text(call->account), sql_text(call->region))));
    return list_answer(&list);
}

/* ---- the sweep: with transfer_expiry_days, what nobody answered is cancelled ---- */

enum { SWEPT_A_CALL = 200 };

struct sweep {
    struct call *call;
    struct expired {
        const char *region;
        struct transfer transfer;
    } * items;
    size_t count;
};

static FALLIBLE collect(const struct row *row, void *arg)
{
    struct sweep *sweep = arg;
    struct expired *expired = ARRAY_ADD(sweep->call, sweep->items, sweep->count);
    *expired = (struct expired){ .region = row_text(sweep->call, row, 1),
                                 .transfer = { .source = row_text(sweep->call, row, 0),
                                               .id = row_text(sweep->call, row, 2),
                                               .target = row_text(sweep->call, row, 3) } };
    return NULL;
}

static FALLIBLE sweep_expired(struct call *call)
{
    const int *days = door_get(call->door, CERTIFICATE_TRANSFER_EXPIRY_DAYS);
    struct sweep sweep = { .call = call };
    if (days == NULL || *days == 0)
        return answer(call, boolean("more", false));
    TRY(store_each(call->tx, collect, &sweep,
                   "SELECT account, region, id, target FROM certificate_transfer WHERE state = 'PENDING' "
                   "AND transferred <= ? ORDER BY transferred LIMIT ?",
                   ARGS(sql_integer(call->now_ms - *days * INT64_C(86400000)), sql_integer(SWEPT_A_CALL))));
    for (size_t i = 0; i < sweep.count; i++) {
        call->account = sweep.items[i].transfer.source; /* the sweeper works for one account after the other */
        call->region = sweep.items[i].region;
        TRY(give_back(call, &sweep.items[i].transfer, "CANCELLED"));
    }
    return answer(call, integer("swept", (int64_t)sweep.count), boolean("more", sweep.count == SWEPT_A_CALL));
}

const struct operation certificate_op_transfer = { "iot", "TransferCertificate", STEPS({ APPLY, transfer }) };
const struct operation certificate_op_accept = { "iot", "AcceptCertificateTransfer",
                                                 STEPS({ APPLY, accept_transfer }) };
const struct operation certificate_op_reject = { "iot", "RejectCertificateTransfer",
                                                 STEPS({ APPLY, reject_transfer }) };
const struct operation certificate_op_cancel = { "iot", "CancelCertificateTransfer",
                                                 STEPS({ APPLY, cancel_transfer }) };
const struct operation certificate_op_list_outgoing = { "iot", "ListOutgoingCertificates",
                                                        STEPS({ READ, list_outgoing }) };
const struct operation certificate_sweep = { "internal", "SweepCertificateTransfers", STEPS({ APPLY, sweep_expired }) };
