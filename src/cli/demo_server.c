/* demo_server.c - the demo's folder, and musterd as its child. */
#include "cli/demo.h"
#include "base/clock.h"
#include "base/random.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PORTS = 4, READY_MS = 15000, STOP_MS = 10000, TURN_MS = 20, LAST_WORDS_MAX = 4096 };
enum { PORT_LOW = 15000, PORT_HIGH = 32000, PORT_TRIES = 100 };

static FALLIBLE failed(struct demo *demo, const char *what)
{
    return error_new(demo, "DemoFailed", "%s: %s.", what, strerror(errno));
}

/* ---- the folder ---- */

/* Below the range from which the kernel takes clients' ports, so that none is lost between here and the server. */
static int free_port(int *fd)
{
    for (int i = 0; i < PORT_TRIES; i++) {
        uint16_t port = (uint16_t)(PORT_LOW + random_below(PORT_HIGH - PORT_LOW));
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (*fd >= 0 && bind(*fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
            return port;
        if (*fd >= 0)
            close(*fd);
        *fd = -1;
    }
    return 0;
}

/* All are held until all are found, so that they differ. */
static FALLIBLE find_ports(struct demo *demo, struct configuration *configuration)
{
    int *const ports[PORTS] = { &configuration->mqtt_port, &configuration->https_port,
                                &configuration->device_https_port, &configuration->metrics_port };
    int fds[PORTS], found = 0;
    for (size_t i = 0; i < PORTS; i++) {
        *ports[i] = free_port(&fds[i]);
        found += *ports[i] != 0;
    }
    for (size_t i = 0; i < PORTS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    demo->mqtt_port = configuration->mqtt_port;
    return found == PORTS ? NULL : failed(demo, "there is no free port on 127.0.0.1");
}

FALLIBLE demo_make_folder(struct demo *demo)
{
    const char *parent = getenv("TMPDIR");
    struct configuration *configuration = configuration_default(demo);
    struct init_wish wish = { .account = "000000000001", .configuration = configuration };
    char *folder = text_format(demo, "%s/muster-demo-XXXXXX", parent && *parent ? parent : "/tmp");
    if (mkdtemp(folder) == NULL)
        return failed(demo, folder);
    demo->folder = folder;
    demo->dir = wish.dir = text_format(demo, "%s/server", folder);
    demo->log = text_format(demo, "%s/musterd.log", folder);
    TRY(find_ports(demo, configuration));
    TRY(cli_init_folder(demo, &wish));
    return cli_environment_read(demo, cli_environment_file(demo, demo->dir, NULL), &demo->environment);
}

/* ---- programs ---- */

static const char *beside(void *ctx, const char *name)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return name;
    *slash = '\0';
    return text_format(ctx, "%s/%s", path, name);
}

const char *demo_program(void *ctx, const char *name)
{
    const char *path = beside(ctx, name);
    char here[PATH_MAX];
    size_t length = getcwd(here, sizeof(here)) != NULL ? strlen(here) : 0;
    return length > 1 && strncmp(path, here, length) == 0 && path[length] == '/' ? path + length + 1 : path;
}

/* ---- the child ---- */

/* A group of its own, so that Ctrl-C comes to us alone; and no longer than we. */
static void become_server(const struct demo *demo, const char *program, int says)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int log = open(demo->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGPIPE, SIG_DFL);
    if (nothing < 0 || log < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(says, STDOUT_FILENO) < 0 ||
        dup2(log, STDERR_FILENO) < 0)
        _exit(126);
    execl(program, "musterd", "--dir", demo->dir, (char *)NULL);
    _exit(127);
}

/* The log's last line, for who wonders why it is gone. */
static const char *last_words(struct demo *demo)
{
    char text[LAST_WORDS_MAX];
    int fd = open(demo->log, O_RDONLY | O_CLOEXEC);
    off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    ssize_t length = fd < 0 ? 0 : pread(fd, text, sizeof(text), end > LAST_WORDS_MAX ? end - LAST_WORDS_MAX : 0);
    slice rest = { text, length > 0 ? (size_t)length : 0 }, line, last = SLICE("it said nothing");
    if (fd >= 0)
        close(fd);
    while (slice_split(&rest, '\n', &line))
        if (line.length > 0)
            last = line;
    return slice_text(demo, last);
}

/* The pipe stays open: whoever has read "musterd ready" must not close it under the server. */
static FALLIBLE wait_until_ready(struct demo *demo)
{
    int64_t late_ms = clock_monotonic_ms() + READY_MS;
    writer said = writer_new(demo, LAST_WORDS_MAX);
    while (!demo_interrupted && clock_monotonic_ms() < late_ms) {
        struct pollfd wait = { demo->server_says, POLLIN, 0 };
        char text[256];
        if (poll(&wait, 1, TURN_MS) <= 0)
            continue;
        ssize_t length = read(demo->server_says, text, sizeof(text));
        if (length <= 0)
            return error_new(demo, "DemoFailed", "the server ended at once: %s", last_words(demo));
        writer_bytes(&said, text, (size_t)length);
        if (memmem(said.at, said.length, "musterd ready\n", strlen("musterd ready\n")) != NULL)
            return NULL;
    }
    return error_new(demo, "DemoFailed", "the server was not ready after %d s: %s", READY_MS / 1000, last_words(demo));
}

FALLIBLE demo_start_server(struct demo *demo)
{
    int ends[2];
    const char *program = beside(demo, "musterd");
    if (access(program, X_OK) != 0)
        return failed(demo, program);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return failed(demo, "a pipe");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        become_server(demo, program, ends[1]);
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return failed(demo, "a process for the server");
    }
    demo->server = child;
    demo->server_says = ends[0];
    error *e = wait_until_ready(demo);
    if (e != NULL) {
        error *stopped = demo_stop_server(demo);
        (void)stopped; /* why it did not start says more */
    }
    return e;
}

/* True when it is gone; then *status is how. */
static bool wait_for_end(const struct demo *demo, int *status)
{
    for (int64_t late_ms = clock_monotonic_ms() + STOP_MS; clock_monotonic_ms() < late_ms; poll(NULL, 0, TURN_MS))
        if (waitpid(demo->server, status, WNOHANG) == demo->server)
            return true;
    return false;
}

FALLIBLE demo_stop_server(struct demo *demo)
{
    int status = 0;
    if (demo->server == 0)
        return NULL;
    kill(demo->server, SIGTERM);
    bool ended = wait_for_end(demo, &status);
    if (!ended) {
        kill(demo->server, SIGKILL);
        waitpid(demo->server, &status, 0);
    }
    close(demo->server_says);
    demo->server = 0;
    if (!ended)
        return error_new(demo, "DemoFailed", "the server did not stop within %d s of SIGTERM.", STOP_MS / 1000);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return error_new(demo, "DemoFailed", "the server did not end well: %s", last_words(demo));
    return NULL;
}
