/* The tables of small shared types and of invoices. */
#include "payment/types.h"

const struct type type_reason = TYPE_STR_IN(0, 1024);
const struct type type_adapter_text = TYPE_STR_IN(0, ADAPTER_TEXT_MAX);
const struct type type_adapter_token = TYPE_STR_IN(1, ADAPTER_TEXT_MAX);
const struct type type_adapter_base64 = { .kind = TYPE_BASE64, .size = sizeof(char *), .max = ADAPTER_TEXT_MAX };
const struct type type_adapter_map = {
    .kind = TYPE_MAP, .size = sizeof(struct type_list), .item = &type_adapter_text, .max = ADAPTER_TEXT_MAX,
    .name_max = ADAPTER_TEXT_MAX,
};
static const struct type type_text = TYPE_STR_IN(0, 1024);
static const struct type type_word = TYPE_STR_IN(1, 256);

static const struct type_field content_rows[] = {
    TF_REQ(content, type, type_word),
    TF_REQ(content, data, type_base64),
};
const struct type type_content = TYPE_STRUCT_OF("Content", content, content_rows);

static const struct type_field contact_rows[] = {
    TF_OPT(contact_info, phone_number, type_text),  TF_OPT(contact_info, email, type_text),
    TF_OPT(contact_info, first_name, type_text),    TF_OPT(contact_info, last_name, type_text),
    TF_OPT(contact_info, country, type_text),       TF_OPT(contact_info, state, type_text),
    TF_OPT(contact_info, city, type_text),          TF_OPT(contact_info, address, type_text),
    TF_OPT(contact_info, postal_code, type_text),   TF_OPT(contact_info, date_of_birth, type_text),
    TF_OPT(contact_info, document_id, type_text),
};
const struct type type_contact_info = TYPE_STRUCT_OF("ContactInfo", contact_info, contact_rows);

/* Decisions hang on codes and on the ids of transactions; on what is said beside them, none does. */
static const struct type type_code = TYPE_STR_IN(1, TYPE_STR_MAX);
static const struct type type_diagnosis = {
    .kind = TYPE_STR, .size = sizeof(char *), .max = TYPE_STR_MAX, .cut = true,
    .doc = "What is longer than 4096 bytes is cut, with the mark [cut] at its end",
};
static const struct type type_failure_sub;
static const struct type_field failure_sub_rows[] = {
    TF_REQ(failure_sub, code, type_code),
    TF_PTR(failure_sub, sub, type_failure_sub),
};
static const struct type type_failure_sub = TYPE_STRUCT_OF("SubFailure", failure_sub, failure_sub_rows);
static const struct type_field failure_rows[] = {
    TF_REQ(failure, code, type_code),
    TF_OPT(failure, reason, type_diagnosis),
    TF_PTR(failure, sub, type_failure_sub),
};
const struct type type_failure = TYPE_STRUCT_OF("Failure", failure, failure_rows);
static const struct type_field operation_failure_rows[] = {
    TF_EMPTY("operation_timeout"),
    TF_VAR(operation_failure, failure, type_failure),
};
const struct type type_operation_failure = TYPE_UNION_OF("OperationFailure", operation_failure, operation_failure_rows);

static const struct type_field additional_rows[] = {
    TF_OPT(trx_additional_info, rrn, type_adapter_text),
    TF_OPT(trx_additional_info, approval_code, type_adapter_text),
    TF_OPT(trx_additional_info, acs_url, type_adapter_text),
    TF_OPT(trx_additional_info, pareq, type_adapter_text),
    TF_OPT(trx_additional_info, md, type_adapter_text),
    TF_OPT(trx_additional_info, term_url, type_adapter_text),
    TF_OPT(trx_additional_info, pares, type_adapter_text),
    TF_OPT(trx_additional_info, eci, type_adapter_text),
    TF_OPT(trx_additional_info, cavv, type_adapter_text),
    TF_OPT(trx_additional_info, xid, type_adapter_text),
    TF_OPT(trx_additional_info, cavv_algorithm, type_adapter_text),
    TF_OPT(trx_additional_info, three_ds_verification, type_adapter_text),
    TF_OPT(trx_additional_info, short_payment_id, type_adapter_text),
    TF_OPT(trx_additional_info, extra_payment_info, type_adapter_map),
};
static const struct type type_additional = TYPE_STRUCT_OF("AdditionalTransactionInfo", trx_additional_info, additional_rows);
static const struct type_field trx_rows[] = {
    TF_REQ(trx, id, type_code),
    TF_OPT(trx, timestamp, type_time),
    TF_OPT(trx, extra, type_adapter_map),
    TF_PTR(trx, additional_info, type_additional),
};
const struct type type_trx = TYPE_STRUCT_OF("TransactionInfo", trx, trx_rows);

static const struct type_field route_rows[] = {
    TF_REQ(route, provider, type_number_ref),
    TF_REQ(route, terminal, type_number_ref),
};
const struct type type_route = TYPE_STRUCT_OF("Route", route, route_rows);
const struct type type_routes = TYPE_LIST_OF(type_route);

/* ---- invoices ---- */

static const struct type type_quantity = TYPE_I64_IN(1, 1000000);
static const struct type type_metadata = TYPE_MAP_OF(type_raw);
static const struct type_field line_rows[] = {
    TF_REQ(invoice_line, product, type_text),
    TF_REQ(invoice_line, quantity, type_quantity),
    TF_REQ(invoice_line, price, type_cash),
    TF_REQ(invoice_line, metadata, type_metadata),
};
static const struct type type_line = TYPE_STRUCT_OF("InvoiceLine", invoice_line, line_rows);
static const struct type type_lines = {
    .kind = TYPE_LIST, .size = sizeof(struct type_list), .item = &type_line, .min = 1, .max = 500,
};
static const struct type_field cart_rows[] = { TF_REQ(invoice_cart, lines, type_lines) };
const struct type type_invoice_cart = TYPE_STRUCT_OF("InvoiceCart", invoice_cart, cart_rows);

static const struct type_field russian_rows[] = {
    TF_REQ(russian_bank_account, account, type_word),
    TF_REQ(russian_bank_account, bank_bik, type_word),
};
static const struct type type_russian = TYPE_STRUCT_OF("RussianBankAccount", russian_bank_account, russian_rows);
static const struct type_field bank_account_rows[] = { TF_VAR(invoice_bank_account, russian, type_russian) };
static const struct type type_bank_account = TYPE_UNION_OF("InvoiceBankAccount", invoice_bank_account, bank_account_rows);

static const struct type_field details_rows[] = {
    TF_REQ(invoice_details, product, type_text),
    TF_OPT(invoice_details, description, type_str),
    TF_PTR(invoice_details, cart, type_invoice_cart),
    TF_PTR(invoice_details, bank_account, type_bank_account),
};
const struct type type_invoice_details = TYPE_STRUCT_OF("InvoiceDetails", invoice_details, details_rows);

static const struct type_field invoice_client_rows[] = { TF_OPT(invoice_client_info, trust_level, type_trust_level) };
const struct type type_invoice_client_info = TYPE_STRUCT_OF("InvoiceClientInfo", invoice_client_info, invoice_client_rows);

static const struct type_field amount_mutation_rows[] = {
    TF_REQ(amount_mutation, original, type_amount),
    TF_REQ(amount_mutation, mutated, type_amount),
};
static const struct type type_amount_mutation = TYPE_STRUCT_OF("AmountMutation", amount_mutation, amount_mutation_rows);
static const struct type_field mutation_rows[] = { TF_VAR(invoice_mutation, amount, type_amount_mutation) };
const struct type type_invoice_mutation = TYPE_UNION_OF("InvoiceMutation", invoice_mutation, mutation_rows);
const struct type type_invoice_mutations = TYPE_LIST_OF(type_invoice_mutation);

static const struct type_field reason_details_rows[] = { TF_REQ(reason_details, details, type_reason) };
static const struct type type_reason_details = TYPE_STRUCT_OF("ReasonDetails", reason_details, reason_details_rows);
static const struct type_field status_rows[] = {
    TF_EMPTY("unpaid"),
    TF_EMPTY("paid"),
    TF_VAR(invoice_status, cancelled, type_reason_details),
    TF_VAR(invoice_status, fulfilled, type_reason_details),
};
const struct type type_invoice_status = TYPE_UNION_OF("InvoiceStatus", invoice_status, status_rows);

static const struct type_field invoice_rows[] = {
    TF_REQ(invoice, id, type_id),
    TF_REQ(invoice, domain_revision, type_i64),
    TF_REQ(invoice, party_ref, type_id_ref),
    TF_REQ(invoice, shop_ref, type_id_ref),
    TF_REQ(invoice, created_at, type_time),
    TF_REQ(invoice, status, type_invoice_status),
    TF_REQ(invoice, details, type_invoice_details),
    TF_REQ(invoice, due, type_time),
    TF_REQ(invoice, cost, type_cash),
    TF_PTR(invoice, context, type_content),
    TF_OPT(invoice, template_id, type_id),
    TF_OPT(invoice, external_id, type_text),
    TF_PTR(invoice, client_info, type_invoice_client_info),
    TF_OPT(invoice, mutations, type_invoice_mutations),
};
const struct type type_invoice = TYPE_STRUCT_OF("Invoice", invoice, invoice_rows);

/* ---- what is often asked of them ---- */

bool invoice_cart_total(const struct invoice_cart *cart, struct cash *total, const char **why)
{
    const struct invoice_line *lines = cart->lines.items;
    __int128 sum = 0; /* thousands of lines, each a product of 64-bit numbers */
    size_t i;

    for (i = 0; i < cart->lines.count; i++) {
        if (!cash_same_currency(&lines[i].price, &lines[0].price)) {
            *why = "The lines of the cart are in different currencies";
            return false;
        }
        sum += (__int128)lines[i].price.amount * lines[i].quantity;
    }
    if (cart->lines.count == 0 || sum < 0 || sum > CASH_MAX) {
        *why = "The total of the cart is out of range";
        return false;
    }
    *total = (struct cash){ (int64_t)sum, lines[0].price.currency };
    return true;
}
