/* sluice template create, show, update, delete, terms, invoice */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "cli/cli.h"

/* /v1/invoice-templates/ID and TAIL behind it. */
static char *template_path(const char *id, const char *tail)
{
    struct buf path = BUF_EMPTY;
    char *part = path_part(id);

    buf_printf(&path, "/v1/invoice-templates/%s%s", part, tail);
    free(part);
    return buf_take(&path);
}

static void print_price(const json_t *product)
{
    const json_t *price = json_object_get(product, "price"), *range = json_object_get(price, "range");

    printf(", %s", variant(price));
    if (json_object_get(price, "fixed")) {
        putchar(' ');
        print_cash(json_object_get(price, "fixed"));
    } else if (range) {
        putchar(' ');
        print_cash(json_object_get(json_object_get(range, "lower"), variant(json_object_get(range, "lower"))));
        fputs(" to ", stdout);
        print_cash(json_object_get(json_object_get(range, "upper"), variant(json_object_get(range, "upper"))));
    }
}

static int show_template(const struct cli *cli, int code, json_t *answer)
{
    const json_t *details = json_object_get(answer, "details"), *product = json_object_get(details, "product");

    if (!code && cli->json) {
        print_json(answer);
    } else if (!code) {
        printf("Template %s of shop %s: %s", json_string_value(json_object_get(answer, "id")),
               json_string_value(json_object_get(json_object_get(answer, "shop_ref"), "id")),
               json_string_value(json_object_get(answer, "product")));
        if (product)
            print_price(product);
        else
            fputs(", a cart", stdout);
        putchar('\n');
    }
    json_decref(answer);
    return code;
}

int cmd_template_create(struct cli *cli)
{
    json_t *answer;
    int code = api_send_file(cli, "POST", "/v1/invoice-templates", cli->argv[0], &answer);

    return show_template(cli, code, answer);
}

int cmd_template_show(struct cli *cli)
{
    char *path = template_path(cli->argv[0], "");
    json_t *answer;
    int code = api_get(cli, path, &answer);

    free(path);
    return show_template(cli, code, answer);
}

int cmd_template_update(struct cli *cli)
{
    char *path = template_path(cli->argv[0], "");
    json_t *answer;
    int code = api_send_file(cli, "PATCH", path, cli->argv[1], &answer);

    free(path);
    return show_template(cli, code, answer);
}

int cmd_template_delete(struct cli *cli)
{
    char *path = template_path(cli->argv[0], "");
    json_t *answer;
    int code = api_request(cli, "DELETE", path, NULL, NULL, &answer);

    if (!code)
        printf("Template %s is removed.\n", cli->argv[0]);
    json_decref(answer);
    free(path);
    return code;
}

int cmd_template_terms(struct cli *cli)
{
    char *path = template_path(cli->argv[0], "/terms");
    json_t *answer;
    int code = api_get(cli, path, &answer);

    if (!code)
        print_json(answer);
    json_decref(answer);
    free(path);
    return code;
}

int cmd_template_invoice(struct cli *cli)
{
    char *path = template_path(cli->argv[0], "/invoices");
    json_t *answer;
    int code = api_send_file(cli, "POST", path, cli->argv[1], &answer);

    free(path);
    return show_invoice(cli, code, answer);
}
