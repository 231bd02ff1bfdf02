#include <criterion/criterion.h>
#include <string.h>

#include "api/router.h"

static const struct {
    const char *pattern, *path;
    bool matches;
    const char *first, *second;
} paths[] = {
    { "/healthz", "/healthz", true, NULL, NULL },
    { "/healthz", "/healthz/", false, NULL, NULL },
    { "/healthz", "/health", false, NULL, NULL },
    { "/healthz", "/healthzz", false, NULL, NULL },
    { "/v1/invoices/{id}", "/v1/invoices/a", true, "a", NULL },
    { "/v1/invoices/{id}", "/v1/invoices/a/b", false, NULL, NULL },
    { "/v1/invoices/{id}", "/v1/invoices/", false, NULL, NULL },
    { "/v1/invoices/{id}", "/v1/invoices//", false, NULL, NULL },
    { "/v1/invoices/{id}", "/v1/invoices/a%2Fb", true, "a/b", NULL }, /* no id has a slash, but some tags have */
    { "/v1/invoices/{id}", "/v1/invoices/a%00b", false, NULL, NULL },
    { "/v1/invoices/{id}", "/v1/invoices/%00", false, NULL, NULL },
    { "/v1/invoices/{id}", "/v1/invoices/a+b", true, "a+b", NULL },
    { "/v1/invoices/{id}", "/v1/invoices/%zz", true, "%zz", NULL },
    { "/v1/invoices/{id}", "/v1/invoices/%", true, "%", NULL },
    { "/i/{id}/p/{pid}", "/i/a/p/1", true, "a", "1" },
    { "/i/{id}/p/{pid}", "/i/a/p", false, NULL, NULL },
    { "/i/{id}/p/{pid}", "/i//p/1", false, NULL, NULL },
    { "/i/{id}/p/{pid}", "/i/a/q/1", false, NULL, NULL },
    { "/i/{id}/rescind", "/i/a/rescind", true, "a", NULL },
};

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* If it fails, a request reaches another resource than its path names. */
Test(router, a_path_matches_its_pattern_and_gives_its_parts)
{
    const char *params[PATH_PARAMS_MAX];
    struct arena *arena = arena_new();
    bool matches;
    size_t i;

    for (i = 0; i < SL_COUNT(paths); i++) {
        matches = router_path_matches(paths[i].pattern, paths[i].path, arena, params);
        cr_assert_eq(matches, paths[i].matches, "%s", paths[i].path);
        if (matches)
            cr_assert(same(params[0], paths[i].first) && same(params[1], paths[i].second) && !params[2], "%s",
                      paths[i].path);
    }
    arena_free(arena);
}

static struct api_route some[] = {
    { .method = "POST", .path = "/i" },
    { .method = "GET", .path = "/i/{id}" },
    { .method = "PUT", .path = "/i/{id}" },
    { .method = "GET", .path = "/i/{id}/p/{pid}" },
    { .method = "GET", .path = "/i/{id}/p/none" },
    { .method = NULL },
};

/* If it fails, a wrong method is taken for a wrong path, or a part of one route is left in another's. */
Test(router, a_route_is_found_by_method_and_path)
{
    static const struct {
        const char *method, *path, *found, *allowed, *param;
    } rows[] = {
        { "POST", "/i", "/i", "POST, OPTIONS", NULL },
        { "GET", "/i", NULL, "POST, OPTIONS", NULL },
        { "GET", "/i/7", "/i/{id}", "GET, HEAD, PUT, OPTIONS", "7" },
        { "PUT", "/i/7", "/i/{id}", "GET, HEAD, PUT, OPTIONS", "7" },
        { "?", "/i/7", NULL, "GET, HEAD, PUT, OPTIONS", NULL },
        { "GET", "/i/7/p/1", "/i/{id}/p/{pid}", "GET, HEAD, OPTIONS", "7" },
        { "GET", "/", NULL, "", NULL },
        { "GET", "/x", NULL, "", NULL },
    };
    struct arena *arena = arena_new();
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        const char *params[PATH_PARAMS_MAX] = { NULL };
        struct buf allowed = BUF_EMPTY;
        struct api_route *found = router_find(some, rows[i].method, rows[i].path, arena, params, &allowed);

        cr_assert(same(found ? found->path : NULL, rows[i].found), "%s %s", rows[i].method, rows[i].path);
        cr_assert_str_eq(buf_text(&allowed), rows[i].allowed, "%s %s: %s", rows[i].method, rows[i].path,
                         buf_text(&allowed));
        cr_assert(same(params[0], rows[i].param), "%s %s", rows[i].method, rows[i].path);
        buf_clear(&allowed);
    }
    arena_free(arena);
}

/* If it fails, a typing error in a query passes in silence. */
Test(router, a_query_has_known_names_once_each)
{
    static const struct {
        const char *query, *culprit, *first;
    } rows[] = {
        { NULL, NULL, NULL },
        { "", NULL, NULL },
        { "after=1", NULL, "1" },
        { "after=1&limit=2&wait=3", NULL, "1" },
        { "limit=a%20b", NULL, "a b" },
        { "limit=", NULL, "" },
        { "after=1&after=2", "?after", NULL },
        { "aft=1", "?aft", NULL },
        { "after%20limit=1", "?after%20limit", NULL },
        { "=1", "?", NULL },
        { "after", "?", NULL },
        { "after=1%00x", "?", NULL },
        { "after%00x=1", "?", NULL },
    };
    struct query_param params[QUERY_PARAMS_MAX];
    struct arena *arena = arena_new();
    const char *why, *culprit;
    size_t i, count;

    for (i = 0; i < SL_COUNT(rows); i++) {
        why = NULL;
        culprit = router_query(rows[i].query, "after limit wait", arena, params, &count, &why);
        cr_assert(same(culprit, rows[i].culprit), "%s: %s", rows[i].query, culprit ? culprit : "taken");
        cr_assert(!culprit || why, "%s", rows[i].query);
        if (rows[i].first)
            cr_assert(count > 0 && same(params[0].value, rows[i].first), "%s", rows[i].query);
    }
    arena_free(arena);
}

/* If it fails, a number from outside is taken for another one. */
Test(router, numbers_are_digits_within_their_range)
{
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } rows[] = {
        { "0", true, 0 }, { "007", true, 7 }, { "-3", true, -3 }, { "100", true, 100 }, { "101", false, 0 },
        { "-6", false, 0 }, { "", false, 0 }, { "-", false, 0 }, { "+1", false, 0 }, { " 1", false, 0 },
        { "1 ", false, 0 }, { "1e1", false, 0 }, { "0x1", false, 0 }, { "99999999999999999999", false, 0 },
    };
    int64_t value;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        value = 0;
        cr_assert_eq(router_i64(rows[i].text, -5, 100, &value), rows[i].good, "\"%s\"", rows[i].text);
        cr_assert_eq(value, rows[i].value, "\"%s\"", rows[i].text);
    }
}
