/* EVALSHA, and what follows when the server does not know the script.
 *
 * A connection answers in order, so the load and the second try can leave together: whoever first sees
 * NOSCRIPT sends SCRIPT LOAD and its call behind it; the others, sent before that load, only their calls. */
#include "redis/script.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"

/* A call that may have to be made again. */
struct script_request {
    struct client *client;
    struct script *script;
    client_done_fn done;
    void *done_arg;
    int64_t deadline_us;
    uint64_t number; /* see client_send */
    struct buf wire;
    bool again, held;
};

static uint64_t request_send(const struct script_request *request, const struct buf *wire, int64_t deadline_ms, client_done_fn done,
                     void *done_arg)
{
    return request->held ? client_send_held(request->client, wire, deadline_ms, done, done_arg)
                         : client_send(request->client, wire, deadline_ms, done, done_arg);
}

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

static void load_done(void *arg, enum sl_err err, const struct reply *reply)
{
    const struct script *script = arg;

    if (err && reply)
        log_error("redis: script %s cannot be loaded: %s", script->name, reply_text(reply, NULL));
}

static void script_load(const struct script_request *request, int64_t deadline_ms)
{
    struct script *script = request->script;
    struct buf wire = BUF_EMPTY;

    wire_begin(&wire, 3);
    wire_add(&wire, slice_of("SCRIPT"));
    wire_add(&wire, slice_of("LOAD"));
    wire_add(&wire, (struct slice){ script->text, script->len });
    script->load_client = request->client;
    script->load_number = request_send(request, &wire, deadline_ms, load_done, script);
    buf_clear(&wire);
}

static void script_answered(void *arg, enum sl_err err, const struct reply *reply)
{
    struct script_request *request = arg;
    struct script *script = request->script;
    int64_t left_ms;

    if (err == SL_EREFUSED && reply_is_error(reply, "NOSCRIPT")) {
        left_ms = (request->deadline_us - clock_mono_us()) / 1000;
        err = SL_EDOWN; /* whatever follows, this call did nothing */
        if (!request->again && left_ms > 0) {
            request->again = true;
            if (script->load_client != request->client || script->load_number < request->number)
                script_load(request, left_ms);
            request->number = request_send(request, &request->wire, left_ms, script_answered, request);
            return;
        }
    }
    request->done(request->done_arg, err, reply);
    buf_clear(&request->wire);
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
    wire_begin(&request->wire, 3 + input->fixed_count + input->more_key_count + input->rest_count);
    wire_add(&request->wire, slice_of("EVALSHA"));
    wire_add(&request->wire, slice_of(script_sha(script)));
    wire_add(&request->wire, slice_i64(keys, (int64_t)(input->key_count + input->more_key_count)));
    for (i = 0; i < input->key_count; i++)
        wire_add(&request->wire, input->fixed[i]);
    for (i = 0; i < input->more_key_count; i++)
        wire_add(&request->wire, input->more_keys[i]);
    for (i = input->key_count; i < input->fixed_count; i++)
        wire_add(&request->wire, input->fixed[i]);
    for (i = 0; i < input->rest_count; i++)
        wire_add(&request->wire, input->rest[i]);
    request->held = input->held;
    request->number = request_send(request, &request->wire, deadline_ms, script_answered, request);
}
