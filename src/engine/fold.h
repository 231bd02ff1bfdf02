/* Folding stored events into a state. Shared by the runtime and by whoever checks histories. */
#ifndef SLUICE_ENGINE_FOLD_H
#define SLUICE_ENGINE_FOLD_H

#include "engine/store.h"

/* An empty state of KIND in ARENA. */
void *machine_state_new(const struct machine_kind *kind, struct arena *arena);

/* Folds the snapshot (if any) and the events of LOADED into *STATE_OUT.
 * Errors: SL_ECORRUPT with *WHY (a sentence, in ARENA). Transitions that the table would not allow today
 *         are applied all the same: history is what it is. */
SL_MUST_USE enum sl_err machine_fold(const struct machine_kind *kind, const struct store_loaded *loaded,
                                     struct arena *arena, void **state_out, const char **why);

/* Decodes one event's JSON array of changes; *CHANGES_OUT is a list of KIND's change type. */
SL_MUST_USE enum sl_err machine_decode_changes(const struct machine_kind *kind, const char *text, size_t len,
                                               struct arena *arena, struct type_list *changes_out, const char **why);

#endif
