/* Who may do what: bearer tokens with roles, from a file.
 *
 *   [{"name": "shop", "token": "…" or "token_sha256": "hex", "role": "merchant", "party_id": "party-acme"}, …]
 *
 * merchant: what belongs to its party; provider: callbacks of payments at its providers ("provider_ids": [7], or
 * "any_provider": true); reader: all that only reads; operator: all. */
#ifndef SLUICE_API_AUTH_H
#define SLUICE_API_AUTH_H

#include "base/type.h"

enum role { ROLE_MERCHANT = 1, ROLE_PROVIDER, ROLE_READER, ROLE_OPERATOR };

struct principal {
    const char *name;
    const char *token;        /* NULL once read: only hashes are kept */
    const char *token_sha256; /* 64 hex digits */
    int role;
    const char *party_id;     /* ROLE_MERCHANT */
    struct type_list provider_ids; /* of int64_t; ROLE_PROVIDER, unless ANY_PROVIDER */
    const bool *any_provider;
};

extern const struct type type_provider_ids;

struct auth;

/* Errors: SL_ESYS, SL_EINVAL with *WHY, a sentence; the caller frees it. */
SL_MUST_USE enum sl_err auth_load(const char *path, struct auth **out, char **why);
void auth_free(struct auth *auth);

/* The principal whose token stands in an Authorization header ("Bearer …"); NULL: nobody's. All tokens are
 * compared in constant time. */
const struct principal *auth_find(const struct auth *auth, const char *header);

#endif
