/* What a payer pays with, and the method that each tool counts as in terms.
 * Ref: doc/spec/payment.md 6.2; doc/spec/domain.md 9.                                              */
#ifndef SLUICE_DOMAIN_TOOL_H
#define SLUICE_DOMAIN_TOOL_H

#include <stdbool.h>

#include "base/type.h"
#include "money/cashflow.h"

enum tokenization { TOKENIZATION_DPAN = 1, TOKENIZATION_NONE };

struct card_exp_date {
    int64_t month, year;
};

struct bank_card {
    const char *token;
    struct id_ref *payment_system; /* NULL: not known */
    const char *bin;
    const char *last_digits;
    struct id_ref *payment_token; /* tokenisation service; NULL: none */
    int tokenization_method;
    const char *issuer_country; /* "RUS"; NULL: not known */
    const char *bank_name;
    const char *metadata; /* raw JSON */
    const bool *is_cvv_empty;
    const struct card_exp_date *exp_date;
    const char *cardholder_name;
    const char *category;
};

struct payment_terminal {
    struct id_ref *payment_service;
    const char *metadata;
};

struct digital_wallet {
    struct id_ref *payment_service;
    const char *id;
    const char *token;
    const char *account_name, *account_identity_number;
};

struct mobile_phone {
    const char *cc, *ctn;
};

struct mobile_commerce {
    struct id_ref *operator;
    struct mobile_phone phone;
};

struct crypto_currency {
    struct id_ref id;
};

struct tool_content {
    const char *type; /* mime */
    const char *data; /* base64 */
};

struct generic_tool {
    struct id_ref *payment_service;
    const struct tool_content *data;
};

struct payment_tool {
    int tag; /* TOOL_* */
    const struct bank_card *bank_card;
    const struct payment_terminal *payment_terminal;
    const struct digital_wallet *digital_wallet;
    const struct mobile_commerce *mobile_commerce;
    const struct crypto_currency *crypto_currency;
    const struct generic_tool *generic;
};
enum {
    TOOL_BANK_CARD = 1,
    TOOL_PAYMENT_TERMINAL,
    TOOL_DIGITAL_WALLET,
    TOOL_MOBILE_COMMERCE,
    TOOL_CRYPTO_CURRENCY,
    TOOL_GENERIC,
};

struct card_method {
    struct id_ref *payment_system;
    const bool *is_cvv_empty; /* NULL counts as false */
    struct id_ref *payment_token;
    int tokenization_method;
};
struct generic_method {
    struct id_ref *payment_service;
};
struct payment_method {
    int tag; /* METHOD_* */
    struct card_method bank_card;
    struct generic_method generic;
    const struct id_ref *payment_terminal, *digital_wallet, *mobile, *crypto_currency;
};
enum {
    METHOD_BANK_CARD = 1,
    METHOD_PAYMENT_TERMINAL,
    METHOD_DIGITAL_WALLET,
    METHOD_MOBILE,
    METHOD_CRYPTO_CURRENCY,
    METHOD_GENERIC,
};
/* How terms and references name it: {"id": method}. */
struct payment_method_ref {
    struct payment_method id;
};

/* References to objects of the configuration, each {"id": "…"}. */
extern const struct type type_payment_system_ref, type_payment_service_ref, type_payment_token_ref,
    type_mobile_operator_ref, type_crypto_currency_ref;

extern const struct type type_tokenization;
extern const struct type type_payment_tool;
extern const struct type type_payment_method;
extern const struct type type_payment_method_ref;

/* The method that TOOL counts as; its parts point into TOOL. False: it counts as none (a tool without the
 * service or operator that would name it). */
bool tool_method(const struct payment_tool *tool, struct payment_method *out);

/* The text that PATH (of strings) leads to in the JSON of a generic tool's DATA, which may be NULL. NULL: there is none,
 * or DATA is no JSON. The caller frees it. */
char *tool_content_text(const struct tool_content *data, const struct type_list *path);

/* All parts equal; an is_cvv_empty that is not there equals false. */
bool method_equal(const struct payment_method *a, const struct payment_method *b);

/* Whether METHODS (list of struct payment_method_ref) has METHOD. */
bool method_in(const struct payment_method *method, const struct type_list *methods);

#endif
