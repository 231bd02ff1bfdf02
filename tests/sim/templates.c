/* Invoice templates: merchants make them, change them and delete them, while others make invoices from them. What an
 * invoice's product says is which version of its template it was made from: every version has a text of its own. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xmalloc.h"
#include "payment/template.h"
#include "sim/traffic.h"

static void pattern_act(void *arg);

/* ---- what is in them ---- */

static struct time_span lifetime_drawn(struct pattern *pattern, struct arena *arena)
{
    int64_t seconds = rng_between(&pattern->rng, 20, 200);

    return (struct time_span){ .seconds = arena_memdup(arena, &seconds, sizeof(seconds)) };
}

static struct template_details details_drawn(struct pattern *pattern, struct arena *arena)
{
    const struct shop_row *shop = &shops[pattern->shop];
    int64_t amount = rng_between(&pattern->rng, shop->low, shop->high);
    struct template_details details = { .tag = DETAILS_PRODUCT };
    struct template_price *price = &details.product.price;

    if (rng_below(&pattern->rng, 4) == 0)
        return (struct template_details){ .tag = DETAILS_CART, .cart = *cart_of(amount, 2, arena) };
    details.product.product = "a duck";
    details.product.metadata = no_items(arena);
    price->tag = (int)rng_between(&pattern->rng, PRICE_FIXED, PRICE_UNLIM);
    price->fixed = (struct cash){ amount, { "RUB" } };
    price->range = (struct cash_range){
        { .tag = BOUND_INCLUSIVE, .inclusive = { shop->low, { "RUB" } } },
        { .tag = BOUND_INCLUSIVE, .inclusive = { shop->high, { "RUB" } } },
    };
    return details;
}

/* ---- what is asked of them ---- */

static void pattern_soon(struct pattern *pattern)
{
    pattern->sim->traffic->calls++;
    clock_after(pattern->sim, rng_between(&pattern->rng, 200000, 12000000), 0, pattern_act, pattern);
}

static void acted(struct want *want, int verdict)
{
    struct pattern *pattern = want->callback_arg;

    (void)verdict;
    want->sim->traffic->calls--;
    if (!pattern->over)
        pattern_soon(pattern);
}

static struct want *pattern_want(struct pattern *pattern, enum deed deed)
{
    struct want *want = want_blank(pattern->sim, &template_kind, pattern->id, deed);

    snprintf(want->what, sizeof(want->what), "mark-%" PRIu64 ";", ++pattern->sim->traffic->markers);
    want->then = acted;
    want->callback_arg = pattern;
    pattern->sim->traffic->calls++;
    return want;
}

static void pattern_create(struct pattern *pattern)
{
    struct want *want = pattern_want(pattern, DEED_TEMPLATE_CREATE);
    static const struct content empty_context = { "text/plain", "" };
    struct template_params *params = arena_alloc(want->arena, sizeof(*params));

    *params = (struct template_params){
        .template_id = pattern->id, .party_id = shops[pattern->shop].party, .shop_id = shops[pattern->shop].shop,
        .invoice_lifetime = lifetime_drawn(pattern, want->arena), .product = want->what,
        .details = details_drawn(pattern, want->arena), .context = &empty_context,
    };
    want->how = WANT_START;
    want->args = params;
    want->again = true;
    if (rng_below(&pattern->rng, 2))
        want->key = "k1";
    want_needle(want, "\"product\":\"%s\"");
    want_try(want);
}

static void pattern_update(struct pattern *pattern)
{
    struct want *want = pattern_want(pattern, DEED_TEMPLATE_UPDATE);
    struct template_call *call = arena_alloc(want->arena, sizeof(*call));
    struct time_span *lifetime = arena_alloc(want->arena, sizeof(*lifetime));

    call->kind = TEMPLATE_UPDATE;
    call->update.product = want->what;
    if (rng_below(&pattern->rng, 2))
        call->update.details = details_drawn(pattern, want->arena);
    *lifetime = lifetime_drawn(pattern, want->arena);
    if (rng_below(&pattern->rng, 2))
        call->update.invoice_lifetime = lifetime;
    want->args = call;
    want_needle(want, "\"product\":\"%s\"");
    want_try(want);
}

static void pattern_delete(struct pattern *pattern)
{
    struct want *want = pattern_want(pattern, DEED_TEMPLATE_DELETE);
    struct template_call *call = arena_alloc(want->arena, sizeof(*call));

    call->kind = TEMPLATE_DELETE;
    want->what[0] = '\0'; /* it leaves no text behind */
    want->args = call;
    want_needle(want, "\"invoice_template_deleted\"%s");
    want_try(want);
}

static void looked(void *arg, const struct runtime_result *result)
{
    struct pattern *pattern = arg;
    const struct template_state *state = result->state;
    struct sim *sim = pattern->sim;
    struct arena *arena = arena_new();
    struct term_set terms;

    deed_count(sim, DEED_TEMPLATE_GET, result->err ? VERDICT_NOT_DONE : VERDICT_DONE);
    if (!result->err)
        deed_count(sim, DEED_TEMPLATE_TERMS,
                   template_terms(&state->invoice_template, sim->revisions[sim->revision_count - 1], arena, &terms)
                       ? VERDICT_DONE
                       : VERDICT_REFUSED);
    arena_free(arena);
    sim->traffic->calls--;
}

static void pattern_look(struct pattern *pattern)
{
    struct daemon *daemon = daemon_any(pattern->sim);

    if (!daemon)
        return;
    pattern->sim->traffic->calls++;
    runtime_read(daemon->runtime, &template_kind, pattern->id, 0, looked, pattern);
}

static void pattern_act(void *arg)
{
    struct pattern *pattern = arg;

    pattern->sim->traffic->calls--;
    pattern_look(pattern);
    if (pattern->acts++ == 0) {
        pattern_create(pattern);
    } else if (pattern->acts < pattern->acts_wanted) {
        pattern_update(pattern);
    } else {
        pattern->over = true;
        if (rng_below(&pattern->rng, 3) == 0)
            pattern_update(pattern); /* at once with its end: one of them comes first */
        if (rng_below(&pattern->rng, 3))
            pattern_delete(pattern);
    }
}

/* ---- invoices from them ---- */

/* A reader that never looks again, when that is what is broken. */
static const struct invoice_template *as_read(struct pattern *pattern, const struct invoice_template *read)
{
    struct traffic *traffic = pattern->sim->traffic;

    if (pattern->sim->options.broken != BREAK_STALE_TEMPLATE)
        return read;
    if (!pattern->first) {
        pattern->first = arena_alloc(traffic->arena, sizeof(*pattern->first));
        type_copy(&type_invoice_template, pattern->first, read, traffic->arena);
    }
    return pattern->first;
}

static const void *with_template(struct want *want, const struct runtime_result *result, int *verdict)
{
    struct shopper *shopper = want->shopper;
    const struct template_state *state = result->state;
    struct invoice_template *template = arena_alloc(want->arena, sizeof(*template));
    struct template_use *use = arena_alloc(want->arena, sizeof(*use));
    struct invoice_params *params = arena_alloc(want->arena, sizeof(*params));
    const struct template_price *price = &template->details.product.price;
    struct cash *cost = arena_alloc(want->arena, sizeof(*cost));

    *verdict = VERDICT_REFUSED;
    if (result->err || (state->deleted && !want->key)) /* with a key it may have been made before */
        return NULL;
    type_copy(&type_invoice_template, template, as_read(shopper->pattern, &state->invoice_template), want->arena);
    *cost = (struct cash){ shopper->amount, { "RUB" } };
    *use = (struct template_use){ .id = shopper->id, .template = template, .removed = state->deleted };
    if (template->details.tag == DETAILS_PRODUCT && price->tag != PRICE_FIXED)
        use->cost = cost;
    *params = (struct invoice_params){ .id = shopper->id, .from = use };
    return params;
}

struct want *template_want(struct shopper *shopper)
{
    struct traffic *traffic = shopper->sim->traffic;
    struct want *want;

    if (traffic->pattern_count == 0)
        return NULL;
    shopper->pattern = traffic->patterns[rng_below(&shopper->rng, traffic->pattern_count)];
    shopper->asked_us = shopper->sim->now_us;
    shopper->shop = shopper->pattern->shop;
    want = want_new(shopper, DEED_TEMPLATE_INVOICE);
    want->how = WANT_START;
    want->again = true;
    want->first_kind = &template_kind;
    want->first_id = shopper->pattern->id;
    want->prepare = with_template;
    want_needle(want, "\"invoice_created\"%s");
    if (rng_below(&shopper->rng, 2))
        want_key(want);
    return want;
}

/* ---- all of them ---- */

void pattern_arrives(void *arg)
{
    struct sim *sim = arg;
    struct traffic *traffic = sim->traffic;
    struct pattern *pattern;

    if (traffic->all_born || traffic->pattern_count == PATTERNS_MAX)
        return;
    pattern = xcalloc(1, sizeof(*pattern));
    pattern->sim = sim;
    snprintf(pattern->id, sizeof(pattern->id), "t%zu", traffic->pattern_count + 1);
    pattern->rng.state = mix(sim->shop_rng.state, 1000000 + traffic->pattern_count);
    pattern->shop = (int)rng_below(&pattern->rng, shop_count);
    pattern->acts_wanted = (int)rng_between(&pattern->rng, 2, 8);
    traffic->patterns[traffic->pattern_count++] = pattern;
    traffic->calls++;
    pattern_act(pattern);
    clock_after(sim, rng_between(&sim->choices, 500000, 5000000), 0, pattern_arrives, sim);
}

void patterns_free(struct traffic *traffic)
{
    while (traffic->pattern_count > 0)
        free(traffic->patterns[--traffic->pattern_count]);
}
