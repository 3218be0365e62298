/* scope.c - is the signature meant for this server and this moment (auth.md 4.1 rows 5 to 7). */
#include "sigv4/internal.h"
#include "base/clock.h"

static const char *const INVALID = "InvalidSignature";

static bool is_one_of(slice text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_is(text, list[i]))
            return true;
    return false;
}

/* 3.1.6: the account services are patient, whatever talks to devices is not. */
static int64_t window_s(slice service)
{
    static const char *const patient[] = { "sts", "iam", "s3" };
    return is_one_of(service, patient, sizeof(patient) / sizeof(patient[0])) ? 15 * 60 : 5 * 60;
}

static FALLIBLE check_place(void *ctx, const struct sigv4_material *material, const struct sigv4_scope *scope)
{
    if (!is_one_of(material->region, scope->regions, scope->region_count))
        return error_new(ctx, INVALID, "Credential should be scoped to a valid region.");
    if (!is_one_of(material->service, scope->services, scope->service_count))
        return error_new(ctx, INVALID, "Credential should be scoped to correct service: '%s'.",
                         scope->service_count > 0 ? scope->services[0] : "");
    if (!slice_is(material->terminator, "aws4_request"))
        return error_new(ctx, INVALID, "Credential should be scoped with a valid terminator: 'aws4_request'.");
    return NULL;
}

static const char *span_text(void *ctx, int64_t seconds)
{
    return seconds % 60 == 0 ? text_format(ctx, "%lld min.", (long long)(seconds / 60))
                             : text_format(ctx, "%lld sec.", (long long)seconds);
}

static const char *time_text(void *ctx, int64_t seconds)
{
    char text[CLOCK_TEXT_MAX];
    clock_basic(seconds * 1000, text);
    return text_copy(ctx, text);
}

static FALLIBLE check_time(void *ctx, const struct sigv4_material *material, int64_t now_s)
{
    int64_t window = window_s(material->service);
    int64_t life = material->expires_s > 0 ? material->expires_s : window;
    const char *now = time_text(ctx, now_s);

    if (material->time_s < now_s - life)
        return error_new(ctx, INVALID, "Signature expired: %s is now earlier than %s (%s - %s)", material->time_text,
                         time_text(ctx, now_s - life), now, span_text(ctx, life));
    if (material->time_s > now_s + window)
        return error_new(ctx, INVALID, "Signature not yet current: %s is still later than %s (%s + %s)",
                         material->time_text, time_text(ctx, now_s + window), now, span_text(ctx, window));
    return NULL;
}

FALLIBLE sigv4_check_scope(void *ctx, const struct sigv4_material *material, const struct sigv4_scope *scope)
{
    if (!slice_equal(material->date, (slice){ material->time_text, 8 }))
        return error_new(ctx, INVALID,
                         "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                         "'%s' != '%.8s', from '%s'.",
                         printable(ctx, material->date), material->time_text, material->time_text);
    TRY(check_place(ctx, material, scope));
    return check_time(ctx, material, scope->now_s);
}
