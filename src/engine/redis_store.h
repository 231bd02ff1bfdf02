/* The store on Redis. See store.h for the contract and lua/ for what happens inside. */
#ifndef SLUICE_ENGINE_REDIS_STORE_H
#define SLUICE_ENGINE_REDIS_STORE_H

#include "engine/pack.h"
#include "engine/space.h"
#include "engine/store.h"
#include "redis/client.h"

struct seen;

struct redis_store {
    struct client *client;
    const struct space *space;
    int64_t deadline_ms; /* of one request; after it the outcome is unknown */
    struct packer *packer; /* NULL: packed texts cannot be read */
    struct seen *seen;     /* is told of each commit that was answered; NULL: nobody is */
    bool packs;            /* what is written from now on; both kinds are read */
};

extern const struct store_ops redis_store_ops; /* ctx: struct redis_store */

#endif
