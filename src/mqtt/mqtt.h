/* mqtt.h - the language: MQTT 3.1, 3.1.1 and 5, as a client and as a server speaks it.

   The room is pure: bytes in, structures out, and back. It knows no socket, clock or store, allocates nothing but
   errors and lists in the context it is given, and keeps no state but the subscription trie that its caller owns. Any
   thread may call anything; one trie belongs to whoever holds its lock.

   One PUBLISH, from the socket's bytes to the subscribers':

   mqtt_frame_take             frame.h: one packet off the front of what was received; too large is known at once
   mqtt_decode                 packet.h: the packet's fields, as slices into the frame; nothing is copied
       properties              properties.h: one table of what may stand where (version 5)
   mqtt_check_sender           packet.h: may this side send it?
   mqtt_check_topic_name       topic.h: wildcards, length and levels, by the listener's profile
   mqtt_trie_match             trie.h: who subscribed; filter.h says the same of one filter
   mqtt_write                  packet.h: for each of them, straight into the connection's output

   A fault is an error whose name stands in the table of reasons (reason.h): mqtt_reason_of gives the code that
   version 5 answers it with. Codes are version 5's everywhere; CONNACK and SUBACK of older versions are translated on
   the wire. */
#pragma once
#include "mqtt/filter.h"
#include "mqtt/frame.h"
#include "mqtt/packet.h"
#include "mqtt/properties.h"
#include "mqtt/reason.h"
#include "mqtt/topic.h"
#include "mqtt/trie.h"
