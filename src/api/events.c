/* /v1/invoices/{id}/events: stored events, wrapped; their changes go out as they were written. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "api/owner.h"
#include "api/request.h"
#include "api/watch.h"
#include "base/rfc3339.h"
#include "payment/kind.h"
#include "payment/state.h"
#include "payment/template.h"

#define LIMIT_MAX 1000
#define WAIT_MAX_S 60

struct reading {
    int64_t after, limit, wait_s;
    struct watch *watch;
    bool looking, again, over; /* again: news came while looking */
};

/* Whether it may be put into an answer: what others wrote there could break all of it. */
static bool is_readable(const struct stored_event *event)
{
    json_t *json = json_loadb(event->changes, event->changes_len, 0, NULL);
    bool readable = json_is_array(json);

    json_decref(json);
    return readable;
}

void event_write_unreadable(const struct machine_kind *kind, const char *id, int64_t number, struct buf *out)
{
    buf_printf(out, "{\"id\":%lld,\"source\":{\"%s_id\":\"%s\"},\"unreadable\":true}", (long long)number,
               kind == &template_kind ? "invoice_template" : "invoice", id);
}

void event_write(const struct machine_kind *kind, const char *id, const struct stored_event *event, struct buf *out)
{
    const char *what = kind == &template_kind ? "invoice_template" : "invoice";
    char at[RFC3339_MAX];

    if (!is_readable(event)) {
        event_write_unreadable(kind, id, event->number, out);
        return;
    }
    rfc3339_format(rfc3339_us_of_ms(event->at_ms), at);
    buf_printf(out, "{\"id\":%lld,\"created_at\":\"%s\",\"source\":{\"%s_id\":\"%s\"},\"payload\":{\"%s_changes\":",
               (long long)event->number, at, what, id, what);
    buf_add(out, event->changes, event->changes_len);
    buf_str(out, "}}");
}

static void answer_events(struct api_request *request, const struct runtime_events *events)
{
    struct buf json = BUF_EMPTY;
    size_t i;

    buf_char(&json, '[');
    for (i = 0; i < events->count; i++) {
        if (i)
            buf_char(&json, ',');
        event_write(&invoice_kind, owner_shown(request, request->machine), &events->events[i], &json);
    }
    buf_char(&json, ']');
    answer_json(request, 200, &json);
}

static void look(struct api_request *request);

static void look_over(struct api_request *request)
{
    struct reading *reading = request->waiting;

    reading->over = true;
    look(request);
}

static void events_read(void *arg, const struct runtime_events *events)
{
    struct api_request *request = arg;
    struct reading *reading = request->waiting;
    bool nothing = !events->err && events->count == 0;

    reading->looking = false;
    if (nothing && reading->wait_s > 0 && !reading->over) {
        if (!reading->watch)
            reading->watch = watch_begin(request, request->machine, reading->wait_s * 1000, look, look_over);
        if (reading->again)
            look(request);
        return;
    }
    if (reading->watch)
        watch_end(reading->watch);
    if (events->err)
        answer_err(request, events->err, "InvoiceNotFound", NULL);
    else
        answer_events(request, events);
}

static void look(struct api_request *request)
{
    struct reading *reading = request->waiting;

    if (reading->looking) {
        reading->again = true;
        return;
    }
    reading->looking = true;
    reading->again = false;
    runtime_events(api_setup(request)->runtime, &invoice_kind, request->machine, reading->after,
                   (size_t)reading->limit, events_read, request);
}

static void owner_read(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    const struct invoice_state *state = result->state;

    if (!answer_failed(request, result, "InvoiceNotFound") &&
        request_owns(request, state->invoice.party_ref.id, "InvoiceNotFound"))
        look(request);
}

void events_get(struct api_request *request)
{
    struct reading *reading = arena_alloc(request->arena, sizeof(*reading));

    request->waiting = reading;
    if (!request_query_i64(request, "after", 0, EVENT_NUMBER_MAX, 0, &reading->after) ||
        !request_query_i64(request, "limit", 1, LIMIT_MAX, LIMIT_MAX, &reading->limit) ||
        !request_query_i64(request, "wait", 0, WAIT_MAX_S, 0, &reading->wait_s))
        return;
    if (request->principal && request->principal->role == ROLE_MERCHANT)
        runtime_read(api_setup(request)->runtime, &invoice_kind, request->machine, 0, owner_read, request);
    else
        look(request);
}
