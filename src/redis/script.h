/* Lua scripts by their hash. A server that does not know one (it was restarted, or somebody flushed
 * its scripts) is given the text and asked again, once, here and nowhere else. */
#ifndef SLUICE_REDIS_SCRIPT_H
#define SLUICE_REDIS_SCRIPT_H

#include "redis/client.h"

struct script {
    const char *name;
    const char *text;
    size_t len;
    char sha[41];         /* hex; filled at first use */
    uint64_t load_number; /* of the last request that loaded it; 0: none */
    const struct client *load_client; /* where that was */
};

/* Keys first, then arguments; FIXED holds both. MORE_KEYS follow its keys, REST are more arguments. */
struct script_input {
    const struct slice *fixed;
    size_t key_count, fixed_count;
    const struct slice *more_keys;
    size_t more_key_count;
    const struct slice *rest;
    size_t rest_count;
    bool held; /* ask while the client is held, too (client_words_held) */
};

/* As client_command. Used through the wrappers that the build makes from the scripts' headers. */
void script_call(struct client *client, struct script *script, const struct script_input *input, int64_t deadline_ms,
                 client_done_fn done, void *done_arg);

/* The script's SHA-1 as Redis names it. */
const char *script_sha(struct script *script);

#endif
