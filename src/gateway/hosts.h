/* hosts.h - whose host name is this? An immutable map from the names of all accounts' endpoints to their accounts.

   The server's own domain, "localhost" and IP literals stand for the default account (x509.md 4.8). A map is made by
   any thread, then shared by the loops, each with a reference of its own. */
#pragma once
#include "gateway/gateway.h"

struct hosts;

/* One reference. `default_account` may be NULL: then the names of the server itself name no account. */
struct hosts *hosts_new(const char *domain, const char *default_account, const struct gateway_host *hosts,
                        size_t count);
struct hosts *hosts_share(struct hosts *hosts);
void hosts_drop(struct hosts *hosts); /* NULL is fine */

struct host_owner {
    const char *account; /* NULL: the server has no default account */
    bool is_credentials;
};
/* False: nobody's name. Any case of letters. */
bool hosts_find(const struct hosts *hosts, slice name, struct host_owner *out);
