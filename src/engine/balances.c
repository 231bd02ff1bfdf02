#include "engine/balances.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xmalloc.h"
#include "engine/space.h"
#include "redis/client.h"

#define ASK_MS 5000
#define FIELD_MAX 48 /* "<account>:min" */

struct balances_reading {
    int left; /* shares not read yet */
    enum sl_err err;
    struct balance sum;
    bool known;
    balances_fn done; /* NULL: cancelled */
    void *arg;
};

static void share_read(void *arg, enum sl_err err, const struct reply *reply)
{
    struct balances_reading *reading = arg;
    int64_t *const sums[] = { &reading->sum.own, &reading->sum.min, &reading->sum.max };
    size_t i;

    if (err)
        reading->err = err == SL_EREFUSED ? SL_ECORRUPT : err;
    for (i = 0; !err && i < SL_COUNT(sums); i++) {
        const struct reply *field = reply_at(reply, i);
        int64_t share = 0;

        if (reply_kind(field) != REPLY_STRING)
            continue; /* nothing was ever posted to it here */
        reading->known = true;
        if (!reply_i64(field, &share) || __builtin_add_overflow(*sums[i], share, sums[i]))
            reading->err = SL_ECORRUPT;
    }
    if (--reading->left > 0)
        return;
    if (reading->done)
        reading->done(reading->arg, reading->err, &reading->sum, reading->known);
    free(reading);
}

struct balances_reading *balances_read(struct client *client, const struct space *space, int64_t account_id,
                                       balances_fn done, void *arg)
{
    struct balances_reading *reading = xcalloc(1, sizeof(*reading));
    char own[FIELD_MAX], min[FIELD_MAX], max[FIELD_MAX];
    int p;

    reading->left = space_count(space);
    reading->done = done;
    reading->arg = arg;
    snprintf(own, sizeof(own), "%" PRId64 ":own", account_id);
    snprintf(min, sizeof(min), "%" PRId64 ":min", account_id);
    snprintf(max, sizeof(max), "%" PRId64 ":max", account_id);
    for (p = 0; p < space_count(space); p++) {
        const struct slice words[] = {
            slice_of("HMGET"), space_accounts(space, p), slice_of(own), slice_of(min), slice_of(max),
        };

        client_command(client, words, SL_COUNT(words), ASK_MS, share_read, reading);
    }
    return reading;
}

void balances_cancel(struct balances_reading *reading)
{
    reading->done = NULL;
}
