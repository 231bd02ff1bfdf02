/* The card store on a real Redis: what is kept, what a repeat does, and that ids never run into each other. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cards/store.h"
#include "support/redis_fixture.h"

static struct redis_fixture redis;
static struct space *space;
static struct card_store *store;

static struct {
    bool there;
    enum sl_err err;
    char text[2048];
} answer;

static void begin(void)
{
    redis_fixture_open(&redis);
    space = space_new(8);
    store = card_store_new(redis.client, space, 5000);
}

static void end(void)
{
    redis_fixture_close(&redis);
    card_store_free(store);
    space_free(space);
}

static void wait_answer(void)
{
    redis_fixture_wait(&redis, &answer.there);
}

static void kept(void *arg, uint64_t number, enum sl_err err, const char *detail)
{
    (void)arg;
    cr_expect(number > 0 && !detail == !err);
    answer.err = err;
    answer.there = true;
}

static enum sl_err keep(const struct card_order *order)
{
    answer.there = false;
    card_store_keep(store, order, kept, NULL);
    wait_answer();
    return answer.err;
}

static enum sl_err keep_token(const char *party, const char *card, int64_t provider, const char *token, int64_t at)
{
    struct card_token kept_token = {
        .id = token, .provider_ref = { provider }, .terminal_ref = { 7 }, .token = token, .created_at = at,
        .status = CARD_TOKEN_ACTIVE,
    };

    return keep(&(struct card_order){ .party_id = party, .card = card, .token = &kept_token, .invoice_id = "i",
                                      .payment_id = "1" });
}

static void tokens_there(void *arg, enum sl_err err, const struct type_list *tokens)
{
    const struct card_token *list = tokens ? tokens->items : NULL;
    struct buf text = BUF_EMPTY;
    size_t i;

    (void)arg;
    for (i = 0; list && i < tokens->count; i++)
        buf_printf(&text, "%s%lld:%lld %s", i ? ", " : "", (long long)list[i].provider_ref.id,
                   (long long)list[i].terminal_ref.id, list[i].token);
    snprintf(answer.text, sizeof(answer.text), "%s", buf_text(&text));
    buf_clear(&text);
    answer.err = err;
    answer.there = true;
}

/* "1:7 a, 2:7 b" */
static const char *tokens(const char *party, const char *card)
{
    answer.there = false;
    card_store_tokens(store, party, card, tokens_there, NULL);
    wait_answer();
    return answer.err ? sl_err_name(answer.err) : answer.text;
}

static void customer_there(void *arg, enum sl_err err, const struct customer *customer)
{
    const struct customer_payment *payments = customer ? customer->payments.items : NULL;
    const struct customer_card *cards = customer ? customer->cards.items : NULL;
    struct buf text = BUF_EMPTY;
    size_t i;

    (void)arg;
    for (i = 0; payments && i < customer->payments.count; i++)
        buf_printf(&text, "%s.%s ", payments[i].invoice_id, payments[i].payment_id);
    for (i = 0; cards && i < customer->cards.count; i++)
        buf_printf(&text, "[%s]", cards[i].card);
    snprintf(answer.text, sizeof(answer.text), "%s", buf_text(&text));
    buf_clear(&text);
    answer.err = err;
    answer.there = true;
}

static const char *customer(const char *party, const char *id)
{
    answer.there = false;
    card_store_customer(store, party, id, customer_there, NULL);
    wait_answer();
    return answer.err ? sl_err_name(answer.err) : answer.text;
}

/* If it fails, a token is lost or an old one takes a newer one's place: later payments are declined. */
Test(cards, a_token_gives_way_to_newer_ones_only, .init = begin, .fini = end)
{
    cr_expect_str_eq(tokens("p", "card"), "");
    cr_assert_eq(keep_token("p", "card", 1, "a", 1700000000000001), SL_OK);
    cr_expect_str_eq(tokens("p", "card"), "1:7 a");
    cr_assert_eq(keep_token("p", "card", 1, "a", 1700000000000001), SL_OK, "a repeat");
    cr_expect_str_eq(tokens("p", "card"), "1:7 a");
    cr_assert_eq(keep_token("p", "card", 1, "b", 1700000000000002), SL_OK);
    cr_expect_str_eq(tokens("p", "card"), "1:7 b");
    cr_assert_eq(keep_token("p", "card", 1, "a", 1700000000000001), SL_OK, "a late repeat");
    cr_expect_str_eq(tokens("p", "card"), "1:7 b");
    cr_assert_eq(keep_token("p", "card", 2, "c", 5), SL_OK);
    cr_expect_str_eq(tokens("p", "card"), "1:7 b, 2:7 c");
}

/* If it fails, one party pays with another's token. */
Test(cards, names_do_not_run_into_each_other, .init = begin, .fini = end)
{
    cr_assert_eq(keep_token("p", "q:card", 1, "a", 1), SL_OK);
    cr_assert_eq(keep_token("p:q", "card", 1, "b", 1), SL_OK);
    cr_assert_eq(keep_token("p", "x/}{ \n\"%", 1, "c", 1), SL_OK);
    cr_expect_str_eq(tokens("p", "q:card"), "1:7 a");
    cr_expect_str_eq(tokens("p:q", "card"), "1:7 b");
    cr_expect_str_eq(tokens("p", "x/}{ \n\"%"), "1:7 c");
    cr_expect_str_eq(tokens("p", "card"), "");
}

/* If it fails, the longest ids that the API takes end the daemon. */
Test(cards, the_longest_names_fit, .init = begin, .fini = end)
{
    char party[129], card[257], id[129];

    memset(party, 'p', sizeof(party));
    memset(card, 'c', sizeof(card));
    memset(id, 'i', sizeof(id));
    party[128] = id[128] = card[256] = '\0';
    cr_assert_eq(keep_token(party, card, INT64_MAX, "t", 253402300799000000), SL_OK);
    cr_expect_str_eq(tokens(party, card), "9223372036854775807:7 t");
    cr_assert_eq(keep(&(struct card_order){ .party_id = party, .card = card, .customer_id = id, .invoice_id = id,
                                            .payment_id = id, .created_at = 1 }), SL_OK);
    cr_expect(strstr(customer(party, id), card));
}

/* If it fails, a customer's payments are counted twice, or come in the wrong order. */
Test(cards, customers_have_payments_and_cards, .init = begin, .fini = end)
{
    struct card_order order = { .party_id = "p", .customer_id = "c", .invoice_id = "i1", .payment_id = "1",
                                .created_at = 1000000 };

    cr_expect_str_eq(customer("p", "c"), sl_err_name(SL_ENOENT));
    cr_assert_eq(keep(&order), SL_OK);
    cr_assert_eq(keep(&order), SL_OK);
    cr_expect_str_eq(customer("p", "c"), "i1.1 ");
    order = (struct card_order){ .party_id = "p", .customer_id = "c", .invoice_id = "i2", .payment_id = "x",
                                 .created_at = 3000000, .card = "tok" };
    cr_assert_eq(keep(&order), SL_OK);
    order.invoice_id = "i3";
    order.created_at = 2000000;
    cr_assert_eq(keep(&order), SL_OK);
    cr_expect_str_eq(customer("p", "c"), "i2.x i3.x i1.1 [tok]", "%s", answer.text);
}

/* If it fails, what somebody wrote by hand stops a daemon, or is taken for a token. */
Test(cards, what_cannot_be_read_is_said, .init = begin, .fini = end)
{
    char key[128];

    cr_assert_eq(keep_token("p", "card", 1, "a", 1), SL_OK);
    snprintf(key, sizeof(key), "sluice:{%s}:card:p/card", space_tag(space, space_partition(space, "p/card")));
    redis_fixture_ask(&redis, "HSET", key, "1:7", "nonsense", NULL);
    cr_expect_str_eq(tokens("p", "card"), sl_err_name(SL_ECORRUPT));
    cr_expect_eq(keep_token("p", "card", 1, "b", 2), SL_EPROTO);
    redis_fixture_ask(&redis, "DEL", key, NULL);
    redis_fixture_ask(&redis, "SET", key, "x", NULL);
    cr_expect_str_eq(tokens("p", "card"), sl_err_name(SL_ECORRUPT));
    cr_expect_eq(keep_token("p", "card", 1, "b", 2), SL_EPROTO);
}

static void never(void *arg, uint64_t number, enum sl_err err, const char *detail)
{
    (void)arg;
    (void)number;
    (void)err;
    (void)detail;
    cr_assert(false, "a cancelled order was answered");
}

/* If it fails, an answer comes for a machine that is gone. */
Test(cards, a_cancelled_order_is_silent, .init = begin, .fini = end)
{
    struct card_order order = { .party_id = "p", .customer_id = "c", .invoice_id = "i", .payment_id = "1" };

    card_store_cancel(store, card_store_keep(store, &order, never, NULL));
    cr_expect_str_eq(customer("p", "c"), "i.1 ", "it was sent before");
    card_store_cancel(store, 77);
}
