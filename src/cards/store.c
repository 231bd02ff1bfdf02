/* See store.h. */
#include "cards/store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/log.h"
#include "base/xmalloc.h"
#include "lua/card_put.h"
#include "lua/customer_link.h"

#define KEY_MAX 640 /* a prefix, two ids of 128 bytes at most, a card's token of 256 */

/* An order on its way: each answer of Redis counts down. */
struct keeping {
    UT_hash_handle hh;
    uint64_t number;
    struct card_store *store;
    int left;
    bool cancelled;
    enum sl_err err;
    char detail[160];
    card_done_fn done;
    void *arg;
};

struct card_store {
    struct client *client;
    const struct space *space;
    int64_t deadline_ms;
    struct keeping *keepings;
    uint64_t next_number;
};

struct card_store *card_store_new(struct client *client, const struct space *space, int64_t deadline_ms)
{
    struct card_store *store = xcalloc(1, sizeof(*store));

    assert(client && space && deadline_ms > 0);
    store->client = client;
    store->space = space;
    store->deadline_ms = deadline_ms;
    return store;
}

void card_store_free(struct card_store *store)
{
    if (!store)
        return;
    assert(HASH_COUNT(store->keepings) == 0);
    free(store);
}

/* "sluice:{T}:WORD:PARTY/NAMETAIL" */
static struct slice key_of(const struct card_store *store, const char *word, const char *party_id, const char *name,
                           const char *tail, char out[KEY_MAX])
{
    char whole[KEY_MAX];
    int len = snprintf(whole, sizeof(whole), "%s/%s", party_id, name);

    assert(len > 0 && (size_t)len < sizeof(whole));
    len = snprintf(out, KEY_MAX, "sluice:{%s}:%s:%s%s",
                   space_tag(store->space, space_partition(store->space, whole)), word, whole, tail);
    assert(len > 0 && len < KEY_MAX);
    return (struct slice){ out, (size_t)len };
}

/* ---- tokens ---- */

struct asking {
    union {
        card_tokens_fn tokens;
        customer_fn customer;
    } done;
    void *arg;
    struct arena *arena;
    struct customer customer;
    enum sl_err err;
    int left;
};

static struct asking *asking_new(void *arg)
{
    struct asking *asking = xcalloc(1, sizeof(*asking));

    asking->arg = arg;
    asking->arena = arena_new();
    return asking;
}

static void asking_free(struct asking *asking)
{
    arena_free(asking->arena);
    free(asking);
}

/* "CREATED_US {…}" */
static bool token_read(const struct reply *reply, struct arena *arena, struct card_token *out)
{
    size_t len;
    const char *text = reply_text(reply, &len), *json = text ? strchr(text, ' ') : NULL;

    return json && !type_decode_text(&type_card_token, json + 1, len - (size_t)(json + 1 - text), TYPE_STORED, arena,
                                     out, NULL);
}

static int by_route(const void *a, const void *b)
{
    const struct card_token *x = a, *y = b;

    if (x->provider_ref.id != y->provider_ref.id)
        return x->provider_ref.id < y->provider_ref.id ? -1 : 1;
    return (x->terminal_ref.id > y->terminal_ref.id) - (x->terminal_ref.id < y->terminal_ref.id);
}

static void tokens_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asking *asking = arg;
    size_t i, count = reply_count(reply) / 2;
    struct card_token *list = arena_array(asking->arena, count, sizeof(*list));
    struct type_list tokens = { list, count };

    for (i = 0; i < count && !err; i++) {
        if (!token_read(reply_at(reply, 2 * i + 1), asking->arena, &list[i]))
            err = SL_ECORRUPT;
    }
    if (!err)
        qsort(list, count, sizeof(*list), by_route); /* Redis promises no order */
    if (err == SL_EREFUSED)
        err = SL_ECORRUPT; /* the key is no hash */
    if (err == SL_ECORRUPT)
        log_error("the card store cannot be read: %s", reply_text(reply, NULL) ? reply_text(reply, NULL) : "a bad token");
    asking->done.tokens(asking->arg, err, err ? NULL : &tokens);
    asking_free(asking);
}

void card_store_tokens(struct card_store *store, const char *party_id, const char *card, card_tokens_fn done, void *arg)
{
    struct asking *asking = asking_new(arg);
    char key[KEY_MAX];
    struct slice words[] = { slice_of("HGETALL"), key_of(store, "card", party_id, card, "", key) };

    asking->done.tokens = done;
    client_command(store->client, words, SL_COUNT(words), store->deadline_ms, tokens_done, asking);
}

/* ---- keeping ---- */

static void keeping_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct keeping *keeping = arg;
    const char *text = reply_text(reply, NULL);

    if (err && (!keeping->err || err == SL_EREFUSED)) {
        keeping->err = err == SL_EREFUSED ? SL_EPROTO : err;
        snprintf(keeping->detail, sizeof(keeping->detail), "%s", text ? text : sl_err_name(err));
    }
    if (--keeping->left > 0)
        return;
    HASH_DEL(keeping->store->keepings, keeping);
    if (!keeping->cancelled)
        keeping->done(keeping->arg, keeping->number, keeping->err, keeping->err ? keeping->detail : NULL);
    free(keeping);
}

static void put_token(struct card_store *store, const struct card_order *order, struct keeping *keeping)
{
    const struct card_token *token = order->token;
    char key[KEY_MAX], route[2 * SLICE_I64_MAX], created_at[SLICE_I64_MAX];
    struct lua_card_put_keys keys = { key_of(store, "card", order->party_id, order->card, "", key) };
    struct lua_card_put_args args = { .created_at = slice_i64(created_at, token->created_at > 0 ? token->created_at : 0) };
    struct buf json = BUF_EMPTY;

    type_encode(&type_card_token, token, &json);
    snprintf(route, sizeof(route), "%" PRId64 ":%" PRId64, token->provider_ref.id, token->terminal_ref.id);
    args.route = slice_of(route);
    args.token = slice_of(buf_text(&json));
    keeping->left++;
    lua_card_put(store->client, &keys, &args, store->deadline_ms, keeping_done, keeping);
    buf_clear(&json);
}

static void link_customer(struct card_store *store, const struct card_order *order, struct keeping *keeping)
{
    char payments[KEY_MAX], cards[KEY_MAX], created_at[SLICE_I64_MAX], payment[300];
    struct lua_customer_link_keys keys = {
        key_of(store, "customer", order->party_id, order->customer_id, ":payments", payments),
        key_of(store, "customer", order->party_id, order->customer_id, ":cards", cards),
    };
    struct lua_customer_link_args args = {
        .created_at = slice_i64(created_at, order->created_at > 0 ? order->created_at / 1000 : 0),
        .card = slice_of(order->card ? order->card : ""),
    };

    snprintf(payment, sizeof(payment), "%s/%s", order->invoice_id, order->payment_id);
    args.payment = slice_of(payment);
    keeping->left++;
    lua_customer_link(store->client, &keys, &args, store->deadline_ms, keeping_done, keeping);
}

uint64_t card_store_keep(struct card_store *store, const struct card_order *order, card_done_fn done, void *arg)
{
    struct keeping *keeping = xcalloc(1, sizeof(*keeping));

    assert((order->token && order->card) || order->customer_id);
    keeping->store = store;
    keeping->number = ++store->next_number;
    keeping->done = done;
    keeping->arg = arg;
    HASH_ADD(hh, store->keepings, number, sizeof(keeping->number), keeping);
    if (order->token)
        put_token(store, order, keeping);
    if (order->customer_id)
        link_customer(store, order, keeping);
    return keeping->number;
}

void card_store_cancel(struct card_store *store, uint64_t number)
{
    struct keeping *keeping;

    HASH_FIND(hh, store->keepings, &number, sizeof(number), keeping);
    if (keeping)
        keeping->cancelled = true;
}

/* ---- customers ---- */

static void customer_part(struct asking *asking, enum sl_err err)
{
    if (err)
        asking->err = err == SL_EREFUSED ? SL_ECORRUPT : err;
    if (--asking->left > 0)
        return;
    if (!asking->err && asking->customer.payments.count == 0)
        asking->err = SL_ENOENT;
    asking->done.customer(asking->arg, asking->err, asking->err ? NULL : &asking->customer);
    asking_free(asking);
}

static void payments_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asking *asking = arg;
    struct customer_payment *list = arena_array(asking->arena, reply_count(reply), sizeof(*list));
    size_t i, count = 0;

    for (i = 0; i < reply_count(reply); i++) {
        const char *text = reply_text(reply_at(reply, i), NULL), *slash = text ? strchr(text, '/') : NULL;

        if (!slash)
            continue; /* nobody writes such a one */
        list[count].invoice_id = arena_strndup(asking->arena, text, (size_t)(slash - text));
        list[count++].payment_id = arena_strdup(asking->arena, slash + 1);
    }
    asking->customer.payments = (struct type_list){ list, count };
    customer_part(asking, err);
}

static void cards_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asking *asking = arg;
    struct customer_card *list = arena_array(asking->arena, reply_count(reply), sizeof(*list));
    size_t i;

    for (i = 0; i < reply_count(reply); i++)
        list[i].card = arena_strdup(asking->arena, reply_text(reply_at(reply, i), NULL));
    asking->customer.cards = (struct type_list){ list, reply_count(reply) };
    customer_part(asking, err);
}

void card_store_customer(struct card_store *store, const char *party_id, const char *customer_id, customer_fn done,
                         void *arg)
{
    struct asking *asking = asking_new(arg);
    char key[KEY_MAX], last[SLICE_I64_MAX];
    struct slice words[] = {
        slice_of("ZREVRANGE"), key_of(store, "customer", party_id, customer_id, ":payments", key), slice_of("0"),
        slice_i64(last, CUSTOMER_PAYMENTS_MAX - 1),
    };

    asking->done.customer = done;
    asking->left = 2;
    client_command(store->client, words, SL_COUNT(words), store->deadline_ms, payments_done, asking);
    words[1] = key_of(store, "customer", party_id, customer_id, ":cards", key);
    words[3] = slice_i64(last, CUSTOMER_CARDS_MAX - 1);
    client_command(store->client, words, SL_COUNT(words), store->deadline_ms, cards_done, asking);
}
