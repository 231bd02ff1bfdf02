/* A daemon's effects on their way to the bank, the turnover counters and the ledger, and all that may befall them. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/xmalloc.h"
#include "payment/effect.h"
#include "provider/answer.h"
#include "sim/bank.h"
#include "sim/cards.h"

static void order_release(struct order *order)
{
    if (order->parts > 0 || order->daemon)
        return;
    arena_free(order->arena);
    free(order);
}

static bool order_waits(struct order *order, void (*fn)(void *arg))
{
    if (!order->daemon || order->daemon->paused_until_us <= order->bank->sim->now_us)
        return false;
    clock_at(order->bank->sim, order->daemon->paused_until_us, 0, fn, order);
    return true;
}

static void order_leave(struct order *order)
{
    DL_DELETE(order->daemon->orders, order);
    order->daemon = NULL;
}

/* To somebody outside, rather than to a store of ours. */
static bool is_call(int kind)
{
    return kind != FX_LIMITS && kind != FX_BALANCE && kind != FX_CARDS;
}

static void order_finish(struct order *order, enum sl_err err)
{
    struct effect_result *result = arena_alloc(order->into, sizeof(*result));

    order_leave(order);
    result->kind = order->kind;
    result->err = err;
    if (err)
        result->detail = err == SL_EDOWN ? "not delivered" : "not answered";
    else if (order->kind == FX_BALANCE)
        result->value = arena_memdup(order->into, &order->balance, sizeof(order->balance));
    else if (order->kind == FX_LIMITS)
        result->value = limit_answer_copy(order->counted, order->limits, order->into);
    else if (is_call(order->kind))
        result->err = answer_decode(effect_wire(order->kind), order->status, order->answer, strlen(order->answer),
                                    order->into, &result->value, &result->detail);
    order->done(order->done_arg, order->number, result);
}

static void order_answered(void *arg)
{
    struct order *order = arg;

    if (order_waits(order, order_answered))
        return;
    order->parts--;
    if (order->daemon)
        order_finish(order, order->err);
    order_release(order);
}

static void order_given_up(void *arg)
{
    struct order *order = arg;

    if (order_waits(order, order_given_up))
        return;
    order->parts--;
    if (order->daemon)
        order_finish(order, SL_EUNKNOWN);
    order_release(order);
}

static void order_arrived(void *arg)
{
    struct order *order = arg;
    struct sim *sim = order->bank->sim;

    order->parts--;
    bank_perform(order);
    if (order->daemon && !order->lose) {
        if (is_call(order->kind) && sim_fault(sim, sim->weather.garbage, FAULT_CALL_GARBAGE)) {
            order->status = rng_below(&sim->faults, 3) == 0 ? 500 : 200;
            order->answer = rng_below(&sim->faults, 2) ? "{\"intent\":{\"finish\":7}}" : "<html>no</html>";
        }
        order->parts++;
        clock_after(sim, rng_between(&sim->faults, 500, 30000), 0, order_answered, order);
    }
    order_release(order);
}

/* How the call fares on its way. */
static void order_send(struct order *order)
{
    struct sim *sim = order->bank->sim;
    const struct weather *weather = &sim->weather;
    int64_t way_us = rng_between(&sim->faults, 500, 30000);
    bool timeout = rng_below(&sim->faults, 8) == 0;

    order->parts = 1;
    if (sim_fault(sim, weather->undelivered, FAULT_CALL_UNDELIVERED)) {
        order->err = SL_EDOWN;
        clock_after(sim, way_us, 0, order_answered, order);
        return;
    }
    /* Callbacks more often than their share: there are few of them, and nobody but the engine asks again. */
    if (sim_fault(sim, weather->unanswered * (order->kind == FX_PROVIDER_CALLBACK ? 8 : 1), FAULT_CALL_UNANSWERED)) {
        order->lose = true;
        if (rng_below(&sim->faults, 2)) /* counters lie on several nodes: some heard of it, some did not */
            order->partitions = rng_next(&sim->faults);
        order->parts++;
        clock_after(sim, timeout ? 30000000 : 2 * way_us, 0, order_given_up, order);
    } else if (sim_fault(sim, weather->late, FAULT_CALL_LATE)) {
        order->lose = true;
        order->parts++;
        clock_after(sim, way_us, 0, order_given_up, order);
        way_us += rng_between(&sim->faults, 1000, 4000000);
    } else if (sim_fault(sim, weather->repeated, FAULT_CALL_REPEATED)) {
        order->parts++;
        clock_after(sim, way_us + rng_between(&sim->faults, 0, 2000000), 0, order_arrived, order);
    }
    clock_after(sim, way_us, 0, order_arrived, order);
}

static const char *tool_name(const struct payment_tool *tool)
{
    return tool->tag == TOOL_BANK_CARD        ? tool->bank_card->token
           : tool->tag == TOOL_DIGITAL_WALLET ? tool->digital_wallet->id
                                              : "?";
}

static void take_payer(struct order *order, const struct proxy_payment *payment)
{
    const struct proxy_resource *resource = &payment->payment_resource;
    bool recurrent = resource->tag == PROXY_RESOURCE_RECURRENT;
    const struct payment_tool *tool =
        recurrent ? resource->recurrent_payment_resource->payment_tool
                  : &((const struct payment_resource *)resource->disposable_payment_resource)->payment_tool;

    order->card = arena_strdup(order->arena, tool_name(tool));
    order->rec_token = recurrent ? arena_strdup(order->arena, resource->recurrent_payment_resource->rec_token) : NULL;
    order->wants_token = payment->make_recurrent && *payment->make_recurrent;
}

static void order_take(struct order *order, const struct effect *effect)
{
    const struct effect_args *args = effect->args;
    const struct proxy_callback_request *callback;
    const struct proxy_request *request;

    order->partitions = UINT64_MAX;
    if (effect->kind == FX_LIMITS) {
        order->limits = limit_order_copy(effect->args, order->arena);
        return;
    }
    if (effect->kind == FX_BALANCE) {
        order->account = ((const struct balance_order *)effect->args)->account_id;
        return;
    }
    if (effect->kind == FX_CARDS) {
        order->keep = card_order_copy(effect->args, order->arena);
        return;
    }
    callback = args->request;
    request = args->request;
    if (effect->kind == FX_BLACKLIST)
        order->routes = ((const struct blacklist_request *)args->request)->routes.count;
    order->key = arena_strdup(order->arena, args->key);
    if (effect->kind == FX_INSPECT || effect->kind == FX_BLACKLIST)
        return;
    if (effect->kind == FX_PROVIDER_CALLBACK) {
        order->callback = arena_strdup(order->arena, callback->callback);
        request = &callback->context;
    }
    order->provider = args->provider_id;
    take_payer(order, &request->payment_info.payment);
    order->state = arena_strdup(order->arena, request->session.state);
    order->target = request->session.target->tag;
    order->amount = request->payment_info.payment.cost.amount;
    if (request->payment_info.capture)
        order->amount = request->payment_info.capture->cost.amount;
    if (request->payment_info.refund) {
        order->amount = request->payment_info.refund->cash.amount;
        if (request->payment_info.refund->trx)
            order->trx = arena_strdup(order->arena, request->payment_info.refund->trx->id);
    } else if (request->payment_info.payment.trx) {
        order->trx = arena_strdup(order->arena, request->payment_info.payment.trx->id);
    }
}

static void effect_start(void *ctx, const struct effect *effect, uint64_t number, struct arena *arena,
                         effect_done_fn done, void *done_arg)
{
    struct daemon *daemon = ctx;
    struct order *order = xcalloc(1, sizeof(*order));
    char head[KEY_BYTES];

    *order = (struct order){
        .bank = daemon->sim->bank, .daemon = daemon, .number = number, .into = arena, .done = done,
        .done_arg = done_arg, .kind = effect->kind, .status = 200, .arena = arena_new(),
    };
    order_take(order, effect);
    if (order->target && sim_broken(daemon->sim, BREAK_FRESH_KEY, 500000)) {
        key_head(order->key, order->target == TARGET_REFUNDED ? 5 : 4, head);
        order->key = arena_printf(order->arena, "%s-%u%s", head, (unsigned)number, order->key + strlen(head));
    }
    DL_APPEND(daemon->orders, order);
    if (!daemon->life || daemon->doomed)
        return; /* it dies before the call has left */
    order_send(order);
}

static void effect_cancel(void *ctx, uint64_t number)
{
    struct daemon *daemon = ctx;
    struct order *order, *next;

    DL_FOREACH_SAFE(daemon->orders, order, next) {
        if (order->number != number)
            continue;
        order_leave(order);
        order_release(order);
    }
}

const struct effect_ops bank_effect_ops = { effect_start, effect_cancel };

void bank_daemon_gone(struct daemon *daemon)
{
    while (daemon->orders) {
        struct order *order = daemon->orders;

        order_leave(order);
        order_release(order);
    }
}
