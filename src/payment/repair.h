/* How an operator brings a parked invoice back: with changes of their own, or with one of a few scenarios that
 * stand in for what the outside world did not say.
 *
 * A scenario runs the timer step of the active payment's activity with its own word in place of the outward
 * call; all that follows (transaction rules, retries, rollback, the next timer) is ordinary. Both are steps like
 * any other: pure functions, run at once for a real repair or a rehearsal.
 * Ref: doc/spec/repair.md.                                                                          */
#ifndef SLUICE_PAYMENT_REPAIR_H
#define SLUICE_PAYMENT_REPAIR_H

#include "engine/machine.h"
#include "payment/change.h"

/* ---- Repair ---- */

struct repair_timer {
    int tag; /* REPAIR_TIMER_* */
    int64_t timeout;  /* seconds from now */
    int64_t deadline; /* microseconds since 1970 */
};
enum { REPAIR_TIMER_TIMEOUT = 1, REPAIR_TIMER_DEADLINE };
struct repair_set_timer {
    struct repair_timer timer;
};
struct repair_timer_action {
    int tag; /* REPAIR_SET_TIMER, REPAIR_UNSET_TIMER; 0: the timer stays as it is */
    struct repair_set_timer set_timer;
};
enum { REPAIR_SET_TIMER = 1, REPAIR_UNSET_TIMER };
struct repair_action {
    struct repair_timer_action timer;
    const void *remove; /* {}; not NULL: the invoice disappears */
};
struct repair_params {
    const bool *validate_transitions; /* NULL: yes */
    const bool *move_balances;        /* NULL: no; whether the changes may move what is held or committed in the ledger */
};
struct repair_call {
    struct type_list changes; /* of struct invoice_change, at most STEP_CHANGES_MAX */
    const struct repair_action *action; /* NULL: none */
    const struct repair_params *params;
};

/* ---- RepairWithScenario ---- */

struct repair_skip_inspector {
    int risk_score; /* RISK_* */
};
struct repair_fail_pre_processing {
    struct failure failure;
};
struct repair_fail_session {
    struct failure failure;
    const struct trx *trx; /* NULL: no news of it */
};
struct repair_fulfill_session {
    const struct trx *trx;
};
struct repair_change_revision {
    int64_t domain_revision; /* the newest */
};
struct repair_complex {
    struct type_list scenarios; /* of struct repair_scenario */
};
struct repair_scenario {
    int tag; /* REPAIR_* */
    struct repair_skip_inspector skip_inspector;
    struct repair_fail_pre_processing fail_pre_processing;
    struct repair_fail_session fail_session;
    struct repair_fulfill_session fulfill_session;
    struct repair_complex complex;
    struct repair_change_revision change_revision;
};
enum {
    REPAIR_SKIP_INSPECTOR = 1,
    REPAIR_FAIL_PRE_PROCESSING,
    REPAIR_FAIL_SESSION,
    REPAIR_FULFILL_SESSION,
    REPAIR_COMPLEX,
    REPAIR_CHANGE_REVISION,
};
#define REPAIR_SCENARIOS 6
struct repair_scenario_call {
    struct repair_scenario scenario;
};

extern const struct type type_repair_call, type_repair_scenario_call, type_repair_scenario;

/* ---- steps: IN_REPAIR, and IN_EFFECT of one ---- */

/* Commits CALL's changes as they are, and its action. Refused unless all of them may come here, in this order, and if
 * they move balances unless it says that they may. */
void repair(const struct step_in *in, const struct repair_call *call, struct step_out *out);

/* Applies CALL's scenario to the active payment. Refused if there is none, if the scenario does not fit what the
 * payment is doing, or if the step comes to no good end with it. */
void repair_with_scenario(const struct step_in *in, const struct repair_scenario_call *call, struct step_out *out);

/* repair_ledger.c: posts to OUT by how much the ledger differs between the state in IN and AFTER; also what is released
 * when OUT removes the invoice. Refused: a plan that cannot be, or balances that move and MAY_MOVE is false. */
struct invoice_state;
void repair_post(const struct step_in *in, const struct invoice_state *after, bool may_move, struct step_out *out);

/* repair_revision.c: the scenario change_revision of CTX's payment. Ends with STEP_OK or STEP_FAIL. */
struct step_ctx;
void repair_change_revision(struct step_ctx *ctx, const struct repair_scenario *scenario);

#endif
