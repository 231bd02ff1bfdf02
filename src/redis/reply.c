#include "redis/reply.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static const redisReply *raw(const struct reply *reply)
{
    return (const redisReply *)(const void *)reply;
}

enum reply_kind reply_kind(const struct reply *reply)
{
    if (!reply)
        return REPLY_NIL;
    switch (raw(reply)->type) {
    case REDIS_REPLY_STRING: return REPLY_STRING;
    case REDIS_REPLY_ARRAY: return REPLY_ARRAY;
    case REDIS_REPLY_INTEGER: return REPLY_INTEGER;
    case REDIS_REPLY_STATUS: return REPLY_STATUS;
    case REDIS_REPLY_ERROR: return REPLY_ERROR;
    default: return REPLY_NIL;
    }
}

const char *reply_text(const struct reply *reply, size_t *len)
{
    switch (reply_kind(reply)) {
    case REPLY_STRING:
    case REPLY_STATUS:
    case REPLY_ERROR:
        if (len)
            *len = raw(reply)->len;
        return raw(reply)->str;
    case REPLY_NIL:
    case REPLY_INTEGER:
    case REPLY_ARRAY:
        break;
    }
    return NULL;
}

bool reply_i64(const struct reply *reply, int64_t *out)
{
    const char *text;
    long long value;
    size_t len;
    char *end;

    if (reply_kind(reply) == REPLY_INTEGER) {
        *out = raw(reply)->integer;
        return true;
    }
    text = reply_text(reply, &len);
    if (!text || reply_kind(reply) == REPLY_ERROR || !(*text == '-' || (*text >= '0' && *text <= '9')))
        return false;
    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno || end != text + len || end[-1] == '-')
        return false;
    *out = value;
    return true;
}

int64_t reply_i64_or(const struct reply *reply, int64_t otherwise)
{
    int64_t value;

    return reply_i64(reply, &value) ? value : otherwise;
}

size_t reply_count(const struct reply *reply)
{
    return reply_kind(reply) == REPLY_ARRAY ? raw(reply)->elements : 0;
}

const struct reply *reply_at(const struct reply *reply, size_t index)
{
    if (index >= reply_count(reply))
        return NULL;
    return (const struct reply *)(const void *)raw(reply)->element[index];
}

bool reply_is_error(const struct reply *reply, const char *word)
{
    size_t len = strlen(word);
    const char *text = reply_text(reply, NULL);

    return reply_kind(reply) == REPLY_ERROR && strncmp(text, word, len) == 0 && (text[len] == ' ' || !text[len]);
}

bool reply_did_nothing(const struct reply *reply)
{
    static const char *const words[] = {
        "LOADING", "BUSY", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "OOM", "MISCONF", "NOREPLICAS", "NOPERM",
        "NOAUTH",
    };
    /* What Redis 7.0 answers to a script's command instead of NOPERM. Scripts that write more than once ask first. */
    static const char *const beginnings[] = { "ERR The user executing the script can't ", "ERR ACL failure in script" };
    const char *text = reply_kind(reply) == REPLY_ERROR ? reply_text(reply, NULL) : NULL;
    size_t i;

    for (i = 0; i < SL_COUNT(words); i++) {
        if (reply_is_error(reply, words[i]))
            return true;
    }
    for (i = 0; text && i < SL_COUNT(beginnings); i++) {
        if (strncmp(text, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    }
    return false;
}
