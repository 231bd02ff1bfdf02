#include "payment/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

/* Session groups in alphabetical order of their target's type. */
static const int target_order[] = { TARGET_CANCELLED, TARGET_CAPTURED, TARGET_PROCESSED };

static void member(struct buf *out, const char *name, const struct type *type, const void *value)
{
    if (out->data[out->len - 1] != '{')
        buf_char(out, ',');
    buf_printf(out, "\"%s\":", name);
    type_encode(type, value, out);
}

static void session_write(const struct session *session, bool first, struct buf *out)
{
    buf_str(out, first ? "{" : ",{");
    member(out, "target_status", &type_target, &session->target);
    if (session->trx)
        member(out, "transaction_info", &type_trx, session->trx);
    buf_char(out, '}');
}

static void sessions_write(const struct payment_state *payment, struct buf *out)
{
    const struct session *sessions = payment->sessions.items;
    bool first = true;
    size_t i, t;

    buf_str(out, ",\"sessions\":[");
    for (t = 0; t < SL_COUNT(target_order); t++) {
        for (i = 0; i < payment->sessions.count; i++) {
            if (sessions[i].target.tag != target_order[t])
                continue;
            session_write(&sessions[i], first, out);
            first = false;
        }
    }
    buf_char(out, ']');
}

static void refund_write(const struct refund_state *refund, struct buf *out)
{
    const struct session *sessions = refund->sessions.items;
    size_t i;

    buf_char(out, '{');
    member(out, "refund", &type_refund, &refund->refund);
    buf_str(out, ",\"sessions\":[");
    for (i = 0; i < refund->sessions.count; i++) {
        buf_str(out, i ? ",{" : "{");
        if (sessions[i].trx)
            member(out, "transaction_info", &type_trx, sessions[i].trx);
        buf_char(out, '}');
    }
    buf_char(out, ']');
    member(out, "cash_flow", &type_cash_flow, &refund->cash_flow);
    outcome_refund_write(refund, out);
    buf_char(out, '}');
}

static int by_id(const void *a, const void *b)
{
    const struct refund_state *const *left = a, *const *right = b;

    return strcmp((*left)->refund.id, (*right)->refund.id);
}

/* By id as text: "10" comes before "2" (doc/spec/refunds.md 1). */
static void refunds_write(const struct payment_state *payment, struct buf *out)
{
    const struct refund_state *refunds = payment->refunds.items;
    const struct refund_state **sorted = xcalloc(payment->refunds.count + 1, sizeof(struct refund_state *));
    size_t i;

    for (i = 0; i < payment->refunds.count; i++)
        sorted[i] = &refunds[i];
    qsort(sorted, payment->refunds.count, sizeof(struct refund_state *), by_id);
    buf_str(out, ",\"refunds\":[");
    for (i = 0; i < payment->refunds.count; i++) {
        if (i)
            buf_char(out, ',');
        refund_write(sorted[i], out);
    }
    buf_str(out, "],\"legacy_refunds\":[");
    for (i = 0; i < payment->refunds.count; i++) {
        if (i)
            buf_char(out, ',');
        type_encode(&type_refund, &sorted[i]->refund, out);
    }
    buf_char(out, ']');
    free(sorted);
}

/* The members of PaymentState, without the braces. */
static void payment_write(const struct payment_state *payment, const struct outcome_machine *machine, struct buf *out)
{
    const struct type_list *flow = payment_final_flow(payment);

    member(out, "payment", &type_payment, &payment->payment);
    if (payment_route(payment))
        member(out, "route", &type_route, payment_route(payment));
    if (flow)
        member(out, "cash_flow", &type_cash_flow, flow);
    buf_str(out, ",\"adjustments\":[]");
    refunds_write(payment, out);
    sessions_write(payment, out);
    if (payment->trx)
        member(out, "last_transaction_info", &type_trx, payment->trx);
    buf_printf(out, ",\"activity\":\"%s\"", payment_activity_label(payment));
    outcome_payment_write(payment, machine, out);
}

void view_payment(const struct invoice_state *state, const struct payment_state *payment, int64_t version,
                  const struct outcome_machine *machine, struct buf *out)
{
    buf_char(out, '{');
    payment_write(payment, machine, out);
    member(out, "invoice_id", &type_id, &state->invoice.id);
    member(out, "latest_event_id", &type_i64, &version);
    buf_char(out, '}');
}

/* Its `status` is the union of the spec; what is said of the machine and the payer is the payment's. */
void view_refund(const struct payment_state *payment, const struct refund_state *refund,
                 const struct outcome_machine *machine, struct buf *out)
{
    bool is_pending = payment_pending_refund(payment) == refund;

    type_encode(&type_refund, &refund->refund, out);
    out->len--; /* its brace: more members follow */
    if (refund->refund.status.tag == REFUND_FAILED)
        outcome_failure_write(&refund->refund.status.failed.failure, out);
    if (is_pending)
        outcome_pending_write(payment, machine, out);
    buf_char(out, '}');
}

void view_invoice(const struct invoice_state *state, int64_t version, const struct outcome_machine *machine,
                  struct buf *out)
{
    const struct payment_state *payments = state->payments.items;
    size_t i;

    buf_char(out, '{');
    member(out, "latest_event_id", &type_i64, &version);
    member(out, "invoice", &type_invoice, &state->invoice);
    buf_printf(out, ",\"status\":\"%s\"", type_name_of(&type_invoice_status, state->invoice.status.tag));
    buf_str(out, ",\"payments\":[");
    for (i = 0; i < state->payments.count; i++) {
        buf_str(out, i ? ",{" : "{");
        payment_write(&payments[i], machine, out);
        buf_char(out, '}');
    }
    buf_char(out, ']');
    outcome_machine_write(machine, out);
    buf_char(out, '}');
}
