/* See owner.h. Machines are named ID@PARTY; those of format 1 by the id alone, wherever they belong.
 *
 *     owner_handle -> the party is known -> owner_machine -> (old_read) ------------------------> handler
 *                 '-> not known -> owner_look -> (old_bare) -> part_read of each party -> one ----^
 *                                                                          '-> none, or several: answered */
#include "api/owner.h"

#include <string.h>

#include "base/qualified.h"
#include "domain/domain.h"
#include "payment/kind.h"
#include "payment/state.h"
#include "payment/template.h"

#define ASK_MS 5000

const struct machine_kind *owner_kind(const struct api_route *route)
{
    static const struct {
        const char *path;
        const struct machine_kind *kind;
    } rows[] = { { "/v1/invoices/{id}", &invoice_kind }, { "/v1/invoice-templates/{id}", &template_kind } };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        if (strncmp(route->path, rows[i].path, strlen(rows[i].path)) == 0)
            return rows[i].kind;
    }
    return NULL;
}

const char *owner_shown(const struct api_request *request, const char *machine)
{
    return request_is_merchant(request) ? qualified_own_id(request->arena, machine) : machine;
}

static const char *party_of(const struct machine_kind *kind, const void *state)
{
    if (kind == &template_kind)
        return ((const struct template_state *)state)->invoice_template.party_ref.id;
    return ((const struct invoice_state *)state)->invoice.party_ref.id;
}

/* ---- a party's id ---- */

struct search {
    struct api_request *request;
    const struct machine_kind *kind;
    const char *party_id, *id;
    owner_fn then;
    void *arg;
};

/* The machine of format 1 under the bare id: the party's, another's, or none. */
static void old_read(void *arg, const struct runtime_result *result)
{
    const struct search *search = arg;

    if (result->err && result->err != SL_ENOENT)
        answer_err(search->request, result->err, NULL, result->detail);
    else if (result->state && strcmp(party_of(search->kind, result->state), search->party_id) == 0)
        search->then(search->arg, search->id);
    else
        search->then(search->arg, qualified_id(search->request->arena, search->id, search->party_id));
}

void owner_machine(struct api_request *request, const struct machine_kind *kind, const char *party_id, const char *id,
                   owner_fn then, void *arg)
{
    const struct api_setup *setup = api_setup(request);
    struct search search = { request, kind, party_id, id, then, arg };

    if (setup->bare_ids)
        runtime_read(setup->runtime, kind, id, 0, old_read, arena_memdup(request->arena, &search, sizeof(search)));
    else
        then(arg, qualified_id(request->arena, id, party_id));
}

/* ---- an id without a party ---- */

/* The parties that may have an id, while they are asked for. */
struct looking {
    struct api_request *request;
    const struct machine_kind *kind;
    const char *id;
    owner_look_fn then;
    void *arg;
    struct owner_found asked; /* the first may be the owner of a machine of format 1 */
    bool has[OWNER_PARTIES_MAX + 1];
    size_t answered;
    enum sl_err err;
};

static void candidate_add(struct looking *looking, const char *party_id, const char *machine)
{
    struct owner_found *asked = &looking->asked;
    size_t i;

    for (i = 0; i < asked->count; i++) {
        if (strcmp(asked->parties[i], party_id) == 0)
            return;
    }
    asked->parties[asked->count] = arena_strdup(looking->request->arena, party_id);
    asked->machines[asked->count++] = machine;
}

static void all_answered(struct looking *looking)
{
    struct owner_found found = { .count = 0 };
    size_t i;

    if (looking->err) {
        answer_err(looking->request, looking->err, NULL, NULL);
        return;
    }
    for (i = 0; i < looking->asked.count; i++) {
        if (!looking->has[i])
            continue;
        found.parties[found.count] = looking->asked.parties[i];
        found.machines[found.count++] = looking->asked.machines[i];
    }
    looking->then(looking->arg, &found);
}

static void part_read(void *arg, enum sl_err err, const struct reply *reply)
{
    struct looking *looking = arg;

    if (err)
        looking->err = err == SL_EREFUSED ? SL_ECORRUPT : err;
    looking->has[looking->answered++] = reply_i64_or(reply, 0) > 0; /* answers come in the order of the questions */
    if (looking->answered == looking->asked.count)
        all_answered(looking);
}

static void party_add(void *arg, const struct party *party)
{
    struct looking *looking = arg;

    if (looking->asked.count > OWNER_PARTIES_MAX)
        looking->asked.too_many = true;
    else
        candidate_add(looking, party->id, qualified_id(looking->request->arena, looking->id, party->id));
}

/* A machine has a history as long as it has been made, also when it was removed. */
static void parties_ask(struct looking *looking)
{
    const struct api_setup *setup = api_setup(looking->request);
    const struct domain *head = domain_store_ops.head(setup->domains);
    struct machine_keys keys;
    size_t i, count;

    if (head)
        domain_each_party(head, party_add, looking);
    if (looking->asked.too_many || looking->asked.count == 0) {
        looking->asked.count = 0;
        looking->then(looking->arg, &looking->asked);
        return;
    }
    for (i = 0, count = looking->asked.count; i < count; i++) {
        space_machine(setup->space, looking->kind->name, looking->asked.machines[i], &keys);
        client_words(setup->client, ASK_MS, part_read, looking, "EXISTS", keys.events, NULL);
    }
}

static void old_bare(void *arg, const struct runtime_result *result)
{
    struct looking *looking = arg;

    if (result->err && result->err != SL_ENOENT) {
        answer_err(looking->request, result->err, NULL, result->detail);
        return;
    }
    if (result->state)
        candidate_add(looking, party_of(looking->kind, result->state), looking->id);
    parties_ask(looking);
}

static void head_fetched(void *arg, enum sl_err err)
{
    struct looking *looking = arg;
    const struct api_setup *setup = api_setup(looking->request);

    if (err && err != SL_ENOENT)
        answer_err(looking->request, err, NULL, "the configuration cannot be read");
    else if (setup->bare_ids)
        runtime_read(setup->runtime, looking->kind, looking->id, 0, old_bare, looking);
    else
        parties_ask(looking);
}

void owner_look(struct api_request *request, const struct machine_kind *kind, const char *id, owner_look_fn then, void *arg)
{
    const struct api_setup *setup = api_setup(request);
    struct looking *looking = arena_alloc(request->arena, sizeof(*looking));

    *looking = (struct looking){ .request = request, .kind = kind, .id = id, .then = then, .arg = arg };
    if (domain_store_ops.head(setup->domains))
        head_fetched(looking, SL_OK);
    else
        domain_store_ops.fetch(setup->domains, 0, head_fetched, looking);
}

/* ---- what a path names ---- */

static void answer_absent(struct api_request *request)
{
    answer_not_found(request, owner_kind(request->route) == &template_kind ? "InvoiceTemplateNotFound" : "InvoiceNotFound");
}

static void answer_unclear(struct api_request *request, const struct owner_found *found)
{
    struct buf message = BUF_EMPTY;
    size_t i;

    buf_str(&message, "must name the party: ");
    if (found->too_many)
        buf_str(&message, "there are too many to look for the id");
    for (i = 0; i < found->count; i++)
        buf_printf(&message, "%s%s@%s", i ? ", " : "there are ", request->params[0], found->parties[i]);
    answer_invalid(request, "?party", buf_text(&message));
    buf_clear(&message);
}

static void machine_found(void *arg, const char *machine)
{
    struct api_request *request = arg;

    request->machine = machine;
    request->route->handler(request);
}

static void parties_found(void *arg, const struct owner_found *found)
{
    struct api_request *request = arg;

    if (found->too_many || found->count > 1) {
        answer_unclear(request, found);
    } else if (found->count == 0) {
        answer_absent(request);
    } else {
        request->party_id = found->parties[0];
        machine_found(request, found->machines[0]);
    }
}

/* NAME is of KIND; PARTY_ID is the party in it, OWN that of a merchant's token; both may be NULL. */
static void handle_named(struct api_request *request, const struct machine_kind *kind, const char *name,
                         const char *party_id, const char *own)
{
    const char *named = request_query(request, "party");

    if (named && (type_qualified_id.check(&named) || qualified_has_party(named))) {
        answer_invalid(request, "?party", "must be the id of a party");
    } else if (named && own && strcmp(named, own) != 0) {
        answer_problem(request, 403, "Forbidden", "the token is another party's", NULL);
    } else if (named && party_id && strcmp(named, party_id) != 0) {
        answer_invalid(request, "?party", "is not the party that the path names");
    } else if (party_id && own && strcmp(party_id, own) != 0) {
        answer_absent(request);
    } else if (!named && !party_id && !own) {
        owner_look(request, kind, name, parties_found, request);
    } else { /* a merchant's principal does not outlive new tokens */
        request->party_id = arena_strdup(request->arena, own ? own : named ? named : party_id);
        owner_machine(request, kind, request->party_id, qualified_own_id(request->arena, name), machine_found, request);
    }
}

void owner_handle(struct api_request *request)
{
    const struct machine_kind *kind = owner_kind(request->route);
    const char *name = request->params[0];
    bool merchant = request_is_merchant(request);

    if (!kind)
        request->route->handler(request);
    else
        handle_named(request, kind, name, qualified_party(name), merchant ? request->principal->party_id : NULL);
}
