/* A test that cannot run where it is says so, in a line that contrib/check.sh counts and shows: Criterion itself
 * leaves skipped tests out of what it prints.
 *
 *     skip_test("this machine has no pseudo-terminals");      ends the test                                */
#ifndef SLUICE_TESTS_SKIP_H
#define SLUICE_TESTS_SKIP_H

#include <criterion/criterion.h>
#include <stdio.h>

#define skip_test(why) \
    do { \
        fprintf(stderr, "SKIP %s::%s: %s\n", criterion_current_test->category, criterion_current_test->name, why); \
        cr_skip_test(why); \
    } while (0)

#endif
