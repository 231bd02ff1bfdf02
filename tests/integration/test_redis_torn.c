/* A power cut in the middle of a write: the append only file of a private Redis ends anywhere within the last
 * transaction. Redis is started on it, takes a new commit, is killed and started again; whatever was
 * acknowledged must be there each time, and nothing else. */
#include <criterion/criterion.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/xmalloc.h"
#include "lua/commit.h"
#include "redis/aof.h"
#include "redis/script_list.h"
#include "support/redis_fixture.h"

#define INCR "appendonlydir/appendonly.aof.1.incr.aof"
#define FILE_MAX (64 * 1024)

static struct redis_fixture redis;

/* ---- one Redis after the other, all on the same data ---- */

static void start(void)
{
    struct server_setup setup = {
        .dir = redis.dir, .program = getenv("REDIS_SERVER"), .tells_parent = true, .fsync_always = true,
    };
    struct client_setup client = { .scripts = script_list };
    char *why = NULL;

    cr_assert(server_start(&setup, &redis.server, &why) == SL_OK, "%s", why);
    redis.client = redis_fixture_client(&redis, &client);
    redis_fixture_wait_up(&redis, redis.client, true);
}

static void stop_hard(void)
{
    client_free(redis.client);
    redis.client = NULL;
    server_kill(redis.server);
    server_stop(redis.server);
    redis.server = NULL;
}

/* ---- its file ---- */

static char file[FILE_MAX];
static size_t file_len;

static const char *incr_path(void)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", redis.dir, INCR);
    return path;
}

static size_t incr_len(void)
{
    struct stat info;

    cr_assert_eq(stat(incr_path(), &info), 0);
    return (size_t)info.st_size;
}

static void incr_read(void)
{
    int fd = open(incr_path(), O_RDONLY | O_CLOEXEC);
    ssize_t got = read(fd, file, sizeof(file));

    close(fd);
    cr_assert(got > 0 && (size_t)got < sizeof(file));
    file_len = (size_t)got;
}

/* The first LEN bytes, and ZEROS of them behind: what a file system leaves that had made the file longer already. */
static void incr_write(size_t len, size_t zeros)
{
    static const char nothing[FILE_MAX];
    int fd = open(incr_path(), O_WRONLY | O_TRUNC | O_CLOEXEC);

    cr_assert(fd >= 0);
    cr_assert_eq(write(fd, file, len), (ssize_t)len);
    cr_assert_eq(write(fd, nothing, zeros), (ssize_t)zeros);
    close(fd);
}

/* ---- commits of one machine: its event is its amount ---- */

static struct {
    bool there;
    int64_t code, version;
} committed;

static void commit_done(void *arg, enum sl_err err, const struct reply *reply)
{
    (void)arg;
    cr_assert_eq(err, SL_OK, "%s", reply_text(reply, NULL));
    committed.there = true;
    committed.code = reply_i64_or(reply_at(reply, 0), -1);
    committed.version = reply_i64_or(reply_at(reply, 1), -1);
}

static void commit(const char *version, const char *amount)
{
    struct lua_commit_keys keys = {
        .machine = slice_of("m"), .events = slice_of("e"), .wheel = slice_of("w"), .accounts = slice_of("a"),
        .feed = slice_of("f"), .failed = slice_of("x"), .retrying = slice_of("y"), .once = slice_of("m"),
    };
    struct slice tallies[] = { slice_of("own"), slice_of(amount) };
    struct lua_commit_args args = {
        .id = slice_of("i"), .commit_id = slice_of(amount), .expect_version = slice_of(version),
        .expect_token = slice_of("0"), .changes = slice_of(amount), .due = slice_of("none"), .lease = slice_of("0"),
        .activity = slice_of("y"), .outcome = slice_of("o"), .snapshot = slice_of(""), .mode = slice_of(""),
        .once = slice_of(""), .asked = slice_of(""), .currencies = slice_of(""), .tallies = tallies, .tallies_count = SL_COUNT(tallies),
    };

    committed.there = false;
    lua_commit(redis.client, &keys, &args, FIXTURE_WAIT_MS, commit_done, NULL);
    redis_fixture_wait(&redis, &committed.there);
}

/* "EVENTS|FEED|OWN": the amounts of the events, the numbers of the feed's events, and the balance. */
static const char *state(void)
{
    return redis_fixture_ask(
        &redis, "EVAL",
        "local out = {}\n"
        "for _, e in ipairs(redis.call('XRANGE', 'e', '-', '+')) do out[#out + 1] = e[2][4] end\n"
        "out[#out + 1] = '|'\n"
        "for _, e in ipairs(redis.call('XRANGE', 'f', '-', '+')) do out[#out + 1] = e[2][4] end\n"
        "out[#out + 1] = '|'\n"
        "out[#out + 1] = redis.call('HGET', 'a', 'own')\n"
        "return table.concat(out, ' ')", "0", NULL);
}

/* Two acknowledged commits, and a third whose write is what will be torn: from *FROM to the end of the file. */
static void prepare(size_t *from)
{
    memset(&redis, 0, sizeof(redis));
    snprintf(redis.dir, sizeof(redis.dir), "/tmp/sluice-redis-XXXXXX");
    cr_assert(mkdtemp(redis.dir));
    redis.base = event_base_new();
    start();
    commit("0", "5");
    commit("1", "7");
    cr_assert_str_eq(state(), "5 7 | 1 2 | 12");
    *from = incr_len();
    commit("2", "11");
    cr_assert_eq(committed.code, LUA_COMMIT_DONE);
    stop_hard();
    incr_read();
}

static void finish(void)
{
    event_base_free(redis.base);
    redis_fixture_remove(redis.dir);
}

/* Of a file that ends after LEN bytes and ZEROS: what is there at once, and after a new commit and a second start. */
static bool survives(size_t len, size_t zeros)
{
    bool whole = len == file_len, right = true;
    char first[128], second[128];

    incr_write(len, zeros);
    start();
    snprintf(first, sizeof(first), "%s", state());
    commit(whole ? "3" : "2", "13");
    if (committed.code != LUA_COMMIT_DONE)
        right = false;
    stop_hard();
    start();
    snprintf(second, sizeof(second), "%s", state());
    stop_hard();
    right = right && strcmp(first, whole ? "5 7 11 | 1 2 3 | 23" : "5 7 | 1 2 | 12") == 0 &&
            strcmp(second, whole ? "5 7 11 13 | 1 2 3 4 | 36" : "5 7 13 | 1 2 3 | 25") == 0;
    if (!right)
        cr_log_error("cut after byte %zu of %zu, zeros %zu: first \"%s\", after a commit (code %d) and a restart \"%s\"",
                     len, file_len, zeros, first, (int)committed.code, second);
    return right;
}

/* If it fails, a power cut replaces acknowledged events by others, doubles the feed and puts the ledger off. */
Test(redis_torn, a_cut_at_any_byte_of_the_last_transaction_leaves_what_was_acknowledged, .timeout = 900)
{
    size_t from, len, wrong = 0;

    prepare(&from);
    for (len = from; len <= file_len && wrong < 5; len++)
        wrong += !survives(len, 0);
    cr_assert_eq(wrong, 0);
    finish();
}

/* If it fails, a file system that had made the file longer before the cut keeps the daemon from starting. */
Test(redis_torn, zeros_behind_a_cut_are_part_of_it, .timeout = 900)
{
    size_t from, len;

    prepare(&from);
    for (len = from; len < file_len; len += 41)
        cr_assert(survives(len, file_len - len));
    finish();
}

/* If it fails, a bad byte in the middle of the file takes all acknowledged payments behind it along. */
Test(redis_torn, damage_that_is_no_cut_is_left, .timeout = 900)
{
    struct server_setup setup = { .dir = redis.dir, .program = getenv("REDIS_SERVER"), .tells_parent = true };
    char *why = NULL, *said = NULL, *length;
    size_t from;

    prepare(&from);
    length = memmem(file, file_len, "$3\r\nown", 7);
    cr_assert(length);
    length[1] = '9';
    incr_write(file_len, 0);
    cr_assert_eq(server_start(&setup, &redis.server, &why), SL_ESYS);
    cr_assert(why && strstr(why, "redis.log"), "%s", why);
    cr_assert_eq(incr_len(), file_len);
    cr_assert(!aof_cut(redis.dir, &said));
    cr_assert(said && strstr(said, "redis-check-aof"), "%s", said);
    free(said);
    free(why);
    finish();
}

/* Where Redis's own tool would cut the file that is there; 0: nowhere. */
static size_t check_aof(void)
{
    static const char says[] = "ok_up_to=";
    char command[256], line[512], *at;
    size_t good = 0;
    FILE *tool;

    snprintf(command, sizeof(command), "redis-check-aof %s/appendonlydir/appendonly.aof.manifest 2>&1", redis.dir);
    tool = popen(command, "re"); /* NOLINT(cert-env33-c): a fixed command */
    cr_assert(tool);
    while (fgets(line, sizeof(line), tool)) {
        at = strstr(line, says);
        if (at && strstr(line, "incr"))
            good = strtoul(at + strlen(says), NULL, 10);
    }
    pclose(tool);
    return good;
}

/* If it fails, what operators of a Redis of their own are told to use (redis-check-aof --fix) and what is done for a
 * private one are two things. */
Test(redis_torn, the_cut_is_where_redis_check_aof_has_it, .timeout = 900)
{
    struct aof_scan scan;
    size_t from, len;

    prepare(&from);
    for (len = from + 1; len < file_len; len++) {
        incr_write(len, 0);
        aof_scan(file, len, &scan);
        cr_assert_eq(scan.verdict, AOF_TORN, "after byte %zu", len);
        cr_assert_eq(scan.good, check_aof(), "after byte %zu: %zu here, %zu there", len, scan.good, check_aof());
        cr_assert_eq(scan.good, from);
    }
    finish();
}

#define SET "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"
#define MULTI "*1\r\n$5\r\nMULTI\r\n"
#define EXEC "*1\r\n$4\r\nEXEC\r\n"

static const struct {
    const char *text;
    enum aof_verdict verdict;
    size_t good, dropped;
} scans[] = {
    { "", AOF_WHOLE, 0, 0 },
    { SET, AOF_WHOLE, 27, 0 },
    { SET "#TS:1795565870\r\n", AOF_WHOLE, 43, 0 },
    { SET "#TS:17955", AOF_TORN, 27, 0 },
    { SET MULTI SET EXEC, AOF_WHOLE, 83, 0 },
    { SET MULTI, AOF_TORN, 27, 1 },
    { SET MULTI SET, AOF_TORN, 27, 2 },
    { SET MULTI SET "*1\r\n$4\r\nEXE", AOF_TORN, 27, 2 },
    { SET "*", AOF_TORN, 27, 0 },
    { SET "*3\r", AOF_TORN, 27, 0 },
    { SET "*3\r\n$3\r\nSET\r\n$10\r\nkkk", AOF_TORN, 27, 0 },
    { SET "*3\r\n$999999999999\r\nS", AOF_TORN, 27, 0 },
    { SET "SET k v\r\n", AOF_BAD, 27, 0 },
    { SET "*x\r\n", AOF_BAD, 27, 0 },
    { SET "*0\r\n", AOF_BAD, 27, 0 },
    { SET "*1\r\n$1\r\nabc", AOF_BAD, 27, 0 },
    { SET "*1\r\n$99999999999999999999\r\nabc", AOF_BAD, 27, 0 },
    { SET "*3\r\n$900\r\nSET" MULTI SET EXEC, AOF_BAD, 27, 0 }, /* a broken length, and transactions behind it */
    { SET MULTI SET MULTI SET, AOF_BAD, 27, 2 },                  /* cut at a start before, and gone on with */
    { SET MULTI SET MULTI SET EXEC, AOF_BAD, 27, 2 },
};

/* If it fails, what a cut leaves and what something else leaves are taken for one another. */
Test(redis_torn, a_cut_is_told_from_damage)
{
    struct aof_scan scan;
    size_t i;

    for (i = 0; i < SL_COUNT(scans); i++) {
        aof_scan(scans[i].text, strlen(scans[i].text), &scan);
        cr_expect_eq(scan.verdict, scans[i].verdict, "row %zu: verdict %d", i, (int)scan.verdict);
        cr_expect_eq(scan.good, scans[i].good, "row %zu: good up to %zu", i, scan.good);
        cr_expect_eq(scan.dropped, scans[i].dropped, "row %zu: %zu dropped", i, scan.dropped);
    }
}
