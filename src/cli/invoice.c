/* sluice invoice create, show, events, rescind, fulfill */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"

static void print_invoice(const struct cli *cli, const json_t *answer)
{
    const json_t *invoice = json_object_get(answer, "invoice"), *payment;
    size_t i;

    if (cli->json) {
        print_json(answer);
        return;
    }
    printf("Invoice %s: %s, ", json_string_value(json_object_get(invoice, "id")), variant(json_object_get(invoice, "status")));
    print_cash(json_object_get(invoice, "cost"));
    printf(", due %s, event %lld\n", json_string_value(json_object_get(invoice, "due")),
           (long long)json_integer_value(json_object_get(answer, "latest_event_id")));
    json_array_foreach(json_object_get(answer, "payments"), i, payment) {
        printf("  payment %s: %s, %s\n", json_string_value(json_object_get(json_object_get(payment, "payment"), "id")),
               variant(json_object_get(json_object_get(payment, "payment"), "status")),
               json_string_value(json_object_get(payment, "activity")));
    }
}

int show_invoice(const struct cli *cli, int code, json_t *answer)
{
    if (!code)
        print_invoice(cli, answer);
    json_decref(answer);
    return code;
}

int cmd_invoice_create(struct cli *cli)
{
    json_t *answer;
    int code = api_send_file(cli, "POST", "/v1/invoices", cli->argv[0], &answer);

    return show_invoice(cli, code, answer);
}

/* /v1/invoices/ID and TAIL behind it. */
static char *invoice_path(const char *id, const char *tail)
{
    struct buf path = BUF_EMPTY;
    char *part = path_part(id);

    buf_printf(&path, "/v1/invoices/%s%s", part, tail);
    free(part);
    return buf_take(&path);
}

int cmd_invoice_show(struct cli *cli)
{
    char *path = invoice_path(cli->argv[0], "");
    json_t *answer;
    int code = api_get(cli, path, &answer);

    free(path);
    return show_invoice(cli, code, answer);
}

static int call_with_reason(struct cli *cli, const char *tail)
{
    char *path = invoice_path(cli->argv[0], tail);
    json_t *body = json_pack("{s:s}", "reason", cli->reason ? cli->reason : "by an operator"), *answer;
    char *text = json_dumps(body, JSON_COMPACT);
    int code = api_request(cli, "POST", path, text, NULL, &answer);

    json_decref(body);
    free(text);
    free(path);
    return show_invoice(cli, code, answer);
}

int cmd_invoice_rescind(struct cli *cli)
{
    return call_with_reason(cli, "/rescind");
}

int cmd_invoice_fulfill(struct cli *cli)
{
    return call_with_reason(cli, "/fulfill");
}

/* ---- events ---- */

/* "session_finished(processed, failed)" */
static void print_session(const json_t *payload, const char *target)
{
    const char *name = variant(payload);
    const json_t *result = json_object_get(json_object_get(payload, name), "result");

    printf("%s(%s%s%s)", name, target, result ? ", " : "", result ? variant(result) : "");
}

void print_change(const json_t *change)
{
    const char *name = variant(change);
    const json_t *body = json_object_get(change, name), *payload = json_object_get(body, "payload");
    const char *inner = payload ? variant(payload) : NULL;
    const json_t *detail = inner ? json_object_get(payload, inner) : body;

    if (inner && strncmp(inner, "invoice_payment_", 16) == 0)
        inner += 16;
    if (json_object_get(detail, "payload"))
        print_session(json_object_get(detail, "payload"), variant(json_object_get(detail, "target")));
    else if (json_object_get(detail, "status"))
        printf("%s(%s)", inner ? inner : name, variant(json_object_get(detail, "status")));
    else if (json_object_get(detail, "risk_score"))
        printf("%s(%s)", inner, json_string_value(json_object_get(detail, "risk_score")));
    else
        printf("%s", inner ? inner : name);
}

void print_event(const json_t *event)
{
    const json_t *change;
    size_t i;

    printf("%4lld  %s  ", (long long)json_integer_value(json_object_get(event, "id")),
           json_string_value(json_object_get(event, "created_at")));
    json_array_foreach(json_object_get(json_object_get(event, "payload"), "invoice_changes"), i, change) {
        if (i)
            printf(", ");
        print_change(change);
    }
    putchar('\n');
}

int cmd_invoice_events(struct cli *cli)
{
    char tail[64], *path;
    json_t *answer, *event;
    size_t i;
    int code;

    snprintf(tail, sizeof(tail), "/events?wait=%d", cli->wait_s);
    path = invoice_path(cli->argv[0], tail);
    code = api_get(cli, path, &answer);
    if (!code && cli->json)
        print_json(answer);
    else if (!code)
        json_array_foreach(answer, i, event)
            print_event(event);
    json_decref(answer);
    free(path);
    return code;
}
