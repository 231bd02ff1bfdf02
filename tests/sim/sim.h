/* The simulator: the engine and the payments in one process, on a store in memory, under virtual time, with a bank,
 * callers and faults that are all drawn from one seed. What every file of it shares.
 *
 *     traffic ----> daemons (the real runtime and wheel) <----> link ----> memory (the store)
 *        ^             |  ^                                    faults
 *        '--- bank <---'  '--- clock: alarms, everything in order of virtual time
 *
 * Nothing here reads a real clock, draws a real random number, or depends on an address: the same seed gives the
 * same histories, byte for byte. Ref: doc/simulator.md.                                                    */
#ifndef SLUICE_TESTS_SIM_H
#define SLUICE_TESTS_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "domain/domain.h"
#include "engine/runtime.h"
#include "engine/space.h"
#include "engine/wheel.h"
#include "payment/calls.h"
#include "payment/state.h"

/* ---- random numbers ---- */

struct rng {
    uint64_t state;
};

uint64_t rng_next(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t bound); /* 0 .. BOUND - 1; BOUND > 0 */
int64_t rng_between(struct rng *rng, int64_t low, int64_t high); /* both included */
bool rng_chance(struct rng *rng, int64_t per_million);
uint64_t mix(uint64_t a, uint64_t b); /* a hash of two numbers */
uint64_t hash_bytes(uint64_t seed, const void *data, size_t len);

/* ---- faults, as they are counted ---- */

enum fault {
    FAULT_NOT_SENT,        /* a request to the store was not sent */
    FAULT_LOST_REQUEST,    /* sent, never executed, not answered */
    FAULT_LOST_ANSWER,     /* executed, not answered */
    FAULT_LATE_REQUEST,    /* executed only after its sender was told that nobody knows */
    FAULT_SLOW_STORE,
    FAULT_STORE_AWAY,
    FAULT_CRASH,           /* a daemon is gone between two events */
    FAULT_CRASH_BEFORE,    /* ... just before a request to the store left */
    FAULT_CRASH_AFTER,     /* ... just after */
    FAULT_PAUSE,           /* a daemon stands still for a while, then goes on */
    FAULT_STOP,            /* a daemon is stopped as it should be */
    FAULT_ALL_DOWN,        /* no daemon for a while */
    FAULT_CONFIG_MISSING,  /* a configuration revision has to be fetched */
    FAULT_CALL_UNDELIVERED,/* an effect did not reach the bank */
    FAULT_CALL_UNANSWERED, /* the bank performed it, its answer is lost */
    FAULT_CALL_REPEATED,   /* the bank got it twice */
    FAULT_CALL_LATE,       /* the bank performed it after the daemon had given up */
    FAULT_CALL_GARBAGE,    /* the bank performed it, its answer makes no sense */
    FAULT_CALLBACK_EARLY,  /* before the daemon knew the tag */
    FAULT_CALLBACK_TWICE,
    FAULT_CALLBACK_LATE,   /* after the suspension was over */
    FAULT_CALL_TWICE,      /* a caller asked two daemons at once */
    FAULT_STEP,            /* a step fails, and parks its machine */
    FAULT_CONFLICT,        /* not made on purpose: the fence refused a commit */
    FAULT_COUNT,
};

/* ---- deliberately broken variants: each must be found ---- */

enum break_kind {
    BREAK_NONE,
    BREAK_LOSE_COMMIT,    /* the store says done and forgets the commit */
    BREAK_HALF_COMMIT,    /* the event without its postings */
    BREAK_NO_FENCE,       /* the store does not look at versions and claims */
    BREAK_FORGET_TIMER,   /* the wheel loses a machine */
    BREAK_CLAIM_REMOVES,  /* a claim takes machines off the wheel: a crash loses them */
    BREAK_EARLY_TIMER,    /* the store's clock is ahead in its answers */
    BREAK_LATE_TIMER,     /* claims overlook machines for a while */
    BREAK_STALE_SNAPSHOT, /* a snapshot says a newer version than it has */
    BREAK_EVENT_TWICE,    /* an event is stored twice */
    BREAK_FEED_SKIPS,     /* the feed misses an event */
    BREAK_FEED_TWICE,     /* the feed has an event twice */
    BREAK_LEAVE_HOLD,     /* the held parts of a posting are not given back */
    BREAK_DOUBLE_CHARGE,  /* the bank forgets its book: a repeated call charges again */
    BREAK_DOUBLE_REFUND,  /* the same for refunds */
    BREAK_FRESH_KEY,      /* a repeated call has another idempotency key */
    BREAK_UNDO_CHARGE,    /* the bank forgets a charge that it has confirmed */
    BREAK_FALSE_ANSWER,   /* a call that was refused is answered as done */
    BREAK_FALSE_REFUSAL,  /* a call that was done is answered as not done */
    BREAK_STALE_READ,     /* loads show the machine as it was an event ago */
    BREAK_STALE_TEMPLATE, /* a template is read once, and never looked at again */
    BREAK_CARD_FORGETS,   /* the card store says done and keeps no token */
    BREAK_CARD_MIXES,     /* it shows another card's tokens */
    BREAK_COUNT_TWICE,    /* a counter's commit counts double, in its sum and in its record */
    BREAK_LOSE_COUNT,     /* a counter's commit is answered, and rolled back */
    BREAK_REAL_REHEARSAL, /* a repair that is only rehearsed is done */
    BREAK_FORGET_KEY,     /* a commit leaves no idempotency key behind */
    BREAK_SHARED_KEYS,    /* keys are looked up without the machine that they belong to */
    BREAK_BLIND_KEYS,     /* what a key leaves behind has another request's fingerprint */
    BREAK_FORGET_ASKED,   /* the store does not keep calls that were begun */
    BREAK_REFUND_INVERTS, /* the end of a refund is turned round for invertable limits, as a payment's is */
    BREAK_COUNT,
};
const char *break_name(int kind);

/* ---- what may be asked (deed.c) ---- */

enum verdict { VERDICT_DONE, VERDICT_REFUSED, VERDICT_NOT_DONE, VERDICT_UNKNOWN, VERDICT_COUNT };

/* Every call and every shape of it that matters. Each is asked in a large run, and each succeeds: see deed.c for what
 * part of the program it stands for. */
enum deed {
    DEED_CREATE,
    DEED_TEMPLATE_CREATE,
    DEED_TEMPLATE_UPDATE,
    DEED_TEMPLATE_DELETE,
    DEED_TEMPLATE_GET,
    DEED_TEMPLATE_TERMS,
    DEED_TEMPLATE_INVOICE, /* an invoice from one */
    DEED_READ,
    DEED_READ_AT,        /* as of an event */
    DEED_EVENTS,
    DEED_RESCIND,
    DEED_FULFILL,
    DEED_START,
    DEED_START_UNNAMED, /* without an id: the next free number */
    DEED_START_RECURRENT,
    DEED_REGISTER,       /* it happened outside */
    DEED_CARD_GET,
    DEED_CARD_POST,
    DEED_CAPTURE,
    DEED_CAPTURE_PART,
    DEED_CAPTURE_CART,
    DEED_CANCEL,
    DEED_REFUND,
    DEED_REFUND_PART,
    DEED_REFUND_CART,
    DEED_REFUND_NAMED,   /* under an id of the caller's, more than once */
    DEED_REFUND_MANUAL,  /* the provider is asked */
    DEED_REFUND_OUTSIDE, /* it was made outside: the provider is not asked */
    DEED_CALLBACK,
    DEED_SESSION_CHANGE,
    DEED_REPAIR_AGAIN,   /* the failed step once more */
    DEED_REPAIR_CHANGES,
    DEED_REPAIR_TIMER,   /* no changes, another timer */
    DEED_REPAIR_SKIP_INSPECTOR,
    DEED_REPAIR_FAIL_EARLY,
    DEED_REPAIR_FAIL_SESSION,
    DEED_REPAIR_FULFILL_SESSION,
    DEED_REPAIR_COMPLEX,
    DEED_REPAIR_REVISION, /* under the newest configuration */
    DEED_REPAIR_MISFIT,  /* what cannot be: refused, which counts as done */
    DEED_REPAIR_IDLE,    /* of a machine that works: the same */
    DEED_REHEARSE_STEP,
    DEED_REHEARSE,       /* any of the above, without doing it */
    DEED_KEY_AGAIN,      /* a request that was done, once more under its key: the first answer */
    DEED_KEY_OTHER,      /* another request under a key that was used: refused */
    DEED_COUNT,
};
struct sim;
void deed_count(struct sim *sim, enum deed deed, int verdict);
/* Prints how often each was asked and done. True: each was done at least once. */
bool deeds_report(uint64_t counts[DEED_COUNT][VERDICT_COUNT]);
void deeds_list(void); /* each with the functions that it stands for, for deeds_test */

struct sim_options {
    uint64_t seed;
    size_t payments;
    int broken;          /* enum break_kind */
    bool verbose;        /* say what happens, as it happens */
    const char *machine; /* print this machine's history; NULL: those with violations */
    const char *domain;  /* file of the configuration */
};

/* How bad the weather is, drawn from the seed. Chances are per million. */
struct weather {
    const char *name;
    int64_t not_sent, lost_request, lost_answer, late_request, slow; /* of each request to the store */
    int64_t crash_before, crash_after;
    int64_t undelivered, unanswered, repeated, late, garbage; /* of each call to the bank */
    int64_t step;               /* of each step that a timer began */
    int64_t crash_s, pause_s, stop_s, away_s, all_down_s; /* mean seconds between; 0: never */
};

struct memory;
struct counters;
struct acquirer;
struct cards;
struct traffic;
struct clock_queue;
struct daemon;

#define DAEMONS_MAX 8
#define REVISIONS_MAX 4

struct sim {
    struct sim_options options;
    struct weather weather;
    struct rng faults, choices, bank_rng, shop_rng;
    struct clock_queue *clock;
    int64_t now_us;     /* of the store and of the world */
    int64_t began_us;
    int64_t lease_ms;
    bool settling;      /* no more faults: everything has to come to its end */
    int64_t away_until_us;
    int64_t disturbed_us; /* the last moment at which something may have made timers late */
    struct space *space;
    struct memory *memory;
    struct counters *counters; /* of turnover limits */
    struct acquirer *bank;
    struct cards *cards;
    struct traffic *traffic;
    struct daemon *daemons[DAEMONS_MAX];
    size_t daemon_count;
    struct machine_kind kind; /* invoices, with a step that is watched */
    const struct machine_kind *kinds[3];
    struct arena *arena;
    struct domain *revisions[REVISIONS_MAX];
    size_t revision_count; /* committed so far */
    size_t revisions_known;
    uint64_t counts[FAULT_COUNT];
    uint64_t deeds[DEED_COUNT][VERDICT_COUNT];
    uint64_t violations, steps, store_ops, bank_calls, untold, repairs, late_max_ms, late_sum_ms, claims;
    struct buf history;    /* texts of violations */
    char bad[8][64];       /* machines with violations */
    size_t bad_count;
};

extern struct sim *the_sim; /* the one that runs; handlers of machine kinds have no context of their own */

#define VIOLATIONS_SHOWN 12

/* A world (world.c). */
void world_open(struct sim *sim, const struct sim_options *options);
void world_run(struct sim *sim); /* until everything has come to rest and is checked */
void world_close(struct sim *sim);

void sim_count(struct sim *sim, enum fault fault);
void sim_disturbed(struct sim *sim, int64_t until_us); /* timers may be late until then, and a while longer */
/* A broken promise. MACHINE may be NULL. */
void sim_violation(struct sim *sim, const char *machine, const char *format, ...) SL_PRINTF(3, 4);
void sim_say(struct sim *sim, const char *format, ...) SL_PRINTF(2, 3); /* only with --verbose */
bool sim_fault(struct sim *sim, int64_t per_million, enum fault fault); /* draws, counts; never while settling */
bool sim_broken(struct sim *sim, int kind, int64_t per_million); /* draws, if this is the variant that runs */

/* ---- virtual time (clock.c) ---- */

struct clock_queue *clock_new(void);
void clock_free(struct clock_queue *clock);
/* FN(ARG) at AT_US, or as soon as possible. OWNER: the life of a daemon that it is for, 0: the world; what belongs to
 * a daemon that has died never runs, and what belongs to one that stands still waits. */
void clock_at(struct sim *sim, int64_t at_us, uint64_t owner, void (*fn)(void *arg), void *arg);
void clock_after(struct sim *sim, int64_t delay_us, uint64_t owner, void (*fn)(void *arg), void *arg);
bool clock_step(struct sim *sim); /* runs the next one; false: there is none */

/* ---- daemons (daemon.c) ---- */

struct link;

struct daemon {
    struct sim *sim;
    size_t index;
    char name[16];
    uint64_t life; /* 0: down */
    bool doomed;   /* dies as soon as the present event is over */
    bool stopping; /* is being stopped; takes no calls */
    int64_t paused_until_us;
    int64_t mono_offset_us;
    struct rng random;
    struct runtime *runtime;
    struct wheel *wheel;
    struct link *link;
    struct order *orders; /* effects under way (bank.c) */
};

void daemons_start(struct sim *sim);
void daemons_free(struct sim *sim);
void daemons_reap(struct sim *sim); /* after each event: those that are doomed die */
void daemon_doom(struct daemon *daemon, enum fault why);
struct daemon *daemon_of_life(struct sim *sim, uint64_t life); /* NULL: it has died */
struct daemon *daemon_any(struct sim *sim); /* one that takes calls; NULL: none */
void daemons_settle(struct sim *sim); /* all are started that are down */
bool daemons_idle(const struct sim *sim);
void daemons_stop(struct sim *sim); /* gracefully, all of them */
bool daemons_stopped(const struct sim *sim);
extern const struct alarm_ops sim_alarm_ops; /* ctx: struct daemon */
extern const struct config_ops sim_config_ops;

/* ---- the way to the store (link.c) ---- */

struct link *link_new(struct daemon *daemon);
void link_free(struct link *link); /* whoever waits is told that nobody knows */
extern const struct store_ops link_ops; /* ctx: struct link */

/* ---- the bank (bank.c) ---- */

struct acquirer *bank_new(struct sim *sim);
void bank_free(struct acquirer *bank);
extern const struct effect_ops bank_effect_ops; /* ctx: struct daemon */
void bank_daemon_gone(struct daemon *daemon); /* nobody is told any more */

/* What the book has of one payment. */
struct bank_account {
    int64_t charges;    /* how often its money was taken; more than 1 is a loss */
    int64_t authorised; /* amount of the last one */
    int64_t captures, captured; /* how often, and how much */
    int64_t cancels;
    int64_t refunds, refunded;
    int64_t unconfirmed;/* charges in answer to callbacks whose sender never heard that all is well */
};
/* False: the bank has never heard of it. */
bool bank_account(const struct acquirer *bank, const char *invoice, const char *payment, struct bank_account *out);
/* What an operator hears who asks the bank about a session. Whatever became of it, it is over then. */
struct bank_word {
    bool done;
    int64_t amount; /* that was authorised */
    char trx[64];   /* "": none */
};
/* The session KEY ("invoice.payment.target.number", of a refund with its id) ends as it has ended; else, BY_HAND, with
 * success for AMOUNT under TRX, or else with a failure. */
void bank_settle(struct sim *sim, const char *key, int target, bool by_hand, int64_t amount, const char *trx,
                 struct bank_word *out);
/* A payment of AMOUNT happened there by itself. */
void bank_happened(struct sim *sim, const char *invoice, const char *payment, int64_t amount);
/* Provider PROVIDER takes TOKEN for CARD from now on. */
void bank_token_given(struct sim *sim, const char *token, const char *card, int64_t provider);
bool bank_idle(const struct acquirer *bank); /* nobody has a callback to send */
uint64_t bank_digest(const struct acquirer *bank, uint64_t hash);

/* The bank sends a callback to INVOICE for TAG (traffic.c); told how it went in the end. */
enum callback_end { CALLBACK_TAKEN, CALLBACK_REFUSED, CALLBACK_UNKNOWN };
typedef void (*callback_done_fn)(void *arg, enum callback_end end);
void traffic_callback(struct sim *sim, const char *tag, const char *payload, callback_done_fn done, void *arg);
void traffic_session_change(struct sim *sim, const char *tag, callback_done_fn done, void *arg);

/* ---- callers (traffic.c) ---- */

struct traffic *traffic_new(struct sim *sim);
void traffic_free(struct traffic *traffic);
void traffic_waits(const struct traffic *traffic, struct buf *out); /* who it is that is not over */
bool traffic_over(const struct traffic *traffic); /* everybody has what they wanted, or gave up */
size_t traffic_started(const struct traffic *traffic);
/* The store committed something of MEMBER's. */
void traffic_news(struct sim *sim, const char *id, const char *activity, const char *status);

/* What a caller was told of one request. */
struct told {
    const char *member; /* "inv:i7" */
    const char *needle; /* what of it stands in the history when it was done; in the traffic's arena */
    int verdict;
    bool many;          /* it may stand there more than once */
    int64_t version;
};
size_t traffic_told(const struct traffic *traffic, const struct told **out);

/* ---- what must hold (check.c) ---- */

void check_step(struct sim *sim, const struct step_in *in, const struct step_out *out); /* after each step */
void check_all(struct sim *sim); /* when everything has come to rest */
uint64_t check_digest(struct sim *sim);
void print_machine(struct sim *sim, const char *id, struct buf *out);

#endif
