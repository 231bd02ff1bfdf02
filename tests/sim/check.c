/* What must hold, at every step and when everything has come to rest. The rules are those that doc/simulator.md
 * lists; what the ledger should be is computed here from the histories, apart from the code that moved it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/xmalloc.h"
#include "engine/fold.h"
#include "payment/template.h"
#include "sim/check.h"
#include "sim/memory.h"

/* ---- at every step ---- */

void check_step(struct sim *sim, const struct step_in *in, const struct step_out *out)
{
    char member[64];
    struct mem_machine *machine;

    if (in->now_us > sim->now_us)
        sim_violation(sim, in->id, "a step is told %" PRId64 " us that have not come yet", in->now_us - sim->now_us);
    snprintf(member, sizeof(member), "%s:%s", sim->kind.name, in->id);
    machine = memory_find(sim->memory, member);
    if (!machine)
        return;
    /* Nobody has claimed it: this is a rehearsal, begun before its timer was moved. */
    if (in->input == IN_TIMEOUT && !machine->continues && (int64_t)machine->count == in->version &&
        machine->due_ms * 1000 > sim->now_us && machine->score_ms != machine->due_ms)
        sim_violation(sim, in->id, "its timer fires %" PRId64 " ms early", machine->due_ms - sim->now_us / 1000);
    machine->continues = out->end == STEP_OK && out->timer == TIMER_SET && !out->effect &&
                         out->due_ms <= in->now_us / 1000;
}

/* ---- balances that the histories imply ---- */

struct expected {
    UT_hash_handle hh;
    char account[32]; /* "partition account" */
    int64_t own;
};

static void expect(struct checking *checking, int p, int64_t account, int64_t delta)
{
    struct expected *expected;
    char key[32];

    snprintf(key, sizeof(key), "%d %" PRId64, p, account);
    HASH_FIND_STR(checking->expected, key, expected);
    if (!expected) {
        expected = xcalloc(1, sizeof(*expected));
        strcpy(expected->account, key);
        HASH_ADD_STR(checking->expected, account, expected);
    }
    expected->own += delta;
}

static void expect_flow(struct checking *checking, int p, const struct type_list *flow, int sign)
{
    const struct posting *postings = flow->items;
    size_t i;

    for (i = 0; i < flow->count; i++) {
        expect(checking, p, postings[i].source.account_id, -sign * postings[i].volume.amount);
        expect(checking, p, postings[i].destination.account_id, sign * postings[i].volume.amount);
    }
}

static void check_balances(struct checking *checking)
{
    struct sim *sim = checking->sim;
    struct mem_balance *balance, *next;
    struct expected *expected, *later;
    int p;

    for (p = 0; p < sim->memory->partition_count; p++) {
        int64_t sums[3] = { 0, 0, 0 };

        HASH_ITER(hh, sim->memory->partitions[p].balances, balance, next) {
            int64_t account = strtoll(balance->field, NULL, 10), want;
            char key[32];

            sums[strstr(balance->field, ":own") ? 0 : strstr(balance->field, ":min") ? 1 : 2] += balance->value;
            snprintf(key, sizeof(key), "%d %" PRId64, p, account);
            HASH_FIND_STR(checking->expected, key, expected);
            want = expected ? expected->own : 0;
            if (balance->value != want)
                sim_violation(sim, NULL, "balance %s of partition %d is %" PRId64 ", the histories imply %" PRId64,
                              balance->field, p, balance->value, want);
        }
        if (sums[0] || sums[1] || sums[2])
            sim_violation(sim, NULL, "the ledger of partition %d sums to %" PRId64 "/%" PRId64 "/%" PRId64, p, sums[0],
                          sums[1], sums[2]);
    }
    HASH_ITER(hh, checking->expected, expected, later) {
        char field[48];

        p = atoi(expected->account);
        snprintf(field, sizeof(field), "%s:own", strchr(expected->account, ' ') + 1);
        HASH_FIND_STR(sim->memory->partitions[p].balances, field, balance);
        if (!balance && expected->own)
            sim_violation(sim, NULL, "partition %d has no balance %s, the histories imply %" PRId64, p, field,
                          expected->own);
        HASH_DEL(checking->expected, expected);
        free(expected);
    }
}

/* ---- a payment, the bank's book and ours ---- */

static bool is_captured(const struct payment_state *payment)
{
    return payment->payment.status.tag == PAYMENT_CAPTURED || payment->payment.status.tag == PAYMENT_REFUNDED;
}

/* Every refund that succeeded is at the bank, and no other. */
static void check_refunds(struct checking *checking, const char *id, const struct payment_state *payment,
                          const struct bank_account *bank)
{
    const struct refund_state *refunds = payment->refunds.items;
    int64_t count = 0, sum = 0, whole = 0;
    size_t i;

    for (i = 0; i < payment->refunds.count; i++) {
        if (refunds[i].refund.status.tag == REFUND_PENDING)
            sim_violation(checking->sim, id, "refund %s of payment %s is never finished", refunds[i].refund.id,
                          payment->payment.id);
        if (refunds[i].refund.status.tag != REFUND_SUCCEEDED)
            continue;
        whole += refunds[i].refund.cash.amount;
        if (refunds[i].transaction_info)
            continue; /* made outside: this bank must not have heard of it */
        count++;
        sum += refunds[i].refund.cash.amount;
    }
    if (count != bank->refunds || sum != bank->refunded)
        sim_violation(checking->sim, id, "payment %s has %" PRId64 " refunds of %" PRId64 ", the bank %" PRId64 " of %" PRId64,
                      payment->payment.id, count, sum, bank->refunds, bank->refunded);
    if ((payment->payment.status.tag == PAYMENT_REFUNDED) != (whole > 0 && whole == payment->payment.cost.amount))
        sim_violation(checking->sim, id, "payment %s is %s, and %" PRId64 " of %" PRId64 " were refunded",
                      payment->payment.id, type_name_of(&type_payment_status, payment->payment.status.tag), whole,
                      payment->payment.cost.amount);
}

static void check_bank(struct checking *checking, const char *id, const struct payment_state *payment)
{
    struct sim *sim = checking->sim;
    struct bank_account bank = { 0 };
    const struct payment *what = &payment->payment;
    int64_t charges = what->status.tag != PAYMENT_FAILED, cancels = what->status.tag == PAYMENT_CANCELLED;
    int64_t captures = is_captured(payment);

    bank_account(sim->bank, id, what->id, &bank);
    sim->untold += (uint64_t)bank.unconfirmed;
    if (bank.charges != charges || bank.captures != captures || bank.cancels != cancels)
        sim_violation(sim, id, "payment %s is %s, and the bank has %" PRId64 " charges, %" PRId64 " captures, %" PRId64
                      " cancels", what->id, type_name_of(&type_payment_status, what->status.tag), bank.charges,
                      bank.captures, bank.cancels);
    if (charges && !captures && bank.authorised != payment_state_cost(payment)->amount)
        sim_violation(sim, id, "payment %s costs %" PRId64 ", the bank has %" PRId64, what->id,
                      payment_state_cost(payment)->amount, bank.authorised);
    if (captures && bank.captured != what->cost.amount)
        sim_violation(sim, id, "payment %s is captured with %" PRId64 ", at the bank with %" PRId64, what->id,
                      what->cost.amount, bank.captured);
    check_refunds(checking, id, payment, &bank);
}

/* The customer's money comes to the merchant in full, whatever fees follow. */
static void check_body(struct checking *checking, const char *id, const struct payment_state *payment,
                       const struct type_list *flow)
{
    const struct posting *postings = flow->items;
    int64_t body = 0;
    size_t i;

    for (i = 0; i < flow->count; i++) {
        if (postings[i].source.account_type.tag == ACCOUNT_PROVIDER &&
            postings[i].destination.account_type.tag == ACCOUNT_MERCHANT)
            body += postings[i].volume.amount;
    }
    if (body != payment->payment.cost.amount)
        sim_violation(checking->sim, id, "payment %s is captured with %" PRId64 ", and the merchant got %" PRId64,
                      payment->payment.id, payment->payment.cost.amount, body);
}

static void check_payment(struct checking *checking, const struct mem_machine *machine,
                          const struct payment_state *payment)
{
    const struct type_list *flow = payment_final_flow(payment);
    const struct refund_state *refunds = payment->refunds.items;
    int status = payment->payment.status.tag;
    size_t i;

    if (payment->activity != ACT_IDLE) {
        sim_violation(checking->sim, machine->id, "payment %s rests in %s", payment->payment.id,
                      activity_name(payment->activity));
        return;
    }
    if (!is_captured(payment) && status != PAYMENT_CANCELLED && status != PAYMENT_FAILED) {
        sim_violation(checking->sim, machine->id, "payment %s ends as %s", payment->payment.id,
                      type_name_of(&type_payment_status, status));
        return;
    }
    check_bank(checking, machine->id, payment);
    for (i = 0; i < payment->refunds.count; i++) {
        if (refunds[i].refund.status.tag == REFUND_SUCCEEDED)
            expect_flow(checking, machine->p, &refunds[i].cash_flow, 1);
    }
    if (is_captured(payment) && flow) {
        expect_flow(checking, machine->p, flow, 1);
        check_body(checking, machine->id, payment, flow);
    } else if (is_captured(payment)) {
        sim_violation(checking->sim, machine->id, "payment %s is captured without a cash flow", payment->payment.id);
    }
}

/* ---- a machine, its events and its snapshot ---- */

static const struct machine_kind *kind_of(const struct checking *checking, const struct mem_machine *machine)
{
    return strncmp(machine->member, "tpl:", 4) == 0 ? &template_kind : &checking->sim->kind;
}

static bool fold_event(struct checking *checking, const struct mem_machine *machine, size_t i, void *state,
                       struct arena *arena)
{
    const struct mem_event *event = &machine->events[i];
    const struct machine_kind *kind = kind_of(checking, machine);
    struct type_list changes;
    const char *why = NULL;
    size_t j;

    if (machine_decode_changes(kind, event->changes, event->len, arena, &changes, &why)) {
        sim_violation(checking->sim, machine->id, "event %zu: %s", i + 1, why);
        return false;
    }
    for (j = 0; j < changes.count; j++) {
        why = kind->fold(state, (const char *)changes.items + j * kind->change->size, event->at_ms * 1000, true, arena);
        if (why) {
            sim_violation(checking->sim, machine->id, "event %zu: %s", i + 1, why);
            return false;
        }
    }
    return true;
}

/* The snapshot with the events after it is what all events make. */
static void check_snapshot(struct checking *checking, const struct mem_machine *machine, const void *state,
                           struct arena *arena)
{
    const struct machine_kind *kind = kind_of(checking, machine);
    size_t from = (size_t)machine->snapshot_version, i;
    struct store_loaded loaded = { .snapshot = machine->snapshot->data, .snapshot_len = machine->snapshot->len,
                                   .snapshot_version = machine->snapshot_version };
    struct stored_event *events = arena_array(arena, machine->count - from, sizeof(*events));
    struct buf ours = BUF_EMPTY, folded = BUF_EMPTY;
    const char *why = NULL;
    void *other = NULL;

    for (i = from; i < machine->count; i++)
        events[loaded.event_count++] = (struct stored_event){
            (int64_t)i + 1, machine->events[i].at_ms, machine->events[i].changes, machine->events[i].len,
        };
    loaded.events = events;
    if (machine_fold(kind, &loaded, arena, &other, &why)) {
        sim_violation(checking->sim, machine->id, "its snapshot of version %" PRId64 ": %s", machine->snapshot_version, why);
        return;
    }
    type_encode(kind->state, state, &ours);
    type_encode(kind->state, other, &folded);
    if (strcmp(buf_text(&ours), buf_text(&folded)) != 0)
        sim_violation(checking->sim, machine->id, "its snapshot of version %" PRId64 " is not what its events make:\n    %s\n    %s",
                      machine->snapshot_version, buf_text(&folded), buf_text(&ours));
    buf_clear(&ours);
    buf_clear(&folded);
}

static void check_rest(struct checking *checking, const struct mem_machine *machine, const void *state)
{
    const struct machine_kind *kind = kind_of(checking, machine);
    struct machine_label label = kind->label(state);

    if (strcmp(label.activity, machine->activity) != 0 || strcmp(label.status, machine->outcome) != 0)
        sim_violation(checking->sim, machine->id, "it is stored as %s/%s, and folds to %s/%s", machine->activity,
                      machine->outcome, label.activity, label.status);
    if (strcmp(machine->status, "working") != 0)
        sim_violation(checking->sim, machine->id, "it rests as %s: %s", machine->status, machine->reason);
    if (machine->score_ms || machine->due_ms)
        sim_violation(checking->sim, machine->id, "it rests with a timer: due %" PRId64 ", on the wheel %" PRId64,
                      machine->due_ms, machine->score_ms);
    if (!label.finished && kind == &checking->sim->kind)
        sim_violation(checking->sim, machine->id, "it rests, and is not finished: %s", label.status);
    else if (label.finished && machine->snapshot)
        sim_violation(checking->sim, machine->id, "it is finished and keeps a snapshot");
}

static void check_invoice(struct checking *checking, const struct mem_machine *machine, const struct invoice_state *state)
{
    const struct payment_state *payments = state->payments.items;
    size_t i;

    if (state->invoice.template_id)
        check_template_invoice(checking, &state->invoice);
    for (i = 0; i < state->payments.count; i++) {
        check_payment(checking, machine, &payments[i]);
        check_limits_payment(checking, machine->id, &state->invoice.cost, &payments[i]);
        check_cards_payment(checking, machine->id, &payments[i]);
    }
}

static void check_machine(struct checking *checking, struct mem_machine *machine)
{
    const struct machine_kind *kind = kind_of(checking, machine);
    struct arena *arena = arena_new();
    void *state = machine_state_new(kind, arena);
    size_t i;

    for (i = 0; i < machine->count; i++) {
        if (i > 0 && machine->events[i].at_ms < machine->events[i - 1].at_ms)
            sim_violation(checking->sim, machine->id, "event %zu is older than the one before", i + 1);
        if (!fold_event(checking, machine, i, state, arena))
            goto out;
    }
    if (machine->snapshot)
        check_snapshot(checking, machine, state, arena);
    check_rest(checking, machine, state);
    if (kind == &checking->sim->kind)
        check_invoice(checking, machine, state);
out:
    arena_free(arena);
}

/* ---- the feed ---- */

struct reader {
    UT_hash_handle hh;
    const struct mem_machine *machine;
    int64_t seen;
};

static void check_feed(struct checking *checking, int p)
{
    struct mem_partition *part = &checking->sim->memory->partitions[p];
    struct mem_machine *machine, *next_machine;
    struct reader *readers = NULL, *reader, *next;
    size_t i;

    for (i = 0; i < part->feed_count; i++) {
        machine = part->feed[i].machine;
        HASH_FIND_PTR(readers, &machine, reader);
        if (!reader) {
            reader = xcalloc(1, sizeof(*reader));
            reader->machine = machine;
            HASH_ADD_PTR(readers, machine, reader);
        }
        if (part->feed[i].event != reader->seen + 1)
            sim_violation(checking->sim, machine->id, "the feed has event %" PRId64 " after event %" PRId64,
                          part->feed[i].event, reader->seen);
        reader->seen = part->feed[i].event;
    }
    HASH_ITER(hh, checking->sim->memory->machines, machine, next_machine) {
        if (machine->p != p)
            continue;
        HASH_FIND_PTR(readers, &machine, reader);
        if ((reader ? reader->seen : 0) != (int64_t)machine->count)
            sim_violation(checking->sim, machine->id, "the feed ends with its event %" PRId64 " of %zu",
                          reader ? reader->seen : 0, machine->count);
    }
    HASH_ITER(hh, readers, reader, next) {
        HASH_DEL(readers, reader);
        free(reader);
    }
}

/* ---- all of it ---- */

void check_all(struct sim *sim)
{
    struct checking checking = { .sim = sim };
    struct mem_machine *machine, *next;
    int p;

    HASH_ITER(hh, sim->memory->machines, machine, next) {
        if (machine->count > 0)
            check_machine(&checking, machine);
        else if (machine->status)
            sim_violation(sim, machine->id, "it is stored without an event");
    }
    check_balances(&checking);
    check_limits(&checking);
    check_cards(&checking);
    for (p = 0; p < sim->memory->partition_count; p++)
        check_feed(&checking, p);
    check_told(&checking);
}

uint64_t check_digest(struct sim *sim)
{
    struct mem_machine *machine, *next;
    struct mem_balance *balance, *later;
    uint64_t hash = sim->options.seed;
    size_t i;
    int p;

    HASH_ITER(hh, sim->memory->machines, machine, next) {
        hash = hash_bytes(hash, machine->member, strlen(machine->member));
        for (i = 0; i < machine->count; i++) {
            hash = mix(hash, (uint64_t)machine->events[i].at_ms);
            hash = hash_bytes(hash, machine->events[i].changes, machine->events[i].len);
        }
    }
    for (p = 0; p < sim->memory->partition_count; p++) {
        HASH_ITER(hh, sim->memory->partitions[p].balances, balance, later) {
            hash = hash_bytes(hash, balance->field, strlen(balance->field));
            hash = mix(hash, (uint64_t)balance->value);
        }
    }
    return bank_digest(sim->bank, hash);
}

void print_machine(struct sim *sim, const char *id, struct buf *out)
{
    char member[96];
    struct mem_machine *machine;
    size_t i;

    snprintf(member, sizeof(member), "%s:%s", sim->kind.name, id);
    machine = memory_find(sim->memory, member);
    if (!machine) {
        snprintf(member, sizeof(member), "%s:%s", template_kind.name, id);
        machine = memory_find(sim->memory, member);
    }
    if (!machine) {
        buf_printf(out, "  %s: never heard of\n", id);
        return;
    }
    buf_printf(out, "  %s: %zu events, %s, %s/%s, due %" PRId64 ", on the wheel %" PRId64 ", snapshot of %" PRId64 "%s%s\n",
               id, machine->count, machine->status ? machine->status : "?", machine->activity, machine->outcome,
               machine->due_ms, machine->score_ms, machine->snapshot_version, machine->reason[0] ? ", " : "",
               machine->reason);
    for (i = 0; i < machine->count; i++)
        buf_printf(out, "    %zu at %" PRId64 " %s\n", i + 1, machine->events[i].at_ms, machine->events[i].changes);
}
