/* errors.c - what an error is called in public: by its model, or by the table of what every operation may answer. */
#include "operation/door.h"

/* Inner kinds of authentication (auth 4.1) and what the door and gateway say themselves. JSON 1.1 has REST's names. */
static const struct common_error {
    const char *name;
    struct public_error rest;
    int json_status;
    struct public_error query;
} common_errors[] = {
    { "MissingAuthenticationToken",
      { "MissingAuthenticationTokenException", 403 },
      400,
      { "MissingAuthenticationToken", 403 } },
    { "IncompleteSignature", { "IncompleteSignatureException", 403 }, 400, { "IncompleteSignature", 400 } },
    { "InvalidClientToken", { "UnrecognizedClientException", 403 }, 400, { "InvalidClientTokenId", 403 } },
    { "ExpiredToken", { "ExpiredTokenException", 403 }, 400, { "ExpiredToken", 403 } },
    { "InvalidSignature", { "InvalidSignatureException", 403 }, 400, { "SignatureDoesNotMatch", 403 } },
    { "AccessDenied", { "AccessDeniedException", 403 }, 400, { "AccessDenied", 403 } },
    { "AccessDeniedException", { "AccessDeniedException", 403 }, 400, { "AccessDenied", 403 } },
    { "ThrottlingException", { "ThrottlingException", 400 }, 400, { "Throttling", 400 } },
    { "ServiceUnavailableException", { "ServiceUnavailableException", 503 }, 503, { "ServiceUnavailable", 503 } },
    { "InternalFailureException", { "InternalFailureException", 500 }, 500, { "InternalFailure", 500 } },
    { "NotImplementedException", { "NotImplementedException", 501 }, 501, { "NotImplementedException", 501 } },
    { "UnknownOperationException", { "UnknownOperationException", 404 }, 404, { "InvalidAction", 400 } },
    { "MissingAction", { "MissingAction", 400 }, 400, { "MissingAction", 400 } },
    { "SerializationException", { "SerializationException", 400 }, 400, { "ValidationError", 400 } },
    { "RequestEntityTooLargeException",
      { "RequestEntityTooLargeException", 413 },
      413,
      { "RequestEntityTooLarge", 413 } },
    { "ForbiddenException", { "ForbiddenException", 403 }, 400, { "AccessDenied", 403 } },
};

static const struct common_error *common_error_find(const char *name)
{
    for (size_t i = 0; i < sizeof(common_errors) / sizeof(common_errors[0]); i++)
        if (strcmp(common_errors[i].name, name) == 0)
            return &common_errors[i];
    return NULL;
}

static struct public_error in_protocol(const struct common_error *common, enum protocol protocol)
{
    if (protocol == PROTOCOL_QUERY)
        return common->query;
    return (struct public_error){ common->rest.name,
                                  protocol == PROTOCOL_JSON ? common->json_status : common->rest.status };
}

struct public_error error_public(const struct model *model, enum protocol protocol, const char *name)
{
    const struct shape *shape = model ? model_error_find(model, name) : NULL;
    if (shape != NULL)
        return (struct public_error){ shape->error_code, shape->error_status };
    if (model != NULL && strcmp(name, model->validation_error) == 0)
        return (struct public_error){ model->validation_error, 400 };
    const struct common_error *common = common_error_find(name);
    if (common != NULL && common->rest.status == 403 && model_is_data_plane(model)) /* auth 4.1, last row */
        common = common_error_find("ForbiddenException");
    return in_protocol(common ? common : common_error_find("InternalFailureException"), protocol);
}

bool error_is_expected(const struct model_operation *operation, const char *name)
{
    for (size_t i = 0; i < operation->error_count; i++)
        if (strcmp(operation->errors[i]->name, name) == 0 || strcmp(operation->errors[i]->error_code, name) == 0)
            return true;
    return strcmp(name, operation->model->validation_error) == 0 || common_error_find(name) != NULL;
}

const struct shape *error_of_mqtt(const struct model *model, const char *name)
{
    for (size_t i = 0; i < model->alias_count; i++)
        if (strcmp(model->aliases[i].name, name) == 0)
            return model_error_find(model, model->aliases[i].stands_for);
    return model_error_find(model, name);
}
