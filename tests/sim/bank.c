/* The bank: a provider and an inspector with a book. What it answers is drawn from the seed, and from nothing that the
 * order of things could change; what it has answered under a key it answers again.
 *
 * A session follows a script: it may sleep a few times, then it is approved, declined, put off, or sent to 3-D Secure
 * and decided by a callback. Sessions that capture, cancel or refund mostly succeed. A real adapter is idempotent per
 * session as well as per key (doc/spec/session.md 10), and so is this one: a finished session stays as it ended.  */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/xmalloc.h"
#include "payment/effect.h"
#include "money/ledger.h"
#include "provider/answer.h"
#include "sim/counters.h"
#include "sim/memory.h"
#include "sim/sim.h"

#define KEY_BYTES 192

/* ---- the book ---- */

struct account {
    UT_hash_handle hh;
    struct bank_account sums;
    int transactions;
    char key[]; /* "invoice.payment" */
};

enum script { SCRIPT_APPROVE, SCRIPT_DECLINE, SCRIPT_PUT_OFF, SCRIPT_SECURE };
/* How a callback goes on. */
enum after { AFTER_APPROVE, AFTER_DECLINE, AFTER_SLEEP, AFTER_SUSPEND, AFTER_NOTHING };

struct bank_session {
    UT_hash_handle hh;
    struct acquirer *bank;
    struct account *account;
    int target;
    struct rng rng;
    enum script script;
    int sleeps, calls, callbacks;
    bool decided;     /* its script is over: ENDING is the answer for ever */
    bool activated;   /* a callback told it to go on by itself */
    bool charged;
    bool outside;     /* the present callback came from outside, not from a timeout */
    char *ending;
    int64_t states;   /* given out so far */
    int64_t state_told; /* of the last answer to a call that was not a callback's */
    char trx[64], tag[96];
    char key[];       /* "invoice.payment.target.number" */
};

struct entry {
    UT_hash_handle hh;
    char *answer;
    bool charged;
    struct bank_session *session;
    char key[];
};

struct acquirer {
    struct sim *sim;
    struct account *accounts;
    struct bank_session *sessions;
    struct entry *book;
    size_t senders; /* of callbacks */
};

/* An effect under way. */
struct order {
    struct order *prev, *next; /* daemon->orders, as long as it is waited for */
    struct acquirer *bank;
    struct daemon *daemon;     /* NULL: nobody waits any more */
    uint64_t number;
    struct arena *into;        /* the machine's */
    effect_done_fn done;
    void *done_arg;
    int parts, kind, status;
    enum sl_err err;
    bool lose;
    struct arena *arena;       /* its own */
    const char *key, *state, *callback, *trx, *answer;
    int target;
    int64_t amount;
    size_t routes;             /* FX_BLACKLIST: asked about */
    const struct limit_order *limits; /* FX_LIMITS */
    uint64_t partitions;       /* of the counters: those that the order reaches */
    const struct limit_answer *counted;
    int64_t account;           /* FX_BALANCE */
    struct balance balance;
};

struct acquirer *bank_new(struct sim *sim)
{
    struct acquirer *bank = xcalloc(1, sizeof(*bank));

    bank->sim = sim;
    return bank;
}

void bank_free(struct acquirer *bank)
{
    struct account *account, *next_account;
    struct bank_session *session, *next_session;
    struct entry *entry, *next_entry;

    HASH_ITER(hh, bank->accounts, account, next_account) {
        HASH_DEL(bank->accounts, account);
        free(account);
    }
    HASH_ITER(hh, bank->sessions, session, next_session) {
        HASH_DEL(bank->sessions, session);
        free(session->ending);
        free(session);
    }
    HASH_ITER(hh, bank->book, entry, next_entry) {
        HASH_DEL(bank->book, entry);
        free(entry->answer);
        free(entry);
    }
    free(bank);
}

bool bank_account(const struct acquirer *bank, const char *invoice, const char *payment, struct bank_account *out)
{
    char key[KEY_BYTES];
    struct account *account;

    snprintf(key, sizeof(key), "%s.%s", invoice, payment);
    HASH_FIND_STR(bank->accounts, key, account);
    if (account)
        *out = account->sums;
    return account != NULL;
}

bool bank_idle(const struct acquirer *bank)
{
    return bank->senders == 0;
}

uint64_t bank_digest(const struct acquirer *bank, uint64_t hash)
{
    struct entry *entry, *next;

    HASH_ITER(hh, bank->book, entry, next) {
        hash = hash_bytes(hash, entry->key, strlen(entry->key));
        hash = hash_bytes(hash, entry->answer, strlen(entry->answer));
    }
    return hash;
}

static struct account *account_get(struct acquirer *bank, const char *key)
{
    struct account *account;

    HASH_FIND_STR(bank->accounts, key, account);
    if (account)
        return account;
    account = xcalloc(1, sizeof(*account) + strlen(key) + 1);
    strcpy(account->key, key);
    HASH_ADD_STR(bank->accounts, key, account);
    return account;
}

/* The first PARTS parts of a key, which are separated by dots. */
static void key_head(const char *key, int parts, char out[KEY_BYTES])
{
    const char *end = key;

    while (parts > 0 && (end = strchr(end, '.'))) {
        if (--parts > 0)
            end++;
    }
    snprintf(out, KEY_BYTES, "%.*s", (int)(end ? (size_t)(end - key) : strlen(key)), key);
}

static void session_script(struct bank_session *session)
{
    uint64_t draw = rng_below(&session->rng, 100);

    session->sleeps = rng_below(&session->rng, 10) == 0 ? (int)rng_between(&session->rng, 1, 3) : 0;
    if (session->target == TARGET_REFUNDED)
        session->script = draw < 84 ? SCRIPT_APPROVE : draw < 92 ? SCRIPT_DECLINE : SCRIPT_PUT_OFF;
    else if (session->target != TARGET_PROCESSED)
        session->script = draw < 93 ? SCRIPT_APPROVE : SCRIPT_PUT_OFF;
    else
        session->script = draw < 58 ? SCRIPT_APPROVE : draw < 68 ? SCRIPT_DECLINE
                          : draw < 76 ? SCRIPT_PUT_OFF : SCRIPT_SECURE;
}

static struct bank_session *session_get(struct acquirer *bank, const struct order *order)
{
    char key[KEY_BYTES], of[KEY_BYTES];
    struct bank_session *session;

    key_head(order->key, order->target == TARGET_REFUNDED ? 5 : 4, key); /* a refund's id stands in between */
    HASH_FIND_STR(bank->sessions, key, session);
    if (session)
        return session;
    session = xcalloc(1, sizeof(*session) + strlen(key) + 1);
    strcpy(session->key, key);
    session->bank = bank;
    key_head(order->key, 2, of);
    session->account = account_get(bank, of);
    session->target = order->target;
    session->rng.state = hash_bytes(bank->sim->options.seed, key, strlen(key));
    session_script(session);
    HASH_ADD_STR(bank->sessions, key, session);
    return session;
}

/* ---- what a session does to the money ---- */

static void money_moves(struct bank_session *session, const struct order *order, int64_t amount)
{
    struct bank_account *sums = &session->account->sums;
    struct sim *sim = session->bank->sim;
    char invoice[KEY_BYTES];

    key_head(order->key, 1, invoice);
    switch (session->target) {
    case TARGET_PROCESSED:
        sums->charges += !sim_broken(sim, BREAK_UNDO_CHARGE, 10000);
        sums->authorised = amount;
        sums->unconfirmed = session->outside;
        break;
    case TARGET_CAPTURED:
        sums->captures++;
        sums->captured = order->amount;
        if (sums->charges == 0 || sums->cancels > 0 || order->amount > sums->authorised)
            sim_violation(sim, invoice, "the bank was asked to capture %" PRId64 " of %" PRId64 " (%" PRId64
                          " charges, %" PRId64 " cancels)", order->amount, sums->authorised, sums->charges, sums->cancels);
        break;
    case TARGET_CANCELLED:
        sums->cancels++;
        if (sums->charges == 0 || sums->captures > 0)
            sim_violation(sim, invoice, "the bank was asked to cancel what was not authorised, or captured");
        break;
    case TARGET_REFUNDED:
        sums->refunds++;
        sums->refunded += order->amount;
        if (sums->captures == 0 || sums->refunded > sums->captured)
            sim_violation(sim, invoice, "the bank was asked to give back %" PRId64 " in all, of %" PRId64 " captured",
                          sums->refunded, sums->captured);
        break;
    default: break;
    }
    session->charged = true;
}

/* ---- answers ---- */

static void put_trx(struct bank_session *session, const struct order *order, struct buf *out)
{
    if (!session->trx[0] && order->trx)
        snprintf(session->trx, sizeof(session->trx), "%s", order->trx);
    if (!session->trx[0])
        snprintf(session->trx, sizeof(session->trx), "%s-%d", session->account->key, ++session->account->transactions);
    buf_printf(out, ",\"trx\":{\"id\":\"%s\",\"extra\":{}}", session->trx);
}

static void put_state(struct bank_session *session, const char *comma, struct buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef";
    int64_t state = ++session->states;

    buf_printf(out, "%s\"next_state\":\"%c%c%c%c\"", comma, digits[(state / 32768) % 32], digits[(state / 1024) % 32],
               digits[(state / 32) % 32], digits[state % 32]);
}

static int64_t state_number(const char *state)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef";
    int64_t number = 0;

    for (; state && *state; state++)
        number = number * 32 + (strchr(digits, *state) - digits);
    return number;
}

static void put_interaction(struct bank_session *session, struct buf *out)
{
    uint64_t draw = rng_below(&session->rng, 4);

    if (draw == 0)
        buf_str(out, ",\"user_interaction\":{\"redirect\":{\"get_request\":{\"uri\":\"https://acs.example/\"}}}");
    else if (draw == 1)
        buf_str(out, ",\"user_interaction_completion\":{}");
}

static void answer_success(struct bank_session *session, const struct order *order, struct buf *out)
{
    int64_t amount = order->amount;

    if (session->target == TARGET_PROCESSED && rng_below(&session->rng, 20) == 0) {
        amount -= amount / (int64_t)rng_between(&session->rng, 3, 20);
        buf_printf(out, "{\"intent\":{\"finish\":{\"status\":{\"success\":{\"changed_cost\":{\"amount\":%" PRId64
                   ",\"currency\":{\"symbolic_code\":\"RUB\"}}}}}}", amount);
    } else if (session->target == TARGET_PROCESSED && rng_below(&session->rng, 12) == 0) {
        buf_str(out, "{\"intent\":{\"finish\":{\"status\":{\"success\":{\"token\":\"rec\"}}}}");
    } else {
        buf_str(out, "{\"intent\":{\"finish\":{\"status\":{\"success\":{}}}}");
    }
    money_moves(session, order, amount);
    put_trx(session, order, out);
    buf_char(out, '}');
    session->decided = true;
}

static void answer_failure(struct bank_session *session, const char *sub, struct buf *out)
{
    buf_printf(out, "{\"intent\":{\"finish\":{\"status\":{\"failure\":{\"code\":\"authorization_failed\",\"sub\":"
               "{\"code\":\"%s\"}}}}}}", sub);
    session->decided = true;
}

static void answer_sleep(struct bank_session *session, const struct order *order, struct buf *out)
{
    buf_printf(out, "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":%" PRId64 "}", rng_between(&session->rng, 0, 4));
    put_interaction(session, out);
    buf_str(out, "}}");
    if (rng_below(&session->rng, 2))
        put_state(session, ",", out);
    if (rng_below(&session->rng, 3) == 0)
        put_trx(session, order, out);
    buf_char(out, '}');
}

/* ---- 3-D Secure: the customer comes back, and the bank tells ---- */

struct secure {
    struct acquirer *bank;
    struct bank_session *session;
    int tries;
    bool failure; /* told as a change of the session, not as a callback */
    char tag[96], payload[16];
};

static void secure_send(void *arg);

static void secure_done(void *arg, enum callback_end end)
{
    struct secure *secure = arg;
    struct sim *sim = secure->bank->sim;

    if (end == CALLBACK_UNKNOWN ? secure->tries < 8 : end == CALLBACK_REFUSED && secure->tries < 2) { /* as good senders do, it tries again */
        clock_after(sim, rng_between(&sim->bank_rng, 10000, 1500000), 0, secure_send, secure);
        return;
    }
    if (end == CALLBACK_TAKEN && !secure->failure)
        secure->session->account->sums.unconfirmed = false;
    secure->bank->senders--;
    free(secure);
}

static void secure_send(void *arg)
{
    struct secure *secure = arg;

    secure->tries++;
    if (secure->failure)
        traffic_session_change(secure->bank->sim, secure->tag, secure_done, secure);
    else
        traffic_callback(secure->bank->sim, secure->tag, secure->payload, secure_done, secure);
}

static void secure_plan(struct bank_session *session, int64_t delay_us, int number, bool failure)
{
    struct secure *secure = xcalloc(1, sizeof(*secure));

    secure->bank = session->bank;
    secure->bank->senders++;
    secure->session = session;
    secure->failure = failure;
    snprintf(secure->tag, sizeof(secure->tag), "%s", session->tag);
    snprintf(secure->payload, sizeof(secure->payload), "Y2Jh%c%c==", 'A' + number % 26, 'A');
    clock_after(session->bank->sim, delay_us, 0, secure_send, secure);
}

static void answer_suspend(struct bank_session *session, const struct order *order, struct buf *out)
{
    struct sim *sim = session->bank->sim;
    int64_t timeout_s = rng_between(&session->rng, 2, 30);
    uint64_t draw = rng_below(&session->rng, 100), behaviour = rng_below(&session->rng, 4);

    if (!session->tag[0] || rng_below(&session->rng, 2))
        snprintf(session->tag, sizeof(session->tag), "%s-%d", session->key, session->calls + session->callbacks);
    buf_printf(out, "{\"intent\":{\"suspend\":{\"tag\":\"%s\",\"timeout\":{\"timeout\":%" PRId64 "}", session->tag, timeout_s);
    put_interaction(session, out);
    if (behaviour == 0)
        buf_str(out, ",\"timeout_behaviour\":{\"callback\":\"dGltZW91dA==\"}");
    else if (behaviour == 1)
        buf_str(out, ",\"timeout_behaviour\":{\"operation_failure\":{\"failure\":{\"code\":\"preauthorization_failed\","
                "\"sub\":{\"code\":\"three_ds_not_finished\"}}}}");
    buf_str(out, "}}");
    if (rng_below(&session->rng, 2))
        put_state(session, ",", out);
    put_trx(session, order, out);
    buf_char(out, '}');
    if (draw < 8) {
        sim_count(sim, FAULT_CALLBACK_EARLY);
        secure_plan(session, 1, session->callbacks, false);
    } else if (draw < 80) {
        secure_plan(session, rng_between(&session->rng, 100000, timeout_s * 800000), session->callbacks, false);
    } else if (draw < 86) {
        secure_plan(session, rng_between(&session->rng, 100000, timeout_s * 800000), session->callbacks, true);
    } else if (draw < 93) {
        sim_count(sim, FAULT_CALLBACK_LATE);
        secure_plan(session, timeout_s * 1000000 + rng_between(&session->rng, -2000, 5000000), session->callbacks, false);
    }
    if (draw % 5 == 0) {
        sim_count(sim, FAULT_CALLBACK_TWICE);
        secure_plan(session, rng_between(&session->rng, 100000, timeout_s * 1100000), session->callbacks, false);
    }
}

/* ---- one call on a session ---- */

static void answer_process(struct bank_session *session, const struct order *order, struct buf *out)
{
    session->outside = false;
    session->calls++;
    if (session->sleeps > 0) {
        session->sleeps--;
        answer_sleep(session, order, out);
    } else if (session->script == SCRIPT_APPROVE || session->activated) {
        answer_success(session, order, out);
    } else if (session->script == SCRIPT_DECLINE) {
        answer_failure(session, rng_below(&session->rng, 2) ? "insufficient_funds" : "rejected_by_issuer", out);
    } else if (session->script == SCRIPT_PUT_OFF) {
        answer_failure(session, "temporarily_unavailable", out);
    } else {
        answer_suspend(session, order, out);
    }
}

static void answer_callback(struct bank_session *session, const struct order *order, struct buf *out)
{
    bool timeout = strcmp(order->callback, "dGltZW91dA==") == 0;
    uint64_t draw = rng_below(&session->rng, 100);

    session->outside = !timeout;
    session->callbacks++;
    if (timeout ? draw < 20 : draw < 65 || session->callbacks > 4) {
        answer_success(session, order, out);
    } else if (timeout || draw < 78) {
        answer_failure(session, timeout ? "operation_blocked" : "security_policy_violated", out);
    } else if (draw < 86) {
        session->activated = true;
        answer_sleep(session, order, out);
    } else if (draw < 93) {
        answer_suspend(session, order, out);
    } else { /* nothing yet: it comes again */
        buf_char(out, '{');
        put_state(session, "", out);
        buf_char(out, '}');
        secure_plan(session, rng_between(&session->rng, 100000, 2000000), session->callbacks, false);
    }
}

static void session_answer(struct bank_session *session, const struct order *order, struct buf *out)
{
    struct buf result = BUF_EMPTY;

    if (session->decided && (session->target == TARGET_CAPTURED || session->target == TARGET_CANCELLED) &&
        !session->charged) { /* asked anew after a no */
        session->decided = false;
        free(session->ending);
        session->ending = NULL;
        session_script(session);
    }
    if (session->decided)
        buf_str(&result, session->ending);
    else if (order->kind == FX_PROVIDER_CALLBACK)
        answer_callback(session, order, &result);
    else
        answer_process(session, order, &result);
    if (session->decided && !session->ending)
        session->ending = xstrdup(buf_text(&result));
    if (order->kind == FX_PROVIDER_CALLBACK)
        buf_printf(out, "{\"response\":\"c3VyZQ==\",\"result\":%s}", buf_text(&result));
    else
        buf_str(out, buf_text(&result));
    buf_clear(&result);
}

/* ---- calls ---- */

static struct entry *entry_new(struct acquirer *bank, const char *key, const char *answer)
{
    struct entry *entry = xcalloc(1, sizeof(*entry) + strlen(key) + 1);

    strcpy(entry->key, key);
    entry->answer = xstrdup(answer);
    HASH_ADD_STR(bank->book, key, entry);
    return entry;
}

static void inspect(struct acquirer *bank, const struct order *order, struct buf *out)
{
    uint64_t draw = hash_bytes(bank->sim->options.seed, order->key, strlen(order->key)) % 100;

    buf_printf(out, "{\"risk_score\":\"%s\"}", draw < 70 ? "low" : draw < 78 ? "trusted" : draw < 96 ? "high" : "fatal");
}

static void blacklist(struct acquirer *bank, const struct order *order, struct buf *out)
{
    struct rng rng = { hash_bytes(bank->sim->options.seed, order->key, strlen(order->key)) };
    size_t i;

    buf_str(out, "{\"blacklisted\":[");
    for (i = 0; i < order->routes; i++)
        buf_printf(out, "%s%s", i ? "," : "", rng_below(&rng, 30) == 0 ? "true" : "false");
    buf_str(out, "]}");
}

static void state_check(struct bank_session *session, const struct order *order)
{
    char invoice[KEY_BYTES];

    key_head(order->key, 1, invoice);
    if (order->kind == FX_PROVIDER_PROCESS && state_number(order->state) < session->state_told)
        sim_violation(session->bank->sim, invoice, "the bank was called for %s with a state of before", order->key);
    if (order->kind == FX_PROVIDER_PROCESS && session->decided && !session->outside && session->charged)
        sim_violation(session->bank->sim, invoice, "the bank was called for %s, and the session is over under another key",
                      order->key);
}

/* What the bank does and answers, once for each key. */
static void perform(struct order *order)
{
    struct acquirer *bank = order->bank;
    struct buf answer = BUF_EMPTY;
    struct bank_session *session;
    struct entry *entry;

    if (order->kind == FX_LIMITS) {
        order->counted = counters_run(bank->sim->counters, order->limits, order->partitions, order->arena);
        return;
    }
    if (order->kind == FX_CARDS)
        return; /* what a customer keeps is nobody's money */
    if (order->kind == FX_BALANCE) {
        order->balance = (struct balance){
            memory_balance(bank->sim->memory, order->account, "own"),
            memory_balance(bank->sim->memory, order->account, "min"),
            memory_balance(bank->sim->memory, order->account, "max"),
        };
        return;
    }
    bank->sim->bank_calls++;
    HASH_FIND_STR(bank->book, order->key, entry);
    if (entry) {
        if (entry->charged && sim_broken(bank->sim, BREAK_DOUBLE_CHARGE, 300000))
            entry->session->account->sums.charges += entry->session->target == TARGET_PROCESSED;
        if (entry->charged && sim_broken(bank->sim, BREAK_DOUBLE_REFUND, 300000))
            entry->session->account->sums.refunds += entry->session->target == TARGET_REFUNDED;
        order->answer = arena_strdup(order->arena, entry->answer);
        return;
    }
    if (order->kind == FX_INSPECT || order->kind == FX_BLACKLIST) {
        if (order->kind == FX_INSPECT)
            inspect(bank, order, &answer);
        else
            blacklist(bank, order, &answer);
        entry_new(bank, order->key, buf_text(&answer));
    } else {
        session = session_get(bank, order);
        state_check(session, order);
        session_answer(session, order, &answer);
        if (order->kind == FX_PROVIDER_PROCESS)
            session->state_told = session->states;
        entry = entry_new(bank, order->key, buf_text(&answer));
        entry->session = session;
        entry->charged = session->charged;
    }
    order->answer = arena_strdup(order->arena, buf_text(&answer));
    buf_clear(&answer);
}

/* ---- effects ---- */

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
    perform(order);
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
    if (sim_fault(sim, weather->unanswered, FAULT_CALL_UNANSWERED)) {
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
    if (effect->kind == FX_CARDS)
        return;
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
