/* fault.h - a disk that is slow or fails when a test says so: a SQLite VFS around the operating system's own. */
#pragma once
#include "store/store.h"

struct faults;

/* Registers the VFS until ctx is freed; NULL when the options ask for no fault. */
struct faults *faults_new(void *ctx, const struct store_options *options);
const char *faults_vfs(const struct faults *faults); /* NULL for NULL */
