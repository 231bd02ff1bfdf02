/* What a session at the bank does: it follows a script. It may sleep a few times, then it is approved, declined, put
 * off, or sent to 3-D Secure and decided by a callback. Sessions that capture, cancel or refund mostly succeed. A real
 * adapter is idempotent per session as well as per key (doc/spec/session.md 10), and so is this one: a finished
 * session stays as it ended.                                                                                */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "payment/effect.h"
#include "sim/bank.h"

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

struct bank_session *bank_session_get(struct acquirer *bank, const struct order *order)
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
        session->unconfirmed = session->outside;
        sums->unconfirmed += session->outside;
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
    char token[KEY_BYTES];

    if (session->target == TARGET_PROCESSED && rng_below(&session->rng, 20) == 0) {
        amount -= amount / (int64_t)rng_between(&session->rng, 3, 20);
        buf_printf(out, "{\"intent\":{\"finish\":{\"status\":{\"success\":{\"changed_cost\":{\"amount\":%" PRId64
                   ",\"currency\":{\"symbolic_code\":\"RUB\"}}}}}}", amount);
    } else if (session->target == TARGET_PROCESSED && rng_below(&session->rng, 20) < (order->wants_token ? 18 : 1)) {
        buf_printf(out, "{\"intent\":{\"finish\":{\"status\":{\"success\":{\"token\":\"rec.%s\"}}}}", session->key);
        snprintf(token, sizeof(token), "rec.%s", session->key);
        bank_token_given(session->bank->sim, token, order->card, order->provider);
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
    int tries, tries_max; /* of those that nobody answers */
    bool failure; /* told as a change of the session, not as a callback */
    char tag[96], payload[16];
};

static void secure_send(void *arg);

static void secure_done(void *arg, enum callback_end end)
{
    struct secure *secure = arg;
    struct sim *sim = secure->bank->sim;

    if (end == CALLBACK_UNKNOWN ? secure->tries < secure->tries_max : end == CALLBACK_REFUSED && secure->tries < 2) {
        clock_after(sim, rng_between(&sim->bank_rng, 10000, 1500000), 0, secure_send, secure);
        return;
    }
    if (end == CALLBACK_TAKEN && !secure->failure) {
        secure->session->account->sums.unconfirmed -= secure->session->unconfirmed;
        secure->session->unconfirmed = false;
    }
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
    secure->tries_max = rng_below(&session->bank->sim->bank_rng, 3) ? 8 : 1; /* not all senders are good ones */
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

void bank_session_answer(struct bank_session *session, const struct order *order, struct buf *out)
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

void bank_session_check(struct bank_session *session, const struct order *order)
{
    char invoice[KEY_BYTES];

    key_head(order->key, 1, invoice);
    if (order->kind == FX_PROVIDER_PROCESS && state_number(order->state) < session->state_told)
        sim_violation(session->bank->sim, invoice, "the bank was called for %s with a state of before", order->key);
    if (order->kind == FX_PROVIDER_PROCESS && session->decided && !session->outside && session->charged && !session->settled)
        sim_violation(session->bank->sim, invoice, "the bank was called for %s, and the session is over under another key",
                      order->key);
}

/* ---- an operator asks ---- */

void bank_settle(struct sim *sim, const char *key, int target, bool by_hand, int64_t amount, const char *trx,
                 struct bank_word *out)
{
    struct order order = { .key = key, .target = target, .amount = amount, .trx = trx };
    struct bank_session *session = bank_session_get(sim->bank, &order);
    struct buf answer = BUF_EMPTY;

    if (!session->charged && (by_hand || !session->decided)) {
        if (by_hand) {
            buf_str(&answer, "{\"intent\":{\"finish\":{\"status\":{\"success\":{}}}}");
            money_moves(session, &order, amount);
            put_trx(session, &order, &answer);
            buf_char(&answer, '}');
            session->decided = true;
        } else {
            answer_failure(session, "operation_blocked", &answer);
        }
        free(session->ending);
        session->ending = xstrdup(buf_text(&answer));
        buf_clear(&answer);
    }
    session->settled = true;
    *out = (struct bank_word){ session->charged, session->account->sums.authorised, "" };
    snprintf(out->trx, sizeof(out->trx), "%s", session->trx);
}
