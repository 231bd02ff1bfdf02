/* The bank: a provider and an inspector with a book. What it answers is drawn from the seed, and from nothing that the
 * order of things could change; what it has answered under a key it answers again.                          */
#include "sim/bank.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "payment/effect.h"
#include "sim/cards.h"
#include "sim/memory.h"

/* ---- the book ---- */

struct acquirer *bank_new(struct sim *sim)
{
    struct acquirer *bank = xcalloc(1, sizeof(*bank));

    bank->sim = sim;
    return bank;
}

void bank_free(struct acquirer *bank)
{
    struct account *account, *next_account;
    struct bank_session *session, *next_session;
    struct entry *entry, *next_entry;
    struct bank_token *token, *next_token;

    HASH_ITER(hh, bank->accounts, account, next_account) {
        HASH_DEL(bank->accounts, account);
        free(account);
    }
    HASH_ITER(hh, bank->sessions, session, next_session) {
        HASH_DEL(bank->sessions, session);
        free(session->ending);
        free(session);
    }
    HASH_ITER(hh, bank->book, entry, next_entry) {
        HASH_DEL(bank->book, entry);
        free(entry->answer);
        free(entry);
    }
    HASH_ITER(hh, bank->tokens, token, next_token) {
        HASH_DEL(bank->tokens, token);
        free(token);
    }
    free(bank);
}

bool bank_account(const struct acquirer *bank, const char *invoice, const char *payment, struct bank_account *out)
{
    char key[KEY_BYTES];
    struct account *account;

    snprintf(key, sizeof(key), "%s.%s", invoice, payment);
    HASH_FIND_STR(bank->accounts, key, account);
    if (account)
        *out = account->sums;
    return account != NULL;
}

bool bank_idle(const struct acquirer *bank)
{
    return bank->senders == 0;
}

uint64_t bank_digest(const struct acquirer *bank, uint64_t hash)
{
    struct entry *entry, *next;

    HASH_ITER(hh, bank->book, entry, next) {
        hash = hash_bytes(hash, entry->key, strlen(entry->key));
        hash = hash_bytes(hash, entry->answer, strlen(entry->answer));
    }
    return hash;
}

struct account *account_get(struct acquirer *bank, const char *key)
{
    struct account *account;

    HASH_FIND_STR(bank->accounts, key, account);
    if (account)
        return account;
    account = xcalloc(1, sizeof(*account) + strlen(key) + 1);
    strcpy(account->key, key);
    HASH_ADD_STR(bank->accounts, key, account);
    return account;
}

void key_head(const char *key, int parts, char out[KEY_BYTES])
{
    const char *end = key;

    while (parts > 0 && (end = strchr(end, '.'))) {
        if (--parts > 0)
            end++;
    }
    snprintf(out, KEY_BYTES, "%.*s", (int)(end ? (size_t)(end - key) : strlen(key)), key);
}

/* ---- what happened without us, and recurrent tokens ---- */

void bank_happened(struct sim *sim, const char *invoice, const char *payment, int64_t amount)
{
    char key[KEY_BYTES];

    snprintf(key, sizeof(key), "%s.%s", invoice, payment);
    account_get(sim->bank, key)->sums = (struct bank_account){
        .charges = 1, .authorised = amount, .captures = 1, .captured = amount,
    };
}

void bank_token_given(struct sim *sim, const char *token, const char *card, int64_t provider)
{
    struct bank_token *given;

    HASH_FIND_STR(sim->bank->tokens, token, given);
    if (given)
        return;
    given = xcalloc(1, sizeof(*given) + strlen(token) + 1);
    strcpy(given->key, token);
    snprintf(given->card, sizeof(given->card), "%s", card);
    given->provider = provider;
    HASH_ADD_STR(sim->bank->tokens, key, given);
}

/* Nobody pays with a token that was given for another card, or by another provider. */
static void token_check(struct acquirer *bank, const struct order *order)
{
    char invoice[KEY_BYTES];
    struct bank_token *given;

    if (!order->rec_token)
        return;
    key_head(order->key, 1, invoice);
    HASH_FIND_STR(bank->tokens, order->rec_token, given);
    if (!given)
        sim_violation(bank->sim, invoice, "it pays with token %s, which nobody gave", order->rec_token);
    else if (strcmp(given->card, order->card) != 0 || given->provider != order->provider)
        sim_violation(bank->sim, invoice, "it pays for %s by provider %" PRId64 " with a token of %s by %" PRId64,
                      order->card, order->provider, given->card, given->provider);
}

/* ---- calls ---- */

static struct entry *entry_new(struct acquirer *bank, const char *key, const char *answer)
{
    struct entry *entry = xcalloc(1, sizeof(*entry) + strlen(key) + 1);

    strcpy(entry->key, key);
    entry->answer = xstrdup(answer);
    HASH_ADD_STR(bank->book, key, entry);
    return entry;
}

static void inspect(struct acquirer *bank, const struct order *order, struct buf *out)
{
    uint64_t draw = hash_bytes(bank->sim->options.seed, order->key, strlen(order->key)) % 100;

    buf_printf(out, "{\"risk_score\":\"%s\"}", draw < 70 ? "low" : draw < 78 ? "trusted" : draw < 96 ? "high" : "fatal");
}

static void blacklist(struct acquirer *bank, const struct order *order, struct buf *out)
{
    struct rng rng = { hash_bytes(bank->sim->options.seed, order->key, strlen(order->key)) };
    size_t i;

    buf_str(out, "{\"blacklisted\":[");
    for (i = 0; i < order->routes; i++)
        buf_printf(out, "%s%s", i ? "," : "", rng_below(&rng, 30) == 0 ? "true" : "false");
    buf_str(out, "]}");
}

void bank_perform(struct order *order)
{
    struct acquirer *bank = order->bank;
    struct buf answer = BUF_EMPTY;
    struct bank_session *session;
    struct entry *entry;

    if (order->kind == FX_LIMITS) {
        order->counted = counters_run(bank->sim->counters, order->limits, order->partitions, order->arena);
        return;
    }
    if (order->kind == FX_CARDS) {
        cards_keep(bank->sim->cards, order->keep);
        return;
    }
    if (order->kind == FX_BALANCE) {
        order->balance = (struct balance){
            memory_balance(bank->sim->memory, order->account, "own"),
            memory_balance(bank->sim->memory, order->account, "min"),
            memory_balance(bank->sim->memory, order->account, "max"),
        };
        return;
    }
    bank->sim->bank_calls++;
    HASH_FIND_STR(bank->book, order->key, entry);
    if (entry) {
        if (entry->charged && sim_broken(bank->sim, BREAK_DOUBLE_CHARGE, 300000))
            entry->session->account->sums.charges += entry->session->target == TARGET_PROCESSED;
        if (entry->charged && sim_broken(bank->sim, BREAK_DOUBLE_REFUND, 300000))
            entry->session->account->sums.refunds += entry->session->target == TARGET_REFUNDED;
        order->answer = arena_strdup(order->arena, entry->answer);
        return;
    }
    if (order->kind == FX_INSPECT || order->kind == FX_BLACKLIST) {
        if (order->kind == FX_INSPECT)
            inspect(bank, order, &answer);
        else
            blacklist(bank, order, &answer);
        entry_new(bank, order->key, buf_text(&answer));
    } else {
        session = bank_session_get(bank, order);
        token_check(bank, order);
        bank_session_check(session, order);
        bank_session_answer(session, order, &answer);
        if (order->kind == FX_PROVIDER_PROCESS)
            session->state_told = session->states;
        entry = entry_new(bank, order->key, buf_text(&answer));
        entry->session = session;
        entry->charged = session->charged;
    }
    order->answer = arena_strdup(order->arena, buf_text(&answer));
    buf_clear(&answer);
}
