/* See metrics_process.h. Read from /proc when somebody asks. */
#include "api/metrics_process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "config.h"

static void family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Fields of /proc/self/stat behind the program's name, whose third is number 3; false: they cannot be read. */
static bool stat_read(unsigned long long *started, unsigned long long *virtual_bytes, unsigned long long *pages)
{
    FILE *file = fopen("/proc/self/stat", "re");
    char line[1024], *rest;
    bool found = false;

    if (!file)
        return false;
    if (fgets(line, sizeof(line), file) && (rest = strrchr(line, ')')))
        found = sscanf(rest + 1, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu %llu",
                       started, virtual_bytes, pages) == 3;
    fclose(file);
    return found;
}

static void memory_figures(struct buf *out)
{
    unsigned long long started, virtual_bytes, pages;
    struct timespec boot;

    if (!stat_read(&started, &virtual_bytes, &pages) || clock_gettime(CLOCK_BOOTTIME, &boot))
        return;
    family(out, "process_start_time_seconds", "gauge", "Start of the process, seconds since 1970.");
    buf_printf(out, "process_start_time_seconds %.2f\n",
               (double)clock_wall_us() / 1e6 - ((double)boot.tv_sec + (double)boot.tv_nsec / 1e9) +
                   (double)started / (double)sysconf(_SC_CLK_TCK));
    family(out, "process_virtual_memory_bytes", "gauge", "Virtual memory.");
    buf_printf(out, "process_virtual_memory_bytes %llu\n", virtual_bytes);
    family(out, "process_resident_memory_bytes", "gauge", "Resident memory.");
    buf_printf(out, "process_resident_memory_bytes %llu\n", pages * (unsigned long long)sysconf(_SC_PAGESIZE));
}

static void descriptor_figures(struct buf *out)
{
    DIR *dir = opendir("/proc/self/fd");
    struct rlimit limit;
    unsigned count = 0;

    if (dir) {
        while (readdir(dir)) /* NOLINT(concurrency-mt-unsafe): one thread */
            count++;
        closedir(dir);
        family(out, "process_open_fds", "gauge", "Descriptors open.");
        buf_printf(out, "process_open_fds %u\n", count > 3 ? count - 3 : 0); /* . and .. and its own */
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        family(out, "process_max_fds", "gauge", "Descriptors that may be open.");
        buf_printf(out, "process_max_fds %" PRIu64 "\n", (uint64_t)limit.rlim_cur);
    }
}

void process_figures(struct buf *out)
{
    struct rusage usage;

    family(out, "sluice_build_info", "gauge", "1, with the version.");
    buf_str(out, "sluice_build_info{version=\"" PACKAGE_VERSION "\"} 1\n");
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        family(out, "process_cpu_seconds_total", "counter", "Processor time, of user and system.");
        buf_printf(out, "process_cpu_seconds_total %.6f\n",
                   (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    }
    memory_figures(out);
    descriptor_figures(out);
}
