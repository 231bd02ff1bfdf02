/* What conditions are tested against. A fact that is not there leaves its conditions unknown.
 * Ref: doc/spec/domain.md 7; doc/spec/routing.md 1.                                                */
#ifndef SLUICE_DOMAIN_FACTS_H
#define SLUICE_DOMAIN_FACTS_H

#include "domain/tool.h"
#include "money/cash.h"

enum risk_score { RISK_TRUSTED = 1, RISK_LOW, RISK_HIGH, RISK_FATAL };
enum trust_level { TRUST_WELL_KNOWN = 1, TRUST_UNKNOWN };
extern const struct type type_risk_score, type_trust_level;

struct varset {
    int64_t category;          /* 0: not there */
    const char *currency;      /* symbolic code */
    const struct cash *amount;
    const struct payment_tool *payment_tool;
    const char *party_id, *shop_id;
    int trust_level;           /* 0: not there */
};

/* Result of a test or of a predicate. */
enum tri { TRI_FALSE, TRI_TRUE, TRI_UNKNOWN };

#endif
