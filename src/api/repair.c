/* /v1/invoices/{id}/repair, …/repair-scenario: how operators bring a parked invoice back, and what it would do
 * (?dry_run=true). Ref: doc/spec/repair.md. */
#include <inttypes.h>
#include <string.h>

#include "api/settle.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "payment/calls.h"
#include "payment/effect.h"
#include "payment/kind.h"
#include "payment/repair.h"
#include "payment/state.h"

/* ---- what it would do ---- */

static void text_member(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, ",\"%s\":", name);
    buf_json_str(out, text, strlen(text));
}

static const char *outcome_of(const struct step_out *step)
{
    switch (step->end) {
    case STEP_RETRY: return "retry";
    case STEP_FAIL: return "fail";
    case STEP_OK:
    case STEP_REFUSED: break;
    }
    return step->effect ? "effect" : "commit";
}

static void changes_write(const struct step_out *step, struct buf *out)
{
    size_t i;

    buf_str(out, ",\"changes\":[");
    for (i = 0; i < step->change_count; i++) {
        if (i)
            buf_char(out, ',');
        type_encode(&type_invoice_change, step->changes[i], out);
    }
    buf_char(out, ']');
}

/* Of the balances that would move: "3001:own". */
static void postings_write(const struct step_out *step, struct buf *out)
{
    bool first = true;
    size_t i;

    buf_str(out, ",\"postings\":[");
    for (i = 0; i < step->tally_count; i++) {
        if (step->tallies[i].delta == 0)
            continue;
        buf_printf(out, "%s{\"balance\":\"%s\",\"delta\":%" PRId64 "}", first ? "" : ",", step->tallies[i].field,
                   step->tallies[i].delta);
        first = false;
    }
    buf_char(out, ']');
}

static void effect_write(const struct effect *effect, struct buf *out)
{
    const struct effect_wire *wire = effect_wire(effect->kind);
    const struct effect_args *args = effect->args;

    buf_str(out, ",\"effect\":{\"kind\":");
    if (!wire) {
        buf_printf(out, "\"%d\"}", effect->kind);
        return;
    }
    buf_json_str(out, wire->name, strlen(wire->name));
    if (wire->request) { /* a call */
        text_member(out, "url", args->url);
        text_member(out, "key", args->key);
    }
    buf_char(out, '}');
}

static void timer_write(const struct step_out *step, struct buf *out)
{
    int64_t due_us = rfc3339_us_of_ms(step->due_ms);

    if (step->timer == TIMER_SET) {
        buf_str(out, ",\"timer\":{\"set\":");
        type_encode(&type_time, &due_us, out);
        buf_char(out, '}');
    } else if (step->timer == TIMER_UNSET) {
        buf_str(out, ",\"timer\":{\"unset\":{}}");
    }
}

static void rehearsal_write(const struct runtime_rehearsal *rehearsal, struct buf *out)
{
    const struct step_out *step = rehearsal->out;

    buf_printf(out, "{\"id\":\"%s\",\"version\":%" PRId64 ",\"dry_run\":true", rehearsal->id, rehearsal->version);
    text_member(out, "outcome", outcome_of(step));
    if (step->reason)
        text_member(out, "reason", step->reason);
    changes_write(step, out);
    postings_write(step, out);
    timer_write(step, out);
    if (step->effect || rehearsal->effect)
        effect_write(step->effect ? step->effect : rehearsal->effect, out);
    if (rehearsal->info->asked) /* and a repair with changes would leave it at that */
        buf_printf(out, ",\"asked_and_not_answered\":%s", runtime_asked_json(rehearsal->info->asked));
    text_member(out, "activity", invoice_kind.label(rehearsal->state).activity);
    if (step->remove)
        buf_str(out, ",\"removed\":true");
    buf_char(out, '}');
}

static bool holds_limits(const struct limit_order *order)
{
    size_t i, j;

    for (i = 0; i < order->count; i++) {
        for (j = 0; j < order->requests[i].count; j++) {
            if (order->requests[i].changes[j].verb == LIMIT_HOLD)
                return true;
        }
    }
    return false;
}

/* Limits that are given back are given back; what they come to when they are held, or what calls bring, is anybody's
 * guess. */
static const struct effect_result *assume(const struct effect *effect, struct arena *arena)
{
    const struct limit_order *order = effect->args;
    struct effect_result *result = arena_alloc(arena, sizeof(*result));
    struct limit_answer *answer = arena_alloc(arena, sizeof(*answer));
    struct limit_outcome *outcomes;
    size_t i;

    if (effect->kind != FX_LIMITS || holds_limits(order))
        return NULL;
    outcomes = arena_array(arena, order->count, sizeof(*outcomes));
    for (i = 0; i < order->count; i++)
        outcomes[i].values = arena_array(arena, order->requests[i].count, sizeof(int64_t));
    *answer = (struct limit_answer){ outcomes, order->count };
    *result = (struct effect_result){ .kind = FX_LIMITS, .value = answer };
    return result;
}

static void rehearsed(void *arg, const struct runtime_rehearsal *rehearsal)
{
    struct api_request *request = arg;
    struct buf json = BUF_EMPTY;

    if (rehearsal->err) {
        answer_err(request, rehearsal->err, "InvoiceNotFound", rehearsal->err == SL_ENOENT ? NULL : rehearsal->detail);
    } else if (rehearsal->out->end == STEP_REFUSED) {
        answer_refusal(request, rehearsal->out->reply);
    } else if (!request->call && strcmp(rehearsal->info->status, "failed") != 0) {
        answer_err(request, SL_EREFUSED, "InvoiceNotFound", "the invoice works; there is nothing to repair");
    } else {
        rehearsal_write(rehearsal, &json);
        answer_json(request, 200, &json);
    }
}

/* ---- doing it ---- */

static const char *repair_name(const struct api_request *request)
{
    if (!request->call)
        return "running its step again";
    if (request->call->kind == CALL_REPAIR)
        return "changes";
    return type_name_of(&type_repair_scenario, request->call->repair_scenario->scenario.tag);
}

/* What a repair that was stored left behind, for the answer to come. */
struct repair_done {
    int64_t version; /* of its event */
};

/* It waits for somebody or for its time, or it will be tried again: nothing more comes of the repair by itself soon. */
static bool is_settled(const struct api_request *request, const struct runtime_result *result)
{
    const struct payment_state *payment = invoice_active_payment(result->state);
    const struct machine_info *info = result->info;
    bool is_due = info->due_ms > 0 && info->due_ms <= runtime_now_us(api_setup(request)->runtime) / 1000;

    return info->attempts > 0 || (!is_due && (!payment || outcome_is_settled(payment)));
}

static void settled(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    const struct repair_done *done = request->wait;
    struct outcome_machine machine;
    struct buf json = BUF_EMPTY;
    bool is_over;

    if (answer_failed(request, result, "InvoiceNotFound"))
        return;
    machine = request_machine(request, result);
    is_over = strcmp(result->info->status, "failed") == 0 || is_settled(request, result);
    buf_printf(&json, "{\"id\":\"%s\",\"version\":%" PRId64 ",\"settled\":%s", request->machine, done->version,
               is_over ? "true" : "false");
    outcome_machine_write(&machine, &json);
    buf_char(&json, '}');
    answer_json(request, 200, &json);
}

static void answer_when_settled(struct api_request *request, int64_t version, int64_t wait_s)
{
    struct repair_done *done = arena_alloc(request->arena, sizeof(*done));

    done->version = version;
    request->wait = done;
    settle_wait(request, request->machine, wait_s, is_settled, settled);
}

static void repaired(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    struct buf json = BUF_EMPTY;
    int64_t wait_s;

    if (answer_failed(request, result, "InvoiceNotFound") ||
        !request_query_i64(request, "wait", 0, SETTLE_WAIT_MAX_S, 0, &wait_s))
        return;
    /* Its events do not say who was behind them. */
    if (!result->repeated)
        log_info("invoice %s is repaired by %s, with %s", result->id, (const char *)request->waiting,
                 repair_name(request));
    if (wait_s > 0 && request->exchange && result->state) {
        answer_when_settled(request, result->version, wait_s);
        return;
    }
    buf_printf(&json, "{\"id\":\"%s\",\"version\":%" PRId64 "}", result->id, result->version);
    answer_json(request, 200, &json);
}

/* CALL NULL: the step that failed is run again. */
static void repair_invoice(struct api_request *request, const struct invoice_call *call)
{
    struct runtime *runtime = api_setup(request)->runtime;
    const char *id = request->machine;
    int64_t wait_s;
    bool dry;

    if (!request_query_bool(request, "dry_run", &dry) ||
        !request_query_i64(request, "wait", 0, SETTLE_WAIT_MAX_S, 0, &wait_s))
        return;
    request->call = call ? arena_memdup(request->arena, call, sizeof(*call)) : NULL;
    request->waiting = arena_strdup(request->arena, request->principal ? request->principal->name : "anybody");
    if (!dry)
        runtime_repair_once(runtime, &invoice_kind, id, request->call, request_deadline_ms(request), request->once, repaired,
                            request);
    else
        runtime_rehearse(runtime, &invoice_kind, id, call ? IN_REPAIR : IN_TIMEOUT, request->call, assume, rehearsed,
                         request);
}

void repairs_post(struct api_request *request)
{
    struct invoice_call call = { .kind = CALL_REPAIR, .repair = request->args };

    repair_invoice(request, request->args ? &call : NULL);
}

void repairs_scenario(struct api_request *request)
{
    struct invoice_call call = { .kind = CALL_REPAIR_SCENARIO, .repair_scenario = request->args };

    repair_invoice(request, &call);
}
