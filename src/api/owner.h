/* Whose invoice, or template, a request means, and which machine that is. Ids are of a party: a merchant's token says
 * which; who has none names it as ID@PARTY or ?party=, or leaves it out where one party alone has such an id.
 * Ref: doc/http-api.md, Whose ids; doc/decisions/0025-ids-of-a-party.md. */
#ifndef SLUICE_API_OWNER_H
#define SLUICE_API_OWNER_H

#include "api/request.h"

#define OWNER_PARTIES_MAX 64 /* so many parties are looked through for an id that comes without one */

/* What the first part of ROUTE's path names; NULL: nothing that is a party's. */
const struct machine_kind *owner_kind(const struct api_route *route);

/* Finds what REQUEST's path names and runs its handler with `machine` and `party_id` filled in; or answers 404, or 400 if
 * it is not clear which is meant. */
void owner_handle(struct api_request *request);

/* Gives THEN the machine of KIND that PARTY_ID knows as ID, be it there or not: at once, or later. Nothing is called if
 * the store cannot be asked: then it was answered. MACHINE lives as long as the request. */
typedef void (*owner_fn)(void *arg, const char *machine);
void owner_machine(struct api_request *request, const struct machine_kind *kind, const char *party_id, const char *id,
                   owner_fn then, void *arg);

/* Gives THEN the parties that know an ID of KIND, with the machines; or answers if the store cannot be asked. FOUND is
 * borrowed, what it points to lives as long as the request. */
struct owner_found {
    const char *parties[OWNER_PARTIES_MAX + 1];
    const char *machines[OWNER_PARTIES_MAX + 1];
    size_t count;
    bool too_many; /* parties to look through: nothing was looked for */
};
typedef void (*owner_look_fn)(void *arg, const struct owner_found *found);
void owner_look(struct api_request *request, const struct machine_kind *kind, const char *id, owner_look_fn then, void *arg);

/* How the principal of REQUEST names MACHINE: merchants by their own id, all others as it is. */
const char *owner_shown(const struct api_request *request, const char *machine);

#endif
