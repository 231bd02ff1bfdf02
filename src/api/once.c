/* Idempotency-Key: what makes a POST safe to repeat. The key is the caller's; what is compared is the fingerprint of
 * path and body. The engine does the rest (engine/once.c). Ref: doc/http-api.md, Repeating. */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "api/request.h"
#include "base/pan.h"
#include "payment/kind.h"

/* Of method, path and body as decoded: white space and the order of members do not count. */
static const char *fingerprint(const struct api_request *request, const char *path)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct buf text = BUF_EMPTY;
    char hex[33];
    size_t i;

    buf_printf(&text, "%s %s\n", request->route->method, path);
    if (request->args)
        type_encode(request->route->body, request->args, &text);
    EVP_Digest(text.data, text.len, digest, NULL, EVP_sha256(), NULL);
    for (i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    buf_clear(&text);
    return arena_strdup(request->arena, hex);
}

/* The key as it is, or in the quotes that a header of structured fields has. NULL: it is none. */
static const char *key_of(const char *header, struct arena *arena)
{
    size_t len = strlen(header);
    const char *key;

    if (len >= 2 && header[0] == '"' && header[len - 1] == '"') {
        header++;
        len -= 2;
    }
    key = arena_strndup(arena, header, len);
    return len >= 1 && len <= ONCE_KEY_MAX && !type_id.check(&key) && !pan_is(key, PAN_DIGITS_MIN) ? key : NULL;
}

bool request_once(struct api_request *request, const char *path)
{
    const char *header = request_header(request, "Idempotency-Key");
    struct runtime_once once;

    if (!header || strcmp(request->route->method, "POST") != 0)
        return true;
    once.key = key_of(header, request->arena);
    if (!once.key) {
        answer_invalid(request, "Idempotency-Key", "must be 1..64 letters, digits and . _ - : ~, quoted or not, and no card number");
        return false;
    }
    once.fingerprint = fingerprint(request, path);
    request->once = arena_memdup(request->arena, &once, sizeof(once));
    return true;
}

void request_call(struct api_request *request, const char *id, runtime_done_fn done)
{
    runtime_call_once(api_setup(request)->runtime, &invoice_kind, id, request->call, request_deadline_ms(request), request->once, done,
                      request);
}
