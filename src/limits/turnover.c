/* Limits of one set, sorted into the group of normal and the group of invertable ones; each limit's change is its
 * counter's name, its amount, and its verb. */
#include "limits/turnover.h"

#include <assert.h>
#include <inttypes.h>

#include "base/join.h"
#include "limits/amount.h"
#include "limits/scope.h"
#include "limits/shard.h"

/* Counters stay for 180 days after their period, so that captures, cancels and repairs that come late find them. */
#define GRACE_MS ((int64_t)180 * 86400 * 1000)

#define INVERTED_SUFFIX "/inverted/session-presence"

/* What each group is built from. */
struct turnover_work {
    const struct turnover_task *task;
    const struct turnover_facts *facts;
    struct arena *arena;
    struct turnover_fault *fault;
};

const char *turnover_fault_name(enum turnover_fault_kind kind)
{
    static const char *const names[] = {
        [TURNOVER_INVALID_CURRENCY] = "InvalidOperationCurrency",
        [TURNOVER_CONTEXT_NOT_SUPPORTED] = "OperationContextNotSupported",
        [TURNOVER_PAYMENT_TOOL_NOT_SUPPORTED] = "PaymentToolNotSupported",
        [TURNOVER_INTERNAL] = "internal error",
    };

    assert(kind > 0 && kind < SL_COUNT(names));
    return names[kind];
}

bool turnover_fault_is_misconfiguration(const struct turnover_fault *fault)
{
    return fault->kind != TURNOVER_INTERNAL;
}

static bool is_invertable(const struct limit_config *config)
{
    return config->finalization_behaviour.tag == FINALIZATION_INVERTABLE;
}

/* A failed attempt is what an invertable limit counts: what gives up a session keeps its hold, and the other way
 * round. */
static enum limit_verb verb_of(enum limit_verb verb, bool turned)
{
    switch (verb) {
    case LIMIT_COMMIT: return turned ? LIMIT_ROLLBACK : LIMIT_COMMIT;
    case LIMIT_ROLLBACK: return turned ? LIMIT_COMMIT : LIMIT_ROLLBACK;
    case LIMIT_HOLD:
    case LIMIT_READ:
    case LIMIT_CURRENT: break;
    }
    return verb;
}

static bool use_fault(struct turnover_work *work, const struct turnover_use *use, enum turnover_fault_kind kind,
                      const char *why)
{
    *work->fault = (struct turnover_fault){
        .kind = kind,
        .limit_id = use->limit->ref.id,
        .text = arena_printf(work->arena, "limit %s: %s", use->limit->ref.id, why),
    };
    return false;
}

static bool use_is_sound(struct turnover_work *work, const struct turnover_use *use)
{
    const struct limit_config *config = use->config;

    if (config->context_type.tag != LIMIT_PAYMENTS)
        return use_fault(work, use, TURNOVER_CONTEXT_NOT_SUPPORTED, "it is for withdrawals");
    if (config->processor_type != LIMIT_TURNOVER_PROCESSOR || config->time_range_type.tag != LIMIT_CALENDAR)
        return use_fault(work, use, TURNOVER_INTERNAL, "there is no way to count as its configuration says");
    if (!use->limit->domain_revision)
        return use_fault(work, use, TURNOVER_INTERNAL, "its terms name no revision of its configuration");
    return true;
}

static bool change_of(struct turnover_work *work, const struct turnover_use *use, struct limit_change *out)
{
    struct buf name = BUF_EMPTY;
    struct shard shard;
    bool ok;

    if (!use_is_sound(work, use))
        return false;
    *out = (struct limit_change){
        .limit_id = use->limit->ref.id,
        .verb = verb_of(work->task->verb, is_invertable(use->config) && work->facts->session_present),
    };
    buf_printf(&name, "%s/%" PRId64, use->limit->ref.id, *use->limit->domain_revision);
    ok = scope_prefix(use, work->facts, work->arena, &name, work->fault);
    if (ok && (out->verb == LIMIT_HOLD || out->verb == LIMIT_COMMIT))
        ok = amount_of(use, work->facts, out->verb, work->arena, &out->amount, work->fault);
    if (ok) {
        shard = shard_of(use->config, work->facts->created_at);
        buf_printf(&name, "/%s/%s/%" PRId64, shard.past ? "past" : "future", shard.unit, shard.number);
        out->counter = arena_strdup(work->arena, buf_text(&name));
        out->expires_ms = shard.ends_ms + GRACE_MS;
    }
    buf_clear(&name);
    return ok;
}

/* The request of the limits that are invertable or not; a count of 0: there are none. */
static bool group_of(struct turnover_work *work, const struct turnover_use *uses, size_t use_count, bool invertable,
                     struct limit_request *out)
{
    struct limit_change *changes = arena_array(work->arena, use_count, sizeof(*changes));
    size_t i, count = 0;

    for (i = 0; i < use_count; i++) {
        if (is_invertable(uses[i].config) != invertable)
            continue;
        if (change_of(work, &uses[i], &changes[count]))
            count++;
        else if (!work->task->tolerant)
            return false; /* what cannot be asked for was never held */
    }
    *out = (struct limit_request){
        .operation = work->task->operation, .tolerant = work->task->tolerant, .changes = changes, .count = count,
    };
    if (count > 0 && invertable)
        out->operation = arena_printf(work->arena, "%s" INVERTED_SUFFIX, work->task->operation);
    return true;
}

bool turnover_requests(const struct turnover_task *task, const struct turnover_facts *facts,
                       const struct turnover_use *uses, size_t use_count, struct arena *arena,
                       struct limit_request *out, size_t *count, struct turnover_fault *fault)
{
    struct turnover_work work = { task, facts, arena, fault };
    struct limit_request groups[TURNOVER_REQUESTS_MAX];
    size_t i, found = 0;

    for (i = 0; i < TURNOVER_REQUESTS_MAX; i++) {
        if (!group_of(&work, uses, use_count, i == 1, &groups[i]))
            return false;
    }
    for (i = 0; i < TURNOVER_REQUESTS_MAX; i++) {
        if (groups[i].count > 0)
            out[found++] = groups[i];
    }
    *count = found;
    return true;
}

int64_t turnover_value(const struct turnover_use *uses, size_t use_count, const struct limit_outcome *outcomes,
                       size_t index)
{
    bool invertable = is_invertable(uses[index].config);
    size_t i, place = 0, normal = 0;

    assert(index < use_count);
    for (i = 0; i < use_count; i++) {
        normal += !is_invertable(uses[i].config);
        place += i < index && is_invertable(uses[i].config) == invertable;
    }
    return outcomes[invertable && normal > 0].values[place];
}

/* ---- ids of operations ---- */

/* Behind it stand five parts for a route, four for a shop, three for a refund: no kind's id is another's. */
#define OPERATION "limiter.batch-request."

static const char *number(struct arena *arena, int64_t value)
{
    return arena_printf(arena, "%" PRId64, value);
}

const char *turnover_route_operation(struct arena *arena, int64_t provider_id, int64_t terminal_id,
                                     const char *invoice_id, const char *payment_id, int64_t iter)
{
    return arena_printf(arena, OPERATION "%s", join(arena, '.', number(arena, provider_id), number(arena, terminal_id),
                                                    invoice_id, payment_id, number(arena, iter)));
}

const char *turnover_shop_operation(struct arena *arena, const char *party_id, const char *shop_id,
                                    const char *invoice_id, const char *payment_id)
{
    return arena_printf(arena, OPERATION "%s", join(arena, '.', arena_printf(arena, "domain_PartyConfigRef-%s", party_id),
                                                    arena_printf(arena, "domain_ShopConfigRef-%s", shop_id), invoice_id,
                                                    payment_id));
}

const char *turnover_refund_operation(struct arena *arena, const char *invoice_id, const char *payment_id,
                                      const char *refund_id)
{
    return arena_printf(arena, OPERATION "%s", join(arena, '.', invoice_id, payment_id,
                                                    arena_printf(arena, "refund_session-%s", refund_id)));
}
