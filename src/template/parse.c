/* parse.c - a template's body becomes a struct template, or the reason why not (provisioning 4.1, 4.3). */
#include "template/expression.h"

enum { BODY_LIMIT = 10240, DEPTH_LIMIT = 32 }; /* characters; levels of JSON */

static FALLIBLE read_body(void *ctx, slice body, json **out)
{
    static const char text[] = "Invalid template body. The template must be a JSON object of at most 10240 characters.";
    bool fits = body.length <= 4 * BODY_LIMIT && text_is_utf8(body) && text_utf8_length(body) <= BODY_LIMIT;
    error *unread = fits ? json_parse(ctx, body, DEPTH_LIMIT, out) : NULL;
    if (unread != NULL)
        return error_because(ctx, unread, "InvalidRequestException", "%s", text);
    return fits && json_is_object(*out) ? NULL : error_new(ctx, "InvalidRequestException", "%s", text);
}

/* A section that may be missing; NULL then. */
static FALLIBLE section(struct compilation *c, const json *document, const char *name, json **out)
{
    *out = json_get(document, name);
    if (*out != NULL && !json_is_object(*out))
        return template_refused(c->ctx, "%s must be an object.", name);
    return NULL;
}

static FALLIBLE read_parameter(struct compilation *c, const char *name, json *value)
{
    struct template *template = c->template;
    slice shown_name = shown(slice_of(name));
    json *otherwise = json_get(value, "Default");

    if (!slice_is(json_text(json_get(value, "Type")), "String"))
        return template_refused(c->ctx, "The parameter %.*s must have the Type String.", PRINT(shown_name));
    if (otherwise != NULL && !json_is_text(otherwise))
        return template_refused(c->ctx, "The Default of the parameter %.*s must be a string.", PRINT(shown_name));
    if (!parameter_is_known(template->kind, slice_of(name)))
        return template_refused(c->ctx, "The parameter %.*s does not exist in just-in-time provisioning.",
                                PRINT(shown_name));

    struct declaration *declaration = &template->parameters[template->parameter_count++];
    declaration->name = slice_of(text_copy(template, name));
    if (otherwise != NULL)
        declaration->otherwise = (slice){ slice_text(template, json_text(otherwise)), json_text(otherwise).length };
    return NULL;
}

static FALLIBLE read_parameters(struct compilation *c, const json *document)
{
    json *parameters;
    TRY(section(c, document, "Parameters", &parameters));
    if (parameters == NULL)
        return NULL;
    c->template->parameters =
        MAKE_ARRAY(c->template, struct declaration, (size_t)json_object_object_length(parameters));
    json_object_object_foreach (parameters, key, value)
        TRY(read_parameter(c, key, value));
    return NULL;
}

static FALLIBLE read_mapping(struct compilation *c, struct mapping *out, json *value)
{
    c->place = (struct place){ out->second, out->first };
    TRY(expression_compile(c, value, TAKES_TEXT | TAKES_NUMBER | TAKES_BOOL | TAKES_LIST, &out->value));
    if (!expression_is_literal(&out->value))
        return template_refused(c->ctx, "Mappings cannot hold functions.");
    return NULL;
}

static FALLIBLE read_mappings_under(struct compilation *c, const char *map, const char *first, json *rows)
{
    struct template *template = c->template;
    if (!json_is_object(rows))
        return template_refused(c->ctx, "Mappings must be a map of maps of maps: %.*s is not.",
                                PRINT(shown(slice_of(first))));
    json_object_object_foreach (rows, key, value) {
        struct mapping *mapping = ARRAY_ADD(template, template->mappings, template->mapping_count);
        mapping->map = slice_of(text_copy(template, map));
        mapping->first = slice_of(text_copy(template, first));
        mapping->second = slice_of(text_copy(template, key));
        TRY(read_mapping(c, mapping, value));
    }
    return NULL;
}

static FALLIBLE read_mappings(struct compilation *c, const json *document)
{
    json *mappings;
    TRY(section(c, document, "Mappings", &mappings));
    if (mappings == NULL)
        return NULL;
    json_object_object_foreach (mappings, map, rows) {
        if (!json_is_object(rows))
            return template_refused(c->ctx, "Mappings must be a map of maps of maps: %.*s is not.",
                                    PRINT(shown(slice_of(map))));
        json_object_object_foreach (rows, first, values)
            TRY(read_mappings_under(c, map, first, values));
    }
    return NULL;
}

static FALLIBLE read_resources(struct compilation *c, const json *document)
{
    json *resources = json_get_object(document, "Resources");
    if (resources == NULL || json_object_object_length(resources) == 0)
        return template_refused(c->ctx, "Resources section is missing or empty.");
    c->resources = resources;
    return resources_compile(c, resources);
}

static FALLIBLE read_configuration(struct compilation *c, const json *document)
{
    struct template *template = c->template;
    json *configuration;
    TRY(section(c, document, "DeviceConfiguration", &configuration));
    if (configuration == NULL)
        return NULL;
    template->configuration = MAKE_ARRAY(template, struct expression, (size_t)json_object_object_length(configuration));
    json_object_object_foreach (configuration, key, value) {
        struct expression *entry = &template->configuration[template->configuration_count++];
        entry->key = slice_of(text_copy(template, key));
        c->place = (struct place){ entry->key, SLICE("DeviceConfiguration") };
        TRY(expression_compile(c, value, TAKES_TEXT | TAKES_NUMBER | TAKES_BOOL, entry));
    }
    return NULL;
}

static FALLIBLE read_template(struct compilation *c, const json *document)
{
    TRY(read_parameters(c, document)); /* before the functions that speak of them */
    TRY(read_mappings(c, document));
    TRY(read_resources(c, document));
    return read_configuration(c, document);
}

FALLIBLE template_parse(void *ctx, slice body, enum template_kind kind, struct template **out)
{
    SCRATCH scratch = talloc_new(NULL);
    json *document;
    error *refused = read_body(scratch, body, &document);
    struct template *template = MAKE(ctx, struct template);
    template->kind = kind;
    struct compilation c = { .ctx = scratch, .template = template };
    if (refused == NULL)
        refused = read_template(&c, document);
    if (refused != NULL) {
        talloc_free(template);
        return talloc_steal(ctx, refused);
    }
    *out = template;
    return NULL;
}
