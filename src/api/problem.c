/* Answers that are not a success: problem+json (RFC 9457), one mapping of errors to statuses.
 * Ref: doc/http-api.md, Errors; doc/spec/api.md 1. */
#include <stdio.h>
#include <string.h>

#include "api/problem.h"
#include "api/request.h"

static void text_member(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "\"%s\":", name);
    buf_json_str(out, value, strlen(value));
}

void problem_write(struct buf *out, int status, const char *error, const char *detail, const char *members)
{
    buf_str(out, "{\"type\":\"about:blank\",");
    text_member(out, "title", error);
    buf_printf(out, ",\"status\":%d,", status);
    if (detail) {
        text_member(out, "detail", detail);
        buf_char(out, ',');
    }
    text_member(out, "error", error);
    /* A member called `status` is the HTTP status: an object's status goes beside it under its own name. */
    if (members)
        buf_str(out, members);
    buf_char(out, '}');
}

void answer_problem(struct api_request *request, int status, const char *error, const char *detail, const char *members)
{
    struct buf json = BUF_EMPTY;

    problem_write(&json, status, error, detail, members);
    answer_json(request, status, &json);
}

void answer_faults(struct api_request *request, int status, const struct type_errors *errors)
{
    struct buf members = BUF_EMPTY;
    size_t i;

    buf_str(&members, ",\"errors\":[");
    for (i = 0; i < errors->count; i++) {
        buf_str(&members, i ? ",{" : "{");
        text_member(&members, "field", errors->list[i].path);
        buf_char(&members, ',');
        text_member(&members, "message", errors->list[i].message);
        buf_char(&members, '}');
    }
    buf_char(&members, ']');
    answer_problem(request, status, "InvalidRequest", "the request is malformed", buf_text(&members));
    buf_clear(&members);
}

void answer_invalid(struct api_request *request, const char *field, const char *message)
{
    struct type_errors errors = { 0 };

    type_error_add(&errors, request->arena, field, "%s", message);
    answer_faults(request, 400, &errors);
}

static const struct {
    const char *error, *noun;
} nouns[] = {
    { "InvoiceNotFound", "invoice" },
    { "InvoiceTemplateNotFound", "invoice template" },
    { "PaymentNotFound", "payment" },
    { "CustomerNotFound", "customer" },
    { "AccountNotFound", "account" },
    { "LimitNotFound", "limit" },
    { "VersionNotFound", "revision of the configuration" },
};

/* What "InvoiceNotFound" is about: "invoice". */
static const char *noun_of(const char *what)
{
    size_t i;

    for (i = 0; what && i < SL_COUNT(nouns); i++) {
        if (strcmp(nouns[i].error, what) == 0)
            return nouns[i].noun;
    }
    return "object";
}

void answer_not_found(struct api_request *request, const char *what)
{
    answer_problem(request, 404, what, arena_printf(request->arena, "there is no such %s", noun_of(what)), NULL);
}

/* Errors whose detail says how Sluice works inside: addresses, keys, what Redis answered. */
static bool is_internal(enum sl_err err)
{
    return err == SL_EDOWN || err == SL_ETIMEOUT || err == SL_EUNKNOWN || err == SL_EPROTO || err == SL_ECORRUPT ||
           err == SL_ESYS;
}

void answer_err(struct api_request *request, enum sl_err err, const char *what, const char *detail)
{
    if (is_internal(err) && request_is_merchant(request))
        detail = NULL;
    switch (err) {
    case SL_ENOENT:
        if (detail)
            answer_problem(request, 404, what, detail, NULL);
        else
            answer_not_found(request, what);
        break;
    case SL_EFAILED: answer_problem(request, 423, "MachineFailed", detail, NULL); break;
    case SL_EREFUSED: answer_problem(request, 409, "NoNeedToRepair", detail, NULL); break;
    case SL_EBUSY:
        answer_header(request, "Retry-After", "1");
        answer_problem(request, 429, "Busy", detail, NULL);
        break;
    case SL_EUNKNOWN:
        answer_problem(request, 504, "UnknownOutcome",
                       detail ? detail : "it may have been done: read the state before trying again", NULL);
        break;
    case SL_ETIMEOUT:
    case SL_EDOWN:
        answer_header(request, "Retry-After", "1");
        answer_problem(request, 503, "Unavailable", detail ? detail : "nothing was done; try again", NULL);
        break;
    case SL_EINVAL: answer_problem(request, 400, "InvalidRequest", detail, NULL); break;
    case SL_ECONFLICT: answer_problem(request, 412, "Conflict", detail, NULL); break;
    case SL_OK:
    case SL_EEXIST:
    case SL_EPROTO:
    case SL_ECORRUPT:
    case SL_ESYS:
        answer_problem(request, 500, "Internal", detail, NULL);
        break;
    }
}

int refusal_status(int kind)
{
    switch ((enum call_error_kind)kind) {
    case ERR_INVALID_REQUEST: return 400;
    case ERR_PARTY_NOT_FOUND:
    case ERR_SHOP_NOT_FOUND:
    case ERR_INVOICE_NOT_FOUND:
    case ERR_PAYMENT_NOT_FOUND: return 404;
    case ERR_INVALID_PARTY_STATUS:
    case ERR_INVALID_SHOP_STATUS:
    case ERR_INVALID_INVOICE_STATUS:
    case ERR_INVALID_PAYMENT_STATUS:
    case ERR_PAYMENT_PENDING:
    case ERR_REPAIR_REFUSED:
    case ERR_ID_REUSED: return 409;
    case ERR_TEMPLATE_REMOVED: return 410;
    case ERR_INVOICE_TERMS_VIOLATED:
    case ERR_OPERATION_NOT_PERMITTED:
    case ERR_INVALID_RECURRENT_PARENT:
    case ERR_INCONSISTENT_CAPTURE_CURRENCY:
    case ERR_AMOUNT_EXCEEDED_CAPTURE:
    case ERR_INCONSISTENT_REFUND_CURRENCY:
    case ERR_AMOUNT_EXCEEDED:
    case ERR_ALLOCATION_NOT_ALLOWED: break;
    }
    return 422;
}

void answer_refusal(struct api_request *request, const struct call_error *error)
{
    const char *const *texts = error->errors.items;
    struct buf members = BUF_EMPTY;

    call_error_encode(error, &members);
    answer_problem(request, refusal_status(error->kind), call_error_name(error->kind),
                   error->errors.count ? texts[0] : NULL, members.len ? buf_text(&members) : NULL);
    buf_clear(&members);
}

/* What the runtime says of any machine, said of WHAT it is; else its own DETAIL. */
static const char *detail_of(struct api_request *request, enum sl_err err, const char *what, const char *detail)
{
    const char *noun = noun_of(what);

    if (err == SL_ENOENT)
        return NULL;
    if (err == SL_EFAILED)
        return arena_printf(request->arena, "the %s has failed and waits for a repair by an operator", noun);
    if (err == SL_EREFUSED)
        return arena_printf(request->arena, "the %s works; there is nothing to repair", noun);
    if (err == SL_EBUSY)
        return arena_printf(request->arena, "too many requests wait for this %s", noun);
    if (err == SL_ETIMEOUT)
        return arena_printf(request->arena, "others were busy with this %s for too long; nothing was done", noun);
    return detail;
}

void answer_reused(struct api_request *request, const struct type_places *differs)
{
    answer_refusal(request, &(struct call_error){ .kind = ERR_ID_REUSED, .differs = differs });
}

bool answer_failed(struct api_request *request, const struct runtime_result *result, const char *what)
{
    const char *detail = detail_of(request, result->err, what, result->detail);

    if (result->refused) {
        answer_refusal(request, result->reply);
        return true;
    }
    if (result->err == SL_ECONFLICT) {
        answer_problem(request, 422, "IdempotencyKeyReused", result->detail, NULL);
        return true;
    }
    if (result->err == SL_EFAILED && result->activity) {
        answer_problem(request, 423, "MachineFailed", detail,
                       arena_printf(request->arena, ",\"activity\":\"%s\"", result->activity));
        return true;
    }
    if (!result->err && result->repeated)
        answer_header(request, "Idempotent-Replayed", "true");
    if (!result->err)
        return false;
    answer_err(request, result->err, what, detail);
    return true;
}
