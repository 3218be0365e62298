/* thing_principal.c - AttachThingPrincipal, DetachThingPrincipal, ListPrincipalThings and its second version
   (x509.md 2.3, 4.13). The rows are the registry's; that a principal is one is known here. */
#include "certificate/inner.h"

static FALLIBLE check_principal(struct call *call, const char *principal)
{
    enum target_kind kind = TARGET_CERTIFICATE;
    const char *name;
    return certificate_check_target(call, "principal", principal, false, &kind, &name);
}

static FALLIBLE attach(struct call *call)
{
    const char *principal = call_string(call, "principal"), *type = call_string(call, "thingPrincipalType");
    TRY(check_principal(call, principal));
    TRY(registry_attach_principal(call, principal, call_string(call, "thingName"),
                                  type != NULL && strcmp(type, "EXCLUSIVE_THING") == 0));
    return answer(call);
}

/* A pair that is not attached, or of which an end does not exist, is detached already. */
static FALLIBLE detach(struct call *call)
{
    enum target_kind kind = TARGET_CERTIFICATE;
    const char *principal = call_string(call, "principal"), *name;
    TRY(certificate_parse_target(call, "principal", principal, false, &kind, &name));
    TRY(registry_detach_principal(call, principal, call_string(call, "thingName")));
    return answer(call);
}

static FALLIBLE list_things(struct call *call)
{
    const char *principal = call_string(call, "principal");
    TRY(check_principal(call, principal));
    return registry_list_principal_things(call, principal, false);
}

static FALLIBLE list_things_with_types(struct call *call)
{
    const char *principal = call_string(call, "principal");
    TRY(check_principal(call, principal));
    return registry_list_principal_things(call, principal, true);
}

const struct operation certificate_op_attach_principal = { "iot", "AttachThingPrincipal", STEPS({ APPLY, attach }) };
const struct operation certificate_op_detach_principal = { "iot", "DetachThingPrincipal", STEPS({ APPLY, detach }) };
const struct operation certificate_op_list_principal_things = { "iot", "ListPrincipalThings",
                                                                STEPS({ READ, list_things }) };
const struct operation certificate_op_list_principal_things_v2 = { "iot", "ListPrincipalThingsV2",
                                                                   STEPS({ READ, list_things_with_types }) };
