/* The turnover counters of the routes that a payment might take, for people. Pure: the order is the caller's to run.
 * Ref: doc/spec/routing.md 12 (GetPaymentRoutesLimitValues). */
#ifndef SLUICE_PAYMENT_ROUTE_VALUES_H
#define SLUICE_PAYMENT_ROUTE_VALUES_H

#include "base/buf.h"
#include "domain/domain.h"
#include "limits/order.h"
#include "payment/state.h"

struct route_values;

/* What is to be asked for PAYMENT of invoice ID under CONFIG, the payment's own revision; in ARENA. NULL with *WHY:
 * the configuration does not let it be told. */
struct route_values *route_values_new(const char *id, const struct invoice_state *invoice,
                                      const struct payment_state *payment, const struct domain *config,
                                      struct arena *arena, const char **why);
const struct limit_order *route_values_order(const struct route_values *values); /* may be empty: then it is not run */

/* Appends [{"route", "limits": [{"limit", "value"?, "current"}]}]: the value as the payment's own hold left it, if it
 * ever held, and the counter's value now. ANSWER is that of the order; NULL for an empty one. */
void route_values_write(const struct route_values *values, const struct limit_answer *answer, struct buf *out);

#endif
