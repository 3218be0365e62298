/* file.c - certificate and key files. */
#include "pki/internal.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20, FOR_OTHERS = 077 };

static const char *file_problem(int file, bool secret, struct stat *about)
{
    if (file < 0 || fstat(file, about) != 0)
        return strerror(errno);
    if (!S_ISREG(about->st_mode) || about->st_size > FILE_MAX)
        return "it is not a plain file of at most 1 MiB";
    if (secret && (about->st_mode & FOR_OTHERS) != 0)
        return "others than its owner may read it; set its permissions to 0600";
    return NULL;
}

char *file_read(void *ctx, const char *path, bool secret, const char **why)
{
    struct stat about = { 0 };
    size_t length = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const char *problem = file_problem(file, secret, &about);
    *why = problem != NULL ? text_copy(ctx, problem) : NULL;
    char *text = problem == NULL ? pem_keep_secret(memory_zeroed(ctx, 1, (size_t)about.st_size + 1, "char")) : NULL;
    while (text != NULL && length < (size_t)about.st_size) {
        ssize_t got = read(file, text + length, (size_t)about.st_size - length);
        if (got == 0 || (got < 0 && errno != EINTR))
            break;
        length += got > 0 ? (size_t)got : 0;
    }
    if (file >= 0)
        close(file);
    return text;
}

static bool write_whole(int file, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t written = write(file, text, left);
        if (written < 0 && errno != EINTR)
            return false;
        text += written > 0 ? written : 0;
        left -= written > 0 ? (size_t)written : 0;
    }
    return fsync(file) == 0;
}

FALLIBLE pki_write_file(void *ctx, const char *path, mode_t mode, const char *text)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode & ~(mode_t)FOR_OTHERS);
    if (file < 0)
        return error_new(ctx, "InvalidFile", "%s cannot be made: %s", path, strerror(errno));
    bool done = write_whole(file, text) && fchmod(file, mode) == 0; /* whatever the umask says */
    int reason = errno;
    if (close(file) != 0 && done) {
        done = false;
        reason = errno;
    }
    if (done)
        return NULL;
    unlink(path);
    return error_new(ctx, "InvalidFile", "%s cannot be written: %s", path, strerror(reason));
}
