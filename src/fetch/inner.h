/* inner.h - what the files of this room share. */
#pragma once
#include "fetch/fetch.h"
#include <curl/curl.h>

/* One call, a talloc tree of its own until it is over. */
struct fetch {
    struct fetch *next;
    struct fetch_request request; /* copied */
    void (*done)(void *arg, struct fetch_answer *answer);
    void *arg;
    CURL *easy;
    struct curl_slist *headers;
    struct fetch_answer *answer;
    writer body;
    size_t head_length;
    bool plain;        /* the scheme is http */
    bool placed_wrong; /* an address was refused */
    bool too_long;     /* the answer */
    char text[CURL_ERROR_SIZE];
};

/* check.c: fails with FetchRefused. */
FALLIBLE fetch_check(void *ctx, const struct fetch_request *request, bool *plain);

/* transfer.c: an easy handle for it; and what came out of it. */
void transfer_prepare(struct fetch *fetch);
void transfer_judge(struct fetch *fetch, CURLcode result);

/* trust.c: lets the handle take chains by thumbprint as well. */
void trust_thumbprints(struct fetch *fetch);
