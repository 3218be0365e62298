/* fetch.c - the thread that drives all calls, and the line of those that wait for it. */
#include "fetch/inner.h"
#include <pthread.h>
#include <signal.h>

enum {
    AT_ONCE = 32,
    WAIT_LIMIT = 256,
    TIMEOUT_MS = 5000,
    ANSWER_LIMIT = 65536,
    POLL_MS = 60000,
    IDLE_CONNECTIONS = 16
};

struct fetcher {
    struct fetch_options options;
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t mutex; /* of what follows */
    bool stopping;
    struct fetch *first, **last;
    size_t waiting;
    /* the thread's own */
    struct fetch *flying;
    size_t flying_count;
};

static int fetch_freed(struct fetch *fetch)
{
    curl_easy_cleanup(fetch->easy);
    curl_slist_free_all(fetch->headers);
    return 0;
}

static void conclude(struct fetch *fetch, const char *name, const char *message)
{
    struct fetch_answer *answer = fetch->answer ? fetch->answer : MAKE(NULL, struct fetch_answer);
    if (name != NULL)
        answer->error = error_new(answer, name, "%s", message);
    fetch->done(fetch->arg, answer);
    talloc_free(fetch);
}

static const char stopped[] = "The server is stopping.";

/* ---- the thread ---- */

static struct fetch *next_waiting(struct fetcher *fetcher)
{
    pthread_mutex_lock(&fetcher->mutex);
    struct fetch *fetch = fetcher->first;
    if (fetch != NULL) {
        fetcher->first = fetch->next;
        fetcher->waiting--;
        if (fetcher->first == NULL)
            fetcher->last = &fetcher->first;
    }
    pthread_mutex_unlock(&fetcher->mutex);
    return fetch;
}

static void launch(struct fetcher *fetcher)
{
    struct fetch *fetch;
    while (fetcher->flying_count < fetcher->options.at_once && (fetch = next_waiting(fetcher)) != NULL) {
        transfer_prepare(fetch);
        fetch->next = fetcher->flying;
        fetcher->flying = fetch;
        fetcher->flying_count++;
        curl_multi_add_handle(fetcher->multi, fetch->easy);
    }
}

static void land(struct fetcher *fetcher, struct fetch *fetch)
{
    struct fetch **at = &fetcher->flying;
    while (*at != fetch)
        at = &(*at)->next;
    *at = fetch->next;
    fetcher->flying_count--;
    curl_multi_remove_handle(fetcher->multi, fetch->easy);
}

/* True when there was something, and with it there is room for others. */
static bool collect(struct fetcher *fetcher)
{
    bool any = false;
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(fetcher->multi, &left)) != NULL;) {
        struct fetch *fetch = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode result = message->data.result; /* the message goes with the handle */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch);
        transfer_judge(fetch, result);
        land(fetcher, fetch);
        conclude(fetch, NULL, NULL);
        any = true;
    }
    return any;
}

static bool is_stopping(struct fetcher *fetcher)
{
    pthread_mutex_lock(&fetcher->mutex);
    bool stopping = fetcher->stopping;
    pthread_mutex_unlock(&fetcher->mutex);
    return stopping;
}

static void *drive(void *arg)
{
    struct fetcher *fetcher = arg;
    while (!is_stopping(fetcher)) {
        int running;
        launch(fetcher);
        curl_multi_perform(fetcher->multi, &running);
        if (!collect(fetcher))
            curl_multi_poll(fetcher->multi, NULL, 0, POLL_MS, NULL);
    }
    for (struct fetch *fetch; (fetch = fetcher->flying) != NULL;) {
        land(fetcher, fetch);
        conclude(fetch, "FetchStopped", stopped);
    }
    for (struct fetch *fetch; (fetch = next_waiting(fetcher)) != NULL;)
        conclude(fetch, "FetchStopped", stopped);
    return NULL;
}

/* ---- for everybody ---- */

static int fetcher_freed(struct fetcher *fetcher)
{
    fetcher_stop(fetcher);
    curl_multi_cleanup(fetcher->multi);
    pthread_mutex_destroy(&fetcher->mutex);
    return 0;
}

static void start_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
}

struct fetcher *fetcher_new(void *ctx, const struct fetch_options *options)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_curl);
    struct fetcher *fetcher = MAKE(ctx, struct fetcher);
    fetcher->options = *options;
    fetcher->options.at_once = options->at_once ? options->at_once : AT_ONCE;
    fetcher->options.wait_limit = options->wait_limit ? options->wait_limit : WAIT_LIMIT;
    fetcher->last = &fetcher->first;
    fetcher->multi = curl_multi_init();
    pthread_mutex_init(&fetcher->mutex, NULL);
    curl_multi_setopt(fetcher->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
    sigset_t all, before; /* signals are for the main thread */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (fetcher->multi == NULL || pthread_create(&fetcher->thread, NULL, drive, fetcher) != 0)
        abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    talloc_set_destructor(fetcher, fetcher_freed);
    return fetcher;
}

static void copy_texts(struct fetch *fetch, const struct fetch_request *from)
{
    struct fetch_request *to = &fetch->request;
    struct fetch_header *headers = MAKE_ARRAY(fetch, struct fetch_header, from->header_count + 1);
    const char **thumbprints = MAKE_ARRAY(fetch, const char *, from->thumbprint_count + 1);
    for (size_t i = 0; i < from->header_count; i++)
        headers[i] =
            (struct fetch_header){ text_copy(fetch, from->headers[i].name), text_copy(fetch, from->headers[i].value) };
    for (size_t i = 0; i < from->thumbprint_count; i++)
        thumbprints[i] = text_copy(fetch, from->thumbprints[i]);
    to->headers = headers;
    to->thumbprints = thumbprints;
    to->method = text_copy(fetch, from->method ? from->method : "GET");
    to->url = text_copy(fetch, from->url);
    to->body = slice_copy(fetch, from->body);
    to->ca_file = from->ca_file ? text_copy(fetch, from->ca_file) : NULL;
}

static struct fetch *fetch_copy(const struct fetch_request *request)
{
    struct fetch *fetch = MAKE(NULL, struct fetch);
    talloc_set_destructor(fetch, fetch_freed);
    fetch->request = *request;
    copy_texts(fetch, request);
    fetch->request.timeout_ms = request->timeout_ms ? request->timeout_ms : TIMEOUT_MS;
    fetch->request.answer_limit = request->answer_limit ? request->answer_limit : ANSWER_LIMIT;
    return fetch;
}

static bool enqueue(struct fetcher *fetcher, struct fetch *fetch, bool *stopping)
{
    pthread_mutex_lock(&fetcher->mutex);
    *stopping = fetcher->stopping;
    bool taken = !fetcher->stopping && fetcher->waiting < fetcher->options.wait_limit;
    if (taken) {
        *fetcher->last = fetch;
        fetcher->last = &fetch->next;
        fetcher->waiting++;
        curl_multi_wakeup(fetcher->multi);
    }
    pthread_mutex_unlock(&fetcher->mutex);
    return taken;
}

void fetch_start(struct fetcher *fetcher, const struct fetch_request *request,
                 void (*done)(void *arg, struct fetch_answer *answer), void *arg)
{
    SCRATCH scratch = talloc_new(NULL);
    bool plain, stopping;
    error *e = fetch_check(scratch, request, &plain);
    struct fetch *fetch = e ? MAKE(NULL, struct fetch) : fetch_copy(request);
    fetch->done = done;
    fetch->arg = arg;
    if (e != NULL) {
        conclude(fetch, e->name, e->message);
        return;
    }
    fetch->plain = plain;
    if (!enqueue(fetcher, fetch, &stopping))
        conclude(fetch, stopping ? "FetchStopped" : "FetchBusy", stopping ? stopped : "Too many calls wait already.");
}

void fetcher_stop(struct fetcher *fetcher)
{
    pthread_mutex_lock(&fetcher->mutex);
    bool first_time = !fetcher->stopping;
    fetcher->stopping = true;
    curl_multi_wakeup(fetcher->multi);
    pthread_mutex_unlock(&fetcher->mutex);
    if (first_time)
        pthread_join(fetcher->thread, NULL);
}
