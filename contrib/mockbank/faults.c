/* Misbehaviour on demand: wishes in the order in which they came; the first that fits a call strikes it. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/xmalloc.h"
#include "mock.h"

struct wish {
    struct wish *prev, *next;
    struct fault fault;
    int64_t left;  /* calls; -1: no end */
    double share;  /* of them that are struck */
    char target[32]; /* "": any */
};

struct faults {
    struct wish *wishes;
};

static const char *const names[] = {
    [FAULT_DELAY] = "delay", [FAULT_LOST_AFTER] = "lost_after", [FAULT_RESET_BEFORE] = "reset_before",
    [FAULT_STATUS_500] = "status_500", [FAULT_STATUS_503] = "status_503", [FAULT_GARBAGE] = "garbage",
    [FAULT_HUGE_BODY] = "huge_body", [FAULT_SLOW_DRIP] = "slow_drip",
    [FAULT_DUPLICATE_CALLBACK] = "duplicate_callback", [FAULT_EARLY_CALLBACK] = "early_callback",
    [FAULT_LATE_CALLBACK] = "late_callback",
};
_Static_assert(SL_COUNT(names) == FAULT_LATE_CALLBACK + 1, "each fault has a name");

#define MS_MAX 3600000 /* an hour; longer than any test */
#define CALLS_MAX 1000000000

const char *fault_name(enum fault_kind kind)
{
    return kind ? names[kind] : "";
}

struct faults *faults_new(void)
{
    return xcalloc(1, sizeof(struct faults));
}

void faults_clear(struct faults *faults)
{
    struct wish *wish, *next;

    DL_FOREACH_SAFE(faults->wishes, wish, next)
        free(wish);
    faults->wishes = NULL;
}

void faults_free(struct faults *faults)
{
    faults_clear(faults);
    free(faults);
}

/* NULL: the numbers and the target are as they should be. */
static const char *wish_fault(const json_t *request)
{
    const json_t *next = json_object_get(request, "next"), *share = json_object_get(request, "share");
    const json_t *ms = json_object_get(request, "ms"), *target = json_object_get(request, "target");

    if (next && !(json_is_integer(next) && json_integer_value(next) >= 1 && json_integer_value(next) <= CALLS_MAX))
        return "next must be a number of calls";
    if (share && !(json_is_number(share) && json_number_value(share) >= 0 && json_number_value(share) <= 1))
        return "share must be within 0 and 1";
    if (ms && !(json_is_integer(ms) && json_integer_value(ms) >= 0 && json_integer_value(ms) <= MS_MAX))
        return "ms must be within 0 and 3600000";
    if (target && !(json_is_string(target) && json_string_length(target) < sizeof(((struct wish *)0)->target)))
        return "target must be a short string";
    return NULL;
}

bool faults_add(struct faults *faults, const json_t *request, const char **why)
{
    const char *kind = json_string_value(json_object_get(request, "kind"));
    const char *target = json_string_value(json_object_get(request, "target"));
    const json_t *next = json_object_get(request, "next"), *share = json_object_get(request, "share");
    struct wish *wish;
    size_t i;

    for (i = 1; kind && i < SL_COUNT(names) && strcmp(names[i], kind) != 0; i++)
        ;
    if (!kind || i == SL_COUNT(names)) {
        *why = "kind must name a fault";
        return false;
    }
    *why = wish_fault(request);
    if (*why)
        return false;
    wish = xcalloc(1, sizeof(*wish));
    wish->fault.kind = (enum fault_kind)i;
    wish->fault.ms = (int)json_integer_value(json_object_get(request, "ms"));
    wish->left = next ? json_integer_value(next) : share ? -1 : 1;
    wish->share = share ? json_number_value(share) : 1;
    if (target)
        strncpy(wish->target, target, sizeof(wish->target) - 1);
    DL_APPEND(faults->wishes, wish);
    return true;
}

static enum fault_moment moment_of(enum fault_kind kind)
{
    if (kind == FAULT_DUPLICATE_CALLBACK)
        return FAULT_AT_FORM;
    return kind == FAULT_EARLY_CALLBACK || kind == FAULT_LATE_CALLBACK ? FAULT_AT_SUSPEND : FAULT_AT_CALL;
}

struct fault faults_take(struct faults *faults, enum fault_moment moment, const char *target)
{
    struct wish *wish, *next;
    struct fault fault = { FAULT_NONE, 0 };

    DL_FOREACH_SAFE(faults->wishes, wish, next) {
        bool struck = (double)(clock_random() >> 11) / (double)(1ULL << 53) < wish->share;

        if (moment_of(wish->fault.kind) != moment || (*wish->target && strcmp(wish->target, target) != 0))
            continue;
        if (wish->left > 0)
            wish->left--;
        if (struck)
            fault = wish->fault;
        if (wish->left == 0) {
            DL_DELETE(faults->wishes, wish);
            free(wish);
        }
        if (fault.kind)
            break;
    }
    return fault;
}
