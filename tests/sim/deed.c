/* What may be asked of daemons: how often each was, and which part of the program each stands for. A call of
 * src/payment/calls.h or a route of src/api/routes.c that no row names is found by deeds_test. */
#include <inttypes.h>
#include <stdio.h>

#include "sim/sim.h"

static const struct deed_row {
    const char *name;
    const char *stands_for; /* calls and scenarios by their names in C, and functions of routes */
} rows[] = {
    [DEED_CREATE] = { "create an invoice", "invoices_create" },
    [DEED_TEMPLATE_CREATE] = { "create a template", "templates_create" },
    [DEED_TEMPLATE_UPDATE] = { "update a template", "TEMPLATE_UPDATE templates_update" },
    [DEED_TEMPLATE_DELETE] = { "delete a template", "TEMPLATE_DELETE templates_delete" },
    [DEED_TEMPLATE_GET] = { "read a template", "templates_get" },
    [DEED_TEMPLATE_TERMS] = { "a template's terms", "templates_terms" },
    [DEED_TEMPLATE_INVOICE] = { "create from a template", "templates_invoice" },
    [DEED_READ] = { "read an invoice", "invoices_get" },
    [DEED_READ_AT] = { "read it as it was", "invoices_get" },
    [DEED_EVENTS] = { "read its events", "events_get" },
    [DEED_RESCIND] = { "rescind", "CALL_RESCIND invoices_rescind" },
    [DEED_FULFILL] = { "fulfil", "CALL_FULFILL invoices_fulfill" },
    [DEED_START] = { "start a payment", "CALL_START_PAYMENT payments_start" },
    [DEED_START_UNNAMED] = { "start, without an id", "CALL_START_PAYMENT payments_start" },
    [DEED_START_RECURRENT] = { "start, recurrent", "CALL_START_PAYMENT payments_start" },
    [DEED_REGISTER] = { "register a payment", "CALL_REGISTER_PAYMENT payments_register" },
    [DEED_CARD_GET] = { "read a card's tokens", "card_tokens_get" },
    [DEED_CARD_POST] = { "post a token", "card_tokens_post" },
    [DEED_CAPTURE] = { "capture", "CALL_CAPTURE payments_capture" },
    [DEED_CAPTURE_PART] = { "capture a part", "CALL_CAPTURE payments_capture" },
    [DEED_CAPTURE_CART] = { "capture, with a cart", "CALL_CAPTURE payments_capture" },
    [DEED_CANCEL] = { "cancel", "CALL_CANCEL payments_cancel" },
    [DEED_REFUND] = { "refund", "CALL_REFUND refunds_create" },
    [DEED_REFUND_PART] = { "refund a part", "CALL_REFUND refunds_create" },
    [DEED_REFUND_CART] = { "refund, with a cart", "CALL_REFUND refunds_create" },
    [DEED_REFUND_NAMED] = { "refund, by id", "CALL_REFUND refunds_create" },
    [DEED_REFUND_MANUAL] = { "refund manually", "CALL_REFUND refunds_create_manual" },
    [DEED_REFUND_OUTSIDE] = { "refund, made outside", "CALL_REFUND refunds_create_manual" },
    [DEED_CALLBACK] = { "callback", "CALL_CALLBACK callbacks_post" },
    [DEED_SESSION_CHANGE] = { "end a session", "CALL_SESSION_CHANGE callbacks_session" },
    [DEED_REPAIR_AGAIN] = { "repair: run it again", "repairs_post" },
    [DEED_REPAIR_CHANGES] = { "repair: changes", "CALL_REPAIR repairs_post" },
    [DEED_REPAIR_TIMER] = { "repair: another timer", "CALL_REPAIR repairs_post" },
    [DEED_REPAIR_SKIP_INSPECTOR] = { "repair: skip inspector", "CALL_REPAIR_SCENARIO REPAIR_SKIP_INSPECTOR repairs_scenario" },
    [DEED_REPAIR_FAIL_EARLY] = { "repair: fail before", "CALL_REPAIR_SCENARIO REPAIR_FAIL_PRE_PROCESSING repairs_scenario" },
    [DEED_REPAIR_FAIL_SESSION] = { "repair: fail session", "CALL_REPAIR_SCENARIO REPAIR_FAIL_SESSION repairs_scenario" },
    [DEED_REPAIR_FULFILL_SESSION] = { "repair: fulfil session",
                                      "CALL_REPAIR_SCENARIO REPAIR_FULFILL_SESSION repairs_scenario" },
    [DEED_REPAIR_COMPLEX] = { "repair: complex", "CALL_REPAIR_SCENARIO REPAIR_COMPLEX repairs_scenario" },
    [DEED_REPAIR_REVISION] = { "repair: newest revision", "CALL_REPAIR_SCENARIO REPAIR_CHANGE_REVISION repairs_scenario" },
    [DEED_REPAIR_MISFIT] = { "repair that cannot be", "CALL_REPAIR CALL_REPAIR_SCENARIO" },
    [DEED_REPAIR_IDLE] = { "repair of what works", "CALL_REPAIR CALL_REPAIR_SCENARIO" },
    [DEED_REHEARSE_STEP] = { "rehearse the step", "repairs_post" },
    [DEED_REHEARSE] = { "rehearse a repair", "repairs_post repairs_scenario" },
    [DEED_KEY_AGAIN] = { "same key, same request", "request_once" },
    [DEED_KEY_OTHER] = { "same key, other request", "request_once" },
};
_Static_assert(SL_COUNT(rows) == DEED_COUNT, "a row for each deed");

void deed_count(struct sim *sim, enum deed deed, int verdict)
{
    sim->deeds[deed][verdict]++;
}

bool deeds_report(uint64_t counts[DEED_COUNT][VERDICT_COUNT])
{
    bool whole = true;
    size_t i;

    printf("  %-24s %10s %10s %10s %10s\n", "asked", "done", "refused", "not done", "unknown");
    for (i = 0; i < DEED_COUNT; i++) {
        const uint64_t *row = counts[i];

        printf("  %-24s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 "%s\n", rows[i].name, row[VERDICT_DONE],
               row[VERDICT_REFUSED], row[VERDICT_NOT_DONE], row[VERDICT_UNKNOWN],
               row[VERDICT_DONE] ? "" : "  NEVER DONE");
        whole = whole && row[VERDICT_DONE] > 0;
    }
    return whole;
}

void deeds_list(void)
{
    size_t i;

    for (i = 0; i < DEED_COUNT; i++)
        printf("%s: %s\n", rows[i].name, rows[i].stands_for);
}
