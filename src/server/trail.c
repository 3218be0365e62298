/* trail.c - lines of the audit trail, gathered on any thread, written by one. */
#include "server/trail.h"
#include "base/clock.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

enum { WAITING_MAX = 64 << 20, DAY_TEXT = 10, SYNC_EVERY_MS = 1000, GATHER_MS = 10, DAY_S = 86400 };

struct buffer {
    char *at;
    size_t length, room;
};

struct trail {
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    pthread_t thread;
    struct buffer waiting; /* behind the mutex */
    uint64_t lost;
    bool closing;

    const char *dir; /* the thread's own from here on */
    int days;
    const struct scope *scope;
    int file;
    char day[DAY_TEXT + 1]; /* whose file is open; "" none */
    bool dirty;
    int64_t synced_ms;
};

/* ---- any thread ---- */

static bool make_room(struct buffer *buffer, size_t more)
{
    size_t room = buffer->room ? buffer->room : 65536;
    if (buffer->length + more > WAITING_MAX)
        return false;
    while (room < buffer->length + more)
        room *= 2;
    if (room > buffer->room) {
        char *grown = realloc(buffer->at, room);
        if (grown == NULL)
            return false;
        buffer->at = grown;
        buffer->room = room;
    }
    return true;
}

void trail_add(void *arg, slice line)
{
    struct trail *trail = arg;
    pthread_mutex_lock(&trail->mutex);
    struct buffer *waiting = &trail->waiting;
    if (make_room(waiting, line.length + 1)) {
        memcpy(waiting->at + waiting->length, line.at, line.length);
        waiting->at[waiting->length + line.length] = '\n';
        waiting->length += line.length + 1;
    } else {
        trail->lost++;
    }
    if (waiting->length <= line.length + 1)
        pthread_cond_signal(&trail->filled);
    pthread_mutex_unlock(&trail->mutex);
}

/* ---- its own thread: files ---- */

static void today(char out[DAY_TEXT + 1], int64_t ago_s)
{
    char text[CLOCK_TEXT_MAX];
    clock_iso8601(clock_now_ms() - ago_s * 1000, text);
    snprintf(out, DAY_TEXT + 1, "%.10s", text);
}

/* "2026-01-15.jsonl" of a day before the last that is kept */
static void remove_old(const struct trail *trail)
{
    char oldest[DAY_TEXT + 1];
    if (trail->days == 0)
        return;
    today(oldest, (int64_t)trail->days * DAY_S);
    DIR *folder = opendir(trail->dir);
    if (folder == NULL)
        return;
    SCRATCH scratch = talloc_new(NULL);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        slice name = slice_of(entry->d_name);
        if (name.length == DAY_TEXT + 6 && slice_ends(name, ".jsonl") && strncmp(name.at, oldest, DAY_TEXT) < 0)
            unlink(text_format(scratch, "%s/%s", trail->dir, entry->d_name));
    }
    closedir(folder);
}

static bool open_day(struct trail *trail)
{
    char day[DAY_TEXT + 1];
    today(day, 0);
    if (trail->file >= 0 && strcmp(day, trail->day) == 0)
        return true;
    SCRATCH scratch = talloc_new(NULL);
    int file =
        open(text_format(scratch, "%s/%s.jsonl", trail->dir, day), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return false;
    if (trail->file >= 0) {
        fdatasync(trail->file);
        close(trail->file);
    }
    trail->file = file;
    memcpy(trail->day, day, sizeof(day));
    remove_old(trail);
    return true;
}

/* How much of the text the file took. */
static size_t write_out(struct trail *trail, slice text)
{
    size_t done = 0;
    while (open_day(trail) && done < text.length) {
        ssize_t written = write(trail->file, text.at + done, text.length - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break;
        done += (size_t)written;
        trail->dirty = true;
    }
    return done;
}

static void sync_file(struct trail *trail, bool now)
{
    if (!trail->dirty || (!now && clock_monotonic_ms() - trail->synced_ms < SYNC_EVERY_MS))
        return;
    fdatasync(trail->file);
    trail->synced_ms = clock_monotonic_ms();
    trail->dirty = false;
}

/* ---- its own thread: turns ---- */

/* Lines that could not be written go back in front, if there is room. */
static void give_back(struct trail *trail, struct buffer *taken, size_t done)
{
    struct buffer *waiting = &trail->waiting;
    size_t rest = taken->length - done;
    pthread_mutex_lock(&trail->mutex);
    if (make_room(waiting, rest)) {
        memmove(waiting->at + rest, waiting->at, waiting->length);
        memcpy(waiting->at, taken->at + done, rest);
        waiting->length += rest;
    } else {
        for (size_t i = done; i < taken->length; i++)
            trail->lost += taken->at[i] == '\n';
    }
    pthread_mutex_unlock(&trail->mutex);
}

static void sleep_a_second(struct trail *trail)
{
    struct timespec until;
    timespec_get(&until, TIME_UTC);
    until.tv_sec++;
    pthread_cond_timedwait(&trail->filled, &trail->mutex, &until);
}

/* Takes what waits; an empty buffer after a second without lines. False: closing and nothing is left. */
static bool take(struct trail *trail, struct buffer *out, uint64_t *lost)
{
    pthread_mutex_lock(&trail->mutex);
    if (trail->waiting.length == 0 && !trail->closing)
        sleep_a_second(trail);
    struct buffer emptied = { out->at, 0, out->room };
    *out = trail->waiting;
    trail->waiting = emptied;
    *lost = trail->lost;
    trail->lost = 0;
    bool more = out->length > 0 || !trail->closing;
    pthread_mutex_unlock(&trail->mutex);
    return more;
}

static void tell_trouble(const struct trail *trail, size_t left, uint64_t lost, const char *why)
{
    if (lost > 0)
        log_error(trail->scope, "%s: %llu lines of the audit trail were lost", trail->dir, (unsigned long long)lost);
    if (left > 0)
        log_error(trail->scope, "%s: the audit trail cannot be written: %s; %zu bytes wait", trail->dir, why, left);
}

static void *write_lines(void *arg)
{
    struct trail *trail = arg;
    struct buffer taken = { NULL, 0, 0 };
    uint64_t lost;
    while (take(trail, &taken, &lost)) {
        size_t done = write_out(trail, (slice){ taken.at, taken.length }), left = taken.length - done;
        int why = errno;
        tell_trouble(trail, left, lost, strerror(why));
        sync_file(trail, false);
        if (left == 0) {
            uv_sleep(GATHER_MS);
            continue;
        }
        pthread_mutex_lock(&trail->mutex);
        bool closing = trail->closing;
        if (!closing)
            sleep_a_second(trail);
        pthread_mutex_unlock(&trail->mutex);
        if (closing)
            break;
        give_back(trail, &taken, done);
    }
    sync_file(trail, true);
    free(taken.at);
    return NULL;
}

/* ---- life ---- */

FALLIBLE trail_open(void *ctx, const char *dir, int days, const struct scope *scope, struct trail **out)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return error_new(ctx, "InvalidFolder", "%s cannot be made: %s.", dir, strerror(errno));
    struct trail *trail = MAKE(ctx, struct trail);
    pthread_mutex_init(&trail->mutex, NULL);
    pthread_cond_init(&trail->filled, NULL);
    trail->dir = text_copy(trail, dir);
    trail->days = days;
    trail->scope = scope;
    trail->file = -1;
    if (!open_day(trail))
        return error_new(ctx, "InvalidFolder", "%s cannot be written: %s.", dir, strerror(errno));
    if (pthread_create(&trail->thread, NULL, write_lines, trail) != 0)
        return error_new(ctx, "InvalidFolder", "%s: no thread for the audit trail.", dir);
    *out = trail;
    return NULL;
}

void trail_close(struct trail *trail)
{
    pthread_mutex_lock(&trail->mutex);
    trail->closing = true;
    pthread_cond_signal(&trail->filled);
    pthread_mutex_unlock(&trail->mutex);
    pthread_join(trail->thread, NULL);
    close(trail->file);
    free(trail->waiting.at);
}
