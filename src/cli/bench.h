/* bench.h - muster bench, as its files see it: bench.c reads the wish, bench_load.c makes the load, bench_report.c
   tells what came of it. */
#pragma once
#include "cli/cli.h"
#include "device/device.h"

struct bench_wish {
    bool provisions; /* else it connects */
    const char *host, *ca, *certificate, *key, *folder;
    int port, connections, count, seconds, mqtt, pid;
    const char *template_name, *parameter;
    bool as_json, help;

    slice ca_pem;
    const struct device_server *server;
    const struct device_identity **identities; /* taken in turn */
    size_t identity_count;
};

/* Errors of one kind: "refused: not authorized". Those that find no row are counted in the last one. */
enum { BENCH_FAULTS_MAX = 16 };
struct bench_fault {
    const char *text;
    size_t count;
};

struct bench_result {
    int64_t *latencies_us; /* of what succeeded */
    size_t succeeded, failed;
    int64_t elapsed_us;
    struct bench_fault faults[BENCH_FAULTS_MAX];
    size_t fault_count;
};

/* Runs until the count or the time is reached, or nothing works at all. Fails with BenchFailed when it cannot begin. */
FALLIBLE bench_load(void *ctx, const struct bench_wish *wish, struct bench_result *out);

/* What the kernel says of the server's process. */
struct bench_process {
    int64_t cpu_us; /* of all its threads */
    int64_t memory_kib;
};
/* Fails with BenchFailed: there is no such process. */
FALLIBLE bench_process_read(void *ctx, int pid, struct bench_process *out);

/* Sorts the latencies. `before` and `after` are NULL when no process was named. */
void bench_report(const struct bench_wish *wish, struct bench_result *result, const struct bench_process *before,
                  const struct bench_process *after);
