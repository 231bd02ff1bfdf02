/* /v1/accounts/{id}: an account's balances are the sums over all partitions. */
#include <stdio.h>
#include <string.h>

#include "api/request.h"

#define ASK_MS 5000

struct summing {
    int left;
    enum sl_err err;
    bool found;
    int64_t own, min, max;
    const char *currency;
};

static void currency_seen(void *arg, int64_t id, const char *currency)
{
    struct api_request *request = arg;
    struct summing *summing = request->waiting;
    char text[SLICE_I64_MAX];

    slice_i64(text, id);
    if (strcmp(text, request->params[0]) == 0)
        summing->currency = currency;
}

static void answer_balances(struct api_request *request)
{
    struct summing *summing = request->waiting;
    struct buf json = BUF_EMPTY;
    const struct domain *head = domain_store_ops.head(api_setup(request)->domains);

    if (head)
        domain_each_account(head, currency_seen, request);
    if (summing->err || (!summing->found && !summing->currency)) {
        answer_err(request, summing->err ? summing->err : SL_ENOENT, "AccountNotFound", NULL);
        return;
    }
    buf_printf(&json, "{\"account_id\":%s,\"own_amount\":%lld,\"min_available_amount\":%lld,\"max_available_amount\":%lld",
               request->params[0], (long long)summing->own, (long long)summing->min,
               (long long)summing->max);
    if (summing->currency)
        buf_printf(&json, ",\"currency\":{\"symbolic_code\":\"%s\"}", summing->currency);
    buf_char(&json, '}');
    answer_json(request, 200, &json);
}

static void share_read(void *arg, enum sl_err err, const struct reply *reply)
{
    struct api_request *request = arg;
    struct summing *summing = request->waiting;

    if (err)
        summing->err = err == SL_EREFUSED ? SL_ECORRUPT : err;
    summing->found |= reply_kind(reply_at(reply, 1)) == REPLY_STRING || reply_kind(reply_at(reply, 0)) == REPLY_STRING;
    if (__builtin_add_overflow(summing->own, reply_i64_or(reply_at(reply, 0), 0), &summing->own) ||
        __builtin_add_overflow(summing->min, reply_i64_or(reply_at(reply, 1), 0), &summing->min) ||
        __builtin_add_overflow(summing->max, reply_i64_or(reply_at(reply, 2), 0), &summing->max))
        summing->err = SL_ECORRUPT;
    if (--summing->left == 0)
        answer_balances(request);
}

void accounts_get(struct api_request *request)
{
    const struct api_setup *setup = api_setup(request);
    struct summing *summing = request->waiting = arena_alloc(request->arena, sizeof(*summing));
    const char *id = request->params[0];
    char own[48], min[48], max[48];
    struct slice words[5];
    int p;

    if (strlen(id) > 18 || strspn(id, "0123456789") != strlen(id)) {
        answer_problem(request, 404, "AccountNotFound", "account ids are whole numbers", NULL);
        return;
    }
    snprintf(own, sizeof(own), "%s:own", id);
    snprintf(min, sizeof(min), "%s:min", id);
    snprintf(max, sizeof(max), "%s:max", id);
    summing->left = space_count(setup->space);
    for (p = 0; p < space_count(setup->space); p++) {
        words[0] = slice_of("HMGET");
        words[1] = space_accounts(setup->space, p);
        words[2] = slice_of(own);
        words[3] = slice_of(min);
        words[4] = slice_of(max);
        client_command(setup->client, words, 5, ASK_MS, share_read, request);
    }
}
