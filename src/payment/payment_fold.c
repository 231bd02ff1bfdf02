/* The transition table of a payment: which change may come in which activity, what it does, and what is
 * next. The rows stand in the order of doc/spec/payment.md 5. */
#include <assert.h>
#include <string.h>

#include "payment/state.h"

typedef void (*fold_fn)(struct payment_state *payment, const struct payment_change *change, struct arena *arena);

#define IN(activity) (1u << (activity))
#define ANY (~0u)
#define SAME 0 /* the activity stays, or the fold sets it */

struct fold_row {
    int change;       /* PCHG_* */
    int detail;       /* a status (PAYMENT_*) or session change (SCHG_*); 0: any */
    unsigned allowed; /* activities, as bits */
    fold_fn fold;
    int next;
};

void activity_set(struct payment_state *payment, int activity)
{
    assert(activity >= 1 && activity <= ACT_COUNT);
    payment->activity = activity;
}

/* ---- folds ---- */

void list_push(struct type_list *list, const void *item, size_t size, struct arena *arena)
{
    char *items = arena_array(arena, list->count + 1, size);

    memcpy(items, item, size);
    if (list->count)
        memcpy(items + size, list->items, list->count * size);
    *list = (struct type_list){ items, list->count + 1 };
}

static void fold_started(struct payment_state *payment, const struct payment_change *change, struct arena *arena)
{
    (void)arena;
    payment->payment = change->started->payment;
    payment->target = (struct target){ .tag = TARGET_PROCESSED };
}

static void fold_limit_initiated(struct payment_state *payment, const struct payment_change *change, struct arena *arena)
{
    (void)change;
    (void)arena;
    payment->shop_limit_status = SHOP_LIMIT_INITIALIZED;
}

static void fold_limit_applied(struct payment_state *payment, const struct payment_change *change, struct arena *arena)
{
    (void)change;
    (void)arena;
    payment->shop_limit_status = SHOP_LIMIT_FINALIZED;
}

static void fold_risk_score(struct payment_state *payment, const struct payment_change *change, struct arena *arena)
{
    (void)arena;
    payment->risk_score = change->risk_score_changed->risk_score;
}

/* Entries of NEWS replace those of the same route in *OLD; SIZE is an entry's, whose first member is its route. */
static void merge_by_route(struct type_list *old, const struct type_list *news, size_t size, struct arena *arena)
{
    char *items = arena_array(arena, old->count + news->count, size);
    size_t i, j, count = news->count;

    if (!news->count)
        return;
    memcpy(items, news->items, news->count * size);
    for (i = 0; i < old->count; i++) {
        const char *entry = (const char *)old->items + i * size;

        for (j = 0; j < news->count; j++) {
            if (route_equal((const void *)entry, (const void *)((const char *)news->items + j * size)))
                break;
        }
        if (j == news->count)
            memcpy(items + count++ * size, entry, size);
    }
    *old = (struct type_list){ items, count };
}

static void fold_route(struct payment_state *payment, const struct payment_change *change, struct arena *arena)
{
    const struct route_changed *changed = change->route_changed;
    bool *skip = arena_alloc(arena, sizeof(*skip));

    *skip = changed->decision && changed->decision->skip_recurrent && *changed->decision->skip_recurrent;
    list_push(&payment->routes, &changed->route, sizeof(changed->route), arena);
    payment->candidates = changed->candidates;
    payment->cash_flow = (struct type_list){ NULL, 0 };
    payment->trx = NULL;
    payment->payment.skip_recurrent = *skip ? skip : NULL;
    merge_by_route(&payment->scores, &changed->scores, sizeof(struct route_score_entry), arena);
    merge_by_route(&payment->limits, &changed->limits, sizeof(struct route_limit_entry), arena);
}

static void fold_cash_flow(struct payment_state *payment, const struct payment_change *change, struct arena *arena)
{
    (void)arena;
    payment->cash_flow = change->cash_flow_changed->cash_flow;
    payment->final_flow = FINAL_FIRST;
}

static void fold_partial_cash_flow(struct payment_state *payment, const struct payment_change *change,
                                   struct arena *arena)
{
    (void)arena;
    payment->partial_cash_flow = change->cash_flow_changed->cash_flow;
    payment->final_flow = FINAL_PARTIAL;
}

static void fold_new_cash_flow(struct payment_state *payment, const struct payment_change *change, struct arena *arena)
{
    (void)arena;
    payment->new_cash = NULL;
    payment->new_cash_flow = change->cash_flow_changed->cash_flow;
    payment->final_flow = FINAL_NEW;
}

static void fold_cash_changed(struct payment_state *payment, const struct payment_change *change, struct arena *arena)
{
    (void)arena;
    payment->new_cash = &change->cash_changed->new_cash;
    payment->new_cash_provided = true;
    payment->payment.changed_cost = &change->cash_changed->new_cash;
}

static void fold_rec_token(struct payment_state *payment, const struct payment_change *change, struct arena *arena)
{
    (void)arena;
    payment->recurrent_token = change->rec_token_acquired->token;
}

static void fold_cascade_tokens(struct payment_state *payment, const struct payment_change *change, struct arena *arena)
{
    (void)arena;
    payment->cascade_tokens = &change->cascade_tokens_loaded->tokens;
}

/* What is under way is worked by it: the payment, or a refund outside its session (kind.c tells which). */
static void fold_revision(struct payment_state *payment, const struct payment_change *change, struct arena *arena)
{
    struct refund_state *refund = payment_pending_refund(payment);

    (void)arena;
    if (refund && refund_stage(refund) != REFUND_SESSION)
        refund->refund.domain_revision = change->revision_changed->domain_revision;
    else
        payment->payment.domain_revision = change->revision_changed->domain_revision;
}

static void fold_rollback(struct payment_state *payment, const struct payment_change *change, struct arena *arena)
{
    (void)arena;
    payment->failure = &change->rollback_started->reason;
    if (payment->shop_limit_status == SHOP_LIMIT_INITIALIZED)
        activity_set(payment, ACT_SHOP_LIMIT_FAILURE);
    else if (!payment->cash_flow.items)
        activity_set(payment, ACT_ROUTING_FAILURE);
    else
        activity_set(payment, ACT_PROCESSING_FAILURE);
}

static void fold_capture(struct payment_state *payment, const struct payment_change *change, struct arena *arena)
{
    (void)arena;
    payment->capture_data = &change->capture_started->data;
}

static void fold_session_started(struct payment_state *payment, const struct payment_change *change, struct arena *arena)
{
    const struct route *route = payment_route(payment);
    struct session session = {
        .target = change->session_change->target, .status = SESSION_ACTIVE, .trx = payment->trx,
    };

    if (route)
        session.route = *route;
    payment->target = session.target;
    list_push(&payment->sessions, &session, sizeof(session), arena);
}

static void fold_session_change(struct payment_state *payment, const struct payment_change *change, struct arena *arena)
{
    struct session *session = payment_session(payment, change->session_change->target.tag);

    if (!session)
        return; /* history that nobody should have written: nothing to fold it into */
    session_fold(session, &change->session_change->payload, arena);
    if (session->trx)
        payment->trx = session->trx;
    if (session->status != SESSION_FINISHED || session->result.tag != SESSION_SUCCEEDED)
        return;
    activity_set(payment, payment->activity == ACT_FINALIZING_SESSION ? ACT_FINALIZING_ACCOUNTER
                                                                      : ACT_PROCESSING_ACCOUNTER);
}

static void fold_status(struct payment_state *payment, const struct payment_change *change, struct arena *arena)
{
    const struct payment_status *status = &change->status_changed->status;

    (void)arena;
    payment->payment.status = *status;
    if (status->tag == PAYMENT_FAILED)
        payment->failure = NULL;
    if (status->tag != PAYMENT_CAPTURED || !status->captured.cost)
        return;
    payment->payment.cost = *status->captured.cost;
    if (payment->payment.changed_cost && !cash_equal(payment->payment.changed_cost, status->captured.cost))
        payment->payment.changed_cost = status->captured.cost; /* it wins over cost, and less was captured */
}

/* ---- the table ---- */

#define BEFORE_PROVIDER (IN(ACT_SHOP_LIMIT_FINALIZING) | IN(ACT_CASH_FLOW_BUILDING) | IN(ACT_PROCESSING_SESSION))
#define MAY_FAIL                                                                                             \
    (IN(ACT_RISK_SCORING) | IN(ACT_ROUTING) | IN(ACT_CASH_FLOW_BUILDING) | IN(ACT_SHOP_LIMIT_FAILURE) |      \
     IN(ACT_ROUTING_FAILURE) | IN(ACT_PROCESSING_FAILURE))
#define SESSIONS (IN(ACT_PROCESSING_SESSION) | IN(ACT_FINALIZING_SESSION))
#define TO_FINALIZE                                                                                          \
    (IN(ACT_FLOW_WAITING) | IN(ACT_PROCESSING_CAPTURE) | IN(ACT_UPDATING_ACCOUNTER) | IN(ACT_FINALIZING_SESSION))

static const struct fold_row rows[] = {
    /* change                    detail              may come in                         fold                    next */
    { PCHG_STARTED,              0,                  IN(ACT_NEW),                        fold_started,           ACT_SHOP_LIMIT_INITIALIZING },
    { PCHG_SHOP_LIMIT_INITIATED, 0,                  IN(ACT_SHOP_LIMIT_INITIALIZING),    fold_limit_initiated,   ACT_SHOP_LIMIT_FINALIZING },
    { PCHG_SHOP_LIMIT_APPLIED,   0,                  IN(ACT_SHOP_LIMIT_FINALIZING),      fold_limit_applied,     ACT_RISK_SCORING },
    { PCHG_RISK_SCORE_CHANGED,   0,                  IN(ACT_RISK_SCORING) | IN(ACT_SHOP_LIMIT_INITIALIZING), fold_risk_score, ACT_ROUTING },
    { PCHG_ROUTE_CHANGED,        0,                  IN(ACT_ROUTING) | IN(ACT_PROCESSING_FAILURE), fold_route,   ACT_CASH_FLOW_BUILDING },
    { PCHG_CASH_FLOW_CHANGED,    0,                  IN(ACT_CASH_FLOW_BUILDING),         fold_cash_flow,         ACT_PROCESSING_SESSION },
    { PCHG_CASH_FLOW_CHANGED,    0,                  IN(ACT_PROCESSING_CAPTURE),         fold_partial_cash_flow, ACT_UPDATING_ACCOUNTER },
    { PCHG_CASH_FLOW_CHANGED,    0,                  IN(ACT_PROCESSING_ACCOUNTER),       fold_new_cash_flow,     SAME },
    { PCHG_CASH_CHANGED,         0,                  IN(ACT_PROCESSING_SESSION),         fold_cash_changed,      SAME },
    { PCHG_REC_TOKEN_ACQUIRED,   0,                  SESSIONS,                           fold_rec_token,         SAME },
    { PCHG_CASCADE_TOKENS_LOADED, 0,                 ANY,                                fold_cascade_tokens,    SAME },
    { PCHG_REVISION_CHANGED,     0,                  ~IN(ACT_IDLE),                      fold_revision,          SAME },
    { PCHG_ROLLBACK_STARTED,     0,                  BEFORE_PROVIDER,                    fold_rollback,          SAME },
    { PCHG_CAPTURE_STARTED,      0,                  IN(ACT_FLOW_WAITING),               fold_capture,           ACT_PROCESSING_CAPTURE },
    { PCHG_SESSION_CHANGE,       SCHG_STARTED,       IN(ACT_PROCESSING_SESSION),         fold_session_started,   ACT_PROCESSING_SESSION },
    { PCHG_SESSION_CHANGE,       SCHG_STARTED,       TO_FINALIZE,                        fold_session_started,   ACT_FINALIZING_SESSION },
    { PCHG_SESSION_CHANGE,       0,                  SESSIONS,                           fold_session_change,    SAME },
    { PCHG_STATUS_CHANGED,       PAYMENT_PROCESSED,  IN(ACT_PROCESSING_ACCOUNTER),       fold_status,            ACT_FLOW_WAITING },
    { PCHG_STATUS_CHANGED,       PAYMENT_CAPTURED,   IN(ACT_FINALIZING_ACCOUNTER) | IN(ACT_IDLE), fold_status,   ACT_IDLE },
    { PCHG_STATUS_CHANGED,       PAYMENT_CANCELLED,  IN(ACT_FINALIZING_ACCOUNTER),       fold_status,            ACT_IDLE },
    { PCHG_STATUS_CHANGED,       PAYMENT_FAILED,     MAY_FAIL,                           fold_status,            ACT_IDLE },
    { PCHG_STATUS_CHANGED,       PAYMENT_REFUNDED,   IN(ACT_IDLE),                       fold_status,            ACT_IDLE },
    { PCHG_STATUS_CHANGED,       PAYMENT_CHARGED_BACK, IN(ACT_IDLE),                     fold_status,            ACT_IDLE },
};

static int change_detail(const struct payment_change *change)
{
    if (change->tag == PCHG_STATUS_CHANGED)
        return change->status_changed->status.tag;
    if (change->tag == PCHG_SESSION_CHANGE)
        return change->session_change->payload.tag;
    return 0;
}

static bool row_is_for(const struct fold_row *row, const struct payment_change *change)
{
    int detail = change_detail(change);

    if (row->change != change->tag)
        return false;
    /* A session's beginning has rows of its own. */
    return row->detail ? row->detail == detail : !(change->tag == PCHG_SESSION_CHANGE && detail == SCHG_STARTED);
}

/* A registered payment has been at its provider already: its route comes whatever it is doing (payment.md 14). */
static bool row_allows(const struct fold_row *row, const struct payment_state *payment)
{
    if (row->change == PCHG_ROUTE_CHANGED && payment->payment.registration_origin.tag == ORIGIN_PROVIDER)
        return true;
    return row->allowed & IN(payment->activity);
}

/* The row that allows CHANGE now; without STRICT the first that is for it at all. */
static const struct fold_row *row_find(const struct payment_state *payment, const struct payment_change *change,
                                       bool strict)
{
    const struct fold_row *any = NULL;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        if (!row_is_for(&rows[i], change))
            continue;
        if (row_allows(&rows[i], payment))
            return &rows[i];
        if (!any)
            any = &rows[i];
    }
    return strict ? NULL : any;
}

static bool has_session_for(const struct payment_state *payment, const struct payment_change *change)
{
    return change->tag != PCHG_SESSION_CHANGE || change->session_change->payload.tag == SCHG_STARTED ||
           payment_session(payment, change->session_change->target.tag);
}

const char *payment_fold(struct payment_state *payment, const struct payment_change *change, bool strict,
                         struct arena *arena)
{
    const struct fold_row *row;

    if (change->tag == PCHG_REFUND_CHANGE) /* has a small state machine of its own */
        return refund_fold(payment, change->refund_change, strict, arena);
    row = row_find(payment, change, strict);
    if (!row || (strict && !has_session_for(payment, change)))
        return arena_printf(arena, "%s may not come in %s", type_name_of(&type_payment_change, change->tag),
                            activity_name(payment->activity));
    row->fold(payment, change, arena);
    if (row->next != SAME)
        activity_set(payment, row->next);
    return NULL;
}
