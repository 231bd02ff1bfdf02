/* The tables of cash flows. */
#include "money/cashflow.h"

static const char *const merchant_names[] = {
    [MERCHANT_SETTLEMENT] = "settlement", [MERCHANT_GUARANTEE] = "guarantee", [MERCHANT_PAYOUT] = "payout",
};
static const char *const provider_names[] = { [PROVIDER_SETTLEMENT] = "settlement" };
static const char *const system_names[] = { [SYSTEM_SETTLEMENT] = "settlement", [SYSTEM_SUBAGENT] = "subagent" };
static const char *const external_names[] = { [EXTERNAL_INCOME] = "income", [EXTERNAL_OUTCOME] = "outcome" };
static const char *const wallet_names[] = {
    [WALLET_SENDER_SOURCE] = "sender_source", [WALLET_SENDER_SETTLEMENT] = "sender_settlement",
    [WALLET_RECEIVER_SETTLEMENT] = "receiver_settlement", [WALLET_RECEIVER_DESTINATION] = "receiver_destination",
};
static const struct type type_merchant = TYPE_ENUM_OF("MerchantAccountRole", merchant_names);
static const struct type type_provider = TYPE_ENUM_OF("ProviderAccountRole", provider_names);
static const struct type type_system = TYPE_ENUM_OF("SystemAccountRole", system_names);
static const struct type type_external = TYPE_ENUM_OF("ExternalAccountRole", external_names);
static const struct type type_wallet = TYPE_ENUM_OF("WalletAccountRole", wallet_names);

static const struct type_field role_rows[] = {
    TF_VAR(account_role, merchant, type_merchant), TF_VAR(account_role, provider, type_provider),
    TF_VAR(account_role, system, type_system),     TF_VAR(account_role, external, type_external),
    TF_VAR(account_role, wallet, type_wallet),
};
const struct type type_account_role = TYPE_UNION_OF("AccountRole", account_role, role_rows);

/* ---- templates ---- */

static const char *const constant_names[] = {
    [OF_OPERATION_AMOUNT] = "operation_amount", [OF_SURPLUS] = "surplus",
};
static const struct type type_constant = TYPE_ENUM_OF("CashFlowConstant", constant_names);

static const struct type_field fixed_rows[] = { TF_REQ(volume_fixed, cash, type_cash) };
static const struct type type_fixed = TYPE_STRUCT_OF("VolumeFixed", volume_fixed, fixed_rows);
static const struct type_field share_rows[] = {
    TF_REQ(volume_share, parts, type_rational),
    TF_REQ(volume_share, of, type_constant),
    TF_OPT(volume_share, rounding_method, type_rounding),
};
static const struct type type_share = TYPE_STRUCT_OF("VolumeShare", volume_share, share_rows);
static const struct type type_volumes = {
    .kind = TYPE_LIST, .size = sizeof(struct type_list), .item = &type_volume, .min = 0, .max = 64,
};
static const struct type_field product_rows[] = {
    TF_VAR(volume_product, min_of, type_volumes),
    TF_VAR(volume_product, max_of, type_volumes),
    TF_VAR(volume_product, sum_of, type_volumes),
};
static const struct type type_product = TYPE_UNION_OF("VolumeProduct", volume_product, product_rows);
static const struct type_field volume_rows[] = {
    TF_VARP(volume, fixed, type_fixed),
    TF_VARP(volume, share, type_share),
    TF_VARP(volume, product, type_product),
};
const struct type type_volume = TYPE_UNION_OF("Volume", volume, volume_rows);

/* Shorter than what a final posting may have: reverting wraps them, and must give what can be read again. */
static const struct type type_template_details = TYPE_STR_IN(0, CASHFLOW_DETAILS_MAX);
static const struct type_field template_rows[] = {
    TF_REQ(posting_template, source, type_account_role),
    TF_REQ(posting_template, destination, type_account_role),
    TF_REQ(posting_template, volume, type_volume),
    TF_OPT(posting_template, details, type_template_details),
};
const struct type type_posting_template = TYPE_STRUCT_OF("PostingTemplate", posting_template, template_rows);
const struct type type_cash_flow_template = {
    .kind = TYPE_LIST, .size = sizeof(struct type_list), .item = &type_posting_template,
    .min = 0, .max = CASHFLOW_POSTINGS_MAX,
};

/* ---- final flows ---- */

static const struct type_field id_ref_rows[] = { TF_REQ(id_ref, id, type_id) };
const struct type type_id_ref = TYPE_STRUCT_OF("IdRef", id_ref, id_ref_rows);
static const struct type_field number_ref_rows[] = { TF_REQ(number_ref, id, type_i64) };
const struct type type_number_ref = TYPE_STRUCT_OF("NumberRef", number_ref, number_ref_rows);

static const struct type_field merchant_owner_rows[] = {
    TF_REQ(merchant_owner, party_ref, type_id_ref),
    TF_REQ(merchant_owner, shop_ref, type_id_ref),
};
static const struct type type_merchant_owner = TYPE_STRUCT_OF("MerchantOwner", merchant_owner, merchant_owner_rows);
static const struct type_field provider_owner_rows[] = {
    TF_REQ(provider_owner, provider_ref, type_number_ref),
    TF_REQ(provider_owner, terminal_ref, type_number_ref),
};
static const struct type type_provider_owner = TYPE_STRUCT_OF("ProviderOwner", provider_owner, provider_owner_rows);
static const struct type_field merchant_account_rows[] = {
    TF_REQ(merchant_account, type, type_merchant),
    TF_REQ(merchant_account, owner, type_merchant_owner),
};
static const struct type type_merchant_account =
    TYPE_STRUCT_OF("MerchantTransactionAccount", merchant_account, merchant_account_rows);
static const struct type_field provider_account_rows[] = {
    TF_REQ(provider_account, type, type_provider),
    TF_REQ(provider_account, owner, type_provider_owner),
};
static const struct type type_provider_account =
    TYPE_STRUCT_OF("ProviderTransactionAccount", provider_account, provider_account_rows);
static const struct type_field system_account_rows[] = { TF_REQ(plain_account, type, type_system) };
static const struct type type_system_account =
    TYPE_STRUCT_OF("SystemTransactionAccount", plain_account, system_account_rows);
static const struct type_field external_account_rows[] = { TF_REQ(plain_account, type, type_external) };
static const struct type type_external_account =
    TYPE_STRUCT_OF("ExternalTransactionAccount", plain_account, external_account_rows);
static const struct type_field transaction_account_rows[] = {
    TF_VARP(transaction_account, merchant, type_merchant_account),
    TF_VARP(transaction_account, provider, type_provider_account),
    TF_VARP(transaction_account, system, type_system_account),
    TF_VARP(transaction_account, external, type_external_account),
};
static const struct type type_transaction_account =
    TYPE_UNION_OF("TransactionAccount", transaction_account, transaction_account_rows);

static const struct type_field final_account_rows[] = {
    TF_REQ(final_account, account_type, type_account_role),
    TF_REQ(final_account, account_id, type_i64),
    TF_OPT(final_account, transaction_account, type_transaction_account),
};
static const struct type type_final_account = TYPE_STRUCT_OF("FinalAccount", final_account, final_account_rows);
static const struct type_field posting_rows[] = {
    TF_REQ(posting, source, type_final_account),
    TF_REQ(posting, destination, type_final_account),
    TF_REQ(posting, volume, type_cash),
    TF_OPT(posting, details, type_str),
    TF_OPT(posting, exchange_context, type_raw),
};
const struct type type_posting = TYPE_STRUCT_OF("Posting", posting, posting_rows);
const struct type type_cash_flow = TYPE_LIST_OF(type_posting);
