/* sluice payment start, register, capture, cancel, show */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/outcome.h"

/* Shows a payment that was answered with CODE (0: there is one), drops it, and gives the exit code. */
static int show_payment(const struct cli *cli, int code, bool is_cancelling, json_t *answer)
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
        print_payment_outcome(answer);
    }
    if (!code)
        code = payment_code(answer, is_cancelling);
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
    return show_payment(cli, code, false, answer);
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
    return show_payment(cli, code, false, answer);
}

/* ---- capture, cancel ---- */

/* POSTs BODY, which is dropped, to what is decided about a payment. */
static int decide_take(struct cli *cli, const char *what, json_t *body)
{
    struct buf path = BUF_EMPTY;
    char *id = path_part(cli->argv[0]), *pid = path_part(cli->argv[1]), *text = json_dumps(body, JSON_COMPACT);
    json_t *answer;
    int code;

    buf_printf(&path, "/v1/invoices/%s/payments/%s/%s?wait=%d", id, pid, what, cli->wait_s);
    code = api_request(cli, "POST", buf_text(&path), text, NULL, &answer);
    json_decref(body);
    free(text);
    free(id);
    free(pid);
    buf_clear(&path);
    return show_payment(cli, code, strcmp(what, "cancel") == 0, answer);
}

int body_add_cash(struct cli *cli, const char *amount, json_t *body)
{
    struct buf path = BUF_EMPTY;
    char *id = path_part(cli->argv[0]), *pid = path_part(cli->argv[1]), *end;
    json_t *payment = NULL, *cash;
    int code = EXIT_USAGE;
    long long minor;

    buf_printf(&path, "/v1/invoices/%s/payments/%s", id, pid);
    errno = 0;
    minor = strtoll(amount, &end, 10);
    if (!*amount || *end || errno)
        code = complain(EXIT_USAGE, "%s is no amount in minor units", amount);
    else
        code = api_get(cli, buf_text(&path), &payment);
    if (!code) {
        cash = json_copy(json_object_get(json_object_get(payment, "payment"), "cost"));
        json_object_set_new(cash, "amount", json_integer(minor));
        json_object_set_new(body, "cash", cash);
    }
    json_decref(payment);
    free(id);
    free(pid);
    buf_clear(&path);
    return code;
}

int body_add_cart(const char *file, json_t *body)
{
    json_error_t error;
    char *text = read_file(file);
    json_t *cart = text ? json_loads(text, JSON_REJECT_DUPLICATES, &error) : NULL;

    if (text && !cart)
        complain(EXIT_USAGE, "%s:%d: %s", file, error.line, error.text);
    free(text);
    if (!cart)
        return EXIT_USAGE;
    json_object_set_new(body, "cart", cart);
    return 0;
}

int cmd_payment_capture(struct cli *cli)
{
    json_t *body = json_pack("{s:s}", "reason", cli->reason ? cli->reason : "by an operator");
    int code = cli->cart ? body_add_cart(cli->cart, body) : 0;

    if (!code && cli->argc == 3)
        code = body_add_cash(cli, cli->argv[2], body);
    if (!code)
        return decide_take(cli, "capture", body);
    json_decref(body);
    return code;
}

int cmd_payment_cancel(struct cli *cli)
{
    return decide_take(cli, "cancel", json_pack("{s:s}", "reason", cli->reason ? cli->reason : "by an operator"));
}
