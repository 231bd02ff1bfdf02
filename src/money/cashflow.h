/* Cash flows: lists of postings. A template names accounts by their role and volumes by formula; a final
 * flow has account ids and exact amounts, is what events hold, and is all that the ledger needs.
 * Ref: doc/spec/cashflow.md 1-4, 8.                                                                */
#ifndef SLUICE_MONEY_CASHFLOW_H
#define SLUICE_MONEY_CASHFLOW_H

#include "money/cash.h"
#include "money/rational.h"

/* ---- accounts by role ---- */

enum { MERCHANT_SETTLEMENT = 1, MERCHANT_GUARANTEE, MERCHANT_PAYOUT };
enum { PROVIDER_SETTLEMENT = 1 };
enum { SYSTEM_SETTLEMENT = 1, SYSTEM_SUBAGENT };
enum { EXTERNAL_INCOME = 1, EXTERNAL_OUTCOME };
enum { WALLET_SENDER_SOURCE = 1, WALLET_SENDER_SETTLEMENT, WALLET_RECEIVER_SETTLEMENT, WALLET_RECEIVER_DESTINATION };

struct account_role {
    int tag; /* ACCOUNT_* */
    int merchant, provider, system, external, wallet;
};
enum { ACCOUNT_MERCHANT = 1, ACCOUNT_PROVIDER, ACCOUNT_SYSTEM, ACCOUNT_EXTERNAL, ACCOUNT_WALLET };
extern const struct type type_account_role;

/* ---- templates ---- */

enum { OF_OPERATION_AMOUNT = 1, OF_SURPLUS };

struct volume_fixed {
    struct cash cash;
};
struct volume_share {
    struct rational parts;
    int of; /* OF_* */
    int rounding_method; /* enum rounding */
};
struct volume_product {
    int tag; /* PRODUCT_* */
    struct type_list min_of, max_of, sum_of; /* of struct volume; sets */
};
enum { PRODUCT_MIN_OF = 1, PRODUCT_MAX_OF, PRODUCT_SUM_OF };
struct volume {
    int tag; /* VOLUME_* */
    const struct volume_fixed *fixed;
    const struct volume_share *share;
    const struct volume_product *product;
};
enum { VOLUME_FIXED = 1, VOLUME_SHARE, VOLUME_PRODUCT };

struct posting_template {
    struct account_role source, destination;
    struct volume volume;
    const char *details; /* NULL: none */
};
extern const struct type type_volume;
extern const struct type type_posting_template;
extern const struct type type_cash_flow_template; /* list of struct posting_template */

/* ---- final flows ---- */

struct id_ref {
    const char *id;
};
struct number_ref {
    int64_t id;
};
struct merchant_owner {
    struct id_ref party_ref, shop_ref;
};
struct provider_owner {
    struct number_ref provider_ref, terminal_ref;
};
struct merchant_account {
    int type;
    struct merchant_owner owner;
};
struct provider_account {
    int type;
    struct provider_owner owner;
};
struct plain_account {
    int type;
};
struct transaction_account {
    int tag; /* TA_* ; 0: absent */
    const struct merchant_account *merchant;
    const struct provider_account *provider;
    const struct plain_account *system, *external;
};
enum { TA_MERCHANT = 1, TA_PROVIDER, TA_SYSTEM, TA_EXTERNAL };

struct final_account {
    struct account_role account_type;
    int64_t account_id;
    struct transaction_account transaction_account;
};
struct posting {
    struct final_account source, destination;
    struct cash volume;
    const char *details;          /* NULL: none */
    const char *exchange_context; /* raw JSON, carried through; NULL: none */
};
extern const struct type type_id_ref;     /* {"id": "…"} */
extern const struct type type_number_ref; /* {"id": 1} */
extern const struct type type_posting;
extern const struct type type_cash_flow; /* list of struct posting */

/* ---- building ---- */

#define CASHFLOW_POSTINGS_MAX 64 /* of one flow */
#define CASHFLOW_DETAILS_MAX 1024 /* bytes, of a template's details */

/* Where roles lead. An id of 0: there is no such account. */
struct account_map {
    int64_t merchant_settlement, merchant_guarantee, provider_settlement, system_settlement, system_subagent,
        external_income, external_outcome;
    const char *currency; /* of all of them */
    const char *party_id, *shop_id;
    int64_t provider_id, terminal_id;
};

/* What constants stand for. */
struct volume_context {
    struct cash operation_amount;
    const struct cash *surplus; /* NULL: not supplied */
};

/* Appends the postings of TEMPLATE to *FLOW (list of struct posting, in ARENA).
 * Errors: SL_EINVAL: a misconfiguration, *WHY says which (in ARENA). */
SL_MUST_USE enum sl_err cashflow_finalise(const struct type_list *template, const struct account_map *accounts,
                                          const struct volume_context *context, struct arena *arena,
                                          struct type_list *flow, const char **why);

/* The value of one volume. Errors as above. */
SL_MUST_USE enum sl_err volume_compute(const struct volume *volume, const struct volume_context *context,
                                       struct arena *arena, struct cash *out, const char **why);

/* Swapped ends, details wrapped as "Revert '…'" (cashflow.md 8). */
struct type_list cashflow_revert(const struct type_list *flow, struct arena *arena);

/* What an account gains from a flow: what flows to it less what flows from it. */
struct cashflow_total {
    struct account_role account_type;
    int64_t account_id;
    struct cash amount;
};

/* *OUT (list of struct cashflow_total, in ARENA) has a row for each account, in order of appearance.
 * Errors: SL_EINVAL with *WHY: an account's volumes are in two currencies, or their sum is out of range. */
SL_MUST_USE enum sl_err cashflow_totals(const struct type_list *flow, struct arena *arena, struct type_list *out,
                                        const char **why);

#endif
