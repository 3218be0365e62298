/* A call's way through its steps: order, places, what a failure leaves, what a rerun leaves, what the client hears. */
#include "fixture.h"
#include "base/loop.h"
#include <ftw.h>
#include <pthread.h>
#include <unistd.h>

/* ---- what the steps do, written down ---- */

static struct house {
    void *ctx;
    char folder[64];
    struct store *store;
    struct workers *workers;
    struct door *door;
    struct loop *home;
    struct call *parked;
    uv_sem_t parking;
    char trace[1024]; /* written by whoever has the call */
} house;

/* One call at a time. */
struct outcome {
    uv_sem_t over;
    bool ran_home;
    const char *error, *message;
    char output[256];
    char trace[1024];
};

static pthread_mutex_t trace_mutex = PTHREAD_MUTEX_INITIALIZER; /* where several calls are on their way */

static void note(const char *text)
{
    pthread_mutex_lock(&trace_mutex);
    size_t length = strlen(house.trace);
    snprintf(house.trace + length, sizeof(house.trace) - length, "%s%s", length ? " " : "", text);
    pthread_mutex_unlock(&trace_mutex);
}

static FALLIBLE read_step(struct call *call)
{
    note(call->tx ? "read" : "read-without-tx");
    return NULL;
}

static FALLIBLE work_step(struct call *call)
{
    note(call->tx ? "work-with-tx" : "work");
    call->kept = text_copy(call, "kept");
    return answer(call, string("made", "in work"));
}

static FALLIBLE apply_step(struct call *call)
{
    note(call->tx ? "apply" : "apply-without-tx");
    call_effect(call, EFFECT_DISCONNECT, "e1");
    call_effect(call, EFFECT_DISCONNECT, "e2");
    TRY(call_change(call, "thing", "pump", "CREATED", NULL));
    return answer(call, string("kept", call->kept), integer("n", 1));
}

static FALLIBLE second_apply(struct call *call)
{
    note("apply2");
    call_effect(call, EFFECT_DISCONNECT, "e3");
    return answer(call, integer("n", 2));
}

static FALLIBLE failing_read(struct call *call)
{
    note("read");
    return error_new(call, "ResourceNotFoundException", "Thing a cannot be found.");
}

static FALLIBLE failing_apply(struct call *call)
{
    note("apply");
    call_effect(call, EFFECT_DISCONNECT, "never");
    TRY(answer(call, string("never", "told")));
    return error_new(call, "ResourceNotFoundException", "Thing b cannot be found.");
}

static FALLIBLE broken_work(struct call *call)
{
    note("work");
    return error_new(call, "StoreUnavailable", "SELECT secret FROM everything");
}

/* Resumed by the test, from its own thread. */
static FALLIBLE wait_step(struct call *call)
{
    note("wait");
    house.parked = call;
    uv_sem_post(&house.parking);
    return NULL;
}

static FALLIBLE wait_over_at_once(struct call *call)
{
    note("wait");
    call_resume(call, NULL);
    return NULL;
}

static FALLIBLE failing_wait(struct call *call)
{
    note("wait");
    return error_new(call, "ThrottlingException", "Too many wait already.");
}

static const struct operation all_four = {
    "iot", "CreateThing", STEPS({ READ, read_step }, { WORK, work_step }, { WAIT, wait_step }, { APPLY, apply_step })
};
static const struct operation only_apply = { "iot", "CreateThingType", STEPS({ APPLY, apply_step }) };
static const struct operation only_read = { "iot", "DescribeThing", STEPS({ READ, read_step }, { WORK, work_step }) };
static const struct operation bad_read = { "iot", "DescribeThingType",
                                           STEPS({ READ, failing_read }, { APPLY, apply_step }) };
static const struct operation bad_apply = { "iot", "DeleteThing",
                                            STEPS({ WORK, work_step }, { APPLY, failing_apply }) };
static const struct operation bad_work = { "iot", "UpdateThing", STEPS({ WORK, broken_work }) };
static const struct operation bad_wait = { "iot", "DeprecateThingType",
                                           STEPS({ WAIT, failing_wait }, { APPLY, apply_step }) };
static const struct operation quick_wait = { "iot", "UpdateThingGroup",
                                             STEPS({ WAIT, wait_over_at_once }, { APPLY, apply_step }) };
static const struct operation last_wait = { "iot", "DescribeThingGroup", STEPS({ WAIT, wait_over_at_once }) };
static const struct operation two_applies = {
    "iot", "CreateThingGroup", STEPS({ APPLY, apply_step }, { WORK, work_step }, { APPLY, second_apply })
};
static const struct operation late_failure = { "iot", "DeleteThingGroup",
                                               STEPS({ APPLY, apply_step }, { APPLY, failing_apply }) };
static const struct operation over_mqtt = { "mqtt", "RegisterThing", STEPS({ WORK, failing_read }) };
static const struct operation over_mqtt_broken = { "mqtt", "CreateKeysAndCertificate", STEPS({ WORK, broken_work }) };
static const struct operation *const operations[] = { &all_four,         &only_apply,  &only_read,    &bad_read,
                                                      &bad_apply,        &bad_work,    &bad_wait,     &quick_wait,
                                                      &last_wait,        &two_applies, &late_failure, &over_mqtt,
                                                      &over_mqtt_broken, NULL };

/* ---- the house ---- */

static void sink(void *arg, const char *account, const char *region, enum effect_kind kind, const char *key,
                 slice payload)
{
    assert_null(payload.at);
    assert_ptr_equal(arg, &house);
    assert_string_equal(account, "000000000001");
    assert_string_equal(region, "us-east-1");
    assert_int_equal(kind, EFFECT_DISCONNECT);
    note(key);
}

static void open_house(bool rerun, size_t worker_queue)
{
    memset(&house, 0, sizeof(house));
    house.ctx = talloc_new(NULL);
    log_configure(LOG_ERROR + 1, false);
    snprintf(house.folder, sizeof(house.folder), "/tmp/muster-step-XXXXXX");
    assert_non_null(mkdtemp(house.folder));
    struct store_options options = { .folder = house.folder, .readers = 1, .queue_limit = 1, .test_rerun = rerun };
    error *e = store_open(house.ctx, &options, &house.store);
    if (e != NULL)
        fail_msg("%s", e->message);
    house.workers = workers_new(house.ctx, "worker", 1, worker_queue, 0);
    house.door = door_of_tests(house.ctx, house.store, house.workers);
    assert_error(door_add(house.door, operations), NULL, NULL);
    door_on_effect(house.door, sink, &house);
    house.home = loop_new(house.ctx, "home", 0);
    loop_start(house.home);
    uv_sem_init(&house.parking, 0);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static void close_house(void)
{
    workers_stop(house.workers);
    store_close(house.store);
    loop_stop(house.home);
    loop_join(house.home);
    uv_sem_destroy(&house.parking);
    talloc_free(house.ctx);
    nftw(house.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void over(struct call *call)
{
    struct outcome *outcome = call->owner;
    outcome->ran_home = call->home == NULL || loop_is_here(call->home);
    outcome->error = call->error ? text_copy(NULL, call->error->name) : NULL;
    outcome->message = call->error ? text_copy(NULL, call->error->message) : NULL;
    snprintf(outcome->output, sizeof(outcome->output), "%s", json_print(call, call->output).at);
    note("done");
    pthread_mutex_lock(&trace_mutex);
    snprintf(outcome->trace, sizeof(outcome->trace), "%s", house.trace);
    pthread_mutex_unlock(&trace_mutex);
    talloc_free(call);
    uv_sem_post(&outcome->over);
}

static const struct caller service = { .kind = CALLER_SERVICE, .account = "000000000001" };

static struct call *call_for(const char *model, const char *operation, const char *input, struct outcome *outcome,
                             bool with_home)
{
    struct call *call = call_new(house.door, model, operation);
    memset(outcome, 0, sizeof(*outcome));
    uv_sem_init(&outcome->over, 0);
    pthread_mutex_lock(&trace_mutex);
    house.trace[0] = '\0';
    pthread_mutex_unlock(&trace_mutex);
    call->account = "000000000001";
    call->caller = &service;
    call->input = json_share(call, json_of(call, input));
    call->home = with_home ? house.home : NULL;
    call->owner = outcome;
    call->done = over;
    call->mapped = strcmp(model, "mqtt") == 0;
    return call;
}

static void end_outcome(struct outcome *outcome)
{
    uv_sem_destroy(&outcome->over);
    talloc_free((void *)(uintptr_t)outcome->error);
    talloc_free((void *)(uintptr_t)outcome->message);
}

/* ---- one call ---- */

#define THING "{\"thingName\":\"a\"}"
static const struct row {
    const char *name, *model, *operation, *input;
    bool rerun, parks, without_home;
    const char *resume_error; /* the WAIT's bad end */
    const char *trace, *output, *error, *message;
    uint64_t defects;
} rows[] = {
    { "READ, WORK, WAIT, APPLY, effects, done", "iot", "CreateThing", THING, false, true, false, NULL,
      "read work wait apply e1 e2 done", "{\"kept\":\"kept\",\"n\":1}", NULL, NULL, 0 },
    { "without a home loop", "iot", "CreateThing", THING, false, true, true, NULL, "read work wait apply e1 e2 done",
      "{\"kept\":\"kept\",\"n\":1}", NULL, NULL, 0 },
    { "an APPLY that runs twice answers and effects once", "iot", "CreateThing", THING, true, true, false, NULL,
      "read work wait apply apply e1 e2 done", "{\"kept\":\"kept\",\"n\":1}", NULL, NULL, 0 },
    { "only APPLY", "iot", "CreateThingType", "{\"thingTypeName\":\"t\"}", false, false, false, NULL,
      "apply e1 e2 done", "{\"n\":1}", NULL, NULL, 0 },
    { "no APPLY", "iot", "DescribeThing", THING, false, false, false, NULL, "read work done", "{\"made\":\"in work\"}",
      NULL, NULL, 0 },
    { "an invalid input runs no step", "iot", "CreateThing", "{\"thingName\":\"b d\"}", false, false, false, NULL,
      "done", "{}", "InvalidRequestException", NULL, 0 },
    { "a failed READ ends the call", "iot", "DescribeThingType", "{\"thingTypeName\":\"t\"}", false, false, false, NULL,
      "read done", "{}", "ResourceNotFoundException", "Thing a cannot be found.", 0 },
    { "a failed APPLY forgets its effects", "iot", "DeleteThing", THING, false, false, false, NULL, "work apply done",
      NULL, "ResourceNotFoundException", "Thing b cannot be found.", 0 },
    { "a failed WAIT", "iot", "DeprecateThingType", "{\"thingTypeName\":\"t\"}", false, false, false, NULL, "wait done",
      "{}", "ThrottlingException", "Too many wait already.", 0 },
    { "a WAIT that ends badly", "iot", "CreateThing", THING, false, true, false, "ThrottlingException",
      "read work wait done", NULL, "ThrottlingException", "no key", 0 },
    { "a WAIT resumed before it returns", "iot", "UpdateThingGroup",
      "{\"thingGroupName\":\"g\",\"thingGroupProperties\":{}}", false, false, false, NULL, "wait apply e1 e2 done",
      "{\"n\":1}", NULL, NULL, 0 },
    { "a WAIT at the end", "iot", "DescribeThingGroup", "{\"thingGroupName\":\"g\"}", false, false, false, NULL,
      "wait done", "{}", NULL, NULL, 0 },
    { "a step after the commit", "iot", "CreateThingGroup", "{\"thingGroupName\":\"g\"}", false, false, false, NULL,
      "apply work apply2 e1 e2 e3 done", "{\"n\":2}", NULL, NULL, 0 },
    { "what was committed keeps its effects", "iot", "DeleteThingGroup", "{\"thingGroupName\":\"g\"}", false, false,
      false, NULL, "apply apply e1 e2 done", NULL, "InternalFailureException", NULL, 1 },
    { "an error of no model is a defect, and hidden", "iot", "UpdateThing", THING, false, false, false, NULL,
      "work done", NULL, "InternalFailureException", "An internal error occurred.", 1 },
    { "no row", "iot", "CreateJob", "{}", false, false, false, NULL, "done", "{}", "NotImplementedException",
      "CreateJob is not implemented yet.", 0 },
    { "no operation", "iot", "CreateJobs", "{}", false, false, false, NULL, "done", "{}", "NotImplementedException",
      "CreateJobs is not implemented yet.", 0 },
    { "MQTT names an exception its own way", "mqtt", "RegisterThing", "{}", false, false, false, NULL, "read done",
      NULL, "ResourceNotFound", "Thing a cannot be found.", 0 },
    { "MQTT hides defects too", "mqtt", "CreateKeysAndCertificate", "{}", false, false, false, NULL, "work done", NULL,
      "InternalError", "An internal error occurred.", 1 },
};

static void resume(const struct row *row)
{
    uv_sem_wait(&house.parking);
    struct call *call = house.parked;
    call_resume(call, row->resume_error ? error_new(call, row->resume_error, "no key") : NULL);
}

static void runs(void **state)
{
    const struct row *row = *state;
    struct outcome outcome;
    open_house(row->rerun, 100);
    struct call *call = call_for(row->model, row->operation, row->input, &outcome, !row->without_home);
    operation_run(call);
    if (row->parks)
        resume(row);
    uv_sem_wait(&outcome.over);
    assert_string_equal(outcome.trace, row->trace);
    assert_true(outcome.ran_home);
    if (row->error != NULL)
        assert_string_equal(outcome.error ? outcome.error : "no error", row->error);
    else
        assert_string_equal(outcome.error ? outcome.message : "", "");
    if (row->message != NULL)
        assert_string_equal(outcome.message, row->message);
    if (row->output != NULL)
        assert_string_equal(outcome.output, row->output);
    assert_int_equal(door_defects(house.door), row->defects);
    end_outcome(&outcome);
    close_house();
}

/* ---- full queues ---- */

static const struct full {
    const char *name, *operation;
    size_t worker_queue;
    bool with_home;
} fulls[] = {
    { "no worker takes it", "CreateThingType", 0, true },
    { "no worker takes it, without a home", "CreateThingType", 0, false },
};

static void is_refused(void **state)
{
    const struct full *row = *state;
    struct outcome outcome;
    open_house(false, row->worker_queue);
    operation_run(call_for("iot", row->operation, "{\"thingTypeName\":\"t\"}", &outcome, row->with_home));
    uv_sem_wait(&outcome.over);
    assert_string_equal(outcome.error, "ServiceUnavailableException");
    assert_string_equal(outcome.trace, "done");
    end_outcome(&outcome);
    close_house();
}

/* The writer stalls and its queue holds one: of five calls some are refused, and every one is answered. */
static void writer_is_full(void **state)
{
    (void)state;
    struct outcome outcomes[5];
    size_t refused = 0;
    open_house(false, 100);
    store_stall_ms(house.store, 300);
    for (size_t i = 0; i < 5; i++)
        operation_run(call_for("iot", "CreateThingType", "{\"thingTypeName\":\"t\"}", &outcomes[i], true));
    for (size_t i = 0; i < 5; i++) {
        uv_sem_wait(&outcomes[i].over);
        if (outcomes[i].error != NULL)
            assert_string_equal(outcomes[i].error, "ServiceUnavailableException");
        refused += outcomes[i].error != NULL;
    }
    assert_in_range(refused, 1, 4);
    for (size_t i = 0; i < 5; i++)
        end_outcome(&outcomes[i]);
    close_house();
}

/* ---- counters ---- */

static void counts(void **state)
{
    (void)state;
    struct outcome outcome;
    struct door_numbers numbers[4];
    static const char *const inputs[] = { THING, THING, "{}" };
    open_house(false, 100);
    for (size_t i = 0; i < 3; i++) {
        operation_run(call_for("iot", "DescribeThing", inputs[i], &outcome, true));
        uv_sem_wait(&outcome.over);
        end_outcome(&outcome);
    }
    operation_run(call_for("iot", "UpdateThing", THING, &outcome, true));
    uv_sem_wait(&outcome.over);
    end_outcome(&outcome);
    assert_int_equal(door_count(house.door, numbers, 4), 2);
    assert_string_equal(numbers[0].operation, "iot.DescribeThing");
    assert_int_equal(numbers[0].count, 3);
    assert_int_equal(numbers[0].client_errors, 1);
    assert_int_equal(numbers[0].server_errors, 0);
    assert_string_equal(numbers[1].operation, "iot.UpdateThing");
    assert_int_equal(numbers[1].server_errors, 1);
    assert_int_equal(door_count(house.door, numbers, 1), 1);
    close_house();
}

static const struct once {
    const char *name;
} full_writer[] = { { "a full writer's queue answers ServiceUnavailableException" } },
  counters[] = { { "counts by outcome" } };

int main(void)
{
    return RUN_TABLES(TABLE(rows, runs), TABLE(fulls, is_refused), TABLE(full_writer, writer_is_full),
                      TABLE(counters, counts));
}
