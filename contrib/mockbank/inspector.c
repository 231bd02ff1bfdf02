/* The inspector: scores and black lists by what the options and the card's token ask for. */
#include <stdio.h>
#include <string.h>

#include "mock.h"

#define TOO_LATE_MS 10000 /* beyond anybody's patience with an inspector */

static struct answer score(const char *name)
{
    return (struct answer){ .status = 200, .body = json_pack("{s:s}", "risk_score", name) };
}

static struct answer malformed(const char *why)
{
    return (struct answer){ .status = 400, .body = json_pack("{s:s}", "error", why) };
}

static struct answer unexpected(void)
{
    return (struct answer){ .status = 500, .body = json_pack("{s:s}", "error", "unexpected") };
}

/* Fails the first time for a given payment. */
static struct answer fail_once(struct mock *mock, const json_t *payment)
{
    const char *invoice = json_string_value(json_object_get(json_object_get(payment, "invoice"), "id"));
    const char *id = json_string_value(json_object_get(json_object_get(payment, "payment"), "id"));
    char name[NAME_BYTES];

    if (!invoice || !id || strlen(invoice) > ID_BYTES || strlen(id) > ID_BYTES)
        return malformed("the ids of the invoice and the payment are needed");
    snprintf(name, sizeof(name), "inspect/%s/%s", invoice, id);
    if (book_mark(mock->book, name))
        return score("low");
    book_mark_set(mock->book, name, 1);
    return unexpected();
}

struct answer inspect_payment(struct mock *mock, const json_t *request)
{
    const json_t *options = json_object_get(request, "options");
    const char *risk_score = json_string_value(json_object_get(options, "risk_score"));
    const char *link_state = json_string_value(json_object_get(options, "link_state"));
    struct answer answer;

    if (!json_is_object(options) || !json_is_object(json_object_get(request, "payment")))
        return malformed("payment and options are needed");
    if (risk_score)
        return score(risk_score);
    if (link_state && strcmp(link_state, "unexpected_failure") == 0)
        return unexpected();
    if (link_state && strcmp(link_state, "temporary_failure") == 0)
        return fail_once(mock, json_object_get(request, "payment"));
    answer = score("high");
    if (link_state)
        answer.delay_ms = (int64_t)(TOO_LATE_MS * mock->time_scale);
    return answer;
}

/* A card is listed for the first terminal or for every one, as its token says. */
static bool is_listed(const char *value, const json_t *route)
{
    return strcmp(value, "inspector_fail_all") == 0 ||
           (strcmp(value, "inspector_fail_first") == 0 && json_integer_value(json_object_get(route, "second_id")) == 1);
}

struct answer inspect_blacklist(const json_t *request)
{
    const char *value = json_string_value(json_object_get(request, "value"));
    const json_t *routes = json_object_get(request, "routes"), *route;
    json_t *listed;
    size_t i;

    if (!value || !json_is_array(routes))
        return malformed("a value and the routes are needed");
    listed = json_array();
    json_array_foreach(routes, i, route)
        json_array_append_new(listed, json_boolean(is_listed(value, route)));
    return (struct answer){ .status = 200, .body = json_pack("{s:o}", "blacklisted", listed) };
}
