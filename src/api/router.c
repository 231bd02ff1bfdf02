#include "api/router.h"

#include <assert.h>
#include <errno.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>

bool router_path_matches(const char *pattern, const char *path, struct arena *arena, const char **params)
{
    size_t count = 0, len, decoded_len;
    char *decoded;
    bool hidden;

    memset(params, 0, PATH_PARAMS_MAX * sizeof(*params));
    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        pattern = strchr(pattern, '}') + 1;
        len = strcspn(path, "/");
        decoded = evhttp_uridecode(arena_strndup(arena, path, len), 0, &decoded_len);
        assert(count < PATH_PARAMS_MAX && decoded);
        hidden = strlen(decoded) != decoded_len; /* "a%00b" must not be taken for "a" */
        params[count++] = arena_strdup(arena, decoded);
        free(decoded);
        if (decoded_len == 0 || hidden)
            return false;
        path += len;
    }
    return !*path;
}

struct api_route *router_find(struct api_route *routes, const char *method, const char *path, struct arena *arena,
                              const char **params, struct buf *allowed)
{
    const char *tried[PATH_PARAMS_MAX];
    struct api_route *route, *found = NULL;

    for (route = routes; route->method; route++) {
        if (!router_path_matches(route->path, path, arena, tried))
            continue;
        buf_printf(allowed, "%s%s%s", allowed->len ? ", " : "", route->method,
                   strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
        if (strcmp(route->method, method) == 0 && !found) {
            found = route;
            memcpy(params, tried, sizeof(tried));
        }
    }
    if (allowed->len)
        buf_str(allowed, ", OPTIONS");
    return found;
}

static bool word_in(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (; *words; words += strcspn(words, " "), words += strspn(words, " ")) {
        if (len > 0 && strncmp(words, word, len) == 0 && (words[len] == ' ' || !words[len]))
            return true;
    }
    return false;
}

static bool is_given(const struct query_param *params, size_t count, const char *name)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (strcmp(params[i].name, name) == 0)
            return true;
    }
    return false;
}

const char *router_query(const char *query, const char *known, struct arena *arena, struct query_param *out,
                         size_t *count, const char **why)
{
    const char *culprit = NULL;
    struct evkeyvalq pairs;
    struct evkeyval *pair;

    *count = 0;
    if (!query || !*query)
        return NULL;
    if (strstr(query, "%00") || evhttp_parse_query_str(query, &pairs) != 0) { /* "1%00x" must not be taken for 1 */
        *why = "the query cannot be read";
        return "?";
    }
    for (pair = pairs.tqh_first; pair && !culprit; pair = pair->next.tqe_next) {
        *why = !word_in(known, pair->key) ? "is not a known query parameter"
               : is_given(out, *count, pair->key) || *count == QUERY_PARAMS_MAX ? "is given twice" : NULL;
        if (*why) {
            culprit = arena_printf(arena, "?%s", pair->key);
            break;
        }
        out[*count].name = arena_strdup(arena, pair->key);
        out[(*count)++].value = arena_strdup(arena, pair->value);
    }
    evhttp_clear_headers(&pairs);
    return culprit;
}

bool router_i64(const char *text, int64_t min, int64_t max, int64_t *out)
{
    size_t digits = strspn(text + (*text == '-'), "0123456789");
    long long value;

    if (digits == 0 || text[digits + (*text == '-')])
        return false;
    errno = 0;
    value = strtoll(text, NULL, 10);
    if (errno || value < min || value > max)
        return false;
    *out = value;
    return true;
}
