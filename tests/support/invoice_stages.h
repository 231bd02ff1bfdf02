/* The places where an invoice and its payment "1" can be, each reached by real steps, for tests that look at all of
 * them. To add an activity, add a stage here: whoever walks them sees it at once. */
#ifndef SLUICE_TESTS_INVOICE_STAGES_H
#define SLUICE_TESTS_INVOICE_STAGES_H

#include "support/payment_world.h"

struct invoice_stage {
    const char *name;
    const char *activity; /* in one word for people; NULL: no payment is active */
    const char *invoice;  /* its status, as JSON */
    const char *payment;  /* the same; NULL: there is none */
    void (*way)(struct payment_world *world); /* NULL: payments go by the activity, in order */
    const struct world_patch *patches;        /* NULL: world_no_cascade */
};

extern const struct invoice_stage invoice_stages[];
extern const size_t invoice_stage_count;

/* Opens WORLD and goes to STAGE; fails the test if it is not as the table says. */
void invoice_stage_open(struct payment_world *world, const struct invoice_stage *stage);

/* The step that is due fails as if there were no configuration, and the machine is parked. */
void invoice_stage_park(struct payment_world *world);

#endif
