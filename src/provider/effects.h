/* Performs what the payment workflow orders from providers, the inspector, turnover counters and the ledger (payment/effect.h).
 *
 * One order is one POST {url}/{name of the call} with a JSON body and the order's idempotency key in
 * the header Idempotency-Key. What the answer means (doc/spec/session.md 12):
 *
 *   2xx with a valid body                       SL_OK
 *   not delivered, 503, 429                     SL_EDOWN
 *   sent and no whole answer                    SL_EUNKNOWN
 *   any other status, or a body that is not an
 *   answer; the detail names the place in it    SL_EPROTO
 *
 * For benchmarks and dry runs a url may name a provider or an inspector that lives in here and
 * answers on the next turn of the event loop, without a socket:
 *
 *   builtin:approve       every target is reached at once; the transaction is the one given, else
 *                         "<invoice>.<payment>" (refunds: "<invoice>.<payment>.<refund>")
 *   builtin:decline       payments and refunds fail with authorization_failed:insufficient_funds;
 *                         captures and cancels are approved, since money is held already
 *   builtin:unavailable   the call is not delivered
 *   builtin:risk-trusted  builtin:risk-low  builtin:risk-high  builtin:risk-fatal
 *                         the inspector's score                                                    */
#ifndef SLUICE_PROVIDER_EFFECTS_H
#define SLUICE_PROVIDER_EFFECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/runtime.h"
#include "provider/http_client.h"

struct effects;
struct lanes;
struct card_store;
struct limit_store;
struct space;

struct effects_setup {
    struct http_client *http;     /* borrowed; must outlive the effects */
    int64_t provider_timeout_ms;  /* where the order names none; 0: 30000 */
    int64_t inspector_timeout_ms; /* 0: 3000 */
    struct limit_store *limits;   /* borrowed; NULL: FX_LIMITS is answered SL_EPROTO */
    struct card_store *cards;     /* borrowed; NULL: FX_CARDS is answered SL_EPROTO */
    /* Hears how each call to a provider ended: ANSWERED also with a failure of the business; not so when it was not
     * delivered, not answered, or answered with nonsense. Cancelled ones say nothing. NULL: nobody does. */
    void (*heard)(void *ctx, int64_t provider_id, bool answered, int64_t took_us);
    void *heard_ctx;
    size_t calls_max;             /* under way to one provider; what is more is answered SL_EDOWN; 0: 1024 */
    struct client *client;        /* the two of the ledger: borrowed; NULL: FX_BALANCE is answered SL_EPROTO */
    const struct space *space;
};

struct effects *effects_new(struct event_base *base, const struct effects_setup *setup);
/* Drops all orders without calling DONE. Not to be called from a DONE. NULL is fine. */
void effects_free(struct effects *effects);

/* For runtime_setup.effects, with the effects themselves as effects_ctx. Numbers must be unique among
 * the orders under way. An order of an unknown kind is answered SL_EPROTO. */
const struct effect_ops *effects_ops(void);

#define EFFECTS_KINDS 7
#define EFFECTS_BUCKETS 14

/* Upper bounds of the latency buckets, in microseconds; what is slower counts in the last, open one. */
extern const int64_t effects_bucket_us[EFFECTS_BUCKETS - 1];

/* One kind's answers. Outcomes are indexed by -err: SL_OK is [0], SL_EDOWN is [5]. */
struct effects_outcome {
    uint64_t count;
    uint64_t latency_us; /* sum */
    uint64_t buckets[EFFECTS_BUCKETS]; /* each answer counts in one bucket: they are not cumulated */
};
struct effects_kind_stats {
    const char *name; /* "process_payment" */
    uint64_t started, cancelled;
    struct effects_outcome outcomes[SL_ERR_COUNT];
};
struct effects_stats {
    struct effects_kind_stats kinds[EFFECTS_KINDS];
    size_t in_flight;
};
void effects_stats(const struct effects *effects, struct effects_stats *out);
const struct lanes *effects_lanes(const struct effects *effects); /* for figures */

#endif
