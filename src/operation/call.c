/* call.c - a call: how it is made, what an operation reads from it and writes to it. */
#include "operation/door.h"
#include "base/clock.h"
#include "base/random.h"
#include <stdarg.h>

struct call *call_make(struct door *door, const struct model_operation *operation, const char *name)
{
    struct call *call = MAKE(NULL, struct call);
    char *id = random_uuid(call);
    memcpy(call->id, id, sizeof(call->id));
    call->door = door;
    call->model = operation;
    call->operation = operation ? operation->live->row : NULL;
    call->scope = (struct scope){ .above = &door->scope, .key = "request", .value = call->id };
    call->region = door->options.region_count > 0 ? door->options.regions[0] : NULL;
    call->via = "internal";
    call->input = json_new_object(call);
    call->output = json_new_object(call);
    call->now_ms = clock_now_ms();
    call->inner = MAKE(call, struct call_inner);
    call->inner->call = call;
    call->inner->name = text_copy(call, name);
    call->inner->began_us = clock_monotonic_us();
    call->inner->noted.last = &call->inner->noted.first;
    call->inner->committed.last = &call->inner->committed.first;
    if (operation == NULL || operation->live->row == NULL)
        call_fail_early(call, error_new(call, "NotImplementedException", "%s is not implemented yet.", name));
    return call;
}

struct call *call_new(struct door *door, const char *service, const char *operation)
{
    const struct model *model = door_model(door, service);
    return call_make(door, model ? model_operation_find(model, slice_of(operation)) : NULL, operation);
}

struct call *call_new_internal(struct door *door, const struct operation *operation, const char *account,
                               const char *region)
{
    struct call *call = call_make(door, NULL, operation->name);
    call->operation = operation;
    call->account = account;
    call->region = region;
    call->inner->early = NULL;
    call->inner->entered = true; /* nothing is validated or authorized */
    return call;
}

void call_fail_early(struct call *call, error *e)
{
    if (call->inner->early == NULL)
        call->inner->early = e;
}

/* ---- input ---- */

slice call_text(const struct call *call, const char *member)
{
    return json_get_slice(call->input, member);
}

const char *call_string(const struct call *call, const char *member)
{
    return json_get_text(call->input, member);
}

bool call_flag(const struct call *call, const char *member)
{
    return json_get_bool(call->input, member, false);
}

int64_t call_number(const struct call *call, const char *member, int64_t otherwise)
{
    return json_get_integer(call->input, member, otherwise);
}

bool call_has(const struct call *call, const char *member)
{
    return json_get(call->input, member) != NULL;
}

const char *call_arn(struct call *call, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *rest = talloc_vasprintf(call, format, arguments);
    va_end(arguments);
    if (rest == NULL)
        abort();
    return text_format(call, "arn:aws:iot:%s:%s:%s", call->region, call->account, rest);
}

/* ---- output ---- */

static void put_member(json *output, const struct member *member)
{
    switch (member->type) {
    case MEMBER_TEXT:
        json_put_text(output, member->name, member->text);
        break;
    case MEMBER_INTEGER:
        json_put_integer(output, member->name, member->integer);
        break;
    case MEMBER_BOOL:
        json_put_bool(output, member->name, member->integer);
        break;
    case MEMBER_TIME:
        if (member->integer != 0)
            json_put_time(output, member->name, member->integer);
        break;
    case MEMBER_JSON:
        if (member->value != NULL)
            json_put(output, member->name, member->value);
        break;
    case MEMBER_END:
        break;
    }
}

error *answer_members(struct call *call, const struct member *members)
{
    for (; members->type != MEMBER_END; members++)
        put_member(call->output, members);
    return NULL;
}

/* ---- what is left behind ---- */

static void note_effect(struct call *call, enum effect_kind kind, const char *key, slice payload)
{
    struct effect *effect = MAKE(call, struct effect);
    effect->kind = kind;
    effect->account = text_copy(call, call->account);
    effect->region = text_copy(call, call->region);
    effect->key = text_copy(call, key);
    effect->payload = payload;
    *call->inner->noted.last = effect;
    call->inner->noted.last = &effect->next;
}

void call_effect(struct call *call, enum effect_kind kind, const char *key)
{
    note_effect(call, kind, key, (slice){ NULL, 0 });
}

void call_publish(struct call *call, const char *topic, json *payload)
{
    note_effect(call, EFFECT_PUBLISH, topic, json_print(call, payload));
}

FALLIBLE call_change(struct call *call, const char *what, const char *key, const char *kind, const char *detail)
{
    const struct change_author author = { .principal = call->caller ? call->caller->arn : NULL,
                                          .request = call->id,
                                          .operation = call->model ? call->model->label : call->inner->name };
    return change_log_by(call->tx, &author, call->account, call->region, what, key, kind, detail);
}
