/* sluice domain check: what a document gets wrong, before anybody commits it. Talks to no daemon. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "domain/lint.h"

static json_t *faults_json(const struct type_errors *errors)
{
    json_t *list = json_array();
    size_t i;

    for (i = 0; i < errors->count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "level", "error", "rule", "fault", "path",
                                              errors->list[i].path, "object", "", "message", errors->list[i].message));
    return list;
}

void print_findings(const json_t *list)
{
    const json_t *finding;
    size_t i;

    json_array_foreach(list, i, finding) {
        const char *path = json_string_value(json_object_get(finding, "path"));
        const char *object = json_string_value(json_object_get(finding, "object"));

        printf("%s: %s%s%s%s: %s [%s]\n", json_string_value(json_object_get(finding, "level")), *path ? path : "document",
               *object ? " (" : "", object, *object ? ")" : "", json_string_value(json_object_get(finding, "message")),
               json_string_value(json_object_get(finding, "rule")));
    }
}

int cmd_domain_check(struct cli *cli)
{
    struct type_errors errors = { .count = 0 };
    struct lint_findings findings = { .count = 0 };
    char *text = read_file(cli->argv[0]);
    struct domain *domain = NULL;
    struct arena *arena;
    size_t wrong;
    json_t *list;

    if (!text)
        return EXIT_USAGE;
    arena = arena_new();
    if (domain_parse_new(text, strlen(text), arena, &domain, &errors)) {
        list = faults_json(&errors);
        wrong = errors.count;
    } else {
        domain_lint(domain, arena, &findings);
        list = lint_findings_json(&findings);
        wrong = cli->strict ? findings.count : findings.errors;
    }
    if (cli->json) {
        print_json(list);
    } else {
        print_findings(list);
        printf("%s: %zu errors, %zu warnings.\n", cli->argv[0], domain ? findings.errors : errors.count,
               findings.count - findings.errors);
        if (!domain && errors.count == TYPE_ERRORS_MAX)
            puts("There may be more errors: these are looked for first.");
    }
    json_decref(list);
    domain_free(domain);
    arena_free(arena);
    free(text);
    return wrong ? EXIT_REFUSED : 0;
}
