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

static void findings_member(struct buf *out, const struct lint_findings *findings)
{
    json_t *list = lint_findings_json(findings);
    char *text = json_dumps(list, JSON_COMPACT);

    buf_printf(out, ",\"findings\":%s", text);
    free(text);
    json_decref(list);
}

/* The document is sound in itself, but payments under it would stop. */
static void refuse_findings(struct api_request *request, const struct lint_findings *findings)
{
    struct buf members = BUF_EMPTY;
    bool first = true;
    size_t i;

    buf_str(&members, ",\"errors\":[");
    for (i = 0; i < findings->count; i++) {
        if (!findings->list[i].is_error)
            continue;
        buf_str(&members, first ? "{\"field\":" : ",{\"field\":");
        first = false;
        buf_json_str(&members, findings->list[i].path, strlen(findings->list[i].path));
        buf_str(&members, ",\"message\":");
        buf_json_str(&members, findings->list[i].message, strlen(findings->list[i].message));
        buf_char(&members, '}');
    }
    buf_char(&members, ']');
    findings_member(&members, findings);
    answer_problem(request, 422, "ConfigurationUnsound", "payments would stop under it; with force=true it is committed all the same",
                   buf_text(&members));
    buf_clear(&members);
}

static void put_done(void *arg, const struct domain_put_result *result)
{
    struct api_request *request = arg;
    struct buf json = BUF_EMPTY;

    if (result->err == SL_EINVAL && result->errors->count) {
        answer_faults(request, 422, result->errors);
    } else if (result->err == SL_EINVAL) {
        refuse_findings(request, result->findings);
    } else if (result->err == SL_ECONFLICT) {
        answer_problem(request, 412, "ObsoleteCommitVersion",
                       arena_printf(request->arena, "the head is revision %" PRId64, result->revision),
                       arena_printf(request->arena, ",\"latest_version\":%" PRId64, result->revision));
    } else if (result->err) {
        answer_err(request, result->err, "VersionNotFound", NULL);
    } else {
        buf_printf(&json, "{\"revision\":%" PRId64 "%s", result->revision, result->unchanged ? ",\"unchanged\":true" : "");
        findings_member(&json, result->findings);
        buf_char(&json, '}');
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
    struct domain_put put = { .text = request->body, .len = request->body_len };

    if (expected_head(request, &put.expect_head) && request_query_bool(request, "force", &put.force))
        domain_store_put(api_setup(request)->domains, &put, put_done, request);
}
