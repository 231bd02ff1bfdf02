/* RegisterPayment: a payment that has happened at its provider already becomes one of the invoice's.
 *
 * Nobody is asked: no inspector, no routing, no provider, no terms of the merchant; only what would keep the books
 * from being right is refused. One commit tells all that other payments tell step by step; processing_capture
 * goes on from there. Ref: doc/spec/payment.md 14. */
#include <inttypes.h>
#include <string.h>

#include "payment/errors.h"
#include "payment/flow.h"
#include "payment/limits.h"
#include "payment/payer.h"
#include "payment/steps.h"

struct registration {
    struct step_ctx ctx;
    struct register_payment_call call; /* a copy in the arena */
    struct payment_state state;        /* the payment as it will be when its route is known */
    struct type_list flow;
};

/* ---- checks; each answers false after a refusal ---- */

static bool refused(const struct registration *reg, const char *field, const char *text)
{
    refuse_request(reg->ctx.in, reg->ctx.out, field, text);
    return false;
}

static bool check_route(const struct registration *reg)
{
    const struct terminal *terminal = domain_terminal(reg->ctx.in->head, reg->call.route.terminal.id);

    if (!domain_provider(reg->ctx.in->head, reg->call.route.provider.id))
        return refused(reg, "/route/provider", "There is no such provider");
    if (!terminal)
        return refused(reg, "/route/terminal", "There is no such terminal");
    if (!terminal->provider_ref || terminal->provider_ref->id != reg->call.route.provider.id)
        return refused(reg, "/route/terminal", "The terminal is another provider's");
    return true;
}

/* Terms that give no flow refuse the call instead of parking the invoice: nothing has happened here yet. */
static bool check_flow(struct registration *reg)
{
    if (reg->state.payment.cost.amount <= 0)
        return refused(reg, "/cost/amount", "Invalid amount");
    if (flow_build(&reg->ctx, &reg->state.payment.cost, &reg->flow))
        return true;
    return refused(reg, "/route", arena_printf(reg->ctx.in->arena, "The payment has no cash flow: %s",
                                               reg->ctx.out->reason));
}

/* The same for limits that the first step could not hold. */
static bool check_limits(struct registration *reg)
{
    const struct limits_route_task task = { .verb = LIMIT_HOLD, .iter = payment_iter(&reg->state) };
    struct limits_ask ask = { 0 };

    if (limits_ask_route(&reg->ctx, &reg->call.route, &task, &ask, NULL, NULL))
        return true;
    return refused(reg, "/route", arena_printf(reg->ctx.in->arena, "The payment cannot be counted: %s",
                                               reg->ctx.out->reason));
}

static bool check_invoice(const struct registration *reg)
{
    const struct invoice_state *invoice = reg->ctx.invoice;

    if (invoice->invoice.status.tag != INVOICE_UNPAID)
        refuse_invoice_status(reg->ctx.in, reg->ctx.out, &invoice->invoice.status);
    else if (invoice->active)
        refuse_pending(reg->ctx.in, reg->ctx.out, invoice->active);
    else if (invoice->payments.count >= PAYMENTS_MAX)
        return refused(reg, NULL, "Too many payments of this invoice");
    return reg->ctx.out->end == STEP_OK;
}

/* ---- the payment that the call tells of ---- */

/* TOOL: of a recurrent payer's parent. */
static void fill(const struct registration *reg, const struct payment_tool *tool, struct payment *payment)
{
    payment->payer = payer_make(&reg->call.payer_params, tool, reg->ctx.in->arena);
    payment->payer_session_info = reg->call.payer_session_info;
    payment->external_id = reg->call.external_id;
    payment->context = reg->call.context;
}

static void begin(struct registration *reg)
{
    const struct register_payment_call *call = &reg->call;
    const struct parent_payment *parent = call->payer_params.tag == PAYER_RECURRENT ? call->parent : NULL;
    const struct invoice *invoice = &reg->ctx.invoice->invoice;
    struct payment *payment = &reg->state.payment;

    fill(reg, parent ? payer_tool(&parent->payment->payment.payer) : NULL, payment);
    payment->id = call->id ? call->id : invoice_free_id(reg->ctx.invoice, reg->ctx.in->arena);
    payment->created_at = call->occurred_at ? call->occurred_at : reg->ctx.in->now_us;
    payment->status.tag = PAYMENT_PENDING;
    payment->cost = call->cost ? *call->cost : invoice->cost;
    payment->domain_revision = domain_revision(reg->ctx.in->head);
    payment->flow.tag = FLOW_INSTANT;
    payment->party_ref = invoice->party_ref;
    payment->shop_ref = invoice->shop_ref;
    payment->registration_origin.tag = ORIGIN_PROVIDER;
    reg->state.activity = ACT_NEW;
    reg->state.routes = (struct type_list){ &reg->call.route, 1 };
    reg->ctx.payment = &reg->state;
}

/* ---- the one commit ---- */

/* What the adapter is told when the payment is refunded. */
static void emit_tokens(struct registration *reg)
{
    const struct parent_payment *parent = reg->call.parent;
    struct cascade_tokens_loaded loaded;

    if (reg->call.payer_params.tag != PAYER_RECURRENT || !parent->payment->recurrent_token || !payment_route(parent->payment))
        return;
    loaded.tokens = payer_tokens(parent, reg->ctx.in->arena);
    emit_change(&reg->ctx, &(struct payment_change){
        .tag = PCHG_CASCADE_TOKENS_LOADED,
        .cascade_tokens_loaded = arena_memdup(reg->ctx.in->arena, &loaded, sizeof(loaded)),
    });
}

static void emit_origin(struct registration *reg)
{
    struct step_ctx *ctx = &reg->ctx;
    struct payment_started started = { .payment = reg->state.payment };
    struct risk_score_changed risk = { .risk_score = reg->call.risk_score };
    struct route_changed route = { .route = reg->call.route };

    emit_change(ctx, &(struct payment_change){
        .tag = PCHG_STARTED, .started = arena_memdup(ctx->in->arena, &started, sizeof(started)),
    });
    emit_tokens(reg);
    emit_change(ctx, &(struct payment_change){ .tag = PCHG_SHOP_LIMIT_INITIATED });
    emit_change(ctx, &(struct payment_change){ .tag = PCHG_SHOP_LIMIT_APPLIED });
    if (risk.risk_score) {
        emit_change(ctx, &(struct payment_change){
            .tag = PCHG_RISK_SCORE_CHANGED, .risk_score_changed = arena_memdup(ctx->in->arena, &risk, sizeof(risk)),
        });
    }
    emit_change(ctx, &(struct payment_change){
        .tag = PCHG_ROUTE_CHANGED, .route_changed = arena_memdup(ctx->in->arena, &route, sizeof(route)),
    });
    emit_cash_flow(ctx, &reg->flow);
}

static void emit_processed(struct registration *reg)
{
    struct step_ctx *ctx = &reg->ctx;
    const struct target target = { .tag = TARGET_PROCESSED };
    struct rec_token_acquired token = { .token = reg->call.recurrent_token };

    emit_session_started(ctx, &target);
    if (token.token) {
        emit_change(ctx, &(struct payment_change){
            .tag = PCHG_REC_TOKEN_ACQUIRED, .rec_token_acquired = arena_memdup(ctx->in->arena, &token, sizeof(token)),
        });
    }
    emit_session(ctx, &target, &(struct session_change){
        .tag = SCHG_TRANSACTION_BOUND, .session_transaction_bound = { .trx = reg->call.transaction_info },
    });
    emit_session(ctx, &target, &(struct session_change){
        .tag = SCHG_FINISHED, .session_finished = { .result = { .tag = SESSION_SUCCEEDED } },
    });
    emit_status(ctx, &(struct payment_status){ .tag = PAYMENT_PROCESSED });
}

static void emit_capture(struct registration *reg)
{
    struct step_ctx *ctx = &reg->ctx;
    const struct cash *cost = arena_memdup(ctx->in->arena, &reg->state.payment.cost, sizeof(*cost));
    struct capture_started started = { .data = { .reason = "Timeout", .cash = cost } };

    emit_change(ctx, &(struct payment_change){
        .tag = PCHG_CAPTURE_STARTED, .capture_started = arena_memdup(ctx->in->arena, &started, sizeof(started)),
    });
}

/* ---- the call ---- */

static void reply(const struct registration *reg, const char *id, bool existing)
{
    struct start_payment_reply out = { .payment_id = id, .existing = existing };

    reg->ctx.out->reply = arena_memdup(reg->ctx.in->arena, &out, sizeof(out));
}

/* Adds what the call says otherwise of the provider's side than EXISTING was registered with; also what EXISTING lacks, as
 * one may that a repair has stored. */
static void differ_story(const struct registration *reg, const struct payment_state *existing, struct type_places *differs)
{
    const struct session *processed = payment_session(existing, TARGET_PROCESSED);
    const struct route *route = payment_route(existing);
    struct register_payment_call is = reg->call, was = is;

    if (route)
        was.route = *route;
    else
        type_place_add(differs, reg->ctx.in->arena, "/route");
    if (processed && processed->trx)
        was.transaction_info = *processed->trx;
    else
        type_place_add(differs, reg->ctx.in->arena, "/transaction_info");
    was.cost = existing->capture_data ? existing->capture_data->cash : NULL;
    was.risk_score = existing->risk_score;
    was.recurrent_token = existing->recurrent_token;
    if (is.occurred_at)
        was.occurred_at = existing->payment.created_at;
    is.cost = is.cost ? is.cost : &reg->ctx.invoice->invoice.cost;
    type_differ(&type_register_payment_call, &is, &was, "", reg->ctx.in->arena, differs);
}

/* The id is taken: by this very call, made before, or by another one. */
static void repeat(struct registration *reg, const struct payment_state *existing)
{
    const struct payment *payment = &existing->payment;
    struct type_places *differs = arena_alloc(reg->ctx.in->arena, sizeof(*differs));
    struct payment wanted = *payment;

    wanted.registration_origin.tag = ORIGIN_PROVIDER;
    wanted.payer.tag = reg->call.payer_params.tag;
    if (wanted.payer.tag == payment->payer.tag)
        fill(reg, payer_tool(&payment->payer), &wanted);
    type_differ(&type_payer, &wanted.payer, &payment->payer, "/payer_params", reg->ctx.in->arena, differs);
    wanted.payer = payment->payer;
    type_differ(&type_payment, &wanted, payment, "", reg->ctx.in->arena, differs);
    if (payment->registration_origin.tag == ORIGIN_PROVIDER)
        differ_story(reg, existing, differs);
    if (differs->count)
        refuse_reused(reg->ctx.in, reg->ctx.out, differs);
    else
        reply(reg, payment->id, true);
}

void register_payment(const struct step_in *in, const struct register_payment_call *call, struct step_out *out)
{
    struct registration *reg = arena_alloc(in->arena, sizeof(*reg));
    const struct invoice *invoice;
    const struct payment_state *existing;

    reg->ctx = (struct step_ctx){ .in = in, .out = out, .invoice = in->state };
    invoice = &reg->ctx.invoice->invoice;
    if (!in->head) {
        step_retry(in, out, "there is no configuration yet");
        return;
    }
    if (!require_operable(in, out, in->head, invoice->party_ref.id, invoice->shop_ref.id, true))
        return;
    type_copy(&type_register_payment_call, &reg->call, call, in->arena);
    reg->call.parent = call->parent;
    existing = call->id ? invoice_payment(reg->ctx.invoice, call->id) : NULL;
    if (existing) {
        repeat(reg, existing);
        return;
    }
    if (!check_invoice(reg) || !payer_parent_known(in, out, &call->payer_params, call->parent))
        return;
    begin(reg);
    if (!check_route(reg) || !check_flow(reg) || !check_limits(reg))
        return;
    emit_origin(reg);
    emit_processed(reg);
    emit_capture(reg);
    step_continue(in, out);
    reply(reg, reg->state.payment.id, false);
}
