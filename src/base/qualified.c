#include "base/qualified.h"

#include <string.h>

#define ID_MAX 128

static const char *check_part(const char *part)
{
    return !*part || strlen(part) > ID_MAX ? "must be ID or ID@PARTY" : type_id.check(&part);
}

static const char *check_qualified(const void *value)
{
    const char *name = *(const char *const *)value, *party = qualified_party(name), *why;
    char id[ID_MAX + 1];
    size_t len = strcspn(name, "@");

    if (len >= sizeof(id))
        return "must be ID or ID@PARTY";
    memcpy(id, name, len);
    id[len] = '\0';
    why = check_part(id);
    return why || !party ? why : check_part(party);
}

const struct type type_qualified_id = {
    .kind = TYPE_STR, .size = sizeof(char *), .min = 1, .max = QUALIFIED_ID_MAX, .check = check_qualified,
    .doc = "ID@PARTY, each of letters, digits and . _ - : ~; ID alone where it was made before ids were of a party",
};

const char *qualified_id(struct arena *arena, const char *id, const char *party_id)
{
    return arena_printf(arena, "%s@%s", id, party_id);
}

bool qualified_has_party(const char *name)
{
    return strchr(name, '@') != NULL;
}

const char *qualified_own_id(struct arena *arena, const char *name)
{
    return arena_strndup(arena, name, strcspn(name, "@"));
}

const char *qualified_party(const char *name)
{
    const char *at = strchr(name, '@');

    return at ? at + 1 : NULL;
}
