#include <stdio.h>
#include <string.h>

#include "mock.h"

static struct answer score(const char *name)
{
    return (struct answer){ 200, json_pack("{s:s}", "risk_score", name) };
}

/* Fails the first time for a given payment. */
static struct answer fail_once(struct mock *mock, const json_t *payment)
{
    const char *invoice = json_string_value(json_object_get(json_object_get(payment, "invoice"), "id"));
    const char *id = json_string_value(json_object_get(json_object_get(payment, "payment"), "id"));
    char name[600];

    snprintf(name, sizeof(name), "inspect/%s/%s", invoice ? invoice : "", id ? id : "");
    if (json_object_get(mock->polls, name))
        return score("low");
    json_object_set_new(mock->polls, name, json_integer(1));
    return (struct answer){ 500, json_pack("{s:s}", "error", "unexpected") };
}

struct answer inspect_payment(struct mock *mock, const json_t *request)
{
    const json_t *options = json_object_get(request, "options");
    const char *risk_score = json_string_value(json_object_get(options, "risk_score"));
    const char *link_state = json_string_value(json_object_get(options, "link_state"));

    if (risk_score)
        return score(risk_score);
    if (link_state && strcmp(link_state, "unexpected_failure") == 0)
        return (struct answer){ 500, json_pack("{s:s}", "error", "unexpected") };
    if (link_state && strcmp(link_state, "temporary_failure") == 0)
        return fail_once(mock, json_object_get(request, "payment"));
    return score("high"); /* main.c lets it wait when a link state is named */
}

struct answer inspect_blacklist(const json_t *request)
{
    const char *value = json_string_value(json_object_get(request, "value"));
    const json_t *terminal = json_object_get(request, "second_id");
    bool first = json_integer_value(terminal) == 1 || (json_is_string(terminal) && strcmp(json_string_value(terminal), "1") == 0);
    bool listed = value && (strcmp(value, "inspector_fail_all") == 0 || (strcmp(value, "inspector_fail_first") == 0 && first));

    return (struct answer){ 200, json_pack("{s:b}", "blacklisted", listed) };
}
