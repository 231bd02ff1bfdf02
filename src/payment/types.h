/* The shapes of invoices and payments, as they stand in requests, events and answers.
 * Every struct has a table in types_invoice.c or types_payment.c; NULL, 0 or tag 0 means absent.
 * Ref: doc/spec/invoice.md 1-3; doc/spec/payment.md 1, 2, 6; doc/spec/session.md 14.               */
#ifndef SLUICE_PAYMENT_TYPES_H
#define SLUICE_PAYMENT_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/type.h"
#include "domain/facts.h"
#include "domain/tool.h"
#include "money/cash.h"
#include "money/cashflow.h"

/* ---- small shared types ---- */

struct content {
    const char *type;
    const char *data; /* base64 */
};

struct contact_info {
    const char *phone_number, *email, *first_name, *last_name, *country, *state, *city, *address, *postal_code,
        *date_of_birth, *document_id;
};

struct failure_sub {
    const char *code;
    const struct failure_sub *sub;
};
struct failure {
    const char *code;
    const char *reason;
    const struct failure_sub *sub;
};
struct operation_failure {
    int tag; /* OPERATION_* */
    struct failure failure;
};
enum { OPERATION_TIMEOUT = 1, OPERATION_FAILURE };

struct trx_additional_info {
    const char *rrn, *approval_code, *acs_url, *pareq, *md, *term_url, *pares, *eci, *cavv, *xid, *cavv_algorithm,
        *three_ds_verification, *short_payment_id;
    struct type_list extra_payment_info; /* map of strings */
};
struct trx {
    const char *id;
    int64_t timestamp;
    struct type_list extra; /* map of strings */
    const struct trx_additional_info *additional_info;
};

struct route {
    struct number_ref provider, terminal;
};

/* ---- invoices ---- */

struct invoice_line {
    const char *product;
    int64_t quantity;
    struct cash price;
    struct type_list metadata; /* map of raw JSON */
};
struct invoice_cart {
    struct type_list lines; /* of struct invoice_line */
};
struct russian_bank_account {
    const char *account, *bank_bik;
};
struct invoice_bank_account {
    int tag;
    struct russian_bank_account russian;
};
struct invoice_details {
    const char *product;
    const char *description;
    const struct invoice_cart *cart;
    const struct invoice_bank_account *bank_account;
};

struct invoice_client_info {
    int trust_level;
};

struct amount_mutation {
    int64_t original, mutated;
};
struct invoice_mutation { /* an applied one */
    int tag;
    struct amount_mutation amount;
};

struct reason_details {
    const char *details;
};
struct invoice_status {
    int tag; /* INVOICE_* */
    struct reason_details cancelled, fulfilled;
};
enum { INVOICE_UNPAID = 1, INVOICE_PAID, INVOICE_CANCELLED, INVOICE_FULFILLED };

struct invoice {
    const char *id;
    int64_t domain_revision;
    struct id_ref party_ref, shop_ref;
    int64_t created_at;
    struct invoice_status status;
    struct invoice_details details;
    int64_t due;
    struct cash cost;
    const struct content *context;
    const char *template_id;
    const char *external_id;
    const struct invoice_client_info *client_info;
    struct type_list mutations; /* of struct invoice_mutation */
};

/* ---- payers and flows ---- */

struct client_info {
    const char *ip_address, *fingerprint, *url, *peer_ip_address;
    struct type_list user_ip_address; /* of strings */
};
struct payment_resource { /* a disposable one */
    struct payment_tool payment_tool;
    const char *payment_session_id;
    const struct client_info *client_info;
};
struct payment_resource_payer {
    struct payment_resource resource;
    struct contact_info contact_info;
};
struct recurrent_parent {
    const char *invoice_id, *payment_id;
};
struct recurrent_payer {
    struct payment_tool payment_tool;
    struct recurrent_parent recurrent_parent;
    struct contact_info contact_info;
};
struct payer {
    int tag; /* PAYER_* */
    const struct payment_resource_payer *payment_resource;
    const struct recurrent_payer *recurrent;
};
enum { PAYER_PAYMENT_RESOURCE = 1, PAYER_RECURRENT };

struct payer_session_info {
    const char *redirect_url;
};

enum hold_expiration { ON_HOLD_CANCEL = 1, ON_HOLD_CAPTURE };
struct hold_flow {
    int on_hold_expiration;
    int64_t held_until;
};
struct payment_flow {
    int tag; /* FLOW_* */
    struct hold_flow hold;
};
enum { FLOW_INSTANT = 1, FLOW_HOLD };

/* What the card store holds: the token that a provider gave for a card on one route (payment.md 15). */
enum { CARD_TOKEN_ACTIVE = 1 };
struct card_token {
    const char *id;
    struct number_ref provider_ref, terminal_ref;
    const char *token;
    int64_t created_at;
    int status; /* CARD_TOKEN_* */
};

/* ---- payments ---- */

/* A target and the status that is reached with it have the same payload. */
struct captured {
    const char *reason;
    const struct cash *cost;
    const struct invoice_cart *cart;
    const char *allocation; /* raw */
};
struct cancelled {
    const char *reason;
};
struct failed {
    struct operation_failure failure;
};
struct target {
    int tag; /* TARGET_* */
    struct captured captured;
    struct cancelled cancelled;
};
enum { TARGET_PROCESSED = 1, TARGET_CAPTURED, TARGET_CANCELLED, TARGET_REFUNDED };
#define TARGET_COUNT 4

struct payment_status {
    int tag; /* PAYMENT_* */
    struct captured captured;
    struct cancelled cancelled;
    struct failed failed;
};
enum {
    PAYMENT_PENDING = 1,
    PAYMENT_PROCESSED,
    PAYMENT_CAPTURED,
    PAYMENT_CANCELLED,
    PAYMENT_FAILED,
    PAYMENT_REFUNDED,
    PAYMENT_CHARGED_BACK,
};

/* ---- refunds ---- */

struct refund_status {
    int tag; /* REFUND_* */
    struct failed failed;
};
enum { REFUND_PENDING = 1, REFUND_SUCCEEDED, REFUND_FAILED };

struct refund { /* InvoicePaymentRefund */
    const char *id;
    struct refund_status status;
    int64_t created_at;
    int64_t domain_revision;
    struct cash cash;
    const char *reason;
    const struct invoice_cart *cart; /* of what remains after it */
    const char *external_id;
};

struct registration_origin {
    int tag; /* ORIGIN_* */
};
enum { ORIGIN_MERCHANT = 1, ORIGIN_PROVIDER };

struct payment { /* InvoicePayment */
    const char *id;
    int64_t created_at;
    struct payment_status status;
    const struct content *context;
    struct cash cost;
    const struct cash *changed_cost;
    int64_t domain_revision;
    struct payment_flow flow;
    struct payer payer;
    const struct payer_session_info *payer_session_info;
    struct id_ref party_ref, shop_ref;
    const bool *make_recurrent, *skip_recurrent;
    const char *external_id;
    int64_t processing_deadline;
    struct registration_origin registration_origin;
    const char *customer_id;
};

/* ---- routing ---- */

struct route_scores {
    const int64_t *availability_condition, *conversion_condition, *terminal_priority_rating, *route_pin,
        *random_condition;
    const double *availability, *conversion;
    const int64_t *blacklist_condition;
};
struct route_score_entry {
    struct route route;
    struct route_scores value;
};
struct turnover_limit_ref {
    struct id_ref ref;
    int64_t upper_boundary;
    const int64_t *domain_revision;
};
struct route_limit_value {
    struct turnover_limit_ref limit;
    int64_t value;
};
struct route_limit_entry {
    struct route route;
    struct type_list value; /* of struct route_limit_value */
};
struct route_decision {
    const bool *skip_recurrent;
    const struct route *preferable; /* what would have been chosen, were all providers in good health; NULL: the same */
    const char *reject_reason;      /* the score that made the difference to it */
    const int64_t *draw;            /* the random draw, 53 bits; NULL: there were no weights to draw by */
};

/* ---- user interactions ---- */

struct redirect_get {
    const char *uri;
};
struct redirect_post {
    const char *uri;
    struct type_list form; /* map of strings */
};
struct redirect {
    int tag; /* REDIRECT_* */
    struct redirect_get get_request;
    struct redirect_post post_request;
};
enum { REDIRECT_GET = 1, REDIRECT_POST };
struct terminal_receipt {
    const char *short_payment_id;
    int64_t due;
};
struct crypto_cash {
    struct rational crypto_amount;
    const char *crypto_symbolic_code;
};
struct crypto_transfer_request {
    const char *crypto_address;
    struct crypto_cash crypto_cash;
};
struct qr_code {
    const char *payload; /* base64 */
};
struct qr_code_request {
    struct qr_code qr_code;
};
struct api_extension_request {
    const char *api_type;
};
struct user_interaction {
    int tag; /* INTERACTION_* */
    const struct redirect *redirect;
    const struct terminal_receipt *payment_terminal_reciept; /* so spelled */
    const struct crypto_transfer_request *crypto_currency_transfer_request;
    const struct qr_code_request *qr_code_display_request;
    const struct api_extension_request *api_extension_request;
};
enum {
    INTERACTION_REDIRECT = 1,
    INTERACTION_TERMINAL_RECEIPT,
    INTERACTION_CRYPTO,
    INTERACTION_QR_CODE,
    INTERACTION_API_EXTENSION,
};

/* What adapters send and get back, or the payer gets: as long as a whole answer may be (provider/http_client.h), since
 * refusing it would park a payment whose money may be taken (doc/provider-protocol.md 7). */
#define ADAPTER_TEXT_MAX (1 << 20)
extern const struct type type_adapter_text, type_adapter_base64, type_adapter_map, type_adapter_token; /* token: 1.. bytes */

extern const struct type type_reason; /* text up to 1024 bytes */
extern const struct type type_content, type_contact_info, type_failure, type_operation_failure, type_trx, type_route,
    type_routes, type_invoice_details, type_invoice_cart, type_invoice_client_info, type_invoice_mutation,
    type_invoice_mutations, type_invoice_status, type_invoice, type_payment_resource, type_payer,
    type_payer_session_info, type_payment_flow, type_target, type_payment_status, type_payment,
    type_route_scores, type_route_score_entries, type_route_limit, type_route_limit_values, type_route_limit_entries,
    type_route_decision, type_user_interaction,
    type_hold_expiration, type_card_token, type_card_tokens, type_refund_status, type_refund;

/* The sum of quantity times price over CART's lines. False: the lines are in different currencies, or the sum is not
 * within 0..CASH_MAX; *WHY is a sentence. */
bool invoice_cart_total(const struct invoice_cart *cart, struct cash *total, const char **why);

/* The amount that calculations use: changed_cost where there is one (payment.md 1). */
const struct cash *payment_cost(const struct payment *payment);
const struct payment_tool *payer_tool(const struct payer *payer);
const struct contact_info *payer_contact(const struct payer *payer);

/* "code:sub:sub" of a failure, in ARENA; NULL for an operation timeout. */
const char *failure_notation(const struct operation_failure *failure, struct arena *arena);
/* The reverse: NOTATION is "code:sub:sub", REASON may be NULL. */
struct operation_failure failure_make(struct arena *arena, const char *notation, const char *reason);

#endif
