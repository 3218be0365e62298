/* operator.c - DIR/musterd.sock: what the operator's own tool asks the running server, a JSON object a line.

       {"operation": "CreateAccount", "input": {"accountId": "222222222222"}}
       {"output": {...}}   or   {"error": {"name": "ResourceAlreadyExistsException", "message": "..."}}

   Each line is an operation of api/muster.json and comes to the door as any other. Who may open the folder may ask:
   nothing else is checked, the peer's user id stands in the audit trail. The socket lives on the main thread; calls run
   where all calls run and come back through a list and an async. */
#include "server/inner.h"
#include "base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 64 * 1024, INPUT_DEPTH = 8, BACKLOG = 16 };

struct operator
{
    uv_pipe_t pipe;
    uv_async_t async;
    struct server *server;
    int folder; /* names the socket whatever the length of DIR */
    pthread_mutex_t mutex;
    struct asked *finished; /* behind the mutex, newest first */
    bool closed;            /* behind the mutex: nobody reads answers any more */
};

struct visitor {
    uv_pipe_t pipe;
    struct server *server;
    uid_t user;
    bool busy, gone;
    size_t length;
    char line[LINE_MAX_BYTES + 1];
};

struct asked {
    struct asked *next;
    struct visitor *visitor;
    struct call *call;
};

struct reply {
    uv_write_t write;
    slice text;
};

/* ---- a visitor ---- */

/* Whoever comes last frees it: the closed pipe, or the call. */
static void let_go(struct visitor *visitor, bool pipe_gone)
{
    struct operator* operator= visitor->server->operator;
    pthread_mutex_lock(&operator->mutex);
    visitor->gone = visitor->gone || pipe_gone;
    visitor->busy = visitor->busy && pipe_gone;
    bool last = visitor->gone && !visitor->busy;
    pthread_mutex_unlock(&operator->mutex);
    if (last)
        talloc_free(visitor);
}

static void visitor_closed(uv_handle_t *handle)
{
    let_go((struct visitor *)handle, true);
}

static void leave(struct visitor *visitor)
{
    if (!uv_is_closing((uv_handle_t *)&visitor->pipe))
        uv_close((uv_handle_t *)&visitor->pipe, visitor_closed);
}

static void written(uv_write_t *write, int status)
{
    struct visitor *visitor = (struct visitor *)write->handle;
    talloc_free(write);
    if (status < 0)
        leave(visitor);
}

static void say(struct visitor *visitor, json *line)
{
    struct reply *reply = MAKE(NULL, struct reply);
    slice text = json_print(reply, line);
    reply->text = slice_of(text_format(reply, "%.*s\n", PRINT(text)));
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)reply->text.at, (unsigned)reply->text.length);
    if (uv_write(&reply->write, (uv_stream_t *)&visitor->pipe, &buffer, 1, written) < 0) {
        talloc_free(reply);
        leave(visitor);
    }
}

static void say_error(struct visitor *visitor, const char *name, const char *message)
{
    SCRATCH scratch = talloc_new(NULL);
    json *line = json_new_object(scratch), *inner = json_object_new_object();
    json_put_text(inner, "name", name);
    json_put_text(inner, "message", message);
    json_put(line, "error", inner);
    say(visitor, line);
}

/* ---- calls ---- */

/* On a loop's thread. */
static void done(struct call *call)
{
    struct asked *asked = call->owner;
    struct operator* operator= asked->visitor->server->operator;
    pthread_mutex_lock(&operator->mutex);
    bool closed = operator->closed;
    if (!closed) {
        asked->next = operator->finished;
        operator->finished = asked;
        uv_async_send(&operator->async);
    }
    pthread_mutex_unlock(&operator->mutex);
    if (!closed)
        return;
    let_go(asked->visitor, false);
    talloc_free(call);
}

static void give_back(struct asked *asked)
{
    struct visitor *visitor = asked->visitor;
    struct call *call = asked->call;
    if (!visitor->gone && call->error != NULL) {
        say_error(visitor, call->error->name, call->error->message);
    } else if (!visitor->gone) {
        json *line = json_new_object(call);
        json_put(line, "output", json_object_get(call->output));
        say(visitor, line);
    }
    let_go(visitor, false);
    talloc_free(call);
}

static void take_finished(uv_async_t *async)
{
    struct operator* operator= async->data;
    pthread_mutex_lock(&operator->mutex);
    struct asked *asked = operator->finished;
    operator->finished = NULL;
    pthread_mutex_unlock(&operator->mutex);
    while (asked != NULL) {
        struct asked *next = asked->next;
        give_back(asked);
        asked = next;
    }
}

static const struct caller *caller_of(struct call *call, const struct visitor *visitor)
{
    struct caller *caller = MAKE(call, struct caller);
    caller->kind = CALLER_SERVICE;
    caller->account = visitor->server->default_account;
    caller->arn = text_format(caller, "operator:uid/%u", (unsigned)visitor->user);
    caller->user_id = caller->type = "Operator";
    return caller;
}

static void begin(struct visitor *visitor, json *line)
{
    struct server *server = visitor->server;
    const char *operation = json_get_text(line, "operation");
    struct call *call = call_new(server->door, "muster", operation ? operation : "");
    struct asked *asked = MAKE(call, struct asked);
    *asked = (struct asked){ .visitor = visitor, .call = call };
    json *input = json_get_object(line, "input");
    call->input = input ? json_copy_deep(call, input) : json_new_object(call);
    call->caller = caller_of(call, visitor);
    call->account = server->default_account;
    call->region = server->configuration->region;
    call->via = "operator";
    call->home = server->loops[0];
    call->owner = asked;
    call->done = done;
    visitor->busy = true;
    operation_run(call);
}

/* ---- bytes ---- */

static void take_line(struct visitor *visitor, slice text)
{
    SCRATCH scratch = talloc_new(NULL);
    json *line;
    error *e = json_parse(scratch, text, INPUT_DEPTH, &line);
    bool is_question = e == NULL && json_is_object(line) &&
                       (json_get(line, "input") == NULL || json_get_object(line, "input") != NULL);
    if (!is_question)
        say_error(visitor, "InvalidRequestException",
                  e ? e->message : "A line is a JSON object, and so is its member input.");
    else
        begin(visitor, line);
}

static void give_room(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct visitor *visitor = (struct visitor *)handle;
    (void)wanted;
    *buffer = uv_buf_init(visitor->line + visitor->length, (unsigned)(LINE_MAX_BYTES - visitor->length));
}

/* One line at a time: the tool waits for its answer. */
static void take_bytes(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct visitor *visitor = (struct visitor *)stream;
    (void)buffer;
    if (count == 0)
        return;
    if (count < 0 || visitor->busy) {
        leave(visitor);
        return;
    }
    visitor->length += (size_t)count;
    char *end = memchr(visitor->line, '\n', visitor->length);
    if (end == NULL && visitor->length < LINE_MAX_BYTES)
        return;
    slice text = { visitor->line, end ? (size_t)(end - visitor->line) : 0 };
    visitor->length = 0;
    if (end == NULL)
        leave(visitor);
    else
        take_line(visitor, text);
}

static void welcome(uv_stream_t *listener, int status)
{
    struct operator* operator= listener->data;
    struct ucred peer = { 0 };
    socklen_t size = sizeof(peer);
    int fd;
    if (status < 0)
        return;
    struct visitor *visitor = MAKE(NULL, struct visitor);
    visitor->server = operator->server;
    uv_pipe_init(&operator->server->uv, &visitor->pipe, 0);
    visitor->pipe.data = operator;
    bool accepted = uv_accept(listener, (uv_stream_t *)&visitor->pipe) == 0 &&
                    uv_fileno((uv_handle_t *)&visitor->pipe, &fd) == 0 &&
                    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    visitor->user = peer.uid;
    if (!accepted || uv_read_start((uv_stream_t *)&visitor->pipe, give_room, take_bytes) < 0)
        leave(visitor);
}

/* ---- life ---- */

FALLIBLE operator_open(struct server *server)
{
    struct operator* operator= server->operator= MAKE(server, struct operator);
    operator->server = server;
    pthread_mutex_init(&operator->mutex, NULL);
    operator->folder = open(server->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uv_async_init(&server->uv, &operator->async, take_finished);
    operator->async.data = operator;
    uv_pipe_init(&server->uv, &operator->pipe, 0);
    operator->pipe.data = operator;
    const char *path = text_format(server, "/proc/self/fd/%d/%s", operator->folder, FILE_SOCKET);
    unlinkat(operator->folder, FILE_SOCKET, 0); /* the folder is ours alone: store_open holds its lock */
    mode_t before = umask(0177);
    int bound = uv_pipe_bind(&operator->pipe, path);
    umask(before);
    int listens = bound < 0 ? bound : uv_listen((uv_stream_t *)&operator->pipe, BACKLOG, welcome);
    return listens < 0 ? error_new(server, "InvalidFolder", "%s/%s cannot be made: %s.", server->dir, FILE_SOCKET,
                                   uv_strerror(listens))
                       : NULL;
}

static void close_visitor(uv_handle_t *handle, void *arg)
{
    const struct operator* operator= arg;
    if (handle->data == arg && handle->type == UV_NAMED_PIPE &&
        handle != (const uv_handle_t *)&operator->pipe && !uv_is_closing(handle))
        uv_close(handle, visitor_closed);
}

void operator_close(struct server *server)
{
    struct operator* operator= server->operator;
    pthread_mutex_lock(&operator->mutex);
    operator->closed = true;
    pthread_mutex_unlock(&operator->mutex);
    take_finished(&operator->async);
    uv_walk(&server->uv, close_visitor, operator);
    unlinkat(operator->folder, FILE_SOCKET, 0);
    uv_close((uv_handle_t *)&operator->async, NULL);
    uv_close((uv_handle_t *)&operator->pipe, NULL);
}
