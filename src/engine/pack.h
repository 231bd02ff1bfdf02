/* Stored events and snapshots, made short.
 *
 * A payment's JSON is seven parts names that never change. A kind's dictionary holds them once, in the program, and what is
 * stored refers to it: one byte with the dictionary's number, then a zstd frame without its magic number. JSON begins
 * with neither of these bytes, so plain and packed texts may stand beside each other in one history, and a daemon reads
 * both whatever it writes itself.
 *
 * Ref: doc/decisions/0016-packed-texts.md. */
#ifndef SLUICE_ENGINE_PACK_H
#define SLUICE_ENGINE_PACK_H

#include "base/arena.h"
#include "base/err.h"
#include "engine/machine.h"
#include "redis/slice.h"

#define PACK_DICTIONARIES_MAX 8
#define PACK_TEXT_MAX (64 << 20) /* bytes: more than any event may have */

struct packer;

struct packer *packer_new(void);
void packer_free(struct packer *packer); /* NULL is fine */

/* TEXT in the newest dictionary of KIND, in ARENA; TEXT itself if KIND has none, or if that is no shorter. */
struct slice packer_pack(struct packer *packer, const struct machine_kind *kind, struct slice text, struct arena *arena);

bool pack_is_packed(struct slice stored);

/* The text of what was stored: STORED itself if it is plain, else in ARENA and ended by a NUL that LEN does not count.
 * SL_ECORRUPT: it was not packed by any dictionary of KIND. */
SL_MUST_USE enum sl_err packer_unpack(struct packer *packer, const struct machine_kind *kind, struct slice stored,
                                      struct arena *arena, struct slice *text);

#endif
