/* Turnover counters: nothing is held, each is the sum of what its operations committed, and what was committed is what
 * the histories imply, operation by operation. How much an operation counts for, and on which counter, is asked of
 * src/limits; which operations there are, how each ended, and what that means for a limit is found out here, from
 * doc/spec/limits.md 4.2 and 6 to 8:
 *
 *   operation                                            normal limits    invertable limits
 *   shop: the payment got past its limits                counts           counts
 *   attempt: captured, its session finished              counts           -
 *   attempt: captured without a session (registered)     counts           counts
 *   attempt: failed or cancelled, its session finished   -                counts: a failed attempt
 *   attempt: failed or cancelled without one             -                -
 *   refund: succeeded                                    counts           counts
 *   refund: failed, with a session or without            -                -                                */
#include "sim/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/xmalloc.h"
#include "domain/selector.h"
#include "limits/turnover.h"
#include "sim/counters.h"

struct turnover {
    UT_hash_handle hh;
    int64_t amount;
    bool seen;
    char key[]; /* "counter operation" */
};

/* ---- what the histories imply ---- */

struct implying {
    struct checking *checking;
    const char *invoice;
    const struct payment_state *payment;
    struct turnover_facts facts;
    struct arena *arena;
};

static void imply(struct checking *checking, const char *counter, const char *operation, int64_t amount)
{
    size_t size = strlen(counter) + strlen(operation) + 2;
    struct turnover *turnover = xcalloc(1, sizeof(*turnover) + size);

    snprintf(turnover->key, size, "%s %s", counter, operation);
    turnover->amount = amount;
    HASH_ADD_STR(checking->turnovers, key, turnover);
}

/* For which limits an operation counts, now that it is over: a row of the table above. */
struct ended {
    bool normal, invertable;
};

static const struct ended counts = { true, true }, counts_not = { false, false };

static struct ended attempt_end(bool captured, bool session_finished)
{
    return (struct ended){ captured, captured != session_finished };
}

/* What of OPERATION, which ended so, stays on the counters of LIMITS is remembered. */
static void imply_limits(struct implying *implying, const struct type_list *limits, const char *operation,
                         struct ended ended)
{
    const struct turnover_limit *list = limits ? limits->items : NULL;
    size_t i, j, count = 0, requests_count = 0;
    struct turnover_use *uses = arena_array(implying->arena, limits ? limits->count : 0, sizeof(*uses));
    struct turnover_task task = { .verb = LIMIT_COMMIT, .operation = operation };
    struct limit_request requests[TURNOVER_REQUESTS_MAX];
    struct turnover_fault fault;

    for (i = 0; limits && i < limits->count; i++) {
        uses[count] = (struct turnover_use){ &list[i], domain_limit_config(implying->facts.domain, list[i].ref.id) };
        count += uses[count].config->finalization_behaviour.tag == FINALIZATION_INVERTABLE ? ended.invertable : ended.normal;
    }
    if (!turnover_requests(&task, &implying->facts, uses, count, implying->arena, requests, &requests_count, &fault)) {
        sim_violation(implying->checking->sim, implying->invoice, "operation %s cannot have been counted: %s", operation,
                      fault.text);
        return;
    }
    for (i = 0; i < requests_count; i++) {
        for (j = 0; j < requests[i].count; j++)
            imply(implying->checking, requests[i].changes[j].counter, requests[i].operation,
                  requests[i].changes[j].amount);
    }
}

static void imply_route(struct implying *implying, const struct route *route, const char *operation,
                        struct ended ended)
{
    const struct terminal *terminal = domain_terminal(implying->facts.domain, route->terminal.id);
    const struct selector *selector = terminal->effective->payments->turnover_limits;
    const struct varset nothing = { .amount = NULL };

    implying->facts.provider_id = route->provider.id;
    implying->facts.terminal_id = route->terminal.id;
    if (selector)
        imply_limits(implying, selector_value(implying->facts.domain, selector, &nothing), operation, ended);
}

/* Whether an attempt's session came to an end, whatever the end. */
static bool attempt_ended(const struct payment_state *payment, const struct route *route)
{
    const struct session *sessions = payment->sessions.items;
    size_t i;

    for (i = 0; i < payment->sessions.count; i++) {
        if (sessions[i].target.tag == TARGET_PROCESSED && sessions[i].status == SESSION_FINISHED &&
            route_equal(&sessions[i].route, route))
            return true;
    }
    return false;
}

static void imply_attempts(struct implying *implying, const struct cash *cost)
{
    const struct payment_state *payment = implying->payment;
    const struct route *routes = payment->routes.items;
    int status = payment->payment.status.tag;
    bool captured = status == PAYMENT_CAPTURED || status == PAYMENT_REFUNDED;
    size_t i;

    for (i = 0; i < payment->routes.count; i++) { /* the newest first: earlier ones have failed */
        int64_t iter = (int64_t)(payment->routes.count - i);

        if (i == 0 && payment->new_cash_provided)
            iter *= 1000; /* what was held for the old cost was given back */
        implying->facts.partial = i == 0 && captured ? cost : NULL;
        imply_route(implying, &routes[i],
                    turnover_route_operation(implying->arena, routes[i].provider.id, routes[i].terminal.id,
                                             implying->invoice, payment->payment.id, iter),
                    attempt_end(i == 0 && captured, attempt_ended(payment, &routes[i])));
    }
}

static void imply_refunds(struct implying *implying)
{
    const struct payment_state *payment = implying->payment;
    const struct refund_state *refunds = payment->refunds.items;
    const struct route *route = payment_route(payment);
    const struct sim *sim = implying->checking->sim;
    size_t i;

    for (i = 0; route && i < payment->refunds.count; i++) {
        const struct refund *refund = &refunds[i].refund;

        implying->facts.domain = sim->revisions[refund->domain_revision - 1];
        implying->facts.is_refund = true;
        implying->facts.partial = NULL;
        implying->facts.body = refund->cash;
        implying->facts.created_at = refund->created_at;
        imply_route(implying, route,
                    turnover_refund_operation(implying->arena, implying->invoice, payment->payment.id, refund->id),
                    refund->status.tag == REFUND_SUCCEEDED ? counts : counts_not);
    }
}

void check_limits_payment(struct checking *checking, const char *invoice, const struct cash *invoice_cost,
                          const struct payment_state *state)
{
    const struct payment *payment = &state->payment;
    bool registered = payment->registration_origin.tag == ORIGIN_PROVIDER;
    const struct domain *domain = checking->sim->revisions[payment->domain_revision - 1];
    struct implying implying = {
        .checking = checking, .invoice = invoice, .payment = state, .arena = arena_new(),
        .facts = {
            .party_id = payment->party_ref.id, .shop_id = payment->shop_ref.id, .tool = payer_tool(&payment->payer),
            .email = payer_contact(&payment->payer)->email, .body = registered ? payment->cost : *invoice_cost,
            .created_at = payment->created_at, .domain = domain,
        },
    };

    if (state->shop_limit_status == SHOP_LIMIT_FINALIZED && !registered)
        imply_limits(&implying, &domain_shop(domain, payment->party_ref.id, payment->shop_ref.id)->turnover_limits,
                     turnover_shop_operation(implying.arena, payment->party_ref.id, payment->shop_ref.id, invoice,
                                             payment->id),
                     counts);
    imply_attempts(&implying, &payment->cost);
    imply_refunds(&implying);
    arena_free(implying.arena);
}

/* ---- against the counters ---- */

static void check_record(struct checking *checking, const struct counter *counter, const struct record *record)
{
    struct sim *sim = checking->sim;
    struct turnover *turnover;
    char key[512];

    if (record->state == RECORD_ROLLED_BACK)
        return;
    if (record->state == RECORD_HELD) {
        sim_violation(sim, NULL, "operation %s still holds %" PRId64 " on counter %s", record->operation, record->amount,
                      counter->name);
        return;
    }
    snprintf(key, sizeof(key), "%s %s", counter->name, record->operation);
    HASH_FIND_STR(checking->turnovers, key, turnover);
    if (!turnover) {
        sim_violation(sim, NULL, "counter %s counts %" PRId64 " for operation %s, which no history implies", counter->name,
                      record->amount, record->operation);
        return;
    }
    turnover->seen = true;
    if (turnover->amount != record->amount)
        sim_violation(sim, NULL, "counter %s counts %" PRId64 " for operation %s, its history implies %" PRId64,
                      counter->name, record->amount, record->operation, turnover->amount);
}

void check_limits(struct checking *checking)
{
    struct counter *counter, *next;
    struct record *record, *later;
    struct turnover *turnover, *other;

    HASH_ITER(hh, checking->sim->counters->list, counter, next) {
        int64_t sum = 0;

        HASH_ITER(hh, counter->records, record, later) {
            sum += record->state == RECORD_ROLLED_BACK ? 0 : record->amount;
            check_record(checking, counter, record);
        }
        if (sum != counter->value)
            sim_violation(checking->sim, NULL, "counter %s is %" PRId64 ", its operations come to %" PRId64,
                          counter->name, counter->value, sum);
    }
    HASH_ITER(hh, checking->turnovers, turnover, other) {
        if (!turnover->seen)
            sim_violation(checking->sim, NULL, "the histories imply %" PRId64 " on %s, which does not count it",
                          turnover->amount, turnover->key);
        HASH_DEL(checking->turnovers, turnover);
        free(turnover);
    }
}
