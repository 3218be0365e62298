/* issuers.c - keys of token issuers: one entry an issuer, one fetch at a time for it. */
#include "sts/issuers.h"
#include "base/clock.h"
#include "base/secret.h"
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#define HASH_FUNCTION(key, length, hash) ((hash) = (unsigned)hash_keyed(slice_bytes((key), (length))))
#define uthash_fatal(message)            abort()
#include <uthash.h>

enum {
    MINUTE_MS = 60 * 1000,
    HOUR_MS = 60 * MINUTE_MS,
    REFETCH_MS = MINUTE_MS, /* for an unknown kid */
    PAUSE_MS = 10 * 1000,   /* after a failure */
    FILE_FRESH_MS = MINUTE_MS,
    ENTRIES_MAX = 1000,
    WAITERS_MAX = 500, /* of one entry */
    TIMEOUT_MS = 5000,
    DISCOVERY_MAX = 65536,
    DISCOVERY_DEPTH = 16,
};

struct entry {
    UT_hash_handle hh;
    struct jwk_set *keys; /* NULL: none were had yet */
    int64_t fresh_until_ms, failed_ms, refetched_ms, used_ms;
    bool fetching;
    struct issuer_waiter *waiters;
    size_t waiter_count;
    size_t length;
    char key[]; /* the issuer and whom its servers are trusted by */
};

struct issuers {
    struct issuers_options options;
    pthread_mutex_t mutex;
    struct entry *entries;
};

/* One way to the keys of an issuer; a tree of its own. */
struct errand {
    struct issuers *issuers;
    const struct issuer_setting *setting; /* NULL: none */
    const char *issuer, *key;
    const char **thumbprints;
    size_t thumbprint_count;
    struct scope scope;
};

/* ---- time: wall time, which may jump back ---- */

static bool passed(int64_t since_ms, int64_t now_ms, int64_t time_ms)
{
    return since_ms == 0 || now_ms < since_ms || now_ms - since_ms >= time_ms;
}

/* RFC 9111: directives between commas, in any case. */
int64_t issuers_fresh_ms(const char *cache_control)
{
    slice rest = slice_of(cache_control), directive;
    int64_t fresh_ms = HOUR_MS;
    while (rest.at != NULL && slice_split(&rest, ',', &directive)) {
        slice name, value = slice_trim(directive);
        slice_split(&value, '=', &name);
        if (slice_is_nocase(name, "no-store") || slice_is_nocase(name, "no-cache"))
            return 5 * MINUTE_MS;
        if (!slice_is_nocase(name, "max-age") || value.at == NULL)
            continue;
        int64_t seconds = 0;
        value = value.length > 1 && value.at[0] == '"' ? slice_from(value, 1) : value;
        for (size_t i = 0; i < value.length && value.at[i] >= '0' && value.at[i] <= '9' && seconds < 1000000; i++)
            seconds = seconds * 10 + (value.at[i] - '0');
        fresh_ms = seconds * 1000;
    }
    return fresh_ms < 5 * MINUTE_MS ? 5 * MINUTE_MS : fresh_ms > 24 * HOUR_MS ? 24 * HOUR_MS : fresh_ms;
}

/* ---- entries; under the lock ---- */

static void remove_entry(struct issuers *issuers, struct entry *entry)
{
    HASH_DEL(issuers->entries, entry);
    jwk_set_drop(entry->keys);
    talloc_free(entry);
}

static void make_room(struct issuers *issuers)
{
    struct entry *oldest = NULL;
    for (struct entry *at = issuers->entries; at != NULL; at = at->hh.next)
        if (!at->fetching && (oldest == NULL || at->used_ms < oldest->used_ms))
            oldest = at;
    if (HASH_COUNT(issuers->entries) >= ENTRIES_MAX && oldest != NULL)
        remove_entry(issuers, oldest);
}

static struct entry *entry_of(struct issuers *issuers, const char *key)
{
    struct entry *entry;
    size_t length = strlen(key);
    HASH_FIND(hh, issuers->entries, key, length, entry);
    if (entry != NULL)
        return entry;
    make_room(issuers);
    entry = memory_zeroed(issuers, 1, sizeof(*entry) + length + 1, "struct entry");
    memcpy(entry->key, key, length);
    entry->length = length;
    HASH_ADD(hh, issuers->entries, key, length, entry);
    return entry;
}

/* ---- the end of an errand ---- */

static void tell(struct issuer_waiter *waiter, struct jwk_set *keys)
{
    for (struct issuer_waiter *next; waiter != NULL; waiter = next) {
        next = waiter->next;
        waiter->ready(waiter, keys ? jwk_set_share(keys) : NULL);
    }
    jwk_set_drop(keys);
}

/* Takes over the reference; NULL: there was no way. */
static void finish(struct errand *errand, struct jwk_set *keys, int64_t fresh_ms)
{
    struct issuers *issuers = errand->issuers;
    int64_t now_ms = clock_now_ms();
    pthread_mutex_lock(&issuers->mutex);
    struct entry *entry = entry_of(issuers, errand->key);
    struct issuer_waiter *waiters = entry->waiters;
    entry->waiters = NULL;
    entry->waiter_count = 0;
    entry->fetching = false;
    entry->failed_ms = keys ? 0 : now_ms;
    if (keys != NULL) {
        jwk_set_drop(entry->keys);
        entry->keys = jwk_set_share(keys);
        entry->fresh_until_ms = now_ms + fresh_ms;
    }
    pthread_mutex_unlock(&issuers->mutex);
    talloc_free(errand);
    tell(waiters, keys);
}

static void give_up(struct errand *errand, const char *why)
{
    log_warn(&errand->scope, "cannot get the keys of an issuer of tokens: %s", why);
    finish(errand, NULL, 0);
}

static void take_keys(struct errand *errand, slice text, int64_t fresh_ms)
{
    struct jwk_set *keys;
    error *e = jwk_set_parse(errand, text, &keys);
    if (e != NULL) {
        give_up(errand, e->message);
        return;
    }
    log_debug(&errand->scope, "took %zu keys of an issuer of tokens", jwk_set_count(keys));
    finish(errand, keys, fresh_ms);
}

/* ---- ways: a file, or two fetches ---- */

static void start_fetch(struct errand *errand, const char *url, size_t limit,
                        void (*done)(void *arg, struct fetch_answer *answer))
{
    const struct issuers_options *options = &errand->issuers->options;
    static const struct fetch_header accept = { "Accept", "application/json, application/jwk-set+json" };
    unsigned named = errand->setting != NULL || options->allow_insecure ? FETCH_LOOPBACK : 0;
    struct fetch_request request = {
        .url = url,
        .headers = &accept,
        .header_count = 1,
        /* Issuers of one's own stand in one's own network. Nothing of an answer is shown to anybody. */
        .places = FETCH_PRIVATE | named | (options->allow_insecure ? FETCH_PLAIN : 0),
        .timeout_ms = TIMEOUT_MS,
        .answer_limit = limit,
        .ca_file = errand->setting ? errand->setting->ca_file : NULL,
        .thumbprints = errand->thumbprints,
        .thumbprint_count = errand->thumbprint_count,
    };
    fetch_start(options->fetcher, &request, done, errand);
}

/* NULL, or why it is no answer to build on. */
static const char *why_not(struct errand *errand, const struct fetch_answer *answer)
{
    if (answer->error != NULL)
        return text_copy(errand, answer->error->message);
    if (answer->status != 200)
        return text_format(errand, "it answers with status %d.", answer->status);
    return NULL;
}

static void keys_came(void *arg, struct fetch_answer *answer)
{
    struct errand *errand = arg;
    const char *why = why_not(errand, answer);
    if (why != NULL)
        give_up(errand, why);
    else
        take_keys(errand, answer->body, issuers_fresh_ms(answer->cache_control));
    talloc_free(answer);
}

/* OpenID Connect Discovery 4.3: who answers is the issuer itself. */
static const char *read_discovery(struct errand *errand, slice text, const char **uri)
{
    json *document;
    error *e = jwt_parse_object(errand, text, DISCOVERY_DEPTH, &document);
    if (e != NULL)
        return text_format(errand, "its openid-configuration cannot be read: %s", e->message);
    if (!jwt_same_issuer(json_get_slice(document, "issuer"), slice_of(errand->issuer)))
        return "its openid-configuration is another issuer's.";
    slice found = json_get_slice(document, "jwks_uri");
    if (found.length == 0 || memchr(found.at, '\0', found.length) != NULL)
        return "its openid-configuration names no jwks_uri.";
    *uri = slice_text(errand, found);
    return NULL;
}

static void discovery_came(void *arg, struct fetch_answer *answer)
{
    struct errand *errand = arg;
    const char *uri = NULL, *why = why_not(errand, answer);
    if (why == NULL)
        why = read_discovery(errand, answer->body, &uri);
    talloc_free(answer);
    if (why != NULL)
        give_up(errand, why);
    else
        start_fetch(errand, uri, JWK_SET_BYTES_MAX, keys_came);
}

static void read_keys_file(struct errand *errand, const char *path)
{
    char *text = memory_zeroed(errand, 1, JWK_SET_BYTES_MAX + 1, "keys");
    size_t length = 0;
    ssize_t got = -1;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    while (file >= 0 && length <= JWK_SET_BYTES_MAX &&
           (got = read(file, text + length, JWK_SET_BYTES_MAX + 1 - length)) > 0)
        length += (size_t)got;
    if (file >= 0)
        close(file);
    if (got < 0)
        give_up(errand, text_format(errand, "%s cannot be read.", path));
    else
        take_keys(errand, slice_bytes(text, length), FILE_FRESH_MS);
}

static void set_out(struct errand *errand)
{
    slice issuer = slice_of(errand->issuer);
    issuer.length -= slice_ends(issuer, "/");
    if (errand->setting != NULL && errand->setting->jwks_file != NULL)
        read_keys_file(errand, errand->setting->jwks_file);
    else if (errand->setting != NULL && errand->setting->jwks_uri != NULL)
        start_fetch(errand, errand->setting->jwks_uri, JWK_SET_BYTES_MAX, keys_came);
    else
        start_fetch(errand, text_format(errand, "%.*s/.well-known/openid-configuration", PRINT(issuer)), DISCOVERY_MAX,
                    discovery_came);
}

/* ---- asking ---- */

/* Providers of different accounts share an entry only when they trust the same servers. */
static const char *key_of(void *ctx, const struct issuer_question *question)
{
    slice issuer = slice_of(question->issuer);
    issuer.length -= slice_ends(issuer, "/");
    char *key = slice_text(ctx, issuer);
    for (size_t i = 0; i < question->thumbprint_count; i++)
        key = text_format(ctx, "%s %s", key, question->thumbprints[i]);
    return key;
}

static struct errand *errand_of(struct issuers *issuers, const struct issuer_question *question)
{
    struct errand *errand = MAKE(NULL, struct errand);
    errand->issuers = issuers;
    errand->issuer = text_copy(errand, question->issuer);
    errand->key = key_of(errand, question);
    errand->thumbprints = MAKE_ARRAY(errand, const char *, question->thumbprint_count + 1);
    errand->thumbprint_count = question->thumbprint_count;
    for (size_t i = 0; i < question->thumbprint_count; i++)
        errand->thumbprints[i] = text_copy(errand, question->thumbprints[i]);
    for (size_t i = 0; i < issuers->options.setting_count; i++)
        if (jwt_same_issuer(slice_of(issuers->options.settings[i].issuer), slice_of(question->issuer)))
            errand->setting = &issuers->options.settings[i];
    errand->scope = (struct scope){ .above = issuers->options.scope, .key = "issuer", .value = errand->issuer };
    return errand;
}

enum way { AT_ONCE, IN_VAIN, WAITS, SETS_OUT };

static bool has_kid(const struct jwk_set *keys, slice kid)
{
    return kid.at == NULL || jwk_set_knows(keys, kid);
}

/* Under the lock. */
static enum way decide(struct entry *entry, slice kid, int64_t now_ms)
{
    bool fresh = entry->keys != NULL && now_ms < entry->fresh_until_ms;
    entry->used_ms = now_ms;
    if (fresh && has_kid(entry->keys, kid))
        return AT_ONCE;
    if (entry->fetching)
        return entry->waiter_count < WAITERS_MAX ? WAITS : IN_VAIN;
    if (!passed(entry->failed_ms, now_ms, PAUSE_MS))
        return IN_VAIN;
    if (fresh && !passed(entry->refetched_ms, now_ms, REFETCH_MS))
        return AT_ONCE; /* without that kid, then */
    if (fresh)
        entry->refetched_ms = now_ms;
    return SETS_OUT;
}

void issuers_ask(struct issuers *issuers, const struct issuer_question *question, struct issuer_waiter *waiter)
{
    struct errand *errand = errand_of(issuers, question);
    struct jwk_set *keys = NULL;
    pthread_mutex_lock(&issuers->mutex);
    struct entry *entry = entry_of(issuers, errand->key);
    enum way way = decide(entry, question->kid, clock_now_ms());
    if (way == AT_ONCE)
        keys = jwk_set_share(entry->keys);
    if (way == WAITS || way == SETS_OUT) {
        waiter->next = entry->waiters;
        entry->waiters = waiter;
        entry->waiter_count++;
        entry->fetching = true;
    }
    pthread_mutex_unlock(&issuers->mutex);
    if (way == SETS_OUT) {
        set_out(errand); /* the waiter may be over by now */
        return;
    }
    talloc_free(errand);
    if (way != WAITS)
        waiter->ready(waiter, keys);
}

static int issuers_freed(struct issuers *issuers)
{
    while (issuers->entries != NULL)
        remove_entry(issuers, issuers->entries);
    pthread_mutex_destroy(&issuers->mutex);
    return 0;
}

struct issuers *issuers_new(void *ctx, const struct issuers_options *options)
{
    struct issuers *issuers = MAKE(ctx, struct issuers);
    issuers->options = *options;
    pthread_mutex_init(&issuers->mutex, NULL);
    talloc_set_destructor(issuers, issuers_freed);
    return issuers;
}
