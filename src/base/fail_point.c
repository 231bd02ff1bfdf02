#include "base/fail_point.h"

#ifdef SL_FAIL_POINTS

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    bool read;
    char place[128]; /* "" none */
    long passages;   /* how many more passages until it strikes */
} armed;

static void read_environment(void)
{
    const char *wish = getenv("SLUICE_FAIL_POINT");
    char *colon;

    armed.read = true;
    if (!wish)
        return;
    snprintf(armed.place, sizeof(armed.place), "%s", wish);
    colon = strrchr(armed.place, ':');
    armed.passages = colon ? strtol(colon + 1, NULL, 10) : 1;
    if (colon)
        *colon = '\0';
}

void fail_point_hit(const char *stage, const char *activity)
{
    size_t len = strlen(stage);

    if (!armed.read)
        read_environment();
    if (strcmp(armed.place, "?") == 0)
        fprintf(stderr, "fail point %s/%s\n", stage, activity);
    if (strncmp(armed.place, stage, len) != 0)
        return;
    if (armed.place[len] != '\0' && (armed.place[len] != '/' || strcmp(armed.place + len + 1, activity) != 0))
        return;
    if (--armed.passages == 0)
        kill(getpid(), SIGKILL);
}

#else
typedef int fail_point_unused; /* a translation unit may not be empty */
#endif
