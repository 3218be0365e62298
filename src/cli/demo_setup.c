/* demo_setup.c - what an operator does before devices come, and looks at afterwards: all through the public API. */
#include "cli/demo.h"
#include <errno.h>

enum { CA_MAX = 256 * 1024 };

/* R, A: region and account. A device may be its own thing only. */
static const char device_policy[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":["
    "{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\","
    "\"Resource\":\"arn:aws:iot:R:A:client/${iot:Connection.Thing.ThingName}\"},"
    "{\"Effect\":\"Allow\",\"Action\":[\"iot:Publish\",\"iot:Receive\"],"
    "\"Resource\":\"arn:aws:iot:R:A:topic/pumps/${iot:Connection.Thing.ThingName}/*\"},"
    "{\"Effect\":\"Allow\",\"Action\":\"iot:Subscribe\","
    "\"Resource\":\"arn:aws:iot:R:A:topicfilter/pumps/${iot:Connection.Thing.ThingName}/*\"}]}";

/* provisioning.md 4.7: both flows, one template, and nothing else. */
static const char claim_policy[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":["
    "{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\",\"Resource\":\"arn:aws:iot:R:A:client/factory-*\"},"
    "{\"Effect\":\"Allow\",\"Action\":[\"iot:Publish\",\"iot:Receive\"],\"Resource\":["
    "\"arn:aws:iot:R:A:topic/$aws/certificates/create/*\","
    "\"arn:aws:iot:R:A:topic/$aws/certificates/create-from-csr/*\","
    "\"arn:aws:iot:R:A:topic/$aws/provisioning-templates/pumps/provision/*\"]},"
    "{\"Effect\":\"Allow\",\"Action\":\"iot:Subscribe\",\"Resource\":["
    "\"arn:aws:iot:R:A:topicfilter/$aws/certificates/create/*\","
    "\"arn:aws:iot:R:A:topicfilter/$aws/certificates/create-from-csr/*\","
    "\"arn:aws:iot:R:A:topicfilter/$aws/provisioning-templates/pumps/provision/*\"]}]}";

static const char template_body[] =
    "{\"Parameters\":{\"SerialNumber\":{\"Type\":\"String\"},\"AWS::IoT::Certificate::Id\":{\"Type\":\"String\"}},"
    "\"Resources\":{"
    "\"thing\":{\"Type\":\"AWS::IoT::Thing\",\"Properties\":{"
    "\"ThingName\":{\"Fn::Join\":[\"\",[\"pump-\",{\"Ref\":\"SerialNumber\"}]]},\"ThingTypeName\":\"pump\","
    "\"AttributePayload\":{\"serial\":{\"Ref\":\"SerialNumber\"}}}},"
    "\"certificate\":{\"Type\":\"AWS::IoT::Certificate\",\"Properties\":{"
    "\"CertificateId\":{\"Ref\":\"AWS::IoT::Certificate::Id\"},\"Status\":\"Active\"}},"
    "\"policy\":{\"Type\":\"AWS::IoT::Policy\",\"Properties\":{\"PolicyName\":\"pump\"}}},"
    "\"DeviceConfiguration\":{\"Site\":\"demo\"}}";

/* ---- calls ---- */

static FALLIBLE iot(struct demo *demo, const char *method, const char *path, json *body, json **out)
{
    return device_api_call(demo, &demo->api, "iot", method, path, body, out);
}

static const char *get(const struct demo *demo, const char *name)
{
    const char *value = cli_environment_get(demo->environment, name);
    return value ? value : "";
}

/* "arn:aws:iot:R:A:" with the region and account that they are. */
static const char *filled_in(struct demo *demo, const char *document)
{
    writer out = writer_new(demo, 65536);
    for (const char *arn; (arn = strstr(document, "iot:R:A:")) != NULL; document = arn + strlen("iot:R:A:")) {
        writer_bytes(&out, document, (size_t)(arn - document));
        writer_format(&out, "iot:%s:%s:", get(demo, "AWS_REGION"), get(demo, "MUSTER_ACCOUNT"));
    }
    writer_text(&out, document);
    return writer_finish(&out);
}

static FALLIBLE make_policy(struct demo *demo, const char *name, const char *document)
{
    json *answer, *body = json_new_object(demo);
    json_put_text(body, "policyDocument", filled_in(demo, document));
    return iot(demo, "POST", text_format(demo, "/policies/%s", name), body, &answer);
}

static FALLIBLE make_template(struct demo *demo, const char *name)
{
    json *answer, *body = json_new_object(demo);
    json_put_text(body, "templateName", name);
    json_put_text(body, "type", "FLEET_PROVISIONING");
    json_put_bool(body, "enabled", true);
    json_put_text(body, "provisioningRoleArn", get(demo, "MUSTER_PROVISIONING_ROLE"));
    json_put_text(body, "templateBody", template_body);
    return iot(demo, "POST", "/provisioning-templates", body, &answer);
}

static FALLIBLE make_claim(struct demo *demo)
{
    json *made, *attached, *body = json_new_object(demo);
    struct device_identity *claim;
    TRY(iot(demo, "POST", "/keys-and-certificate?setAsActive=true", NULL, &made));
    json_put_text(body, "target", json_get_text(made, "certificateArn"));
    TRY(iot(demo, "PUT", "/target-policies/claim", body, &attached));
    TRY(device_identity_new(demo, demo->ca_pem, json_get_slice(made, "certificatePem"),
                            json_get_slice(json_get_object(made, "keyPair"), "PrivateKey"), &claim));
    demo->claim = claim;
    return NULL;
}

/* ---- where the server is ---- */

static FALLIBLE read_ca(struct demo *demo)
{
    FILE *file = fopen(demo->api.ca_path, "re");
    if (file == NULL)
        return error_new(demo, "DemoFailed", "%s: %s.", demo->api.ca_path, strerror(errno));
    char *text = talloc_zero_size(demo, CA_MAX);
    demo->ca_pem = slice_bytes(text, fread(text, 1, CA_MAX, file));
    fclose(file);
    return NULL;
}

static FALLIBLE find_server(struct demo *demo)
{
    struct device_server *mqtt;
    demo->api = (struct device_api){ .endpoint = get(demo, "AWS_ENDPOINT_URL"),
                                     .ca_path = get(demo, "MUSTER_CA"),
                                     .access_key_id = get(demo, "AWS_ACCESS_KEY_ID"),
                                     .secret = get(demo, "AWS_SECRET_ACCESS_KEY"),
                                     .region = get(demo, "AWS_REGION"),
                                     .give_up = &demo_interrupted };
    TRY(device_server_find(demo, get(demo, "MUSTER_HOST"), (uint16_t)demo->mqtt_port, &mqtt));
    demo->mqtt = mqtt;
    return read_ca(demo);
}

FALLIBLE demo_set_up(struct demo *demo)
{
    json *answer;
    TRY(find_server(demo));
    TRY(iot(demo, "POST", "/thing-types/pump", NULL, &answer));
    TRY(make_policy(demo, "pump", device_policy));
    TRY(make_policy(demo, "claim", claim_policy));
    TRY(make_template(demo, DEMO_TEMPLATE));
    TRY(make_template(demo, DEMO_OTHER_TEMPLATE));
    return make_claim(demo);
}

/* ---- afterwards ---- */

static bool lists(const json *things, const char *name)
{
    for (size_t i = 0; i < json_object_array_length(things); i++)
        if (slice_is(json_get_slice(json_object_array_get_idx(things, i), "thingName"), name))
            return true;
    return false;
}

static FALLIBLE check_device(struct demo *demo, const json *things, const struct demo_device *device)
{
    json *answer;
    if (!lists(things, device->thing_name))
        return error_new(demo, "DemoFailed", "%s is not listed.", device->thing_name);
    TRY(iot(demo, "GET", text_format(demo, "/things/%s/principals", device->thing_name), NULL, &answer));
    const json *principals = json_get_array(answer, "principals");
    slice arn = json_text(principals ? json_object_array_get_idx(principals, 0) : NULL);
    if (!slice_ends(arn, device->certificate_id))
        return error_new(demo, "DemoFailed", "%s is listed without its certificate.", device->thing_name);
    return NULL;
}

FALLIBLE demo_check_things(struct demo *demo)
{
    json *answer;
    TRY(iot(demo, "GET", "/things?maxResults=250", NULL, &answer));
    const json *things = json_get_array(answer, "things");
    size_t count = things ? json_object_array_length(things) : 0;
    if (count != demo->count)
        return error_new(demo, "DemoFailed", "the API lists %zu things instead of %zu.", count, demo->count);
    for (size_t i = 0; i < demo->count; i++)
        TRY(check_device(demo, things, &demo->devices[i]));
    return NULL;
}
