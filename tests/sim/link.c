/* A daemon's connection to the store: delays, lost requests, lost answers. Requests of one daemon arrive in the order
 * in which they were sent, and so do answers, but for those that were given up.
 *
 *     sent ---- latency ----> memory (at once) ---- latency ----> answered
 *       '- not sent: SL_EDOWN    '- or never, or after the sender has been told SL_EUNKNOWN            */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/xmalloc.h"
#include "sim/memory.h"

enum op_kind { OP_LOAD, OP_COMMIT, OP_FAIL, OP_EXTEND, OP_ONCE, OP_BIND, OP_RESOLVE, OP_EVENTS, OP_CLAIM, OP_HEARTBEAT };

struct op {
    struct op *prev, *next; /* link->ops, as long as somebody waits for its answer */
    struct sim *sim;
    struct link *link;      /* NULL: nobody waits any more */
    struct arena *arena;
    enum op_kind kind;
    bool lose, late;        /* the answer is lost; and the request comes later than that */
    bool executed;
    int parts;              /* its happenings that are still to come */
    char *member;
    void (*done)(void);     /* of the type that goes with KIND */
    void *arg;
    struct commit commit;
    struct step_failure failure;
    int64_t number, lease_ms;
    size_t limit;
    const char *text;
    bool leaving;
    /* the answer */
    enum sl_err err;
    struct store_committed committed;
    struct store_loaded loaded;
    struct store_claimed claimed;
    struct store_alive alive;
    struct store_events events;
    struct text *snapshot;
};

struct link {
    struct daemon *daemon;
    struct op *ops;
    int64_t arrives_us, answers_us; /* the last ones in flight */
};

struct link *link_new(struct daemon *daemon)
{
    struct link *link = xcalloc(1, sizeof(*link));

    link->daemon = daemon;
    return link;
}

/* ---- requests ---- */

static struct op *op_new(void *ctx, enum op_kind kind, const char *kind_name, const char *id, void (*done)(void), void *arg)
{
    struct link *link = ctx;
    struct op *op = xcalloc(1, sizeof(*op));

    op->sim = link->daemon->sim;
    op->link = link;
    op->kind = kind;
    op->arena = arena_new();
    op->done = done;
    op->arg = arg;
    if (id)
        op->member = arena_printf(op->arena, "%s:%s", kind_name, id);
    DL_APPEND(link->ops, op);
    op->sim->store_ops++;
    return op;
}

static void op_release(struct op *op)
{
    if (op->parts > 0 || op->link)
        return;
    text_unref(op->snapshot);
    arena_free(op->arena);
    free(op);
}

/* ---- execution ---- */

static void load_execute(struct op *op, struct memory *memory)
{
    struct mem_machine *machine = memory_find(memory, op->member);
    struct store_loaded *loaded = &op->loaded;
    struct stored_event *events;
    size_t from = 0, to, i;

    loaded->info.status = "working";
    loaded->info.activity = "";
    loaded->now_ms = memory_told_ms(memory);
    if (!machine)
        return;
    to = machine->count;
    if (op->number > 0 && (size_t)op->number < to)
        to = (size_t)op->number;
    if (to > 1 && op->number == 0 && sim_broken(op->sim, BREAK_STALE_READ, 20000) && !machine->snapshot)
        to--;
    loaded->info = (struct machine_info){
        .version = (int64_t)(op->number ? machine->count : to > from ? to : machine->count), .due_ms = machine->due_ms,
        .score_ms = machine->score_ms,
        .quiet = machine->quiet, .status = machine->status ? machine->status : "working",
        .activity = arena_strdup(op->arena, machine->activity), .attempts = machine->attempts,
        .since_ms = machine->since_ms, .cause = machine->cause,
        .reason = machine->reason[0] ? arena_strdup(op->arena, machine->reason) : NULL,
        .asked = machine->asked ? arena_strdup(op->arena, machine->asked) : NULL,
    };
    if (op->number == 0 && machine->snapshot) {
        op->snapshot = text_ref(machine->snapshot);
        loaded->snapshot = op->snapshot->data;
        loaded->snapshot_len = op->snapshot->len;
        loaded->snapshot_version = machine->snapshot_version;
        from = (size_t)machine->snapshot_version;
    }
    events = arena_array(op->arena, to - from, sizeof(*events));
    for (i = from; i < to; i++)
        events[i - from] = (struct stored_event){
            (int64_t)i + 1, machine->events[i].at_ms, machine->events[i].changes, machine->events[i].len,
        };
    loaded->events = events;
    loaded->event_count = to - from;
}

static void events_execute(struct op *op, struct memory *memory)
{
    struct mem_machine *machine = memory_find(memory, op->member);
    struct stored_event *events = arena_array(op->arena, op->limit, sizeof(*events));
    size_t i;

    for (i = (size_t)op->number; machine && i < machine->count && op->events.count < op->limit; i++)
        events[op->events.count++] = (struct stored_event){
            (int64_t)i + 1, machine->events[i].at_ms, machine->events[i].changes, machine->events[i].len,
        };
    op->events.events = events;
    op->events.version = machine ? (int64_t)machine->count : 0;
}

static void claim_execute(struct op *op, struct memory *memory)
{
    struct mem_machine **taken = arena_array(op->arena, op->limit, sizeof(*taken));
    int64_t *scores = arena_array(op->arena, op->limit, sizeof(*scores));
    struct store_claimed *claimed = &op->claimed;
    struct store_due *due;
    size_t i;

    claimed->count = memory_claim(memory, (int)op->number, op->limit, op->lease_ms, taken, scores, &claimed->next_ms,
                                  &claimed->token_ms);
    due = arena_array(op->arena, claimed->count, sizeof(*due));
    claimed->now_ms = memory_told_ms(memory);
    for (i = 0; i < claimed->count; i++)
        due[i] = (struct store_due){ taken[i]->member, scores[i] };
    claimed->due = due;
}

static void heartbeat_execute(struct op *op, struct memory *memory)
{
    const char **names;
    size_t i;

    memory_heartbeat(memory, op->text, op->number, op->leaving);
    names = arena_array(op->arena, memory->daemon_count, sizeof(*names));
    for (i = 0; i < memory->daemon_count; i++)
        names[i] = arena_strdup(op->arena, memory->daemons[i].name);
    op->alive = (struct store_alive){ SL_OK, memory_told_ms(memory), names, memory->daemon_count };
}

static const char *once_of(const struct op *op, struct memory *memory)
{
    const char *value = memory_once(memory, op->member, op->text);

    if (value && op->sim->options.broken == BREAK_BLIND_KEYS && strchr(value, ' '))
        value = arena_printf(op->arena, "other%s", strchr(value, ' '));
    return value;
}

static void op_execute(struct op *op)
{
    struct memory *memory = op->sim->memory;

    op->executed = true;
    switch (op->kind) {
    case OP_LOAD: load_execute(op, memory); break;
    case OP_COMMIT: memory_commit(memory, op->member, &op->commit, &op->committed); break;
    case OP_FAIL: op->err = memory_fail(memory, op->member, &op->failure, &op->number); break;
    case OP_EXTEND: op->err = memory_extend(memory, op->member, op->number, op->lease_ms, &op->number); break;
    case OP_ONCE: op->text = arena_strdup(op->arena, once_of(op, memory)); break;
    case OP_BIND: op->err = memory_bind(memory, op->text, op->member); break;
    case OP_RESOLVE:
        op->text = memory_resolve(memory, op->text);
        op->err = op->text ? SL_OK : SL_ENOENT;
        break;
    case OP_EVENTS: events_execute(op, memory); break;
    case OP_CLAIM: claim_execute(op, memory); break;
    case OP_HEARTBEAT: heartbeat_execute(op, memory); break;
    }
}

/* ---- answers ---- */

/* OP's asker hears of it, as it was executed or with ERR, and OP is not waited for any more. */
static void op_answer(struct op *op, enum sl_err err)
{
    struct link *link = op->link;
    int64_t now = memory_told_ms(op->sim->memory);

    DL_DELETE(link->ops, op);
    op->link = NULL;
    if (err) {
        op->err = op->committed.err = op->loaded.err = op->claimed.err = op->alive.err = op->events.err = err;
        op->committed.detail = op->loaded.detail = err == SL_EDOWN ? "not sent" : "not answered";
    }
    switch (op->kind) {
    case OP_LOAD: ((store_loaded_fn)op->done)(op->arg, &op->loaded); break;
    case OP_COMMIT: ((store_committed_fn)op->done)(op->arg, &op->committed); break;
    case OP_FAIL:
    case OP_EXTEND: ((store_err_fn)op->done)(op->arg, op->err, op->number, now); break;
    case OP_ONCE: ((store_once_fn)op->done)(op->arg, op->err, op->err ? NULL : op->text); break;
    case OP_BIND: ((store_tag_fn)op->done)(op->arg, op->err, NULL); break;
    case OP_RESOLVE:
        ((store_tag_fn)op->done)(op->arg, op->err, op->err ? NULL : strchr(op->text, ':') + 1);
        break;
    case OP_EVENTS: ((store_events_fn)op->done)(op->arg, &op->events); break;
    case OP_CLAIM: ((store_claimed_fn)op->done)(op->arg, &op->claimed); break;
    case OP_HEARTBEAT: ((store_alive_fn)op->done)(op->arg, &op->alive); break;
    }
}

/* A daemon that stands still hears of it when it goes on. */
static bool op_waits(struct op *op, void (*fn)(void *arg))
{
    if (!op->link || op->link->daemon->paused_until_us <= op->sim->now_us)
        return false;
    clock_at(op->sim, op->link->daemon->paused_until_us, 0, fn, op);
    return true;
}

static void op_end(struct op *op, enum sl_err err)
{
    op->parts--;
    if (op->link)
        op_answer(op, err);
    op_release(op);
}

static void op_answered(void *arg)
{
    if (!op_waits(arg, op_answered))
        op_end(arg, SL_OK);
}

static void op_unanswered(void *arg)
{
    if (!op_waits(arg, op_unanswered))
        op_end(arg, SL_EUNKNOWN);
}

static void op_unsent(void *arg)
{
    if (!op_waits(arg, op_unsent))
        op_end(arg, SL_EDOWN);
}

static int64_t latency_us(struct sim *sim)
{
    if (sim_fault(sim, sim->weather.slow, FAULT_SLOW_STORE)) {
        sim_disturbed(sim, sim->now_us);
        return rng_between(&sim->faults, 1000, 300000);
    }
    return rng_between(&sim->faults, 40, 250);
}

static void op_arrived(void *arg)
{
    struct op *op = arg;
    struct link *link = op->link;
    struct sim *sim = op->sim;
    int64_t at_us = sim->now_us + latency_us(sim);

    op->parts--;
    if (sim->now_us < sim->away_until_us && !op->late) { /* gone with the connection */
        if (link) {
            op->parts++;
            clock_after(sim, 100, 0, op_unanswered, op);
        }
        op_release(op);
        return;
    }
    op_execute(op);
    if (link && !op->lose) {
        if (at_us < link->answers_us)
            at_us = link->answers_us;
        link->answers_us = at_us;
        op->parts++;
        clock_at(sim, at_us, 0, op_answered, op);
    }
    op_release(op);
}

static void op_tell(struct op *op, int64_t delay_us, void (*fn)(void *arg))
{
    op->parts++;
    clock_after(op->sim, delay_us, 0, fn, op);
}

static void op_send(struct op *op)
{
    struct link *link = op->link;
    struct sim *sim = op->sim;
    const struct weather *weather = &sim->weather;
    int64_t at_us = sim->now_us + latency_us(sim);

    if (link->daemon->doomed || !link->daemon->life ||
        sim_fault(sim, op->kind == OP_COMMIT ? weather->crash_before : 0, FAULT_CRASH_BEFORE)) {
        daemon_doom(link->daemon, FAULT_COUNT);
        return; /* link_free() answers it */
    }
    if (sim->now_us < sim->away_until_us || sim_fault(sim, weather->not_sent, FAULT_NOT_SENT)) {
        sim_disturbed(sim, sim->now_us);
        op_tell(op, rng_between(&sim->faults, 10, 2000), op_unsent);
        return;
    }
    if (sim_fault(sim, weather->lost_request, FAULT_LOST_REQUEST)) {
        sim_disturbed(sim, sim->now_us);
        op_tell(op, rng_between(&sim->faults, 200, 5000000), op_unanswered);
        return;
    }
    if (sim_fault(sim, weather->lost_answer, FAULT_LOST_ANSWER)) {
        op->lose = true;
        op_tell(op, rng_between(&sim->faults, 1000, 5000000), op_unanswered);
    } else if (sim_fault(sim, weather->late_request, FAULT_LATE_REQUEST)) {
        op->lose = op->late = true;
        at_us += rng_between(&sim->faults, 1000, 3000000);
        op_tell(op, rng_between(&sim->faults, 200, 500000), op_unanswered);
    }
    if (op->lose)
        sim_disturbed(sim, sim->now_us);
    if (!op->late) {
        if (at_us < link->arrives_us)
            at_us = link->arrives_us;
        link->arrives_us = at_us;
    }
    op->parts++;
    clock_at(sim, at_us, 0, op_arrived, op);
    if (op->kind == OP_COMMIT && sim_fault(sim, weather->crash_after, FAULT_CRASH_AFTER))
        daemon_doom(link->daemon, FAULT_COUNT);
}

void link_free(struct link *link)
{
    if (!link)
        return;
    while (link->ops) {
        struct op *op = link->ops;

        op_answer(op, SL_EUNKNOWN);
        op_release(op);
    }
    free(link);
}

/* ---- the table ---- */

static void link_load(void *ctx, const struct machine_kind *kind, const char *id, int64_t at_version,
                      store_loaded_fn done, void *arg)
{
    struct op *op = op_new(ctx, OP_LOAD, kind->name, id, (void (*)(void))done, arg);

    op->number = at_version;
    op_send(op);
}

/* All that COMMIT points to, in the op's arena. */
static void commit_copy(struct op *op, const struct commit *commit)
{
    struct tally *tallies = arena_array(op->arena, commit->tally_count, sizeof(*tallies));
    size_t i;

    op->commit = *commit;
    op->commit.id = arena_strdup(op->arena, commit->id);
    op->commit.commit_id = arena_strdup(op->arena, commit->commit_id);
    op->commit.changes = commit->changes ? arena_strndup(op->arena, commit->changes, commit->changes_len) : NULL;
    op->commit.activity = arena_strdup(op->arena, commit->activity);
    op->commit.status = arena_strdup(op->arena, commit->status);
    op->commit.once_key = arena_strdup(op->arena, commit->once_key);
    op->commit.once_value = arena_strdup(op->arena, commit->once_value);
    op->commit.asked_text = commit->asked == ASKED_SET ? arena_strdup(op->arena, commit->asked_text) : NULL;
    op->commit.snapshot = commit->snapshot ? arena_strndup(op->arena, commit->snapshot, commit->snapshot_len) : NULL;
    for (i = 0; i < commit->tally_count; i++)
        tallies[i] = (struct tally){ arena_strdup(op->arena, commit->tallies[i].field), commit->tallies[i].delta,
                                      arena_strdup(op->arena, commit->tallies[i].currency) };
    op->commit.tallies = tallies;
}

static void link_commit(void *ctx, const struct commit *commit, store_committed_fn done, void *arg)
{
    struct op *op = op_new(ctx, OP_COMMIT, commit->kind->name, commit->id, (void (*)(void))done, arg);

    commit_copy(op, commit);
    op_send(op);
}

static void link_fail(void *ctx, const struct step_failure *failure, store_err_fn done, void *arg)
{
    struct op *op = op_new(ctx, OP_FAIL, failure->kind->name, failure->id, (void (*)(void))done, arg);

    op->failure = *failure;
    op->failure.reason = arena_strdup(op->arena, failure->reason);
    op_send(op);
}

static void link_extend(void *ctx, const struct machine_kind *kind, const char *id, int64_t token_ms, int64_t lease_ms,
                        store_err_fn done, void *arg)
{
    struct op *op = op_new(ctx, OP_EXTEND, kind->name, id, (void (*)(void))done, arg);

    op->number = token_ms;
    op->lease_ms = lease_ms;
    op_send(op);
}

static void link_once(void *ctx, const struct machine_kind *kind, const char *id, const char *key, store_once_fn done,
                      void *arg)
{
    struct op *op = op_new(ctx, OP_ONCE, kind->name, id, (void (*)(void))done, arg);

    op->text = arena_strdup(op->arena, key);
    op_send(op);
}

static void link_bind(void *ctx, const char *tag, const struct machine_kind *kind, const char *id, store_tag_fn done,
                      void *arg)
{
    struct op *op = op_new(ctx, OP_BIND, kind->name, id, (void (*)(void))done, arg);

    op->text = arena_strdup(op->arena, tag);
    op_send(op);
}

static void link_resolve(void *ctx, const char *tag, store_tag_fn done, void *arg)
{
    struct op *op = op_new(ctx, OP_RESOLVE, NULL, NULL, (void (*)(void))done, arg);

    op->text = arena_strdup(op->arena, tag);
    op_send(op);
}

static void link_events(void *ctx, const struct machine_kind *kind, const char *id, int64_t after, size_t limit,
                        store_events_fn done, void *arg)
{
    struct op *op = op_new(ctx, OP_EVENTS, kind->name, id, (void (*)(void))done, arg);

    op->number = after;
    op->limit = limit;
    op_send(op);
}

static void link_claim(void *ctx, int partition, size_t limit, int64_t lease_ms, store_claimed_fn done, void *arg)
{
    struct op *op = op_new(ctx, OP_CLAIM, NULL, NULL, (void (*)(void))done, arg);

    op->number = partition;
    op->limit = limit;
    op->lease_ms = lease_ms;
    op_send(op);
}

static void link_heartbeat(void *ctx, const char *name, int64_t silent_ms, bool leaving, store_alive_fn done, void *arg)
{
    struct op *op = op_new(ctx, OP_HEARTBEAT, NULL, NULL, (void (*)(void))done, arg);

    op->text = arena_strdup(op->arena, name);
    op->number = silent_ms;
    op->leaving = leaving;
    op_send(op);
}

const struct store_ops link_ops = {
    .load = link_load, .commit = link_commit, .fail = link_fail, .extend = link_extend, .once = link_once, .bind = link_bind,
    .resolve = link_resolve, .events = link_events, .claim = link_claim, .heartbeat = link_heartbeat,
};
