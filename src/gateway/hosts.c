/* hosts.c - host names in order, found by halving. */
#include "gateway/hosts.h"
#include <arpa/inet.h>

enum { NAME_MAX_BYTES = 255 };

struct hosts {
    int references;
    const char *default_account;
    struct gateway_host *names; /* lower case, in order */
    size_t count;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct gateway_host *)a)->host, ((const struct gateway_host *)b)->host);
}

static void lower(char *text)
{
    for (; *text != '\0'; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
}

static struct gateway_host *add(struct hosts *hosts, const char *name, const char *account)
{
    struct gateway_host *added = &hosts->names[hosts->count++];
    char *copy = text_copy(hosts, name);
    lower(copy);
    *added = (struct gateway_host){ .host = copy, .account = account ? text_copy(hosts, account) : NULL };
    return added;
}

struct hosts *hosts_new(const char *domain, const char *default_account, const struct gateway_host *names, size_t count)
{
    struct hosts *hosts = MAKE(NULL, struct hosts);
    hosts->references = 1;
    hosts->default_account = default_account ? text_copy(hosts, default_account) : NULL;
    hosts->names = MAKE_ARRAY(hosts, struct gateway_host, count + 2);
    add(hosts, "localhost", default_account);
    if (domain != NULL && strcasecmp(domain, "localhost") != 0)
        add(hosts, domain, default_account);
    for (size_t i = 0; i < count; i++)
        add(hosts, names[i].host, names[i].account)->is_credentials = names[i].is_credentials;
    qsort(hosts->names, hosts->count, sizeof(hosts->names[0]), by_name);
    return hosts;
}

struct hosts *hosts_share(struct hosts *hosts)
{
    __atomic_add_fetch(&hosts->references, 1, __ATOMIC_RELAXED);
    return hosts;
}

void hosts_drop(struct hosts *hosts)
{
    if (hosts != NULL && __atomic_sub_fetch(&hosts->references, 1, __ATOMIC_ACQ_REL) == 0)
        talloc_free(hosts);
}

static bool is_address(const char *name)
{
    struct in6_addr address;
    return inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1;
}

bool hosts_find(const struct hosts *hosts, slice name, struct host_owner *out)
{
    char text[NAME_MAX_BYTES + 1];
    *out = (struct host_owner){ .account = NULL };
    if (name.length == 0 || name.length > NAME_MAX_BYTES)
        return false;
    memcpy(text, name.at, name.length);
    text[name.length] = '\0';
    lower(text);
    if (strlen(text) != name.length)
        return false;

    struct gateway_host wanted = { .host = text };
    const struct gateway_host *found = bsearch(&wanted, hosts->names, hosts->count, sizeof(wanted), by_name);
    if (found == NULL && !is_address(text))
        return false;
    out->account = found ? found->account : hosts->default_account;
    out->is_credentials = found != NULL && found->is_credentials;
    return true;
}
