/* Callers: merchants with their invoices and payments, the bank's callbacks, and an operator who repairs what was
 * parked. What each was told is written down, for check.c to compare with the histories.
 *
 * A shopper is one invoice. It hears of what becomes of it as a consumer of the feed would, and acts on it after a
 * while: pays again, captures, cancels, fulfils, gives up. Whoever gets no answer, or the answer that nothing was
 * done, asks again under the same id.                                                                      */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/xmalloc.h"
#include "payment/errors.h"
#include "payment/repair.h"
#include "sim/memory.h"

#define TRIES_MAX 25
#define MARKER_BYTES 24
#define REPAIRS_MAX 40 /* of one machine, before it counts as lost */

struct shopper {
    UT_hash_handle hh; /* by id */
    struct sim *sim;
    char id[24];
    struct rng rng;
    int payments, started; /* wanted, asked for */
    int outstanding;       /* calls and plans */
    int repairs, refunds;
    bool born, repairing, capturing, closing;
    int64_t amount, due_us;
    int shop;
    int64_t seen_version;  /* some answer spoke of it */
};

struct traffic {
    struct sim *sim;
    struct shopper *shoppers;
    size_t count, started, calls;
    bool all_born;
    uint64_t markers;
    struct told *told;
    size_t told_count, told_cap;
};

/* What a shopper is about to do. */
struct plan {
    struct shopper *shopper;
    void (*fn)(struct shopper *shopper);
};

static const struct shop_row {
    const char *party, *shop;
    int64_t low, high;
} shops[] = {
    { "party-acme", "shop-acme-books", 100, 400000 },
    { "party-acme", "shop-acme-games", 1000, 900000 },
    { "party-globex", "shop-globex-travel", 1000, 700000 },
};

/* ---- plans ---- */

static void plan_run(void *arg)
{
    struct plan plan = *(struct plan *)arg;

    free(arg);
    plan.shopper->outstanding--;
    plan.fn(plan.shopper);
}

static void plan_after(struct shopper *shopper, int64_t delay_us, void (*fn)(struct shopper *shopper))
{
    struct plan *plan = xmalloc(sizeof(*plan));

    *plan = (struct plan){ shopper, fn };
    shopper->outstanding++;
    clock_after(shopper->sim, delay_us, 0, plan_run, plan);
}

/* ---- calls ---- */

/* One thing that a caller wants, over all its attempts. */
struct want {
    struct shopper *shopper; /* NULL: the bank's callback */
    struct sim *sim;
    struct arena *arena;
    int kind;                /* enum asked_what */
    char what[MARKER_BYTES];
    enum { WANT_CREATE, WANT_CALL, WANT_REPAIR } how;
    const char *id;
    struct invoice_params params;
    struct invoice_call call;
    int tries, out;          /* attempts that were made, and that are out */
    bool ended;
    void (*then)(struct want *want, int verdict); /* once */
    callback_done_fn callback_done;
    void *callback_arg;
};

struct attempt {
    struct want *want;
    struct daemon *daemon;
    uint64_t life;
};

static void want_try(struct want *want);

static struct want *want_new(struct shopper *shopper, int kind, const char *what)
{
    struct want *want = xcalloc(1, sizeof(*want));

    want->shopper = shopper;
    want->sim = shopper->sim;
    want->arena = arena_new();
    want->kind = kind;
    want->id = shopper->id;
    want->how = WANT_CALL;
    snprintf(want->what, sizeof(want->what), "%s", what);
    shopper->outstanding++;
    return want;
}

static void want_release(struct want *want)
{
    if (!want->ended || want->out > 0)
        return;
    arena_free(want->arena);
    free(want);
}

static void tell(struct want *want, int verdict, int64_t version)
{
    struct traffic *traffic = want->sim->traffic;
    struct told *told;

    if (want->how == WANT_REPAIR || want->kind < 0)
        return;
    if (traffic->told_count == traffic->told_cap) {
        traffic->told_cap = traffic->told_cap ? 2 * traffic->told_cap : 1024;
        traffic->told = xrealloc(traffic->told, traffic->told_cap * sizeof(*traffic->told));
    }
    told = &traffic->told[traffic->told_count++];
    memset(told, 0, sizeof(*told));
    snprintf(told->invoice, sizeof(told->invoice), "%s", want->id);
    snprintf(told->what, sizeof(told->what), "%s", want->what);
    told->kind = want->kind;
    told->verdict = verdict;
    told->version = version;
}

static int verdict_of(struct want *want, const struct attempt *attempt, const struct runtime_result *result)
{
    int verdict = VERDICT_NOT_DONE;

    if (attempt->daemon->life != attempt->life)
        return VERDICT_UNKNOWN; /* it is dying: its connection just breaks */
    if (result->err == SL_OK)
        verdict = result->refused ? VERDICT_REFUSED : VERDICT_DONE;
    else if (result->err == SL_EUNKNOWN)
        verdict = VERDICT_UNKNOWN;
    else if (result->err == SL_EEXIST && want->how == WANT_CREATE)
        verdict = VERDICT_DONE;
    else if (result->err == SL_EINVAL || result->err == SL_ECORRUPT)
        sim_violation(want->sim, want->id, "a call was answered %s: %s", sl_err_name(result->err), result->detail);
    if (verdict == VERDICT_REFUSED && sim_broken(want->sim, BREAK_FALSE_ANSWER, 100000))
        verdict = VERDICT_DONE;
    if (verdict == VERDICT_DONE && sim_broken(want->sim, BREAK_FALSE_REFUSAL, 5000))
        verdict = VERDICT_REFUSED;
    return verdict;
}

static void want_end(struct want *want, int verdict)
{
    want->ended = true;
    if (want->shopper)
        want->shopper->outstanding--;
    if (want->then)
        want->then(want, verdict);
}

/* A marked want has a mark for each attempt; a repeat is another want. */
static bool want_again(const struct want *want, int verdict)
{
    return (verdict == VERDICT_NOT_DONE || verdict == VERDICT_UNKNOWN) && want->kind != ASKED_MARKED &&
           want->kind >= 0 && want->tries < TRIES_MAX;
}

static void want_retry(void *arg)
{
    struct want *want = arg;

    want->out--;
    if (!want->ended)
        want_try(want);
    want_release(want);
}

static void read_done(void *arg, const struct runtime_result *result)
{
    struct attempt *attempt = arg;
    struct want *want = attempt->want;
    struct shopper *shopper = want->shopper;

    if (result->err == SL_OK && result->version < want->tries)
        sim_violation(shopper->sim, shopper->id, "a read shows version %" PRId64 ", though an answer before spoke of %d",
                      result->version, want->tries);
    else if (result->err == SL_ENOENT || result->err == SL_ECORRUPT)
        sim_violation(shopper->sim, shopper->id, "a read was answered %s: %s", sl_err_name(result->err), result->detail);
    shopper->outstanding--;
    arena_free(want->arena);
    free(want);
    free(attempt);
}

/* Reads the machine at some daemon: what was answered once must be seen by everybody afterwards. */
static void read_back(struct shopper *shopper, int64_t version)
{
    struct daemon *daemon = daemon_any(shopper->sim);
    struct attempt *attempt;
    struct want *want;

    if (!daemon)
        return;
    want = want_new(shopper, -1, "");
    want->tries = (int)version;
    attempt = xcalloc(1, sizeof(*attempt));
    *attempt = (struct attempt){ want, daemon, daemon->life };
    runtime_read(daemon->runtime, &shopper->sim->kind, shopper->id, 0, read_done, attempt);
}

static void attempt_done(void *arg, const struct runtime_result *result)
{
    struct attempt *attempt = arg;
    struct want *want = attempt->want;
    struct sim *sim = want->sim;
    int verdict = verdict_of(want, attempt, result);

    free(attempt);
    want->out--;
    tell(want, verdict, result->version);
    if (verdict == VERDICT_DONE && want->shopper && rng_below(&sim->choices, 10) == 0)
        read_back(want->shopper, result->version);
    if (want->ended) {
        want_release(want);
    } else if (want_again(want, verdict)) {
        want->out++;
        clock_after(sim, rng_between(&sim->choices, 20000, 3000000), 0, want_retry, want);
    } else {
        want_end(want, verdict);
        want_release(want);
    }
}

static void attempt_at(struct want *want, struct daemon *daemon)
{
    struct attempt *attempt = xcalloc(1, sizeof(*attempt));
    int64_t deadline_ms = rng_below(&want->sim->choices, 20) == 0 ? 50 : 30000;

    *attempt = (struct attempt){ want, daemon, daemon->life };
    want->out++;
    if (want->how == WANT_CREATE)
        runtime_start(daemon->runtime, &want->sim->kind, want->id, &want->params, deadline_ms, attempt_done, attempt);
    else if (want->how == WANT_REPAIR)
        runtime_repair(daemon->runtime, &want->sim->kind, want->id, want->call.kind ? &want->call : NULL, deadline_ms,
                       attempt_done, attempt);
    else
        runtime_call(daemon->runtime, &want->sim->kind, want->id, &want->call, deadline_ms, attempt_done, attempt);
}

static void want_try(struct want *want)
{
    struct sim *sim = want->sim;
    struct daemon *daemon = daemon_any(sim), *other;

    if (!daemon) { /* nobody is there: as if the connection were refused */
        want->out++;
        clock_after(sim, rng_between(&sim->choices, 100000, 2000000), 0, want_retry, want);
        return;
    }
    want->tries++;
    attempt_at(want, daemon);
    other = daemon_any(sim);
    if (other != daemon && want->kind >= 0 && want->kind != ASKED_MARKED && !sim->settling && rng_below(&sim->choices, 25) == 0) {
        sim_count(sim, FAULT_CALL_TWICE);
        attempt_at(want, other);
    }
}

static struct want *marked(struct shopper *shopper, int call)
{
    char marker[MARKER_BYTES];
    struct want *want;

    snprintf(marker, sizeof(marker), "mark-%" PRIu64 ";", ++shopper->sim->traffic->markers);
    want = want_new(shopper, ASKED_MARKED, marker);
    want->call.kind = call;
    return want;
}

/* ---- what shoppers do ---- */

static void shopper_pay(struct shopper *shopper);

/* A marked call that was not done, or perhaps not, is made again in the shape of a new one. */
static void close_then(struct want *want, int verdict)
{
    struct shopper *shopper = want->shopper;

    if (verdict == VERDICT_NOT_DONE || verdict == VERDICT_UNKNOWN)
        shopper->closing = false;
}

static void shopper_fulfill(struct shopper *shopper)
{
    struct want *want = marked(shopper, CALL_FULFILL);

    want->call.fulfill.reason = want->what;
    want->then = close_then;
    want_try(want);
}

static void shopper_rescind(struct shopper *shopper)
{
    struct want *want = marked(shopper, CALL_RESCIND);

    want->call.rescind.reason = want->what;
    want->then = close_then;
    want_try(want);
}

static void shopper_refund(struct shopper *shopper)
{
    struct want *want = marked(shopper, CALL_REFUND);
    struct cash *cash;

    want->call.refund.payment_id = arena_printf(want->arena, "%d", shopper->started);
    want->call.refund.params.reason = want->what;
    if (rng_below(&shopper->rng, 3)) {
        cash = arena_alloc(want->arena, sizeof(*cash));
        *cash = (struct cash){ rng_between(&shopper->rng, 1000, 40000), { "RUB" } };
        want->call.refund.params.cash = cash;
    }
    want_try(want);
}

static void decided(struct want *want, int verdict)
{
    if (verdict != VERDICT_DONE)
        want->shopper->capturing = false;
}

static const char *payment_now(struct shopper *shopper, struct arena *arena)
{
    return arena_printf(arena, "%d", shopper->started);
}

static void shopper_capture(struct shopper *shopper)
{
    struct want *want = marked(shopper, CALL_CAPTURE);
    struct cash *cash;

    want->call.capture.payment_id = payment_now(shopper, want->arena);
    want->call.capture.params.reason = want->what;
    if (rng_below(&shopper->rng, 3) == 0) {
        cash = arena_alloc(want->arena, sizeof(*cash));
        *cash = (struct cash){ shopper->amount - shopper->amount / rng_between(&shopper->rng, 2, 9), { "RUB" } };
        want->call.capture.params.cash = cash;
    }
    want->then = decided;
    want_try(want);
}

static void shopper_cancel(struct shopper *shopper)
{
    struct want *want = marked(shopper, CALL_CANCEL);

    want->call.cancel.payment_id = payment_now(shopper, want->arena);
    want->call.cancel.reason = want->what;
    want->then = decided;
    want_try(want);
}

static void paid_then(struct want *want, int verdict)
{
    struct shopper *shopper = want->shopper;

    /* A refusal: the invoice ran out meanwhile, its terms do not allow this payment, or another one is under way. */
    if (verdict == VERDICT_REFUSED && shopper->started < shopper->payments)
        plan_after(shopper, rng_between(&shopper->rng, 100000, 2000000), shopper_pay);
}

static struct payment_tool *tool_of(struct shopper *shopper, struct arena *arena)
{
    static const char *const systems[] = { "VISA", "MASTERCARD", "VISA", "MIR" };
    static const char *const countries[] = { "RUS", "USA", "RUS" };
    struct payment_tool *tool = arena_alloc(arena, sizeof(*tool));
    struct id_ref *ref = arena_alloc(arena, sizeof(*ref));
    struct digital_wallet *wallet;
    struct bank_card *card;

    if (rng_below(&shopper->rng, 12) == 0) {
        wallet = arena_alloc(arena, sizeof(*wallet));
        ref->id = "QIWI";
        wallet->payment_service = ref;
        wallet->id = "w";
        wallet->token = "wallet";
        *tool = (struct payment_tool){ .tag = TOOL_DIGITAL_WALLET, .digital_wallet = wallet };
        return tool;
    }
    card = arena_alloc(arena, sizeof(*card));
    ref->id = systems[rng_below(&shopper->rng, SL_COUNT(systems))];
    card->token = arena_printf(arena, "card-%d", (int)rng_below(&shopper->rng, 50));
    card->payment_system = ref;
    card->bin = "424242";
    card->last_digits = "4242";
    card->issuer_country = countries[rng_below(&shopper->rng, SL_COUNT(countries))];
    *tool = (struct payment_tool){ .tag = TOOL_BANK_CARD, .bank_card = card };
    return tool;
}

static void shopper_pay(struct shopper *shopper)
{
    static const bool yes = true;
    struct payment_resource_params *resource;
    struct start_payment_call *call;
    struct want *want;
    char id[MARKER_BYTES];

    if (shopper->started >= shopper->payments)
        return;
    snprintf(id, sizeof(id), "%d", ++shopper->started);
    want = want_new(shopper, ASKED_START, id);
    resource = arena_alloc(want->arena, sizeof(*resource));
    resource->resource.payment_tool = *tool_of(shopper, want->arena);
    resource->contact_info.email = "payer@example.com";
    want->call.kind = CALL_START_PAYMENT;
    call = &want->call.start_payment;
    call->id = want->what;
    call->payer = (struct payer_params){ .tag = PAYER_PAYMENT_RESOURCE, .payment_resource = resource };
    call->flow.tag = rng_below(&shopper->rng, 3) == 0 ? FLOW_HOLD : FLOW_INSTANT;
    call->flow.hold.on_hold_expiration = rng_below(&shopper->rng, 2) ? ON_HOLD_CANCEL : ON_HOLD_CAPTURE;
    if (rng_below(&shopper->rng, 10) == 0)
        call->make_recurrent = &yes;
    if (call->flow.tag == FLOW_INSTANT)
        call->flow.hold.on_hold_expiration = 0;
    if (rng_below(&shopper->rng, 15) == 0)
        call->processing_deadline = shopper->sim->now_us + rng_between(&shopper->rng, 0, 3000000);
    want->then = paid_then;
    shopper->sim->traffic->started++;
    want_try(want);
}

static void created_then(struct want *want, int verdict)
{
    struct shopper *shopper = want->shopper;

    if (verdict != VERDICT_DONE)
        return;
    if (shopper->payments > 0)
        plan_after(shopper, rng_between(&shopper->rng, 0, 1000000), shopper_pay);
    else if (rng_below(&shopper->rng, 2))
        plan_after(shopper, rng_between(&shopper->rng, 0, 20000000), shopper_rescind);
}

static void shopper_create(struct shopper *shopper)
{
    const struct shop_row *shop = &shops[shopper->shop];
    struct want *want = want_new(shopper, ASKED_CREATE, "");

    want->how = WANT_CREATE;
    want->params = (struct invoice_params){
        .id = shopper->id, .party_id = shop->party, .shop_id = shop->shop, .details = { .product = "a duck" },
        .due = shopper->due_us, .cost = { shopper->amount, { "RUB" } }, .context = { "text/plain", "" },
    };
    want->then = created_then;
    want_try(want);
}

/* ---- what shoppers hear ---- */

static void heard_flow_waiting(struct shopper *shopper)
{
    uint64_t draw = rng_below(&shopper->rng, 10);

    if (shopper->capturing)
        return;
    shopper->capturing = true;
    if (draw < 4)
        plan_after(shopper, rng_between(&shopper->rng, 0, 70000000), shopper_capture);
    else if (draw < 7)
        plan_after(shopper, rng_between(&shopper->rng, 0, 70000000), shopper_cancel);
}

static void heard_idle(struct shopper *shopper, const char *status)
{
    if (strcmp(status, "unpaid") == 0 && shopper->started > 0) {
        shopper->capturing = false;
        if (shopper->started < shopper->payments)
            plan_after(shopper, rng_between(&shopper->rng, 10000, 3000000), shopper_pay);
        else if (!shopper->closing && rng_below(&shopper->rng, 3) == 0) {
            shopper->closing = true;
            plan_after(shopper, rng_between(&shopper->rng, 10000, 8000000), shopper_rescind);
        }
    } else if (strcmp(status, "paid") == 0 && !shopper->closing && rng_below(&shopper->rng, 2)) {
        shopper->closing = true;
        plan_after(shopper, rng_between(&shopper->rng, 10000, 5000000), shopper_fulfill);
    }
    if ((strcmp(status, "paid") == 0 || strcmp(status, "fulfilled") == 0) && shopper->refunds > 0) {
        plan_after(shopper, rng_between(&shopper->rng, 10000, 5000000), shopper_refund);
        if (--shopper->refunds > 0 && rng_below(&shopper->rng, 4) == 0) { /* two at once */
            shopper->refunds--;
            plan_after(shopper, rng_between(&shopper->rng, 10000, 5000000), shopper_refund);
        }
    }
}

void traffic_news(struct sim *sim, const char *id, const char *activity, const char *status)
{
    struct shopper *shopper;

    HASH_FIND_STR(sim->traffic->shoppers, id, shopper);
    if (!shopper)
        return;
    if (strcmp(activity, "flow_waiting") == 0)
        heard_flow_waiting(shopper);
    else if (strcmp(activity, "invoice") == 0)
        heard_idle(shopper, status);
}

/* ---- the bank's callbacks ---- */

struct callback_want {
    struct sim *sim;
    struct want *want;
    struct daemon *daemon;
    uint64_t life;
};

static void callback_then(struct want *want, int verdict)
{
    want->callback_done(want->callback_arg, verdict == VERDICT_DONE      ? CALLBACK_TAKEN
                                            : verdict == VERDICT_REFUSED ? CALLBACK_REFUSED
                                                                         : CALLBACK_UNKNOWN);
    want->sim->traffic->calls--;
}

static void callback_resolved(void *arg, enum sl_err err, const char *id)
{
    struct callback_want *asked = arg;
    struct want *want = asked->want;

    want->out--;
    if (!err && asked->daemon->life == asked->life && !asked->daemon->doomed) {
        want->id = arena_strdup(want->arena, id);
        want->tries++;
        attempt_at(want, asked->daemon);
    } else {
        want_end(want, VERDICT_UNKNOWN);
        want_release(want);
    }
    free(asked);
}

static void callback_go(void *arg)
{
    struct callback_want *asked = arg;
    struct want *want = asked->want;

    asked->daemon = daemon_any(asked->sim);
    want->out = 1;
    if (asked->daemon) {
        asked->life = asked->daemon->life;
        runtime_resolve_tag(asked->daemon->runtime, want->call.kind == CALL_CALLBACK ? want->call.callback.tag
                                                                                     : want->call.session_change.tag,
                            callback_resolved, asked);
        return;
    }
    want->out = 0;
    want_end(want, VERDICT_UNKNOWN);
    want_release(want);
    free(asked);
}

static void callback_start(struct sim *sim, struct want *want, callback_done_fn done, void *arg)
{
    struct callback_want *asked = xcalloc(1, sizeof(*asked));

    *asked = (struct callback_want){ .sim = sim, .want = want };
    want->sim = sim;
    want->id = "?";
    want->how = WANT_CALL;
    want->then = callback_then;
    want->callback_done = done;
    want->callback_arg = arg;
    sim->traffic->calls++;
    clock_after(sim, 1, 0, callback_go, asked);
}

void traffic_callback(struct sim *sim, const char *tag, const char *payload, callback_done_fn done, void *arg)
{
    struct want *want = xcalloc(1, sizeof(*want));

    want->arena = arena_new();
    want->kind = -1;
    want->call.kind = CALL_CALLBACK;
    want->call.callback.tag = arena_strdup(want->arena, tag);
    want->call.callback.payload = arena_strdup(want->arena, payload);
    callback_start(sim, want, done, arg);
}

void traffic_session_change(struct sim *sim, const char *tag, callback_done_fn done, void *arg)
{
    struct want *want = xcalloc(1, sizeof(*want));
    struct session_change_call *call = &want->call.session_change;

    want->arena = arena_new();
    want->kind = ASKED_MARKED;
    snprintf(want->what, sizeof(want->what), "mark-%" PRIu64 ";", ++sim->traffic->markers);
    want->call.kind = CALL_SESSION_CHANGE;
    call->tag = arena_strdup(want->arena, tag);
    call->change.tag = call->change.status.tag = 1;
    call->change.status.failure.code = "authorization_failed";
    call->change.status.failure.reason = want->what;
    callback_start(sim, want, done, arg);
}

/* ---- the operator ---- */

static void repaired_then(struct want *want, int verdict)
{
    (void)verdict;
    want->shopper->repairing = false;
}

static void operator_repair(struct sim *sim, struct mem_machine *machine)
{
    struct shopper *shopper;
    struct want *want;

    HASH_FIND_STR(sim->traffic->shoppers, machine->id, shopper);
    if (!shopper || shopper->repairing)
        return;
    if (++shopper->repairs == REPAIRS_MAX)
        sim_violation(sim, shopper->id, "repaired %d times in vain: %s", shopper->repairs, machine->reason);
    if (shopper->repairs >= REPAIRS_MAX)
        return;
    sim->repairs++;
    shopper->repairing = true;
    want = want_new(shopper, -1, "");
    want->how = WANT_REPAIR;
    want->then = repaired_then;
    want_try(want);
}

static void operator_look(void *arg)
{
    struct sim *sim = arg;
    struct mem_machine *machine, *next;

    clock_after(sim, rng_between(&sim->choices, 2000000, 6000000), 0, operator_look, sim);
    if (sim->memory->failed_count == 0)
        return;
    HASH_ITER(hh, sim->memory->machines, machine, next) {
        if (machine->failed_ms && rng_below(&sim->choices, 2))
            operator_repair(sim, machine);
    }
}

/* ---- all of them ---- */

static void shopper_arrives(void *arg)
{
    struct sim *sim = arg;
    struct traffic *traffic = sim->traffic;
    struct shopper *shopper;

    if (traffic->started >= sim->options.payments) {
        traffic->all_born = true;
        return;
    }
    shopper = xcalloc(1, sizeof(*shopper));
    shopper->sim = sim;
    snprintf(shopper->id, sizeof(shopper->id), "i%zu", ++traffic->count);
    shopper->rng.state = mix(sim->shop_rng.state, traffic->count);
    shopper->shop = (int)rng_below(&shopper->rng, SL_COUNT(shops));
    shopper->amount = rng_between(&shopper->rng, shops[shopper->shop].low, shops[shopper->shop].high);
    shopper->payments = (int)rng_between(&shopper->rng, 0, 3) + (rng_below(&shopper->rng, 8) > 0);
    shopper->refunds = (int)rng_below(&shopper->rng, 6) - 2;
    shopper->due_us = sim->now_us + rng_between(&shopper->rng, 20000000, 200000000);
    HASH_ADD_STR(traffic->shoppers, id, shopper);
    plan_after(shopper, 1, shopper_create);
    clock_after(sim, rng_between(&sim->choices, 1000, 60000), 0, shopper_arrives, sim);
}

struct traffic *traffic_new(struct sim *sim)
{
    struct traffic *traffic = xcalloc(1, sizeof(*traffic));

    traffic->sim = sim;
    sim->traffic = traffic;
    clock_after(sim, 500000, 0, shopper_arrives, sim);
    clock_after(sim, 1000000, 0, operator_look, sim);
    return traffic;
}

void traffic_free(struct traffic *traffic)
{
    struct shopper *shopper, *next;

    HASH_ITER(hh, traffic->shoppers, shopper, next) {
        HASH_DEL(traffic->shoppers, shopper);
        free(shopper);
    }
    free(traffic->told);
    free(traffic);
}

bool traffic_over(const struct traffic *traffic)
{
    struct shopper *shopper, *next;

    if (!traffic->all_born || traffic->calls > 0)
        return false;
    HASH_ITER(hh, traffic->shoppers, shopper, next) {
        if (shopper->outstanding > 0)
            return false;
    }
    return true;
}

size_t traffic_started(const struct traffic *traffic)
{
    return traffic->started;
}

size_t traffic_told(const struct traffic *traffic, const struct told **out)
{
    *out = traffic->told;
    return traffic->told_count;
}
