/* See outcome.h. */
#include "payment/outcome.h"

#include <inttypes.h>
#include <string.h>

#include "base/rfc3339.h"

static void text_member(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, ",\"%s\":", name);
    buf_json_str(out, text, strlen(text));
}

static void time_member(struct buf *out, const char *name, int64_t ms)
{
    char at[RFC3339_MAX];

    rfc3339_format(rfc3339_us_of_ms(ms), at);
    buf_printf(out, ",\"%s\":\"%s\"", name, at);
}

/* ---- what is so ---- */

const struct user_interaction *outcome_interaction(const struct payment_state *payment)
{
    const struct session *session = payment->activity == ACT_IDLE ? NULL : payment_current_session(payment);

    return session && session->status != SESSION_FINISHED ? session->interaction : NULL;
}

bool outcome_is_settled(const struct payment_state *payment)
{
    const struct session *session = payment_current_session(payment);

    return payment->activity == ACT_IDLE || payment->activity == ACT_FLOW_WAITING ||
           (session && session->status == SESSION_SUSPENDED) || outcome_interaction(payment);
}

int64_t outcome_captured(const struct payment_state *payment)
{
    const struct payment_status *status = &payment->payment.status;

    switch (status->tag) {
    case PAYMENT_CAPTURED:
    case PAYMENT_REFUNDED:
    case PAYMENT_CHARGED_BACK: return payment_state_cost(payment)->amount;
    default: return 0;
    }
}

int64_t outcome_refunded(const struct payment_state *payment)
{
    return payment_state_cost(payment)->amount - payment_remaining(payment).amount;
}

int64_t outcome_next_try_ms(const struct payment_state *payment, const struct machine_info *info)
{
    const struct session *session = payment_current_session(payment);
    bool is_anew;

    if (payment->activity == ACT_IDLE || !info || strcmp(info->status, "failed") == 0)
        return 0;
    /* Turned away for a moment: another session of the same target has begun, and nobody was called in it yet. */
    is_anew = session && session->status == SESSION_ACTIVE && session->changes == 0 &&
              !payment_pending_refund(payment) && payment_retries(payment, session->target.tag) > 0;
    return info->attempts > 0 || is_anew ? info->due_ms : 0;
}

/* ---- as JSON ---- */

void outcome_failure_write(const struct operation_failure *failure, struct buf *out)
{
    const struct failure_sub *sub;
    struct buf code = BUF_EMPTY;

    buf_str(&code, failure->tag == OPERATION_TIMEOUT ? "operation_timeout" : failure->failure.code);
    for (sub = failure->tag == OPERATION_TIMEOUT ? NULL : failure->failure.sub; sub; sub = sub->sub)
        buf_printf(&code, ":%s", sub->code);
    buf_str(out, ",\"failure\":{\"code\":");
    buf_json_str(out, buf_text(&code), code.len);
    if (failure->tag != OPERATION_TIMEOUT && failure->failure.reason)
        text_member(out, "reason", failure->failure.reason);
    buf_char(out, '}');
    buf_clear(&code);
}

static void redirect_write(const struct redirect *redirect, struct buf *out)
{
    bool is_post = redirect->tag == REDIRECT_POST;
    const char *url = is_post ? redirect->post_request.uri : redirect->get_request.uri;

    buf_printf(out, "{\"redirect\":{\"method\":\"%s\"", is_post ? "POST" : "GET");
    text_member(out, "url", url);
    if (is_post) {
        buf_str(out, ",\"form\":");
        type_encode(&type_string_map, &redirect->post_request.form, out);
    }
    buf_str(out, "}}");
}

static void interaction_write(const struct user_interaction *interaction, struct buf *out)
{
    buf_str(out, ",\"next_action\":");
    if (interaction->tag == INTERACTION_REDIRECT)
        redirect_write(interaction->redirect, out);
    else
        type_encode(&type_user_interaction, interaction, out);
}

void outcome_machine_write(const struct outcome_machine *machine, struct buf *out)
{
    const struct machine_info *info = machine->info;

    if (!info)
        return;
    buf_str(out, ",\"machine\":{\"status\":");
    buf_json_str(out, info->status, strlen(info->status));
    text_member(out, "activity", info->activity);
    if (info->due_ms > 0)
        time_member(out, "due", info->due_ms);
    if (info->attempts > 0)
        buf_printf(out, ",\"attempts\":%d", info->attempts);
    if (info->since_ms > 0)
        time_member(out, "since", info->since_ms);
    if (info->cause)
        text_member(out, "cause", info->cause);
    if (info->reason && machine->shows_reason)
        text_member(out, "reason", info->reason);
    buf_char(out, '}');
}

void outcome_pending_write(const struct payment_state *payment, const struct outcome_machine *machine, struct buf *out)
{
    const struct user_interaction *interaction = outcome_interaction(payment);
    int64_t next_ms = outcome_next_try_ms(payment, machine->info);

    if (interaction)
        interaction_write(interaction, out);
    if (next_ms > 0)
        time_member(out, "next_try_at", next_ms);
    if (payment->activity != ACT_IDLE)
        outcome_machine_write(machine, out);
}

void outcome_payment_write(const struct payment_state *payment, const struct outcome_machine *machine, struct buf *out)
{
    const struct payment_status *status = &payment->payment.status;

    text_member(out, "status", type_name_of(&type_payment_status, status->tag));
    if (status->tag == PAYMENT_FAILED)
        outcome_failure_write(&status->failed.failure, out);
    buf_printf(out, ",\"amount_captured\":%" PRId64 ",\"amount_refunded\":%" PRId64, outcome_captured(payment),
               outcome_refunded(payment));
    outcome_pending_write(payment, machine, out);
}

void outcome_refund_write(const struct refund_state *refund, struct buf *out)
{
    const struct refund_status *status = &refund->refund.status;

    text_member(out, "status", type_name_of(&type_refund_status, status->tag));
    if (status->tag == REFUND_FAILED)
        outcome_failure_write(&status->failed.failure, out);
}
