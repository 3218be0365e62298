/* attributes.c - what policies may ask about a certificate (broker.md 4.11). */
#include "pki/internal.h"
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

static const struct {
    int nid;
    const char *name;
} name_parts[] = {
    { NID_dnQualifier, "DistinguishedNameQualifier" },
    { NID_countryName, "Country" },
    { NID_organizationName, "Organization" },
    { NID_organizationalUnitName, "OrganizationalUnit" },
    { NID_stateOrProvinceName, "State" },
    { NID_commonName, "CommonName" },
    { NID_serialNumber, "SerialNumber" },
    { NID_title, "Title" },
    { NID_surname, "Surname" },
    { NID_givenName, "GivenName" },
    { NID_initials, "Initials" },
    { NID_pseudonym, "Pseudonym" },
    { NID_generationQualifier, "GenerationQualifier" },
};

struct list {
    struct pki_certificate_info *info;
    struct pki_attribute *attributes;
    const char *of; /* "Subject", "Issuer" */
};

static struct pki_attribute *attribute_of(struct list *list, const char *name)
{
    struct pki_certificate_info *info = list->info;
    for (size_t i = 0; i < info->attribute_count; i++) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a count above 0 has its array */
        if (strcmp(list->attributes[i].name, name) == 0)
            return &list->attributes[i];
    }
    struct pki_attribute *added = ARRAY_ADD(info, list->attributes, info->attribute_count);
    added->name = text_copy(info, name);
    return added;
}

static void add(struct list *list, const char *name, slice value)
{
    if (value.at == NULL || memchr(value.at, '\0', value.length) != NULL)
        return;
    struct pki_attribute *attribute = attribute_of(list, name);
    *ARRAY_ADD(list->info, attribute->values, attribute->value_count) = slice_text(list->info, value);
}

/* Text of any string type, as UTF-8; {NULL, 0} when it is not what its type says. */
static slice utf8_of(void *ctx, const ASN1_STRING *text)
{
    unsigned char *utf8 = NULL;
    int length = ASN1_STRING_to_UTF8(&utf8, text);
    if (length < 0)
        return (slice){ NULL, 0 };
    slice value = slice_copy(ctx, slice_bytes(utf8, (size_t)length));
    OPENSSL_free(utf8);
    return value.at != NULL && text_is_utf8(value) ? value : (slice){ NULL, 0 };
}

static void add_name(struct list *list, const X509_NAME *name)
{
    SCRATCH work = talloc_new(NULL);
    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
        for (size_t part = 0; part < sizeof(name_parts) / sizeof(name_parts[0]); part++)
            if (name_parts[part].nid == nid)
                add(list, text_format(work, "%s.%s", list->of, name_parts[part].name),
                    utf8_of(work, X509_NAME_ENTRY_get_data(entry)));
    }
}

static slice address_text(void *ctx, const ASN1_OCTET_STRING *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    int length = ASN1_STRING_length(address);
    if (length != 4 && length != 16)
        return (slice){ NULL, 0 };
    inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text, sizeof(text));
    return slice_of(text_copy(ctx, text));
}

static slice directory_text(void *ctx, const X509_NAME *name)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *text;
    slice value = { NULL, 0 };
    if (X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
        long length = BIO_get_mem_data(out, &text);
        value = slice_copy(ctx, slice_bytes(text, (size_t)length));
    }
    BIO_free(out);
    return value;
}

/* The name of a kind of alternative name, and its value as text. */
static const char *alternative(void *ctx, const GENERAL_NAME *name, slice *value)
{
    int kind;
    const void *data = GENERAL_NAME_get0_value(name, &kind);
    switch (kind) {
    case GEN_EMAIL:
        *value = utf8_of(ctx, data);
        return "RFC822Name";
    case GEN_DNS:
        *value = utf8_of(ctx, data);
        return "DNSName";
    case GEN_URI:
        *value = utf8_of(ctx, data);
        return "UniformResourceIdentifier";
    case GEN_IPADD:
        *value = address_text(ctx, data);
        return "IPAddress";
    case GEN_DIRNAME:
        *value = directory_text(ctx, data);
        return "DirectoryName";
    default:
        return NULL;
    }
}

static void add_alternatives(struct list *list, const X509 *certificate, int extension)
{
    SCRATCH work = talloc_new(NULL);
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, extension, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        slice value = { NULL, 0 };
        const char *kind = alternative(work, sk_GENERAL_NAME_value(names, i), &value);
        if (kind != NULL)
            add(list, text_format(work, "%s.AlternativeName.%s", list->of, kind), value);
    }
    GENERAL_NAMES_free(names);
}

void read_attributes(X509 *certificate, struct pki_certificate_info *info)
{
    struct list list = { .info = info, .of = "Subject" };
    add(&list, "SerialNumber", slice_of(info->serial));
    add_name(&list, X509_get_subject_name(certificate));
    add_alternatives(&list, certificate, NID_subject_alt_name);
    list.of = "Issuer";
    add_name(&list, X509_get_issuer_name(certificate));
    add_alternatives(&list, certificate, NID_issuer_alt_name);
    info->attributes = list.attributes;
}
