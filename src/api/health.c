/* /healthz, /readyz */
#include <string.h>

#include "api/request.h"
#include "redis/guard.h"

void health_live(struct api_request *request)
{
    struct buf json = BUF_EMPTY;

    buf_str(&json, "{\"status\":\"alive\"}");
    answer_json(request, 200, &json);
}

void health_ready(struct api_request *request)
{
    const struct api_setup *setup = api_setup(request);
    bool domain = domain_store_ops.head(setup->domains) != NULL, usable;
    struct buf json = BUF_EMPTY;
    struct guard_view view;

    guard_view(setup->guard, &view);
    usable = view.state == GUARD_USABLE;
    buf_printf(&json, "{\"status\":\"%s\",\"redis\":%s,\"configuration\":%s,\"durability\":\"%s\",\"access\":\"%s\"",
               usable && domain ? "ready" : "not ready", usable ? "true" : "false", domain ? "true" : "false",
               view.durable ? "strict" : "relaxed",
               setup->auth ? "tokens" : "INSECURE: everybody may do everything");
    if (!usable) {
        buf_printf(&json, ",\"reason\":\"%s\",\"detail\":", guard_state_name(view.state));
        buf_json_str(&json, view.reason, strlen(view.reason));
    }
    buf_char(&json, '}');
    answer_text(request, usable && domain ? 200 : 503, "application/json", &json);
}
