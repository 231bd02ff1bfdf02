/* Running sessions: a payment's, or those of the refund that the step is about (ctx->refund).
 *
 *     no session --> session_started        (committed before the adapter hears of the payment)
 *     active     --> FX_PROVIDER_PROCESS    --> session_answer --> session_apply --> session_end
 *     suspended  --> timer: the timeout behaviour: a failure, or FX_PROVIDER_CALLBACK
 *                --> payment/callback.c from outside
 *
 * An answer means the same for all targets. What a finished session means does not: a payment whose
 * first session fails is rolled back, and so is a refund; one whose capture or cancel fails needs an
 * operator: nothing of that run is stored but the machine's own reason.                             */
#include "payment/session.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "payment/bounds.h"
#include "payment/contract.h"
#include "payment/note.h"
#include "payment/plan.h"
#include "payment/proxy.h"
#include "payment/retry.h"

#define WAITS_AS_ASKED 5 /* changes and polls of a session in which its waits are as short as the adapter asks for */

const struct payment_bounds payment_bounds_default = { .session_wait_min_ms = 100, .session_calls_max = 10000 };

static const struct payment_bounds *bounds_of(const struct step_in *in)
{
    return in->settings ? in->settings : &payment_bounds_default;
}

/* ---- what the provider's statistics are told ---- */

/* Only sessions that are to get the money authorised say something of a provider's conversion (routing.md 13.2). */
static void note_conversion(struct step_ctx *ctx, const struct session *session, bool ok)
{
    struct conversion_note note = { session->route.provider.id, ok };

    if (session->target.tag == TARGET_PROCESSED)
        step_note(ctx->out, NOTE_CONVERSION, arena_memdup(ctx->in->arena, &note, sizeof(note)));
}

/* Whether FAILURE is one that the provider is not to be blamed for. */
static bool failure_is_benign(const struct step_ctx *ctx, const struct operation_failure *failure)
{
    if (failure->tag != OPERATION_FAILURE || strcmp(failure->failure.code, "authorization_failed") != 0)
        return true;
    return !health_sub_code_counts(ctx->in->outlook, failure->failure.sub ? failure->failure.sub->code : NULL);
}

/* ---- what the timer means ---- */

/* Of how many sessions towards its target this is the newest. */
static int session_number(const struct step_ctx *ctx, const struct session *session)
{
    return ctx->refund ? (int)ctx->refund->sessions.count : payment_retries(ctx->payment, session->target.tag) + 1;
}

/* The same as long as nothing new was heard: a call that is made again after a crash has the same key. */
static const char *session_key(const struct step_ctx *ctx, const struct session *session)
{
    return arena_printf(ctx->in->arena, "%s.%s.%d.%" PRId64 ".%" PRId64, proxy_key_prefix(ctx),
                        type_name_of(&type_target, session->target.tag),
                        session_number(ctx, session), session->changes, ctx->in->quiet);
}

static void session_order_process(struct step_ctx *ctx, const struct session *session)
{
    struct effect_args *args = proxy_call(ctx, session);
    struct proxy_request *request = arena_alloc(ctx->in->arena, sizeof(*request));

    if (!args)
        return;
    if (!proxy_request(ctx, session, request))
        return;
    args->key = session_key(ctx, session);
    args->request = request;
    step_effect(ctx->in, ctx->out, FX_PROVIDER_PROCESS, args);
}

static uint64_t hash_text(const char *text)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

bool session_order_callback(struct step_ctx *ctx, const struct session *session, const char *payload)
{
    struct effect_args *args = proxy_call(ctx, session);
    struct proxy_callback_request *request = arena_alloc(ctx->in->arena, sizeof(*request));

    if (!args || !proxy_request(ctx, session, &request->context))
        return false;
    request->callback = payload;
    args->key = arena_printf(ctx->in->arena, "%s.cb-%016" PRIx64, session_key(ctx, session), hash_text(payload));
    args->request = request;
    step_effect(ctx->in, ctx->out, FX_PROVIDER_CALLBACK, args);
    return true;
}

/* Whether SESSION may be asked once more. An adapter that is never done, and wants to be asked at once, would have
 * everything to itself. Counted are the changes that its answers made, and the answers since the last that made none. */
static bool may_ask_again(struct step_ctx *ctx, const struct session *session)
{
    int64_t calls_max = bounds_of(ctx->in)->session_calls_max;

    if (session->changes + ctx->in->quiet < calls_max)
        return true;
    step_fail(ctx->in, ctx->out, "the %s session has no end: the provider was asked %" PRId64 " times (--session-calls)",
              type_name_of(&type_target, session->target.tag), calls_max);
    ctx->out->cause = CAUSE_TOO_MANY_CALLS;
    return false;
}

void session_run(struct step_ctx *ctx, const struct session *session)
{
    static const struct operation_failure timeout = { .tag = OPERATION_TIMEOUT };
    bool asks = session->status == SESSION_ACTIVE ||
                (session->status == SESSION_SUSPENDED && session->timeout_behaviour.tag == ON_TIMEOUT_CALLBACK);

    if (asks && !may_ask_again(ctx, session))
        return;
    switch ((enum session_status)session->status) {
    case SESSION_ACTIVE:
        session_order_process(ctx, session);
        break;
    case SESSION_SUSPENDED:
        if (session->timeout_behaviour.tag == ON_TIMEOUT_CALLBACK)
            session_order_callback(ctx, session, session->timeout_behaviour.callback);
        else if (session->timeout_behaviour.tag == ON_TIMEOUT_FAIL)
            session_fail(ctx, session, &session->timeout_behaviour.operation_failure);
        else
            session_fail(ctx, session, &timeout);
        break;
    case SESSION_FINISHED:
        log_warn("invoice %s payment %s: the %s session is finished; its timer does nothing", ctx->in->id,
                 ctx->payment->payment.id, type_name_of(&type_target, session->target.tag));
        break;
    }
}

/* Ends the step: the provider is at fault. */
static void SL_PRINTF(2, 3) bad_answer(struct step_ctx *ctx, const char *format, ...)
{
    va_list args;
    char text[512];

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    step_fail(ctx->in, ctx->out, "%s", text);
    ctx->out->cause = CAUSE_BAD_ANSWER;
}

/* Some adapters know it with the capture only (doc/spec/mock-provider.md 3): it is no breach, but who looks for the charge at
 * the provider finds nothing to look for. */
static void warn_of_no_trx(const struct step_ctx *ctx, const struct session *session, const struct proxy_result *result)
{
    const struct proxy_intent *intent = &result->intent;

    if (session->target.tag == TARGET_PROCESSED && intent->tag == PROXY_INTENT_FINISH && !result->trx && !session->trx &&
        intent->finish->status.tag == PROXY_STATUS_SUCCESS)
        log_warn("invoice %s payment %s: the provider says that it is processed, and names no transaction", ctx->in->id,
                 ctx->payment->payment.id);
}

static void take_result(struct step_ctx *ctx, const struct session *session, const struct proxy_result *result)
{
    const char *breach = contract_breach(&ctx->payment->payment, session, result, ctx->in->arena);

    if (breach)
        bad_answer(ctx, "the provider %s", breach);
    else
        session_apply(ctx, session, result);
    if (!breach)
        warn_of_no_trx(ctx, session, result);
}

static void take_answer(struct step_ctx *ctx, const struct session *session, const struct effect_result *result)
{
    if (effect_is_transient(result->err)) { /* the call is made again with the same key */
        step_retry(ctx->in, ctx->out, "provider: %s", result->detail);
        ctx->out->cause = effect_cause(result->err);
        return;
    }
    if (result->err) {
        bad_answer(ctx, "provider: %s", result->detail);
        return;
    }
    if (result->kind == FX_PROVIDER_CALLBACK) {
        take_result(ctx, session, &((const struct proxy_callback_result *)result->value)->result);
    } else if (result->kind == FX_PROVIDER_PROCESS) {
        take_result(ctx, session, result->value);
    } else {
        bad_answer(ctx, "an answer of kind %d came for a session", result->kind);
    }
}

void session_answer(struct step_ctx *ctx, const struct session *session, const struct effect_result *result)
{
    take_answer(ctx, session, result);
    if (ctx->out->end == STEP_FAIL) /* what came back, or came of it, is nothing that an adapter may do */
        note_conversion(ctx, session, false);
}

/* ---- from an answer to changes ---- */

/* Adapters name seconds or a moment. Neither may lie in the past, nor park a payment for years; and after a few waits of a
 * session neither may be so near that the adapter is asked without a pause. */
static int64_t wait_until_us(const struct step_in *in, const struct session *session, const struct proxy_timer *timer)
{
    int64_t wait_us = 0, min_us = bounds_of(in)->session_wait_min_ms * 1000;

    if (session->changes + in->quiet < WAITS_AS_ASKED)
        min_us = 0;

    if (timer->tag == PROXY_TIMER_TIMEOUT && timer->timeout > SESSION_WAIT_MAX_US / 1000000)
        wait_us = SESSION_WAIT_MAX_US;
    else if (timer->tag == PROXY_TIMER_TIMEOUT && timer->timeout > 0)
        wait_us = timer->timeout * 1000000;
    else if (timer->tag == PROXY_TIMER_DEADLINE && timer->deadline > in->now_us)
        wait_us = timer->deadline - in->now_us;
    wait_us = wait_us > min_us ? wait_us : min_us;
    return in->now_us + (wait_us < SESSION_WAIT_MAX_US ? wait_us : SESSION_WAIT_MAX_US);
}

/* A poll without news is told from the next one by the commit between them (session_key), so that one is never due at once. */
static int64_t sleep_until_ms(const struct step_ctx *ctx, const struct session *session, const struct proxy_timer *timer)
{
    int64_t until_ms = moment_ms(wait_until_us(ctx->in, session, timer)), now_ms = ctx->in->now_us / 1000;

    return ctx->out->change_count == 0 && until_ms <= now_ms ? now_ms + 1 : until_ms;
}

/* False: the adapter broke its contract and the step has failed. */
static bool apply_trx(struct step_ctx *ctx, const struct session *session, const struct trx *trx)
{
    if (!trx || (session->trx && type_equal(&type_trx, trx, session->trx)))
        return true;
    if (session->trx && strcmp(session->trx->id, trx->id) != 0) {
        bad_answer(ctx, "the provider changed its transaction from %s to %s", session->trx->id, trx->id);
        return false;
    }
    emit_session(ctx, &session->target, &(struct session_change){
        .tag = SCHG_TRANSACTION_BOUND, .session_transaction_bound = { .trx = *trx },
    });
    return true;
}

static void apply_state(struct step_ctx *ctx, const struct session *session, const char *state)
{
    if (!state || (session->proxy_state && strcmp(session->proxy_state, state) == 0))
        return;
    emit_session(ctx, &session->target, &(struct session_change){
        .tag = SCHG_PROXY_STATE_CHANGED, .session_proxy_state_changed = { .proxy_state = state },
    });
}

static void apply_interaction(struct step_ctx *ctx, const struct session *session,
                              const struct user_interaction *interaction, bool completed)
{
    if (completed && session->interaction) {
        emit_session(ctx, &session->target, &(struct session_change){
            .tag = SCHG_INTERACTION_CHANGED,
            .session_interaction_changed = { *session->interaction, { INTERACTION_COMPLETED } },
        });
    } else if (completed) {
        log_warn("invoice %s payment %s: the provider completed a user interaction that was not outstanding",
                 ctx->in->id, ctx->payment->payment.id);
    }
    if (interaction) {
        emit_session(ctx, &session->target, &(struct session_change){
            .tag = SCHG_INTERACTION_CHANGED,
            .session_interaction_changed = { *interaction, { INTERACTION_REQUESTED } },
        });
    }
}

/* The cost becomes COST: the plan of the old one ends in this same commit. False: the step has failed. */
static bool apply_changed_cost(struct step_ctx *ctx, const struct session *session, const struct cash *cost)
{
    const struct payment *payment = &ctx->payment->payment;
    struct cash_changed changed = { .old_cash = payment->cost, .new_cash = *cost };
    struct plan plan = plan_of(ctx->payment, ctx->in->arena);

    if (session->target.tag != TARGET_PROCESSED) {
        log_warn("invoice %s payment %s: the provider changed the cost of a %s session; ignored", ctx->in->id,
                 payment->id, type_name_of(&type_target, session->target.tag));
        return true;
    }
    emit_change(ctx, &(struct payment_change){
        .tag = PCHG_CASH_CHANGED, .cash_changed = arena_memdup(ctx->in->arena, &changed, sizeof(changed)),
    });
    return plan_apply(ctx, LEDGER_ROLLBACK, &plan, 0);
}

static void apply_success(struct step_ctx *ctx, const struct session *session, const struct proxy_success *success)
{
    struct rec_token_acquired acquired = { .token = success->token };

    if (success->changed_cost && !apply_changed_cost(ctx, session, success->changed_cost))
        return;
    if (success->token && !ctx->refund) { /* a refund's means nothing */
        emit_change(ctx, &(struct payment_change){
            .tag = PCHG_REC_TOKEN_ACQUIRED,
            .rec_token_acquired = arena_memdup(ctx->in->arena, &acquired, sizeof(acquired)),
        });
    }
    emit_session(ctx, &session->target, &(struct session_change){
        .tag = SCHG_FINISHED, .session_finished = { .result = { .tag = SESSION_SUCCEEDED } },
    });
    note_conversion(ctx, session, true);
    step_continue(ctx->in, ctx->out);
}

static void apply_suspend(struct step_ctx *ctx, const struct session *session, const struct proxy_suspend *suspend)
{
    struct session_suspended suspended = { .tag = suspend->tag };
    const struct payment_state *owner = payment_of_tag(ctx->invoice, suspend->tag);

    if (owner && owner != ctx->payment) { /* of another invoice: the engine finds out when it binds the tag */
        bad_answer(ctx, "tag %s belongs to payment %s", suspend->tag, owner->payment.id);
        return;
    }
    apply_interaction(ctx, session, suspend->user_interaction, suspend->user_interaction_completion);
    switch (suspend->timeout_behaviour.tag) {
    case PROXY_TIMEOUT_FAILURE:
        suspended.timeout_behaviour.tag = ON_TIMEOUT_FAIL;
        suspended.timeout_behaviour.operation_failure = *suspend->timeout_behaviour.operation_failure;
        break;
    case PROXY_TIMEOUT_CALLBACK:
        suspended.timeout_behaviour.tag = ON_TIMEOUT_CALLBACK;
        suspended.timeout_behaviour.callback = suspend->timeout_behaviour.callback;
        break;
    default: break; /* none given: an operation timeout */
    }
    emit_session(ctx, &session->target, &(struct session_change){
        .tag = SCHG_SUSPENDED, .session_suspended = suspended,
    });
    step_bind(ctx->out, suspend->tag);
    step_timer_ms(ctx->out, moment_ms(wait_until_us(ctx->in, session, &suspend->timeout)));
}

static void apply_finish(struct step_ctx *ctx, const struct session *session, const struct proxy_finish *finish)
{
    struct operation_failure failure = { .tag = OPERATION_FAILURE };

    if (finish->status.tag == PROXY_STATUS_SUCCESS) {
        apply_success(ctx, session, finish->status.success);
        return;
    }
    failure.failure = *finish->status.failure;
    session_fail(ctx, session, &failure);
}

void session_activate(struct step_ctx *ctx, const struct session *session)
{
    emit_session(ctx, &session->target, &(struct session_change){ .tag = SCHG_ACTIVATED });
}

void session_apply(struct step_ctx *ctx, const struct session *session, const struct proxy_result *result)
{
    const struct proxy_intent *intent = &result->intent;

    if (!intent->tag && session->status == SESSION_ACTIVE) {
        bad_answer(ctx, "the provider answered without an intent");
        return;
    }
    if (!intent->tag && ctx->in->input == IN_EFFECT && !ctx->in->call) { /* nothing would ever wake the payment again */
        bad_answer(ctx, "the session's time is up, and the provider does not say what now");
        return;
    }
    if (intent->tag && session->status == SESSION_SUSPENDED)
        session_activate(ctx, session);
    if (!apply_trx(ctx, session, result->trx))
        return;
    apply_state(ctx, session, result->next_state);
    switch (intent->tag) {
    case PROXY_INTENT_FINISH: apply_finish(ctx, session, intent->finish); break;
    case PROXY_INTENT_SLEEP:
        apply_interaction(ctx, session, intent->sleep->user_interaction, intent->sleep->user_interaction_completion);
        step_timer_ms(ctx->out, sleep_until_ms(ctx, session, &intent->sleep->timer));
        break;
    case PROXY_INTENT_SUSPEND: apply_suspend(ctx, session, intent->suspend); break;
    default: break; /* none: the suspension goes on */
    }
}

/* ---- what a failed session means ---- */

/* The wait before SESSION is tried anew; -1: not any more. A refund counts its first session, too, so that the
 * first wait of its policy is never used (doc/spec/refunds.md 6). */
static int64_t session_wait_s(const struct step_ctx *ctx, const struct session *session)
{
    int target = session->target.tag;

    return retry_wait_s(ctx->in->head, target,
                        ctx->refund ? (int64_t)ctx->refund->sessions.count : payment_retries(ctx->payment, target));
}

void session_fail(struct step_ctx *ctx, const struct session *session, const struct operation_failure *failure)
{
    int target = session->target.tag;
    int64_t wait_s = retry_failure_is_transient(failure) ? session_wait_s(ctx, session) : -1;
    struct failed *failed = arena_alloc(ctx->in->arena, sizeof(*failed));
    const char *notation = failure_notation(failure, ctx->in->arena);

    if (wait_s < 0 && target != TARGET_PROCESSED && !ctx->refund) {
        step_fail(ctx->in, ctx->out, "the %s session failed: %s", type_name_of(&type_target, target),
                  notation ? notation : "operation_timeout");
        ctx->out->cause = CAUSE_DECLINED;
        return;
    }
    failed->failure = *failure;
    emit_session(ctx, &session->target, &(struct session_change){
        .tag = SCHG_FINISHED, .session_finished = { .result = { SESSION_FAILED, failed } },
    });
    if (wait_s < 0) {
        note_conversion(ctx, session, failure_is_benign(ctx, failure));
        emit_rollback(ctx, failure);
        step_continue(ctx->in, ctx->out);
        return;
    }
    emit_session_started(ctx, &session->target);
    step_timer_ms(ctx->out, moment_ms(ctx->in->now_us + wait_s * 1000000));
}
