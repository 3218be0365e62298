/* syntax.c - the words of the template language, and finding one's way in a parsed template. */
#include "template/syntax.h"

const char *const property_names[PROPERTIES] = {
    [THING_NAME] = "ThingName",
    [ATTRIBUTE_PAYLOAD] = "AttributePayload",
    [THING_TYPE_NAME] = "ThingTypeName",
    [THING_GROUPS] = "ThingGroups",
    [BILLING_GROUP] = "BillingGroup",
    [CERTIFICATE_ID] = "CertificateId",
    [CERTIFICATE_CSR] = "CertificateSigningRequest",
    [CERTIFICATE_PEM] = "CertificatePem",
    [CA_CERTIFICATE_PEM] = "CACertificatePem",
    [CERTIFICATE_STATUS] = "Status",
    [THING_PRINCIPAL_TYPE] = "ThingPrincipalType",
    [POLICY_NAME] = "PolicyName",
    [POLICY_DOCUMENT] = "PolicyDocument",
};

/* AWS's console and examples write Status as "Active" (provisioning 4.1). */
static const struct choice choices[] = {
    { CERTIFICATE_STATUS, true, { "ACTIVE", "INACTIVE" } },
    { THING_PRINCIPAL_TYPE, false, { "NON_EXCLUSIVE_THING", "EXCLUSIVE_THING" } },
};

/* What JITP takes from a certificate and its subject: no other names may be declared or referenced (x509 3.6). */
static const char *const jitp_parameters[] = {
    TEMPLATE_CERTIFICATE_ID,
    "AWS::IoT::Certificate::Country",
    "AWS::IoT::Certificate::Organization",
    "AWS::IoT::Certificate::OrganizationalUnit",
    "AWS::IoT::Certificate::DistinguishedNameQualifier",
    "AWS::IoT::Certificate::StateName",
    "AWS::IoT::Certificate::CommonName",
    "AWS::IoT::Certificate::SerialNumber",
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

const struct choice *choice_of(enum property property)
{
    for (size_t i = 0; i < LENGTH(choices); i++)
        if (choices[i].property == property)
            return &choices[i];
    return NULL;
}

int choice_index(const struct choice *choice, slice text)
{
    for (size_t i = 0; i < LENGTH(choice->values); i++)
        if (choice->any_case ? slice_is_nocase(text, choice->values[i]) : slice_is(text, choice->values[i]))
            return (int)i;
    return -1;
}

const struct declaration *declaration_find(const struct template *template, slice name)
{
    for (size_t i = 0; i < template->parameter_count; i++)
        if (slice_equal(template->parameters[i].name, name))
            return &template->parameters[i];
    return NULL;
}

static bool key_fits(slice key, slice wanted)
{
    return wanted.at == NULL || slice_equal(key, wanted);
}

const struct mapping *mapping_find(const struct template *template, slice map, slice first, slice second)
{
    for (size_t i = 0; i < template->mapping_count; i++) {
        const struct mapping *row = &template->mappings[i];
        if (key_fits(row->map, map) && key_fits(row->first, first) && key_fits(row->second, second))
            return row;
    }
    return NULL;
}

bool parameter_is_reserved(slice name)
{
    return slice_starts(name, "AWS::");
}

bool parameter_is_known(enum template_kind kind, slice name)
{
    if (kind != TEMPLATE_JITP)
        return true;
    for (size_t i = 0; i < LENGTH(jitp_parameters); i++)
        if (slice_is(name, jitp_parameters[i]))
            return true;
    return false;
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

slice shown(slice text)
{
    enum { LIMIT = 64 };
    if (text.length <= LIMIT)
        return text;
    size_t length = LIMIT;
    while (length > 0 && is_continuation(text.at[length]))
        length--;
    return (slice){ text.at, length };
}

error *template_refused(void *ctx, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *reason = talloc_vasprintf(ctx, format, arguments);
    va_end(arguments);
    return error_new(ctx, "InvalidRequestException", "Invalid registration template. %s", reason);
}
