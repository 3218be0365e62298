/* issuers.h - where the keys of token issuers come from (auth 3.5.5), and how long they are good for.

   An issuer publishes <issuer>/.well-known/openid-configuration, which names its jwks_uri; muster.conf may name the
   jwks_uri, or a file, instead. Whoever needs keys asks and is called back; one asks the issuer for all that wait, so a
   crowd of tokens costs a single fetch:

       known and fresh                   at once
       stale, or not known               fetched; 1 hour fresh, or as Cache-Control says, 5 minutes to 24 hours
       fresh, but the kid is unknown     fetched again, at most once in 60 seconds: the issuer may have rotated
       the last fetch failed             nothing for 10 seconds

   Only ask for issuers that an administrator made known: that bounds what a stranger's tokens can make us fetch. */
#pragma once
#include "base/log.h"
#include "fetch/fetch.h"
#include "sts/jwt.h"

struct issuers;

/* What muster.conf says of one issuer; all but `issuer` may be NULL. */
struct issuer_setting {
    const char *issuer;
    const char *jwks_file; /* the keys themselves: nothing is fetched */
    const char *jwks_uri;
    const char *ca_file; /* authorities for its servers, instead of the system's */
};

struct issuers_options {
    struct fetcher *fetcher;
    const struct issuer_setting *settings;
    size_t setting_count;
    bool allow_insecure; /* plain http, on loopback */
    const struct scope *scope;
};

struct issuers *issuers_new(void *ctx, const struct issuers_options *options);

struct issuer_question {
    const char *issuer; /* with its scheme */
    const char *const *thumbprints;
    size_t thumbprint_count;
    slice kid; /* at == NULL: any keys will do */
};

/* Lies in what travels; zeroed but for `ready`. */
struct issuer_waiter {
    struct issuer_waiter *next;
    /* Any thread, perhaps before issuers_ask returns. `keys` is a reference of the waiter's own; NULL: they cannot be had
       now. The keys may lack the kid. */
    void (*ready)(struct issuer_waiter *waiter, struct jwk_set *keys);
};
void issuers_ask(struct issuers *issuers, const struct issuer_question *question, struct issuer_waiter *waiter);

/* How long keys with this Cache-Control (NULL: none) are fresh, in milliseconds. */
int64_t issuers_fresh_ms(const char *cache_control);
