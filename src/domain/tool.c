#include "domain/tool.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/pan.h"
#include "base/xmalloc.h"

static const char *const tokenization_names[] = { [TOKENIZATION_DPAN] = "dpan", [TOKENIZATION_NONE] = "none" };
const struct type type_tokenization = TYPE_ENUM_OF("TokenizationMethod", tokenization_names);

static const struct type_field ref_rows[] = { TF_REQ(id_ref, id, type_id) };
const struct type type_payment_system_ref = TYPE_STRUCT_OF("PaymentSystemRef", id_ref, ref_rows);
const struct type type_payment_service_ref = TYPE_STRUCT_OF("PaymentServiceRef", id_ref, ref_rows);
const struct type type_payment_token_ref = TYPE_STRUCT_OF("PaymentTokenRef", id_ref, ref_rows);
const struct type type_mobile_operator_ref = TYPE_STRUCT_OF("MobileOperatorRef", id_ref, ref_rows);
const struct type type_crypto_currency_ref = TYPE_STRUCT_OF("CryptoCurrencyRef", id_ref, ref_rows);

/* ---- tools ---- */

static const struct type type_month = TYPE_I64_IN(1, 12);
static const struct type type_year = TYPE_I64_IN(1970, 9999);
static const struct type_field exp_date_rows[] = {
    TF_REQ(card_exp_date, month, type_month),
    TF_REQ(card_exp_date, year, type_year),
};
static const struct type type_exp_date = TYPE_STRUCT_OF("CardExpDate", card_exp_date, exp_date_rows);

static const struct type type_token = {
    .kind = TYPE_STR, .size = sizeof(char *), .min = 1, .max = 256, .pan_min = PAN_DIGITS_MIN,
};
static const struct type type_wallet_id = { /* telephone numbers have up to 15 digits */
    .kind = TYPE_STR, .size = sizeof(char *), .min = 1, .max = 512, .pan_min = 16,
};
static const struct type type_bin = TYPE_STR_IN(0, 8);
static const struct type type_last_digits = TYPE_STR_IN(0, 4);
static const struct type type_country = TYPE_STR_IN(3, 3);
static const struct type type_name = TYPE_STR_IN(1, 512);
static const struct type_field bank_card_rows[] = {
    TF_REQ(bank_card, token, type_token),
    TF_PTR(bank_card, payment_system, type_payment_system_ref),
    TF_REQ(bank_card, bin, type_bin),
    TF_REQ(bank_card, last_digits, type_last_digits),
    TF_PTR(bank_card, payment_token, type_payment_token_ref),
    TF_OPT(bank_card, tokenization_method, type_tokenization),
    TF_OPT(bank_card, issuer_country, type_country),
    TF_OPT(bank_card, bank_name, type_name),
    TF_OPT(bank_card, metadata, type_raw),
    TF_PTR(bank_card, is_cvv_empty, type_bool),
    TF_PTR(bank_card, exp_date, type_exp_date),
    TF_OPT(bank_card, cardholder_name, type_name),
    TF_OPT(bank_card, category, type_name),
};
static const struct type type_bank_card = TYPE_STRUCT_OF("BankCard", bank_card, bank_card_rows);

static const struct type_field terminal_rows[] = {
    TF_PTR(payment_terminal, payment_service, type_payment_service_ref),
    TF_OPT(payment_terminal, metadata, type_raw),
};
static const struct type type_terminal_tool = TYPE_STRUCT_OF("PaymentTerminal", payment_terminal, terminal_rows);
static const struct type_field wallet_rows[] = {
    TF_PTR(digital_wallet, payment_service, type_payment_service_ref),
    TF_REQ(digital_wallet, id, type_wallet_id),
    TF_OPT(digital_wallet, token, type_token),
    TF_OPT(digital_wallet, account_name, type_name),
    TF_OPT(digital_wallet, account_identity_number, type_name),
};
static const struct type type_wallet_tool = TYPE_STRUCT_OF("DigitalWallet", digital_wallet, wallet_rows);
static const struct type type_cc = TYPE_STR_IN(1, 3);
static const struct type type_ctn = TYPE_STR_IN(1, 15);
static const struct type_field phone_rows[] = { TF_REQ(mobile_phone, cc, type_cc), TF_REQ(mobile_phone, ctn, type_ctn) };
static const struct type type_phone = TYPE_STRUCT_OF("MobilePhone", mobile_phone, phone_rows);
static const struct type_field mobile_rows[] = {
    TF_PTR(mobile_commerce, operator, type_mobile_operator_ref),
    TF_REQ(mobile_commerce, phone, type_phone),
};
static const struct type type_mobile_tool = TYPE_STRUCT_OF("MobileCommerce", mobile_commerce, mobile_rows);
static const struct type_field content_rows[] = {
    TF_REQ(tool_content, type, type_name),
    TF_REQ(tool_content, data, type_base64),
};
static const struct type type_tool_content = TYPE_STRUCT_OF("Content", tool_content, content_rows);
static const struct type_field generic_rows[] = {
    TF_PTR(generic_tool, payment_service, type_payment_service_ref),
    TF_PTR(generic_tool, data, type_tool_content),
};
static const struct type type_generic_tool = TYPE_STRUCT_OF("GenericPaymentTool", generic_tool, generic_rows);
static const struct type_field crypto_rows[] = { TF_REQ(crypto_currency, id, type_crypto_currency_ref) };
static const struct type type_crypto_tool = TYPE_STRUCT_OF("CryptoCurrency", crypto_currency, crypto_rows);

static const struct type_field tool_rows[] = {
    TF_VARP(payment_tool, bank_card, type_bank_card),
    TF_VARP(payment_tool, payment_terminal, type_terminal_tool),
    TF_VARP(payment_tool, digital_wallet, type_wallet_tool),
    TF_VARP(payment_tool, mobile_commerce, type_mobile_tool),
    TF_VARP(payment_tool, crypto_currency, type_crypto_tool),
    TF_VARP(payment_tool, generic, type_generic_tool),
};
const struct type type_payment_tool = TYPE_UNION_OF("PaymentTool", payment_tool, tool_rows);

/* ---- methods ---- */

static const struct type_field card_method_rows[] = {
    TF_PTR(card_method, payment_system, type_payment_system_ref),
    TF_PTR(card_method, is_cvv_empty, type_bool),
    TF_PTR(card_method, payment_token, type_payment_token_ref),
    TF_OPT(card_method, tokenization_method, type_tokenization),
};
static const struct type type_card_method = TYPE_STRUCT_OF("BankCardMethod", card_method, card_method_rows);
static const struct type_field generic_method_rows[] = { TF_PTR(generic_method, payment_service, type_payment_service_ref) };
static const struct type type_generic_method = TYPE_STRUCT_OF("GenericMethod", generic_method, generic_method_rows);
static const struct type_field method_rows[] = {
    TF_VAR(payment_method, bank_card, type_card_method),
    TF_VARP(payment_method, payment_terminal, type_payment_service_ref),
    TF_VARP(payment_method, digital_wallet, type_payment_service_ref),
    TF_VARP(payment_method, mobile, type_mobile_operator_ref),
    TF_VARP(payment_method, crypto_currency, type_crypto_currency_ref),
    TF_VAR(payment_method, generic, type_generic_method),
};
const struct type type_payment_method = TYPE_UNION_OF("PaymentMethod", payment_method, method_rows);
static const struct type_field method_ref_rows[] = { TF_REQ(payment_method_ref, id, type_payment_method) };
const struct type type_payment_method_ref = TYPE_STRUCT_OF("PaymentMethodRef", payment_method_ref, method_ref_rows);

static bool card_method_of(const struct bank_card *card, struct payment_method *out)
{
    out->bank_card = (struct card_method){
        .payment_system = card->payment_system, .is_cvv_empty = card->is_cvv_empty,
        .payment_token = card->payment_token, .tokenization_method = card->tokenization_method,
    };
    out->tag = METHOD_BANK_CARD;
    return true;
}

bool tool_method(const struct payment_tool *tool, struct payment_method *out)
{
    memset(out, 0, sizeof(*out));
    switch (tool->tag) {
    case TOOL_BANK_CARD: return card_method_of(tool->bank_card, out);
    case TOOL_PAYMENT_TERMINAL:
        out->tag = METHOD_PAYMENT_TERMINAL;
        out->payment_terminal = tool->payment_terminal->payment_service;
        return out->payment_terminal != NULL;
    case TOOL_DIGITAL_WALLET:
        out->tag = METHOD_DIGITAL_WALLET;
        out->digital_wallet = tool->digital_wallet->payment_service;
        return out->digital_wallet != NULL;
    case TOOL_MOBILE_COMMERCE:
        out->tag = METHOD_MOBILE;
        out->mobile = tool->mobile_commerce->operator;
        return out->mobile != NULL;
    case TOOL_CRYPTO_CURRENCY:
        out->tag = METHOD_CRYPTO_CURRENCY;
        out->crypto_currency = &tool->crypto_currency->id;
        return true;
    case TOOL_GENERIC:
        out->tag = METHOD_GENERIC;
        out->generic.payment_service = tool->generic->payment_service;
        return out->generic.payment_service != NULL;
    default: return false;
    }
}

static bool is_json_mime(const char *type)
{
    static const char instance[] = "application/schema-instance+json";

    if (strcmp(type, "application/json") == 0)
        return true;
    /* Parameters may follow; strchr finds the end of the text as well. */
    return strncmp(type, instance, sizeof(instance) - 1) == 0 && strchr("; ", type[sizeof(instance) - 1]);
}

char *tool_content_text(const struct tool_content *data, const struct type_list *path)
{
    const char *const *names = path->items;
    json_t *document, *value;
    char *bytes, *text;
    size_t len, i;

    if (!data || !is_json_mime(data->type))
        return NULL;
    bytes = base64_decode(data->data, &len);
    document = value = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
    free(bytes);
    for (i = 0; i < path->count && value; i++)
        value = json_object_get(value, names[i]);
    text = json_is_string(value) ? xstrdup(json_string_value(value)) : NULL;
    json_decref(document);
    return text;
}

static bool ref_equal(const struct id_ref *a, const struct id_ref *b)
{
    return a && b ? strcmp(a->id, b->id) == 0 : a == b;
}

static bool card_method_equal(const struct card_method *a, const struct card_method *b)
{
    bool a_empty = a->is_cvv_empty && *a->is_cvv_empty, b_empty = b->is_cvv_empty && *b->is_cvv_empty;

    return ref_equal(a->payment_system, b->payment_system) && a_empty == b_empty &&
           ref_equal(a->payment_token, b->payment_token) && a->tokenization_method == b->tokenization_method;
}

bool method_equal(const struct payment_method *a, const struct payment_method *b)
{
    if (a->tag != b->tag)
        return false;
    switch (a->tag) {
    case METHOD_BANK_CARD: return card_method_equal(&a->bank_card, &b->bank_card);
    case METHOD_PAYMENT_TERMINAL: return ref_equal(a->payment_terminal, b->payment_terminal);
    case METHOD_DIGITAL_WALLET: return ref_equal(a->digital_wallet, b->digital_wallet);
    case METHOD_MOBILE: return ref_equal(a->mobile, b->mobile);
    case METHOD_CRYPTO_CURRENCY: return ref_equal(a->crypto_currency, b->crypto_currency);
    case METHOD_GENERIC: return ref_equal(a->generic.payment_service, b->generic.payment_service);
    default: return false;
    }
}

bool method_in(const struct payment_method *method, const struct type_list *methods)
{
    const struct payment_method_ref *list = methods->items;
    size_t i;

    for (i = 0; i < methods->count; i++) {
        if (method_equal(&list[i].id, method))
            return true;
    }
    return false;
}
