/* managed.h - the managed policies that every account finds ready made (auth 2.4). */
#pragma once
#include "base/bytes.h"

struct policy_managed {
    const char *arn;  /* arn:aws:iam::aws:policy/service-role/AWSIoTThingsRegistration */
    const char *path; /* "/" or "/service-role/" */
    const char *name;
    const char *id;               /* ANPA..., the same one everywhere */
    const char *version;          /* the default version's id, "v3"; the only one that can be read */
    int64_t created_s, updated_s; /* of the policy, and of that version */
    const char *document;
};

const struct policy_managed *policy_managed_find(slice arn); /* NULL: not one of them */
const struct policy_managed *policy_managed_all(size_t *count);
