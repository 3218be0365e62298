/* generations.h - is what was read still true? Counters that committed changes move.

   Whoever reads something to keep it takes its generation before the read. It holds as long as the generation is the
   same; nothing has to be searched for and dropped. Changes that name a certificate move the counter of that
   certificate; others (a policy's text, a thing's attributes, a group) that of their account. Counters are shared by
   what hashes alike, so a strange change may make a cached thing be read again, never the other way round. Any thread. */
#pragma once
#include "store/store.h"

struct generations;

struct generation {
    uint64_t of_certificate, of_account;
};

struct generations *generations_new(void *ctx);
/* `account` may be NULL: not known yet, so any account's changes count. */
struct generation generation_of_principal(const struct generations *generations, const char *account,
                                          const char *certificate_id);
/* Of users, roles, keys and their policies. */
struct generation generation_of_keys(const struct generations *generations);
bool generation_same(struct generation a, struct generation b);
void generations_move(struct generations *generations, const struct change *changes, size_t count);
