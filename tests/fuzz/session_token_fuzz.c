/* session_token_fuzz.c - no text opens as a session's token: not as it stands, not where it is laid over a good one; and
   what was sealed for a key, whatever it is, is opened without harm. The first byte picks which. */
#include "account/account.h"
#include "base/encode.h"

static const uint8_t key_bytes[MASTER_KEY_BYTES] = "0123456789abcdef0123456789abcde";
static const char id[] = "ASIARZPUZDIKAAHR4LJ4";

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool opens(void *ctx, const struct master_key *master, const char *access_key_id, slice token)
{
    struct session *session;
    slice secret;
    return account_open_session(ctx, master, slice_of(access_key_id), token, &session, &secret);
}

static void lay_over(void *ctx, const struct master_key *master, slice text)
{
    struct session session = { SESSION_USER, "123456789012", "AIDAMUSTER5EXAMPLE02B", .expires_s = 1 };
    struct credentials *made;
    must(account_issue_session(ctx, master, &session, &made) == NULL);
    size_t length = strlen(made->token), over = text.length < length ? text.length : length;
    char *token = text_copy(ctx, made->token);
    memcpy(token + length - over, text.at, over);
    must(opens(ctx, master, made->access_key_id, slice_of(made->token)));
    must(strcmp(token, made->token) == 0 || !opens(ctx, master, made->access_key_id, slice_bytes(token, length)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH ctx = talloc_new(NULL);
    struct master_key *master = master_key_new(ctx, key_bytes);
    if (size == 0)
        return 0;
    slice text = slice_bytes(data + 1, size - 1);
    if (data[0] % 3 == 0)
        must(!opens(ctx, master, id, text));
    else if (data[0] % 3 == 1)
        lay_over(ctx, master, text);
    else
        opens(ctx, master, id,
              slice_of(base64_encode(ctx, master_key_seal(ctx, master, "session:ASIARZPUZDIKAAHR4LJ4", text))));
    return 0;
}
