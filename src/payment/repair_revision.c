/* A parked payment, or refund, is taken on under the newest configuration, since its own cannot be corrected.
 *
 * What it holds was held as its own revision said, and has to be ended so. So the newest must know its shop and its
 * route, and count it as before. Then the step that failed is run on a copy: if it fails under the newest revision, too,
 * nothing is done. Ref: doc/spec/repair.md 9.                                                        */
#include <inttypes.h>
#include <string.h>

#include "payment/flow.h"
#include "payment/limits.h"
#include "payment/repair.h"
#include "payment/steps.h"

/* Whether the configuration DOMAIN can count the payment on its route, and how. False: then it has held nothing there. */
static bool counters_of(const struct step_ctx *ctx, const struct domain *domain, struct limits_ask *ask)
{
    const struct limits_route_task task = { .verb = LIMIT_HOLD, .iter = payment_iter(ctx->payment) };
    struct step_in *in = arena_memdup(ctx->in->arena, ctx->in, sizeof(*in));
    struct step_out *out = arena_alloc(ctx->in->arena, sizeof(*out));
    struct step_ctx other = *ctx;

    in->config = domain;
    other.in = in;
    other.out = out;
    return limits_ask_route(&other, payment_route(ctx->payment), &task, ask, NULL, NULL);
}

static bool is_same_change(const struct limit_change *a, const struct limit_change *b)
{
    return strcmp(a->counter, b->counter) == 0 && a->amount == b->amount;
}

static bool is_counted_alike(const struct limits_ask *a, const struct limits_ask *b)
{
    size_t i, j;

    if (a->count != b->count)
        return false;
    for (i = 0; i < a->count; i++) {
        const struct limit_request *x = &a->requests[i], *y = &b->requests[i];

        if (x->count != y->count || strcmp(x->operation, y->operation) != 0)
            return false;
        for (j = 0; j < x->count; j++) {
            if (!is_same_change(&x->changes[j], &y->changes[j]))
                return false;
        }
    }
    return true;
}

/* NULL: nothing speaks against it. */
static const char *route_fault(const struct step_ctx *ctx, const struct domain *head)
{
    const struct route *route = payment_route(ctx->payment);
    struct limits_ask before = { 0 }, after = { 0 };

    if (!route || ctx->payment->activity == ACT_ROUTING)
        return NULL; /* no route is held that the next step would not find again */
    if (!domain_provider(head, route->provider.id) || !domain_terminal(head, route->terminal.id))
        return "it has no such route";
    if (!counters_of(ctx, ctx->in->config, &before))
        return NULL;
    if (!counters_of(ctx, head, &after) || !is_counted_alike(&before, &after))
        return "it counts the payment otherwise on its route, where limits may be held already";
    return NULL;
}

static const char *revision_fault(const struct step_ctx *ctx, int64_t wanted, int64_t current)
{
    const struct payment *payment = &ctx->payment->payment;
    const struct domain *head = ctx->in->head;
    const struct shop *shop;

    if (!head || domain_revision(head) != wanted)
        return arena_printf(ctx->in->arena, "only the newest can be taken, which is %" PRId64, head ? domain_revision(head) : 0);
    if (current == wanted)
        return "it is worked by it already";
    shop = domain_shop(head, payment->party_ref.id, payment->shop_ref.id);
    if (!shop)
        return "it has no such shop";
    if (strcmp(shop->account.currency.symbolic_code, payment->cost.currency.symbolic_code) != 0)
        return "the shop's account is in another currency";
    return route_fault(ctx, head);
}

/* What the failed step would do once the change is there; NULL: it would not fail. */
static const char *trial_fault(const struct step_ctx *ctx)
{
    struct step_in *in = arena_memdup(ctx->in->arena, ctx->in, sizeof(*in));
    struct step_out *out = arena_alloc(ctx->in->arena, sizeof(*out));
    struct invoice_state *state = arena_alloc(ctx->in->arena, sizeof(*state));
    const char *why;

    type_copy(&type_invoice_state, state, ctx->invoice, ctx->in->arena);
    why = invoice_fold(state, ctx->out->changes[0], ctx->in->now_us, true, ctx->in->arena);
    if (why)
        return why;
    in->input = IN_TIMEOUT;
    in->call = in->args = NULL;
    in->effect = NULL;
    in->config = in->head;
    in->state = state;
    payment_step(in, out);
    return out->end == STEP_FAIL ? out->reason : NULL;
}

void repair_change_revision(struct step_ctx *ctx, const struct repair_scenario *scenario)
{
    const struct refund_state *refund = ctx->refund && refund_stage(ctx->refund) != REFUND_SESSION ? ctx->refund : NULL;
    struct revision_changed changed = { .domain_revision = scenario->change_revision.domain_revision };
    int64_t current = refund ? refund->refund.domain_revision : ctx->payment->payment.domain_revision;
    const char *why = revision_fault(ctx, changed.domain_revision, current);

    if (!why) {
        emit_change(ctx, &(struct payment_change){
            .tag = PCHG_REVISION_CHANGED, .revision_changed = arena_memdup(ctx->in->arena, &changed, sizeof(changed)),
        });
        why = trial_fault(ctx);
    }
    if (why)
        step_fail(ctx->in, ctx->out, "configuration revision %" PRId64 ": %s", changed.domain_revision, why);
    else
        step_continue(ctx->in, ctx->out);
}
