/* word.c - what names are made of. */
#include "template/word.h"

static const struct {
    const char *what;
    const char *marks; /* besides letters and digits */
    size_t least, most;
} words[] = {
    [WORD_THING] = { "the name of a thing", ":_-", 1, 128 },
    [WORD_THING_TYPE] = { "the name of a thing type", ":_-", 1, 128 },
    [WORD_THING_GROUP] = { "the name of a thing group", ":_-", 1, 128 },
    [WORD_BILLING_GROUP] = { "the name of a billing group", ":_-", 1, 128 },
    [WORD_ATTRIBUTE_NAME] = { "the name of an attribute", "_.,@/:#-", 1, 128 },
    [WORD_ATTRIBUTE_VALUE] = { "the value of an attribute", "_.,@/:#=[]-", 0, 800 },
    [WORD_POLICY] = { "the name of a policy", "_+=,.@-", 1, 128 },
};

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool fits(enum word word, slice text)
{
    const char *marks = words[word].marks;
    for (size_t i = 0; i < text.length; i++)
        if (!is_letter_or_digit(text.at[i]) && memchr(marks, text.at[i], strlen(marks)) == NULL)
            return false;
    return text.length >= words[word].least && text.length <= words[word].most;
}

FALLIBLE word_check(struct evaluation *ev, enum word word, slice text)
{
    if (fits(word, text))
        return NULL;
    return evaluation_failed(ev, "\"%.*s\" is not %s: %zu to %zu letters, digits and %s", PRINT(shown(text)),
                             words[word].what, words[word].least, words[word].most, words[word].marks);
}
