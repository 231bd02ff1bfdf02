/* /v1/accounts/{id}: an account's balances are the sums over all partitions. */
#include <stdlib.h>
#include <string.h>

#include "api/request.h"
#include "engine/balances.h"

static void currency_seen(void *arg, int64_t id, const char *currency)
{
    struct api_request *request = arg;
    char text[SLICE_I64_MAX];

    slice_i64(text, id);
    if (strcmp(text, request->params[0]) == 0)
        request->waiting = arena_strdup(request->arena, currency);
}

static void balances_known(void *arg, enum sl_err err, const struct balance *balance, bool known)
{
    struct api_request *request = arg;
    const struct domain *head = domain_store_ops.head(api_setup(request)->domains);
    const char *currency;
    struct buf json = BUF_EMPTY;

    if (head)
        domain_each_account(head, currency_seen, request);
    currency = request->waiting;
    if (err || (!known && !currency)) {
        answer_err(request, err ? err : SL_ENOENT, "AccountNotFound", NULL);
        return;
    }
    buf_printf(&json, "{\"account_id\":%s,\"own_amount\":%lld,\"min_available_amount\":%lld,\"max_available_amount\":%lld",
               request->params[0], (long long)balance->own, (long long)balance->min, (long long)balance->max);
    if (currency)
        buf_printf(&json, ",\"currency\":{\"symbolic_code\":\"%s\"}", currency);
    buf_char(&json, '}');
    answer_json(request, 200, &json);
}

void accounts_get(struct api_request *request)
{
    const struct api_setup *setup = api_setup(request);
    const char *id = request->params[0];

    if (strlen(id) > 18 || strspn(id, "0123456789") != strlen(id) || (id[0] == '0' && id[1])) {
        answer_problem(request, 404, "AccountNotFound", "account ids are whole numbers", NULL);
        return;
    }
    balances_read(setup->client, setup->space, strtoll(id, NULL, 10), balances_known, request);
}
