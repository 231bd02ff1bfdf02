/* sluice payment start, register, show */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "cli/cli.h"

static int show_payment(const struct cli *cli, int code, json_t *answer)
{
    const json_t *payment = json_object_get(answer, "payment"), *route = json_object_get(answer, "route");

    if (!code && cli->json) {
        print_json(answer);
    } else if (!code) {
        printf("Payment %s of invoice %s: %s, %s, ", json_string_value(json_object_get(payment, "id")),
               json_string_value(json_object_get(answer, "invoice_id")), variant(json_object_get(payment, "status")),
               json_string_value(json_object_get(answer, "activity")));
        print_cash(json_object_get(payment, "cost"));
        if (route)
            printf(", provider %lld terminal %lld",
                   (long long)json_integer_value(json_object_get(json_object_get(route, "provider"), "id")),
                   (long long)json_integer_value(json_object_get(json_object_get(route, "terminal"), "id")));
        putchar('\n');
    }
    json_decref(answer);
    return code;
}

/* Sends the file to /v1/invoices/ID/payments and TAIL behind it. */
static int begin_payment(struct cli *cli, const char *tail)
{
    struct buf path = BUF_EMPTY;
    char *id = path_part(cli->argv[0]);
    json_t *answer;
    int code;

    buf_printf(&path, "/v1/invoices/%s/payments%s?wait=%d", id, tail, cli->wait_s);
    code = api_send_file(cli, "POST", buf_text(&path), cli->argv[1], &answer);
    free(id);
    buf_clear(&path);
    return show_payment(cli, code, answer);
}

int cmd_payment_start(struct cli *cli)
{
    return begin_payment(cli, "");
}

int cmd_payment_register(struct cli *cli)
{
    return begin_payment(cli, "/register");
}

int cmd_payment_show(struct cli *cli)
{
    struct buf path = BUF_EMPTY;
    char *id = path_part(cli->argv[0]), *pid = path_part(cli->argv[1]);
    json_t *answer;
    int code;

    buf_printf(&path, "/v1/invoices/%s/payments/%s", id, pid);
    code = api_get(cli, buf_text(&path), &answer);
    free(id);
    free(pid);
    buf_clear(&path);
    return show_payment(cli, code, answer);
}
