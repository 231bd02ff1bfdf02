#include "api/auth.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

#define FILE_MAX_BYTES (1 << 20)
#define DIGEST_BYTES 32

struct auth {
    struct arena *arena;
    struct type_list principals; /* of struct principal */
    unsigned char (*digests)[DIGEST_BYTES];
};

static const char *const role_names[] = {
    [ROLE_MERCHANT] = "merchant", [ROLE_PROVIDER] = "provider", [ROLE_READER] = "reader", [ROLE_OPERATOR] = "operator",
};
static const struct type type_role = TYPE_ENUM_OF("Role", role_names);
static const struct type type_token = TYPE_STR_IN(16, 512);
static const struct type type_hash = TYPE_STR_IN(64, 64);

static const char *check_principal(const void *value)
{
    const struct principal *principal = value;

    if (!principal->token == !principal->token_sha256)
        return "must have either token or token_sha256";
    if ((principal->role == ROLE_MERCHANT) != (principal->party_id != NULL))
        return "must have a party_id if its role is merchant, and only then";
    if (principal->any_provider && !*principal->any_provider)
        return "must have any_provider as true, or not at all";
    if ((principal->role == ROLE_PROVIDER) != (principal->any_provider || principal->provider_ids.items) ||
        (principal->any_provider && principal->provider_ids.items))
        return "must have provider_ids ([7, 8]) or \"any_provider\": true if its role is provider, and only then";
    if (principal->token_sha256 && strspn(principal->token_sha256, "0123456789abcdef") != 64)
        return "must have a token_sha256 of 64 lower-case hex digits";
    return NULL;
}

static const struct type type_provider_id = TYPE_I64_IN(1, INT64_MAX);
const struct type type_provider_ids = {
    .kind = TYPE_LIST, .size = sizeof(struct type_list), .item = &type_provider_id, .min = 1, .max = 1000, .unique = true,
};
static const struct type_field principal_rows[] = {
    TF_REQ(principal, name, type_id),
    TF_OPT(principal, token, type_token),
    TF_OPT(principal, token_sha256, type_hash),
    TF_REQ(principal, role, type_role),
    TF_OPT(principal, party_id, type_id),
    TF_OPT(principal, provider_ids, type_provider_ids),
    TF_PTR(principal, any_provider, type_bool),
};
static const struct type type_principal = {
    .kind = TYPE_STRUCT, .size = sizeof(struct principal), .fields = principal_rows,
    .field_count = SL_COUNT(principal_rows), .check = check_principal,
};
static const struct type type_principals = {
    .kind = TYPE_LIST, .size = sizeof(struct type_list), .item = &type_principal, .max = 1000,
};

static char *complain(const char *path, const char *detail)
{
    struct buf text = BUF_EMPTY;

    buf_str(&text, "the token file ");
    buf_str(&text, path);
    buf_str(&text, ": ");
    buf_str(&text, detail);
    return buf_take(&text);
}

static void digest_set(const struct principal *principal, unsigned char out[DIGEST_BYTES])
{
    unsigned i, byte;

    if (principal->token) {
        EVP_Digest(principal->token, strlen(principal->token), out, NULL, EVP_sha256(), NULL);
        return;
    }
    for (i = 0; i < DIGEST_BYTES; i++) {
        sscanf(principal->token_sha256 + i * 2, "%2x", &byte);
        out[i] = (unsigned char)byte;
    }
}

/* What the tables cannot say of a whole file; NULL: all is well. */
static const char *principals_fault(const struct auth *auth)
{
    const struct principal *principals = auth->principals.items;
    size_t i, j;

    if (auth->principals.count == 0)
        return "there is no token in it";
    for (i = 1; i < auth->principals.count; i++) {
        for (j = 0; j < i; j++) {
            if (memcmp(auth->digests[i], auth->digests[j], DIGEST_BYTES) == 0)
                return arena_printf(auth->arena, "%s and %s have the same token", principals[j].name, principals[i].name);
        }
    }
    return NULL;
}

enum sl_err auth_load(const char *path, struct auth **out, char **why)
{
    struct auth *auth = xcalloc(1, sizeof(*auth));
    struct type_errors errors = { 0 };
    char *text = xmalloc(FILE_MAX_BYTES);
    FILE *file = fopen(path, "re");
    enum sl_err err = SL_ESYS;
    struct buf place = BUF_EMPTY;
    const char *fault;
    size_t len, i;

    auth->arena = arena_new();
    if (!file) {
        *why = complain(path, strerror(errno));
        goto out;
    }
    len = fread(text, 1, FILE_MAX_BYTES, file);
    err = type_decode_text(&type_principals, text, len, 0, auth->arena, &auth->principals, &errors);
    if (err) {
        buf_printf(&place, "%s %s", errors.list[0].path, errors.list[0].message);
        *why = complain(path, buf_text(&place));
        goto out;
    }
    auth->digests = arena_array(auth->arena, auth->principals.count, DIGEST_BYTES);
    for (i = 0; i < auth->principals.count; i++)
        digest_set((const struct principal *)auth->principals.items + i, auth->digests[i]);
    fault = principals_fault(auth);
    if (fault) {
        *why = complain(path, fault);
        err = SL_EINVAL;
        goto out;
    }
    *out = auth;
out:
    if (file)
        fclose(file);
    if (err)
        auth_free(auth);
    OPENSSL_cleanse(text, FILE_MAX_BYTES);
    free(text);
    buf_clear(&place);
    return err;
}

void auth_free(struct auth *auth)
{
    if (!auth)
        return;
    arena_free(auth->arena);
    free(auth);
}

const struct principal *auth_find(const struct auth *auth, const char *header)
{
    const struct principal *principals = auth->principals.items, *found = NULL;
    unsigned char digest[DIGEST_BYTES];
    size_t i;

    if (!header || strncasecmp(header, "Bearer ", 7) != 0)
        return NULL;
    EVP_Digest(header + 7, strlen(header + 7), digest, NULL, EVP_sha256(), NULL);
    for (i = 0; i < auth->principals.count; i++) {
        if (CRYPTO_memcmp(digest, auth->digests[i], DIGEST_BYTES) == 0)
            found = &principals[i];
    }
    return found;
}
