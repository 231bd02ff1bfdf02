/* Preloaded into redis-server by tests that move time: every wall clock reading is ahead of the real one by as many
 * microseconds as the first eight bytes of the file $SHIFT_TIME_FILE say, in the byte order of the machine. Whoever
 * writes a new number there moves the time of Redis at once, and with it that of every daemon, which knows no other.
 * The monotonic clock stays real, so Redis's own event loop and deadlines do, too.
 *
 * libfaketime does the same for most programs, but not for one with jemalloc inside: it allocates while it sets
 * itself up, jemalloc reads a clock while it does, and there it ends. So nothing here allocates. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift_map(void)
{
    static const volatile int64_t *mapped;
    static const int64_t none;
    const char *path;
    void *page;
    int fd;

    if (mapped)
        return mapped;
    path = getenv("SHIFT_TIME_FILE");
    fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) /* perhaps not yet: the next reading looks again */
        return &none;
    page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (page == MAP_FAILED)
        return &none;
    mapped = page;
    return mapped;
}

int clock_gettime(clockid_t id, struct timespec *out)
{
    int failed = (int)syscall(SYS_clock_gettime, id, out);
    int64_t ns;

    if (failed || (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE))
        return failed;
    ns = out->tv_nsec + *shift_map() % 1000000 * 1000;
    out->tv_sec += *shift_map() / 1000000 + ns / 1000000000;
    out->tv_nsec = ns % 1000000000;
    return 0;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}
