/* Every call at every place where an invoice can be: the exact refusal, or what is committed. */
#include <criterion/criterion.h>
#include <string.h>

#include "payment/calls.h"
#include "support/invoice_stages.h"
#include "unit/calls_table.h"

/* "name members" of the last refusal. */
static const char *refusal_of(const struct payment_world *world)
{
    const struct call_error *error = world->driver.reply;
    struct buf text = BUF_EMPTY;
    const char *copy;

    call_error_encode(error, &text);
    copy = arena_printf(world->driver.arena, "%s%s%s", call_error_name(error->kind), text.len ? " " : "",
                        text.len ? buf_text(&text) + 1 : "");
    buf_clear(&text);
    return copy;
}

/* What a call came to, in the words of the table. */
static const char *answer_of(struct payment_world *world, const struct call_row *row)
{
    struct machine_driver *driver = &world->driver;
    size_t events = driver->event_count;
    int64_t due_ms = driver->due_ms;

    switch (row->make(world, row->body)) {
    case STEP_OK: break;
    case STEP_REFUSED: return refusal_of(world);
    case STEP_RETRY: return arena_printf(driver->arena, "retry: %s", driver->reason);
    case STEP_FAIL: return arena_printf(driver->arena, "fail: %s", driver->reason);
    }
    if (driver->event_count > events)
        return world_history(world, events + 1);
    if (driver->removed)
        return "removed";
    if (driver->due_ms != due_ms)
        return arena_printf(driver->arena, "timer +%lld", (long long)(driver->due_ms - driver->now_us / 1000) / 1000);
    return "nothing";
}

/* TEMPLATE with what STAGE puts for its letters. */
static const char *filled_in(struct arena *arena, const char *template, const struct invoice_stage *stage)
{
    struct buf text = BUF_EMPTY;
    const char *at, *copy;

    for (at = template; *at; at++) {
        if (*at != '$') {
            buf_char(&text, *at);
            continue;
        }
        at++;
        buf_str(&text, *at == 'I' ? stage->invoice : *at == 'P' ? stage->payment : stage->activity ? stage->activity : "idle");
    }
    copy = arena_strdup(arena, buf_text(&text));
    buf_clear(&text);
    return copy;
}

static const char *expected(struct arena *arena, const struct call_row *row, const struct invoice_stage *stage)
{
    const char *answer = row->idle && !stage->activity ? row->idle : row->otherwise;
    size_t i;

    for (i = 0; i < CELLS_MAX && row->cells[i].stage; i++) {
        if (strcmp(row->cells[i].stage, stage->name) == 0)
            answer = row->cells[i].answer;
    }
    return filled_in(arena, answer, stage);
}

static void open_at(struct payment_world *world, const struct invoice_stage *stage, bool parked)
{
    invoice_stage_open(world, stage);
    if (parked)
        invoice_stage_park(world);
}

/* Calls that change nothing are made one after the other on the same invoice: what one leaves behind shows in the
 * answers of the next. */
static void check(const struct invoice_stage *stage, bool parked)
{
    struct payment_world world;
    const char *answer;
    int64_t due_ms;
    size_t events, i;

    open_at(&world, stage, parked);
    for (i = 0; i < call_row_count; i++) {
        if (parked && !call_rows[i].repair)
            continue;
        events = world.driver.event_count;
        due_ms = world.driver.due_ms;
        answer = answer_of(&world, &call_rows[i]);
        cr_expect_str_eq(answer, expected(world.driver.arena, &call_rows[i], stage), "%s at %s%s: %s", call_rows[i].name,
                         stage->name, parked ? ", parked" : "", answer);
        if (world.driver.end == STEP_REFUSED || strcmp(answer, "nothing") == 0) {
            cr_expect_eq(world.driver.event_count, events, "%s at %s", call_rows[i].name, stage->name);
            cr_expect_eq(world.driver.due_ms, due_ms, "%s at %s", call_rows[i].name, stage->name);
            continue;
        }
        world_close(&world);
        open_at(&world, stage, parked);
    }
    world_close(&world);
}

/* If it fails, a caller is told something else than doc/spec/api.md says, or an invoice is changed that should not be. */
Test(calls_table, every_call_at_every_stage)
{
    size_t i;

    for (i = 0; i < invoice_stage_count; i++)
        check(&invoice_stages[i], false);
}

/* If it fails, a repair does something else with an invoice that has failed than what its history says. */
Test(calls_table, every_repair_of_a_parked_machine)
{
    size_t i;

    for (i = 0; i < invoice_stage_count; i++) {
        if (invoice_stages[i].activity)
            check(&invoice_stages[i], true);
    }
}

/* Fires all timers there will ever be; what became of it. */
static const char *run_out(struct payment_world *world)
{
    enum step_end end = STEP_OK;

    while (end == STEP_OK && world->driver.due_ms)
        end = machine_driver_fire(&world->driver);
    return arena_printf(world->driver.arena, "%s (%s)", world_history(world, 1), end == STEP_OK ? "fine" : world->driver.reason);
}

/* If it fails, a step that failed has left something behind: run again it leads elsewhere. */
Test(calls_table, a_parked_step_that_runs_again_leads_where_it_would_have_led)
{
    struct payment_world smooth, parked;
    const char *end;
    size_t i;

    for (i = 0; i < invoice_stage_count; i++) {
        if (!invoice_stages[i].activity)
            continue;
        invoice_stage_open(&smooth, &invoice_stages[i]);
        invoice_stage_open(&parked, &invoice_stages[i]);
        invoice_stage_park(&parked);
        end = run_out(&parked);
        cr_expect_str_eq(end, run_out(&smooth), "%s: %s", invoice_stages[i].name, end);
        if (parked.driver.end == STEP_OK) {
            cr_expect(world_books_are_settled(&parked), "%s", invoice_stages[i].name);
            cr_expect_eq(limit_counters_held(parked.counters), 0, "%s", invoice_stages[i].name);
        }
        world_close(&smooth);
        world_close(&parked);
    }
}

/* If it fails, an activity came to be that no call was tried in. */
Test(calls_table, stages_are_all_there_are)
{
    size_t i;
    int activity;

    for (activity = ACT_SHOP_LIMIT_INITIALIZING; activity < ACT_REFUND; activity++) {
        for (i = 0; i < invoice_stage_count; i++) {
            if (invoice_stages[i].activity && strcmp(invoice_stages[i].activity, activity_name(activity)) == 0)
                break;
        }
        cr_expect(i < invoice_stage_count, "%s", activity_name(activity));
    }
}

/* If it fails, a row speaks of a stage that there is not, and proves nothing. */
Test(calls_table, rows_speak_of_stages)
{
    size_t i, j, k;

    for (i = 0; i < call_row_count; i++) {
        for (j = 0; j < CELLS_MAX && call_rows[i].cells[j].stage; j++) {
            for (k = 0; k < invoice_stage_count && strcmp(invoice_stages[k].name, call_rows[i].cells[j].stage) != 0; k++)
                ;
            cr_expect(k < invoice_stage_count, "%s: %s", call_rows[i].name, call_rows[i].cells[j].stage);
        }
    }
}
