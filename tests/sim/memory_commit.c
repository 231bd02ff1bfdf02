/* lua/commit.lua, in C: the looks first, then the writes, in the order of the script. See memory.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "sim/memory.h"

#define BALANCE_MAX ((int64_t)99999999999999999) /* 17 digits */

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

static struct mem_currency *currency_of(struct memory *memory, int p, const char *field)
{
    struct mem_currency *found;
    char account[sizeof(found->account)];

    snprintf(account, sizeof(account), "%.*s", (int)strcspn(field, ":"), field);
    HASH_FIND_STR(memory->partitions[p].currencies, account, found);
    return found;
}

static bool currency_fits(struct memory *memory, int p, const struct tally *tally)
{
    const struct mem_currency *kept = tally->delta && tally->currency ? currency_of(memory, p, tally->field) : NULL;

    return !kept || strcmp(kept->currency, tally->currency) == 0;
}

static void currency_keep(struct memory *memory, int p, const struct tally *tally)
{
    struct mem_currency *kept;

    if (!tally->currency || currency_of(memory, p, tally->field))
        return;
    kept = xcalloc(1, sizeof(*kept));
    snprintf(kept->account, sizeof(kept->account), "%.*s", (int)strcspn(tally->field, ":"), tally->field);
    snprintf(kept->currency, sizeof(kept->currency), "%s", tally->currency);
    HASH_ADD_STR(memory->partitions[p].currencies, account, kept);
}

static bool tallies_fit(struct memory *memory, const struct mem_machine *machine, const struct commit *commit)
{
    const struct mem_balance *present;
    size_t i;

    for (i = 0; i < commit->tally_count; i++) {
        present = commit->tallies[i].delta ? balance_get(memory, machine->p, commit->tallies[i].field, false) : NULL;
        if (!currency_fits(memory, machine->p, &commit->tallies[i]))
            return false;
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
        currency_keep(memory, machine->p, tally);
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
        memory_drop(memory, machine);
    else if (token > 0 || rests_until > 0)
        memory_put(memory, machine, token > 0 ? token : rests_until);
    else
        memory_drop(memory, machine);
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
    struct mem_machine *machine = memory_get(memory, member);
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
