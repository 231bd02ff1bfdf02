/* Where a sample of payments would go: their routing alone, many draws for each, with providers in assumed health.
 *
 * What is pure of routing is run as the payment workflow runs it: the checks at a payment's start, candidates,
 * acceptance, prohibitions, health, choice. What needs the world is left out: turnover limits and blacklists turn
 * nobody away, risk scores are the sample's, and a payment that a provider declines does not try another one.
 * Ref: doc/spec/routing.md 2-8; doc/spec/payment.md 6.3.                                           */
#ifndef SLUICE_DOMAIN_SIMULATE_H
#define SLUICE_DOMAIN_SIMULATE_H

#include "domain/domain.h"
#include "domain/health.h"

#define SIMULATE_DRAWS_MAX 1000000
#define SIMULATE_COUNT_MAX 1000000

struct sample_flow {
    int tag; /* SAMPLE_*; 0: absent, counts as instant */
    const char *hold; /* raw: a hold is as long as the merchant's terms say */
};
enum { SAMPLE_INSTANT = 1, SAMPLE_HOLD };

/* A line of a sample: a payment, or COUNT that look alike. */
struct sample_payment {
    const char *party, *shop;
    struct cash cost;
    struct payment_tool payment_tool;
    struct sample_flow flow;
    int risk_score;  /* 0: absent, counts as low */
    int trust_level; /* 0: not known */
    const char *email, *ip;
    const bool *make_recurrent;
    const int64_t *count; /* NULL: 1; at most SIMULATE_COUNT_MAX */
};
extern const struct type type_sample_payment;

struct simulate_setup {
    const struct domain *domain;
    const struct health_view *health; /* NULL: everybody is well */
    int64_t draws;                    /* 1..SIMULATE_DRAWS_MAX, of each payment */
    uint64_t seed;                    /* the same seed: the same draws, whatever the configuration */
};

/* A route that some payment was proposed. Amounts and payments are averages over the draws. */
struct simulated_route {
    int64_t provider, terminal;
    const char *name;              /* of the terminal */
    int64_t payments_milli;        /* thousandths of payments that it got */
    int64_t share_ppm;             /* of all payments of the sample, millionths */
    const struct cash *amounts;    /* one for each currency */
    size_t amount_count;
};

/* Payments that did not get as far as a route. */
struct simulated_failure {
    const char *code;   /* "no_route_found:forbidden", or "refused" when they would not even start */
    const char *reason; /* the first payment's, where the code does not say it all; may be "" */
    int64_t payments;
};

/* What turned a route's payments away. */
struct simulated_rejection {
    int64_t provider, terminal;
    const char *reason;
    int64_t payments, unrouted; /* all; of them those that found no route at all */
};

struct simulation_result {
    int64_t payments, unrouted;
    struct simulated_route *routes; /* by provider and terminal */
    struct simulated_failure *failures; /* the most frequent first */
    struct simulated_rejection *rejections; /* by route, the most frequent first */
    size_t route_count, failure_count, rejection_count;
};

struct simulation;

/* SETUP is copied, what it points to is borrowed. */
struct simulation *simulation_new(const struct simulate_setup *setup);
void simulation_free(struct simulation *simulation); /* NULL is fine */

/* Routes PAYMENT. True: it finds a route. */
bool simulation_add(struct simulation *simulation, const struct sample_payment *payment);

/* What has been found so far; lasts as long as the simulation. */
void simulation_finish(struct simulation *simulation, struct simulation_result *out);

#endif
