/* The table of routes: what the API offers, who may use it, and what it takes. */
#include "api/request.h"
#include "payment/calls.h"

static struct api_route routes[] = {
    { "POST", "/v1/invoices", ACCESS_MERCHANT, invoices_create, "", &type_invoice_params,
      "Creates an invoice; the same id again answers the existing one." },
    { "GET", "/v1/invoices/{id}", ACCESS_READ, invoices_get, "at_event", NULL,
      "An invoice with its payments, now or as of an event." },
    { "GET", "/v1/invoices/{id}/events", ACCESS_READ, events_get, "after limit wait", NULL,
      "Events after a given one; with wait, a long poll for the next." },
    { "POST", "/v1/invoices/{id}/rescind", ACCESS_MERCHANT, invoices_rescind, "", &type_reason_call,
      "Cancels an unpaid invoice." },
    { "POST", "/v1/invoices/{id}/fulfill", ACCESS_MERCHANT, invoices_fulfill, "", &type_reason_call,
      "Marks a paid invoice as fulfilled." },
    { "POST", "/v1/invoices/{id}/payments", ACCESS_MERCHANT, payments_start, "wait", &type_start_payment_call,
      "Starts a payment; with wait, answers when it comes to rest." },
    { "GET", "/v1/invoices/{id}/payments/{pid}", ACCESS_READ, payments_get, "", NULL, "One payment." },
    { "POST", "/v1/invoices/{id}/repair", ACCESS_OPERATOR, machines_repair, "", NULL,
      "Makes a failed invoice work again: the failed step runs once more." },
    { "POST", "/v1/provider/callbacks/{tag}", ACCESS_PROVIDER, callbacks_post, "", &type_callback_call,
      "Delivers a callback to the adapter whose session waits under the tag." },
    { "POST", "/v1/provider/sessions/{tag}", ACCESS_PROVIDER, callbacks_session, "", &type_session_change_call,
      "Ends a suspended session from outside, as a failure." },
    { "GET", "/v1/provider/payments/{tag}", ACCESS_PROVIDER, callbacks_payment, "", NULL,
      "What an adapter is told of the payment that a tag belongs to." },
    { "GET", "/v1/domain", ACCESS_INSPECT, domain_head, "", NULL, "The configuration in use." },
    { "PUT", "/v1/domain", ACCESS_OPERATOR, domain_put, "", NULL,
      "Commits a new revision of the configuration; If-Match names the one that it was made from." },
    { "GET", "/v1/domain/{revision}", ACCESS_INSPECT, domain_revision_get, "", NULL, "A revision of the configuration." },
    { "GET", "/v1/accounts/{id}", ACCESS_INSPECT, accounts_get, "", NULL, "Balances of a ledger account." },
    { "GET", "/v1/feed", ACCESS_INSPECT, feed_get, "cursor limit wait", NULL,
      "Every event of every invoice after a cursor; with wait, a long poll for the next." },
    { "GET", "/v1/machines", ACCESS_INSPECT, machines_list, "status limit", NULL,
      "Invoices that are failed, or retrying, or wait for their timers." },
    { "GET", "/v1/timers", ACCESS_INSPECT, timers_list, "limit", NULL, "The next timers of all partitions." },
    { "GET", "/v1/daemons", ACCESS_INSPECT, daemons_list, "", NULL, "The daemons that are alive." },
    { "GET", "/v1/partitions", ACCESS_INSPECT, partitions_list, "", NULL, "Who prefers which partition; depth of each wheel." },
    { "GET", "/healthz", ACCESS_ANYBODY, health_live, "", NULL, "The process runs." },
    { "GET", "/readyz", ACCESS_ANYBODY, health_ready, "", NULL, "It can take requests." },
    { "GET", "/metrics", ACCESS_ANYBODY, metrics_get, "", NULL, "Figures for Prometheus." },
    { "GET", "/openapi.json", ACCESS_ANYBODY, openapi_get, "", NULL, "This description." },
    { .method = NULL },
};

struct api_route *api_routes(void)
{
    return routes;
}
