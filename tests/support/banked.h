/* A real sluiced with a real mock bank, and short ways to talk to them. For Criterion: what fails, fails the test.
 *
 *     struct banked banked;
 *     banked_open(&banked);
 *     json_decref(banked_invoice(&banked, "inv-1"));
 *     state = banked_pay(&banked, "inv-1", "no_preauth", NULL);                                        */
#ifndef SLUICE_TESTS_BANKED_H
#define SLUICE_TESTS_BANKED_H

#include <jansson.h>

#include "support/daemon_fixture.h"

struct banked {
    struct daemon_fixture daemon, bank;
};

/* With the example configuration, whose adapters are the mock bank. OPTION: a further one for sluiced, or NULL. */
void banked_open(struct banked *banked, const char *option);
void banked_close(struct banked *banked);
/* Starts a sluiced, open to everybody, in place of the one in BANKED, which is left alone, and waits until it is ready. */
void banked_start(struct banked *banked);
/* Kills sluiced and starts another one, on the same Redis and another port; open to everybody. Waits until it
 * is ready. The bank keeps the old port. */
void banked_restart(struct banked *banked);

/* The example configuration, to be changed. The caller's. */
json_t *banked_domain(const struct banked *banked);
/* In the data of the object of KIND whose reference is the JSON text REF: what stands at PATH ("term_set.payments")
 * becomes VALUE (JSON text), or goes away (NULL). */
void banked_set(json_t *domain, const char *kind, const char *ref, const char *path, const char *value);
/* DOMAIN is the newest configuration from now on; it is dropped. HEADERS: of an operator, or NULL. */
void banked_configure_take(const struct banked *banked, const char *headers, json_t *domain);

/* A request with JSON; HEADERS NULL: none further, BODY NULL: none. The status; *OUT (may be NULL) gets the answer. */
int banked_ask(const struct banked *banked, const char *method, const char *path, const char *headers, const char *body,
               json_t **out);
/* The same, failing the test unless the status is STATUS. The answer is the caller's. */
json_t *banked_must(const struct banked *banked, const char *method, const char *path, const char *body, int status);
/* Fails the test unless the answer is a problem with STATUS and ERROR. */
void banked_refused(const struct banked *banked, const char *method, const char *path, const char *body, int status,
                    const char *error);

/* An invoice over 42000 RUB of shop-acme-books. */
json_t *banked_invoice(const struct banked *banked, const char *id);
/* A payment of it with a card of the bank's and further members (`,"make_recurrent":true`); its state at rest. */
json_t *banked_pay(const struct banked *banked, const char *id, const char *card, const char *more);

/* The bank misbehaves: {"kind", "next", "target"} (contrib/mockbank). */
void banked_fault(const struct banked *banked, const char *wish);
/* "" if the books are settled, that is owns sum to zero and nothing is held; else what is wrong. Valid until the next
 * call. */
const char *banked_books(struct banked *banked);
/* What an account owns. */
int64_t banked_own(const struct banked *banked, int64_t account);

/* Text at PATH of dots in JSON ("payment.status"): a string itself, a union's key, a number's digits; "" if there is
 * none. Static until the next call but three. */
const char *banked_text(const json_t *json, const char *path);
/* Asks for PATH until the text at FIELD of its answer is TEXT. */
void banked_until(const struct banked *banked, const char *path, const char *field, const char *text);
/* Names of all changes of invoice ID, "started shop_limit_initiated | status_changed"; the caller's, free(). */
char *banked_history(const struct banked *banked, const char *id);

#endif
