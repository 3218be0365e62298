/* aws.c - muster aws [--dir DIR] [--account ID] ...: the user's own `aws`, with endpoint, CA, region and keys of the folder, so that no
   command can reach a real account by mistake. */
#include "cli/cli.h"
#include "base/memory.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char *const passed[] = { "AWS_ACCESS_KEY_ID",  "AWS_SECRET_ACCESS_KEY", "AWS_REGION",
                                      "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",      "AWS_CA_BUNDLE" };

/* What could lead the command elsewhere. */
static const char *const dropped[] = { "AWS_PROFILE",
                                       "AWS_DEFAULT_PROFILE",
                                       "AWS_SESSION_TOKEN",
                                       "AWS_SECURITY_TOKEN",
                                       "AWS_ROLE_ARN",
                                       "AWS_WEB_IDENTITY_TOKEN_FILE",
                                       "AWS_ENDPOINT_URL_IOT",
                                       "AWS_ENDPOINT_URL_STS",
                                       "HTTPS_PROXY",
                                       "https_proxy",
                                       "ALL_PROXY",
                                       "all_proxy" };

static const char *const refused[] = { "--endpoint-url", "--profile", "--ca-bundle", "--no-verify-ssl" };

static FALLIBLE check_arguments(void *ctx, int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        for (size_t k = 0; k < sizeof(refused) / sizeof(*refused); k++) {
            size_t length = strlen(refused[k]);
            if (strncmp(argv[i], refused[k], length) == 0 && (argv[i][length] == '\0' || argv[i][length] == '='))
                return error_new(ctx, "InvalidUsage",
                                 "%s is not taken here: this command always speaks to the folder's own server.",
                                 refused[k]);
        }
    return NULL;
}

static FALLIBLE set_variables(void *ctx, const char *path, const struct environment *environment)
{
    for (size_t i = 0; i < sizeof(dropped) / sizeof(*dropped); i++)
        unsetenv(dropped[i]);
    for (size_t i = 0; i < sizeof(passed) / sizeof(*passed); i++) {
        const char *value = cli_environment_get(environment, passed[i]);
        if (value == NULL)
            return error_new(ctx, "InvalidFolder", "%s does not set %s.", path, passed[i]);
        setenv(passed[i], value, 1);
    }
    setenv("AWS_CONFIG_FILE", "/dev/null", 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    setenv("AWS_PAGER", "", 0);
    return NULL;
}

static FALLIBLE run(void *ctx, const char *path, int argc, char **argv)
{
    struct environment *environment;
    TRY(check_arguments(ctx, argc, argv));
    TRY(cli_environment_read(ctx, path, &environment));
    TRY(set_variables(ctx, path, environment));

    const char **line = MAKE_ARRAY(ctx, const char *, (size_t)argc + 8);
    int count = 0;
    line[count++] = "aws";
    line[count++] = "--endpoint-url";
    line[count++] = cli_environment_get(environment, "AWS_ENDPOINT_URL");
    line[count++] = "--ca-bundle";
    line[count++] = cli_environment_get(environment, "AWS_CA_BUNDLE");
    line[count++] = "--region";
    line[count++] = cli_environment_get(environment, "AWS_REGION");
    for (int i = 0; i < argc; i++)
        line[count++] = argv[i];
    execvp("aws", (char **)(uintptr_t)line);
    return error_new(ctx, "NoAws", "the AWS CLI cannot be run (%s); on Debian: apt-get install awscli",
                     strerror(errno));
}

int cli_aws(int argc, char **argv)
{
    SCRATCH ctx = talloc_new(NULL);
    const char *dir = NULL, *account = NULL;
    int first = 1;
    for (; first + 1 < argc; first += 2) {
        if (strcmp(argv[first], "--dir") == 0)
            dir = argv[first + 1];
        else if (strcmp(argv[first], "--account") == 0)
            account = argv[first + 1];
        else
            break;
    }
    const char *path = cli_environment_file(ctx, cli_folder(dir), account);
    return cli_fail("aws", run(ctx, path, argc - first, argv + first));
}
