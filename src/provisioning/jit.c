/* jit.c - just-in-time registration: an unknown certificate of a registered CA (x509.md 3.5, 4.9). */
#include "provisioning/jit.h"

static const char unregistered[] = "DEVICE_CERTIFICATE_NOT_REGISTERED";

/* ---- WORK: the certificate by itself ---- */

static FALLIBLE check_dates(struct call *call, const struct pki_certificate_info *leaf)
{
    int64_t now_s = call->now_ms / 1000;
    if (now_s > leaf->not_after_s)
        return error_new(call, "DEVICE_CERTIFICATE_EXPIRED",
                         "Certificate %s has expired; it is not registered just in time.", leaf->id);
    return now_s >= leaf->not_before_s
               ? NULL
               : error_new(call, "DEVICE_CERTIFICATE_NOT_YET_VALID",
                           "Certificate %s is not yet valid, and not registered just in time; is a clock wrong?",
                           leaf->id);
}

static FALLIBLE read_leaf(struct call *call)
{
    struct jit_visit *visit = call->kept;
    error *e = pki_certificate_parse(visit, visit->chain[0], &visit->leaf);
    if (e != NULL)
        return error_because(call, e, unregistered,
                             "The certificate is not registered, and cannot be registered just in time: %s",
                             e->message);
    return check_dates(call, visit->leaf);
}

/* ---- READ: who has it, and who could have issued it ---- */

static FALLIBLE holder_of(struct call *call, const char *table, const char *id, const char **account)
{
    struct row *row;
    const char *sql =
        text_format(call, "SELECT account FROM %s WHERE region = ? AND id = ? AND mode = 'DEFAULT' LIMIT 1", table);
    TRY(store_find(call->tx, call, &row, sql, ARGS(sql_text(call->region), sql_text(id))));
    if (row != NULL)
        *account = row_text(call, row, 0);
    return NULL;
}

/* Without SNI: who has the certificate in DEFAULT mode; or a CA that the client sent along, the way before SNI was
   asked for (4.9, row 2). */
static FALLIBLE find_account(struct call *call, const struct jit_visit *visit)
{
    const char *account = NULL;
    if (visit->account != NULL)
        return NULL;
    TRY(holder_of(call, "certificate", visit->leaf->id, &account));
    for (size_t i = 1; account == NULL && i < visit->chain_count; i++)
        TRY(holder_of(call, "ca_certificate", pki_certificate_id(call, visit->chain[i]), &account));
    account = account ? account : visit->jit->options.default_account;
    if (account == NULL)
        return error_new(call, unregistered,
                         "Certificate %s is not registered, and the client named no host: without SNI it must send "
                         "its CA's certificate too, and the CA must be registered in DEFAULT mode.",
                         visit->leaf->id);
    call->account = account;
    return NULL;
}

/* A CA that takes no new devices does not wake up those that wait either (row 6). */
static const char *closed(const char *status, bool auto_registration)
{
    if (strcmp(status, "ACTIVE") != 0)
        return "is INACTIVE; activate it with update-ca-certificate --new-status ACTIVE";
    return auto_registration ? NULL
                             : "has auto-registration disabled; enable it with update-ca-certificate "
                               "--new-auto-registration-status ENABLE, or register the certificate";
}

static FALLIBLE see_waiting(struct call *call, struct jit_visit *visit, const struct certificate *certificate)
{
    struct ca *ca = NULL;
    visit->look_again = strcmp(certificate->status, "PENDING_ACTIVATION") != 0;
    if (visit->look_again)
        return NULL;
    if (certificate->ca_id != NULL)
        TRY(ca_find(call->tx, visit, call->account, call->region, certificate->ca_id, &ca));
    if (ca == NULL)
        return jit_is_pending(call, visit, "it was not registered just in time: RegisterThing activates it");
    const char *why = closed(ca->status, ca->auto_registration);
    if (why != NULL)
        return jit_is_pending(call, visit, text_format(call, "its CA certificate %s %s", ca->id, why));
    visit->ca_id = ca->id;
    visit->mode = ca->mode;
    visit->created = certificate->created;
    return NULL;
}

static FALLIBLE look(struct call *call)
{
    struct jit_visit *visit = call->kept;
    struct certificate *certificate;
    TRY(find_account(call, visit));
    TRY(certificate_find(call->tx, visit, call->account, call->region, visit->leaf->id, &certificate));
    if (certificate != NULL)
        return see_waiting(call, visit, certificate);
    return ca_with_subject(call->tx, visit, call->account, call->region, visit->leaf->issuer, &visit->candidates);
}

/* ---- WORK: the oldest CA that issued it and takes new devices ---- */

static FALLIBLE choose(struct call *call)
{
    struct jit_visit *visit = call->kept;
    const char *why = "no CA certificate that issued it is registered; register its direct issuer";
    if (visit->ca_id != NULL || visit->look_again)
        return NULL;
    for (size_t i = 0; i < visit->candidates.count; i++) {
        const struct ca_candidate *one = &visit->candidates.items[i];
        struct pki_certificate_info *ca;
        TRY(pki_certificate_parse_one(call, slice_of(one->pem), &ca));
        if (!pki_certificate_issued_by(visit->leaf, ca))
            continue;
        const char *not_this = closed(one->status, one->auto_registration);
        if (not_this == NULL) {
            visit->ca_id = one->id;
            visit->mode = one->mode;
            return NULL;
        }
        why = text_format(call, "its CA certificate %s %s", one->id, not_this);
    }
    return error_new(call, unregistered, "Certificate %s is not registered in account %s and region %s: %s.",
                     visit->leaf->id, call->account, call->region, why);
}

/* ---- APPLY: the row, and the event ---- */

static void tell_customer(struct call *call, const struct jit_visit *visit)
{
    json *event = json_new_object(call);
    json_put_text(event, "certificateId", visit->leaf->id);
    json_put_text(event, "caCertificateId", visit->ca_id);
    json_put_integer(event, "timestamp", call->now_ms);
    json_put_text(event, "certificateStatus", "PENDING_ACTIVATION");
    json_put_text(event, "awsAccountId", call->account);
    json_put(event, "certificateRegistrationTimestamp",
             visit->created ? json_object_new_string(text_format(call, "%lld", (long long)visit->created)) : NULL);
    call_publish(call, text_format(call, "$aws/events/certificates/registered/%s", visit->ca_id), event);
}

static FALLIBLE need_open_ca(struct call *call, struct jit_visit *visit)
{
    struct ca *ca;
    TRY(ca_find(call->tx, call, call->account, call->region, visit->ca_id, &ca));
    const char *why = ca ? closed(ca->status, ca->auto_registration) : "has been deleted";
    if (why != NULL)
        return error_new(call, unregistered, "Certificate %s is not registered: its CA certificate %s %s.",
                         visit->leaf->id, visit->ca_id, why);
    visit->mode = ca->mode;
    visit->is_provisioned_by_template = ca->config.template_body != NULL || ca->config.template_name != NULL;
    return NULL;
}

static FALLIBLE register_now(struct call *call, struct jit_visit *visit)
{
    const struct certificate_registration registration = {
        .info = visit->leaf, .pem = visit->leaf->pem, .status = "PENDING_ACTIVATION", .ca_id = visit->ca_id
    };
    error *e = certificate_register(call, &registration);
    if (error_is(e, "InvalidRequestException"))
        return error_because(call, e, unregistered,
                             "Certificate %s is not registered in account %s: it is another account's in DEFAULT "
                             "mode; use a CA in SNI_ONLY mode for certificates of two accounts.",
                             visit->leaf->id, call->account);
    return e;
}

static FALLIBLE admit_stranger(struct call *call)
{
    struct jit_visit *visit = call->kept;
    struct certificate *certificate;
    if (visit->look_again)
        return answer(call);
    TRY(certificate_find(call->tx, call, call->account, call->region, visit->leaf->id, &certificate));
    visit->look_again = certificate != NULL && strcmp(certificate->status, "PENDING_ACTIVATION") != 0;
    if (visit->look_again)
        return answer(call);
    visit->created = certificate ? certificate->created : 0;
    TRY(need_open_ca(call, visit));
    if (certificate == NULL)
        TRY(register_now(call, visit));
    tell_customer(call, visit);
    return answer(call);
}

static const struct operation just_in_time_registration = { "muster", "JustInTimeRegistration",
                                                            STEPS({ WORK, read_leaf }, { READ, look }, { WORK, choose },
                                                                  { APPLY, admit_stranger }) };

/* ---- there and back ---- */

error *jit_is_pending(void *ctx, const struct jit_visit *visit, const char *because)
{
    return error_new(ctx, "DEVICE_CERTIFICATE_PENDING_ACTIVATION", "Certificate %s is PENDING_ACTIVATION: %s.",
                     visit->leaf->id, because);
}

void jit_visit_end(struct jit_visit *visit, const error *refused)
{
    if (visit->done != NULL)
        visit->done(visit->arg, refused);
    talloc_free(visit);
}

static void registered(struct jit_visit *visit)
{
    struct jit *jit = visit->jit;
    if (visit->created == 0)
        JIT_COUNT(jit, registered);
    else
        JIT_COUNT(jit, repeated);
    const char *because =
        visit->is_provisioned_by_template
            ? "the template of its CA is applied now, and the device connects again"
            : "a rule or a person activates it with update-certificate, and the device connects again";
    bool held = jit->options.hold && visit->is_provisioned_by_template;
    if (!held) {
        visit->done(visit->arg, jit_is_pending(visit, visit, because));
        visit->done = NULL;
    }
    if (visit->is_provisioned_by_template)
        jitp_begin(visit, held);
    else
        jit_visit_end(visit, NULL);
}

static void registration_ended(struct call *call)
{
    struct jit_visit *visit = call->owner;
    visit->account = talloc_strdup(visit, call->account ? call->account : "");
    if (call->error != NULL)
        jit_visit_end(visit, call->error);
    else if (visit->look_again)
        jit_visit_end(visit, NULL);
    else
        registered(visit);
    talloc_free(call);
}

void jit_introduce(struct jit *jit, const struct jit_request *request)
{
    struct jit_visit *visit = MAKE(NULL, struct jit_visit);
    visit->jit = jit;
    visit->account = request->account ? text_copy(visit, request->account) : NULL;
    visit->region = text_copy(visit, request->region);
    visit->source_ip = text_copy(visit, request->source_ip);
    visit->chain = MAKE_ARRAY(visit, slice, request->chain_count);
    visit->chain_count = request->chain_count;
    for (size_t i = 0; i < request->chain_count; i++)
        visit->chain[i] = slice_copy(visit, request->chain[i]);
    visit->client_id = slice_copy(visit, request->client_id);
    visit->home = request->home;
    visit->done = request->done;
    visit->arg = request->arg;

    struct call *call = call_new_internal(jit->options.door, &just_in_time_registration, visit->account, visit->region);
    call->source_ip = visit->source_ip;
    call->kept = call->owner = visit;
    call->home = visit->home;
    call->done = registration_ended;
    operation_run(call);
}

/* ---- life ---- */

struct jit *jit_new(void *ctx, const struct jit_options *options)
{
    struct jit *jit = MAKE(ctx, struct jit);
    jit->options = *options;
    jit->scope = (struct scope){ .above = options->scope, .key = "via", .value = "just-in-time" };
    return jit;
}

void jit_count(struct jit *jit, struct jit_numbers *out)
{
    const uint64_t *from = (const uint64_t *)&jit->numbers;
    uint64_t *to = (uint64_t *)out;
    for (size_t i = 0; i < sizeof(*out) / sizeof(*to); i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}
