/* folder.c - the lock file, and the first byte of a new store. */
#include "store/folder.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

struct held_lock {
    int descriptor;
};

static int release(struct held_lock *lock)
{
    close(lock->descriptor); /* the file stays: removing it would race with the next one who opens it */
    return 0;
}

static error *unavailable(void *ctx, const char *path, const char *what)
{
    return error_new(ctx, "StoreUnavailable", "%s cannot be %s: %s.", path, what, strerror(errno));
}

static error *taken(void *ctx, const char *folder, int descriptor)
{
    char text[24] = "";
    ssize_t length = pread(descriptor, text, sizeof(text) - 1, 0);
    long process = length > 0 ? strtol(text, NULL, 10) : 0;
    if (process <= 0)
        return error_new(ctx, "StoreUnavailable", "Another server has %s.", folder);
    return error_new(ctx, "StoreUnavailable", "Another server (process %ld) has %s.", process, folder);
}

/* flock and not fcntl: it also holds against a second store of this process, and no close elsewhere releases it. */
FALLIBLE folder_lock(void *ctx, const char *folder)
{
    char *path = text_format(ctx, "%s/lock", folder);
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0)
        return unavailable(ctx, path, "opened");
    struct held_lock *lock = MAKE(ctx, struct held_lock);
    lock->descriptor = descriptor;
    talloc_set_destructor(lock, release);

    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? taken(ctx, folder, descriptor) : unavailable(ctx, path, "locked");
    char text[24];
    int length = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, text, (size_t)length, 0) != length)
        return unavailable(ctx, path, "written");
    return NULL;
}

/* The new name itself has to survive a power cut. */
static bool sync_folder(const char *folder)
{
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = descriptor >= 0 && fsync(descriptor) == 0;
    if (descriptor >= 0)
        close(descriptor);
    return synced;
}

FALLIBLE folder_make_file(void *ctx, const char *folder, const char *path)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return errno == EEXIST ? NULL : unavailable(ctx, path, "made");
    close(descriptor);
    return sync_folder(folder) ? NULL : unavailable(ctx, folder, "synced");
}
