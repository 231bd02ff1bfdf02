/* What changes by hand do to the ledger. No step runs in a repair, so nothing moves balances but this: what the state
 * held and had committed before them is compared with what it does behind them, and the difference is posted in the
 * same commit. So the next step finds held what its history says, and balances stay what histories come to.
 *
 *     payment or refund   its plan is
 *     pending, processed  held from cash_flow_changed on, until its status says how it ended
 *     captured, succeeded committed
 *     failed, cancelled   rolled back
 *
 * Ref: doc/spec/repair.md 3; doc/spec/accounting.md 5. */
#include <inttypes.h>
#include <string.h>

#include "domain/domain.h"
#include "payment/errors.h"
#include "payment/plan.h"
#include "payment/repair.h"

enum standing { STANDING_NONE, STANDING_HELD, STANDING_COMMITTED };

/* Balances of the accounts that an invoice's plans touch, and by how much they differ. */
struct books {
    struct arena *arena;
    struct ledger_delta *rows;
    size_t count, room;
    bool removed;    /* the invoice goes away: what it holds is released */
    const char *why; /* a plan that cannot be; NULL: none */
};

static struct ledger_delta *row_of(struct books *books, const struct ledger_delta *like)
{
    struct ledger_delta *grown;
    size_t i;

    for (i = 0; i < books->count; i++) {
        if (books->rows[i].account_id == like->account_id)
            break;
    }
    if (i == books->room) {
        books->room = books->room ? 2 * books->room : 16;
        grown = arena_array(books->arena, books->room, sizeof(*grown));
        if (i)
            memcpy(grown, books->rows, i * sizeof(*grown));
        books->rows = grown;
    }
    if (i == books->count) {
        books->rows[i] = (struct ledger_delta){ .account_id = like->account_id, .currency = like->currency };
        books->count++;
    }
    return &books->rows[i];
}

static bool row_add(struct books *books, const struct ledger_delta *delta, int sign)
{
    struct ledger_delta *row = row_of(books, delta);

    if (strcmp(row->currency, delta->currency) != 0)
        books->why = arena_printf(books->arena, "account %" PRId64 " is posted to in two currencies", row->account_id);
    else if (__builtin_add_overflow(row->own, sign * delta->own, &row->own) ||
             __builtin_add_overflow(row->min, sign * delta->min, &row->min) ||
             __builtin_add_overflow(row->max, sign * delta->max, &row->max))
        books->why = arena_printf(books->arena, "account %" PRId64 " would leave its range", row->account_id);
    return !books->why;
}

static bool act_add(struct books *books, enum ledger_act act, const struct plan *plan, int sign)
{
    struct type_list deltas;
    const struct ledger_delta *rows;
    const char *why = NULL;
    size_t i;

    if (ledger_apply(act, plan->batches, plan->count, 0, books->arena, &deltas, &why)) {
        books->why = arena_printf(books->arena, "the posting plan is impossible: %s", why);
        return false;
    }
    rows = deltas.items;
    for (i = 0; i < deltas.count; i++) {
        if (!row_add(books, &rows[i], sign))
            return false;
    }
    return true;
}

static bool plan_add(struct books *books, enum standing standing, const struct plan *plan, int sign)
{
    if (standing == STANDING_NONE || (standing == STANDING_HELD && books->removed && sign > 0))
        return true;
    return act_add(books, LEDGER_HOLD, plan, sign) &&
           (standing == STANDING_HELD || act_add(books, LEDGER_COMMIT, plan, sign));
}

/* ---- what a state holds ---- */

static enum standing payment_standing(const struct payment_state *payment)
{
    bool registered = payment->payment.registration_origin.tag == ORIGIN_PROVIDER;

    if (payment->cash_flow.count == 0)
        return STANDING_NONE;
    switch (payment->payment.status.tag) {
    case PAYMENT_CAPTURED:
    case PAYMENT_REFUNDED:
    case PAYMENT_CHARGED_BACK: return STANDING_COMMITTED;
    case PAYMENT_FAILED:
    case PAYMENT_CANCELLED: return STANDING_NONE;
    default: break;
    }
    if (payment->new_cash) /* rolled back with the old cost, and not held anew */
        return STANDING_NONE;
    return registered && !payment_session(payment, TARGET_CAPTURED) ? STANDING_NONE : STANDING_HELD;
}

static bool state_add(struct books *books, const struct invoice_state *state, int sign)
{
    const struct payment_state *payments = state->payments.items;
    const struct refund_state *refunds;
    struct plan plan;
    size_t i, j;

    for (i = 0; i < state->payments.count; i++) {
        plan = plan_held(&payments[i], books->arena);
        if (!plan_add(books, payment_standing(&payments[i]), &plan, sign))
            return false;
        refunds = payments[i].refunds.items;
        for (j = 0; j < payments[i].refunds.count; j++) {
            int status = refunds[j].refund.status.tag;

            plan = plan_first(&refunds[j].cash_flow);
            if (!plan_add(books, status == REFUND_PENDING     ? STANDING_HELD
                                 : status == REFUND_SUCCEEDED ? STANDING_COMMITTED
                                                              : STANDING_NONE, &plan, sign))
                return false;
        }
    }
    return true;
}

/* ---- the currencies of accounts ---- */

static void currency_check(void *arg, int64_t id, const char *currency)
{
    struct books *books = arg;
    size_t i;

    for (i = 0; i < books->count && !books->why; i++) {
        const struct ledger_delta *row = &books->rows[i];

        if (row->account_id == id && (row->own || row->min || row->max) && strcmp(row->currency, currency) != 0)
            books->why = arena_printf(books->arena, "account %" PRId64 " is kept in %s, not in %s", id, currency,
                                      row->currency);
    }
}

/* ---- posting ---- */

/* "3001:own -477, 3001:max 20": all that moves, posted to OUT unless that is NULL; *MOVES: how much it is. */
static const char *post(struct books *books, struct step_out *out, size_t *moves)
{
    static const char *const names[] = { "own", "min", "max" };
    const char *text = "";
    size_t i, j;

    *moves = 0;
    for (i = 0; i < books->count; i++) {
        const struct ledger_delta *row = &books->rows[i];
        const int64_t deltas[] = { row->own, row->min, row->max };

        for (j = 0; j < SL_COUNT(deltas); j++) {
            const char *field = arena_printf(books->arena, "%" PRId64 ":%s", row->account_id, names[j]);

            if (!deltas[j])
                continue;
            if (deltas[j] > TALLY_MAX || deltas[j] < -TALLY_MAX || *moves == STEP_TALLIES_MAX)
                books->why = "the changes move too much, or too many accounts";
            else if (out)
                step_tally(out, field, deltas[j], row->currency);
            text = arena_printf(books->arena, "%s%s%s %" PRId64, text, *text ? ", " : "", field, deltas[j]);
            ++*moves;
        }
    }
    return text;
}

void repair_post(const struct step_in *in, const struct invoice_state *after, bool may_move, struct step_out *out)
{
    struct books books = { .arena = in->arena };
    const char *text = "";
    size_t moves = 0;

    books.removed = out->remove;
    if (state_add(&books, after, 1) && state_add(&books, in->state, -1)) {
        if (in->head)
            domain_each_account(in->head, currency_check, &books);
        text = post(&books, NULL, &moves);
    }
    if (books.why)
        refuse_repair(in, out, REPAIR_INVALID_CHANGES, books.why);
    else if (moves && !may_move)
        refuse_repair(in, out, REPAIR_MOVES_BALANCES, text);
    else
        (void)post(&books, out, &moves);
}
