/* principal.c - references to who a device is. */
#include "broker/broker.h"

struct principal *principal_new(void)
{
    struct principal *principal = MAKE(NULL, struct principal);
    principal->references = 1;
    return principal;
}

struct principal *principal_share(struct principal *principal)
{
    __atomic_add_fetch(&principal->references, 1, __ATOMIC_RELAXED);
    return principal;
}

void principal_drop(struct principal *principal)
{
    if (principal != NULL && __atomic_sub_fetch(&principal->references, 1, __ATOMIC_ACQ_REL) == 0)
        talloc_free(principal);
}
