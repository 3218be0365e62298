/* house.h - the services over a store of the test's own, in which every change is applied twice; asked as an operator
   asks the API, and as a device asks over MQTT.

       struct house *house = house_new();
       struct outcome made = operator_asks(house, "CreateThing", "{\"thingName\":\"lamp-7\"}");
       struct outcome told = device_asks(house, claim, KEYS, "{}");
       house_free(house);

   Two requests that meet: house_hold stops the writer; what is begun meanwhile has read what was before, and is written
   in the order in which it was begun, after house_let_go. */
#pragma once
#include "provisioning/inner.h"
#include "table.h"
#include <ftw.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

#define ACCOUNT "000000000001"
#define REGION  "us-east-1"
#define ROLE    "arn:aws:iam::" ACCOUNT ":role/MusterProvisioning"

struct house {
    char folder[64];
    struct store *store;
    struct workers *workers;
    struct pki_rsa_pool *keys;
    struct door *door;
    struct master_key *master_key;
    struct store_job holding;
    sem_t held, let_go, written;
    bool holds;
};

static inline void must(error *e)
{
    if (e != NULL)
        fail_msg("%s: %s", e->name, error_chain(e, e));
}

static inline FALLIBLE make_account(struct tx *tx, void *arg)
{
    struct house *house = arg;
    struct account_made made;
    return account_create(tx, tx_ctx(tx), house->master_key, ACCOUNT, REGION, true, clock_now_ms(), &made);
}

static inline void open_issuer(struct house *house)
{
    struct pki_authority_wish wish = { .common_name = "test issuing CA",
                                       .key = PKI_P256,
                                       .reach = PKI_SIGNS_LEAVES,
                                       .now_s = clock_now_s(),
                                       .years = 10 };
    struct pki_credentials *made;
    struct pki_issuer *issuer;
    must(pki_make_authority(house, &wish, NULL, &made));
    must(pki_issuer_new(house, slice_of(made->certificate_pem), slice_of(made->private_pem), &issuer));
    door_put(house->door, CERTIFICATE_ISSUER, issuer);
}

static inline void open_door(struct house *house)
{
    static const char *const regions[] = { REGION };
    static const struct operation *const *const tables[] = {
        account_operations,     registry_operations,           registry_group_operations,
        certificate_operations, certificate_policy_operations, provisioning_operations
    };
    struct door_options options = { .store = house->store,
                                    .workers = house->workers,
                                    .master_key = house->master_key,
                                    .regions = regions,
                                    .region_count = 1,
                                    .enforce_iam = true };
    must(door_new(house, &options, &house->door));
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
        must(door_add(house->door, tables[i]));
    door_put(house->door, CERTIFICATE_KEYS, house->keys);
}

static inline struct house *house_new(void)
{
    static uint8_t key[MASTER_KEY_BYTES] = { 1, 2, 3 };
    struct house *house = MAKE(NULL, struct house);
    log_configure(LOG_ERROR, false);
    pki_start();
    snprintf(house->folder, sizeof(house->folder), "/tmp/muster-house-XXXXXX");
    assert_non_null(mkdtemp(house->folder));
    struct store_options options = { .folder = house->folder, .readers = 4, .test_rerun = true };
    house->master_key = master_key_new(house, key);
    must(store_open(house, &options, &house->store));
    must(store_apply(house->store, house, make_account, house));
    house->workers = workers_new(house, "worker", 4, 1000, 0);
    house->keys = pki_pool_new(house, 1, 1);
    sem_init(&house->held, 0, 0);
    sem_init(&house->let_go, 0, 0);
    sem_init(&house->written, 0, 0);
    open_door(house);
    open_issuer(house);
    return house;
}

static inline int remove_entry(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

static inline void house_free(struct house *house)
{
    pki_pool_stop(house->keys);
    workers_stop(house->workers);
    store_close(house->store);
    nftw(house->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    sem_destroy(&house->held);
    sem_destroy(&house->let_go);
    sem_destroy(&house->written);
    talloc_free(house);
}

/* ---- asking ---- */

struct outcome {
    void *ctx;
    const char *error, *message; /* NULL: it went well */
    json *output;
};

struct asked {
    struct outcome outcome;
    struct caller caller;
    sem_t done;
};

static inline void asked_is_done(struct call *call)
{
    struct asked *asked = call->owner;
    if (call->error != NULL) {
        asked->outcome.error = text_copy(asked, call->error->name);
        asked->outcome.message = text_copy(asked, call->error->message);
    }
    must(json_parse(asked, json_print(call, call->output), 32, &asked->outcome.output));
    talloc_free(call);
    sem_post(&asked->done);
}

static inline struct asked *begin(struct call *call, const char *principal)
{
    struct asked *asked = MAKE(NULL, struct asked);
    sem_init(&asked->done, 0, 0);
    asked->outcome.ctx = asked;
    asked->caller = (struct caller){ .kind = principal ? CALLER_DEVICE : CALLER_SERVICE,
                                     .account = ACCOUNT,
                                     .arn = "arn:aws:iam::" ACCOUNT ":user/ada",
                                     .type = "User",
                                     .principal = principal,
                                     .client_id = "lamp-7" };
    call->caller = &asked->caller;
    call->account = ACCOUNT;
    call->region = REGION;
    call->owner = asked;
    call->done = asked_is_done;
    operation_run(call);
    return asked;
}

static inline struct outcome end(struct asked *asked)
{
    sem_wait(&asked->done);
    sem_destroy(&asked->done);
    return asked->outcome;
}

static inline struct asked *operator_begins(struct house *house, const char *operation, const char *input)
{
    struct call *call = call_new(house->door, "iot", operation);
    json *given;
    must(json_parse(call, slice_of(input), 32, &given));
    json_object_object_foreach (given, name, value)
        json_put(call->input, name, json_object_get(value));
    return begin(call, NULL);
}

static inline struct outcome operator_asks(struct house *house, const char *operation, const char *input)
{
    return end(operator_begins(house, operation, input));
}

static inline struct asked *device_begins(struct house *house, const char *principal, const char *topic,
                                          const char *payload)
{
    struct mqtt_route route;
    assert_true(door_route_topic(house->door, slice_of(topic), &route));
    return begin(door_bind_topic(house->door, &route, slice_of(payload)), principal);
}

static inline struct outcome device_asks(struct house *house, const char *principal, const char *topic,
                                         const char *payload)
{
    return end(device_begins(house, principal, topic, payload));
}

static inline struct outcome house_sweep(struct house *house)
{
    return end(begin(call_new_internal(house->door, &provisioning_sweep, ACCOUNT, REGION), NULL));
}

static inline const char *text_of(struct outcome outcome, const char *member)
{
    if (outcome.error != NULL)
        fail_msg("%s: %s", outcome.error, outcome.message);
    return json_get_text(outcome.output, member);
}

/* ---- what stands in the store ---- */

struct counting {
    const char *sql;
    int64_t count;
};

static inline FALLIBLE count_rows(struct tx *tx, void *arg)
{
    struct counting *counting = arg;
    struct row *row;
    TRY(store_find(tx, tx_ctx(tx), &row, counting->sql, NO_ARGS));
    counting->count = row_integer(row, 0);
    return NULL;
}

/* `sql` must be a literal. */
static inline int64_t house_counts(struct house *house, const char *sql)
{
    struct counting counting = { .sql = sql };
    must(store_read(house->store, house, count_rows, &counting));
    return counting.count;
}

/* ---- the writer held ---- */

static inline FALLIBLE hold_writer(struct tx *tx, struct store_job *job)
{
    struct house *house = (struct house *)((char *)job - offsetof(struct house, holding));
    (void)tx;
    if (house->holds) {
        house->holds = false; /* the second time it goes through */
        sem_post(&house->held);
        sem_wait(&house->let_go);
    }
    return NULL;
}

static inline void hold_is_over(struct store_job *job)
{
    sem_post(&((struct house *)((char *)job - offsetof(struct house, holding)))->written);
}

static inline void house_hold(struct house *house)
{
    house->holding = (struct store_job){ .ctx = house, .apply = hold_writer, .done = hold_is_over };
    house->holds = true;
    assert_true(store_submit(house->store, &house->holding));
    sem_wait(&house->held);
}

/* Until so many changes wait for the writer. */
static inline void house_await(struct house *house, size_t waiting)
{
    struct store_numbers numbers;
    for (int i = 0; i < 100000; i++) {
        store_count(house->store, &numbers);
        if (numbers.waiting >= waiting)
            return;
        usleep(100);
    }
    fail_msg("%zu changes wait, not %zu", numbers.waiting, waiting);
}

static inline void house_let_go(struct house *house)
{
    sem_post(&house->let_go);
    sem_wait(&house->written);
}
