#include "money/ledger.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/join.h"

/* One account of a plan: its net before and after. */
struct row {
    int64_t account_id;
    const char *currency;
    int64_t before, after;
};

struct rows {
    struct row list[LEDGER_ACCOUNTS_MAX];
    size_t count;
};

static enum sl_err refuse(const char **why, const char *text)
{
    *why = text;
    return SL_EINVAL;
}

static enum sl_err row_add(struct rows *rows, const struct final_account *account, const struct cash *volume, int sign,
                           bool held, const char **why)
{
    int64_t delta = sign * volume->amount;
    struct row *row;
    size_t i;

    for (i = 0; i < rows->count && rows->list[i].account_id != account->account_id; i++)
        ;
    if (i == LEDGER_ACCOUNTS_MAX)
        return refuse(why, "a plan touches too many accounts");
    row = &rows->list[i];
    if (i == rows->count) {
        rows->count++;
        *row = (struct row){ account->account_id, volume->currency.symbolic_code, 0, 0 };
    }
    if (strcmp(row->currency, volume->currency.symbolic_code) != 0)
        return refuse(why, "an account is posted to in two currencies");
    if (__builtin_add_overflow(row->after, delta, &row->after) || row->after == INT64_MIN ||
        (held && __builtin_add_overflow(row->before, delta, &row->before)))
        return refuse(why, "a plan's net is out of range"); /* the lowest number has no negative */
    return SL_OK;
}

static enum sl_err batch_add(struct rows *rows, const struct type_list *batch, bool held, const char **why)
{
    enum sl_err err = SL_OK;
    size_t i;

    if (batch->count == 0)
        return refuse(why, "a posting batch has no postings inside");
    for (i = 0; i < batch->count && !err; i++) {
        const struct posting *posting = (const struct posting *)batch->items + i;

        if (posting->source.account_id == posting->destination.account_id)
            return refuse(why, "source and target accounts cannot be the same");
        if (posting->volume.amount < 0)
            return refuse(why, "amount cannot be negative");
        err = row_add(rows, &posting->source, &posting->volume, -1, held, why);
        if (!err)
            err = row_add(rows, &posting->destination, &posting->volume, 1, held, why);
    }
    return err;
}

static int64_t lower(int64_t net)
{
    return net < 0 ? net : 0;
}

static int64_t upper(int64_t net)
{
    return net > 0 ? net : 0;
}

static struct ledger_delta row_delta(enum ledger_act act, const struct row *row)
{
    struct ledger_delta delta = { .account_id = row->account_id, .currency = row->currency };
    int64_t net = row->after;

    switch (act) {
    case LEDGER_HOLD:
        delta.min = lower(net) - lower(row->before);
        delta.max = upper(net) - upper(row->before);
        break;
    case LEDGER_COMMIT:
        delta.own = net;
        delta.min = net - lower(net);
        delta.max = net - upper(net);
        break;
    case LEDGER_ROLLBACK:
        delta.min = -lower(net);
        delta.max = -upper(net);
        break;
    }
    return delta;
}

enum sl_err ledger_apply(enum ledger_act act, const struct type_list *batches, size_t batch_count, size_t held_count,
                         struct arena *arena, struct type_list *out, const char **why)
{
    struct rows *rows = arena_alloc(arena, sizeof(*rows));
    struct ledger_delta *deltas;
    enum sl_err err = SL_OK;
    size_t i, count = 0;

    assert(act != LEDGER_HOLD || held_count <= batch_count);
    if (batch_count == 0)
        return refuse(why, "a plan has no batches inside");
    for (i = 0; i < batch_count && !err; i++)
        err = batch_add(rows, &batches[i], i < held_count, why);
    if (err)
        return err;
    deltas = arena_array(arena, rows->count, sizeof(*deltas));
    for (i = 0; i < rows->count; i++) {
        deltas[count] = row_delta(act, &rows->list[i]);
        count += deltas[count].own || deltas[count].min || deltas[count].max;
    }
    *out = (struct type_list){ deltas, count };
    return SL_OK;
}

/* ---- names ---- */

const char *plan_id_payment(struct arena *arena, const char *invoice_id, const char *payment_id, int64_t iter)
{
    return join(arena, '.', invoice_id, payment_id, arena_printf(arena, "%" PRId64, iter));
}

const char *plan_id_refund(struct arena *arena, const char *invoice_id, const char *payment_id, const char *refund_id)
{
    return join(arena, '.', invoice_id, payment_id, arena_printf(arena, "refund_session-%s", refund_id));
}

const char *plan_id_adjustment(struct arena *arena, const char *invoice_id, const char *payment_id,
                               const char *adjustment_id)
{
    return join(arena, '.', invoice_id, payment_id, arena_printf(arena, "adj-%s", adjustment_id));
}

const char *plan_id_chargeback(struct arena *arena, const char *invoice_id, const char *payment_id,
                               const char *chargeback_id, const char *stage)
{
    return join(arena, '.', invoice_id, payment_id, arena_printf(arena, "chargeback-%s", chargeback_id), stage);
}
