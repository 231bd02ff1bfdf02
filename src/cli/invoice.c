/* sluice invoice create, show, rescind, fulfill */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/outcome.h"

static void print_invoice(const struct cli *cli, const json_t *answer)
{
    const json_t *invoice = json_object_get(answer, "invoice"), *payment;
    size_t i;

    if (cli->json) {
        print_json(answer);
        return;
    }
    printf("Invoice %s@%s: %s, ", json_string_value(json_object_get(invoice, "id")),
           json_string_value(json_object_get(json_object_get(invoice, "party_ref"), "id")),
           variant(json_object_get(invoice, "status")));
    print_cash(json_object_get(invoice, "cost"));
    printf(", due %s, event %lld\n", json_string_value(json_object_get(invoice, "due")),
           (long long)json_integer_value(json_object_get(answer, "latest_event_id")));
    json_array_foreach(json_object_get(answer, "payments"), i, payment)
        print_payment_brief(payment);
    print_machine(json_object_get(answer, "machine"), json_string_value(json_object_get(invoice, "id")));
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
