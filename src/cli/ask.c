/* ask.c - one question to the running server of a folder, through DIR/musterd.sock (src/server/operator.c). */
#include "cli/cli.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MAX = 16 << 20, ANSWER_DEPTH = 16 };

static error *no_server(void *ctx, const char *dir, const char *why)
{
    return error_new(ctx, "NoServer", "no server of %s answers (%s); start it: musterd --dir %s", dir, why, dir);
}

/* Through the folder's descriptor: a socket's own path has room for 107 bytes only. */
static int connect_to(const char *dir)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", folder, FILE_SOCKET);
    int result = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)&address, sizeof(address));
    int why = errno;
    close(folder);
    if (result < 0 && fd >= 0)
        close(fd);
    errno = why;
    return result < 0 ? -1 : fd;
}

static bool send_all(int fd, slice text)
{
    while (text.length > 0) {
        ssize_t sent = send(fd, text.at, text.length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        text = slice_from(text, (size_t)sent);
    }
    return true;
}

/* Up to the line's end. */
static slice receive_line(void *ctx, int fd)
{
    writer line = writer_new(ctx, ANSWER_MAX);
    char piece[16384];
    for (;;) {
        ssize_t got = recv(fd, piece, sizeof(piece), 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return (slice){ NULL, 0 };
        const char *end = memchr(piece, '\n', (size_t)got);
        writer_bytes(&line, piece, end ? (size_t)(end - piece) : (size_t)got);
        if (end != NULL)
            return writer_slice_of(&line);
    }
}

FALLIBLE cli_ask(void *ctx, const char *dir, const char *operation, json *input, json **output)
{
    json *question = json_new_object(ctx), *answer;
    json_put_text(question, "operation", operation);
    if (input != NULL)
        json_put(question, "input", json_object_get(input));
    slice text = json_print(ctx, question);
    int fd = connect_to(dir);
    if (fd < 0)
        return no_server(ctx, dir, strerror(errno));
    bool sent = send_all(fd, slice_of(text_format(ctx, "%.*s\n", PRINT(text))));
    slice line = sent ? receive_line(ctx, fd) : (slice){ NULL, 0 };
    close(fd);
    if (line.at == NULL)
        return no_server(ctx, dir, "it hung up");
    TRY(json_parse(ctx, line, ANSWER_DEPTH, &answer));
    json *fault = json_get_object(answer, "error");
    if (fault != NULL)
        return error_new(ctx, "Refused", "%s", json_get_text(fault, "message"));
    *output = json_get_object(answer, "output");
    return NULL;
}
