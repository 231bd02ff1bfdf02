/* See card.h. */
#include "daemon/card.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/daemons.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "config.h"
#include "redis/roster.h"

/* Those by which daemons judge and keep payments: two that differ in them do not do the same. */
static json_t *options_json(const struct options *options)
{
    const struct health_settings *health = &options->health;
    const struct health_kind_settings *reach = &health->kinds[HEALTH_AVAILABILITY];
    json_t *benign = json_array(), *json;
    size_t i;

    for (i = 0; i < health->benign_count; i++)
        json_array_append_new(benign, json_string(health->benign[i]));
    json = json_pack("{s:i, s:s, s:b}", "partitions", options->partitions, "durability",
                     options->relaxed ? "relaxed" : "strict", "fault_detector", health->enabled);
    if (health->enabled) {
        json_object_set_new(json, "fault_critical", json_pack("[f, f]", health->kinds[HEALTH_AVAILABILITY].critical,
                                                              health->kinds[HEALTH_CONVERSION].critical));
        json_object_set_new(json, "fault_limit_ms", json_integer(reach->limit_ms));
        json_object_set_new(json, "fault_window_ms", json_integer(reach->window_ms));
        json_object_set_new(json, "fault_tick_ms", json_integer(health->tick_ms));
        json_object_set(json, "fault_benign", benign);
    }
    json_decref(benign);
    return json;
}

static json_t *listen_json(const struct options *options)
{
    json_t *list = json_array();
    char place[LISTEN_TEXT_MAX];
    size_t i;

    for (i = 0; i < options->listen_count; i++) {
        listen_text(&options->listen[i], place);
        json_array_append_new(list, json_sprintf("http://%s", place));
    }
    return list;
}

char *card_write(const char *name, int64_t started_us, const struct options *options, bool is_listening)
{
    char started[RFC3339_MAX], host[64] = "", *text;
    json_t *json;

    gethostname(host, sizeof(host) - 1);
    rfc3339_format(started_us, started);
    json = json_pack("{s:s, s:s, s:s, s:s, s:i, s:o, s:o}", "name", name, "version", PACKAGE_VERSION, "started_at", started,
                     "host", host, "pid", (int)getpid(), "listen", is_listening ? listen_json(options) : json_array(),
                     "options", options_json(options));
    text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

static void tell(const char *name, const json_t *names)
{
    char *list = json_dumps(names, JSON_COMPACT);

    log_warn("the daemon %s was started with other options, which must be the same for all: %s", name, list);
    free(list);
}

void card_compare(const struct roster *roster, char **told)
{
    const struct roster_entry *entries;
    size_t i, count = roster_entries(roster, &entries);
    json_t *own = json_loads(roster_own(roster), 0, NULL), *known, *now = json_object(), *card, *names;

    known = *told ? json_loads(*told, 0, NULL) : NULL;
    for (i = 0; i < count; i++) {
        card = json_loads(entries[i].card, 0, NULL);
        names = daemons_differences(own, card);
        if (json_array_size(names) && !json_equal(names, json_object_get(known, entries[i].name)))
            tell(entries[i].name, names);
        json_object_set(now, entries[i].name, names);
        json_decref(names);
        json_decref(card);
    }
    free(*told);
    *told = json_dumps(now, JSON_COMPACT);
    json_decref(now);
    json_decref(known);
    json_decref(own);
}
