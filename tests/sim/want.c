/* One thing that a caller wants, over all its attempts. Whoever gets no answer, or the answer that nothing was done,
 * asks again under the same id or the same key. What each was told is written down, for check_told.c to compare with
 * the histories.
 *
 *     want_try -> attempt -> answered -> again, or at an end -> perhaps once more under its key: the same answer
 *                                                          '-> or something else under it: refused             */
#include "sim/traffic.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "payment/steps.h"

#define TRIES_MAX 25

/* ---- plans ---- */

/* What a shopper is about to do. */
struct plan {
    struct shopper *shopper;
    void (*fn)(struct shopper *shopper);
};

static void plan_run(void *arg)
{
    struct plan plan = *(struct plan *)arg;

    free(arg);
    plan.shopper->outstanding--;
    plan.fn(plan.shopper);
}

void plan_after(struct shopper *shopper, int64_t delay_us, void (*fn)(struct shopper *shopper))
{
    struct plan *plan = xmalloc(sizeof(*plan));

    *plan = (struct plan){ shopper, fn };
    shopper->outstanding++;
    clock_after(shopper->sim, delay_us, 0, plan_run, plan);
}

/* ---- wants ---- */

enum sent { SENT_FIRST, SENT_AFTER_DONE, SENT_OTHER_BODY };

struct attempt {
    struct want *want;
    struct daemon *daemon;
    uint64_t life;
    enum sent sent;
    struct runtime_once once;
    char fingerprint[8];
};

struct want *want_blank(struct sim *sim, const struct machine_kind *kind, const char *id, enum deed deed)
{
    struct want *want = xcalloc(1, sizeof(*want));

    want->sim = sim;
    want->kind = kind;
    want->arena = arena_new();
    want->deed = deed;
    want->id = id;
    want->how = WANT_CALL;
    want->args = &want->call;
    return want;
}

struct want *want_new(struct shopper *shopper, enum deed deed)
{
    struct want *want = want_blank(shopper->sim, &shopper->sim->kind, shopper->id, deed);

    want->shopper = shopper;
    shopper->outstanding++;
    return want;
}

void want_needle(struct want *want, const char *needle)
{
    const char *at = needle ? strstr(needle, "%s") : NULL;

    want->many = !at;
    want->needle = at ? arena_printf(want->sim->traffic->arena, "%.*s%s%s", (int)(at - needle), needle, want->what, at + 2)
                      : arena_strdup(want->sim->traffic->arena, needle ? needle : want->what);
}

struct want *want_marked(struct shopper *shopper, enum deed deed, int call, const char *needle)
{
    struct want *want = want_new(shopper, deed);

    snprintf(want->what, sizeof(want->what), "mark-%" PRIu64 ";", ++shopper->sim->traffic->markers);
    want->call.kind = call;
    want_needle(want, needle);
    return want;
}

void want_key(struct want *want)
{
    want->key = arena_printf(want->arena, "k%d", ++want->shopper->keys);
    want->again = true;
}

void want_release(struct want *want)
{
    if (!want->ended || want->out > 0)
        return;
    arena_free(want->arena);
    free(want);
}

void want_told(const struct want *want, int verdict, int64_t version)
{
    struct traffic *traffic = want->sim->traffic;

    if (!want->needle)
        return;
    if (traffic->told_count == traffic->told_cap) {
        traffic->told_cap = traffic->told_cap ? 2 * traffic->told_cap : 1024;
        traffic->told = xrealloc(traffic->told, traffic->told_cap * sizeof(*traffic->told));
    }
    traffic->told[traffic->told_count++] = (struct told){
        arena_printf(traffic->arena, "%s:%s", want->kind->name, want->id), want->needle, verdict, want->many, version,
    };
}

/* ---- verdicts ---- */

static bool is_dying(const struct attempt *attempt)
{
    return attempt->daemon->life != attempt->life;
}

/* A key that was used is answered as it was, and for nothing else. */
static void check_key(const struct attempt *attempt, const struct runtime_result *result)
{
    const struct want *want = attempt->want;
    struct sim *sim = want->sim;
    bool done = result->err == SL_OK && !result->refused;

    if (result->err == SL_ECONFLICT) {
        if (attempt->sent != SENT_OTHER_BODY)
            sim_violation(sim, want->id, "%s under %s was answered as if that were another's key", want->what, want->key);
        else
            deed_count(sim, DEED_KEY_OTHER, VERDICT_DONE);
    } else if (attempt->sent == SENT_OTHER_BODY && result->err == SL_OK) {
        sim_violation(sim, want->id, "another request under %s, which was used for %s, was answered as %s", want->key,
                      want->what, result->refused ? "refused" : "done");
    } else if (attempt->sent == SENT_AFTER_DONE && result->err == SL_OK && !result->repeated) {
        sim_violation(sim, want->id, "%s was done, and under its key %s it is asked for anew", want->what, want->key);
    } else if (done && want->done_version && result->version != want->done_version) {
        sim_violation(sim, want->id, "%s under %s was answered as of version %" PRId64 ", and before as of %" PRId64,
                      want->what, want->key, result->version, want->done_version);
    }
    if (done && result->repeated && attempt->sent != SENT_OTHER_BODY)
        deed_count(sim, DEED_KEY_AGAIN, VERDICT_DONE);
}

static int verdict_of(const struct attempt *attempt, const struct runtime_result *result)
{
    struct want *want = attempt->want;
    int verdict = VERDICT_NOT_DONE;

    if (is_dying(attempt))
        return VERDICT_UNKNOWN; /* it is dying: its connection just breaks */
    if (want->key)
        check_key(attempt, result);
    if (result->err == SL_OK)
        verdict = result->refused ? VERDICT_REFUSED : VERDICT_DONE;
    else if (result->err == SL_EUNKNOWN)
        verdict = VERDICT_UNKNOWN;
    else if (result->err == SL_EEXIST && want->how == WANT_START)
        verdict = VERDICT_DONE;
    else if (result->err == SL_EINVAL || result->err == SL_ECORRUPT)
        sim_violation(want->sim, want->id, "a call was answered %s: %s", sl_err_name(result->err), result->detail);
    if (verdict == VERDICT_REFUSED && sim_broken(want->sim, BREAK_FALSE_ANSWER, 100000))
        verdict = VERDICT_DONE;
    if (verdict == VERDICT_DONE && sim_broken(want->sim, BREAK_FALSE_REFUSAL, 5000))
        verdict = VERDICT_REFUSED;
    return verdict;
}

void want_end(struct want *want, int verdict)
{
    want->ended = true;
    if (want->shopper)
        want->shopper->outstanding--;
    if (want->then)
        want->then(want, verdict);
}

/* A marked want without a key is asked once: a repeat is another want, with another mark. */
static bool want_again(const struct want *want, int verdict)
{
    return (verdict == VERDICT_NOT_DONE || verdict == VERDICT_UNKNOWN) && want->again && want->tries < TRIES_MAX;
}

static void want_retry(void *arg)
{
    struct want *want = arg;

    want->out--;
    if (!want->ended)
        want_try(want);
    want_release(want);
}

/* ---- reading back ---- */

struct look {
    struct shopper *shopper;
    int64_t version; /* that an answer spoke of */
    bool at;         /* as of it */
};

static void look_over(struct look *look, enum deed deed, enum sl_err err, const char *detail)
{
    struct shopper *shopper = look->shopper;

    if (err == SL_ENOENT || err == SL_ECORRUPT)
        sim_violation(shopper->sim, shopper->id, "a read was answered %s: %s", sl_err_name(err), detail);
    deed_count(shopper->sim, deed, err ? VERDICT_NOT_DONE : VERDICT_DONE);
    shopper->outstanding--;
    free(look);
}

static void read_done(void *arg, const struct runtime_result *result)
{
    struct look *look = arg;

    if (result->err == SL_OK && (look->at ? result->version != look->version : result->version < look->version))
        sim_violation(look->shopper->sim, look->shopper->id, "a read %sshows version %" PRId64 ", though an answer before "
                      "spoke of %" PRId64, look->at ? "as of it " : "", result->version, look->version);
    look_over(look, look->at ? DEED_READ_AT : DEED_READ, result->err, result->detail);
}

static void events_done(void *arg, const struct runtime_events *events)
{
    struct look *look = arg;
    size_t i;

    for (i = 0; !events->err && i < events->count; i++) {
        if (events->events[i].number != look->version + (int64_t)i)
            sim_violation(look->shopper->sim, look->shopper->id, "after event %" PRId64 " comes event %" PRId64,
                          look->version - 1 + (int64_t)i, events->events[i].number);
    }
    if (!events->err && events->count == 0)
        sim_violation(look->shopper->sim, look->shopper->id, "event %" PRId64 " is not there, though an answer spoke of it",
                      look->version);
    look_over(look, DEED_EVENTS, events->err, "the events");
}

/* Reads the machine at some daemon: what was answered once must be seen by everybody afterwards. */
static void read_back(struct shopper *shopper, int64_t version)
{
    struct sim *sim = shopper->sim;
    struct daemon *daemon = daemon_any(sim);
    uint64_t draw = rng_below(&sim->choices, 4);
    struct look *look;

    if (!daemon || version == 0)
        return;
    look = xmalloc(sizeof(*look));
    *look = (struct look){ shopper, version, draw == 0 };
    shopper->outstanding++;
    if (draw == 1)
        runtime_events(daemon->runtime, &sim->kind, shopper->id, version - 1, 100, events_done, look);
    else
        runtime_read(daemon->runtime, &sim->kind, shopper->id, draw == 0 ? version : 0, read_done, look);
}

/* ---- attempts ---- */

static void attempt_send(struct want *want, struct daemon *daemon, enum sent sent);

struct repeat {
    struct want *want;
    enum sent sent;
};

static void repeat_run(void *arg)
{
    struct repeat repeat = *(struct repeat *)arg;
    struct daemon *daemon = daemon_any(repeat.want->sim);

    free(arg);
    repeat.want->sim->traffic->calls--;
    repeat.want->out--;
    if (daemon)
        attempt_send(repeat.want, daemon, repeat.sent);
    want_release(repeat.want);
}

/* It is done, and its caller has forgotten that, or has got its keys mixed up. */
static void want_repeat(struct want *want)
{
    uint64_t draw = rng_below(&want->sim->choices, 8);
    struct repeat *repeat;

    if (!want->key || draw > 3)
        return;
    repeat = xmalloc(sizeof(*repeat));
    *repeat = (struct repeat){ want, draw == 0 ? SENT_OTHER_BODY : SENT_AFTER_DONE };
    want->out++;
    want->sim->traffic->calls++;
    clock_after(want->sim, rng_between(&want->sim->choices, 1, 20000000), 0, repeat_run, repeat);
}

static void first_done(struct want *want, const struct runtime_result *result)
{
    const struct start_payment_reply *reply = result->reply;

    want->done_version = result->version;
    if (reply && !result->refused && (want->call.kind == CALL_START_PAYMENT || want->call.kind == CALL_REGISTER_PAYMENT))
        snprintf(want->reply, sizeof(want->reply), "%s", reply->payment_id);
    want_repeat(want);
}

static void attempt_over(struct attempt *attempt, int verdict, const struct runtime_result *result)
{
    struct want *want = attempt->want;
    struct sim *sim = want->sim;
    bool other = attempt->sent == SENT_OTHER_BODY;

    if (attempt->sent != SENT_FIRST)
        sim->traffic->calls--;
    free(attempt);
    want->out--;
    if (!other) {
        deed_count(sim, want->deed, verdict);
        want_told(want, verdict, result->version);
    }
    if (verdict == VERDICT_DONE && !other && !want->done_version)
        first_done(want, result);
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

static void attempt_done(void *arg, const struct runtime_result *result)
{
    struct attempt *attempt = arg;

    attempt_over(attempt, verdict_of(attempt, result), result);
}

static void attempt_ask(struct attempt *attempt, const void *args)
{
    struct want *want = attempt->want;
    struct runtime *runtime = attempt->daemon->runtime;
    const struct runtime_once *once = want->key ? &attempt->once : NULL;
    int64_t deadline_ms = rng_below(&want->sim->choices, 20) == 0 ? 50 : 30000;

    if (want->how == WANT_START)
        runtime_start_once(runtime, want->kind, want->id, args, deadline_ms, once, attempt_done, attempt);
    else if (want->how == WANT_REPAIR)
        runtime_repair_once(runtime, want->kind, want->id, args, deadline_ms, once, attempt_done, attempt);
    else
        runtime_call_once(runtime, want->kind, want->id, args, deadline_ms, once, attempt_done, attempt);
}

static void attempt_read(void *arg, const struct runtime_result *result)
{
    static const struct runtime_result nothing = { .version = 0 };
    struct attempt *attempt = arg;
    int verdict = VERDICT_NOT_DONE;
    const void *args = NULL;

    if (!is_dying(attempt) && (result->err == SL_OK || result->err == SL_ENOENT))
        args = attempt->want->prepare(attempt->want, result, &verdict);
    if (args)
        attempt_ask(attempt, args);
    else
        attempt_over(attempt, verdict, &nothing);
}

static void attempt_send(struct want *want, struct daemon *daemon, enum sent sent)
{
    struct attempt *attempt = xcalloc(1, sizeof(*attempt));

    *attempt = (struct attempt){ .want = want, .daemon = daemon, .life = daemon->life, .sent = sent };
    snprintf(attempt->fingerprint, sizeof(attempt->fingerprint), "%s", sent == SENT_OTHER_BODY ? "other" : "same");
    attempt->once = (struct runtime_once){ want->key, attempt->fingerprint };
    want->out++;
    if (sent != SENT_FIRST)
        want->sim->traffic->calls++;
    if (want->first_id)
        runtime_read(daemon->runtime, want->first_kind, want->first_id, 0, attempt_read, attempt);
    else
        attempt_ask(attempt, want->args);
}

void want_try_at(struct want *want, struct daemon *daemon)
{
    attempt_send(want, daemon, SENT_FIRST);
}

void want_try(struct want *want)
{
    struct sim *sim = want->sim;
    struct daemon *daemon = daemon_any(sim), *other;

    if (!daemon) { /* nobody is there: as if the connection were refused */
        want->out++;
        clock_after(sim, rng_between(&sim->choices, 100000, 2000000), 0, want_retry, want);
        return;
    }
    want->tries++;
    want_try_at(want, daemon);
    other = daemon_any(sim);
    if (other != daemon && want->again && !sim->settling && rng_below(&sim->choices, 25) == 0) {
        sim_count(sim, FAULT_CALL_TWICE);
        want_try_at(want, other);
    }
}
