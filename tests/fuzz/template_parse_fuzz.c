/* template_parse_fuzz.c - whatever parses as a template resolves or fails with one of the two errors, in bounded time
   and memory; and a device's parameter, which holds U+007F and a wildcard, never reaches a policy. */
#include "template/template.h"

static const char mark = 0x7F;

static struct template_parameters *parameters(void *ctx, slice certificate, slice value)
{
    static const char *const names[] = { "SerialNumber", "N", "P", "iot:ClientId", "AWS::Mine" };
    struct template_parameters *made = template_parameters_new(ctx);
    template_parameters_set(made, SLICE(TEMPLATE_CERTIFICATE_ID), certificate);
    for (size_t i = 0; value.length > 0 && i < sizeof(names) / sizeof(names[0]); i++)
        template_parameters_set(made, slice_of(names[i]), value);
    return made;
}

static bool holds_mark(const char *text)
{
    return text != NULL && strchr(text, mark) != NULL;
}

static void check_plan(const struct template_plan *plan, bool marks_are_ours)
{
    for (size_t i = 0; i < plan->policy_count; i++)
        if (marks_are_ours && (holds_mark(plan->policies[i].name) || holds_mark(plan->policies[i].document)))
            abort();
    for (size_t i = 0; i < plan->configuration_count; i++)
        if (plan->configuration[i].text.length > 64 * 1024)
            abort();
}

static void try_kind(slice body, enum template_kind kind)
{
    void *ctx = talloc_new(NULL);
    slice ours = SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    bool served = kind == TEMPLATE_FLEET || kind == TEMPLATE_JITP;
    struct template_values values = {
        .builtins = served ? parameters(ctx, ours, (slice){ NULL, 0 }) : NULL,
        .given = parameters(ctx, ours, SLICE("\x7F-*/a,b\x7F")),
    };
    struct template *template;
    struct template_plan *plan;
    error *e = template_parse(ctx, body, kind, &template);
    if (e != NULL && !error_is(e, "InvalidRequestException"))
        abort();
    if (e == NULL) {
        e = template_resolve(ctx, template, &values, &plan);
        if (e == NULL)
            check_plan(plan, kind == TEMPLATE_FLEET && memchr(body.at, mark, body.length) == NULL &&
                                 memmem(body.at, body.length, "\\u", 2) == NULL);
        else if (!error_is(e, "InvalidParameters") && !error_is(e, "InvalidRequest"))
            abort();
    }
    talloc_free(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    for (enum template_kind kind = TEMPLATE_FLEET; kind <= TEMPLATE_BULK; kind++)
        try_kind(slice_bytes(data, size), kind);
    return 0;
}
