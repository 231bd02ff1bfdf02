/* Named places where a test can stop the process dead.
 *
 * Only in builds configured with --enable-fail-points. SLUICE_FAIL_POINT names one place as
 * "stage", "stage/activity", or either with ":N" for the N-th passage (1 is the first); when it is
 * reached the process kills itself with SIGKILL, as a crash or a power cut would. "?" names every place on
 * stderr as it is passed, so that a test can find out where a payment leads through. */
#ifndef SLUICE_BASE_FAIL_POINT_H
#define SLUICE_BASE_FAIL_POINT_H

#include "config.h"

#ifdef SL_FAIL_POINTS
void fail_point_hit(const char *stage, const char *activity);
#define FAIL_POINT(stage, activity) fail_point_hit(stage, activity)
#else
#define FAIL_POINT(stage, activity) ((void)(activity))
#endif

#endif
