/* What an adapter is told: the address, the options and the payment as it stands.
 * Ref: doc/spec/session.md 10, 13; doc/spec/payment.md 16.                                          */
#ifndef SLUICE_PAYMENT_PROXY_H
#define SLUICE_PAYMENT_PROXY_H

#include "domain/domain.h"
#include "payment/effect.h"
#include "payment/emit.h"

/* The call of SESSION's adapter: address, timeout, provider; key and request are the caller's to fill in.
 * NULL: the head configuration has no such provider or proxy, and the step has failed. */
struct effect_args *proxy_call(struct step_ctx *ctx, const struct session *session);

/* What every idempotency key of the payment begins with: "<invoice>.<payment>", the payment's id as base/join.h writes
 * it, so that no two payments have a key in common. In a step about a refund its id follows likewise. */
const char *proxy_key_prefix(const struct step_ctx *ctx);

/* Fills in the context of SESSION's calls. False: the step has failed. */
bool proxy_request(struct step_ctx *ctx, const struct session *session, struct proxy_request *out);

/* The payment as adapters see it. ID is the machine's, which no two invoices share, and so the invoice's id for whoever
 * serves all parties. CONFIG is the payment's own configuration, HEAD the newest. TARGET is that of
 * the session under way, or NULL: with a captured one the capture is part of the answer.
 * Errors: SL_ENOENT with *WHY: a shop, category or currency is missing from the configuration. */
SL_MUST_USE enum sl_err payment_info_build(const char *id, const struct invoice_state *invoice,
                                           const struct payment_state *payment, const struct target *target, const struct domain *config,
                                           const struct domain *head, struct arena *arena, struct payment_info *out,
                                           const char **why);

/* The same for whoever was given a tag (GetPayment of the host services): the capture is there while a session
 * with target captured is under way. */
SL_MUST_USE enum sl_err payment_info_of(const char *id, const struct invoice_state *invoice,
                                        const struct payment_state *payment, const struct domain *config,
                                        const struct domain *head, struct arena *arena, struct payment_info *out,
                                        const char **why);

/* The session that had TAG, a payment's own or a refund's; NULL: none. */
const struct session *session_of_tag(const struct invoice_state *invoice, const char *tag);
/* Whether SESSION is at one of PROVIDERS (of int64_t; NULL: whoever's it is). */
bool session_is_at(const struct session *session, const struct type_list *providers);
/* The payment that TAG was bound for: the one with a session, its own or a refund's, that had it. NULL: none. */
const struct payment_state *payment_of_tag(const struct invoice_state *invoice, const char *tag);

/* What the inspector is told of the payment; options are the caller's to fill in. Objects are those of the
 * payment's own revision. Errors as above. */
SL_MUST_USE enum sl_err inspect_request_build(const struct step_ctx *ctx, const struct shop *shop,
                                              struct inspect_request *out, const char **why);

/* Options of BASE with those of OVER on top, and those of TOP on top of both; each a list of struct
 * type_string_entry, TOP may be NULL. */
struct type_list options_merge(const struct type_list *base, const struct type_list *over, const struct type_list *top,
                               struct arena *arena);

#endif
