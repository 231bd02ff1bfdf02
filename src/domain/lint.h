/* What is allowed in a configuration and yet suspicious: payments that cannot be, routes that nobody takes.
 *
 * Looks at each shop with each method that its terms name, and at what can become of every predicate on the way
 * (possible.h). What it calls an error will stop payments; a warning is worth a look, and where it says "may" it may be
 * wrong: conditions are judged one by one. Ref: doc/spec/domain.md 3-7; doc/spec/routing.md 3-5, 8.           */
#ifndef SLUICE_DOMAIN_LINT_H
#define SLUICE_DOMAIN_LINT_H

#include "domain/domain.h"

struct lint_finding {
    bool is_error;
    const char *rule;    /* "selector_never" */
    const char *path;    /* JSON pointer into the document */
    const char *object;  /* "terminal 3" */
    const char *message; /* a sentence */
};

struct lint_findings {
    struct lint_finding *list; /* in document order */
    size_t count, errors;
};

/* All of OUT in ARENA. */
void domain_lint(const struct domain *domain, struct arena *arena, struct lint_findings *out);

/* [{"level", "rule", "path", "object", "message"}]; the caller's reference. */
json_t *lint_findings_json(const struct lint_findings *findings);

#endif
