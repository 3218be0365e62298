/* check.c - what a request may look like: no byte of it can end a line, or say anything to libcurl but what it says. */
#include "fetch/inner.h"
#include <ctype.h>

enum { URL_MAX = 4096, HEADERS_MAX = 64, HEADER_MAX = 16384, BODY_MAX = 8 << 20, THUMBPRINTS_MAX = 16 };

static bool is_token(const char *text)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (const char *at = text; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at) && strchr(marks, *at) == NULL)
            return false;
    return *text != '\0';
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

static error *refuse(void *ctx, const char *why)
{
    return error_new(ctx, "FetchRefused", "The call is not allowed: %s.", why);
}

/* Everything that is not graphic ASCII was to be encoded by who made the URL. */
static bool is_graphic(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text <= 0x20 || *text >= 0x7f)
            return false;
    return true;
}

static bool url_has(CURLU *parsed, CURLUPart part)
{
    char *text = NULL;
    bool there = curl_url_get(parsed, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return there;
}

static const char *judge_url(CURLU *parsed, const char *url, unsigned places, bool *plain)
{
    char *scheme = NULL;
    if (curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
        curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        return "its URL is none";
    *plain = strcmp(scheme, "http") == 0;
    bool secure = strcmp(scheme, "https") == 0;
    curl_free(scheme);
    if (!*plain && !secure)
        return "its URL is neither http nor https";
    if (*plain && (places & FETCH_PLAIN) == 0)
        return "its URL is not https";
    if (url_has(parsed, CURLUPART_USER) || url_has(parsed, CURLUPART_PASSWORD))
        return "its URL holds a user name or a password";
    return NULL;
}

static FALLIBLE check_url(void *ctx, const struct fetch_request *request, bool *plain)
{
    if (request->url == NULL || strlen(request->url) > URL_MAX || !is_graphic(request->url))
        return refuse(ctx, "its URL is missing, too long, or holds what must be percent-encoded");
    CURLU *parsed = curl_url();
    if (parsed == NULL)
        abort();
    const char *why = judge_url(parsed, request->url, request->places, plain);
    curl_url_cleanup(parsed);
    return why ? refuse(ctx, why) : NULL;
}

static FALLIBLE check_headers(void *ctx, const struct fetch_request *request)
{
    if (request->header_count > HEADERS_MAX)
        return refuse(ctx, "it has too many headers");
    for (size_t i = 0; i < request->header_count; i++) {
        const struct fetch_header *header = &request->headers[i];
        if (!is_token(header->name) || !is_printable(header->value) || strlen(header->value) > HEADER_MAX)
            return refuse(ctx, "a header has bytes that no header may have, or is too long");
    }
    return NULL;
}

FALLIBLE fetch_check(void *ctx, const struct fetch_request *request, bool *plain)
{
    if (request->method != NULL && (!is_token(request->method) || strlen(request->method) > 32))
        return refuse(ctx, "its method is none");
    TRY(check_url(ctx, request, plain));
    TRY(check_headers(ctx, request));
    if (request->body.length > BODY_MAX)
        return refuse(ctx, "its body is too long");
    for (size_t i = 0; i < request->thumbprint_count; i++)
        if (request->thumbprint_count > THUMBPRINTS_MAX || strlen(request->thumbprints[i]) != 40)
            return refuse(ctx, "a thumbprint has 40 hexadecimal digits, and there are 16 at most");
    return NULL;
}
