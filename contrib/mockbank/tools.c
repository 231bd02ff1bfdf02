/* What each payment tool does, call by call; the table of behaviours is at the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rfc3339.h"
#include "mock.h"

/* ---- parts of answers ---- */

json_t *base64_of(const char *text)
{
    char *encoded = base64_encode(text, strlen(text));
    json_t *json = json_string(encoded);

    free(encoded);
    return json;
}

json_t *failure_of(const char *notation, const char *reason)
{
    const char *colon = strchr(notation, ':');
    json_t *failure = json_object();

    json_object_set_new(failure, "code", colon ? json_stringn(notation, (size_t)(colon - notation)) : json_string(notation));
    if (reason)
        json_object_set_new(failure, "reason", json_string(reason));
    if (colon)
        json_object_set_new(failure, "sub", failure_of(colon + 1, NULL));
    return failure;
}

/* What reached us, for those who test that it does. */
static json_t *trx_of(const struct call *call)
{
    const json_t *payment = json_object_get(call->info, "payment"), *service = json_object_get(payment, "payment_service");
    const json_t *url = json_object_get(json_object_get(payment, "payer_session_info"), "redirect_url");
    const json_t *refund = json_object_get(call->info, "refund");
    json_t *extra = json_object(), *trx;
    char id[600];

    if (url)
        json_object_set(extra, "payment.payer_session_info.redirect_url", (json_t *)(uintptr_t)url);
    if (json_object_get(service, "name"))
        json_object_set(extra, "payment.payment_service.name", json_object_get(service, "name"));
    if (json_object_get(service, "brand_name"))
        json_object_set(extra, "payment.payment_service.brand_name", json_object_get(service, "brand_name"));
    if (refund && strncmp(call->token, "scenario_", 9) == 0)
        snprintf(id, sizeof(id), "%s.%s.%s", call->payment, json_string_value(json_object_get(refund, "id")), call->override);
    else
        snprintf(id, sizeof(id), "%s.%s", call->payment, call->override);
    trx = json_pack("{s:s,s:o,s:{s:s,s:s}}", "id", id, "extra", extra, "additional_info", "rrn", "rrn", "approval_code",
                    "code");
    return trx;
}

static json_t *success_of(struct call *call, json_t *changed_cost)
{
    const json_t *payment = json_object_get(call->info, "payment");
    json_t *success = json_object();

    if (json_is_true(json_object_get(payment, "make_recurrent")) &&
        !json_is_true(json_object_get(payment, "skip_recurrent")))
        json_object_set_new(success, "token", json_string("rec_token"));
    if (changed_cost)
        json_object_set_new(success, "changed_cost", changed_cost);
    return json_pack("{s:{s:{s:{s:o}}}}", "intent", "finish", "status", "success", success);
}

static json_t *plain_cash(const json_t *proxy_cash)
{
    return json_pack("{s:O,s:{s:O}}", "amount", json_object_get(proxy_cash, "amount"), "currency", "symbolic_code",
                     json_object_get(json_object_get(proxy_cash, "currency"), "symbolic_code"));
}

/* Books what the target's success means. */
static void effect_set(struct call *call, json_t *charged)
{
    if (strcmp(call->target, "processed") == 0) {
        call->effect = "charge";
        call->effect_cash = charged ? json_incref(charged) : plain_cash(call->cost); /* dropped with the call */
    } else if (strcmp(call->target, "captured") == 0) {
        call->effect = "capture";
        call->effect_cash = plain_cash(json_object_get(json_object_get(call->info, "capture"), "cost"));
    } else if (strcmp(call->target, "cancelled") == 0) {
        call->effect = "cancel";
        call->effect_cash = plain_cash(call->cost);
    } else {
        call->effect = "refund";
        call->effect_cash = plain_cash(json_object_get(json_object_get(call->info, "refund"), "cash"));
    }
}

static json_t *finish_changed(struct call *call, json_t *changed_cost)
{
    json_t *result;

    effect_set(call, changed_cost);
    result = success_of(call, changed_cost);
    json_object_set_new(result, "trx", trx_of(call));
    return result;
}

json_t *finish_ok(struct call *call)
{
    return finish_changed(call, NULL);
}

json_t *finish_failure(struct call *call, const char *notation, const char *reason, bool with_trx)
{
    json_t *result = json_pack("{s:{s:{s:{s:o}}}}", "intent", "finish", "status", "failure", failure_of(notation, reason));

    if (with_trx)
        json_object_set_new(result, "trx", trx_of(call));
    return result;
}

static json_t *timer_of(const struct call *call, double seconds)
{
    char text[RFC3339_MAX];

    if (call->mock->time_scale == 1)
        return json_pack("{s:I}", "timeout", (json_int_t)seconds);
    rfc3339_format(clock_wall_us() + (int64_t)(seconds * call->mock->time_scale * 1e6), text);
    return json_pack("{s:s}", "deadline", text);
}

static void interaction_set(json_t *intent, json_t *interaction, bool completed)
{
    if (interaction)
        json_object_set_new(intent, "user_interaction", interaction);
    if (completed)
        json_object_set_new(intent, "user_interaction_completion", json_object());
}

json_t *sleep_for(struct call *call, double seconds, const char *next_state, json_t *interaction, bool completed)
{
    json_t *intent = json_pack("{s:o}", "timer", timer_of(call, seconds));

    interaction_set(intent, interaction, completed);
    return json_pack("{s:{s:o},s:o}", "intent", "sleep", intent, "next_state", base64_of(next_state));
}

json_t *suspend_for(struct call *call, const char *tag, double seconds, const char *next_state, json_t *interaction,
                    json_t *behaviour)
{
    json_t *intent = json_pack("{s:s,s:o}", "tag", tag, "timeout", timer_of(call, seconds));

    interaction_set(intent, interaction, false);
    if (behaviour)
        json_object_set_new(intent, "timeout_behaviour", behaviour);
    return json_pack("{s:{s:o},s:o}", "intent", "suspend", intent, "next_state", base64_of(next_state));
}

static json_t *on_timeout_callback(const char *payload)
{
    return json_pack("{s:o}", "callback", base64_of(payload));
}

static json_t *form_interaction(const struct call *call, json_t *form)
{
    char uri[128];

    snprintf(uri, sizeof(uri), "http://127.0.0.1:%d/form", call->mock->port);
    return json_pack("{s:{s:{s:s,s:o}}}", "redirect", "post_request", "uri", uri, "form", form);
}

static bool state_is(const struct call *call, const char *state)
{
    return strcmp(call->state, state) == 0;
}

/* ---- always_fail ---- */

static const char *always_fail(const struct call *call)
{
    return *call->override ? json_string_value(json_object_get(call->options, "always_fail")) : NULL;
}

static json_t *fail_always(struct call *call)
{
    char reason[256];

    snprintf(reason, sizeof(reason), "sub failure by %s", call->override);
    return finish_failure(call, always_fail(call), reason, true);
}

/* ---- behaviours of `processed` ---- */

static json_t *plain(struct call *call)
{
    if (state_is(call, "sleep"))
        return always_fail(call) ? fail_always(call) : finish_ok(call);
    if (always_fail(call) && strncmp(call->token, "no_preauth", 10) == 0)
        return fail_always(call);
    return sleep_for(call, 0, "sleep", NULL, false);
}

static json_t *contact(struct call *call)
{
    const json_t *contact = json_object_get(json_object_get(call->info, "payment"), "contact_info");
    const char *slash = strchr(call->token, '/');
    char *given = json_dumps(contact, JSON_COMPACT | JSON_SORT_KEYS), *encoded = base64_encode(given, strlen(given));
    bool equal = slash && strcmp(slash + 1, encoded) == 0;

    free(given);
    free(encoded);
    if (!equal && !state_is(call, "sleep"))
        return NULL;
    return plain(call);
}

static double seconds_in(const char *token)
{
    const char *equals = strstr(token, "timeout=");

    return equals ? strtod(equals + strlen("timeout="), NULL) : 10;
}

static json_t *three_ds(struct call *call)
{
    char tag[64];
    json_t *form;

    if (state_is(call, "sleep"))
        return always_fail(call) ? fail_always(call) : finish_ok(call);
    if (always_fail(call) && !json_object_get(call->options, "allow_ui"))
        return fail_always(call);
    snprintf(tag, sizeof(tag), "payment-%016llx", (unsigned long long)clock_random());
    form = form_interaction(call, json_pack("{s:s}", "tag", tag));
    return suspend_for(call, tag, seconds_in(call->token), "suspended", form, NULL);
}

static int64_t count_poll(struct call *call, const char *what)
{
    json_int_t count;
    char name[600];

    snprintf(name, sizeof(name), "%s/%s/%s", what, call->invoice, call->payment);
    count = json_integer_value(json_object_get(call->mock->polls, name)) + 1;
    json_object_set_new(call->mock->polls, name, json_integer(count));
    return count;
}

static json_t *off_site(struct call *call)
{
    char name[600];

    if (!state_is(call, "polling"))
        return sleep_for(call, 1, "polling",
                         form_interaction(call, json_pack("{s:s,s:s}", "invoice_id", call->invoice, "payment_id", call->payment)),
                         false);
    snprintf(name, sizeof(name), "%s/%s", call->invoice, call->payment);
    if (json_object_get(call->mock->confirmed, name))
        return finish_ok(call);
    if (count_poll(call, "offsite") > 3)
        return finish_failure(call, "authorization_failed:unknown", NULL, false);
    return sleep_for(call, 1, "polling", NULL, false);
}

static json_t *change_cash(struct call *call, bool increase)
{
    json_int_t amount = json_integer_value(json_object_get(call->cost, "amount"));
    json_t *changed;

    if (!state_is(call, "sleep"))
        return sleep_for(call, 0, "sleep", NULL, false);
    changed = plain_cash(call->cost);
    json_object_set_new(changed, "amount", json_integer(increase ? amount * 2 : amount / 2));
    return finish_changed(call, changed);
}

static json_t *cash_increase(struct call *call)
{
    return change_cash(call, true);
}

static json_t *cash_decrease(struct call *call)
{
    return change_cash(call, false);
}

/* The next letter of a scenario card. */
static json_t *scenario_step(struct call *call)
{
    const char *letters = call->token + strlen("scenario_");
    int step = book_steps(call->mock->book, call->invoice, call->payment) + 1;
    char letter = (size_t)step <= strcspn(letters, "/") ? letters[step - 1] : 'g';

    call->step = step;
    switch (letter) {
    case 't': return finish_failure(call, "authorization_failed:temporarily_unavailable", NULL, false);
    case 'f': return finish_failure(call, "authorization_failed:unknown", NULL, true);
    case 'e': return NULL;
    default: return finish_ok(call);
    }
}

static json_t *scenario(struct call *call)
{
    return state_is(call, "sleep") ? scenario_step(call) : sleep_for(call, 0, "sleep", NULL, false);
}

static json_t *unexpected_failure(struct call *call)
{
    json_t *result;

    if (state_is(call, "sleep"))
        return NULL;
    result = sleep_for(call, 1, "sleep", NULL, false);
    json_object_set_new(result, "trx", trx_of(call));
    return result;
}

static json_t *unexpected_suspended(struct call *call)
{
    char tag[64];

    snprintf(tag, sizeof(tag), "payment-%016llx", (unsigned long long)clock_random());
    return suspend_for(call, tag, 0, "suspended", NULL, on_timeout_callback("failure"));
}

static json_t *unexpected(struct call *call)
{
    (void)call;
    return NULL;
}

static json_t *terminal(struct call *call)
{
    char tag[600];
    json_t *receipt;

    if (state_is(call, "sleep"))
        return finish_ok(call);
    snprintf(tag, sizeof(tag), "%s.%s", call->invoice, call->payment);
    receipt = json_pack("{s:{s:s,s:O}}", "payment_terminal_reciept", "short_payment_id", tag, "due",
                        json_object_get(json_object_get(call->info, "invoice"), "due"));
    return suspend_for(call, tag, 2, "suspended", receipt, NULL);
}

static json_t *mobile(struct call *call)
{
    char tag[600];

    snprintf(tag, sizeof(tag), "%s/%s", call->invoice, call->payment);
    return suspend_for(call, tag, 0, "suspended", NULL, on_timeout_callback("mobile_commerce"));
}

/* Whole tokens first, then what stands before the first / or = . */
static const struct behaviour {
    const char *token;
    json_t *(*answer)(struct call *call);
} behaviours[] = {
    { "no_preauth", plain },
    { "empty_cvv", plain },
    { "inspector_fail_first", plain },
    { "inspector_fail_all", plain },
    { "preauth_3ds:timeout", three_ds },
    { "preauth_3ds_offsite", off_site },
    { "change_cash_increase", cash_increase },
    { "change_cash_decrease", cash_decrease },
    { "assert_contact_info", contact },
    { "unexpected_failure", unexpected_failure },
    { "unexpected_failure_no_trx", unexpected },
    { "unexpected_failure_when_suspended", unexpected_suspended },
    { "forbidden", unexpected },
};

static json_t *card(struct call *call)
{
    size_t len = strcspn(call->token, "/="), i;
    bool known = false;
    json_t *result;

    if (strncmp(call->token, "scenario_", 9) == 0)
        return scenario(call);
    if (json_object_get(json_object_get(call->tool, "bank_card"), "payment_token"))
        return plain(call);
    for (i = 0; i < SL_COUNT(behaviours); i++) {
        if (strlen(behaviours[i].token) == len && strncmp(behaviours[i].token, call->token, len) == 0)
            return behaviours[i].answer(call);
    }
    result = card_by_number(call, call->token, &known);
    return known ? result : NULL;
}

static json_t *processed(struct call *call)
{
    if (json_object_get(call->tool, "bank_card"))
        return card(call);
    if (json_object_get(call->tool, "payment_terminal"))
        return terminal(call);
    if (json_object_get(call->tool, "mobile_commerce"))
        return mobile(call);
    return plain(call); /* wallets, crypto currencies, recurrent resources */
}

static json_t *refunded(struct call *call)
{
    char tag[64];

    if (always_fail(call))
        return fail_always(call);
    if (strncmp(call->token, "scenario_", 9) == 0)
        return scenario_step(call);
    if (strncmp(call->token, "preauth_3ds:", 12) != 0 || state_is(call, "sleep"))
        return finish_ok(call);
    snprintf(tag, sizeof(tag), "refund-%016llx", (unsigned long long)clock_random());
    return suspend_for(call, tag, seconds_in(call->token), "suspended",
                       form_interaction(call, json_pack("{s:s}", "tag", tag)), NULL);
}

json_t *call_answer(struct call *call)
{
    if (strcmp(call->target, "processed") == 0)
        return processed(call);
    if (strcmp(call->target, "refunded") == 0)
        return refunded(call);
    if (strcmp(call->target, "captured") == 0 && !json_object_get(call->info, "capture"))
        return NULL; /* the amount to capture must be said */
    return strncmp(call->token, "scenario_", 9) == 0 ? scenario_step(call) : finish_ok(call);
}

/* ---- callbacks ---- */

static json_t *mobile_callback(struct call *call)
{
    const json_t *phone = json_object_get(json_object_get(call->tool, "mobile_commerce"), "phone");
    const char *number = json_string_value(json_object_get(phone, "ctn"));
    char tag[600];

    snprintf(tag, sizeof(tag), "%s/%s", call->invoice, call->payment);
    if (strcmp(call->payload, "mobile_commerce finish success") == 0) {
        json_t *result = finish_ok(call);

        json_object_del(result, "trx");
        return result;
    }
    if (strcmp(call->payload, "mobile_commerce failure") == 0)
        return suspend_for(call, tag, 1, "suspended", NULL,
                           json_pack("{s:{s:o}}", "operation_failure", "failure",
                                     failure_of("authorization_failed:unknown", "test")));
    return suspend_for(call, tag, 1, "suspended", NULL,
                       on_timeout_callback(number && strcmp(number, "0000000000") == 0 ? "mobile_commerce failure"
                                                                                     : "mobile_commerce finish success"));
}

json_t *call_callback(struct call *call)
{
    if (strncmp(call->payload, "mobile_commerce", 15) == 0)
        return mobile_callback(call);
    if (strcmp(call->payload, "lay low buddy") == 0)
        return json_object(); /* settles nothing */
    if (strcmp(call->token, "unexpected_failure_when_suspended") == 0)
        return NULL;
    if (state_is(call, "3ds")) { /* a card by number: the payload is the payer's answer */
        if (strstr(call->payload, "fail"))
            return finish_failure(call, "preauthorization_failed:unknown", NULL, true);
        return finish_ok(call);
    }
    return sleep_for(call, 1, "sleep", NULL, true);
}
