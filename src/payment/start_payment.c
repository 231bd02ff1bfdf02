/* StartPayment: the checks of doc/spec/payment.md 6.3 in their order, then the payment as it begins.
 *
 * A refused call leaves the machine as it was, also where the configuration is at fault: a bad client or a bad
 * tariff must not park an invoice. */
#include <inttypes.h>
#include <string.h>

#include "domain/domain.h"
#include "payment/calls.h"
#include "payment/emit.h"
#include "payment/errors.h"
#include "payment/limits.h"
#include "payment/payer.h"
#include "payment/steps.h"

struct start {
    const struct step_in *in;
    struct step_out *out;
    const struct invoice_state *state;
    const struct shop *shop;
    struct varset facts;
    struct payment_method method;
    bool has_method; /* the tool counts as some method */
    struct payment payment;
};

/* ---- the payment that the call asks for ---- */

/* The parts of *PAYMENT that the caller decides, in ARENA. TOOL: of a recurrent payer. */
static void fill(const struct start_payment_call *call, const struct payment_tool *tool, struct arena *arena,
                 struct payment *payment)
{
    struct start_payment_call copy;

    type_copy(&type_start_payment_call, &copy, call, arena);
    payment->payer = payer_make(&copy.payer, tool, arena);
    payment->flow.tag = copy.flow.tag;
    payment->flow.hold.on_hold_expiration = copy.flow.hold.on_hold_expiration;
    payment->payer_session_info = copy.payer_session_info;
    payment->make_recurrent = copy.make_recurrent;
    payment->external_id = copy.external_id;
    payment->context = copy.context;
    payment->processing_deadline = copy.processing_deadline;
    payment->customer_id = copy.customer_id;
}

/* ---- checks; each answers false after a refusal ---- */

static bool refused(const struct start *start, const char *field, const char *text)
{
    refuse_request(start->in, start->out, field, text);
    return false;
}

/* Whether the method is in the set that SELECTOR gives. */
static bool check_method(struct start *start, const struct selector *selector, const char *terms)
{
    const struct type_list *methods = selector_value(start->in->head, selector, &start->facts);

    if (!methods)
        return refused(start, NULL, arena_printf(start->in->arena, "The shop's %s terms do not decide on a payment "
                                                 "method", terms));
    if (!start->has_method || !method_in(&start->method, methods))
        return refused(start, "/payer", "Invalid payment method");
    return true;
}

static bool check_cost(struct start *start, const struct selector *selector)
{
    const struct cash_range *range = selector_value(start->in->head, selector, &start->facts);

    if (!range)
        return refused(start, NULL, "The shop's payment terms do not decide on an amount");
    switch (cash_range_place(range, &start->payment.cost)) {
    case CASH_WITHIN: return true;
    case CASH_EXCEEDS_LOWER: return refused(start, NULL, "Invalid amount, less than allowed minumum");
    case CASH_EXCEEDS_UPPER: return refused(start, NULL, "Invalid amount, more than allowed maximum");
    case CASH_INCOMPATIBLE: break;
    }
    return refused(start, NULL, "The shop's payment terms limit amounts of another currency");
}

static bool check_hold(struct start *start, const struct merchant_hold_terms *terms)
{
    const struct hold_lifetime *lifetime;
    int64_t second = start->payment.created_at / 1000000, until;

    if (start->payment.flow.tag != FLOW_HOLD)
        return true;
    if (!terms)
        return refused(start, "/flow", "Holds are not available");
    if (!check_method(start, terms->payment_methods, "hold"))
        return false;
    lifetime = selector_value(start->in->head, terms->lifetime, &start->facts);
    if (!lifetime || __builtin_add_overflow(second, lifetime->seconds, &until) ||
        __builtin_mul_overflow(until, (int64_t)1000000, &start->payment.flow.hold.held_until))
        return refused(start, "/flow", "The shop's hold terms do not decide on a lifetime");
    return true;
}

static bool wants_recurrent(const struct payment *payment)
{
    return payment->make_recurrent && *payment->make_recurrent;
}

static bool check_recurrent(struct start *start, const struct merchant_recurrent_terms *terms)
{
    if (start->payment.payer.tag != PAYER_RECURRENT && !wants_recurrent(&start->payment))
        return true;
    if (!terms) {
        refuse(start->in, start->out, ERR_OPERATION_NOT_PERMITTED);
        return false;
    }
    return check_method(start, terms->payment_methods, "recurrent");
}

static bool check_terms(struct start *start)
{
    const struct term_set *terms = domain_terms(start->in->head, start->shop->terms.id);

    if (!terms || !terms->payments)
        return refused(start, NULL, "The shop has no payment terms");
    return check_method(start, terms->payments->payment_methods, "payment") &&
           check_cost(start, terms->payments->cash_limit) && check_hold(start, terms->payments->holds) &&
           check_recurrent(start, terms->recurrent_paytools);
}

/* ---- the call ---- */

static void reply(const struct start *start, const char *id, bool existing)
{
    struct start_payment_reply out = { .payment_id = arena_strdup(start->in->arena, id), .existing = existing };

    start->out->reply = arena_memdup(start->in->arena, &out, sizeof(out));
}

/* The id is taken: by this very call, made before, or by another one. */
static void repeat(const struct start *start, const struct start_payment_call *call, const struct payment *payment)
{
    struct type_places *differs = arena_alloc(start->in->arena, sizeof(*differs));
    struct payment wanted = *payment;

    wanted.registration_origin.tag = ORIGIN_MERCHANT;
    if (call->payer.tag == payment->payer.tag) /* a recurrent payer's tool and customer came from the parent */
        fill(call, payer_tool(&payment->payer), start->in->arena, &wanted);
    else
        type_place_add(differs, start->in->arena, "/payer");
    if (payment->payer.tag == PAYER_RECURRENT && !wanted.customer_id)
        wanted.customer_id = payment->customer_id;
    if (wants_recurrent(&wanted) == wants_recurrent(payment)) /* "false" is what is meant when nothing is said */
        wanted.make_recurrent = payment->make_recurrent;
    type_differ(&type_payment, &wanted, payment, "", start->in->arena, differs);
    if (differs->count)
        refuse_reused(start->in, start->out, differs);
    else
        reply(start, payment->id, true);
}

/* Checks 5 and 6. */
static bool check_invoice(struct start *start)
{
    if (start->state->invoice.status.tag != INVOICE_UNPAID)
        refuse_invoice_status(start->in, start->out, &start->state->invoice.status);
    else if (start->state->active)
        refuse_pending(start->in, start->out, start->state->active);
    else if (start->state->payments.count >= PAYMENTS_MAX)
        return refused(start, NULL, "Too many payments of this invoice");
    return start->out->end == STEP_OK;
}

static void begin(struct start *start, const struct start_payment_call *call)
{
    const struct payment_state *parent = call->payer.tag == PAYER_RECURRENT ? call->parent->payment : NULL;
    const struct invoice *invoice = &start->state->invoice;
    struct payment *payment = &start->payment;

    fill(call, parent ? payer_tool(&parent->payment.payer) : NULL, start->in->arena, payment);
    payment->id = call->id ? arena_strdup(start->in->arena, call->id) : invoice_free_id(start->state, start->in->arena);
    payment->created_at = start->in->now_us;
    payment->status.tag = PAYMENT_PENDING;
    payment->cost = invoice->cost;
    payment->domain_revision = domain_revision(start->in->head);
    payment->party_ref = invoice->party_ref;
    payment->shop_ref = invoice->shop_ref;
    payment->registration_origin.tag = ORIGIN_MERCHANT;
    start->facts = (struct varset){
        .category = start->shop->category.id,
        .currency = payment->cost.currency.symbolic_code,
        .amount = &payment->cost,
        .payment_tool = payer_tool(&payment->payer),
        .party_id = payment->party_ref.id,
        .shop_id = payment->shop_ref.id,
    };
    start->has_method = tool_method(start->facts.payment_tool, &start->method);
}

static bool check_parent(struct start *start, const struct start_payment_call *call)
{
    return call->payer.tag != PAYER_RECURRENT ||
           payer_parent_fits(start->in, start->out, call->parent->payment, &start->payment);
}

/* Step 21: whoever made the call has asked the card store already. */
static void emit_tokens(struct step_ctx *ctx, const struct start_payment_call *call)
{
    struct cascade_tokens_loaded loaded;

    if (call->payer.tag != PAYER_RECURRENT)
        return;
    loaded.tokens = payer_tokens(call->parent, ctx->in->arena);
    emit_change(ctx, &(struct payment_change){
        .tag = PCHG_CASCADE_TOKENS_LOADED,
        .cascade_tokens_loaded = arena_memdup(ctx->in->arena, &loaded, sizeof(loaded)),
    });
}

/* The shop's limits are held first of all: what they cannot count is refused instead of parked. */
static bool check_limits(struct start *start)
{
    struct payment_state stub = { .payment = start->payment, .activity = ACT_NEW };
    struct step_in in = *start->in;
    struct step_out out = { 0 };
    struct step_ctx ctx = { .in = &in, .out = &out, .invoice = start->state, .payment = &stub };
    struct limits_ask ask = { 0 };
    struct limits_set set;

    in.config = in.head;
    return limits_ask_shop(&ctx, LIMIT_HOLD, false, &ask, &set) ||
           refused(start, NULL, arena_printf(start->in->arena, "The payment cannot be counted: %s", out.reason));
}

static void commit(struct start *start, const struct start_payment_call *call)
{
    struct payment_started *started = arena_alloc(start->in->arena, sizeof(*started));
    struct payment_state stub = { .activity = ACT_NEW };
    struct step_ctx ctx = { .in = start->in, .out = start->out, .invoice = start->state, .payment = &stub };

    started->payment = start->payment;
    stub.payment.id = start->payment.id;
    emit_change(&ctx, &(struct payment_change){ .tag = PCHG_STARTED, .started = started });
    emit_tokens(&ctx, call);
    step_continue(start->in, start->out);
    reply(start, start->payment.id, false);
}

void start_payment(const struct step_in *in, const struct start_payment_call *call, struct step_out *out)
{
    struct start start = { .in = in, .out = out, .state = in->state };
    const struct invoice *invoice = &start.state->invoice;
    const struct payment_state *existing;

    if (!in->head) {
        step_retry(in, out, "there is no configuration yet");
        return;
    }
    start.shop = require_operable(in, out, in->head, invoice->party_ref.id, invoice->shop_ref.id, false);
    if (!start.shop)
        return;
    existing = call->id ? invoice_payment(start.state, call->id) : NULL;
    if (existing) {
        repeat(&start, call, &existing->payment);
        return;
    }
    if (!check_invoice(&start) || !payer_parent_known(in, out, &call->payer, call->parent))
        return;
    begin(&start, call);
    if (check_terms(&start) && check_parent(&start, call) && check_limits(&start))
        commit(&start, call);
}
