/* trie.h - who subscribed to what: all filters of an account, found by a topic name.

   A node stands for one level of a path; below it the next levels by their text, '+' and '#' apart:

       pumps ─┬─ p7 ── state      subscribers of "pumps/p7/state"
              ├─ +  ── state      of "pumps/+/state"
              └─ #                of "pumps/#"

   A match walks at most two ways a level, and only ways that somebody subscribed to. Subscribers are pointers that the
   caller owns: a key that tells who (a session, a group), and a value. The levels' names come from strangers: tables
   over them use a keyed hash, and a filter's path has at most MQTT_MAX_LEVELS levels, as mqtt_parse_filter holds.

   No thread owns a trie: its caller locks it. Matches may run side by side; insert and remove must be alone, and not
   inside a match. Nothing fails. */
#pragma once
#include "mqtt/topic.h"

struct mqtt_trie;

struct mqtt_trie *mqtt_trie_new(void *ctx, bool hash_takes_parent);

/* `path` is a filter's path, without its group; it is copied. Gives the value that stood there under the same key and
   is replaced now, or NULL. */
void *mqtt_trie_insert(struct mqtt_trie *trie, slice path, const void *key, void *value);

/* Gives the value that is removed, or NULL when there was none. */
void *mqtt_trie_remove(struct mqtt_trie *trie, slice path, const void *key);

/* Calls `found` once for each subscription that matches: more than once for a key whose filters overlap. */
typedef void mqtt_trie_found(void *value, void *arg);
void mqtt_trie_match(const struct mqtt_trie *trie, slice topic, mqtt_trie_found *found, void *arg);

size_t mqtt_trie_count(const struct mqtt_trie *trie);      /* subscriptions */
size_t mqtt_trie_node_count(const struct mqtt_trie *trie); /* levels of paths; 0 when there are no subscriptions */
