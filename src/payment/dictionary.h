/* What stored texts of invoices and templates are packed with. Ref: engine/pack.h. */
#ifndef SLUICE_PAYMENT_DICTIONARY_H
#define SLUICE_PAYMENT_DICTIONARY_H

#include <stddef.h>

extern const char *const payment_dictionaries[]; /* the newest last; then NULL */

#endif
