/* What an operation asks of the turnover limits of some terms: names, amounts and periods of their counters. Pure.
 *
 *     terms and configs -> turnover_requests -> FX_LIMITS -> outcomes -> turnover_value
 *
 * All limits of one set (a route's, a shop's) become one request, or two when some of them are invertable: these
 * go by an operation id of their own. Whoever asks goes on with outcomes in the same order.
 *
 * Ref: doc/spec/limits.md 1-5; doc/spec/domain.md 12 (exchange factors).                                  */
#ifndef SLUICE_LIMITS_TURNOVER_H
#define SLUICE_LIMITS_TURNOVER_H

#include "base/arena.h"
#include "domain/limit_config.h"
#include "domain/terms.h"
#include "domain/tool.h"
#include "limits/order.h"
#include "money/cash.h"

struct domain;

/* One turnover limit of some terms, and its configuration at the revision that the terms name. */
struct turnover_use {
    const struct turnover_limit *limit;
    const struct limit_config *config; /* never NULL: a missing one is the caller's misconfiguration */
};

/* What is counted. A fact that is not there is NULL or 0, and a fault only where a limit needs it. */
struct turnover_facts {
    const char *party_id, *shop_id;
    const struct payment_tool *tool;
    int64_t provider_id, terminal_id; /* 0: no route, as for the limits of a shop */
    const char *email;                /* the payer's */
    struct cash body;                 /* the payment's cost, or the refund's cash; not negative */
    const struct cash *partial;       /* payments: the captured cost, which a commit counts; NULL: the whole body */
    int64_t created_at;               /* us; of the operation: the payment or the refund. Names the period */
    bool is_refund;
    bool session_present;             /* payments: a finished session of the same route, which turns invertable limits
                                         round; never set for a refund, whose session is no attempt */
    const struct domain *domain;      /* rates and factors of the operation's revision; NULL: nothing is converted */
};

/* What the limits are asked for. */
struct turnover_task {
    enum limit_verb verb;         /* before invertable limits turn it round */
    const char *operation;        /* its id, from one of the builders below */
    /* For rollbacks of what may never have been held: limits that nothing can be held on (a fault below other
     * than TURNOVER_INTERNAL) are left out, and what is not held is no fault (5, 7). */
    bool tolerant;
};

enum turnover_fault_kind {
    TURNOVER_INVALID_CURRENCY = 1,       /* InvalidOperationCurrency: the body's, and none is converted */
    TURNOVER_CONTEXT_NOT_SUPPORTED,      /* OperationContextNotSupported: the limit is for withdrawals */
    TURNOVER_PAYMENT_TOOL_NOT_SUPPORTED, /* PaymentToolNotSupported: no counter goes by such a tool */
    TURNOVER_INTERNAL,                   /* anything else: a fact or a rate that is not there, an overflow */
};

struct turnover_fault {
    enum turnover_fault_kind kind;
    const char *limit_id;
    const char *text;     /* a sentence, in the arena */
    const char *currency; /* TURNOVER_INVALID_CURRENCY: the body's, and the one that is counted; else NULL */
    const char *expected;
};

/* "InvalidOperationCurrency", ...; never NULL. */
const char *turnover_fault_name(enum turnover_fault_kind kind);

/* Whether it speaks against the route only, when limits are held for it: then the route is rejected with
 * limit_misconfiguration. Everywhere else, and for other faults, the step fails (5). */
bool turnover_fault_is_misconfiguration(const struct turnover_fault *fault);

#define TURNOVER_REQUESTS_MAX 2

/* Appends the requests of one set of limits to OUT (room for TURNOVER_REQUESTS_MAX) and tells in *COUNT how many: 0
 * for an empty set, else the one of normal limits before that of invertable ones, limits in the order of USES in
 * each. All parts in ARENA; texts of TASK, FACTS and USES are pointed to.
 * False: *FAULT, of one limit that has one; nothing of OUT is to be used. When true, *FAULT says nothing.        */
SL_MUST_USE bool turnover_requests(const struct turnover_task *task, const struct turnover_facts *facts,
                                   const struct turnover_use *uses, size_t use_count, struct arena *arena,
                                   struct limit_request *out, size_t *count, struct turnover_fault *fault);

/* What the counters answered for USES[INDEX], of a request for all of the same USES (whose outcomes have no faults).
 * OUTCOMES begins with that of the set's first request. */
int64_t turnover_value(const struct turnover_use *uses, size_t use_count, const struct limit_outcome *outcomes,
                       size_t index);

/* Ids of operations (5), in ARENA. ITER: the attempt while its cash flow is built; routing's own is one more. */
const char *turnover_route_operation(struct arena *arena, int64_t provider_id, int64_t terminal_id,
                                     const char *invoice_id, const char *payment_id, int64_t iter);
const char *turnover_shop_operation(struct arena *arena, const char *party_id, const char *shop_id,
                                    const char *invoice_id, const char *payment_id);
const char *turnover_refund_operation(struct arena *arena, const char *invoice_id, const char *payment_id,
                                      const char *refund_id);

#endif
