/* context.c - looking keys up. */
#include "policy/policy.h"

void policy_values_one(struct policy_values *out, slice value)
{
    out->one = value;
    out->values = &out->one;
    out->count = 1;
}

static bool same_name(slice a, slice b)
{
    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++) {
        unsigned char x = (unsigned char)a.at[i], y = (unsigned char)b.at[i];
        bool letters = (x | 0x20) >= 'a' && (x | 0x20) <= 'z';
        if (x != y && !(letters && (x ^ y) == 0x20))
            return false;
    }
    return true;
}

static bool find_here(const struct policy_context *context, slice key, struct policy_values *out)
{
    for (size_t i = 0; i < context->count; i++) {
        if (same_name(context->keys[i].name, key)) {
            out->values = context->keys[i].values;
            out->count = context->keys[i].count;
            return true;
        }
    }
    *out = (struct policy_values){ .count = 0 };
    return context->find != NULL && context->find(context->arg, key, out);
}

bool policy_find(const struct policy_context *context, slice key, struct policy_values *out)
{
    for (; context != NULL; context = context->parent)
        if (find_here(context, key, out))
            return true;
    return false;
}

bool policy_certificate_value_ok(slice value)
{
    for (size_t i = 0; i < value.length; i++)
        if (memchr("*$+?#", value.at[i], 5) != NULL)
            return false;
    return text_is_utf8(value) && text_utf8_length(value) <= POLICY_CERTIFICATE_VALUE_MAX;
}
