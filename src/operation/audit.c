/* audit.c - one line a call: who did what to what, from where, and how it ended. Names only: no secret is a label. The
   log shows it, and whoever the server set as the sink keeps it (docs/operations.md). */
#include "operation/door.h"
#include "base/clock.h"

/* An ARN with the longest path is a value, too. */
enum { VALUE_MAX = 1024, REASON_MAX = 400, AGENT_MAX = 512 };

/* Does a template of the operation's rights name this member? */
static bool is_named_in_rights(const struct authorization *row, const char *member)
{
    size_t length = strlen(member);
    for (size_t i = 0; row != NULL && i < row->resource_count; i++)
        for (const char *at = strchr(row->resources[i], '{'); at != NULL; at = strchr(at + 1, '{'))
            if (strncmp(at + 1, member, length) == 0 && at[1 + length] == '}')
                return true;
    return false;
}

/* The members that say what the call is about: they travel in the path or a header, or rights are asked on them. */
static json *resource_members(const struct call *call)
{
    const struct shape *input = call->model->input;
    json *resource = NULL;
    for (size_t i = 0; i < input->member_count; i++) {
        const struct shape_member *member = &input->members[i];
        slice value = call_text(call, member->name);
        bool tells = member->in == IN_PATH || member->in == IN_HEADER ||
                     call->model->model->protocol == MODEL_OPERATOR ||
                     is_named_in_rights(call->model->authorization, member->name);
        if (!tells || member->shape->sensitive || value.at == NULL || !text_is_utf8(value) || value.length > VALUE_MAX)
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

/* ---- the line that is kept ---- */

static bool is_denial(const char *name)
{
    static const char *const denials[] = { "AccessDenied", "AccessDeniedException", "UnauthorizedException",
                                           "ForbiddenException", "NotAuthorizedException" };
    for (size_t i = 0; name != NULL && i < sizeof(denials) / sizeof(*denials); i++)
        if (strcmp(denials[i], name) == 0)
            return true;
    return false;
}

/* Whoever sends a header that is not UTF-8 must not get a line that no reader takes. */
static slice clean(void *ctx, slice text)
{
    char *out = text_copy_n(ctx, text.at, text.length);
    for (size_t i = 0, width; i < text.length; i += width ? width : 1) {
        width = text_utf8_width(slice_from(text, i));
        if (width == 0)
            out[i] = '?';
    }
    return (slice){ out, text.length };
}

static void keep(const struct door *door, json *line, const char *request_id, const char *error_name)
{
    char now[CLOCK_TEXT_MAX];
    if (door->audit == NULL)
        return;
    SCRATCH scratch = talloc_new(NULL);
    clock_log(clock_now_ms(), now);
    json_put_text(line, "time", text_format(scratch, "%.10sT%sZ", now, now + 11));
    json_put_text(line, "requestId", request_id);
    json_put_text(line, "outcome", error_name == NULL ? "success" : is_denial(error_name) ? "denied" : "failure");
    door->audit(door->audit_arg, clean(scratch, json_print(scratch, line)));
}

void door_audit_refusal(struct door *door, const struct route *route, const char *request_id, const char *source_ip,
                        slice access_key, const struct caller *caller, const error *e)
{
    SCRATCH scratch = talloc_new(NULL);
    json *line = json_new_object(scratch);
    json_put_text(line, "operation",
                  route->operation ? route->operation->label
                  : route->name ? text_format(scratch, "%s.%.100s", route->service ? route->service : "?", route->name)
                                : NULL);
    put_caller(line, caller);
    if (caller != NULL)
        json_put_text(line, "accountId", caller->account);
    else if (access_key.at != NULL && access_key.length <= 128 && text_is_utf8(access_key))
        json_put_slice(line, "accessKeyId", access_key);
    json_put_text(line, "sourceIp", source_ip);
    json_put_text(line, "error", e->name); /* its message may hold signed headers, and so a session token */
    keep(door, line, request_id, caller ? e->name : "AccessDenied");
}

void door_audit_device(struct door *door, const struct audit_device *note)
{
    SCRATCH scratch = talloc_new(NULL);
    json *line = json_new_object(scratch), *resource = json_object_new_object();
    json_put_text(line, "operation", note->operation);
    json_put_text(line, "accountId", note->account);
    json_put_text(line, "region", note->region);
    if (note->account != NULL && note->certificate_id != NULL)
        json_put_text(
            line, "principal",
            text_format(scratch, "arn:aws:iot:%s:%s:cert/%s", note->region, note->account, note->certificate_id));
    if (note->resource != NULL && text_is_utf8(slice_of(note->resource)) && strlen(note->resource) <= VALUE_MAX)
        json_put_text(resource, note->member, note->resource);
    json_put(line, "resource", resource);
    json_put_text(line, "sourceIp", note->source_ip);
    json_put_text(line, "via", "https");
    json_put_integer(line, "statusCode", note->status);
    json_put_text(line, "error", note->error_name);
    json_put_text(line, "reason", note->reason);
    keep(door, line, note->request_id, note->error_name);
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
    if (call->model != NULL) {
        if (call->user_agent != NULL)
            json_put_text(line, "userAgent", text_format(scratch, "%.*s", AGENT_MAX, call->user_agent));
        keep(call->door, line, call->id, call->error ? call->error->name : NULL);
    }
}
