/* problem.c alone: what it hands to the server is caught here instead. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "api/request.h"

static struct {
    int status;
    json_t *json;
    char retry_after[8];
} answered;

void answer_header(struct api_request *request, const char *name, const char *value)
{
    (void)request;
    if (strcmp(name, "Retry-After") == 0)
        snprintf(answered.retry_after, sizeof(answered.retry_after), "%s", value);
}

void answer_json(struct api_request *request, int status, struct buf *json)
{
    (void)request;
    json_decref(answered.json);
    answered.status = status;
    answered.json = json_loadb(buf_text(json), json->len, JSON_REJECT_DUPLICATES, NULL);
    cr_assert(answered.json, "%s", buf_text(json));
    buf_clear(json);
}

static const char *text_of(const char *name)
{
    const char *text = json_string_value(json_object_get(answered.json, name));

    return text ? text : "";
}

/* If it fails, callers try again what was done, or give up what was not. */
Test(problem, each_kind_of_failure_has_its_status)
{
    static const struct {
        enum sl_err err;
        int status;
        const char *error;
        bool retry;
    } rows[] = {
        { SL_EINVAL, 400, "InvalidRequest", false }, { SL_ENOENT, 404, "InvoiceNotFound", false },
        { SL_ECONFLICT, 412, "Conflict", false },    { SL_EDOWN, 503, "Unavailable", true },
        { SL_ETIMEOUT, 503, "Unavailable", true },   { SL_EUNKNOWN, 504, "UnknownOutcome", false },
        { SL_EBUSY, 429, "Busy", true },             { SL_EFAILED, 423, "MachineFailed", false },
        { SL_EREFUSED, 409, "NoNeedToRepair", false }, { SL_ECORRUPT, 500, "Internal", false },
        { SL_EPROTO, 500, "Internal", false },       { SL_ESYS, 500, "Internal", false },
    };
    struct api_request request = { .arena = arena_new() };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        answered.retry_after[0] = '\0';
        answer_err(&request, rows[i].err, "InvoiceNotFound", i % 2 ? "a \"sentence\"\n" : NULL);
        cr_assert_eq(answered.status, rows[i].status, "%s", sl_err_name(rows[i].err));
        cr_assert_eq(json_integer_value(json_object_get(answered.json, "status")), rows[i].status);
        cr_assert_str_eq(text_of("error"), rows[i].error);
        cr_assert(*text_of("title") && *text_of("type"));
        cr_assert_eq(*answered.retry_after != '\0', rows[i].retry, "%s", sl_err_name(rows[i].err));
        if (i % 2)
            cr_assert_str_eq(text_of("detail"), "a \"sentence\"\n");
    }
    json_decref(answered.json);
    arena_free(request.arena);
}

/* If it fails, a refusal is answered with the status of another one. */
Test(problem, each_refusal_has_its_status_and_name)
{
    static const int statuses[CALL_ERRORS + 1] = {
        [ERR_INVALID_REQUEST] = 400, [ERR_PARTY_NOT_FOUND] = 404, [ERR_SHOP_NOT_FOUND] = 404,
        [ERR_INVALID_PARTY_STATUS] = 409, [ERR_INVALID_SHOP_STATUS] = 409, [ERR_INVOICE_NOT_FOUND] = 404,
        [ERR_PAYMENT_NOT_FOUND] = 404, [ERR_INVALID_INVOICE_STATUS] = 409, [ERR_INVALID_PAYMENT_STATUS] = 409,
        [ERR_PAYMENT_PENDING] = 409, [ERR_INVOICE_TERMS_VIOLATED] = 422, [ERR_OPERATION_NOT_PERMITTED] = 422,
        [ERR_INVALID_RECURRENT_PARENT] = 422, [ERR_REPAIR_REFUSED] = 409,
        [ERR_INCONSISTENT_CAPTURE_CURRENCY] = 422, [ERR_AMOUNT_EXCEEDED_CAPTURE] = 422,
        [ERR_INCONSISTENT_REFUND_CURRENCY] = 422, [ERR_AMOUNT_EXCEEDED] = 422, [ERR_ALLOCATION_NOT_ALLOWED] = 422,
        [ERR_TEMPLATE_REMOVED] = 410, [ERR_ID_REUSED] = 409,
    };
    static const struct cash cash = { 1, { "RUB" } };
    struct api_request request = { .arena = arena_new() };
    int kind;

    for (kind = 1; kind <= CALL_ERRORS; kind++) {
        answer_refusal(&request, &(struct call_error){ .kind = kind, .payment_cash = &cash, .passed_cash = &cash });
        cr_assert_eq(answered.status, statuses[kind], "%s: %d", call_error_name(kind), answered.status);
        cr_assert_str_eq(text_of("error"), call_error_name(kind));
    }
    json_decref(answered.json);
    arena_free(request.arena);
}

/* If it fails, a caller does not learn which payment stands in the way, or which field is wrong. */
Test(problem, what_belongs_to_a_refusal_stands_beside_it)
{
    const char *texts[] = { "Invalid amount" };
    struct api_request request = { .arena = arena_new() };
    json_t *fault;

    answer_refusal(&request, &(struct call_error){ .kind = ERR_PAYMENT_PENDING, .id = "7" });
    cr_assert_str_eq(text_of("id"), "7");
    answer_refusal(&request, &(struct call_error){ .kind = ERR_INVALID_REQUEST, .errors = { texts, 1 },
                                                   .field = "/cost/amount" });
    fault = json_array_get(json_object_get(answered.json, "errors"), 0);
    cr_assert_str_eq(json_string_value(json_object_get(fault, "field")), "/cost/amount");
    cr_assert_str_eq(json_string_value(json_object_get(fault, "message")), "Invalid amount");
    cr_assert_str_eq(text_of("detail"), "Invalid amount");
    answer_invalid(&request, "?limit", "must be a number");
    fault = json_array_get(json_object_get(answered.json, "errors"), 0);
    cr_assert_str_eq(json_string_value(json_object_get(fault, "field")), "?limit");
    json_decref(answered.json);
    arena_free(request.arena);
}
