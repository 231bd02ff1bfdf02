/* A public mock bank's table: the outcome is in the card's number (or the phone's), and plain cards answer at
 * once. 3-D Secure 2 runs like 3-D Secure 1 here: one form, one callback. */
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "mock.h"

enum outcome { OK, THREE_DS, THREE_DS_GET, THREE_DS_FAIL, FUNDS, INVALID, CVV, EXPIRED, UNKNOWN };

static const struct row {
    const char *number;
    enum outcome outcome;
} rows[] = {
    { "4242424242424242", OK },
    { "5555555555554444", OK },
    { "586824160825533338", OK },
    { "2201382000000013", OK },
    { "9860099104199734", OK },
    { "4012888888881881", THREE_DS },
    { "5169147129584558", THREE_DS },
    { "4556418324571052", THREE_DS_GET },
    { "4987654321098769", THREE_DS_FAIL },
    { "5123456789012346", THREE_DS_FAIL },
    { "4342561111111118", THREE_DS_FAIL }, /* the bank's page times out */
    { "5112000200000002", THREE_DS_FAIL }, /* the same */
    { "4929172190150505", THREE_DS },
    { "4556724110260093", THREE_DS_GET },
    { "4000000000000002", FUNDS },
    { "5100000000000412", FUNDS },
    { "4222222222222220", INVALID },
    { "5100000000000511", INVALID },
    { "4003830171874018", CVV },
    { "5496198584584769", CVV },
    { "9860094242201120", CVV },
    { "4000000000000069", EXPIRED },
    { "5105105105105100", EXPIRED },
    { "4111110000000112", UNKNOWN },
    { "5124990000000002", UNKNOWN },
    { "4300000000000777", OK }, /* wallet tokens */
    { "5000000000000009", UNKNOWN },
    { "2222990905257051", OK },
    { "2222405343248877", UNKNOWN },
    { "2223577120017656", OK },
    { "2223007648726984", UNKNOWN },
};

#define CARD_REJECTED "authorization_failed:payment_tool_rejected:bank_card_rejected:"
#define REDIRECT_S 600
#define REDIRECT_MAX_S 604800 /* a week */

const char *card_number_of(const char *token)
{
    size_t len;

    if (strncmp(token, "card_number:", 12) == 0)
        token += 12;
    len = strlen(token);
    return len >= 12 && len <= 19 && strspn(token, "0123456789") == len ? token : NULL;
}

static const struct row *row_of(const struct call *call)
{
    const char *number = card_number_of(call->token);
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        if (strcmp(rows[i].number, number) == 0)
            return &rows[i];
    }
    return NULL;
}

static json_t *enrolled(struct call *call, bool by_get)
{
    const char *option = json_string_value(json_object_get(call->options, "redirect_timeout"));
    long seconds = option ? strtol(option, NULL, 10) : REDIRECT_S;
    char tag[NAME_BYTES], uri[NAME_BYTES * 3 + 64], *encoded;
    json_t *interaction;

    snprintf(tag, sizeof(tag), "COM_MPI-%s.%s", call->invoice, call->payment);
    if (by_get) {
        encoded = evhttp_uriencode(tag, -1, 0);
        snprintf(uri, sizeof(uri), "http://127.0.0.1:%d/acs?tag=%s", call->mock->port, encoded);
        free(encoded);
        interaction = json_pack("{s:{s:{s:s}}}", "redirect", "get_request", "uri", uri);
    } else {
        snprintf(uri, sizeof(uri), "http://127.0.0.1:%d/form", call->mock->port);
        interaction = json_pack("{s:{s:{s:s,s:{s:s}}}}", "redirect", "post_request", "uri", uri, "form", "tag", tag);
    }
    return suspend_for(call, tag, seconds >= 0 && seconds <= REDIRECT_MAX_S ? (double)seconds : REDIRECT_S, "suspended",
                       interaction,
                       json_pack("{s:{s:o}}", "operation_failure", "failure",
                                 failure_of("preauthorization_failed:three_ds_not_finished", NULL)));
}

json_t *card_by_number(struct call *call)
{
    const struct row *row = row_of(call);

    if (json_object_get(json_object_get(call->tool, "bank_card"), "payment_token"))
        return finish_ok(call); /* wallets succeed whatever the number */
    if (!row)
        return finish_failure(call, CARD_REJECTED "issuer_not_found", NULL, false);
    switch (row->outcome) {
    case OK: return finish_ok(call);
    case THREE_DS: case THREE_DS_FAIL: return enrolled(call, false);
    case THREE_DS_GET: return enrolled(call, true);
    case FUNDS: return finish_failure(call, "authorization_failed:insufficient_funds", NULL, true);
    case INVALID: return finish_failure(call, "authorization_failed:account_not_found", NULL, true);
    case CVV: return finish_failure(call, CARD_REJECTED "cvv_invalid", NULL, true);
    case EXPIRED: return finish_failure(call, CARD_REJECTED "card_expired", NULL, true);
    case UNKNOWN: break;
    }
    return finish_failure(call, "authorization_failed:unknown", NULL, true);
}

/* The payer is back from the bank's page. This success carries no recurrent token. */
json_t *card_callback(struct call *call)
{
    const struct row *row = row_of(call);
    json_t *result;

    if (!row || row->outcome == THREE_DS_FAIL)
        return finish_failure(call, "preauthorization_failed:unknown", NULL, true);
    result = finish_ok(call);
    json_object_del(json_object_get(json_object_get(json_object_get(json_object_get(result, "intent"), "finish"), "status"),
                                    "success"), "token");
    return result;
}

static bool phone_of(const struct call *call, char number[16])
{
    const json_t *phone = json_object_get(json_object_get(call->tool, "mobile_commerce"), "phone");
    const char *cc = json_string_value(json_object_get(phone, "cc"));
    const char *ctn = json_string_value(json_object_get(phone, "ctn"));

    return cc && ctn && snprintf(number, 16, "%s%s", cc, ctn) == 11;
}

bool phone_is_known(const struct call *call)
{
    static const char *const prefixes[] = { "7915111111", "7900111111", "7902111111", "7904111111", "7999111111" };
    char number[16];
    size_t i;

    if (!phone_of(call, number))
        return false;
    for (i = 0; i < SL_COUNT(prefixes); i++) {
        if (strncmp(prefixes[i], number, 10) == 0)
            return number[10] == '1' || number[10] == '2';
    }
    return false;
}

json_t *phone_by_number(struct call *call)
{
    char number[16];

    return phone_of(call, number) && number[10] == '1' ?
               finish_ok(call) :
               finish_failure(call, "authorization_failed:insufficient_funds", NULL, true);
}
