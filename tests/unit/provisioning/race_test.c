/* race_test.c - what changes between the reading and the writing of a request (provisioning.md 4.8, 4.9): each row is a
   registration that has read, and something that is written before it. */
#include "house.h"

#define KEYS_TOPIC "$aws/certificates/create-from-csr/json"
#define TOPIC      "$aws/provisioning-templates/pumps/provision/json"

static const char template[] =
    "{\"templateName\":\"pumps\",\"enabled\":true,\"provisioningRoleArn\":\"" ROLE "\",\"templateBody\":"
    "\"{\\\"Parameters\\\":{\\\"Serial\\\":{\\\"Type\\\":\\\"String\\\"}},\\\"Resources\\\":{\\\"thing\\\":{"
    "\\\"Type\\\":"
    "\\\"AWS::IoT::Thing\\\",\\\"Properties\\\":{\\\"ThingName\\\":{\\\"Ref\\\":\\\"Serial\\\"}}},\\\"certificate\\\":{"
    "\\\"Type\\\":\\\"AWS::IoT::Certificate\\\",\\\"Properties\\\":{\\\"CertificateId\\\":{\\\"Ref\\\":"
    "\\\"AWS::IoT::Certificate::Id\\\"},\\\"Status\\\":\\\"Active\\\"}}}}\"}";

struct scene {
    struct house *house;
    struct outcome claim, made; /* to be freed */
    const char *claim_id, *certificate_id, *token;
};

static const char *csr_of(void *ctx)
{
    const char *pem;
    struct pki_key_pair *pair = pki_make_pair(ctx, PKI_P256);
    must(pki_make_csr(ctx, pair->private_pem, "a device", &pem));
    json *payload = json_new_object(ctx);
    json_put_text(payload, "certificateSigningRequest", pem);
    json_put_bool(payload, "setAsActive", true);
    return json_print(ctx, payload).at;
}

static struct scene scene_new(void)
{
    struct scene scene = { .house = house_new() };
    struct house *house = scene.house;
    talloc_free(operator_asks(house, "CreateProvisioningTemplate", template).ctx);
    scene.claim = operator_asks(house, "CreateCertificateFromCsr", csr_of(house));
    scene.claim_id = text_of(scene.claim, "certificateId");
    scene.made = device_asks(house, scene.claim_id, KEYS_TOPIC, csr_of(house));
    scene.certificate_id = text_of(scene.made, "certificateId");
    scene.token = text_of(scene.made, "certificateOwnershipToken");
    return scene;
}

static void scene_free(struct scene *scene)
{
    talloc_free(scene->claim.ctx);
    talloc_free(scene->made.ctx);
    house_free(scene->house);
}

static struct asked *registers(struct scene *scene, const char *serial)
{
    return device_begins(scene->house, scene->claim_id, TOPIC,
                         text_format(scene->house,
                                     "{\"certificateOwnershipToken\":\"%s\",\"parameters\":{\"Serial\":\"%s\"}}",
                                     scene->token, serial));
}

/* ---- what comes first ---- */

static struct asked *deactivates_claim(struct scene *scene)
{
    return operator_begins(
        scene->house, "UpdateCertificate",
        text_format(scene->house, "{\"certificateId\":\"%s\",\"newStatus\":\"INACTIVE\"}", scene->claim_id));
}

static struct asked *revokes_certificate(struct scene *scene)
{
    return operator_begins(
        scene->house, "UpdateCertificate",
        text_format(scene->house, "{\"certificateId\":\"%s\",\"newStatus\":\"REVOKED\"}", scene->certificate_id));
}

static struct asked *deletes_certificate(struct scene *scene)
{
    return operator_begins(scene->house, "DeleteCertificate",
                           text_format(scene->house, "{\"certificateId\":\"%s\"}", scene->certificate_id));
}

static struct asked *deletes_template(struct scene *scene)
{
    return operator_begins(scene->house, "DeleteProvisioningTemplate", "{\"templateName\":\"pumps\"}");
}

static struct asked *registers_the_same(struct scene *scene)
{
    return registers(scene, "pump-1");
}

static struct asked *registers_another(struct scene *scene)
{
    return registers(scene, "pump-2");
}

static const struct row {
    const char *name;
    struct asked *(*first)(struct scene *scene);
    const char *error; /* of the registration; NULL: accepted */
    int64_t things;
    const char *status; /* of the certificate afterwards; NULL: it is gone */
} rows[] = {
    { "the claim is deactivated", deactivates_claim, "AccessDenied", 0, "PENDING_ACTIVATION" },
    { "the certificate is revoked", revokes_certificate, "ResourceConflict", 0, "REVOKED" },
    { "the certificate is deleted", deletes_certificate, "InvalidCertificateOwnershipToken", 0, NULL },
    { "the template is deleted: the version that it began with counts", deletes_template, NULL, 1, "ACTIVE" },
    { "the token is used for the same", registers_the_same, NULL, 1, "ACTIVE" },
    { "the token is used for another", registers_another, "InvalidCertificateOwnershipToken", 1, "ACTIVE" },
};

static void meets(void **state)
{
    const struct row *row = *state;
    struct scene scene = scene_new();
    struct house *house = scene.house;
    house_hold(house);
    struct asked *first = row->first(&scene);
    house_await(house, 1);
    struct asked *second = registers(&scene, "pump-1");
    house_await(house, 2);
    house_let_go(house);
    struct outcome before = end(first), after = end(second);

    assert_null(before.error);
    if (row->error == NULL) {
        assert_string_equal(text_of(after, "thingName"), "pump-1");
    } else {
        assert_non_null(after.error);
        assert_string_equal(after.error, row->error);
    }
    assert_int_equal(house_counts(house, "SELECT count(*) FROM thing"), row->things);
    struct outcome found = operator_asks(house, "DescribeCertificate",
                                         text_format(house, "{\"certificateId\":\"%s\"}", scene.certificate_id));
    if (row->status == NULL)
        assert_string_equal(found.error, "ResourceNotFoundException");
    else
        assert_string_equal(json_get_text(json_get_object(found.output, "certificateDescription"), "status"),
                            row->status);
    talloc_free(found.ctx);
    talloc_free(before.ctx);
    talloc_free(after.ctx);
    scene_free(&scene);
}

/* ---- what a token leaves behind ---- */

static const struct rest_row {
    const char *name;
    bool registered, later;
    int64_t certificates, tokens, loads; /* the claim is one of the certificates */
} rest_rows[] = {
    { "an unused token", false, false, 2, 1, 1 },
    { "a used token is kept for an hour, and counts no more", true, false, 2, 1, 0 },
    { "an unused token, an hour later", false, true, 1, 0, 0 },
    { "a used token, an hour later", true, true, 2, 0, 0 },
};

static void is_left(void **state)
{
    const struct rest_row *row = *state;
    struct scene scene = scene_new();
    struct house *house = scene.house;
    if (row->registered) {
        struct outcome told = end(registers(&scene, "pump-1"));
        assert_null(told.error);
        talloc_free(told.ctx);
    }
    clock_shift_s(row->later ? OWNERSHIP_TOKEN_S + 1 : 0);
    struct outcome swept = house_sweep(house);
    clock_shift_s(row->later ? -(OWNERSHIP_TOKEN_S + 1) : 0);
    assert_null(swept.error);
    talloc_free(swept.ctx);
    assert_int_equal(house_counts(house, "SELECT count(*) FROM certificate"), row->certificates);
    assert_int_equal(house_counts(house, "SELECT count(*) FROM ownership_token"), row->tokens);
    assert_int_equal(house_counts(house, "SELECT count(*) FROM claim_load"), row->loads);
    scene_free(&scene);
}

/* ---- the order of the checks (4.9): of two faults the first one is told ---- */

static const struct order_row {
    const char *name;
    const char *topic, *parameters;
    bool good_token;
    const char *error;
} order_rows[] = {
    { "parameters before the token", TOPIC, "{\"Serial\":[]}", false, "InvalidParameters" },
    { "the token before the template", "$aws/provisioning-templates/none/provision/json", "{}", false,
      "InvalidCertificateOwnershipToken" },
    { "the template before its parameters", "$aws/provisioning-templates/none/provision/json", "{}", true,
      "ResourceNotFound" },
    { "a parameter that is missing", TOPIC, "{}", true, "InvalidParameters" },
    { "a name that no thing can have", TOPIC, "{\"Serial\":\"a/b\"}", true, "InvalidParameters" },
    { "nothing wrong", TOPIC, "{\"Serial\":\"pump-1\"}", true, NULL },
};

static void tells_the_first(void **state)
{
    const struct order_row *row = *state;
    struct scene scene = scene_new();
    struct outcome told =
        device_asks(scene.house, scene.claim_id, row->topic,
                    text_format(scene.house, "{\"certificateOwnershipToken\":\"%s\",\"parameters\":%s}",
                                row->good_token ? scene.token : "wrong", row->parameters));
    if (row->error == NULL)
        assert_null(told.error);
    else
        assert_string_equal(told.error, row->error);
    talloc_free(told.ctx);
    scene_free(&scene);
}

int main(void)
{
    return RUN_TABLES(TABLE(rows, meets), TABLE(rest_rows, is_left), TABLE(order_rows, tells_the_first));
}
