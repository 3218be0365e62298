/* bench_report.c - what a load came to, for people and for scripts; and what the kernel says of the server. */
#include "cli/bench.h"
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

enum { PROC_MAX = 8192 };

/* ---- /proc ---- */

static FALLIBLE read_proc(void *ctx, int pid, const char *name, slice *out)
{
    FILE *file = fopen(text_format(ctx, "/proc/%d/%s", pid, name), "re");
    if (file == NULL)
        return error_new(ctx, "BenchFailed", "--pid %d: %s.", pid, strerror(errno));
    char *text = talloc_zero_size(ctx, PROC_MAX);
    *out = slice_bytes(text, fread(text, 1, PROC_MAX - 1, file));
    fclose(file);
    return NULL;
}

/* proc(5): the name stands in parentheses and may hold anything; utime and stime are the 12th and 13th word behind. */
static int64_t cpu_ticks(slice stat)
{
    const char *behind = memrchr(stat.at, ')', stat.length);
    slice rest = behind ? slice_from(stat, (size_t)(behind + 2 - stat.at)) : SLICE(""), word;
    int64_t ticks = 0;
    for (int i = 1; i <= 13 && slice_split(&rest, ' ', &word); i++)
        if (i >= 12)
            ticks += strtoll(word.at, NULL, 10);
    return ticks;
}

FALLIBLE bench_process_read(void *ctx, int pid, struct bench_process *out)
{
    slice stat = SLICE(""), status = SLICE(""), line;
    *out = (struct bench_process){ 0, 0 };
    TRY(read_proc(ctx, pid, "stat", &stat));
    TRY(read_proc(ctx, pid, "status", &status));
    out->cpu_us = cpu_ticks(stat) * 1000000 / sysconf(_SC_CLK_TCK);
    while (slice_split(&status, '\n', &line))
        if (slice_starts(line, "VmRSS:"))
            out->memory_kib = strtoll(line.at + strlen("VmRSS:"), NULL, 10);
    return NULL;
}

/* ---- figures ---- */

static int by_size(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

static const struct percentile {
    const char *name;
    size_t of_1000;
} percentiles[] = { { "p50", 500 }, { "p90", 900 }, { "p99", 990 }, { "max", 1000 } };
enum { PERCENTILES = sizeof(percentiles) / sizeof(*percentiles) };

/* The smallest that at least so many are not above. */
static int64_t at(const struct bench_result *result, size_t of_1000)
{
    size_t rank = (result->succeeded * of_1000 + 999) / 1000;
    return result->succeeded == 0 ? 0 : result->latencies_us[rank > 0 ? rank - 1 : 0];
}

static double seconds(const struct bench_result *result)
{
    return (double)(result->elapsed_us > 0 ? result->elapsed_us : 1) / 1e6;
}

static int64_t cpu_each_us(const struct bench_result *result, const struct bench_process *before,
                           const struct bench_process *after)
{
    size_t all = result->succeeded + result->failed;
    return all == 0 ? 0 : (after->cpu_us - before->cpu_us) / (int64_t)all;
}

/* ---- two ways to say it ---- */

static void print_json(const struct bench_wish *wish, const struct bench_result *result,
                       const struct bench_process *before, const struct bench_process *after)
{
    SCRATCH ctx = talloc_new(NULL);
    json *all = json_new_object(ctx), *latency = json_object_new_object(), *errors = json_object_new_object();
    json_put_text(all, "operation", wish->provisions ? "provision" : "connect");
    json_put_integer(all, "succeeded", (int64_t)result->succeeded);
    json_put_integer(all, "failed", (int64_t)result->failed);
    json_put_integer(all, "elapsedUs", result->elapsed_us);
    json_put_integer(all, "perSecond", (int64_t)((double)result->succeeded / seconds(result)));
    for (size_t i = 0; i < PERCENTILES; i++)
        json_put_integer(latency, percentiles[i].name, at(result, percentiles[i].of_1000));
    json_put(all, "latencyUs", latency);
    for (size_t i = 0; i < result->fault_count; i++)
        json_put_integer(errors, result->faults[i].text, (int64_t)result->faults[i].count);
    json_put(all, "errors", errors);
    if (before != NULL) {
        json *server = json_object_new_object();
        json_put_integer(server, "cpuUsPerOperation", cpu_each_us(result, before, after));
        json_put_integer(server, "memoryKibBefore", before->memory_kib);
        json_put_integer(server, "memoryKibAfter", after->memory_kib);
        json_put(all, "server", server);
    }
    printf("%.*s\n", PRINT(json_print(ctx, all)));
}

static void print_text(const struct bench_wish *wish, const struct bench_result *result,
                       const struct bench_process *before, const struct bench_process *after)
{
    printf("%s at %s:%d, MQTT %s, %d at a time\n", wish->provisions ? "provision" : "connect", wish->host, wish->port,
           wish->mqtt == 5 ? "5" : "3.1.1", wish->connections);
    printf("  rate     %zu in %.2f s, %.0f/s\n", result->succeeded, seconds(result),
           (double)result->succeeded / seconds(result));
    printf("  latency ");
    for (size_t i = 0; i < PERCENTILES; i++)
        printf(" %s %.1f ms ", percentiles[i].name, (double)at(result, percentiles[i].of_1000) / 1000.0);
    printf("\n  errors   %s\n", result->fault_count == 0 ? "none" : "");
    for (size_t i = 0; i < result->fault_count; i++)
        printf("    %zu x %s\n", result->faults[i].count, result->faults[i].text);
    if (before != NULL)
        printf("  server   %" PRId64 " us of CPU for each, %.1f MiB of memory (before: %.1f)\n",
               cpu_each_us(result, before, after), (double)after->memory_kib / 1024.0,
               (double)before->memory_kib / 1024.0);
}

void bench_report(const struct bench_wish *wish, struct bench_result *result, const struct bench_process *before,
                  const struct bench_process *after)
{
    if (result->succeeded > 0)
        qsort(result->latencies_us, result->succeeded, sizeof(*result->latencies_us), by_size);
    (wish->as_json ? print_json : print_text)(wish, result, before, after);
}
