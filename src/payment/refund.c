/* RefundPayment and CreateManualRefund: the checks of doc/spec/refunds.md 3 in their order, then the refund as it
 * begins, with its plan held.
 *
 * Terms, accounts and routes are those of the newest configuration, which the refund is stored with. A refused call
 * leaves the machine as it was, also where the configuration is at fault. */
#include <stdlib.h>
#include <string.h>

#include "domain/domain.h"
#include "payment/calls.h"
#include "payment/errors.h"
#include "payment/flow.h"
#include "payment/limits.h"
#include "payment/payer.h"
#include "payment/plan.h"
#include "payment/steps.h"

#define REFUNDS_MAX 1000 /* of one payment, those that failed among them: its history and snapshot stay of a size */
#define NUMBER_DIGITS_MAX 17 /* of a refund's id that counts as a number */

struct attempt {
    struct step_ctx ctx;
    const struct refund_params *params;
    bool manual;
    const struct shop *shop;
    const struct merchant_refund_terms *terms;
    struct refund refund;
    struct cash remaining; /* before it */
    bool partial;
};

/* ---- ids ---- */

/* The number that ID stands for; a manual refund's "m" does not count, and what is no number is 0. */
static int64_t number_of(const char *id)
{
    if (*id == 'm')
        id++;
    return strlen(id) <= NUMBER_DIGITS_MAX && strspn(id, "0123456789") == strlen(id) ? strtoll(id, NULL, 10) : 0;
}

static const char *next_id(const struct attempt *attempt)
{
    const struct refund_state *refunds = attempt->ctx.payment->refunds.items;
    int64_t number, greatest = 0;
    size_t i;

    for (i = 0; i < attempt->ctx.payment->refunds.count; i++) {
        number = number_of(refunds[i].refund.id);
        greatest = number > greatest ? number : greatest;
    }
    return arena_printf(attempt->ctx.in->arena, "%lld", (long long)greatest + 1);
}

/* ---- checks; each answers false after a refusal ---- */

static bool refused(const struct attempt *attempt, const char *field, const char *text)
{
    refuse_request(attempt->ctx.in, attempt->ctx.out, field, text);
    return false;
}

static bool not_permitted(const struct attempt *attempt)
{
    refuse(attempt->ctx.in, attempt->ctx.out, ERR_OPERATION_NOT_PERMITTED);
    return false;
}

/* The configuration is at fault, not the caller. */
static bool undecided(const struct attempt *attempt, const char *what)
{
    return refused(attempt, NULL, arena_printf(attempt->ctx.in->arena, "The terms do not decide on %s", what));
}

/* Row 3: the refund's id. */
static bool check_id(struct attempt *attempt)
{
    const char *id = attempt->params->id;

    if (id && *id == 'm' && !attempt->manual)
        return refused(attempt, "/id", "Invalid id format");
    id = id ? arena_strdup(attempt->ctx.in->arena, id) : next_id(attempt);
    if (attempt->manual && *id != 'm')
        id = arena_printf(attempt->ctx.in->arena, "m%s", id);
    if (strlen(id) > REFUND_ID_MAX)
        return refused(attempt, "/id", "Invalid id format");
    attempt->refund.id = id;
    return true;
}

/* A refund that was created after this call had been made is one that its caller could not know: for him it is pending,
 * though it may be over by now. */
static bool is_overtaken(const struct attempt *attempt)
{
    const struct refund_state *refunds = attempt->ctx.payment->refunds.items;
    int64_t made_us = attempt->ctx.in->made_us;
    size_t i;

    for (i = 0; made_us && i < attempt->ctx.payment->refunds.count; i++) {
        if (refunds[i].refund.created_at >= made_us)
            return true;
    }
    return false;
}

/* Rows 4 to 6: whether it may be refunded now. */
static bool check_status(const struct attempt *attempt)
{
    const struct payment_state *payment = attempt->ctx.payment;

    if (payment->payment.status.tag != PAYMENT_CAPTURED) {
        refuse_payment_status(attempt->ctx.in, attempt->ctx.out, &payment->payment.status);
        return false;
    }
    if (payment->activity != ACT_IDLE || is_overtaken(attempt)) /* busy with another refund */
        return not_permitted(attempt);
    return payment->refunds.count < REFUNDS_MAX || refused(attempt, NULL, "Too many refunds of this payment");
}

/* Rows 7 to 8a. */
static bool check_cash(struct attempt *attempt)
{
    const struct refund_params *params = attempt->params;
    struct cash rest = attempt->remaining, total;
    const char *why = NULL;

    attempt->refund.cash = params->cash ? *params->cash : attempt->remaining;
    if (!cash_same_currency(&attempt->refund.cash, &attempt->remaining)) {
        refuse_refund_currency(attempt->ctx.in, attempt->ctx.out, params->cash);
        return false;
    }
    rest.amount -= attempt->refund.cash.amount;
    if (rest.amount < 0) {
        refuse_refund_amount(attempt->ctx.in, attempt->ctx.out, &attempt->remaining);
        return false;
    }
    if (!params->cart)
        return true;
    if (!params->cash)
        return refused(attempt, "/cart", "Refund amount does not match with the cart total amount");
    if (!invoice_cart_total(params->cart, &total, &why))
        return refused(attempt, "/cart", why);
    return cash_equal(&rest, &total) || refused(attempt, "/cart", "Remaining payment amount not equal cart cost");
}

/* Row 12. */
static bool check_method(const struct attempt *attempt, const struct varset *facts)
{
    const struct type_list *methods =
        selector_value(attempt->ctx.in->config, attempt->terms->payment_methods, facts);
    struct payment_method method;

    if (!methods)
        return undecided(attempt, "payment methods of refunds");
    return (tool_method(facts->payment_tool, &method) && method_in(&method, methods)) ||
           refused(attempt, NULL, "Invalid payment method");
}

/* Row 13: until when. */
static bool check_eligibility(const struct attempt *attempt, const struct varset *facts)
{
    const struct time_span *span =
        selector_value(attempt->ctx.in->config, attempt->terms->eligibility_time, facts);

    if (!span)
        return undecided(attempt, "the time for refunds");
    return attempt->refund.created_at <= time_span_after(span, attempt->ctx.payment->payment.created_at) ||
           not_permitted(attempt);
}

/* Row 14, of a partial refund. */
static bool check_limit(const struct attempt *attempt, const struct varset *facts)
{
    const struct cash_range *range =
        selector_value(attempt->ctx.in->config, attempt->terms->partial_refunds->cash_limit, facts);

    if (!range)
        return undecided(attempt, "the amount of partial refunds");
    switch (cash_range_place(range, &attempt->refund.cash)) {
    case CASH_WITHIN: return true;
    case CASH_EXCEEDS_LOWER: return refused(attempt, "/cash/amount", "Invalid amount, less than allowed minumum");
    case CASH_EXCEEDS_UPPER: return refused(attempt, "/cash/amount", "Invalid amount, more than allowed maximum");
    case CASH_INCOMPATIBLE: break;
    }
    return undecided(attempt, "the amount of partial refunds in this currency");
}

/* Row 15a: the provider will be asked, and wants a token of a recurrent payer. */
static bool check_token(const struct attempt *attempt)
{
    const struct payment_state *payment = attempt->ctx.payment;

    return attempt->params->transaction_info || payment->payment.payer.tag != PAYER_RECURRENT ||
           payer_token(payment) ||
           refused(attempt, NULL, "The provider cannot be asked: there is no recurrent token for the payment's route");
}

/* Row 15: what the provider allows. */
static bool check_provider(const struct attempt *attempt, const struct varset *facts)
{
    const struct provision_refund_terms *terms = flow_refund_terms(&attempt->ctx);
    const struct cash_range *range;

    if (!terms)
        return undecided(attempt, "refunds by the payment's provider");
    if (!attempt->partial)
        return true;
    range = terms->partial_refunds
                ? selector_value(attempt->ctx.in->config, terms->partial_refunds->cash_limit, facts)
                : NULL;
    return (range && cash_range_place(range, &attempt->refund.cash) == CASH_WITHIN) ||
           undecided(attempt, "a partial refund of this amount by the payment's provider");
}

/* Rows 10 to 15. The terms are reduced with what the payment cost, not with what is refunded. */
static bool check_terms(struct attempt *attempt)
{
    const struct term_set *terms = domain_terms(attempt->ctx.in->config, attempt->shop->terms.id);
    const struct cash *cost = payment_state_cost(attempt->ctx.payment);
    const struct varset facts = flow_facts(&attempt->ctx, attempt->shop, cost, false);

    attempt->terms = terms && terms->payments ? terms->payments->refunds : NULL;
    if (!attempt->terms)
        return not_permitted(attempt);
    attempt->partial = attempt->refund.cash.amount != cost->amount;
    if (attempt->partial && !attempt->terms->partial_refunds)
        return not_permitted(attempt);
    if (!check_method(attempt, &facts) || !check_eligibility(attempt, &facts))
        return false;
    if (attempt->partial && !check_limit(attempt, &facts))
        return false;
    if (attempt->refund.cash.amount <= 0) /* the limits of partial refunds let it pass */
        return refused(attempt, "/cash/amount", "Invalid amount, less than allowed minumum");
    return check_provider(attempt, &facts) && check_token(attempt);
}

/* ---- the refund ---- */

static void answer(const struct attempt *attempt, const char *id, bool existing)
{
    struct refund_reply reply = { .refund_id = arena_strdup(attempt->ctx.in->arena, id), .existing = existing };

    attempt->ctx.out->reply = arena_memdup(attempt->ctx.in->arena, &reply, sizeof(reply));
}

/* A step that failed because of the configuration is a refusal here: nobody's machine is to be parked for it. */
static void refuse_failed(const struct attempt *attempt)
{
    struct step_out *out = attempt->ctx.out;

    if (out->end == STEP_FAIL)
        refuse_request(attempt->ctx.in, out, NULL, out->reason);
}

/* Rows 16 and 17, and the commit. */
static void create(struct attempt *attempt)
{
    struct arena *arena = attempt->ctx.in->arena;
    struct refund_created *created = arena_alloc(arena, sizeof(*created));
    struct refund_state *state = arena_alloc(arena, sizeof(*state));
    struct plan plan;

    created->refund = attempt->refund;
    created->transaction_info = attempt->params->transaction_info;
    state->refund = attempt->refund;
    attempt->ctx.refund = state;
    if (flow_build_refund(&attempt->ctx, attempt->terms, &attempt->refund.cash, &created->cash_flow) &&
        limits_ask_refund(&attempt->ctx, LIMIT_HOLD, &(struct limits_ask){ 0 })) {
        plan = plan_first(&created->cash_flow);
        if (plan_apply(&attempt->ctx, LEDGER_HOLD, &plan, 0)) {
            emit_refund(&attempt->ctx, &(struct refund_change){ .tag = RCHG_CREATED, .created = created });
            step_continue(attempt->ctx.in, attempt->ctx.out);
            answer(attempt, attempt->refund.id, false);
        }
    }
    refuse_failed(attempt);
}

/* What remained of the payment when EXISTING was created: refunds follow one after the other. */
static struct cash remained_before(const struct attempt *attempt, const struct refund_state *existing)
{
    const struct refund_state *refunds = attempt->ctx.payment->refunds.items;
    struct cash remained = *payment_state_cost(attempt->ctx.payment);
    size_t i;

    for (i = 0; i < attempt->ctx.payment->refunds.count && &refunds[i] != existing; i++) {
        if (refunds[i].refund.status.tag == REFUND_SUCCEEDED)
            remained.amount -= refunds[i].refund.cash.amount;
    }
    return remained;
}

/* The id is taken: by this very call, made before, or by another one. */
static void repeat(const struct attempt *attempt, const struct refund_state *existing)
{
    struct arena *arena = attempt->ctx.in->arena;
    struct type_places *differs = arena_alloc(arena, sizeof(*differs));
    struct cash remained = remained_before(attempt, existing);
    struct refund_params is = *attempt->params, was = is;

    is.cash = is.cash ? is.cash : &remained;
    was.cash = &existing->refund.cash;
    was.reason = existing->refund.reason;
    was.cart = existing->refund.cart;
    was.external_id = existing->refund.external_id;
    was.transaction_info = existing->transaction_info;
    was.allocation = NULL;
    type_differ(&type_manual_refund_params, &is, &was, "", arena, differs);
    if (differs->count)
        refuse_reused(attempt->ctx.in, attempt->ctx.out, differs);
    else
        answer(attempt, existing->refund.id, true);
}

/* Rows 1 to 3. False: refused, or the refund is there already and is the answer. */
static bool find(struct attempt *attempt, const char *payment_id)
{
    const struct step_ctx *ctx = &attempt->ctx;
    const struct invoice *invoice = &ctx->invoice->invoice;
    const struct refund_state *existing;

    attempt->shop = require_operable(ctx->in, ctx->out, ctx->in->config, invoice->party_ref.id, invoice->shop_ref.id,
                                     false);
    if (!attempt->shop)
        return false;
    attempt->ctx.payment = invoice_payment(ctx->invoice, payment_id);
    if (!ctx->payment) {
        refuse(ctx->in, ctx->out, ERR_PAYMENT_NOT_FOUND);
        return false;
    }
    if (!check_id(attempt))
        return false;
    existing = payment_refund(ctx->payment, attempt->refund.id);
    if (!existing)
        return true;
    repeat(attempt, existing);
    return false;
}

/* The parts of the refund that no check decides on. */
static void fill(struct attempt *attempt)
{
    struct refund *refund = &attempt->refund;

    refund->status.tag = REFUND_PENDING;
    refund->created_at = attempt->ctx.in->now_us;
    refund->domain_revision = domain_revision(attempt->ctx.in->head);
    refund->reason = attempt->params->reason;
    refund->cart = attempt->params->cart;
    refund->external_id = attempt->params->external_id;
    attempt->remaining = payment_remaining(attempt->ctx.payment);
}

void refund_payment(const struct step_in *in, const struct refund_call *call, struct step_out *out)
{
    struct step_in at_head = *in;
    struct refund_params params;
    struct attempt attempt = {
        .ctx = { .in = &at_head, .out = out, .invoice = in->state }, .params = &params, .manual = call->manual,
    };

    if (!in->head) {
        step_retry(in, out, "no configuration is known");
        return;
    }
    at_head.config = in->head;
    type_copy(&type_manual_refund_params, &params, &call->params, in->arena); /* the caller's may not outlive the answer */
    if (!find(&attempt, call->payment_id) || !check_status(&attempt))
        return;
    fill(&attempt);
    if (!check_cash(&attempt))
        return;
    if (params.allocation)
        refuse(in, out, ERR_ALLOCATION_NOT_ALLOWED);
    else if (check_terms(&attempt))
        create(&attempt);
}
