/* How a turnover limit counts. Ref: doc/spec/limits.md 1. */
#ifndef SLUICE_DOMAIN_LIMIT_CONFIG_H
#define SLUICE_DOMAIN_LIMIT_CONFIG_H

#include "base/type.h"

enum { LIMIT_TURNOVER_PROCESSOR = 1 }; /* the only one there is */

struct limit_interval {
    int64_t amount;
};
struct limit_calendar {
    int tag; /* CALENDAR_* */
};
enum { CALENDAR_YEAR = 1, CALENDAR_MONTH, CALENDAR_WEEK, CALENDAR_DAY };
struct limit_time_range {
    int tag; /* always LIMIT_CALENDAR: intervals are refused */
    struct limit_calendar calendar;
    struct limit_interval interval;
};
enum { LIMIT_CALENDAR = 1, LIMIT_INTERVAL };

struct limit_context {
    int tag; /* LIMIT_PAYMENTS, LIMIT_WITHDRAWALS */
};
enum { LIMIT_PAYMENTS = 1, LIMIT_WITHDRAWALS };

struct limit_amount {
    const char *currency; /* symbolic code */
};
struct limit_metric {
    int tag; /* METRIC_*; 0: absent, counts as number */
    struct limit_amount amount;
};
enum { METRIC_NUMBER = 1, METRIC_AMOUNT };
struct limit_turnover {
    struct limit_metric metric;
};
struct limit_type {
    int tag; /* always LIMIT_TURNOVER, or 0: absent, counts as number */
    struct limit_turnover turnover;
};
enum { LIMIT_TURNOVER = 1 };

struct limit_field {
    struct type_list field_path; /* of strings */
};
struct limit_scope {
    int tag; /* SCOPE_* */
    struct limit_field destination_field;
};
enum {
    SCOPE_PARTY = 1,
    SCOPE_SHOP,
    SCOPE_WALLET,
    SCOPE_PAYMENT_TOOL,
    SCOPE_PROVIDER,
    SCOPE_TERMINAL,
    SCOPE_PAYER_CONTACT_EMAIL,
    SCOPE_SENDER,
    SCOPE_RECEIVER,
    SCOPE_DESTINATION_FIELD,
};

struct limit_refund_behaviour {
    int tag; /* REFUND_*; 0: absent, counts as addition */
};
enum { REFUND_SUBTRACTION = 1, REFUND_ADDITION };
struct limit_op_behaviour {
    struct limit_refund_behaviour invoice_payment_refund;
};

struct limit_inversion {
    int tag; /* always INVERSION_SESSION_PRESENCE */
};
enum { INVERSION_SESSION_PRESENCE = 1 };
struct limit_finalization {
    int tag; /* FINALIZATION_*; 0: absent, counts as normal */
    struct limit_inversion invertable;
};
enum { FINALIZATION_NORMAL = 1, FINALIZATION_INVERTABLE };

struct limit_config {
    int processor_type;
    int64_t started_at; /* origin of the periods */
    int64_t created_at; /* 0: not said; nothing depends on it */
    int64_t shard_size; /* units per counter, at least 1 */
    struct limit_time_range time_range_type;
    struct limit_context context_type;
    struct limit_type type;
    struct type_list scopes; /* set of struct limit_scope; none: one global counter */
    const char *description;
    const struct limit_op_behaviour *op_behaviour; /* NULL: refunds add */
    struct limit_finalization finalization_behaviour;
    const void *currency_conversion; /* its presence lets foreign currencies in */
};

extern const struct type type_limit_config;

/* The currency that amounts are counted in; NULL: operations are counted, not amounts. */
const char *limit_currency(const struct limit_config *config);

#endif
