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
    [FAULT_DUPLICATE_CALLBACK] = "duplicate_callback",
};

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

static bool is_for_callbacks(enum fault_kind kind)
{
    return kind == FAULT_DUPLICATE_CALLBACK;
}

struct fault faults_take(struct faults *faults, const char *target, bool for_callback)
{
    struct wish *wish, *next;
    struct fault fault = { FAULT_NONE, 0 };

    DL_FOREACH_SAFE(faults->wishes, wish, next) {
        bool struck = (double)(clock_random() >> 11) / (double)(1ULL << 53) < wish->share;

        if (is_for_callbacks(wish->fault.kind) != for_callback || (*wish->target && strcmp(wish->target, target) != 0))
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
