/* library.c - a provider that hands on what the default provider offers, but for most of its decoders.

   The default provider's tables and functions are static; what differs from context to context is the pointer that its
   functions expect, and that is handed on too. So its algorithms work as if they had been found in their own context. */
#include "gateway/library.h"
#include <openssl/core_dispatch.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <stdbool.h>

enum { DECODERS_MAX = 8 };

struct library {
    OSSL_LIB_CTX *whole, *of_handshakes;
    OSSL_PROVIDER *everything, *some;
};

/* What a client's certificate may hold; keys of other kinds end the handshake. */
static const char *const key_kinds[] = { "RSA", "RSA-PSS", "EC", "ED25519" };

/* Once filled, never changed. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static OSSL_FUNC_provider_query_operation_fn *ask_everything;
static OSSL_ALGORITHM decoders[DECODERS_MAX + 1];
static OSSL_DISPATCH functions[3];

static _Thread_local OSSL_PROVIDER *everything_of_new; /* while a library is made: start has no argument */

static bool is_wanted(const OSSL_ALGORITHM *decoder)
{
    size_t length = strcspn(decoder->algorithm_names, ":");
    if (strstr(decoder->property_definition, "structure=SubjectPublicKeyInfo") == NULL)
        return false;
    for (size_t i = 0; i < sizeof(key_kinds) / sizeof(key_kinds[0]); i++)
        if (strlen(key_kinds[i]) == length && strncmp(key_kinds[i], decoder->algorithm_names, length) == 0)
            return true;
    return false;
}

static const OSSL_ALGORITHM *ask_some(void *context, int operation, int *no_cache)
{
    const OSSL_ALGORITHM *all = ask_everything(context, operation, no_cache);
    return operation == OSSL_OP_DECODER ? decoders : all;
}

static void fill_tables(void)
{
    const OSSL_DISPATCH *theirs = OSSL_PROVIDER_get0_dispatch(everything_of_new);
    size_t count = 0, kept = 0;
    int no_cache;
    for (; theirs->function_id != 0; theirs++) {
        if (theirs->function_id == OSSL_FUNC_PROVIDER_QUERY_OPERATION)
            ask_everything = OSSL_FUNC_provider_query_operation(theirs);
        if (theirs->function_id == OSSL_FUNC_PROVIDER_GET_CAPABILITIES) /* the groups of TLS */
            functions[count++] = *theirs;
    }
    functions[count] = (OSSL_DISPATCH){ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))ask_some };
    const OSSL_ALGORITHM *all =
        ask_everything(OSSL_PROVIDER_get0_provider_ctx(everything_of_new), OSSL_OP_DECODER, &no_cache);
    for (; all->algorithm_names != NULL && kept < DECODERS_MAX; all++)
        if (is_wanted(all))
            decoders[kept++] = *all;
}

static int start(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core, const OSSL_DISPATCH **ours, void **context)
{
    (void)handle, (void)core;
    *ours = functions;
    *context = OSSL_PROVIDER_get0_provider_ctx(everything_of_new);
    return 1;
}

static int library_free(struct library *library)
{
    if (library->some != NULL)
        OSSL_PROVIDER_unload(library->some);
    OSSL_LIB_CTX_free(library->of_handshakes);
    if (library->everything != NULL)
        OSSL_PROVIDER_unload(library->everything);
    OSSL_LIB_CTX_free(library->whole);
    return 0;
}

struct library *library_new(void *ctx)
{
    struct library *library = MAKE(ctx, struct library);
    talloc_set_destructor(library, library_free);
    library->whole = OSSL_LIB_CTX_new();
    library->of_handshakes = OSSL_LIB_CTX_new();
    if (library->whole == NULL || library->of_handshakes == NULL)
        return NULL;
    library->everything = OSSL_PROVIDER_load(library->whole, "default");
    if (library->everything == NULL)
        return NULL;
    everything_of_new = library->everything;
    pthread_once(&once, fill_tables);
    if (OSSL_PROVIDER_add_builtin(library->of_handshakes, "handshakes", start) == 1)
        library->some = OSSL_PROVIDER_load(library->of_handshakes, "handshakes");
    return library->some != NULL ? library : NULL;
}

OSSL_LIB_CTX *library_of_handshakes(struct library *library)
{
    return library->of_handshakes;
}

OSSL_LIB_CTX *library_whole(struct library *library)
{
    return library->whole;
}
