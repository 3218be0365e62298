/* hello.h - what a ClientHello asks for, before a certificate is chosen: the server's name and the protocols. Pure.

   The slices are extension bodies as OpenSSL hands them out (SSL_client_hello_get0_ext). */
#pragma once
#include "base/bytes.h"

/* In the order in which the server picks (x509.md 4.8). */
enum alpn { ALPN_NONE, ALPN_MQTT_CA, ALPN_HTTP_CA, ALPN_MQTT, ALPN_HTTP_1_1, ALPNS };
#define ALPN_BIT(alpn) (1u << (alpn))

const char *alpn_name(enum alpn alpn); /* "" for none */

enum hello_name { HELLO_UNNAMED, HELLO_NAMED, HELLO_BROKEN };

/* The one host name of a server_name extension (RFC 6066 3), without a trailing dot. */
enum hello_name hello_server_name(slice extension, slice *name);

/* The first protocol of our order that is both offered (RFC 7301 3.1) and in the set `taken` of ALPN_BITs; ALPN_NONE
   when there is none. False when the extension is broken. */
bool hello_protocol(slice extension, unsigned taken, enum alpn *pick);
