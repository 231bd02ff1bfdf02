#include "provider/builtin.h"

#include <assert.h>
#include <string.h>

#include "base/join.h"
#include "payment/effect.h"
#include "payment/types.h"

#define PREFIX "builtin:"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

bool builtin_is(const char *url)
{
    return effect_is_builtin(url);
}

/* The transaction that was given, since its id never changes; else one named after what it is for. */
static const struct trx *make_trx(const struct proxy_request *request, struct arena *arena)
{
    const struct payment_info *info = &request->payment_info;
    const struct trx *given = info->refund ? info->refund->trx : info->payment.trx;
    struct trx *trx;

    if (given)
        return given;
    trx = arena_alloc(arena, sizeof(*trx));
    trx->id = info->refund ? join(arena, '.', info->invoice.id, info->payment.id, info->refund->id)
                           : join(arena, '.', info->invoice.id, info->payment.id);
    trx->extra.items = arena_alloc(arena, 0); /* there, and empty */
    return trx;
}

static struct proxy_status approve(const struct proxy_request *request, struct arena *arena)
{
    const struct proxy_payment *payment = &request->payment_info.payment;
    struct proxy_success *success = arena_alloc(arena, sizeof(*success));
    bool wants_token = payment->make_recurrent && *payment->make_recurrent &&
                       !(payment->skip_recurrent && *payment->skip_recurrent);

    if (wants_token && request->session.target->tag == TARGET_PROCESSED)
        success->token = arena_printf(arena, "builtin-%s", join(arena, '.', request->payment_info.invoice.id, payment->id));
    return (struct proxy_status){ .tag = PROXY_STATUS_SUCCESS, .success = success };
}

static struct proxy_status decline(struct arena *arena)
{
    struct operation_failure made =
        failure_make(arena, "authorization_failed:insufficient_funds", "the built-in provider declines");

    return (struct proxy_status){ .tag = PROXY_STATUS_FAILURE,
                                  .failure = arena_memdup(arena, &made.failure, sizeof(made.failure)) };
}

static struct proxy_result perform(const struct proxy_request *request, bool declines, struct arena *arena)
{
    int target = request->session.target->tag;
    bool may_decline = target == TARGET_PROCESSED || target == TARGET_REFUNDED;
    struct proxy_finish *finish = arena_alloc(arena, sizeof(*finish));

    finish->status = declines && may_decline ? decline(arena) : approve(request, arena);
    return (struct proxy_result){
        .intent = { .tag = PROXY_INTENT_FINISH, .finish = finish },
        .trx = make_trx(request, arena),
    };
}

static const void *provider_answer(const char *name, int kind, const void *request, struct arena *arena)
{
    const struct proxy_callback_request *callback = request;
    struct proxy_callback_result *answer;
    struct proxy_result *result;
    bool declines = strcmp(name, "decline") == 0;

    if (!declines && strcmp(name, "approve") != 0)
        return NULL;
    if (kind == FX_PROVIDER_PROCESS) {
        result = arena_alloc(arena, sizeof(*result));
        *result = perform(request, declines, arena);
        return result;
    }
    answer = arena_alloc(arena, sizeof(*answer));
    answer->response = "";
    answer->result = perform(&callback->context, declines, arena);
    return answer;
}

static const void *inspector_answer(const char *name, struct arena *arena)
{
    struct inspect_answer answer = { 0 };

    if (strncmp(name, "risk-", 5) == 0)
        answer.risk_score = type_value_of(&type_risk_score, name + 5);
    return answer.risk_score ? arena_memdup(arena, &answer, sizeof(answer)) : NULL;
}

const struct effect_result *builtin_answer(const char *url, int kind, const void *request, struct arena *arena)
{
    struct effect_result *result = arena_alloc(arena, sizeof(*result));
    const char *name = url + PREFIX_LEN;

    assert(builtin_is(url));
    result->kind = kind;
    result->value = kind == FX_INSPECT ? inspector_answer(name, arena) : provider_answer(name, kind, request, arena);
    if (!result->value) {
        result->err = SL_EDOWN;
        result->detail = strcmp(name, "unavailable") == 0 ? "the built-in provider is unavailable, as its URL says"
                                                          : "there is no such built-in provider or inspector";
    }
    return result;
}
