/* A payment's dealings with turnover counters: which limits, under which operation, and what they answered.
 *
 * A step collects what it asks in a limits_ask and runs it; nothing is ordered when there is nothing to ask:
 *
 *     struct limits_ask ask = { 0 };
 *
 *     if (!limits_ask_shop(ctx, LIMIT_HOLD, false, &ask, NULL) || !limits_run(ctx, &ask))
 *         return;                  (ordered, or the step has failed)
 *     ...                          (done: the step goes on)
 *
 * The order is an effect (FX_LIMITS), so the step is run again with its result; being pure it then collects
 * the same ask. Repeating an order changes nothing.
 *
 * Ref: doc/spec/limits.md 5-8.                                                                      */
#ifndef SLUICE_PAYMENT_LIMITS_H
#define SLUICE_PAYMENT_LIMITS_H

#include "domain/domain.h"
#include "limits/turnover.h"
#include "payment/emit.h"

struct limits_ask {
    struct limit_request *requests; /* in the arena */
    size_t count, room;
    bool ahead; /* it need not wait for the commit of what led to it (step_effect_ahead) */
    const struct limit_answer *answer; /* set by limits_run */
};

/* The limits of one shop or route as a part of an ask. */
struct limits_set {
    const struct turnover_use *uses;
    size_t use_count;
    size_t first, request_count; /* its requests in the ask; none: the set is empty */
};

/* Adds requests for SET with TASK and FACTS. False: a limit cannot count this; *FAULT says why. */
bool limits_ask(const struct turnover_task *task, const struct turnover_facts *facts, struct limits_set *set,
                struct arena *arena, struct limits_ask *ask, struct turnover_fault *fault);

/* What LIMITS (of struct turnover_limit; NULL: none) are, with their configurations. False: *WHY, in ARENA. */
bool limits_set_of(const struct domain *domain, const struct type_list *limits, struct arena *arena,
                   struct limits_set *set, const char **why);

/* Adds the limits of the payment's shop, held, committed or rolled back as VERB says. SET may be NULL.
 * False: the step has failed. */
bool limits_ask_shop(struct step_ctx *ctx, enum limit_verb verb, bool tolerant, struct limits_ask *ask,
                     struct limits_set *set);
/* Adds what shop_limit_applied announced: the shop's limits are committed. Whatever ends a payment between that and its
 * first routing has to ask for it; the routing itself does. It is tolerant, since a payment that was led past its
 * shop's limits by hand has nothing held of them. False: the step has failed. */
bool limits_ask_shop_commit(struct step_ctx *ctx, struct limits_ask *ask);

/* How a route's limits are asked. */
struct limits_route_task {
    enum limit_verb verb;
    int64_t iter;
    bool tolerant;
    const struct cash *cost;    /* that the terms see, which name the limits; NULL: the payment's effective one */
    const struct cash *body;    /* NULL: the payment's effective cost */
    const struct cash *partial; /* LIMIT_COMMIT: the captured cost */
    bool session;               /* a finished session speaks for the attempt (limits.md 4.2) */
};

/* Adds the limits of ROUTE. A fault of a limit goes to *FAULT with its kind set, if FAULT is not NULL, and fails
 * the step otherwise. False: the step has failed. */
bool limits_ask_route(struct step_ctx *ctx, const struct route *route, const struct limits_route_task *task,
                      struct limits_ask *ask, struct limits_set *set, struct turnover_fault *fault);

/* Adds the rollback of what is held for the candidates of the latest routing that were not chosen. What was never held,
 * or has been given back before, is passed over. False: the step has failed. */
bool limits_ask_unused(struct step_ctx *ctx, struct limits_ask *ask);
/* Asks for that and runs it, unless the route's session has come so far that it must have been done: whatever is to come
 * of that session, they are given back before. True, false: as limits_run. */
bool limits_release_unused(struct step_ctx *ctx);

/* Adds the limits of CTX's refund; false: one of them cannot count it, or cannot be found, and the step has failed. */
bool limits_ask_refund(struct step_ctx *ctx, enum limit_verb verb, struct limits_ask *ask);
/* Asks for them and runs that: those of the payment's route at the refund's revision, which must
 * be CTX's configuration. They are not compared with their boundaries. True, false: as limits_run. */
bool limits_run_refund(struct step_ctx *ctx, enum limit_verb verb);

/* Orders what ASK collected, or takes the result. True: it is done (or there was nothing), ask->answer is set.
 * False: it is ordered, or the counters cannot be reached and the step is retried, or they refused and it failed. */
bool limits_run(struct step_ctx *ctx, struct limits_ask *ask);
/* The same for an order of which ORDER is the first part: for steps that leave themselves a note with it. */
bool limits_run_order(struct step_ctx *ctx, struct limits_ask *ask, struct limit_order *order);

/* Whether SET, which was held or read, is within its boundaries. */
bool limits_within(const struct limits_set *set, const struct limits_ask *ask);
/* The value of use number I of SET. */
int64_t limits_value(const struct limits_set *set, const struct limits_ask *ask, size_t i);
/* "a, b": the ids of all its limits. */
const char *limits_names(const struct limits_set *set, struct arena *arena);

#endif
