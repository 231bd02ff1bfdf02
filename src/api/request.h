/* One request on its way through the API, and how it is answered. For the resources' files.
 *
 * A handler answers once, at once or later; after that the request is gone. A client that hangs up
 * does not take the request with it: the answer is then dropped. */
#ifndef SLUICE_API_REQUEST_H
#define SLUICE_API_REQUEST_H

#include "api/api.h"
#include "base/buf.h"
#include "payment/errors.h"
#include "payment/outcome.h"

#define PATH_PARAMS_MAX 3
#define QUERY_PARAMS_MAX 8

struct api_request;
typedef void (*api_handler)(struct api_request *request);

enum access {
    ACCESS_ANYBODY,  /* no token needed */
    ACCESS_READ,     /* readers, operators, merchants of the party concerned */
    ACCESS_MERCHANT, /* operators, merchants of the party concerned */
    ACCESS_PROVIDER, /* providers, operators */
    ACCESS_INSPECT,  /* readers, operators */
    ACCESS_OPERATOR,
};

#define LATENCY_BUCKETS 10 /* see api/metrics.c */
extern const int64_t latency_bucket_us[LATENCY_BUCKETS];

struct query_param {
    const char *name, *value;
};

struct api_route {
    const char *method; /* "POST" */
    const char *path;   /* "/v1/invoices/{id}/payments" */
    enum access access;
    api_handler handler;
    const char *query;  /* names of query parameters, blank between; "" none */
    const struct type *body; /* of the request; NULL: none */
    const char *doc;    /* one sentence */
    const char *reply;  /* schema of a success (replies.c); NULL: plain text */
    const char *name;   /* of the operation, as a generated client has it: "capturePayment" */
    const char *errors; /* of its own, blank between (doc/spec/api.md); NULL: only those that every operation has */
    bool body_optional; /* none at all is fine too */
    uint64_t answered[6], us_sum; /* by status class, for /metrics */
    uint64_t took[LATENCY_BUCKETS + 1];
};

struct api_request {
    struct api_request *prev, *next;
    struct api *api;
    struct api_route *route;
    struct http_exchange *exchange; /* NULL: the client hung up */
    struct arena *arena;
    const struct principal *principal; /* NULL: no tokens are used */
    const char *params[PATH_PARAMS_MAX]; /* decoded parts of the path, in order */
    const char *machine;  /* that the first of them names, of PARTY_ID (owner.h); NULL: it names none */
    const char *party_id;
    struct query_param query[QUERY_PARAMS_MAX];
    size_t query_count;
    const char *body;
    size_t body_len;
    void *args;      /* the decoded body, of route->body; NULL: there is none */
    const struct runtime_once *once; /* its Idempotency-Key; NULL: it has none */
    int64_t began_us;
    bool has_waited; /* for news: what its answer took is no latency */
    void *waiting;   /* of the handler: a long poll's data */
    void (*give_up)(struct api_request *request); /* the daemon stops: answer now; NULL: an answer is on its way */
    struct invoice_call *call;
    const void *wait; /* of the handler: what the answer is about once it is there (api/settle.h) */
};

const struct api_setup *api_setup(const struct api_request *request);
bool request_stopping(const struct api_request *request); /* the daemon stops: nobody should begin to wait */
/* Whether the client has closed its side: nobody waits for the answer. */
bool request_hung_up(const struct api_request *request);
void api_http_stats(const struct api_request *request, struct http_stats *out); /* of the whole server */
size_t requests_open(const struct api_request *request);  /* of the whole server, this one too */

/* Value of a query parameter; NULL: not given. */
const char *request_query(const struct api_request *request, const char *name);
/* The same as a whole number within MIN..MAX; OTHERWISE if not given. False: it was answered with 400. */
bool request_query_i64(struct api_request *request, const char *name, int64_t min, int64_t max, int64_t otherwise,
                       int64_t *out);
/* "true" or "false"; not given is false. False: it was answered with 400. */
bool request_query_bool(struct api_request *request, const char *name, bool *out);
/* Takes the Idempotency-Key of a POST, if there is one, to PATH. False: it was answered with 400. */
bool request_once(struct api_request *request, const char *path);
const char *request_header(const struct api_request *request, const char *name);

/* Adds a header to the answer to come. */
void answer_header(struct api_request *request, const char *name, const char *value);
/* JSON is taken over and freed. */
void answer_json(struct api_request *request, int status, struct buf *json);
void answer_text(struct api_request *request, int status, const char *content_type, struct buf *text);
void answer_empty(struct api_request *request, int status);

/* problem+json. ERROR: name as in doc/spec/api.md 1, or one of the technical ones; MEMBERS: further members,
 * each with a comma in front; NULL: none. */
void answer_problem(struct api_request *request, int status, const char *error, const char *detail,
                    const char *members);
/* 400 with one fault at FIELD. */
void answer_invalid(struct api_request *request, const char *field, const char *message);
void answer_faults(struct api_request *request, int status, const struct type_errors *errors);
/* 404: WHAT ("InvoiceNotFound") is not there, or not the caller's. */
void answer_not_found(struct api_request *request, const char *what);
/* For an error of the runtime, the store or the client; WHAT was not found ("InvoiceNotFound"). Merchants are not told
 * the DETAIL of what is our own business. */
void answer_err(struct api_request *request, enum sl_err err, const char *what, const char *detail);
/* The status that a refusal of KIND (enum call_error_kind) is answered with. */
int refusal_status(int kind);
void answer_refusal(struct api_request *request, const struct call_error *error);
/* IdReused; DIFFERS is borrowed. */
void answer_reused(struct api_request *request, const struct type_places *differs);
/* For a runtime result that is an error or a refusal: answers and says true. */
bool answer_failed(struct api_request *request, const struct runtime_result *result, const char *what);

/* Makes REQUEST->call to invoice ID, under the request's Idempotency-Key if it has one. */
void request_call(struct api_request *request, const char *id, runtime_done_fn done);

/* Whether the request's principal may see and touch what belongs to PARTY_ID; else it was answered with 404,
 * as though it were not there. */
bool request_owns(struct api_request *request, const char *party_id, const char *what);

/* How long the request may wait for its machine (doc/spec/machine.md 18). */
static inline int64_t request_deadline_ms(const struct api_request *request)
{
    return api_setup(request)->call_timeout_ms;
}
/* Whether REQUEST's principal is a merchant, who learns nothing of how Sluice works inside. */
static inline bool request_is_merchant(const struct api_request *request)
{
    return request->principal && request->principal->role == ROLE_MERCHANT;
}
/* How the machine of RESULT is, as far as REQUEST's principal may know it; RESULT's state as of an earlier event is
 * shown without. */
struct outcome_machine request_machine(const struct api_request *request, const struct runtime_result *result);

#define EVENT_NUMBER_MAX 1000000000000 /* more than a machine will ever have, and exact in a Lua number */

/* Appends a stored event of machine ID as callers see it. Ref: doc/spec/api.md 9. */
void event_write(const struct machine_kind *kind, const char *id, const struct stored_event *event, struct buf *out);
/* In the place of an event that cannot be read, or is gone from its machine's history. */
void event_write_unreadable(const struct machine_kind *kind, const char *id, int64_t number, struct buf *out);

/* Makes CALL, which begins work on a payment (payments.c). */
void payments_call(struct api_request *request, struct invoice_call *call);
/* It was taken: answers with 202 and the payment, or its refund REFUND_ID (NULL: none), at once or, with `wait`, when
 * the payment comes to rest. */
void payments_answer(struct api_request *request, const struct runtime_result *result, const char *payment_id,
                     const char *refund_id);
/* The same of CALL_REFUND: a runtime_done_fn, and what shows the refund (refunds.c). */
void refunds_taken(void *arg, const struct runtime_result *result);
void refunds_show(struct api_request *request, int status, const struct runtime_result *result,
                  const char *payment_id, const char *refund_id);

/* The routes, ended by one whose method is NULL. */
struct api_route *api_routes(void);

/* Handlers, by file. */
void invoices_create(struct api_request *request);
void invoices_get(struct api_request *request);
void invoices_rescind(struct api_request *request);
void invoices_fulfill(struct api_request *request);
void payments_start(struct api_request *request);
void payments_register(struct api_request *request);
void payments_get(struct api_request *request);
void refunds_create(struct api_request *request);
void refunds_create_manual(struct api_request *request);
void refunds_get(struct api_request *request);
void payments_capture(struct api_request *request);
void payments_cancel(struct api_request *request);
void payments_route(struct api_request *request);
void payments_limits(struct api_request *request);
void card_tokens_get(struct api_request *request);
void card_tokens_post(struct api_request *request);
void customers_get(struct api_request *request);
void templates_create(struct api_request *request);
void templates_get(struct api_request *request);
void templates_update(struct api_request *request);
void templates_delete(struct api_request *request);
void templates_terms(struct api_request *request);
void invoices_terms(struct api_request *request);
void templates_invoice(struct api_request *request);
void events_get(struct api_request *request);
void feed_get(struct api_request *request);
void callbacks_post(struct api_request *request);
void callbacks_session(struct api_request *request);
void callbacks_payment(struct api_request *request);
void domain_head(struct api_request *request);
void domain_put(struct api_request *request);
void domain_revision_get(struct api_request *request);
void accounts_get(struct api_request *request);
void limits_get(struct api_request *request);
void machines_list(struct api_request *request);
void repairs_post(struct api_request *request);
void repairs_scenario(struct api_request *request);
void timers_list(struct api_request *request);
void daemons_list(struct api_request *request);
void partitions_list(struct api_request *request);
void providers_health(struct api_request *request);
void health_live(struct api_request *request);
void health_ready(struct api_request *request);
void metrics_get(struct api_request *request);
void openapi_get(struct api_request *request);
void provider_protocol_get(struct api_request *request);

#endif
