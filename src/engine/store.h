/* What the runtime and the wheel need of durable storage. src/engine/redis_store.c is the real one; the simulator
 * (tests/sim) has one in memory.
 *
 * All calls are asynchronous: DONE exactly once, never from inside the call; what it is given is
 * borrowed for its time. ARGs that are pointers must stay valid until then unless said otherwise. */
#ifndef SLUICE_ENGINE_STORE_H
#define SLUICE_ENGINE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/machine.h"

struct stored_event {
    int64_t number; /* 1.. */
    int64_t at_ms;
    const char *changes; /* JSON array */
    size_t changes_len;
};

/* The machine as stored, beside its events. */
struct machine_info {
    int64_t version;    /* 0: does not exist */
    int64_t due_ms;     /* its timer; 0: none */
    int64_t score_ms;   /* its place on the wheel: due, or the end of a claim; 0: not on the wheel */
    int64_t quiet;
    const char *status; /* "working", "retrying", "failed", "removed" */
    const char *activity;
    int attempts;       /* failures of the step that is due */
    int64_t since_ms;   /* first of those failures; 0: none */
    const char *reason; /* of the last failure; NULL: none */
    const char *cause;  /* name of an enum step_cause; NULL: none */
    const char *asked;  /* a call that was begun and has come to no end, as machine_kind.keep wrote it, after its
                           idempotency key if it has one (engine/asked.c); NULL: none */
};

struct store_loaded {
    enum sl_err err; /* SL_OK (also: does not exist), SL_EDOWN, SL_EUNKNOWN, SL_ECORRUPT */
    const char *detail;
    struct machine_info info;
    const char *snapshot; /* JSON of the state as of snapshot_version; NULL: none kept */
    size_t snapshot_len;
    int64_t snapshot_version;
    const struct stored_event *events; /* those after the snapshot, in order */
    size_t event_count;
    int64_t now_ms; /* Redis's time */
};
typedef void (*store_loaded_fn)(void *arg, const struct store_loaded *loaded);

/* One machine that a claim took. */
struct claim {
    const char *id;
    int64_t due_ms;   /* the score it had */
    int64_t token_ms; /* the score it has now: the end of the claim */
};

enum commit_due {
    DUE_KEEP,  /* the timer stays as stored */
    DUE_SET,
    DUE_UNSET,
};

/* What a commit says of a call whose effect leaves before its outcome can be stored. A commit that does not know what is
 * stored is a conflict. */
enum commit_asked {
    ASKED_NONE, /* there is none and there will be none */
    ASKED_KEEP, /* it stays as stored. A machine that is let go with it is due at once */
    ASKED_END,  /* it has come to its end */
    ASKED_SET,  /* its effect is about to begin */
};

struct commit {
    const struct machine_kind *kind;
    const char *id;
    const char *commit_id;    /* unique; sending the same commit again is harmless */
    int64_t expect_version;   /* 0: the machine must not exist */
    int64_t expect_token_ms;  /* our claim; 0: we hold none */
    const char *changes;      /* JSON array; NULL: none, the event count stays */
    size_t changes_len;
    enum commit_due due;
    int64_t due_ms;           /* DUE_SET; > 0 */
    int64_t lease_ms;         /* > 0: keep (or take) the claim for so long; 0: let go */
    const char *activity;
    const char *status;
    const char *snapshot;     /* JSON to be stored; NULL: leave what is there */
    size_t snapshot_len;
    bool drop_snapshot;       /* forget the stored one: the machine is finished */
    bool repaired;            /* clear the failure */
    bool claims_only;         /* only the claim changes hands: CHANGES is NULL, the rest stays as it is */
    bool remove;
    const char *once_key;     /* the idempotency key of the call that this commit answers; NULL: none. A commit whose
                                 key is there already is a conflict */
    const char *once_value;   /* kept under it for a day at least */
    enum commit_asked asked;
    const char *asked_text;   /* ASKED_SET: as it is to be stored */
    const struct tally *tallies;
    size_t tally_count;
};

struct store_committed {
    enum sl_err err; /* SL_OK; SL_ECONFLICT version or claim moved; SL_EEXIST (expect_version 0); SL_EFAILED machine
                        is parked; SL_ECORRUPT a balance out of range or stored data of a wrong kind; SL_EDOWN; SL_EUNKNOWN */
    const char *detail;
    int64_t version;
    int64_t token_ms; /* the claim held now; 0: none */
    int64_t now_ms;
};
typedef void (*store_committed_fn)(void *arg, const struct store_committed *committed);

struct step_failure {
    const struct machine_kind *kind;
    const char *id;
    int64_t expect_version;
    int64_t expect_token_ms;
    const char *reason;
    enum step_cause cause;
    int64_t retry_ms; /* > 0: try again so much later; 0: park as failed */
    int attempts;     /* failures so far, with this one */
    bool asked_ends;  /* the call that was kept has its answer, a no: it is kept no longer */
};

typedef void (*store_err_fn)(void *arg, enum sl_err err, int64_t token_ms, int64_t now_ms);

struct store_events {
    enum sl_err err;
    const struct stored_event *events;
    size_t count;
    int64_t version;
};
typedef void (*store_events_fn)(void *arg, const struct store_events *events);
typedef void (*store_once_fn)(void *arg, enum sl_err err, const char *value);
typedef void (*store_tag_fn)(void *arg, enum sl_err err, const char *id);

/* A machine that a look at a partition's wheel took. */
struct store_due {
    const char *member; /* "KIND:ID" */
    int64_t due_ms;     /* the score it had */
};
struct store_claimed {
    enum sl_err err;
    int64_t now_ms;
    int64_t next_ms;  /* first score left on the wheel; 0: it is empty */
    int64_t token_ms; /* the score that those taken have now */
    const struct store_due *due; /* the oldest first */
    size_t count;
};
typedef void (*store_claimed_fn)(void *arg, const struct store_claimed *claimed);

/* The daemons that are alive, the asking one too unless it leaves; sorted. */
struct store_alive {
    enum sl_err err;
    int64_t now_ms;
    const char *const *names;
    size_t count;
};
typedef void (*store_alive_fn)(void *arg, const struct store_alive *alive);

struct store_ops {
    /* Loads what is needed to fold the newest state; AT_VERSION > 0: events 1..AT_VERSION, no snapshot. */
    void (*load)(void *ctx, const struct machine_kind *kind, const char *id, int64_t at_version,
                 store_loaded_fn done, void *arg);
    void (*commit)(void *ctx, const struct commit *commit, store_committed_fn done, void *arg);
    /* Records a failed step: SL_OK, SL_ECONFLICT, SL_EDOWN, SL_EUNKNOWN. */
    void (*fail)(void *ctx, const struct step_failure *failure, store_err_fn done, void *arg);
    /* Parks a machine that cannot be read, under our claim TOKEN_MS: SL_OK, SL_ECONFLICT, SL_EDOWN, SL_EUNKNOWN. */
    void (*park)(void *ctx, const struct machine_kind *kind, const char *id, int64_t token_ms, const char *reason,
                 store_err_fn done, void *arg);
    /* Makes our claim last LEASE_MS from now: SL_OK with the new token, SL_ECONFLICT: we lost it. */
    void (*extend)(void *ctx, const struct machine_kind *kind, const char *id, int64_t token_ms, int64_t lease_ms,
                   store_err_fn done, void *arg);
    /* What a commit left under the idempotency key KEY: SL_OK with NULL if there is nothing, SL_EDOWN, SL_EUNKNOWN. */
    void (*once)(void *ctx, const struct machine_kind *kind, const char *id, const char *key, store_once_fn done,
                 void *arg);
    /* Binds TAG (1..200 bytes) to machine ID: SL_OK (also when it was), SL_EREFUSED: bound elsewhere. */
    void (*bind)(void *ctx, const char *tag, const struct machine_kind *kind, const char *id, store_tag_fn done,
                 void *arg);
    void (*resolve)(void *ctx, const char *tag, store_tag_fn done, void *arg);
    void (*events)(void *ctx, const struct machine_kind *kind, const char *id, int64_t after, size_t limit,
                   store_events_fn done, void *arg);
    /* Claims up to LIMIT (0..1000) due machines of PARTITION for LEASE_MS (> 0). */
    void (*claim)(void *ctx, int partition, size_t limit, int64_t lease_ms, store_claimed_fn done, void *arg);
    /* Says that daemon NAME is there, or LEAVING, and forgets those silent for more than SILENT_MS (> 0). */
    void (*heartbeat)(void *ctx, const char *name, int64_t silent_ms, bool leaving, store_alive_fn done, void *arg);
};

#endif
