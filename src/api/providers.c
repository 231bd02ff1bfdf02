/* /v1/providers/health: what the fault detector makes of the providers. Ref: doc/spec/routing.md 7.2. */
#include <inttypes.h>
#include <string.h>

#include "api/request.h"
#include "domain/domain.h"

static const char *const states[HEALTH_KINDS][2] = {
    [HEALTH_AVAILABILITY] = { "alive", "dead" },
    [HEALTH_CONVERSION] = { "normal", "lacking" },
    [HEALTH_SLOWNESS] = { "normal", "slow" },
};

static void provider_write(const struct domain *domain, const struct health_view *view,
                           const struct health_rates *rates, struct buf *out)
{
    const struct provider *provider = domain ? domain_provider(domain, rates->provider_id) : NULL;
    size_t kind;

    buf_printf(out, "{\"provider_id\":%" PRId64, rates->provider_id);
    if (provider) {
        buf_str(out, ",\"name\":");
        buf_json_str(out, provider->name, strlen(provider->name));
    }
    for (kind = 0; kind < HEALTH_KINDS; kind++) {
        struct health_status status = health_status(view, rates->provider_id, (enum health_kind)kind);

        if (rates->known[kind])
            buf_printf(out, ",\"%s\":{\"status\":\"%s\",\"failure_rate\":%.6f}",
                       health_kind_name((enum health_kind)kind), states[kind][status.critical], status.rate);
    }
    buf_char(out, '}');
}

void providers_health(struct api_request *request)
{
    const struct api_setup *setup = api_setup(request);
    const struct health_view *view = health_watch_view(setup->health);
    const struct domain *domain = domain_store_ops.head(setup->domains);
    struct buf json = BUF_EMPTY;
    size_t i;

    buf_printf(&json, "{\"enabled\":%s,\"providers\":[", view ? "true" : "false");
    for (i = 0; view && i < view->count; i++) {
        if (i)
            buf_char(&json, ',');
        provider_write(domain, view, &view->providers[i], &json);
    }
    buf_str(&json, "]}");
    answer_json(request, 200, &json);
}
