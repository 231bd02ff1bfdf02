/* The tables of repairs. */
#include "payment/repair.h"

#define TIMEOUT_MAX_S (10 * 366 * 86400) /* ten years: longer than any deadline of a payment */

static const struct type type_timeout = TYPE_I64_IN(0, TIMEOUT_MAX_S);
static const struct type_field timer_rows[] = {
    TF_VAR(repair_timer, timeout, type_timeout),
    TF_VAR(repair_timer, deadline, type_time),
};
static const struct type type_timer = TYPE_UNION_OF("RepairTimer", repair_timer, timer_rows);
static const struct type_field set_timer_rows[] = { TF_REQ(repair_set_timer, timer, type_timer) };
static const struct type type_set_timer = TYPE_STRUCT_OF("RepairSetTimer", repair_set_timer, set_timer_rows);
static const struct type_field timer_action_rows[] = {
    TF_VAR(repair_timer_action, set_timer, type_set_timer),
    TF_EMPTY("unset_timer"),
};
static const struct type type_timer_action = TYPE_UNION_OF("RepairTimerAction", repair_timer_action, timer_action_rows);
static const struct type_field action_rows[] = {
    TF_OPT(repair_action, timer, type_timer_action),
    TF_PTR(repair_action, remove, type_empty),
};
static const struct type type_action = TYPE_STRUCT_OF("RepairAction", repair_action, action_rows);
static const struct type_field params_rows[] = {
    TF_PTR(repair_params, validate_transitions, type_bool),
    TF_PTR(repair_params, move_balances, type_bool),
};
static const struct type type_params = TYPE_STRUCT_OF("RepairParams", repair_params, params_rows);
static const struct type type_changes = {
    .kind = TYPE_LIST, .size = sizeof(struct type_list), .item = &type_invoice_change, .max = STEP_CHANGES_MAX,
};
static const struct type_field repair_rows[] = {
    TF_REQ(repair_call, changes, type_changes),
    TF_PTR(repair_call, action, type_action),
    TF_PTR(repair_call, params, type_params),
};
const struct type type_repair_call = TYPE_STRUCT_OF("Repair", repair_call, repair_rows);

/* ---- scenarios ---- */

static const struct type_field skip_rows[] = { TF_REQ(repair_skip_inspector, risk_score, type_risk_score) };
static const struct type type_skip = TYPE_STRUCT_OF("RepairSkipInspector", repair_skip_inspector, skip_rows);
static const struct type_field pre_rows[] = { TF_REQ(repair_fail_pre_processing, failure, type_failure) };
static const struct type type_pre = TYPE_STRUCT_OF("RepairFailPreProcessing", repair_fail_pre_processing, pre_rows);
static const struct type_field fail_rows[] = {
    TF_REQ(repair_fail_session, failure, type_failure),
    TF_PTR(repair_fail_session, trx, type_trx),
};
static const struct type type_fail = TYPE_STRUCT_OF("RepairFailSession", repair_fail_session, fail_rows);
static const struct type_field fulfill_rows[] = { TF_PTR(repair_fulfill_session, trx, type_trx) };
static const struct type type_fulfill = TYPE_STRUCT_OF("RepairFulfillSession", repair_fulfill_session, fulfill_rows);
static const struct type type_revision = TYPE_I64_IN(1, INT64_MAX);
static const struct type_field revision_rows[] = { TF_REQ(repair_change_revision, domain_revision, type_revision) };
static const struct type type_change_revision =
    TYPE_STRUCT_OF("RepairChangeRevision", repair_change_revision, revision_rows);
static const struct type type_scenarios = {
    .kind = TYPE_LIST, .size = sizeof(struct type_list), .item = &type_repair_scenario, .min = 1, .max = 16,
};
static const struct type_field complex_rows[] = { TF_REQ(repair_complex, scenarios, type_scenarios) };
static const struct type type_complex = TYPE_STRUCT_OF("RepairComplex", repair_complex, complex_rows);
static const struct type_field scenario_rows[] = {
    TF_VAR(repair_scenario, skip_inspector, type_skip),
    TF_VAR(repair_scenario, fail_pre_processing, type_pre),
    TF_VAR(repair_scenario, fail_session, type_fail),
    TF_VAR(repair_scenario, fulfill_session, type_fulfill),
    TF_VAR(repair_scenario, complex, type_complex),
    TF_VAR(repair_scenario, change_revision, type_change_revision),
};
const struct type type_repair_scenario = TYPE_UNION_OF("RepairScenario", repair_scenario, scenario_rows);
_Static_assert(SL_COUNT(scenario_rows) == REPAIR_SCENARIOS, "every scenario has a row");
static const struct type_field scenario_call_rows[] = { TF_REQ(repair_scenario_call, scenario, type_repair_scenario) };
const struct type type_repair_scenario_call =
    TYPE_STRUCT_OF("RepairWithScenario", repair_scenario_call, scenario_call_rows);
