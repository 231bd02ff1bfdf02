/* See emit.h. */
#include "payment/emit.h"

#include "payment/note.h"

static void emit_invoice_change(struct step_ctx *ctx, struct invoice_change change)
{
    step_change(ctx->out, arena_memdup(ctx->in->arena, &change, sizeof(change)));
}

void emit_change(struct step_ctx *ctx, const struct payment_change *change)
{
    struct invoice_payment_change wrapped = {
        .id = ctx->payment->payment.id, .payload = *change, .occurred_at = ctx->in->now_us,
    };

    emit_invoice_change(ctx, (struct invoice_change){
        .tag = ICHG_PAYMENT_CHANGE,
        .invoice_payment_change = arena_memdup(ctx->in->arena, &wrapped, sizeof(wrapped)),
    });
}

void emit_refund(struct step_ctx *ctx, const struct refund_change *change)
{
    struct payment_refund_change wrapped = { .id = ctx->refund->refund.id, .payload = *change };

    emit_change(ctx, &(struct payment_change){
        .tag = PCHG_REFUND_CHANGE, .refund_change = arena_memdup(ctx->in->arena, &wrapped, sizeof(wrapped)),
    });
}

void emit_session(struct step_ctx *ctx, const struct target *target, const struct session_change *change)
{
    struct payment_session_change wrapped = { .target = *target, .payload = *change };
    const struct payment_session_change *session_change = arena_memdup(ctx->in->arena, &wrapped, sizeof(wrapped));

    if (ctx->refund)
        emit_refund(ctx, &(struct refund_change){ .tag = RCHG_SESSION_CHANGE, .session_change = session_change });
    else
        emit_change(ctx, &(struct payment_change){ .tag = PCHG_SESSION_CHANGE, .session_change = session_change });
}

void emit_session_started(struct step_ctx *ctx, const struct target *target)
{
    emit_session(ctx, target, &(struct session_change){ .tag = SCHG_STARTED });
}

void emit_cash_flow(struct step_ctx *ctx, const struct type_list *flow)
{
    struct cash_flow_changed changed = { .cash_flow = *flow };

    emit_change(ctx, &(struct payment_change){
        .tag = PCHG_CASH_FLOW_CHANGED,
        .cash_flow_changed = arena_memdup(ctx->in->arena, &changed, sizeof(changed)),
    });
}

void emit_rollback(struct step_ctx *ctx, const struct operation_failure *reason)
{
    struct rollback_started wrapped = { .reason = *reason };
    const struct rollback_started *started = arena_memdup(ctx->in->arena, &wrapped, sizeof(wrapped));

    if (ctx->refund)
        emit_refund(ctx, &(struct refund_change){ .tag = RCHG_ROLLBACK_STARTED, .rollback_started = started });
    else
        emit_change(ctx, &(struct payment_change){ .tag = PCHG_ROLLBACK_STARTED, .rollback_started = started });
}

void emit_refund_status(struct step_ctx *ctx, const struct refund_status *status)
{
    struct refund_status_changed changed = { .status = *status };

    emit_refund(ctx, &(struct refund_change){
        .tag = RCHG_STATUS_CHANGED, .status_changed = arena_memdup(ctx->in->arena, &changed, sizeof(changed)),
    });
}

static void emit_paid(struct step_ctx *ctx)
{
    struct invoice_status_changed changed = { .status = { .tag = INVOICE_PAID } };

    emit_invoice_change(ctx, (struct invoice_change){
        .tag = ICHG_STATUS_CHANGED,
        .invoice_status_changed = arena_memdup(ctx->in->arena, &changed, sizeof(changed)),
    });
}

void emit_status(struct step_ctx *ctx, const struct payment_status *status)
{
    struct payment_status_changed changed = { .status = *status };
    const struct invoice *invoice = &ctx->invoice->invoice;
    const struct status_note note = { status->tag };

    emit_change(ctx, &(struct payment_change){
        .tag = PCHG_STATUS_CHANGED,
        .status_changed = arena_memdup(ctx->in->arena, &changed, sizeof(changed)),
    });
    if (status->tag == PAYMENT_CAPTURED || status->tag == PAYMENT_CANCELLED || status->tag == PAYMENT_FAILED)
        step_note(ctx->out, NOTE_STATUS, arena_memdup(ctx->in->arena, &note, sizeof(note)));
    if (status->tag == PAYMENT_CAPTURED && invoice->status.tag != INVOICE_PAID)
        emit_paid(ctx);
    else if ((status->tag == PAYMENT_FAILED || status->tag == PAYMENT_CANCELLED) &&
             invoice->status.tag == INVOICE_UNPAID)
        step_timer_ms(ctx->out, moment_ms(invoice->due));
}

void emit_failed(struct step_ctx *ctx, const struct operation_failure *failure)
{
    emit_status(ctx, &(struct payment_status){ .tag = PAYMENT_FAILED, .failed = { .failure = *failure } });
}

int64_t moment_ms(int64_t us)
{
    return us < 1000 ? 1 : us / 1000 + (us % 1000 > 0);
}
