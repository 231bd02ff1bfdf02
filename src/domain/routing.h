/* Which routes may take a payment, and which of them does. Pure: the random draw is an input.
 * Ref: doc/spec/routing.md 2-6, 8.                                                                 */
#ifndef SLUICE_DOMAIN_ROUTING_H
#define SLUICE_DOMAIN_ROUTING_H

#include "domain/domain.h"

struct health_view;

/* What routing knows of a payment beside its facts (routing.md 2). */
struct routing_request {
    struct varset facts;
    const struct shop *shop;
    int risk_score;
    bool hold;
    int64_t hold_lifetime_s;              /* HOLD: held_until - created_at */
    bool refund;                          /* merchant refund terms exist and cover the method */
    const struct cash_range *partial_refund; /* NULL: no partial refunds required */
    bool recurrent;                       /* predestination recurrent_payment */
    const char *client_ip, *email, *card_token; /* pin facts; NULL: missing */
};

/* Why candidates are turned away, as groups: the group that leaves none over names the failure (routing.md 6.2). */
enum reject_group {
    REJECT_FORBIDDEN = 1, /* terms and prohibitions */
    REJECT_TOKEN_MISSING,
    REJECT_ATTEMPTED,
    REJECT_LIMIT_MISCONFIGURATION,
    REJECT_LIMIT_OVERFLOW,
    REJECT_BLACKLIST,
    REJECT_UNAVAILABLE,
};
/* "limit_overflow" */
const char *reject_group_name(int group);

#define PRIORITY_DEFAULT 1000 /* of a candidate that names none */

/* A route that was looked at. */
struct candidate {
    const struct provider *provider;
    const struct terminal *terminal;
    int64_t priority, weight;
    uint64_t pin;         /* hash of the pin map; 0: none */
    bool skip_recurrent;  /* the terms say so */
    bool lacking;         /* conversion below the critical level */
    double availability, conversion; /* 1 - rate of failures; 1 until somebody knows better */
    const char *rejected; /* why it was turned away; NULL: accepted */
    int group;            /* REJECT_*; 0: accepted */
};

struct candidates {
    struct candidate *list; /* in ruleset order, accepted and rejected ones */
    size_t count;
    const char *misconfiguration; /* a ruleset does not reduce: there are no candidates; NULL: fine */
};

/* Fills in what REQUEST asks of refunds, from the merchant's refund TERMS (NULL: none) and the request's facts. NULL: it
 * is filled in; otherwise why the terms are misconfigured, a static sentence. */
const char *routing_require_refunds(const struct domain *domain, const struct merchant_refund_terms *terms,
                                    struct routing_request *request);

/* Gathers and tests candidates (routing.md 3-5); all in ARENA. */
void routing_gather(const struct domain *domain, const struct routing_request *request, struct arena *arena,
                    struct candidates *out);

/* Turns CANDIDATE away; the first reason stays. */
void routing_reject(struct candidate *candidate, int group, const char *reason);
/* Fills in the health of CANDIDATE, which is not rejected, by VIEW (may be NULL), and turns it away, with the group
 * REJECT_UNAVAILABLE, if its provider is dead (routing.md 7). False: it was turned away. */
bool routing_assess(struct candidate *candidate, const struct health_view *view, struct arena *arena);
size_t routing_accepted(const struct candidates *candidates);

/* What a choice was made by (routing.md 8.2), without the blacklist: no listed route comes so far. */
struct routing_score {
    int64_t availability_condition, conversion_condition, priority;
    uint64_t pin;
    int64_t random_condition;
    double availability, conversion;
};

/* Indices into the candidates. */
struct routing_choice {
    size_t chosen;
    size_t preferable;    /* what would have been chosen, were all providers in good health */
    const char *switched; /* name of the score that made the difference, or "unknown"; NULL: no difference */
};

/* Chooses among those of CANDIDATES that are not rejected (at least one); RANDOM: 64 uniform bits. SCORES (one per
 * candidate; may be NULL) gets each accepted one's. */
struct routing_choice routing_choose(const struct candidates *candidates, uint64_t random,
                                     struct routing_score *scores);

/* "[provider 1 terminal 2: reason; ...]" of those rejected in GROUP (0: of all), for a failure's reason; in ARENA. */
const char *routing_rejections(const struct candidates *candidates, int group, struct arena *arena);

#endif
