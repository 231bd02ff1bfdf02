#include "payment/contract.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "payment/types.h"

/* A payer's browser is sent to URI: anything but a web address may be a script, a file, another program. */
static const char *uri_breach(const char *uri)
{
    const unsigned char *c;

    if (strncasecmp(uri, "http://", strlen("http://")) != 0 && strncasecmp(uri, "https://", strlen("https://")) != 0)
        return "sends the payer to a URI that is neither http nor https";
    for (c = (const unsigned char *)uri; *c; c++) {
        if (*c < 0x20 || *c == 0x7f)
            return "sends the payer to a URI with a control character";
    }
    return NULL;
}

static const char *interaction_breach(const struct user_interaction *interaction)
{
    const struct redirect *redirect;

    if (!interaction || interaction->tag != INTERACTION_REDIRECT)
        return NULL;
    redirect = interaction->redirect;
    return uri_breach(redirect->tag == REDIRECT_GET ? redirect->get_request.uri : redirect->post_request.uri);
}

static const char *success_breach(const struct payment *payment, const struct session *session,
                                  const struct proxy_result *result, struct arena *arena)
{
    const struct cash *cost = result->intent.finish->status.success->changed_cost;

    if (session->target.tag != TARGET_PROCESSED)
        return NULL; /* a cost that is changed here is ignored */
    if (cost && (cost->amount <= 0 || !cash_same_currency(cost, &payment->cost)))
        return arena_printf(arena, "changed the cost to %" PRId64 " %s", cost->amount, cost->currency.symbolic_code);
    return NULL;
}

const char *contract_breach(const struct payment *payment, const struct session *session,
                            const struct proxy_result *result, struct arena *arena)
{
    const struct proxy_intent *intent = &result->intent;

    switch (intent->tag) {
    case PROXY_INTENT_SLEEP: return interaction_breach(intent->sleep->user_interaction);
    case PROXY_INTENT_SUSPEND: return interaction_breach(intent->suspend->user_interaction);
    case PROXY_INTENT_FINISH:
        return intent->finish->status.tag == PROXY_STATUS_SUCCESS ? success_breach(payment, session, result, arena) : NULL;
    default: return NULL;
    }
}
