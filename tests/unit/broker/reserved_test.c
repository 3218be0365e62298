/* reserved_test.c - topics that begin with `$`: who may publish, who may subscribe (broker.md 4.8). */
#include "broker/inner.h"
#include "table.h"

enum verdict { NO, YES };

static const struct row {
    const char *name, *topic;
    enum verdict publish, subscribe;
} rows[] = {
    { "a plain topic", "pumps/p7/state", YES, YES },
    { "a $ that is not in front", "pumps/$aws/x", YES, YES },
    { "every topic", "#", YES, YES },
    { "a request for keys", "$aws/certificates/create/json", YES, NO },
    { "a request for keys in CBOR", "$aws/certificates/create/cbor", YES, NO },
    { "a request with a CSR", "$aws/certificates/create-from-csr/cbor", YES, NO },
    { "a request in another format", "$aws/certificates/create/xml", NO, NO },
    { "a request without a format", "$aws/certificates/create", NO, NO },
    { "a request with more behind it", "$aws/certificates/create/json/x", NO, NO },
    { "a registration", "$aws/provisioning-templates/pumps/provision/json", YES, NO },
    { "a registration without a template", "$aws/provisioning-templates//provision/json", NO, NO },
    { "a template's other topics", "$aws/provisioning-templates/pumps/delete/json", NO, NO },
    { "an answer with keys", "$aws/certificates/create/json/accepted", NO, YES },
    { "a refusal", "$aws/certificates/create-from-csr/cbor/rejected", NO, YES },
    { "an answer to a registration", "$aws/provisioning-templates/pumps/provision/cbor/accepted", NO, YES },
    { "all answers", "$aws/certificates/#", NO, YES },
    { "answers of one kind", "$aws/certificates/create/+/accepted", NO, YES },
    { "everything of the service", "$aws/#", NO, YES },
    { "lifecycle events", "$aws/events/presence/connected/lamp-7", NO, YES },
    { "all lifecycle events", "$aws/events/presence/#", NO, YES },
    { "an event of the registry", "$aws/events/thing/pump-7/created", NO, YES },
    { "a shadow's answer", "$aws/things/lamp-7/shadow/update/accepted", NO, YES },
    { "a job's notice", "$aws/things/lamp-7/jobs/notify", NO, YES },
    { "a tunnel's notice", "$aws/things/lamp-7/tunnels/notify", NO, YES },
    { "basic ingest", "$aws/rules/alarms", NO, NO },
    { "below basic ingest", "$aws/rules/alarms/a/b", NO, NO },
    { "a wildcard in basic ingest", "$aws/rules/#", NO, NO },
    { "an unknown service", "$aws/unknown/x", NO, NO },
    { "$aws itself", "$aws", NO, NO },
    { "another case", "$AWS/certificates/create/json", NO, NO },
    { "$SYS", "$SYS/broker/uptime", NO, NO },
    { "$ alone", "$", NO, NO },
    { "a wildcard below $SYS", "$SYS/#", NO, NO },
    { "a wildcard in place of $aws", "+/certificates/create/json", YES, YES },
};

static void is_judged(void **state)
{
    const struct row *row = *state;
    const char *publish = reserved_publish(slice_of(row->topic)), *subscribe = reserved_subscribe(slice_of(row->topic));
    assert_int_equal(publish == NULL ? YES : NO, row->publish);
    assert_int_equal(subscribe == NULL ? YES : NO, row->subscribe);
    assert_true(publish == NULL || strlen(publish) > 10); /* a refusal is a sentence */
    assert_true(subscribe == NULL || strlen(subscribe) > 10);
}

int main(void)
{
    return RUN_TABLE(rows, is_judged);
}
