/* fault.c - the failing disk. Writes and syncs of the database and of its log are counted from store_open on; the n-th
   write leaves half of its bytes behind, as a torn one does, and the n-th sync does not happen. */
#include "store/fault.h"
#include <sqlite3.h>
#include <stdatomic.h>
#include <uv.h>

struct faults {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    unsigned sync_ms, fail_write, fail_sync;
    atomic_uint writes, syncs;
};

struct fault_file {
    sqlite3_file base;
    struct faults *faults; /* NULL: a file that is never faulty */
    sqlite3_file real[];
};

static struct fault_file *own(sqlite3_file *file)
{
    return (struct fault_file *)file;
}

static sqlite3_file *real(sqlite3_file *file)
{
    return own(file)->real;
}

/* Calls the method of the real file that stands under a faulty one. */
#define REAL(file, method, ...) (real(file)->pMethods->method(real(file), ##__VA_ARGS__))

static int fault_close(sqlite3_file *file)
{
    return REAL(file, xClose);
}

static int fault_read(sqlite3_file *file, void *to, int length, sqlite3_int64 at)
{
    return REAL(file, xRead, to, length, at);
}

static int fault_write(sqlite3_file *file, const void *from, int length, sqlite3_int64 at)
{
    struct faults *faults = own(file)->faults;
    if (faults == NULL || atomic_fetch_add(&faults->writes, 1) + 1 != faults->fail_write)
        return REAL(file, xWrite, from, length, at);
    (void)REAL(file, xWrite, from, length / 2, at);
    return SQLITE_IOERR_WRITE;
}

static int fault_truncate(sqlite3_file *file, sqlite3_int64 length)
{
    return REAL(file, xTruncate, length);
}

static int fault_sync(sqlite3_file *file, int flags)
{
    struct faults *faults = own(file)->faults;
    if (faults == NULL)
        return REAL(file, xSync, flags);
    if (faults->sync_ms > 0)
        uv_sleep(faults->sync_ms);
    if (atomic_fetch_add(&faults->syncs, 1) + 1 == faults->fail_sync)
        return SQLITE_IOERR_FSYNC;
    return REAL(file, xSync, flags);
}

static int fault_size(sqlite3_file *file, sqlite3_int64 *length)
{
    return REAL(file, xFileSize, length);
}

static int fault_lock(sqlite3_file *file, int level)
{
    return REAL(file, xLock, level);
}

static int fault_unlock(sqlite3_file *file, int level)
{
    return REAL(file, xUnlock, level);
}

static int fault_check_lock(sqlite3_file *file, int *held)
{
    return REAL(file, xCheckReservedLock, held);
}

static int fault_control(sqlite3_file *file, int what, void *arg)
{
    return REAL(file, xFileControl, what, arg);
}

static int fault_sector(sqlite3_file *file)
{
    return REAL(file, xSectorSize);
}

static int fault_traits(sqlite3_file *file)
{
    return REAL(file, xDeviceCharacteristics);
}

static int fault_map(sqlite3_file *file, int region, int length, int extend, void volatile **out)
{
    return REAL(file, xShmMap, region, length, extend, out);
}

static int fault_map_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return REAL(file, xShmLock, offset, count, flags);
}

static void fault_barrier(sqlite3_file *file)
{
    REAL(file, xShmBarrier);
}

static int fault_unmap(sqlite3_file *file, int remove)
{
    return REAL(file, xShmUnmap, remove);
}

static const sqlite3_io_methods fault_methods = {
    .iVersion = 2, /* shared memory, no mmap */
    .xClose = fault_close,
    .xRead = fault_read,
    .xWrite = fault_write,
    .xTruncate = fault_truncate,
    .xSync = fault_sync,
    .xFileSize = fault_size,
    .xLock = fault_lock,
    .xUnlock = fault_unlock,
    .xCheckReservedLock = fault_check_lock,
    .xFileControl = fault_control,
    .xSectorSize = fault_sector,
    .xDeviceCharacteristics = fault_traits,
    .xShmMap = fault_map,
    .xShmLock = fault_map_lock,
    .xShmBarrier = fault_barrier,
    .xShmUnmap = fault_unmap,
};

static int fault_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out_flags)
{
    struct faults *faults = (struct faults *)vfs;
    bool counted = (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) != 0;
    struct fault_file *opened = own(file);
    opened->faults = counted ? faults : NULL;
    int code = faults->real->xOpen(faults->real, name, opened->real, flags, out_flags);
    opened->base.pMethods = opened->real->pMethods == NULL ? NULL : &fault_methods;
    return code;
}

static int faults_unregister(struct faults *faults)
{
    sqlite3_vfs_unregister(&faults->vfs);
    return 0;
}

struct faults *faults_new(void *ctx, const struct store_options *options)
{
    if (options->test_sync_ms == 0 && options->test_fail_write == 0 && options->test_fail_sync == 0)
        return NULL;
    struct faults *faults = MAKE(ctx, struct faults);
    faults->real = sqlite3_vfs_find(NULL);
    faults->sync_ms = options->test_sync_ms;
    faults->fail_write = options->test_fail_write;
    faults->fail_sync = options->test_fail_sync;
    /* The other methods stay the real ones: they look at nothing of the VFS but mxPathname. */
    faults->vfs = *faults->real;
    faults->vfs.zName = text_format(faults, "faults-%p", (void *)faults);
    faults->vfs.szOsFile = (int)sizeof(struct fault_file) + faults->real->szOsFile;
    faults->vfs.xOpen = fault_open;
    sqlite3_vfs_register(&faults->vfs, 0);
    talloc_set_destructor(faults, faults_unregister);
    return faults;
}

const char *faults_vfs(const struct faults *faults)
{
    return faults == NULL ? NULL : faults->vfs.zName;
}
