/* The tables of turnover limits. */
#include "domain/limit_config.h"

#include "money/cash.h"

static const char *const processor_names[] = { [LIMIT_TURNOVER_PROCESSOR] = "TurnoverProcessor" };
static const struct type type_processor = TYPE_ENUM_OF("LimitProcessorType", processor_names);

static const struct type_field calendar_rows[] = {
    TF_EMPTY("year"), TF_EMPTY("month"), TF_EMPTY("week"), TF_EMPTY("day"),
};
static const struct type type_calendar = TYPE_UNION_OF("LimitCalendar", limit_calendar, calendar_rows);
static const struct type type_interval_amount = TYPE_I64_IN(1, INT64_MAX);
static const struct type_field interval_rows[] = { TF_REQ(limit_interval, amount, type_interval_amount) };
static const struct type type_interval = TYPE_STRUCT_OF("LimitInterval", limit_interval, interval_rows);
static const struct type_field time_range_rows[] = {
    TF_VAR(limit_time_range, calendar, type_calendar),
    TF_VAR(limit_time_range, interval, type_interval),
};
static const char *check_time_range(const void *value)
{
    const struct limit_time_range *range = value;

    return range->tag == LIMIT_INTERVAL ? "intervals are not supported, only calendar" : NULL;
}
static const struct type type_time_range = {
    .kind = TYPE_UNION, .name = "LimitTimeRange", .size = sizeof(struct limit_time_range), .fields = time_range_rows,
    .field_count = SL_COUNT(time_range_rows), .check = check_time_range,
};

static const struct type_field context_rows[] = { TF_EMPTY("payment_processing"), TF_EMPTY("withdrawal_processing") };
static const struct type type_context = TYPE_UNION_OF("LimitContextType", limit_context, context_rows);

static const struct type_field amount_rows[] = { TF_REQ(limit_amount, currency, type_currency_code) };
static const struct type type_limit_amount = TYPE_STRUCT_OF("LimitMetricAmount", limit_amount, amount_rows);
static const struct type_field metric_rows[] = {
    TF_EMPTY("number"),
    TF_VAR(limit_metric, amount, type_limit_amount),
};
static const struct type type_metric = TYPE_UNION_OF("LimitMetric", limit_metric, metric_rows);
static const struct type_field turnover_rows[] = { TF_OPT(limit_turnover, metric, type_metric) };
static const struct type type_turnover = TYPE_STRUCT_OF("LimitTurnover", limit_turnover, turnover_rows);
static const struct type_field type_rows[] = { TF_VAR(limit_type, turnover, type_turnover) };
static const struct type type_limit_type = TYPE_UNION_OF("LimitType", limit_type, type_rows);

static const struct type type_path = {
    .kind = TYPE_LIST, .size = sizeof(struct type_list), .item = &type_str, .min = 1, .max = 16,
};
static const struct type_field field_rows[] = { TF_REQ(limit_field, field_path, type_path) };
static const struct type type_field_scope = TYPE_STRUCT_OF("LimitScopeDestinationField", limit_field, field_rows);
static const struct type_field scope_rows[] = {
    TF_EMPTY("party"),    TF_EMPTY("shop"),     TF_EMPTY("wallet"),
    TF_EMPTY("payment_tool"), TF_EMPTY("provider"), TF_EMPTY("terminal"),
    TF_EMPTY("payer_contact_email"), TF_EMPTY("sender"), TF_EMPTY("receiver"),
    TF_VAR(limit_scope, destination_field, type_field_scope),
};
_Static_assert(SL_COUNT(scope_rows) == SCOPE_DESTINATION_FIELD, "every scope has a row");
static const struct type type_scope = TYPE_UNION_OF("LimitScope", limit_scope, scope_rows);
static const struct type type_scopes = TYPE_SET_OF(type_scope);

static const struct type_field refund_rows[] = { TF_EMPTY("subtraction"), TF_EMPTY("addition") };
static const struct type type_refund = TYPE_UNION_OF("LimitRefundBehaviour", limit_refund_behaviour, refund_rows);
static const struct type_field op_rows[] = { TF_OPT(limit_op_behaviour, invoice_payment_refund, type_refund) };
static const struct type type_op_behaviour = TYPE_STRUCT_OF("LimitOperationBehaviour", limit_op_behaviour, op_rows);

static const struct type_field inversion_rows[] = { TF_EMPTY("session_presence") };
static const struct type type_inversion = TYPE_UNION_OF("LimitInversion", limit_inversion, inversion_rows);
static const struct type_field finalization_rows[] = {
    TF_EMPTY("normal"),
    TF_VAR(limit_finalization, invertable, type_inversion),
};
static const struct type type_finalization =
    TYPE_UNION_OF("LimitFinalizationBehaviour", limit_finalization, finalization_rows);

static const struct type type_shard_size = TYPE_I64_IN(1, 1000000);
static const struct type_field limit_rows[] = {
    TF_REQ(limit_config, processor_type, type_processor),
    TF_REQ(limit_config, started_at, type_time),
    TF_OPT(limit_config, created_at, type_time),
    TF_REQ(limit_config, shard_size, type_shard_size),
    TF_REQ(limit_config, time_range_type, type_time_range),
    TF_REQ(limit_config, context_type, type_context),
    TF_OPT(limit_config, type, type_limit_type),
    TF_OPT(limit_config, scopes, type_scopes),
    TF_OPT(limit_config, description, type_str),
    TF_PTR(limit_config, op_behaviour, type_op_behaviour),
    TF_OPT(limit_config, finalization_behaviour, type_finalization),
    TF_PTR(limit_config, currency_conversion, type_empty),
};
const struct type type_limit_config = TYPE_STRUCT_OF("LimitConfig", limit_config, limit_rows);

const char *limit_currency(const struct limit_config *config)
{
    const struct limit_metric *metric = &config->type.turnover.metric;

    return config->type.tag == LIMIT_TURNOVER && metric->tag == METRIC_AMOUNT ? metric->amount.currency : NULL;
}
