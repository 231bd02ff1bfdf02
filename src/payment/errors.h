/* Refusals of calls: the errors that callers may see, with their fields.
 * Ref: doc/spec/api.md 1. */
#ifndef SLUICE_PAYMENT_ERRORS_H
#define SLUICE_PAYMENT_ERRORS_H

#include "base/type_differ.h"
#include "domain/objects.h"
#include "engine/machine.h"
#include "payment/types.h"

enum call_error_kind {
    ERR_INVALID_REQUEST = 1,
    ERR_PARTY_NOT_FOUND,
    ERR_SHOP_NOT_FOUND,
    ERR_INVALID_PARTY_STATUS,
    ERR_INVALID_SHOP_STATUS,
    ERR_INVOICE_NOT_FOUND,
    ERR_PAYMENT_NOT_FOUND, /* InvoicePaymentNotFound */
    ERR_INVALID_INVOICE_STATUS,
    ERR_INVALID_PAYMENT_STATUS,
    ERR_PAYMENT_PENDING, /* InvoicePaymentPending */
    ERR_INVOICE_TERMS_VIOLATED,
    ERR_OPERATION_NOT_PERMITTED,
    ERR_INVALID_RECURRENT_PARENT,
    ERR_INCONSISTENT_CAPTURE_CURRENCY,
    ERR_AMOUNT_EXCEEDED_CAPTURE, /* AmountExceededCaptureBalance */
    ERR_REPAIR_REFUSED,
    ERR_INCONSISTENT_REFUND_CURRENCY,
    ERR_AMOUNT_EXCEEDED, /* InvoicePaymentAmountExceeded */
    ERR_ALLOCATION_NOT_ALLOWED,
    ERR_TEMPLATE_REMOVED, /* InvoiceTemplateRemoved */
    ERR_ID_REUSED,        /* IdReused: the id that the caller chose is that of an object with other content */
};
#define CALL_ERRORS 21

/* A party's or shop's reason not to be operable. */
struct operability {
    int tag;
    struct blocking blocking;
    struct suspension suspension;
};

struct terms_violation {
    int tag; /* 1: invoice_unpayable */
};

/* What stands beside the error's name. Members that do not belong to KIND are absent. */
struct call_error {
    int kind;                     /* enum call_error_kind */
    struct type_list errors;      /* InvalidRequest: strings for people */
    const char *field;            /* InvalidRequest: JSON pointer of the culprit; NULL: none */
    struct operability operability;
    const struct invoice_status *invoice_status;
    const struct payment_status *payment_status;
    const char *id;               /* InvoicePaymentPending */
    struct terms_violation reason;
    const char *details;          /* InvalidRecurrentParentPayment, RepairRefused */
    const struct cash *payment_cash, *passed_cash; /* InconsistentCaptureCurrency: their currencies;
                                     AmountExceededCaptureBalance: their amounts; both given.
                                     InconsistentRefundCurrency: the currency of PASSED_CASH */
    const struct type_places *differs; /* IdReused: which members of the request the object was not made with */
    const struct cash *maximum;   /* InvoicePaymentAmountExceeded */
    bool early;                   /* a callback for a suspension that is not committed yet: to be asked again
                                     soon; not for callers */
    int repair_reason;            /* RepairRefused: REPAIR_* below */
    const char *activity, *scenario; /* RepairRefused: which do not go together; NULL: not about that */
};

/* Why a repair was refused; the machine is as before. */
enum repair_refusal {
    REPAIR_NO_ACTIVE_PAYMENT = 1,
    REPAIR_ACTIVITY_MISFIT,         /* the scenario is not for what the payment is doing */
    REPAIR_ACTIVITY_MISFIT_COMPLEX, /* none of the scenarios is */
    REPAIR_INVALID_CHANGES,
    REPAIR_STEP_FAILED,             /* with the scenario, the step ended like the one that failed */
    REPAIR_MOVES_BALANCES,          /* and it did not say that it may */
};

/* "InvalidRequest" */
const char *call_error_name(int kind);
/* Appends the members beside the name, e.g. `,"state":{…}`; nothing if there are none. What doc/spec/api.md calls
 * `status` is `state` here: in problem+json `status` is the HTTP status. */
void call_error_encode(const struct call_error *error, struct buf *out);

/* Of an InvalidRequest, wherever an allocation is asked for but in refunds, which have an error of their own. */
#define ALLOCATION_REFUSED "Split payments are not supported"

/* Each ends the step with STEP_REFUSED. */
void refuse(const struct step_in *in, struct step_out *out, int kind);
/* InvalidRequest with one text; FIELD may be NULL. */
void refuse_request(const struct step_in *in, struct step_out *out, const char *field, const char *text);
/* InvalidRequest: nobody waits under a tag. EARLY: somebody may do so in a moment. */
void refuse_tag(const struct step_in *in, struct step_out *out, const char *text, bool early);
void refuse_invoice_status(const struct step_in *in, struct step_out *out, const struct invoice_status *status);
void refuse_payment_status(const struct step_in *in, struct step_out *out, const struct payment_status *status);
/* ERR_INCONSISTENT_CAPTURE_CURRENCY or ERR_AMOUNT_EXCEEDED_CAPTURE. The cash is kept by pointer. */
void refuse_capture(const struct step_in *in, struct step_out *out, int kind, const struct cash *payment_cash,
                    const struct cash *passed_cash);
/* PASSED_CASH is kept by pointer, MAXIMUM copied. */
void refuse_refund_currency(const struct step_in *in, struct step_out *out, const struct cash *passed_cash);
void refuse_refund_amount(const struct step_in *in, struct step_out *out, const struct cash *maximum);
void refuse_pending(const struct step_in *in, struct step_out *out, const char *payment_id);
/* InvalidRecurrentParentPayment; DETAILS is kept by pointer. */
void refuse_parent(const struct step_in *in, struct step_out *out, const char *details);

/* IdReused; DIFFERS is kept by pointer. */
void refuse_reused(const struct step_in *in, struct step_out *out, const struct type_places *differs);

/* RepairRefused; DETAILS (kept) may be NULL. */
void refuse_repair(const struct step_in *in, struct step_out *out, int reason, const char *details);
/* The same for SCENARIO (its name) that does not fit ACTIVITY. */
void refuse_repair_scenario(const struct step_in *in, struct step_out *out, const char *activity, const char *scenario);

/* Refuses unless party and shop exist at DOMAIN and are operable (domain.md 3.5): unblocked, and active too
 * unless UNBLOCKED_ONLY; the party before the shop. The shop, or NULL after a refusal. */
const struct shop *require_operable(const struct step_in *in, struct step_out *out, const struct domain *domain,
                                    const char *party_id, const char *shop_id, bool unblocked_only);

#endif
