/* administration.c - in test builds, a socket that moves time and gets in the way: DIR/admin.sock, a line a command.

       clock +3600     wall time, for everybody, an hour ahead
       stall 2000      the store's writer waits so long before its next batch
       sweep           the minute's sweep, now

   Each answers a line, "ok" or "what?". A release has no such socket. */
#include "server/inner.h"

#ifdef MUSTER_TEST_BUILD
#include "base/clock.h"
#include <unistd.h>

struct administration {
    uv_pipe_t pipe;
    struct server *server;
};

struct visitor {
    uv_pipe_t pipe;
    struct server *server;
    char line[128];
    size_t length;
};

static void visitor_closed(uv_handle_t *handle)
{
    talloc_free(handle);
}

static bool obey(struct server *server, const char *line)
{
    if (strncmp(line, "clock ", 6) == 0)
        clock_shift_s(strtoll(line + 6, NULL, 10));
    else if (strncmp(line, "stall ", 6) == 0)
        store_stall_ms(server->store, (unsigned)strtoul(line + 6, NULL, 10));
    else if (strcmp(line, "sweep") == 0)
        server_sweep(server);
    else
        return false;
    return true;
}

static void give_room(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct visitor *visitor = (struct visitor *)handle;
    (void)wanted;
    *buffer = uv_buf_init(visitor->line + visitor->length, (unsigned)(sizeof(visitor->line) - 1 - visitor->length));
}

static void take_line(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct visitor *visitor = (struct visitor *)stream;
    (void)buffer;
    if (count <= 0) {
        uv_close((uv_handle_t *)stream, visitor_closed);
        return;
    }
    visitor->length += (size_t)count;
    visitor->line[visitor->length] = '\0';
    char *end = strchr(visitor->line, '\n');
    if (end == NULL)
        return;
    *end = '\0';
    char yes[] = "ok\n", no[] = "what?\n";
    uv_buf_t answer = obey(visitor->server, visitor->line) ? uv_buf_init(yes, 3) : uv_buf_init(no, 6);
    visitor->length = 0;
    uv_try_write(stream, &answer, 1);
}

static void welcome(uv_stream_t *listener, int status)
{
    struct administration *administration = (struct administration *)listener;
    if (status < 0)
        return;
    struct visitor *visitor = MAKE(NULL, struct visitor);
    visitor->server = administration->server;
    uv_pipe_init(&administration->server->uv, &visitor->pipe, 0);
    if (uv_accept(listener, (uv_stream_t *)&visitor->pipe) == 0)
        uv_read_start((uv_stream_t *)&visitor->pipe, give_room, take_line);
    else
        uv_close((uv_handle_t *)&visitor->pipe, visitor_closed);
}

FALLIBLE administration_open(struct server *server)
{
    const char *path = text_format(server, "%s/admin.sock", server->dir);
    struct administration *administration = server->administration = MAKE(server, struct administration);
    administration->server = server;
    unlink(path);
    uv_pipe_init(&server->uv, &administration->pipe, 0);
    if (uv_pipe_bind(&administration->pipe, path) < 0 ||
        uv_listen((uv_stream_t *)&administration->pipe, 8, welcome) < 0)
        return error_new(server, "InvalidConfiguration", "%s cannot be made.", path);
    return NULL;
}

static void close_visitor(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, handle->type == UV_NAMED_PIPE ? visitor_closed : NULL);
}

void administration_close(struct server *server)
{
    uv_close((uv_handle_t *)&server->administration->pipe, NULL);
    uv_walk(&server->uv, close_visitor, NULL);
}

#else

FALLIBLE administration_open(struct server *server)
{
    (void)server;
    return NULL;
}

void administration_close(struct server *server)
{
    (void)server;
}

#endif
