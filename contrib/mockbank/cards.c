/* A public mock bank's table: the outcome is in the card's number. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "mock.h"

enum outcome { OK, THREE_DS, FUNDS, INVALID, CVV, EXPIRED, UNKNOWN };

static const struct row {
    const char *number;
    enum outcome outcome;
} rows[] = {
    { "4242424242424242", OK },       { "5555555555554444", OK },       { "586824160825533338", OK },
    { "2201382000000013", OK },       { "9860099104199734", OK },       { "4012888888881881", THREE_DS },
    { "5169147129584558", THREE_DS }, { "4556418324571052", THREE_DS }, { "4987654321098769", THREE_DS },
    { "5123456789012346", THREE_DS }, { "4342561111111118", THREE_DS }, { "5112000200000002", THREE_DS },
    { "4929172190150505", THREE_DS }, { "4556724110260093", THREE_DS }, { "4000000000000002", FUNDS },
    { "5100000000000412", FUNDS },    { "4222222222222220", INVALID },  { "5100000000000511", INVALID },
    { "4003830171874018", CVV },      { "5496198584584769", CVV },      { "9860094242201120", CVV },
    { "4000000000000069", EXPIRED },  { "5105105105105100", EXPIRED },  { "4111110000000112", UNKNOWN },
    { "5124990000000002", UNKNOWN },
};

#define CARD_REJECTED "authorization_failed:payment_tool_rejected:bank_card_rejected:"

static json_t *enrolled(struct call *call)
{
    char tag[600], uri[128];
    json_t *form;

    snprintf(tag, sizeof(tag), "COM_MPI-%s.%s", call->invoice, call->payment);
    snprintf(uri, sizeof(uri), "http://127.0.0.1:%d/form", call->mock->port);
    form = json_pack("{s:{s:{s:s,s:{s:s}}}}", "redirect", "post_request", "uri", uri, "form", "tag", tag);
    return suspend_for(call, tag, 600, "3ds", form,
                       json_pack("{s:{s:o}}", "operation_failure", "failure",
                                 failure_of("preauthorization_failed:three_ds_not_finished", NULL)));
}

json_t *card_by_number(struct call *call, const char *number, bool *known)
{
    size_t i, len;

    if (strncmp(number, "card_number:", 12) == 0)
        number += 12;
    len = strlen(number);
    *known = len >= 12 && len <= 19 && strspn(number, "0123456789") == len;
    if (!*known)
        return NULL;
    for (i = 0; i < SL_COUNT(rows) && strcmp(rows[i].number, number) != 0; i++)
        ;
    if (i == SL_COUNT(rows))
        return finish_failure(call, CARD_REJECTED "issuer_not_found", NULL, false);
    switch (rows[i].outcome) {
    case OK: return finish_ok(call);
    case THREE_DS: return enrolled(call);
    case FUNDS: return finish_failure(call, "authorization_failed:insufficient_funds", NULL, true);
    case INVALID: return finish_failure(call, "authorization_failed:account_not_found", NULL, true);
    case CVV: return finish_failure(call, CARD_REJECTED "cvv_invalid", NULL, true);
    case EXPIRED: return finish_failure(call, CARD_REJECTED "card_expired", NULL, true);
    case UNKNOWN: break;
    }
    return finish_failure(call, "authorization_failed:unknown", NULL, true);
}
