/* /v1/domain: revisions of the configuration. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/request.h"
#include "api/router.h"

static void answer_document(struct api_request *request, int64_t revision)
{
    struct buf json = BUF_EMPTY;
    const struct domain *domain;
    const char *text;
    char etag[32];
    size_t len;

    domain = domain_store_get(api_setup(request)->domains, revision, &text, &len);
    if (!domain) {
        answer_problem(request, 404, "VersionNotFound", "there is no such revision", NULL);
        return;
    }
    snprintf(etag, sizeof(etag), "\"%" PRId64 "\"", domain_revision(domain));
    answer_header(request, "ETag", etag);
    buf_printf(&json, "{\"revision\":%" PRId64 ",\"document\":", domain_revision(domain));
    buf_add(&json, text, len);
    buf_char(&json, '}');
    answer_json(request, 200, &json);
}

void domain_head(struct api_request *request)
{
    answer_document(request, 0);
}

static void fetched(void *arg, enum sl_err err)
{
    struct api_request *request = arg;

    if (err)
        answer_err(request, err, "VersionNotFound", NULL);
    else
        answer_document(request, strtoll(request->params[0], NULL, 10));
}

void domain_revision_get(struct api_request *request)
{
    const char *text = request->params[0];
    size_t len = strlen(text);

    if (len > 18 || strspn(text, "0123456789") != len || strtoll(text, NULL, 10) == 0)
        answer_problem(request, 404, "VersionNotFound", "there is no such revision", NULL);
    else
        domain_store_ops.fetch(api_setup(request)->domains, strtoll(text, NULL, 10), fetched, request);
}

/* ---- committing ---- */

static void put_done(void *arg, enum sl_err err, int64_t revision, const struct type_errors *errors)
{
    struct api_request *request = arg;
    struct buf json = BUF_EMPTY;

    if (err == SL_EINVAL) {
        answer_faults(request, 422, errors);
    } else if (err == SL_ECONFLICT) {
        answer_problem(request, 412, "ObsoleteCommitVersion",
                       arena_printf(request->arena, "the head is revision %" PRId64, revision),
                       arena_printf(request->arena, ",\"latest_version\":%" PRId64, revision));
    } else if (err) {
        answer_err(request, err, "VersionNotFound", NULL);
    } else {
        buf_printf(&json, "{\"revision\":%" PRId64 "}", revision);
        answer_json(request, 200, &json);
    }
}

/* If-Match: "7", 7 or *; absent: *. False after a fault. */
static bool expected_head(struct api_request *request, int64_t *out)
{
    const char *text = request_header(request, "If-Match");
    size_t len = text ? strlen(text) : 0;

    *out = -1;
    if (!text || strcmp(text, "*") == 0)
        return true;
    if (len >= 2 && text[0] == '"' && text[len - 1] == '"')
        text = arena_strndup(request->arena, text + 1, len - 2);
    if (router_i64(text, 0, INT64_MAX, out))
        return true;
    answer_invalid(request, "If-Match", "must be a revision's number");
    return false;
}

void domain_put(struct api_request *request)
{
    int64_t expect;

    if (expected_head(request, &expect))
        domain_store_put(api_setup(request)->domains, request->body, request->body_len, expect, put_done, request);
}
