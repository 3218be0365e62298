/* jit.h - what registration and provisioning just in time share. */
#pragma once
#include "provisioning/inner.h"

struct jit {
    struct jit_options options;
    struct scope scope;
    struct jit_numbers numbers; /* atomic */
};
#define JIT_COUNT(jit, member) __atomic_fetch_add(&(jit)->numbers.member, 1, __ATOMIC_RELAXED)

/* One device at the door; a tree of its own until it has been told. */
struct jit_visit {
    struct jit *jit;
    const char *account, *region, *source_ip;
    slice *chain;
    size_t chain_count;
    slice client_id;
    struct loop *home;
    void (*done)(void *arg, const error *refused);
    void *arg;
    /* found out on the way */
    struct pki_certificate_info *leaf;
    struct ca_list candidates;
    const char *ca_id, *mode;
    int64_t created;                 /* of a certificate that waits already; 0: it is new */
    bool look_again;                 /* it is not the stranger any more that the gateway saw */
    bool is_provisioned_by_template; /* its CA has a registrationConfig */
};

/* jitp.c: on the visit's loop. Takes the visit over; `held`: who waits at the door is told afterwards. */
void jitp_begin(struct jit_visit *visit, bool held);
/* jit.c: tells, unless it has been told, and frees. */
void jit_visit_end(struct jit_visit *visit, const error *refused);
error *jit_is_pending(void *ctx, const struct jit_visit *visit, const char *because);
