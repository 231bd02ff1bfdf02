/* Numbers of payment cards, which this program must never keep: where text that comes in is one, and where a log would
 * show one. A card number is a run of 12 to 19 digits whose Luhn sum is right and whose first digit is one that card
 * schemes use (not 0, 1 or 7: times in ms or µs, and account numbers, begin so). One number of ten passes the sum by chance. */
#ifndef SLUICE_BASE_PAN_H
#define SLUICE_BASE_PAN_H

#include <stdbool.h>
#include <stddef.h>

#define PAN_DIGITS_MIN 12
#define PAN_DIGITS_MAX 19

/* Whether all of TEXT is a card number of at least DIGITS_MIN digits. */
bool pan_is(const char *text, size_t digits_min);

/* In TEXT of LEN bytes every card number keeps its first six digits and its last four; the others become '*'. */
void pan_mask(char *text, size_t len);

#endif
