/* What comes from a provider's side by itself: a callback for a suspended session, or its end from outside.
 * Both go to the invoice that the tag is bound to; here it shows whether the session still waits for it.
 * Ref: doc/spec/session.md 5-7, 12.                                                                */
#include <string.h>

#include "payment/calls.h"
#include "payment/errors.h"
#include "payment/proxy.h"
#include "payment/session.h"
#include "payment/steps.h"

/* The active payment's current session, if it is suspended and TAG is its newest; else NULL. */
static const struct session *waiting_session(struct step_ctx *ctx, const char *tag)
{
    const struct session *session;
    const char *const *tags;

    ctx->payment = invoice_active_payment(ctx->invoice);
    ctx->refund = ctx->payment ? payment_pending_refund(ctx->payment) : NULL;
    session = ctx->payment && ctx->in->config ? payment_current_session(ctx->payment) : NULL;
    if (!session || session->status != SESSION_SUSPENDED || session->tags.count == 0)
        return NULL;
    tags = session->tags.items;
    return strcmp(tags[0], tag) == 0 ? session : NULL;
}

/* A tag is bound before the commit that says who waits under it. Nobody ever had this one, and there is a session
 * that may yet ask for it: the commit may be under way. */
static bool is_early(const struct step_ctx *ctx, const char *tag)
{
    const struct session *session = ctx->payment ? payment_current_session(ctx->payment) : NULL;

    return session && session->status != SESSION_FINISHED && !payment_of_tag(ctx->invoice, tag);
}

/* True after a refusal: TAG was bound by a provider that is none of PROVIDERS. Who it belongs to is not said. */
static bool belongs_to_another(const struct step_ctx *ctx, const char *tag, const struct type_list *providers)
{
    const struct session *session = session_of_tag(ctx->invoice, tag);

    if (!session || session_is_at(session, providers))
        return false;
    refuse(ctx->in, ctx->out, ERR_PAYMENT_NOT_FOUND);
    return true;
}

static void callback_answer(struct step_ctx *ctx, const struct session *session, const struct effect_result *result)
{
    const struct proxy_callback_result *answer = result->value;
    struct callback_reply reply;

    session_answer(ctx, session, result);
    if (ctx->out->end != STEP_OK)
        return;
    reply.response = answer->response;
    ctx->out->reply = arena_memdup(ctx->in->arena, &reply, sizeof(reply));
}

void callback(const struct step_in *in, const struct callback_call *call, struct step_out *out)
{
    struct step_ctx ctx = { .in = in, .out = out, .invoice = in->state };
    const struct session *session = waiting_session(&ctx, call->tag);

    if (belongs_to_another(&ctx, call->tag, call->providers))
        return;
    if (!session)
        refuse_tag(in, out, "Invalid callback", is_early(&ctx, call->tag));
    else if (in->input == IN_EFFECT)
        callback_answer(&ctx, session, in->args);
    else
        session_order_callback(&ctx, session, arena_strdup(in->arena, call->payload));
}

void session_change(const struct step_in *in, const struct session_change_call *call, struct step_out *out)
{
    struct step_ctx ctx = { .in = in, .out = out, .invoice = in->state };
    const struct session *session = waiting_session(&ctx, call->tag);
    struct operation_failure failure = { .tag = OPERATION_FAILURE };

    if (belongs_to_another(&ctx, call->tag, call->providers))
        return;
    if (!session) {
        refuse_tag(in, out, "Not found", is_early(&ctx, call->tag));
        return;
    }
    type_copy(&type_failure, &failure.failure, &call->change.status.failure, in->arena);
    session_activate(&ctx, session);
    session_fail(&ctx, session, &failure);
}
