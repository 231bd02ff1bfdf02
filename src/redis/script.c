#include "redis/script.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"

/* A call that may have to be made again with the script's whole text. */
struct script_request {
    struct client *client;
    struct script *script;
    client_done_fn done;
    void *done_arg;
    int64_t deadline_us;
    size_t word_count; /* of the command */
    struct buf words;  /* all of them behind the hash, as they go over the wire */
    bool again;
};

const char *script_sha(struct script *script)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len, i;

    if (script->sha[0])
        return script->sha;
    if (!EVP_Digest(script->text, script->len, digest, &len, EVP_sha1(), NULL) || len != 20)
        abort(); /* a libcrypto without SHA-1 cannot talk to Redis */
    for (i = 0; i < len; i++)
        snprintf(script->sha + i * 2, 3, "%02x", digest[i]);
    return script->sha;
}

static void script_answered(void *arg, enum sl_err err, const struct reply *reply);

static void script_send(struct script_request *request, const char *command, struct slice script, int64_t deadline_ms)
{
    static struct buf wire; /* copied by the client before it returns */

    buf_reset(&wire);
    wire_begin(&wire, request->word_count);
    wire_add(&wire, slice_of(command));
    wire_add(&wire, script);
    buf_add(&wire, request->words.data, request->words.len);
    client_send(request->client, &wire, deadline_ms, script_answered, request);
}

static void script_answered(void *arg, enum sl_err err, const struct reply *reply)
{
    struct script_request *request = arg;
    int64_t left_ms = (request->deadline_us - clock_mono_us()) / 1000;

    if (err == SL_EREFUSED && reply_is_error(reply, "NOSCRIPT") && !request->again && left_ms > 0) {
        /* EVAL runs the text and keeps it, so the next EVALSHA finds it. */
        request->again = true;
        script_send(request, "EVAL", (struct slice){ request->script->text, request->script->len }, left_ms);
        return;
    }
    if (err == SL_EREFUSED)
        log_error("redis: script %s: %s", request->script->name, reply_text(reply, NULL));
    request->done(request->done_arg, err, reply);
    buf_clear(&request->words);
    free(request);
}

void script_call(struct client *client, struct script *script, const struct script_input *input, int64_t deadline_ms,
                 client_done_fn done, void *done_arg)
{
    struct script_request *request = xcalloc(1, sizeof(*request));
    char keys[SLICE_I64_MAX];
    size_t i;

    assert(deadline_ms > 0);
    request->client = client;
    request->script = script;
    request->done = done;
    request->done_arg = done_arg;
    request->deadline_us = clock_mono_us() + deadline_ms * 1000;
    request->word_count = 3 + input->fixed_count + input->rest_count;
    wire_add(&request->words, slice_i64(keys, (int64_t)input->key_count));
    for (i = 0; i < input->fixed_count; i++)
        wire_add(&request->words, input->fixed[i]);
    for (i = 0; i < input->rest_count; i++)
        wire_add(&request->words, input->rest[i]);
    script_send(request, "EVALSHA", slice_of(script_sha(script)), deadline_ms);
}
