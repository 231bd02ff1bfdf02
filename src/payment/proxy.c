/* See proxy.h. Addresses, options, categories and currencies are those of the newest configuration, or of the
 * payment's own revision where it has them no more; shops and payment services are always those of its own revision
 * (doc/spec/payment.md 16). */
#include "payment/proxy.h"

#include <inttypes.h>
#include <string.h>

#include "base/join.h"
#include "payment/payer.h"

/* What is looked up while a payment_info is built. */
struct builder {
    const struct domain *config, *head;
    struct arena *arena;
    const char **why;
};

/* ---- configuration objects as adapters see them ---- */

static enum sl_err build_cash(const struct builder *builder, const struct cash *cash, struct proxy_cash *out)
{
    const struct currency *currency = domain_currency(builder->head, cash->currency.symbolic_code);

    if (!currency)
        currency = domain_currency(builder->config, cash->currency.symbolic_code);
    if (!currency) {
        *builder->why = arena_printf(builder->arena, "currency %s is not in the configuration",
                                     cash->currency.symbolic_code);
        return SL_ENOENT;
    }
    out->amount = cash->amount;
    out->currency = (struct proxy_currency){
        currency->name, currency->symbolic_code, currency->numeric_code, currency->exponent,
    };
    return SL_OK;
}

static enum sl_err build_category(const struct builder *builder, int64_t id, struct proxy_category *out)
{
    const struct category *category = domain_category(builder->head, id);

    if (!category)
        category = domain_category(builder->config, id);
    if (!category) {
        *builder->why = arena_printf(builder->arena, "category %" PRId64 " is not in the configuration", id);
        return SL_ENOENT;
    }
    out->name = category->name;
    out->description = category->description ? category->description : ""; /* adapters always get one */
    out->type = category->type == CATEGORY_LIVE ? "live" : "test";
    return SL_OK;
}

static enum sl_err build_shop(const struct builder *builder, const struct payment *payment, struct proxy_shop *out)
{
    const struct shop *shop = domain_shop(builder->config, payment->party_ref.id, payment->shop_ref.id);

    if (!shop) {
        *builder->why = arena_printf(builder->arena, "shop %s is not in the configuration", payment->shop_ref.id);
        return SL_ENOENT;
    }
    out->id = shop->id;
    out->name = shop->name;
    out->description = shop->description;
    out->location.url = shop->location.url;
    return build_category(builder, shop->category.id, &out->category);
}

static enum sl_err build_invoice(const struct builder *builder, const char *id, const struct invoice *invoice,
                                 struct proxy_invoice *out)
{
    out->id = id;
    out->created_at = invoice->created_at;
    out->due = invoice->due;
    out->details = &invoice->details;
    return build_cash(builder, &invoice->cost, &out->cost);
}

static const struct proxy_payment_service *build_service(const struct builder *builder,
                                                         const struct payment_tool *tool)
{
    const struct id_ref *ref = NULL;
    const struct payment_service *service;
    struct proxy_payment_service *out;

    if (tool->tag == TOOL_PAYMENT_TERMINAL)
        ref = tool->payment_terminal->payment_service;
    else if (tool->tag == TOOL_DIGITAL_WALLET)
        ref = tool->digital_wallet->payment_service;
    service = ref ? domain_payment_service(builder->config, ref->id) : NULL;
    if (!service)
        return NULL;
    out = arena_alloc(builder->arena, sizeof(*out));
    *out = (struct proxy_payment_service){
        service->name, service->description, service->category, service->brand_name,
    };
    return out;
}

/* False: there is no token for the route, with the builder's WHY. */
static bool build_resource(const struct builder *builder, const struct payment_state *state, struct proxy_resource *out)
{
    const struct payer *payer = &state->payment.payer;
    struct proxy_recurrent_resource *recurrent;

    if (payer->tag == PAYER_PAYMENT_RESOURCE) {
        out->tag = PROXY_RESOURCE_DISPOSABLE;
        out->disposable_payment_resource = &payer->payment_resource->resource;
        return true;
    }
    recurrent = arena_alloc(builder->arena, sizeof(*recurrent));
    recurrent->payment_tool = &payer->recurrent->payment_tool;
    recurrent->rec_token = payer_token(state);
    out->tag = PROXY_RESOURCE_RECURRENT;
    out->recurrent_payment_resource = recurrent;
    if (!recurrent->rec_token)
        *builder->why = "there is no recurrent token for the payment's route";
    return recurrent->rec_token != NULL;
}

static enum sl_err build_payment(const struct builder *builder, const struct payment_state *state,
                                 struct proxy_payment *out)
{
    const struct payment *payment = &state->payment;

    if (!build_resource(builder, state, &out->payment_resource))
        return SL_ENOENT;
    out->id = payment->id;
    out->created_at = payment->created_at;
    out->trx = state->trx;
    out->payment_service = build_service(builder, payer_tool(&payment->payer));
    out->payer_session_info = payment->payer_session_info;
    out->contact_info = payer_contact(&payment->payer);
    out->make_recurrent = payment->make_recurrent;
    out->skip_recurrent = payment->skip_recurrent;
    out->processing_deadline = payment->processing_deadline;
    return build_cash(builder, &payment->cost, &out->cost);
}

enum sl_err payment_info_build(const char *id, const struct invoice_state *invoice, const struct payment_state *payment,
                               const struct target *target, const struct domain *config, const struct domain *head,
                               struct arena *arena, struct payment_info *out, const char **why)
{
    struct builder builder = { config, head, arena, why };
    struct proxy_capture *capture;
    enum sl_err err;

    memset(out, 0, sizeof(*out));
    err = build_shop(&builder, &payment->payment, &out->shop);
    if (!err)
        err = build_invoice(&builder, id, &invoice->invoice, &out->invoice);
    if (!err)
        err = build_payment(&builder, payment, &out->payment);
    if (err || !target || target->tag != TARGET_CAPTURED)
        return err;
    capture = arena_alloc(arena, sizeof(*capture));
    out->capture = capture;
    return build_cash(&builder, target->captured.cost ? target->captured.cost : payment_state_cost(payment),
                      &capture->cost);
}

/* The refund that the call is about, with the transaction of its session alone (doc/spec/refunds.md 6). */
static enum sl_err build_refund(const struct builder *builder, const struct refund *refund,
                                const struct session *session, struct payment_info *out)
{
    struct proxy_refund *part = arena_alloc(builder->arena, sizeof(*part));

    part->id = refund->id;
    part->created_at = refund->created_at;
    part->trx = session->trx;
    out->refund = part;
    return build_cash(builder, &refund->cash, &part->cash);
}

enum sl_err payment_info_of(const char *id, const struct invoice_state *invoice, const struct payment_state *payment,
                            const struct domain *config, const struct domain *head, struct arena *arena,
                            struct payment_info *out, const char **why)
{
    bool finalizing = payment->activity == ACT_FINALIZING_SESSION || payment->activity == ACT_FINALIZING_ACCOUNTER;

    return payment_info_build(id, invoice, payment, finalizing ? &payment->target : NULL, config, head, arena, out, why);
}

/* The one of SESSIONS (of struct session) that had TAG, or NULL. */
static const struct session *sessions_find_tag(const struct type_list *sessions, const char *tag)
{
    const struct session *list = sessions->items;
    size_t i, j;

    for (i = 0; i < sessions->count; i++) {
        const char *const *tags = list[i].tags.items;

        for (j = 0; j < list[i].tags.count; j++) {
            if (strcmp(tags[j], tag) == 0)
                return &list[i];
        }
    }
    return NULL;
}

static const struct session *payment_find_tag(const struct payment_state *payment, const char *tag)
{
    const struct session *session = sessions_find_tag(&payment->sessions, tag);
    const struct refund_state *refunds = payment->refunds.items;
    size_t i;

    for (i = 0; !session && i < payment->refunds.count; i++)
        session = sessions_find_tag(&refunds[i].sessions, tag);
    return session;
}

const struct payment_state *payment_of_tag(const struct invoice_state *invoice, const char *tag)
{
    const struct payment_state *payments = invoice->payments.items;
    size_t i;

    for (i = 0; i < invoice->payments.count; i++) {
        if (payment_find_tag(&payments[i], tag))
            return &payments[i];
    }
    return NULL;
}

const struct session *session_of_tag(const struct invoice_state *invoice, const char *tag)
{
    const struct payment_state *payment = payment_of_tag(invoice, tag);

    return payment ? payment_find_tag(payment, tag) : NULL;
}

bool session_is_at(const struct session *session, const struct type_list *providers)
{
    const int64_t *ids = providers ? providers->items : NULL;
    size_t i;

    for (i = 0; providers && i < providers->count && ids[i] != session->route.provider.id; i++)
        ;
    return !providers || i < providers->count;
}

/* ---- options ---- */

struct type_list options_merge(const struct type_list *base, const struct type_list *over, const struct type_list *top,
                               struct arena *arena)
{
    const struct type_list *layers[] = { base, over, top };
    size_t i, j, k, count = 0, max = base->count + over->count + (top ? top->count : 0);
    struct type_string_entry *entries = arena_array(arena, max, sizeof(*entries));

    for (i = 0; i < SL_COUNT(layers); i++) {
        const struct type_string_entry *layer = layers[i] ? layers[i]->items : NULL;

        for (j = 0; layer && j < layers[i]->count; j++) {
            for (k = 0; k < count && strcmp(entries[k].key, layer[j].key) != 0; k++)
                ;
            entries[k] = layer[j];
            count += k == count;
        }
    }
    return (struct type_list){ entries, count };
}

/* ---- calls ---- */

/* The configuration that tells how ROUTE is reached: the newest, unless it has lost a part of the way. */
static const struct domain *route_domain(const struct step_ctx *ctx, const struct route *route)
{
    const struct domain *head = ctx->in->head;
    const struct provider *provider = domain_provider(head, route->provider.id);

    return provider && domain_terminal(head, route->terminal.id) ? head : ctx->in->config;
}

struct effect_args *proxy_call(struct step_ctx *ctx, const struct session *session)
{
    const struct domain *domain = route_domain(ctx, &session->route);
    const struct provider *provider = domain_provider(domain, session->route.provider.id);
    const struct proxy_definition *proxy = provider ? domain_proxy(domain, provider->proxy.ref.id) : NULL;
    struct effect_args *args = arena_alloc(ctx->in->arena, sizeof(*args));

    if (!proxy) {
        step_fail(ctx->in, ctx->out, "provider %" PRId64 " has no proxy", session->route.provider.id);
        return NULL;
    }
    args->url = proxy->url;
    args->provider_id = session->route.provider.id;
    return args;
}

/* The invoice's id stands as it is: calls that were begun by earlier versions must go on under their key. Everything behind
 * it has no dot and a known number of parts, so two keys still never are the same. */
const char *proxy_key_prefix(const struct step_ctx *ctx)
{
    const char *own = ctx->refund ? join(ctx->in->arena, '.', ctx->payment->payment.id, ctx->refund->refund.id)
                                  : join(ctx->in->arena, '.', ctx->payment->payment.id);

    return arena_printf(ctx->in->arena, "%s.%s", ctx->in->id, own);
}

bool proxy_request(struct step_ctx *ctx, const struct session *session, struct proxy_request *out)
{
    const struct domain *head = ctx->in->head, *domain = route_domain(ctx, &session->route);
    const struct provider *provider = domain_provider(domain, session->route.provider.id);
    const struct terminal *terminal = domain_terminal(domain, session->route.terminal.id);
    const struct proxy_definition *proxy = provider ? domain_proxy(domain, provider->proxy.ref.id) : NULL;
    const char *why = NULL;
    const struct builder builder = { ctx->in->config, head, ctx->in->arena, &why };

    if (!proxy || !terminal) {
        step_fail(ctx->in, ctx->out, "terminal %" PRId64 " or its provider's proxy is not in the configuration",
                  session->route.terminal.id);
        return false;
    }
    if (payment_info_build(ctx->in->id, ctx->invoice, ctx->payment, &session->target, ctx->in->config, head, ctx->in->arena,
                           &out->payment_info, &why) ||
        (ctx->refund && build_refund(&builder, &ctx->refund->refund, session, &out->payment_info))) {
        step_fail(ctx->in, ctx->out, "provider: %s", why);
        return false;
    }
    out->session.target = &session->target;
    out->session.state = session->proxy_state;
    out->options = options_merge(&proxy->options, &provider->proxy.additional, &terminal->options, ctx->in->arena);
    return true;
}

enum sl_err inspect_request_build(const struct step_ctx *ctx, const struct shop *shop, struct inspect_request *out,
                                  const char **why)
{
    const struct payment *payment = &ctx->payment->payment;
    const struct invoice *invoice = &ctx->invoice->invoice;
    struct builder builder = { ctx->in->config, ctx->in->config, ctx->in->arena, why };

    out->payment.party.party_ref = payment->party_ref.id;
    out->payment.shop = (struct inspect_shop){
        .shop_ref = shop->id, .name = shop->name, .description = shop->description, .location = { shop->location.url },
    };
    out->payment.invoice = (struct inspect_invoice){
        .id = ctx->in->id, .created_at = invoice->created_at, .due = invoice->due, .details = &invoice->details,
        .client_info = invoice->client_info,
    };
    out->payment.payment = (struct inspect_payment){
        .id = payment->id, .created_at = payment->created_at, .payer = &payment->payer, .cost = &payment->cost,
        .make_recurrent = payment->make_recurrent,
    };
    return build_category(&builder, shop->category.id, &out->payment.shop.category);
}
