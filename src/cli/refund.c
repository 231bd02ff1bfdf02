/* sluice refund create, book, show */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/outcome.h"

/* The answer in a few lines; dropped. The exit code. */
static int show_refund(const struct cli *cli, int code, json_t *answer)
{
    const json_t *reason = json_object_get(answer, "reason");

    if (!code && cli->json) {
        print_json(answer);
    } else if (!code) {
        printf("Refund %s of payment %s of invoice %s: %s, ", json_string_value(json_object_get(answer, "id")),
               cli->argv[1], cli->argv[0], variant(json_object_get(answer, "status")));
        print_cash(json_object_get(answer, "cash"));
        print_failure(json_object_get(answer, "failure"));
        if (reason)
            printf(", %s", json_string_value(reason));
        putchar('\n');
        print_pending(answer, cli->argv[0]);
    }
    if (!code)
        code = refund_code(answer);
    json_decref(answer);
    return code;
}

/* POSTs what the options say to TAIL of the payment. */
static int create_refund(struct cli *cli, const char *tail, json_t *body)
{
    struct buf path = BUF_EMPTY;
    char *id = path_part(cli->argv[0]), *pid = path_part(cli->argv[1]), *text;
    json_t *answer = NULL;
    int code = cli->cart ? body_add_cart(cli->cart, body) : 0;

    if (cli->reason)
        json_object_set_new(body, "reason", json_string(cli->reason));
    if (!code && cli->argc == 3)
        code = body_add_cash(cli, cli->argv[2], body);
    if (!code) {
        text = json_dumps(body, JSON_COMPACT);
        buf_printf(&path, "/v1/invoices/%s/payments/%s/%s?wait=%d", id, pid, tail, cli->wait_s);
        code = api_request(cli, "POST", buf_text(&path), text, NULL, &answer);
        free(text);
    }
    json_decref(body);
    free(id);
    free(pid);
    buf_clear(&path);
    return show_refund(cli, code, answer);
}

int cmd_refund_create(struct cli *cli)
{
    return create_refund(cli, "refunds", json_object());
}

int cmd_refund_book(struct cli *cli)
{
    json_t *body = json_object();

    if (cli->trx)
        json_object_set_new(body, "transaction_info", json_pack("{s:s,s:{}}", "id", cli->trx, "extra"));
    return create_refund(cli, "manual-refunds", body);
}

int cmd_refund_show(struct cli *cli)
{
    struct buf path = BUF_EMPTY;
    char *id = path_part(cli->argv[0]), *pid = path_part(cli->argv[1]), *rid = path_part(cli->argv[2]);
    json_t *answer;
    int code;

    buf_printf(&path, "/v1/invoices/%s/payments/%s/refunds/%s", id, pid, rid);
    code = api_get(cli, buf_text(&path), &answer);
    free(id);
    free(pid);
    free(rid);
    buf_clear(&path);
    return show_refund(cli, code, answer);
}
