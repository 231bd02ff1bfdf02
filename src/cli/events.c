/* Events as lines, and sluice invoice events. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/cli.h"

#define PAGE 1000 /* events of one request */

/* ---- what a change says ---- */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "?";
}

static void add_cash(const json_t *cash, struct buf *out)
{
    buf_printf(out, "%lld %s", (long long)json_integer_value(json_object_get(cash, "amount")),
               text_of(json_object_get(cash, "currency"), "symbolic_code"));
}

/* LEAD and "code:sub:sub" of an operation_failure; nothing if there is none. */
static void add_failure(const char *lead, const json_t *operation_failure, struct buf *out)
{
    const json_t *failure = json_object_get(operation_failure, "failure");

    if (json_object_get(operation_failure, "operation_timeout"))
        buf_printf(out, "%soperation_timeout", lead);
    if (failure)
        buf_printf(out, "%s%s", lead, text_of(failure, "code"));
    for (failure = json_object_get(failure, "sub"); failure; failure = json_object_get(failure, "sub"))
        buf_printf(out, ":%s", text_of(failure, "code"));
}

/* "succeeded", "failed, code:sub": of a status or a result, which are unions. */
static void add_union(const json_t *value, struct buf *out)
{
    buf_str(out, variant(value));
    add_failure(", ", json_object_get(json_object_get(value, "failed"), "failure"), out);
}

/* "(42000 RUB, at once)": the word Timeout, which consumers of events know, is not for people. FLOW: of the payment,
 * "instant" or "hold"; NULL: not known. */
static void add_capture(const json_t *data, const char *flow, struct buf *out)
{
    const char *reason = json_string_value(json_object_get(data, "reason"));

    if (reason && strcmp(reason, "Timeout") == 0)
        reason = !flow ? NULL : strcmp(flow, "instant") == 0 ? "at once" : "at the end of the hold";
    buf_char(out, '(');
    if (json_object_get(data, "cash"))
        add_cash(json_object_get(data, "cash"), out);
    if (reason)
        buf_printf(out, "%s%s", json_object_get(data, "cash") ? ", " : "", reason);
    buf_char(out, ')');
}

static void add_route(const json_t *route, struct buf *out)
{
    buf_printf(out, "(provider %lld, terminal %lld)",
               (long long)json_integer_value(json_object_get(json_object_get(route, "provider"), "id")),
               (long long)json_integer_value(json_object_get(json_object_get(route, "terminal"), "id")));
}

/* "session_finished(processed, failed, code)" */
static void add_session(const json_t *change, struct buf *out)
{
    const json_t *payload = json_object_get(change, "payload");
    const char *name = variant(payload);
    const json_t *body = json_object_get(payload, name);

    buf_printf(out, "%s(%s", name, variant(json_object_get(change, "target")));
    if (json_object_get(body, "result")) {
        buf_str(out, ", ");
        add_union(json_object_get(body, "result"), out);
    }
    if (json_object_get(body, "trx"))
        buf_printf(out, ", %s", text_of(json_object_get(body, "trx"), "id"));
    if (json_object_get(body, "interaction"))
        buf_printf(out, ", %s%s%s", variant(json_object_get(body, "interaction")),
                   json_object_get(body, "status") ? " " : "",
                   json_object_get(body, "status") ? variant(json_object_get(body, "status")) : "");
    buf_char(out, ')');
}

/* The amount that BODY is about; NULL: none. */
static const json_t *cash_of(const json_t *body)
{
    if (json_object_get(body, "refund"))
        return json_object_get(json_object_get(body, "refund"), "cash");
    if (json_object_get(body, "invoice"))
        return json_object_get(json_object_get(body, "invoice"), "cost");
    return json_object_get(body, "new_cash");
}

/* In brackets, what BODY says beside its name. */
static void add_details(const json_t *body, const char *flow, struct buf *out)
{
    const json_t *status = json_object_get(body, "status"), *reason = json_object_get(body, "reason");
    const json_t *cash = cash_of(body), *revision = json_object_get(body, "domain_revision");

    if (revision) {
        buf_printf(out, "(%lld)", (long long)json_integer_value(revision));
    } else if (status) {
        buf_char(out, '(');
        add_union(status, out);
        buf_char(out, ')');
    } else if (json_is_object(reason)) {
        add_failure("(", reason, out);
        buf_char(out, ')');
    } else if (json_object_get(body, "risk_score")) {
        buf_printf(out, "(%s)", text_of(body, "risk_score"));
    } else if (json_object_get(body, "route")) {
        add_route(json_object_get(body, "route"), out);
    } else if (json_object_get(body, "data")) {
        add_capture(json_object_get(body, "data"), flow, out);
    } else if (cash) {
        buf_char(out, '(');
        add_cash(cash, out);
        buf_char(out, ')');
    }
}

/* NAME, without what all of its kind begin with, and what BODY says. */
static void add_body(const char *name, const json_t *body, const char *flow, struct buf *out)
{
    static const char *const prefixes[] = { "invoice_payment_refund_", "invoice_payment_" };
    size_t i;

    if (json_object_get(body, "payload")) {
        add_session(body, out);
        return;
    }
    for (i = 0; i < SL_COUNT(prefixes); i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            name += strlen(prefixes[i]);
    }
    buf_str(out, name);
    add_details(body, flow, out);
}

/* OF gets whose change it is ("payment 1, refund 1"), OUT what it is; either is appended to. FLOWS: of payments, by id. */
static void describe(const json_t *change, json_t *flows, struct buf *of, struct buf *out)
{
    const char *name = variant(change), *flow = NULL, *id;
    const json_t *body = json_object_get(change, name), *payload = json_object_get(body, "payload");

    if (strcmp(name, "invoice_payment_change") != 0) {
        buf_str(of, "invoice");
        add_body(name, body, NULL, out);
        return;
    }
    id = text_of(body, "id");
    buf_printf(of, "payment %s", id);
    name = variant(payload);
    body = json_object_get(payload, name);
    if (strcmp(name, "invoice_payment_started") == 0)
        json_object_set_new(flows, id, json_string(variant(json_object_get(json_object_get(body, "payment"), "flow"))));
    flow = json_string_value(json_object_get(flows, id));
    if (strcmp(name, "invoice_payment_refund_change") == 0) {
        buf_printf(of, ", refund %s", text_of(body, "id"));
        payload = json_object_get(body, "payload");
        name = variant(payload);
        body = json_object_get(payload, name);
    }
    add_body(name, body, flow, out);
}

void add_change(const json_t *change, struct buf *out)
{
    struct buf of = BUF_EMPTY;
    json_t *flows = json_object();

    describe(change, flows, &of, out);
    json_decref(flows);
    buf_clear(&of);
}

void print_events(const json_t *events)
{
    static const char *const titles[] = { ">EVENT", "AT", "OF", "CHANGE", NULL };
    struct table *table = table_new(titles);
    struct buf of = BUF_EMPTY, text = BUF_EMPTY;
    json_t *flows = json_object();
    const json_t *event, *change;
    size_t i, j;

    json_array_foreach((json_t *)(uintptr_t)events, i, event) {
        json_array_foreach(json_object_get(json_object_get(event, "payload"), "invoice_changes"), j, change) {
            buf_reset(&of);
            buf_reset(&text);
            describe(change, flows, &of, &text);
            table_cell(table, "%lld", (long long)json_integer_value(json_object_get(event, "id")));
            table_cell(table, "%s", text_of(event, "created_at"));
            table_cell(table, "%s", buf_text(&of));
            table_cell(table, "%s", buf_text(&text));
        }
    }
    table_print_take(table, "No events yet.");
    json_decref(flows);
    buf_clear(&of);
    buf_clear(&text);
}

/* ---- the command ---- */

/* Event by event, page by page: a history is shown whole. */
int cmd_invoice_events(struct cli *cli)
{
    struct buf path = BUF_EMPTY;
    json_t *all = json_array(), *page = NULL;
    char *part = path_part(cli->argv[0]);
    json_int_t after = 0;
    size_t count;
    int code;

    do {
        json_decref(page);
        buf_reset(&path);
        buf_printf(&path, "/v1/invoices/%s/events?limit=%d&after=%lld&wait=%d", part, PAGE, (long long)after,
                   after ? 0 : cli->wait_s);
        code = api_get(cli, buf_text(&path), &page);
        count = code ? 0 : json_array_size(page);
        if (count)
            after = json_integer_value(json_object_get(json_array_get(page, count - 1), "id"));
        if (!code)
            json_array_extend(all, page);
    } while (count == PAGE);
    if (!code && cli->json)
        print_json(all);
    else if (!code)
        print_events(all);
    json_decref(page);
    json_decref(all);
    buf_clear(&path);
    free(part);
    return code;
}
