#include "payment/errors.h"

#include <assert.h>
#include <string.h>

#include "domain/domain.h"

static const char *const names[] = {
    [ERR_INVALID_REQUEST] = "InvalidRequest",
    [ERR_PARTY_NOT_FOUND] = "PartyNotFound",
    [ERR_SHOP_NOT_FOUND] = "ShopNotFound",
    [ERR_INVALID_PARTY_STATUS] = "InvalidPartyStatus",
    [ERR_INVALID_SHOP_STATUS] = "InvalidShopStatus",
    [ERR_INVOICE_NOT_FOUND] = "InvoiceNotFound",
    [ERR_PAYMENT_NOT_FOUND] = "InvoicePaymentNotFound",
    [ERR_INVALID_INVOICE_STATUS] = "InvalidInvoiceStatus",
    [ERR_INVALID_PAYMENT_STATUS] = "InvalidPaymentStatus",
    [ERR_PAYMENT_PENDING] = "InvoicePaymentPending",
    [ERR_INVOICE_TERMS_VIOLATED] = "InvoiceTermsViolated",
    [ERR_OPERATION_NOT_PERMITTED] = "OperationNotPermitted",
    [ERR_INVALID_RECURRENT_PARENT] = "InvalidRecurrentParentPayment",
    [ERR_INCONSISTENT_CAPTURE_CURRENCY] = "InconsistentCaptureCurrency",
    [ERR_AMOUNT_EXCEEDED_CAPTURE] = "AmountExceededCaptureBalance",
    [ERR_REPAIR_REFUSED] = "RepairRefused",
    [ERR_INCONSISTENT_REFUND_CURRENCY] = "InconsistentRefundCurrency",
    [ERR_AMOUNT_EXCEEDED] = "InvoicePaymentAmountExceeded",
    [ERR_ALLOCATION_NOT_ALLOWED] = "AllocationNotAllowed",
    [ERR_TEMPLATE_REMOVED] = "InvoiceTemplateRemoved",
    [ERR_ID_REUSED] = "IdReused",
};
_Static_assert(SL_COUNT(names) == CALL_ERRORS + 1, "every error has a name");

static const struct type_field operability_rows[] = {
    TF_VAR(operability, blocking, type_blocking),
    TF_VAR(operability, suspension, type_suspension),
};
static const struct type type_operability = TYPE_UNION_OF("OperabilityStatus", operability, operability_rows);
static const struct type_field violation_rows[] = { TF_EMPTY("invoice_unpayable") };
static const struct type type_violation = TYPE_UNION_OF("InvoiceTermsViolatedReason", terms_violation, violation_rows);

static const char *const repair_names[] = {
    [REPAIR_NO_ACTIVE_PAYMENT] = "invoice_has_no_active_payment",
    [REPAIR_ACTIVITY_MISFIT] = "activity_not_compatible_with_scenario",
    [REPAIR_ACTIVITY_MISFIT_COMPLEX] = "activity_not_compatible_with_complex_scenario",
    [REPAIR_INVALID_CHANGES] = "invalid_changes",
    [REPAIR_STEP_FAILED] = "step_failed",
    [REPAIR_MOVES_BALANCES] = "moves_balances",
};
static const struct type type_repair_refusal = TYPE_ENUM_OF("RepairRefusedReason", repair_names);

const char *call_error_name(int kind)
{
    assert(kind >= 1 && kind <= CALL_ERRORS);
    return names[kind];
}

static void member(struct buf *out, const char *name, const struct type *type, const void *value)
{
    buf_printf(out, ",\"%s\":", name);
    type_encode(type, value, out);
}

static void encode_texts(const struct call_error *error, struct buf *out)
{
    const char *const *texts = error->errors.items;
    size_t i;

    buf_str(out, ",\"errors\":[");
    for (i = 0; i < error->errors.count; i++) {
        buf_str(out, i ? ",{\"field\":" : "{\"field\":");
        type_encode(&type_str, error->field ? (const void *)&error->field : (const void *)&(const char *){ "" }, out);
        buf_str(out, ",\"message\":");
        type_encode(&type_str, &texts[i], out);
        buf_char(out, '}');
    }
    buf_char(out, ']');
}

static void encode_places(const struct type_places *places, struct buf *out)
{
    size_t i;

    buf_str(out, ",\"differs\":[");
    for (i = 0; i < places->count; i++) {
        buf_str(out, i ? "," : "");
        buf_json_str(out, places->list[i], strlen(places->list[i]));
    }
    buf_char(out, ']');
}

static void encode_capture(const struct call_error *error, struct buf *out)
{
    if (error->kind == ERR_INCONSISTENT_CAPTURE_CURRENCY) {
        member(out, "payment_currency", &type_currency_code, &error->payment_cash->currency.symbolic_code);
        member(out, "passed_currency", &type_currency_code, &error->passed_cash->currency.symbolic_code);
    } else if (error->kind == ERR_AMOUNT_EXCEEDED_CAPTURE) {
        member(out, "payment_amount", &type_amount, &error->payment_cash->amount);
        member(out, "passed_amount", &type_amount, &error->passed_cash->amount);
    }
}

void call_error_encode(const struct call_error *error, struct buf *out)
{
    if (error->errors.count)
        encode_texts(error, out);
    if (error->operability.tag)
        member(out, "state", &type_operability, &error->operability);
    if (error->invoice_status)
        member(out, "state", &type_invoice_status, error->invoice_status);
    if (error->payment_status)
        member(out, "state", &type_payment_status, error->payment_status);
    if (error->id)
        member(out, "id", &type_id, &error->id);
    if (error->reason.tag)
        member(out, "reason", &type_violation, &error->reason);
    if (error->details)
        member(out, "details", &type_str, &error->details);
    encode_capture(error, out);
    if (error->kind == ERR_INCONSISTENT_REFUND_CURRENCY)
        member(out, "currency", &type_currency_code, &error->passed_cash->currency.symbolic_code);
    if (error->differs)
        encode_places(error->differs, out);
    if (error->maximum)
        member(out, "maximum", &type_cash, error->maximum);
    if (error->repair_reason)
        member(out, "reason", &type_repair_refusal, &error->repair_reason);
    if (error->activity)
        member(out, "activity", &type_str, &error->activity);
    if (error->scenario)
        member(out, "scenario", &type_str, &error->scenario);
}

static struct call_error *error_new(const struct step_in *in, struct step_out *out, int kind)
{
    struct call_error *error = arena_alloc(in->arena, sizeof(*error));

    error->kind = kind;
    step_refuse(out, error);
    return error;
}

void refuse(const struct step_in *in, struct step_out *out, int kind)
{
    struct call_error *error = error_new(in, out, kind);

    if (kind == ERR_INVOICE_TERMS_VIOLATED)
        error->reason.tag = 1;
}

static struct call_error *invalid_request(const struct step_in *in, struct step_out *out, const char *field,
                                          const char *text)
{
    struct call_error *error = error_new(in, out, ERR_INVALID_REQUEST);
    const char **texts = arena_array(in->arena, 1, sizeof(*texts));

    texts[0] = text;
    error->errors = (struct type_list){ texts, 1 };
    error->field = field;
    return error;
}

void refuse_request(const struct step_in *in, struct step_out *out, const char *field, const char *text)
{
    invalid_request(in, out, field, text);
}

void refuse_tag(const struct step_in *in, struct step_out *out, const char *text, bool early)
{
    invalid_request(in, out, NULL, text)->early = early;
}

void refuse_invoice_status(const struct step_in *in, struct step_out *out, const struct invoice_status *status)
{
    error_new(in, out, ERR_INVALID_INVOICE_STATUS)->invoice_status = status;
}

void refuse_payment_status(const struct step_in *in, struct step_out *out, const struct payment_status *status)
{
    error_new(in, out, ERR_INVALID_PAYMENT_STATUS)->payment_status = status;
}

void refuse_capture(const struct step_in *in, struct step_out *out, int kind, const struct cash *payment_cash,
                    const struct cash *passed_cash)
{
    struct call_error *error = error_new(in, out, kind);

    error->payment_cash = payment_cash;
    error->passed_cash = passed_cash;
}

void refuse_refund_currency(const struct step_in *in, struct step_out *out, const struct cash *passed_cash)
{
    error_new(in, out, ERR_INCONSISTENT_REFUND_CURRENCY)->passed_cash = passed_cash;
}

void refuse_refund_amount(const struct step_in *in, struct step_out *out, const struct cash *maximum)
{
    error_new(in, out, ERR_AMOUNT_EXCEEDED)->maximum = arena_memdup(in->arena, maximum, sizeof(*maximum));
}

void refuse_pending(const struct step_in *in, struct step_out *out, const char *payment_id)
{
    error_new(in, out, ERR_PAYMENT_PENDING)->id = payment_id;
}

void refuse_reused(const struct step_in *in, struct step_out *out, const struct type_places *differs)
{
    error_new(in, out, ERR_ID_REUSED)->differs = differs;
}

void refuse_repair(const struct step_in *in, struct step_out *out, int reason, const char *details)
{
    struct call_error *error = error_new(in, out, ERR_REPAIR_REFUSED);

    error->repair_reason = reason;
    error->details = details;
}

void refuse_repair_scenario(const struct step_in *in, struct step_out *out, const char *activity, const char *scenario)
{
    bool complex = strcmp(scenario, "complex") == 0;
    struct call_error *error = error_new(in, out, ERR_REPAIR_REFUSED);

    error->repair_reason = complex ? REPAIR_ACTIVITY_MISFIT_COMPLEX : REPAIR_ACTIVITY_MISFIT;
    error->activity = activity;
    error->scenario = complex ? NULL : scenario;
}

void refuse_parent(const struct step_in *in, struct step_out *out, const char *details)
{
    error_new(in, out, ERR_INVALID_RECURRENT_PARENT)->details = details;
}

/* True, and refused, if BLOCK or SUSPENSION forbid it. */
static bool refuse_inoperable(const struct step_in *in, struct step_out *out, int kind, const struct blocking *block,
                              const struct suspension *suspension, bool unblocked_only)
{
    struct call_error *error;

    if (block->tag == BLOCKED) {
        error = error_new(in, out, kind);
        error->operability = (struct operability){ .tag = 1, .blocking = *block };
        return true;
    }
    if (suspension->tag == SUSPENSION_SUSPENDED && !unblocked_only) {
        error = error_new(in, out, kind);
        error->operability = (struct operability){ .tag = 2, .suspension = *suspension };
        return true;
    }
    return false;
}

const struct shop *require_operable(const struct step_in *in, struct step_out *out, const struct domain *domain,
                                    const char *party_id, const char *shop_id, bool unblocked_only)
{
    const struct party *party = domain_party(domain, party_id);
    const struct shop *shop = domain_shop(domain, party_id, shop_id);

    if (!party) {
        refuse(in, out, ERR_PARTY_NOT_FOUND);
        return NULL;
    }
    if (refuse_inoperable(in, out, ERR_INVALID_PARTY_STATUS, &party->block, &party->suspension, unblocked_only))
        return NULL;
    if (!shop) {
        refuse(in, out, ERR_SHOP_NOT_FOUND);
        return NULL;
    }
    if (refuse_inoperable(in, out, ERR_INVALID_SHOP_STATUS, &shop->block, &shop->suspension, unblocked_only))
        return NULL;
    return shop;
}
