/* What each payment tool does, call by call; the table of behaviours is at the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
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

#define CODES_MAX 16 /* of one failure; further ones are cut off */

static json_t *codes_of(const char *notation, int left)
{
    const char *colon = strchr(notation, ':');
    json_t *failure = json_object();

    json_object_set_new(failure, "code", colon ? json_stringn(notation, (size_t)(colon - notation)) : json_string(notation));
    if (colon && left > 1)
        json_object_set_new(failure, "sub", codes_of(colon + 1, left - 1));
    return failure;
}

json_t *failure_of(const char *notation, const char *reason)
{
    json_t *failure = codes_of(notation, CODES_MAX);

    if (reason)
        json_object_set_new(failure, "reason", json_string(reason));
    return failure;
}

/* What reached us, for those who test that it does. */
static json_t *trx_of(const struct call *call)
{
    const json_t *payment = json_object_get(call->info, "payment"), *service = json_object_get(payment, "payment_service");
    const json_t *url = json_object_get(json_object_get(payment, "payer_session_info"), "redirect_url");
    const json_t *given = json_object_get(payment, "trx");
    struct buf id = BUF_EMPTY;
    json_t *extra, *trx;

    if (call->by_number && given && strcmp(call->target, "processed") != 0)
        return json_deep_copy(given); /* what it was given goes back */
    extra = json_object();

    if (url)
        json_object_set(extra, "payment.payer_session_info.redirect_url", (json_t *)(uintptr_t)url);
    if (json_object_get(service, "name"))
        json_object_set(extra, "payment.payment_service.name", json_object_get(service, "name"));
    if (json_object_get(service, "brand_name"))
        json_object_set(extra, "payment.payment_service.brand_name", json_object_get(service, "brand_name"));
    if (call->by_number)
        buf_printf(&id, "%s.%s", call->invoice, call->payment);
    else if (*call->refund && strcmp(call->target, "refunded") == 0 && strncmp(call->token, "scenario_", 9) == 0)
        buf_printf(&id, "%s.%s.%s", call->payment, call->refund, call->override);
    else
        buf_printf(&id, "%s.%s", call->payment, call->override);
    trx = json_pack("{s:s,s:o,s:{s:s,s:s}}", "id", buf_text(&id), "extra", extra, "additional_info", "rrn", "rrn",
                    "approval_code", "code");
    buf_clear(&id);
    return trx;
}

static json_t *success_of(struct call *call, json_t *changed_cost)
{
    const json_t *payment = json_object_get(call->info, "payment");
    bool token = json_is_true(json_object_get(payment, "make_recurrent")) &&
                 !json_is_true(json_object_get(payment, "skip_recurrent"));
    json_t *success = json_object();

    if (token)
        json_object_set_new(success, "token", json_string(call->by_number ? call->invoice : "rec_token"));
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
    double scaled = seconds * call->mock->time_scale;
    char text[RFC3339_MAX];

    if (scaled == (double)(json_int_t)scaled)
        return json_pack("{s:I}", "timeout", (json_int_t)scaled);
    rfc3339_format(clock_wall_us() + (int64_t)(scaled * 1e6), text);
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
    json_t *intent = json_pack("{s:s,s:o}", "tag", tag, "timeout", timer_of(call, seconds)), *result;
    struct buf state = BUF_EMPTY;

    interaction_set(intent, interaction, false);
    if (behaviour)
        json_object_set_new(intent, "timeout_behaviour", behaviour);
    buf_printf(&state, "%s %s", next_state, tag); /* the tag is what a callback asks for the payment with */
    result = json_pack("{s:{s:o},s:o}", "intent", "suspend", intent, "next_state", base64_of(buf_text(&state)));
    buf_clear(&state);
    return result;
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

#define SLEEP_MAX_MS 3600000

static json_t *fail_always(struct call *call)
{
    const char *sleep_ms = json_string_value(json_object_get(call->options, "sleep_ms"));
    double ms = sleep_ms ? strtod(sleep_ms, NULL) : 0;
    struct buf reason = BUF_EMPTY;
    json_t *result;

    if (strcmp(call->target, "processed") == 0 && ms > 0 && ms <= SLEEP_MAX_MS)
        call->delay_ms = (int64_t)(ms * call->mock->time_scale);
    buf_printf(&reason, "sub failure by %s", call->override);
    result = finish_failure(call, always_fail(call), buf_text(&reason), true);
    buf_clear(&reason);
    return result;
}

static bool strikes(const struct call *call, unsigned when)
{
    return (call->strikes & when) && always_fail(call);
}

/* The call after the sleep. */
static json_t *later(struct call *call)
{
    return strikes(call, STRIKE_LATER) ? fail_always(call) : finish_ok(call);
}

/* ---- behaviours of `processed` ---- */

static json_t *plain(struct call *call)
{
    if (state_is(call, "sleep"))
        return later(call);
    return strikes(call, STRIKE_FIRST) ? fail_always(call) : sleep_for(call, 0, "sleep", NULL, false);
}

static json_t *contact(struct call *call)
{
    const json_t *contact = json_object_get(json_object_get(call->info, "payment"), "contact_info");
    const char *slash = strchr(call->token, '/');
    char *given, *encoded;
    bool equal;

    if (state_is(call, "sleep"))
        return plain(call);
    if (!json_is_object(contact)) /* nothing else is ever equal, nor can it be dumped */
        return NULL;
    given = json_dumps(contact, JSON_COMPACT | JSON_SORT_KEYS);
    encoded = base64_encode(given, strlen(given));
    equal = slash && strcmp(slash + 1, encoded) == 0;
    free(given);
    free(encoded);
    return equal ? plain(call) : NULL;
}

#define SECONDS_MAX 604800 /* a week */

/* N of "…:timeout=N". */
static double seconds_in(const char *token)
{
    const char *equals = strstr(token, "timeout=");
    double seconds = equals ? strtod(equals + strlen("timeout="), NULL) : 10;

    return seconds >= 0 && seconds <= SECONDS_MAX ? seconds : SECONDS_MAX; /* also when it is not a number */
}

static json_t *three_ds(struct call *call)
{
    char tag[64];
    json_t *form;

    if (state_is(call, "sleep"))
        return later(call);
    if (strikes(call, STRIKE_FIRST) && !json_object_get(call->options, "allow_ui"))
        return fail_always(call);
    snprintf(tag, sizeof(tag), "payment-%016llx", (unsigned long long)clock_random());
    form = form_interaction(call, json_pack("{s:s}", "tag", tag));
    return suspend_for(call, tag, seconds_in(call->token), "suspended", form, NULL);
}

#define POLLS_MAX 3

static int64_t count_poll(struct call *call)
{
    char name[NAME_BYTES];
    int64_t count;

    snprintf(name, sizeof(name), "polls/%s/%s", call->invoice, call->payment);
    count = book_mark(call->mock->book, name) + 1;
    book_mark_set(call->mock->book, name, count);
    return count;
}

static json_t *off_site(struct call *call)
{
    char name[NAME_BYTES];

    if (!state_is(call, "polling")) {
        snprintf(name, sizeof(name), "form/%s/%s", call->invoice, call->payment);
        book_mark_set(call->mock->book, name, 1);
        return sleep_for(call, 1, "polling",
                         form_interaction(call, json_pack("{s:s,s:s}", "invoice_id", call->invoice, "payment_id", call->payment)),
                         false);
    }
    snprintf(name, sizeof(name), "confirmed/%s/%s", call->invoice, call->payment);
    if (book_mark(call->mock->book, name))
        return finish_ok(call);
    if (count_poll(call) > POLLS_MAX)
        return finish_failure(call, "authorization_failed:unknown", NULL, false);
    return sleep_for(call, 1, "polling", NULL, false);
}

static json_t *change_cash(struct call *call, bool increase)
{
    json_int_t amount = json_integer_value(json_object_get(call->cost, "amount"));
    json_int_t twice;
    json_t *changed;

    if (!state_is(call, "sleep"))
        return sleep_for(call, 0, "sleep", NULL, false);
    if (__builtin_mul_overflow(amount, 2, &twice))
        return NULL;
    changed = plain_cash(call->cost);
    json_object_set_new(changed, "amount", json_integer(increase ? twice : amount / 2));
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
        return strikes(call, STRIKE_LATER) ? fail_always(call) : NULL;
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
    char tag[NAME_BYTES];
    json_t *receipt;

    if (state_is(call, "sleep"))
        return later(call);
    snprintf(tag, sizeof(tag), "%s.%s", call->invoice, call->payment);
    receipt = json_pack("{s:{s:s,s:O}}", "payment_terminal_reciept", "short_payment_id", tag, "due",
                        json_object_get(json_object_get(call->info, "invoice"), "due"));
    return suspend_for(call, tag, 2, "suspended", receipt, NULL);
}

static json_t *mobile(struct call *call)
{
    char tag[NAME_BYTES];

    if (call->by_number)
        return phone_by_number(call);
    snprintf(tag, sizeof(tag), "%s/%s", call->invoice, call->payment);
    return suspend_for(call, tag, 0, "suspended", NULL, on_timeout_callback("mobile_commerce"));
}

static const struct behaviour {
    const char *token;
    bool open; /* a longer token that begins so is meant too */
    unsigned strikes;
    json_t *(*answer)(struct call *call);
} behaviours[] = {
    { "no_preauth", false, STRIKE_FIRST | STRIKE_LATER, plain },
    { "empty_cvv", false, STRIKE_LATER, plain },
    { "inspector_fail_first", false, 0, plain },
    { "inspector_fail_all", false, STRIKE_LATER, plain },
    { "preauth_3ds:timeout=", true, STRIKE_FIRST | STRIKE_LATER, three_ds },
    { "preauth_3ds_offsite", false, 0, off_site },
    { "change_cash_increase", false, 0, cash_increase },
    { "change_cash_decrease", false, 0, cash_decrease },
    { "scenario_", true, 0, scenario },
    { "assert_contact_info", false, STRIKE_FIRST | STRIKE_LATER, contact },
    { "unexpected_failure", false, STRIKE_LATER, unexpected_failure },
    { "unexpected_failure_no_trx", false, 0, unexpected },
    { "unexpected_failure_when_suspended", false, 0, unexpected_suspended },
    { "forbidden", false, 0, unexpected },
};

/* A token is compared whole first, and then without what follows its first slash. No token has a slash of
 * its own, so one comparison up to the slash says the same. */
static const struct behaviour *behaviour_of(const char *token)
{
    size_t len = strcspn(token, "/"), i;

    for (i = 0; i < SL_COUNT(behaviours); i++) {
        size_t own = strlen(behaviours[i].token);

        if ((behaviours[i].open ? len >= own : len == own) && strncmp(behaviours[i].token, token, own) == 0)
            return &behaviours[i];
    }
    return NULL;
}

static json_t *card(struct call *call)
{
    const struct behaviour *behaviour = behaviour_of(call->token);

    if (behaviour) {
        call->strikes = behaviour->strikes;
        return behaviour->answer(call);
    }
    if (call->by_number)
        return card_by_number(call);
    call->strikes = STRIKE_LATER;
    return json_object_get(json_object_get(call->tool, "bank_card"), "payment_token") ? plain(call) : NULL;
}

static json_t *processed(struct call *call)
{
    call->strikes = STRIKE_LATER;
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
    call->by_number = card_number_of(call->token) || phone_is_known(call);
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
    const char *cc = json_string_value(json_object_get(phone, "cc"));
    bool unlucky = cc && number && strcmp(cc, "777") == 0 && strcmp(number, "0000000000") == 0;
    char tag[NAME_BYTES];

    snprintf(tag, sizeof(tag), "%s/%s", call->invoice, call->payment);
    if (strcmp(call->payload, "mobile_commerce finish success") == 0) {
        effect_set(call, NULL);
        return json_pack("{s:{s:{s:{s:{}}}}}", "intent", "finish", "status", "success"); /* no token, no trx */
    }
    if (strcmp(call->payload, "mobile_commerce failure") == 0)
        return suspend_for(call, tag, 1, "suspended", NULL,
                           json_pack("{s:{s:o}}", "operation_failure", "failure",
                                     failure_of("authorization_failed:unknown", "test")));
    return suspend_for(call, tag, 1, "suspended", NULL,
                       on_timeout_callback(unlucky ? "mobile_commerce failure" : "mobile_commerce finish success"));
}

json_t *call_callback(struct call *call)
{
    bool processing = strcmp(call->target, "processed") == 0;
    const struct behaviour *behaviour = behaviour_of(call->token);

    call->by_number = card_number_of(call->token) || phone_is_known(call);
    if (!state_is(call, "suspended"))
        return NULL; /* nothing waits for it */
    if (processing && strcmp(call->payload, "lay low buddy") == 0)
        return json_object(); /* settles nothing */
    if (processing && behaviour && behaviour->answer == unexpected_suspended)
        return NULL;
    if (processing && json_object_get(call->tool, "mobile_commerce"))
        return mobile_callback(call);
    if (processing && call->by_number)
        return card_callback(call);
    return sleep_for(call, 1, "sleep", NULL, true);
}
