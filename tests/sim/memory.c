/* See memory.h. The order of looks and writes is that of the scripts. */
#include "sim/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

#define LATE_MAX_MS 20 /* of a timer while nothing is wrong */
#define BALANCE_MAX ((int64_t)99999999999999999) /* 17 digits */

/* ---- texts ---- */

static struct text *text_new(const char *data, size_t len)
{
    struct text *text = xmalloc(sizeof(*text) + len + 1);

    text->refs = 1;
    text->len = len;
    memcpy(text->data, data, len);
    text->data[len] = '\0';
    return text;
}

struct text *text_ref(struct text *text)
{
    if (text)
        text->refs++;
    return text;
}

void text_unref(struct text *text)
{
    if (text && --text->refs == 0)
        free(text);
}

/* ---- life ---- */

struct memory *memory_new(struct sim *sim, int partitions)
{
    struct memory *memory = xcalloc(1, sizeof(*memory));

    memory->sim = sim;
    memory->partition_count = partitions;
    memory->partitions = xcalloc((size_t)partitions, sizeof(*memory->partitions));
    return memory;
}

static void machine_free(struct mem_machine *machine)
{
    while (machine->count > 0)
        free(machine->events[--machine->count].changes);
    free(machine->events);
    text_unref(machine->snapshot);
    free(machine->asked);
    free(machine->member);
    free(machine);
}

void memory_free(struct memory *memory)
{
    struct mem_machine *machine, *next_machine;
    struct mem_balance *balance, *next_balance;
    struct mem_tag *tag, *next_tag;
    struct mem_once *once, *next_once;
    int p;

    HASH_ITER(hh, memory->machines, machine, next_machine) {
        HASH_DEL(memory->machines, machine);
        machine_free(machine);
    }
    for (p = 0; p < memory->partition_count; p++) {
        HASH_ITER(hh, memory->partitions[p].balances, balance, next_balance) {
            HASH_DEL(memory->partitions[p].balances, balance);
            free(balance);
        }
        free(memory->partitions[p].wheel);
        free(memory->partitions[p].feed);
    }
    HASH_ITER(hh, memory->tags, tag, next_tag) {
        HASH_DEL(memory->tags, tag);
        free(tag->member);
        free(tag);
    }
    HASH_ITER(hh, memory->onces, once, next_once) {
        HASH_DEL(memory->onces, once);
        free(once->value);
        free(once);
    }
    free(memory->partitions);
    free(memory);
}

int64_t memory_now_ms(const struct memory *memory)
{
    return memory->sim->now_us / 1000;
}

int64_t memory_told_ms(const struct memory *memory)
{
    return memory_now_ms(memory) + (memory->sim->options.broken == BREAK_EARLY_TIMER ? 40 : 0);
}

struct mem_machine *memory_find(struct memory *memory, const char *member)
{
    struct mem_machine *machine;

    HASH_FIND_STR(memory->machines, member, machine);
    return machine;
}

static struct mem_machine *machine_get(struct memory *memory, const char *member)
{
    struct mem_machine *machine = memory_find(memory, member);

    if (machine)
        return machine;
    machine = xcalloc(1, sizeof(*machine));
    machine->member = xstrdup(member);
    machine->id = strchr(machine->member, ':') + 1;
    machine->p = space_partition(memory->sim->space, machine->id);
    HASH_ADD_KEYPTR(hh, memory->machines, machine->member, strlen(machine->member), machine);
    return machine;
}

/* ---- the wheel: a heap that knows where each machine is ---- */

static bool sooner(const struct mem_machine *a, const struct mem_machine *b)
{
    return a->score_ms != b->score_ms ? a->score_ms < b->score_ms : strcmp(a->member, b->member) < 0;
}

static void wheel_put(struct mem_partition *part, size_t i, struct mem_machine *machine)
{
    part->wheel[i] = machine;
    machine->heap_at = i;
}

/* Finds the place of MACHINE, which may stand anywhere from I on. */
static void wheel_sift(struct mem_partition *part, size_t i, struct mem_machine *machine)
{
    size_t child;

    for (; i > 1 && sooner(machine, part->wheel[i / 2]); i /= 2)
        wheel_put(part, i, part->wheel[i / 2]);
    while ((child = 2 * i) <= part->wheel_count) {
        if (child < part->wheel_count && sooner(part->wheel[child + 1], part->wheel[child]))
            child++;
        if (!sooner(part->wheel[child], machine))
            break;
        wheel_put(part, i, part->wheel[child]);
        i = child;
    }
    wheel_put(part, i, machine);
}

static void zrem(struct memory *memory, struct mem_machine *machine)
{
    struct mem_partition *part = &memory->partitions[machine->p];
    size_t i = machine->heap_at;
    struct mem_machine *last;

    machine->score_ms = 0;
    machine->heap_at = 0;
    if (i == 0)
        return;
    last = part->wheel[part->wheel_count--];
    if (last != machine)
        wheel_sift(part, i, last);
}

static void zadd(struct memory *memory, struct mem_machine *machine, int64_t score_ms)
{
    struct mem_partition *part = &memory->partitions[machine->p];

    machine->score_ms = score_ms;
    machine->scored_ms = memory_now_ms(memory);
    if (machine->heap_at) {
        wheel_sift(part, machine->heap_at, machine);
        return;
    }
    if (part->wheel_count + 2 > part->wheel_cap) {
        part->wheel_cap = part->wheel_cap ? 2 * part->wheel_cap : 64;
        part->wheel = xrealloc(part->wheel, part->wheel_cap * sizeof(struct mem_machine *));
    }
    wheel_sift(part, ++part->wheel_count, machine);
}

/* ---- balances ---- */

static bool is_amount(int64_t value)
{
    return value <= BALANCE_MAX && value >= -BALANCE_MAX;
}

static struct mem_balance *balance_get(struct memory *memory, int p, const char *field, bool make)
{
    struct mem_partition *part = &memory->partitions[p];
    struct mem_balance *balance;

    HASH_FIND_STR(part->balances, field, balance);
    if (!balance && make) {
        balance = xcalloc(1, sizeof(*balance));
        snprintf(balance->field, sizeof(balance->field), "%s", field);
        HASH_ADD_STR(part->balances, field, balance);
    }
    return balance;
}

int64_t memory_balance(const struct memory *memory, int64_t account, const char *what)
{
    struct mem_balance *balance;
    char field[48];
    int64_t sum = 0;
    int p;

    snprintf(field, sizeof(field), "%" PRId64 ":%s", account, what);
    for (p = 0; p < memory->partition_count; p++) {
        HASH_FIND_STR(memory->partitions[p].balances, field, balance);
        sum += balance ? balance->value : 0;
    }
    return sum;
}

static bool tallies_fit(struct memory *memory, const struct mem_machine *machine, const struct commit *commit)
{
    const struct mem_balance *present;
    size_t i;

    for (i = 0; i < commit->tally_count; i++) {
        present = commit->tallies[i].delta ? balance_get(memory, machine->p, commit->tallies[i].field, false) : NULL;
        if (!is_amount(commit->tallies[i].delta) || (present && !is_amount(present->value)))
            return false;
    }
    return true;
}

/* ---- idempotency keys ---- */

static struct mem_once *once_find(const struct memory *memory, const char *member, const char *key)
{
    char whole[160];
    struct mem_once *once;

    snprintf(whole, sizeof(whole), "%s %s", memory->sim->options.broken == BREAK_SHARED_KEYS ? "" : member, key);
    HASH_FIND_STR(memory->onces, whole, once);
    return once;
}

const char *memory_once(struct memory *memory, const char *member, const char *key)
{
    struct mem_once *once = once_find(memory, member, key);

    return once ? once->value : NULL;
}

static void once_keep(struct memory *memory, const char *member, const char *key, const char *value)
{
    const char *of = memory->sim->options.broken == BREAK_SHARED_KEYS ? "" : member;
    size_t size = strlen(of) + strlen(key) + 2;
    struct mem_once *once;

    if (sim_broken(memory->sim, BREAK_FORGET_KEY, 200000))
        return;
    once = xcalloc(1, sizeof(*once) + size);
    snprintf(once->key, size, "%s %s", of, key);
    once->value = xstrdup(value);
    HASH_ADD_STR(memory->onces, key, once);
}

/* ---- commit ---- */

/* It gives a claim back, and changes nothing. */
static bool lets_go(const struct commit *commit)
{
    return commit->claims_only && commit->lease_ms == 0 && commit->expect_token_ms > 0;
}

/* Whether its sender knows what is kept of a call that was begun. */
static bool knows_asked(const struct memory *memory, const struct mem_machine *machine, const struct commit *commit)
{
    bool keeps = commit->asked == ASKED_SET;

    if (memory->sim->options.broken == BREAK_FORGET_ASKED)
        return true;
    return (commit->asked == ASKED_NONE || keeps) != (machine->asked != NULL) ||
           (keeps && strcmp(machine->asked, commit->asked_text) == 0);
}

static void asked_write(const struct memory *memory, struct mem_machine *machine, const struct commit *commit)
{
    if (commit->asked == ASKED_NONE || commit->asked == ASKED_KEEP)
        return;
    free(machine->asked);
    machine->asked = NULL;
    if (commit->asked == ASKED_SET && memory->sim->options.broken != BREAK_FORGET_ASKED)
        machine->asked = xstrdup(commit->asked_text);
}

/* What refuses the commit; SL_OK: nothing. DONE: it was done before. */
static enum sl_err commit_refusal(struct memory *memory, const struct mem_machine *machine, const struct commit *commit,
                                  bool *done)
{
    int64_t version = (int64_t)machine->count;
    bool failed = machine->status && strcmp(machine->status, "failed") == 0;

    *done = strcmp(machine->commit, commit->commit_id) == 0;
    if (*done || sim_broken(memory->sim, BREAK_NO_FENCE, 1000000))
        return SL_OK;
    if (commit->expect_version == 0 && version > 0)
        return SL_EEXIST;
    if (commit->once_key && once_find(memory, machine->member, commit->once_key))
        return SL_ECONFLICT;
    if (version != commit->expect_version)
        return SL_ECONFLICT;
    if (machine->status && strcmp(machine->status, "removed") == 0)
        return SL_ENOENT;
    if (!knows_asked(memory, machine, commit))
        return SL_ECONFLICT;
    if (commit->repaired && !failed)
        return SL_EREFUSED;
    if (!commit->repaired && failed && !lets_go(commit))
        return SL_EFAILED;
    if (commit->expect_token_ms > 0 && machine->score_ms != commit->expect_token_ms)
        return SL_ECONFLICT;
    if (commit->expect_token_ms == 0 && !commit->changes && machine->status &&
        strcmp(machine->status, "working") == 0 && machine->score_ms > memory_now_ms(memory) &&
        machine->score_ms != machine->due_ms)
        return SL_ECONFLICT;
    return tallies_fit(memory, machine, commit) ? SL_OK : SL_ECORRUPT;
}

static void event_add(struct memory *memory, struct mem_machine *machine, const struct commit *commit)
{
    if (machine->count == machine->cap) {
        machine->cap = machine->cap ? 2 * machine->cap : 8;
        machine->events = xrealloc(machine->events, machine->cap * sizeof(*machine->events));
    }
    machine->events[machine->count++] = (struct mem_event){
        memory_now_ms(memory), xstrndup(commit->changes, commit->changes_len), commit->changes_len,
    };
}

static void feed_add(struct memory *memory, struct mem_machine *machine)
{
    struct mem_partition *part = &memory->partitions[machine->p];

    if (sim_broken(memory->sim, BREAK_FEED_SKIPS, 5000))
        return;
    if (part->feed_count == part->feed_cap) {
        part->feed_cap = part->feed_cap ? 2 * part->feed_cap : 256;
        part->feed = xrealloc(part->feed, part->feed_cap * sizeof(*part->feed));
    }
    part->feed[part->feed_count++] = (struct mem_feed){ machine, (int64_t)machine->count };
}

static void tallies_add(struct memory *memory, struct mem_machine *machine, const struct commit *commit)
{
    size_t i;

    if (commit->tally_count && sim_broken(memory->sim, BREAK_HALF_COMMIT, 5000))
        return;
    for (i = 0; i < commit->tally_count; i++) {
        const struct tally *tally = &commit->tallies[i];

        if (!tally->delta)
            continue;
        if (!strstr(tally->field, ":own") && sim_broken(memory->sim, BREAK_LEAVE_HOLD, 5000))
            continue;
        balance_get(memory, machine->p, tally->field, true)->value += tally->delta;
    }
}

/* The wheel after a commit. Answers the claim that is held now. */
static int64_t commit_timer(struct memory *memory, struct mem_machine *machine, const struct commit *commit)
{
    bool parked = lets_go(commit) && machine->status && strcmp(machine->status, "failed") == 0;
    int64_t due = commit->due == DUE_SET ? commit->due_ms : commit->due == DUE_KEEP ? machine->due_ms : 0;
    int64_t token = 0, rests_until = due;

    if (commit->remove || parked)
        due = rests_until = 0;
    else if (commit->lease_ms > 0)
        token = memory_now_ms(memory) + commit->lease_ms;
    else if (commit->asked == ASKED_KEEP)
        rests_until = memory_now_ms(memory);
    if (token == 0 && due > 0 && sim_broken(memory->sim, BREAK_FORGET_TIMER, 3000))
        zrem(memory, machine);
    else if (token > 0 || rests_until > 0)
        zadd(memory, machine, token > 0 ? token : rests_until);
    else
        zrem(memory, machine);
    if (!commit->claims_only)
        machine->due_ms = due;
    return token;
}

static void commit_snapshot(struct memory *memory, struct mem_machine *machine, const struct commit *commit)
{
    if (commit->drop_snapshot || commit->remove) {
        text_unref(machine->snapshot);
        machine->snapshot = NULL;
        machine->snapshot_version = 0;
    } else if (commit->snapshot) {
        if (machine->snapshot && sim_broken(memory->sim, BREAK_STALE_SNAPSHOT, 20000)) {
            machine->snapshot_version = (int64_t)machine->count;
            return;
        }
        text_unref(machine->snapshot);
        machine->snapshot = text_new(commit->snapshot, commit->snapshot_len);
        machine->snapshot_version = (int64_t)machine->count;
    }
}

static void status_mend(struct mem_machine *machine)
{
    machine->attempts = 0;
    machine->since_ms = machine->failed_ms = 0;
    machine->reason[0] = '\0';
    machine->cause = NULL;
    machine->status = "working";
}

static void commit_write(struct memory *memory, struct mem_machine *machine, const struct commit *commit, int64_t *token)
{
    const char *cause;

    snprintf(machine->commit, sizeof(machine->commit), "%s", commit->commit_id);
    if (commit->once_key)
        once_keep(memory, machine->member, commit->once_key, commit->once_value);
    if (commit->changes) {
        event_add(memory, machine, commit);
        feed_add(memory, machine);
        if (sim_broken(memory->sim, BREAK_FEED_TWICE, 5000))
            feed_add(memory, machine);
        if (sim_broken(memory->sim, BREAK_EVENT_TWICE, 2000)) {
            event_add(memory, machine, commit);
            feed_add(memory, machine);
        }
        machine->quiet = 0;
    } else if (!commit->claims_only &&
               (!commit->repaired || (machine->cause && strcmp(machine->cause, "declined") == 0))) {
        machine->quiet++;
    }
    tallies_add(memory, machine, commit);
    *token = commit_timer(memory, machine, commit);
    asked_write(memory, machine, commit);
    if (commit->claims_only) {
        if (commit->asked == ASKED_END && strcmp(machine->status, "retrying") == 0)
            status_mend(machine);
        return;
    }
    snprintf(machine->activity, sizeof(machine->activity), "%s", commit->activity);
    snprintf(machine->outcome, sizeof(machine->outcome), "%s", commit->status);
    if (machine->failed_ms)
        memory->failed_count--;
    cause = commit->repaired && !commit->changes ? machine->cause : NULL;
    status_mend(machine);
    machine->cause = cause;
    machine->status = commit->remove ? "removed" : "working";
    commit_snapshot(memory, machine, commit);
}

void memory_commit(struct memory *memory, const char *member, const struct commit *commit, struct store_committed *out)
{
    struct mem_machine *machine = machine_get(memory, member);
    int64_t token = 0;
    bool done;

    memset(out, 0, sizeof(*out));
    out->now_ms = memory_told_ms(memory);
    if (commit->changes && sim_broken(memory->sim, BREAK_LOSE_COMMIT, 3000)) {
        out->version = (int64_t)machine->count + 1;
        out->token_ms = commit->lease_ms > 0 ? memory_now_ms(memory) + commit->lease_ms : 0;
        return;
    }
    out->err = commit_refusal(memory, machine, commit, &done);
    if (done)
        token = machine->score_ms;
    else if (!out->err)
        commit_write(memory, machine, commit, &token);
    else if (out->err == SL_ECONFLICT || out->err == SL_EEXIST)
        sim_count(memory->sim, FAULT_CONFLICT);
    out->version = (int64_t)machine->count;
    if (!out->err && !done && memory->sim->options.broken) /* else the runtime itself would find it */
        out->version = commit->expect_version + (commit->changes != NULL);
    out->token_ms = out->err ? machine->score_ms : token;
    if (out->err)
        out->detail = "refused";
    else if (!done && commit->changes)
        traffic_news(memory->sim, machine->id, machine->activity, machine->outcome);
}

/* ---- the others ---- */

enum sl_err memory_fail(struct memory *memory, const char *member, const struct step_failure *failure, int64_t *score)
{
    struct mem_machine *machine = machine_get(memory, member);
    int64_t now = memory_now_ms(memory);

    *score = machine->score_ms;
    if ((int64_t)machine->count != failure->expect_version || !machine->status ||
        strcmp(machine->status, "failed") == 0 || strcmp(machine->status, "removed") == 0 ||
        (failure->expect_token_ms > 0 && machine->score_ms != failure->expect_token_ms))
        return SL_ECONFLICT;
    if (failure->asked_ends) {
        free(machine->asked);
        machine->asked = NULL;
    }
    machine->status = failure->retry_ms > 0 ? "retrying" : "failed";
    machine->attempts = failure->attempts;
    if (!machine->since_ms)
        machine->since_ms = now;
    snprintf(machine->reason, sizeof(machine->reason), "%s", failure->reason);
    machine->cause = step_cause_name(failure->cause);
    if (failure->retry_ms > 0) {
        *score = now + failure->retry_ms;
        zadd(memory, machine, *score);
    } else {
        *score = 0;
        zrem(memory, machine);
        machine->failed_ms = now;
        memory->failed_count++;
    }
    return SL_OK;
}

enum sl_err memory_extend(struct memory *memory, const char *member, int64_t token_ms, int64_t lease_ms, int64_t *score)
{
    struct mem_machine *machine = machine_get(memory, member);

    *score = machine->score_ms;
    if (machine->score_ms != token_ms)
        return SL_ECONFLICT;
    *score = memory_now_ms(memory) + lease_ms;
    zadd(memory, machine, *score);
    return SL_OK;
}

enum sl_err memory_bind(struct memory *memory, const char *tag, const char *member)
{
    struct mem_tag *bound;

    HASH_FIND_STR(memory->tags, tag, bound);
    if (bound)
        return strcmp(bound->member, member) == 0 ? SL_OK : SL_EREFUSED;
    bound = xmalloc(sizeof(*bound) + strlen(tag) + 1);
    strcpy(bound->tag, tag);
    bound->member = xstrdup(member);
    HASH_ADD_STR(memory->tags, tag, bound);
    return SL_OK;
}

const char *memory_resolve(struct memory *memory, const char *tag)
{
    struct mem_tag *bound;

    HASH_FIND_STR(memory->tags, tag, bound);
    return bound ? bound->member : NULL;
}

/* A timer may be late because the store or its daemon was away; else it must not be. */
static void lateness_check(struct memory *memory, const struct mem_machine *machine)
{
    struct sim *sim = memory->sim;
    int64_t due_ms = machine->score_ms > machine->scored_ms ? machine->score_ms : machine->scored_ms;
    int64_t late_ms = memory_now_ms(memory) - due_ms;

    sim->claims++;
    sim->late_sum_ms += (uint64_t)late_ms;
    if ((uint64_t)late_ms > sim->late_max_ms)
        sim->late_max_ms = (uint64_t)late_ms;
    /* What may pass before somebody else looks: a lease, a daemon's silence, a poll. */
    if (late_ms > LATE_MAX_MS && due_ms * 1000 > sim->disturbed_us + (sim->lease_ms + 6000) * 1000)
        sim_violation(sim, machine->id, "its timer of %" PRId64 " was claimed %" PRId64 " ms late, and nothing was wrong",
                      machine->score_ms, late_ms);
}

size_t memory_claim(struct memory *memory, int p, size_t limit, int64_t lease_ms, struct mem_machine **taken,
                    int64_t *scores, int64_t *next_ms, int64_t *token_ms)
{
    struct mem_partition *part = &memory->partitions[p];
    int64_t now = memory_now_ms(memory);
    size_t count = 0;

    *token_ms = now + lease_ms;
    *next_ms = 0;
    if (sim_broken(memory->sim, BREAK_LATE_TIMER, 20000))
        return 0;
    while (count < limit && part->wheel_count > 0 && part->wheel[1]->score_ms <= now) {
        struct mem_machine *machine = part->wheel[1];

        taken[count] = machine;
        lateness_check(memory, machine);
        scores[count++] = machine->score_ms;
        zadd(memory, machine, *token_ms);
        if (sim_broken(memory->sim, BREAK_CLAIM_REMOVES, 50000))
            zrem(memory, machine);
    }
    *next_ms = part->wheel_count > 0 ? part->wheel[1]->score_ms : 0;
    return count;
}

void memory_heartbeat(struct memory *memory, const char *name, int64_t silent_ms, bool leaving)
{
    int64_t now = memory_now_ms(memory);
    size_t i, kept = 0;

    for (i = 0; i < memory->daemon_count; i++) {
        struct mem_daemon *daemon = &memory->daemons[i];

        if (strcmp(daemon->name, name) != 0 && daemon->seen_ms >= now - silent_ms)
            memory->daemons[kept++] = *daemon;
    }
    memory->daemon_count = kept;
    if (leaving)
        return;
    for (i = memory->daemon_count++; i > 0 && strcmp(memory->daemons[i - 1].name, name) > 0; i--)
        memory->daemons[i] = memory->daemons[i - 1];
    snprintf(memory->daemons[i].name, sizeof(memory->daemons[i].name), "%s", name);
    memory->daemons[i].seen_ms = now;
}
