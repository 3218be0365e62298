/* fight.c - two devices with one client id take it from each other as fast as they reconnect. After five takeovers within
   ten seconds each newcomer waits a second before its turn: a delay, no refusal (broker.md 4.4). */
#include "broker/inner.h"

enum { ROUNDS = 5, WINDOW_MS = 10000 };

struct fight {
    int64_t since_ms;
    unsigned rounds;
    UT_hash_handle hh;
    char key[];
};

static struct fight *find(struct stripe *stripe, slice key)
{
    struct fight *fight;
    HASH_FIND(hh, stripe->fights, key.at, key.length, fight);
    return fight;
}

static bool is_over(const struct fight *fight, int64_t now_ms)
{
    return now_ms - fight->since_ms > WINDOW_MS;
}

bool fight_round(struct stripe *stripe, slice key, int64_t now_ms)
{
    struct fight *fight = find(stripe, key);
    if (fight == NULL) {
        fight = talloc_zero_size(NULL, sizeof(*fight) + key.length);
        if (fight == NULL)
            abort();
        memcpy(fight->key, key.at, key.length);
        fight->since_ms = now_ms;
        HASH_ADD_KEYPTR(hh, stripe->fights, fight->key, key.length, fight);
    } else if (is_over(fight, now_ms)) {
        fight->since_ms = now_ms;
        fight->rounds = 0;
    }
    return ++fight->rounds == ROUNDS;
}

bool fight_is_on(struct stripe *stripe, slice key, int64_t now_ms)
{
    const struct fight *fight = find(stripe, key);
    return fight != NULL && fight->rounds >= ROUNDS && !is_over(fight, now_ms);
}

void fights_forget(struct stripe *stripe, int64_t now_ms)
{
    struct fight *fight, *next;
    HASH_ITER (hh, stripe->fights, fight, next) {
        if (!is_over(fight, now_ms))
            continue;
        HASH_DEL(stripe->fights, fight);
        talloc_free(fight);
    }
}
