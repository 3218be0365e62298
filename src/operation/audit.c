/* audit.c - one line a call: who did what to what, from where, and how it ended. Names only: no secret is a label. */
#include "operation/door.h"

enum { VALUE_MAX = 256, REASON_MAX = 400 };

/* The members that say what the call is about travel in the path or a header. */
static json *resource_members(const struct call *call)
{
    const struct shape *input = call->model->input;
    json *resource = NULL;
    for (size_t i = 0; i < input->member_count; i++) {
        const struct shape_member *member = &input->members[i];
        slice value = call_text(call, member->name);
        if ((member->in != IN_PATH && member->in != IN_HEADER) || member->shape->sensitive || value.at == NULL ||
            !text_is_utf8(value) || value.length > VALUE_MAX)
            continue;
        if (resource == NULL)
            resource = json_object_new_object();
        json_put_slice(resource, member->name, value);
    }
    return resource;
}

static void put_caller(json *line, const struct caller *caller)
{
    if (caller == NULL)
        return;
    json_put_text(line, "principal", caller->arn);
    json_put_text(line, "accessKeyId", caller->access_key);
    json_put_text(line, "clientId", caller->client_id);
}

/* What provisioning.md 3.10 adds to the lines of a device's requests. */
static void put_provisioning(json *line, const struct call *call)
{
    json_put_text(line, "traceId", call->id);
    if (call->caller != NULL)
        json_put_text(line, "deviceCertificateId", call->caller->principal);
    if (call_text(call, "templateName").at != NULL && text_is_utf8(call_text(call, "templateName")))
        json_put_slice(line, "provisioningTemplateName", call_text(call, "templateName"));
    json_put_text(line, "details", call->error ? call->error->message : "");
}

void audit_write(const struct call *call, int status, int64_t took_us)
{
    SCRATCH scratch = talloc_new(NULL);
    json *line = json_new_object(scratch), *resource = call->model ? resource_members(call) : NULL;
    json_put_text(line, "operation", call->model ? call->model->label : call->inner->name);
    json_put_text(line, "accountId", call->account);
    json_put_text(line, "region", call->region);
    put_caller(line, call->caller);
    if (resource != NULL)
        json_put(line, "resource", resource);
    json_put_text(line, "sourceIp", call->source_ip);
    json_put_text(line, "via", call->via);
    json_put_text(line, "status", call->error ? "Failure" : "Success");
    json_put_integer(line, "statusCode", status);
    if (call->error != NULL) {
        slice reason = slice_of(error_chain(scratch, call->error));
        json_put_text(line, "error", call->error->name);
        json_put_text(
            line, "reason",
            text_format(scratch, "%.*s", (int)(reason.length < REASON_MAX ? reason.length : REASON_MAX), reason.at));
    }
    json_put_integer(line, "durationUs", took_us);
    const char *event = call->model ? call->model->event : NULL;
    if (event != NULL)
        put_provisioning(line, call);
    log_event(status >= 500 ? LOG_WARN
              : call->model ? LOG_INFO
                            : LOG_DEBUG,
              &call->scope, event ? event : "Operation", line);
}
