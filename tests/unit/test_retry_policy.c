#include <criterion/criterion.h>
#include <string.h>

#include "domain/retry_policy.h"

/* The waits that POLICY gives, "1 2 4 8", at most 12 of them. */
static const char *waits(const char *policy, struct arena *arena)
{
    struct type_errors errors = { .count = 0 };
    struct retry_waits waits;
    struct buf text = BUF_EMPTY;
    const char *result;
    int64_t wait, i;

    if (type_decode_text(&type_retry_waits, policy, strlen(policy), 0, arena, &waits, &errors))
        return arena_printf(arena, "%s: %s", errors.list[0].path, errors.list[0].message);
    for (i = 0; i < 12 && (wait = retry_waits_next_s(&waits, i)) >= 0; i++)
        buf_printf(&text, "%s%lld", i ? " " : "", (long long)wait);
    result = arena_strdup(arena, buf_text(&text));
    buf_clear(&text);
    return result;
}

#define EXP(retries, more) "{\"exponential\":{\"retries\":" retries ",\"factor\":2,\"timeout\":1" more "}}"
#define TOTAL(t) "{\"max_total_timeout\":" #t "}"
#define MAX(n) "{\"max\":" #n "}"
#define CAP(ms, policy) "{\"timecap\":{\"max_total_timeout_ms\":" #ms ",\"policy\":" policy "}}"

/* Every kind of policy gives the waits of doc/spec/session.md 9. Fails: payments are given up too early or too late. */
Test(retry_policy, waits_of_every_kind)
{
    static const struct {
        const char *policy, *waits;
    } rows[] = {
        { "{\"no_retry\":{}}", "" },
        { "{\"linear\":{\"retries\":" MAX(3) ",\"timeout\":5}}", "5 5 5" },
        { "{\"linear\":{\"retries\":" MAX(0) ",\"timeout\":5}}", "" },
        { "{\"linear\":{\"retries\":" TOTAL(17) ",\"timeout\":5}}", "5 5 5" },
        { "{\"linear\":{\"retries\":" TOTAL(15) ",\"timeout\":5}}", "5 5 5" },
        { "{\"linear\":{\"retries\":" TOTAL(4) ",\"timeout\":5}}", "" },
        { "{\"linear\":{\"retries\":{\"infinite\":{}},\"timeout\":5}}", "5 5 5 5 5 5 5 5 5 5 5 5" },
        { EXP(TOTAL(30), ""), "1 2 4 8" },
        { EXP(TOTAL(31), ""), "1 2 4 8 16" },
        { EXP(TOTAL(0), ""), "" },
        { EXP(MAX(3), ""), "1 2 4" },
        { EXP(MAX(6), ",\"max_timeout\":5"), "1 2 4 5 5 5" },
        { EXP(TOTAL(17), ",\"max_timeout\":5"), "1 2 4 5 5" },
        { EXP("{\"infinite\":{}}", ",\"max_timeout\":3"), "1 2 3 3 3 3 3 3 3 3 3 3" },
        { "{\"exponential\":{\"retries\":" MAX(3) ",\"factor\":1000,\"timeout\":2592000}}", "2592000 2592000 2592000" },
        { "{\"exponential\":{\"retries\":" TOTAL(9) ",\"factor\":1,\"timeout\":3}}", "3 3 3" },
        { "{\"intervals\":{\"timeouts\":[1,0,7]}}", "1 0 7" },
        { "{\"intervals\":{\"timeouts\":[]}}", "" },
        { CAP(7000, EXP(TOTAL(30), "")), "1 2 4" },
        { CAP(6999, EXP(TOTAL(30), "")), "1 2" },
        { CAP(100000, EXP(MAX(2), "")), "1 2" },
        { CAP(8000, "{\"intervals\":{\"timeouts\":[1,0,7,1]}}"), "1 0 7" },
        { CAP(8000, "{\"no_retry\":{}}"), "" },
        { CAP(12000, "{\"linear\":{\"retries\":{\"infinite\":{}},\"timeout\":5}}"), "5 5" },
        { CAP(1000, CAP(1000, "{\"no_retry\":{}}")), "/timecap: must not hold another timecap" },
        { "{\"linear\":{\"retries\":{\"infinite\":{}},\"timeout\":0}}", "/linear/timeout: must be within 1..2592000" },
    };
    struct arena *arena = arena_new();
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++)
        cr_expect_str_eq(waits(rows[i].policy, arena), rows[i].waits, "%s: %s", rows[i].policy, waits(rows[i].policy, arena));
    arena_free(arena);
}
