/* What the parts of the simulated bank share: bank.c (its book), bank_session.c (what a session does and answers) and
 * order.c (a daemon's effects on their way to it). Everybody else includes sim.h alone.                       */
#ifndef SLUICE_TESTS_SIM_BANK_H
#define SLUICE_TESTS_SIM_BANK_H

#include <uthash.h>

#include "money/ledger.h"
#include "sim/counters.h"
#include "sim/sim.h"

#define KEY_BYTES 192

struct account {
    UT_hash_handle hh;
    struct bank_account sums;
    int transactions;
    char key[]; /* "invoice.payment" */
};

enum script { SCRIPT_APPROVE, SCRIPT_DECLINE, SCRIPT_PUT_OFF, SCRIPT_SECURE };

struct bank_session {
    UT_hash_handle hh;
    struct acquirer *bank;
    struct account *account;
    int target;
    struct rng rng;
    enum script script;
    int sleeps, calls, callbacks;
    bool decided;     /* its script is over: ENDING is the answer for ever */
    bool settled;     /* an operator has asked, and was told for certain */
    bool activated;   /* a callback told it to go on by itself */
    bool charged;
    bool unconfirmed; /* nobody who sent a callback was told that all is well */
    bool outside;     /* the present callback came from outside, not from a timeout */
    char *ending;
    int64_t states;   /* given out so far */
    int64_t state_told; /* of the last answer to a call that was not a callback's */
    char trx[64], tag[96];
    char key[];       /* "invoice.payment.target.number" */
};

struct entry {
    UT_hash_handle hh;
    char *answer;
    bool charged;
    struct bank_session *session;
    char key[];
};

/* A recurrent token, and what it is good for. */
struct bank_token {
    UT_hash_handle hh;
    int64_t provider;
    char card[64];
    char key[];
};

struct acquirer {
    struct sim *sim;
    struct account *accounts;
    struct bank_session *sessions;
    struct entry *book;
    struct bank_token *tokens;
    size_t senders; /* of callbacks */
};

/* An effect under way. */
struct order {
    struct order *prev, *next; /* daemon->orders, as long as it is waited for */
    struct acquirer *bank;
    struct daemon *daemon;     /* NULL: nobody waits any more */
    uint64_t number;
    struct arena *into;        /* the machine's */
    effect_done_fn done;
    void *done_arg;
    int parts, kind, status;
    enum sl_err err;
    bool lose;
    struct arena *arena;       /* its own */
    const char *key, *state, *callback, *trx, *answer;
    int target;
    int64_t amount, provider;
    const char *card, *rec_token; /* paid with; REC_TOKEN NULL: with the card itself */
    bool wants_token;
    const struct card_order *keep; /* FX_CARDS */
    size_t routes;             /* FX_BLACKLIST: asked about */
    const struct limit_order *limits; /* FX_LIMITS */
    uint64_t partitions;       /* of the counters: those that the order reaches */
    const struct limit_answer *counted;
    int64_t account;           /* FX_BALANCE */
    struct balance balance;
};

/* The first PARTS parts of a key, which are separated by dots. */
void key_head(const char *key, int parts, char out[KEY_BYTES]);
struct account *account_get(struct acquirer *bank, const char *key); /* made, when the bank has never heard of it */

/* What the bank does for ORDER, and its answer: once for each key. */
void bank_perform(struct order *order);

/* The session that ORDER is about; a new one draws its script. */
struct bank_session *bank_session_get(struct acquirer *bank, const struct order *order);
/* Before it answers: a state must not be older than one that was told, and what is over must not be asked again. */
void bank_session_check(struct bank_session *session, const struct order *order);
void bank_session_answer(struct bank_session *session, const struct order *order, struct buf *out);

#endif
