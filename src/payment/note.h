/* What a payment's steps note for the daemon's statistics (engine/machine.h, struct note), and what they know of
 * them: step_in.outlook is a struct health_view, or NULL. Ref: doc/spec/routing.md 13.2.            */
#ifndef SLUICE_PAYMENT_NOTE_H
#define SLUICE_PAYMENT_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/health.h"

enum {
    NOTE_CONVERSION = 1, /* a processed session has come to its end */
    NOTE_STATUS,         /* a payment has got a status that is shown in figures */
};

struct status_note { /* NOTE_STATUS: note.args */
    int status; /* PAYMENT_CAPTURED, …_CANCELLED, …_FAILED */
};

struct conversion_note { /* NOTE_CONVERSION: note.args */
    int64_t provider_id;
    bool ok; /* nothing that speaks against the provider */
};

#endif
