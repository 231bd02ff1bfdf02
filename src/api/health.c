/* /healthz, /readyz */
#include "api/request.h"

void health_live(struct api_request *request)
{
    struct buf json = BUF_EMPTY;

    buf_str(&json, "{\"status\":\"alive\"}");
    answer_json(request, 200, &json);
}

void health_ready(struct api_request *request)
{
    const struct api_setup *setup = api_setup(request);
    bool redis = client_is_up(setup->client), domain = domain_store_ops.head(setup->domains) != NULL;
    struct buf json = BUF_EMPTY;

    buf_printf(&json, "{\"status\":\"%s\",\"redis\":%s,\"configuration\":%s,\"durability\":\"%s\",\"access\":\"%s\"}",
               redis && domain ? "ready" : "not ready", redis ? "true" : "false", domain ? "true" : "false",
               setup->durable ? "strict" : "relaxed",
               setup->auth ? "tokens" : "INSECURE: everybody may do everything");
    answer_text(request, redis && domain ? 200 : 503, "application/json", &json);
}
