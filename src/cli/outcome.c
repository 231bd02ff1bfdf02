/* See outcome.h. */
#include "cli/outcome.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static bool is_text(const json_t *object, const char *name, const char *text)
{
    return strcmp(text_of(object, name), text) == 0;
}

/* ---- exit codes ---- */

/* Of what is not over yet. */
static int pending_code(const json_t *object)
{
    return is_text(json_object_get(object, "machine"), "status", "failed") ? EXIT_BROKEN : EXIT_PENDING;
}

int payment_code(const json_t *payment, bool is_cancelling)
{
    if (is_text(payment, "status", "cancelled"))
        return is_cancelling ? 0 : EXIT_FAILED;
    if (is_text(payment, "status", "failed") || is_text(payment, "status", "charged_back"))
        return EXIT_FAILED;
    if (is_text(payment, "status", "captured") || is_text(payment, "status", "refunded"))
        return 0;
    return pending_code(payment);
}

int refund_code(const json_t *refund)
{
    const char *status = variant(json_object_get(refund, "status"));

    if (strcmp(status, "succeeded") == 0)
        return 0;
    return strcmp(status, "failed") == 0 ? EXIT_FAILED : pending_code(refund);
}

/* ---- lines ---- */

static void add_failure(const json_t *failure, struct buf *out)
{
    if (!failure)
        return;
    buf_printf(out, ", %s", text_of(failure, "code"));
    if (*text_of(failure, "reason"))
        buf_printf(out, ": %s", text_of(failure, "reason"));
}

void print_failure(const json_t *failure)
{
    struct buf text = BUF_EMPTY;

    add_failure(failure, &text);
    fputs(buf_text(&text), stdout);
    buf_clear(&text);
}

static void add_cause(const json_t *machine, struct buf *out)
{
    const char *cause = text_of(machine, "cause"), *reason = text_of(machine, "reason");

    if (*text_of(machine, "activity"))
        buf_printf(out, " in %s", text_of(machine, "activity"));
    if (*cause)
        buf_printf(out, ": %s", cause);
    if (*reason)
        buf_printf(out, ": %s", reason);
}

void print_machine(const json_t *machine, const char *invoice_id)
{
    struct buf text = BUF_EMPTY;

    if (is_text(machine, "status", "failed")) {
        buf_printf(&text, "failed since %s", text_of(machine, "since"));
        add_cause(machine, &text);
        say_wrapped("  machine   ", buf_text(&text));
        printf("            sluice repair %s shows what can be done\n", invoice_id);
    } else if (is_text(machine, "status", "retrying")) {
        buf_printf(&text, "retrying: attempt %lld, next try %s,",
                   (long long)json_integer_value(json_object_get(machine, "attempts")), text_of(machine, "due"));
        add_cause(machine, &text);
        say_wrapped("  machine   ", buf_text(&text));
    }
    buf_clear(&text);
}

/* "has to be sent to URL by POST, with MD=…, PaReq=…" */
static void print_next_action(const json_t *action)
{
    const json_t *redirect = json_object_get(action, "redirect"), *value;
    struct buf text = BUF_EMPTY;
    const char *name, *comma = ", with ";
    char *json;

    if (redirect) {
        buf_printf(&text, "has to be sent to %s by %s", text_of(redirect, "url"), text_of(redirect, "method"));
        json_object_foreach((json_t *)(uintptr_t)json_object_get(redirect, "form"), name, value) {
            buf_printf(&text, "%s%s=%s", comma, name, json_string_value(value));
            comma = ", ";
        }
    } else {
        json = json_dumps(action, JSON_COMPACT);
        buf_printf(&text, "has to act: %s", json);
        free(json);
    }
    say_wrapped("  payer     ", buf_text(&text));
    buf_clear(&text);
}

void print_pending(const json_t *object, const char *invoice_id)
{
    const json_t *action = json_object_get(object, "next_action"), *machine = json_object_get(object, "machine");

    if (action)
        print_next_action(action);
    print_machine(machine, invoice_id);
    if (*text_of(object, "next_try_at") && !is_text(machine, "status", "retrying"))
        printf("  next try  %s\n", text_of(object, "next_try_at"));
}

static int by_created_at(const json_t *a, const json_t *b)
{
    return strcmp(text_of(json_object_get(a, "refund"), "created_at"), text_of(json_object_get(b, "refund"), "created_at"));
}

static void add_cash(const json_t *cash, long long amount, struct buf *out)
{
    buf_printf(out, "%lld %s", amount, text_of(json_object_get(cash, "currency"), "symbolic_code"));
}

static void print_refund_line(const json_t *refund)
{
    const json_t *of = json_object_get(refund, "refund"), *cash = json_object_get(of, "cash");
    struct buf lead = BUF_EMPTY, text = BUF_EMPTY;

    buf_printf(&lead, "  refund %s  ", text_of(of, "id"));
    buf_printf(&text, "%s, ", text_of(refund, "status"));
    add_cash(cash, (long long)json_integer_value(json_object_get(cash, "amount")), &text);
    add_failure(json_object_get(refund, "failure"), &text);
    if (*text_of(of, "reason"))
        buf_printf(&text, ", %s", text_of(of, "reason"));
    say_wrapped(buf_text(&lead), buf_text(&text));
    buf_clear(&lead);
    buf_clear(&text);
}

static void print_refunds(const json_t *payment)
{
    json_t *refunds = json_sorted(json_object_get(payment, "refunds"), by_created_at), *refund;
    const json_t *cost = json_object_get(json_object_get(payment, "payment"), "cost");
    struct buf text = BUF_EMPTY;
    size_t i;

    if (json_array_size(refunds)) {
        add_cash(cost, (long long)json_integer_value(json_object_get(payment, "amount_refunded")), &text);
        buf_str(&text, " of ");
        add_cash(cost, (long long)json_integer_value(json_object_get(payment, "amount_captured")), &text);
        printf("  refunded  %s\n", buf_text(&text));
    }
    json_array_foreach(refunds, i, refund)
        print_refund_line(refund);
    json_decref(refunds);
    buf_clear(&text);
}

void print_payment_outcome(const json_t *payment)
{
    const json_t *failure = json_object_get(payment, "failure");
    struct buf text = BUF_EMPTY;

    if (failure) {
        add_failure(failure, &text);
        say_wrapped("  failure   ", buf_text(&text) + 2);
    }
    buf_clear(&text);
    print_refunds(payment);
    print_pending(payment, text_of(payment, "invoice_id"));
}

/* What a payment that is not over waits for. */
static void add_waiting(const json_t *payment, struct buf *out)
{
    const json_t *machine = json_object_get(payment, "machine");

    if (json_object_get(payment, "next_action"))
        buf_str(out, ", waits for the payer");
    else if (is_text(payment, "activity", "flow_waiting"))
        buf_str(out, ", waits for capture or cancel");
    else if (is_text(machine, "status", "failed"))
        buf_str(out, ", waits for a repair");
    else if (*text_of(payment, "next_try_at"))
        buf_printf(out, ", next try %s", text_of(payment, "next_try_at"));
    else if (!is_text(payment, "activity", "idle"))
        buf_printf(out, ", in %s", text_of(payment, "activity"));
}

void print_payment_brief(const json_t *payment)
{
    const json_t *cost = json_object_get(json_object_get(payment, "payment"), "cost");
    long long refunded = (long long)json_integer_value(json_object_get(payment, "amount_refunded"));
    struct buf text = BUF_EMPTY, lead = BUF_EMPTY;

    buf_printf(&lead, "  payment %s: ", text_of(json_object_get(payment, "payment"), "id"));
    buf_str(&text, text_of(payment, "status"));
    add_failure(json_object_get(payment, "failure"), &text);
    if (refunded) {
        buf_str(&text, ", ");
        add_cash(cost, refunded, &text);
        buf_str(&text, " refunded");
    }
    add_waiting(payment, &text);
    say_wrapped(buf_text(&lead), buf_text(&text));
    buf_clear(&lead);
    buf_clear(&text);
}
