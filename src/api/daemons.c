/* /v1/daemons: who is alive, by their cards (redis/roster.h). Ref: doc/operations.md, Several daemons. */
#include "api/daemons.h"

#include <stdlib.h>
#include <string.h>

#include "api/request.h"
#include "redis/roster.h"

json_t *daemons_differences(const json_t *own, const json_t *other)
{
    const json_t *mine = json_object_get(own, "options"), *theirs = json_object_get(other, "options"), *value;
    json_t *names = json_array();
    const char *name;

    json_object_foreach((json_t *)(uintptr_t)mine, name, value) {
        if (!json_equal(value, json_object_get(theirs, name)))
            json_array_append_new(names, json_string(name));
    }
    return names;
}

/* The card of NAME as JSON; NULL: there is none, or it is of a version that writes another kind. */
static json_t *card_of(const struct roster_entry *entries, size_t count, const char *name)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (strcmp(entries[i].name, name) == 0)
            return json_loads(entries[i].card, JSON_REJECT_DUPLICATES, NULL);
    }
    return NULL;
}

static json_t *daemon_json(const struct roster *roster, const json_t *own, const char *name)
{
    const struct roster_entry *entries;
    size_t count = roster_entries(roster, &entries);
    json_t *card = card_of(entries, count, name);

    if (!card)
        return json_pack("{s:s}", "name", name); /* it lives, and has not said more */
    json_object_set_new(card, "differs", daemons_differences(own, card));
    return card;
}

void daemons_list(struct api_request *request)
{
    const struct api_setup *setup = api_setup(request);
    json_t *own = json_loads(roster_own(setup->roster), 0, NULL), *list = json_array();
    const char *const *names;
    size_t i, count = wheel_daemons(setup->wheel, &names);
    struct buf json = BUF_EMPTY;
    char *text;

    for (i = 0; i < count; i++)
        json_array_append_new(list, daemon_json(setup->roster, own, names[i]));
    text = json_dumps(list, JSON_COMPACT);
    buf_str(&json, text);
    free(text);
    json_decref(list);
    json_decref(own);
    answer_json(request, 200, &json);
}
