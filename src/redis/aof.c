/* See aof.h. First the pure scan of the bytes, then the files. */
#include "redis/aof.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xmalloc.h"

#define AOF_FOLDER "appendonlydir"
#define MANIFEST_MAX (64 * 1024)
#define NAME_MAX_LEN 256
#define DIGITS_MAX 18

/* ---- scan ---- */

enum step { STEP_OK, STEP_SHORT, STEP_BAD };

/* Where in the text we are. */
struct cursor {
    const char *data;
    size_t len, at;
};

/* "\r\n" */
static enum step take_end(struct cursor *cursor)
{
    static const char end[2] = { '\r', '\n' };
    size_t left = cursor->len - cursor->at, want = left < 2 ? left : 2;

    if (memcmp(cursor->data + cursor->at, end, want) != 0)
        return STEP_BAD;
    cursor->at += want;
    return want == 2 ? STEP_OK : STEP_SHORT;
}

/* "*3\r\n", "$12\r\n": MARK, a number, the end of a line. */
static enum step take_count(struct cursor *cursor, char mark, size_t *count)
{
    size_t digits = 0;

    if (cursor->at == cursor->len)
        return STEP_SHORT;
    if (cursor->data[cursor->at] != mark)
        return STEP_BAD;
    cursor->at++;
    for (*count = 0; cursor->at < cursor->len; cursor->at++, digits++) {
        char c = cursor->data[cursor->at];

        if (c < '0' || c > '9')
            break;
        if (digits == DIGITS_MAX)
            return STEP_BAD;
        *count = *count * 10 + (size_t)(c - '0');
    }
    if (cursor->at < cursor->len && digits == 0)
        return STEP_BAD;
    return take_end(cursor);
}

static enum step take_word(struct cursor *cursor, struct cursor *word)
{
    size_t len;
    enum step step = take_count(cursor, '$', &len);

    if (step != STEP_OK)
        return step;
    if (len > cursor->len - cursor->at)
        return STEP_SHORT;
    *word = (struct cursor){ cursor->data + cursor->at, len, 0 };
    cursor->at += len;
    return take_end(cursor);
}

/* A command, or a line that begins with # (a time). NAME: its first word; of a line, an empty one. */
static enum step take_command(struct cursor *cursor, struct cursor *name)
{
    struct cursor word;
    size_t count, i;
    const char *end;
    enum step step;

    *name = (struct cursor){ "", 0, 0 };
    if (cursor->data[cursor->at] == '#') {
        end = memchr(cursor->data + cursor->at, '\n', cursor->len - cursor->at);
        if (!end)
            return STEP_SHORT;
        cursor->at = (size_t)(end - cursor->data) + 1;
        return STEP_OK;
    }
    step = take_count(cursor, '*', &count);
    if (step == STEP_OK && count == 0)
        return STEP_BAD;
    for (i = 0; step == STEP_OK && i < count; i++) {
        step = take_word(cursor, i ? &word : name);
    }
    return step;
}

static bool named(const struct cursor *name, const char *word)
{
    return name->len == strlen(word) && strncasecmp(name->data, word, name->len) == 0;
}

static bool holds(const char *data, size_t len, const char *text)
{
    return memmem(data, len, text, strlen(text)) != NULL;
}

/* A cut leaves the beginning of one write, so no second transaction and no end of one can stand behind GOOD. A broken
 * length in the middle of the file looks like a short end, too, and must not take what follows along. */
static bool is_one_beginning(const char *data, size_t len)
{
    static const char begin[] = "*1\r\n$5\r\nMULTI\r\n", end[] = "*1\r\n$4\r\nEXEC\r\n";

    return !holds(data, len, end) && (len < sizeof(begin) || !holds(data + 1, len - 1, begin));
}

void aof_scan(const char *data, size_t len, struct aof_scan *out)
{
    struct cursor cursor = { data, len, 0 }, name;
    bool open = false;
    size_t start;
    enum step step = STEP_OK;

    *out = (struct aof_scan){ .verdict = AOF_WHOLE };
    while (cursor.len > 0 && data[cursor.len - 1] == '\0')
        cursor.len--; /* no command ends so: the file had been made longer, and its bytes did not come */
    while (cursor.at < cursor.len) {
        start = cursor.at;
        step = take_command(&cursor, &name);
        if (step != STEP_OK || (open && named(&name, "MULTI"))) {
            cursor.at = start;
            break;
        }
        if (named(&name, "MULTI"))
            open = true;
        else if (named(&name, "EXEC"))
            open = false;
        out->dropped = open ? out->dropped + 1 : 0;
        if (!open)
            out->good = cursor.at;
    }
    if (out->good == len)
        return;
    if (step == STEP_BAD || (cursor.at < cursor.len && step == STEP_OK) ||
        !is_one_beginning(data + out->good, cursor.len - out->good))
        out->verdict = AOF_BAD;
    else
        out->verdict = AOF_TORN;
}

/* ---- cut ---- */

/* The newest file of commands: the manifest's last line "file NAME seq N type i". */
static bool newest_name(const char *dir, char name[NAME_MAX_LEN])
{
    struct buf path = BUF_EMPTY;
    char line[1024], file[NAME_MAX_LEN];
    char type;
    bool found = false;
    FILE *manifest;

    buf_printf(&path, "%s/" AOF_FOLDER "/appendonly.aof.manifest", dir);
    manifest = fopen(buf_text(&path), "re");
    buf_clear(&path);
    if (!manifest)
        return false;
    while (fgets(line, sizeof(line), manifest)) {
        if (sscanf(line, "file %255s seq %*d type %c", file, &type) == 2 && type == 'i' && !strchr(file, '/')) {
            memcpy(name, file, sizeof(file));
            found = true;
        }
    }
    fclose(manifest);
    return found;
}

static bool write_all(int fd, const char *data, size_t len)
{
    ssize_t done;

    for (; len > 0; data += done, len -= (size_t)done) {
        done = write(fd, data, len);
        if (done < 0 && errno == EINTR)
            done = 0;
        else if (done < 0)
            return false;
    }
    return true;
}

/* Keeps what is cut off, so that it can be looked at. */
static bool keep(const char *path, const char *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    bool done = fd >= 0 && write_all(fd, data, len) && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return done;
}

/* FD is the file NAME of DIR, mapped at DATA. */
static bool cut(const char *dir, const char *name, int fd, const char *data, size_t len, struct buf *said)
{
    struct buf kept = BUF_EMPTY;
    struct aof_scan scan;
    bool done = false;

    aof_scan(data, len, &scan);
    if (scan.verdict == AOF_BAD) {
        buf_printf(said, "%s/" AOF_FOLDER "/%s is damaged at byte %zu of %zu, and not just cut short: nothing was "
                   "dropped. Look at what stands there, then see redis-check-aof, or take a backup",
                   dir, name, scan.good, len);
    } else if (scan.verdict == AOF_TORN) {
        buf_printf(&kept, "%s/torn-%lld.aof", dir, (long long)time(NULL));
        done = keep(buf_text(&kept), data + scan.good, len - scan.good) && ftruncate(fd, (off_t)scan.good) == 0 &&
               fsync(fd) == 0;
        if (done)
            buf_printf(said, "%s/" AOF_FOLDER "/%s ended within a transaction, as a power cut leaves it: %zu bytes "
                       "behind byte %zu (%zu whole commands among them) were dropped, and are kept in %s",
                       dir, name, len - scan.good, scan.good, scan.dropped, buf_text(&kept));
        else
            buf_printf(said, "the torn end of %s/" AOF_FOLDER "/%s cannot be cut off: %s", dir, name, strerror(errno));
        buf_clear(&kept);
    }
    return done;
}

bool aof_cut(const char *dir, char **said)
{
    struct buf path = BUF_EMPTY, text = BUF_EMPTY;
    char name[NAME_MAX_LEN];
    struct stat info;
    bool done = false;
    void *data;
    int fd;

    *said = NULL;
    if (!newest_name(dir, name))
        return false;
    buf_printf(&path, "%s/" AOF_FOLDER "/%s", dir, name);
    fd = open(buf_text(&path), O_RDWR | O_CLOEXEC);
    buf_clear(&path);
    if (fd < 0 || fstat(fd, &info) != 0 || info.st_size == 0)
        goto out;
    data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        goto out;
    done = cut(dir, name, fd, data, (size_t)info.st_size, &text);
    munmap(data, (size_t)info.st_size);
    if (text.len)
        *said = buf_take(&text);
out:
    if (fd >= 0)
        close(fd);
    return done;
}
