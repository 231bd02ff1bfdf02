/* The bank's book: answers and effects by idempotency key, kept in an append-only file so that a killed
 * bank still knows what it did. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rfc3339.h"
#include "base/xmalloc.h"
#include "mock.h"

struct book {
    FILE *file;
    char *path;
    json_t *keys;      /* key -> its record: {content, status, body, …} */
    json_t *payments;  /* "invoice/payment" -> {invoice_id, payment_id, charges, …} */
    json_t *steps;     /* "invoice/payment" -> number */
    json_t *conflicts; /* list of {key, at} */
    json_t *marks;     /* name -> number */
};

static const char *const lists[][2] = {
    { "charge", "charges" }, { "capture", "captures" }, { "cancel", "cancels" }, { "refund", "refunds" },
};

static void book_clear(struct book *book)
{
    json_decref(book->keys);
    json_decref(book->payments);
    json_decref(book->steps);
    json_decref(book->conflicts);
    json_decref(book->marks);
    book->marks = json_object();
    book->keys = json_object();
    book->payments = json_object();
    book->steps = json_object();
    book->conflicts = json_array();
}

static json_t *payment_entry(struct book *book, const char *invoice, const char *payment)
{
    char name[NAME_BYTES];
    json_t *entry;

    snprintf(name, sizeof(name), "%s/%s", invoice, payment);
    entry = json_object_get(book->payments, name);
    if (!entry) {
        entry = json_pack("{s:s,s:s,s:[],s:[],s:[],s:[]}", "invoice_id", invoice, "payment_id", payment, "charges",
                          "captures", "cancels", "refunds");
        json_object_set_new(book->payments, name, entry);
    }
    return entry;
}

/* A record is one line of the file; replaying all of them gives the book. */
static void record_apply(struct book *book, const json_t *record)
{
    const char *key = json_string_value(json_object_get(record, "key"));
    const char *invoice = json_string_value(json_object_get(record, "invoice_id"));
    const char *payment = json_string_value(json_object_get(record, "payment_id"));
    const char *effect = json_string_value(json_object_get(record, "effect"));
    json_t *amount = json_object_get(record, "amount"), *currency = json_object_get(record, "currency");
    const char *mark = json_string_value(json_object_get(record, "mark"));
    char name[NAME_BYTES];
    size_t i;

    if (mark)
        json_object_set(book->marks, mark, json_object_get(record, "value"));
    if (!key)
        return;
    if (json_is_true(json_object_get(record, "conflict"))) {
        json_array_append_new(book->conflicts, json_pack("{s:s,s:O}", "key", key, "at", json_object_get(record, "at")));
        return;
    }
    json_object_set(book->keys, key, (json_t *)(uintptr_t)record);
    if (!invoice || !payment)
        return;
    snprintf(name, sizeof(name), "%s/%s", invoice, payment);
    if (json_object_get(record, "step"))
        json_object_set(book->steps, name, json_object_get(record, "step"));
    for (i = 0; effect && i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (strcmp(lists[i][0], effect) == 0)
            json_array_append_new(json_object_get(payment_entry(book, invoice, payment), lists[i][1]),
                                  json_pack("{s:s,s:O,s:O,s:{s:O,s:{s:O}},s:O}", "key", key, "amount", amount, "currency",
                                            currency, "cash", "amount", amount, "currency", "symbolic_code", currency, "at",
                                            json_object_get(record, "at")));
    }
}

static void record_write(struct book *book, const json_t *record, bool safely)
{
    char *line;

    assert(record); /* its parts are UTF-8: they came as JSON, or were checked */
    if (!book->file)
        return;
    line = json_dumps(record, JSON_COMPACT);
    if (fprintf(book->file, "%s\n", line) < 0 || fflush(book->file) != 0 || (safely && fsync(fileno(book->file)) != 0)) {
        fprintf(stderr, "mockbank: the book cannot be written: %s\n", strerror(errno));
        exit(1); /* a bank that forgets is no judge */
    }
    free(line);
}

static void book_replay(struct book *book)
{
    FILE *file = fopen(book->path, "r");
    char *line = NULL;
    size_t size = 0;
    off_t good = 0;
    ssize_t len;
    json_t *record;

    while (file && (len = getline(&line, &size, file)) > 0) {
        record = line[len - 1] == '\n' ? json_loads(line, 0, NULL) : NULL;
        if (!record)
            break;
        record_apply(book, record);
        json_decref(record);
        good += len;
    }
    /* A last line that a crash cut off had no effect that was answered, and the next record must not be glued
     * to it. With more behind it, this is no book of ours. */
    if (file && getline(&line, &size, file) > 0) {
        fprintf(stderr, "mockbank: %s: not a book from byte %lld on\n", book->path, (long long)good);
        exit(1);
    }
    if (file && truncate(book->path, good) != 0) {
        fprintf(stderr, "mockbank: %s: %s\n", book->path, strerror(errno));
        exit(1);
    }
    free(line);
    if (file)
        fclose(file);
}

struct book *book_new(const char *path)
{
    struct book *book = xcalloc(1, sizeof(*book));

    book_clear(book);
    if (!path)
        return book;
    book->path = xstrdup(path);
    book_replay(book);
    book->file = fopen(path, "a");
    if (!book->file) {
        fprintf(stderr, "mockbank: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return book;
}

void book_free(struct book *book)
{
    json_decref(book->keys);
    json_decref(book->payments);
    json_decref(book->steps);
    json_decref(book->conflicts);
    json_decref(book->marks);
    if (book->file)
        fclose(book->file);
    free(book->path);
    free(book);
}

void book_reset(struct book *book)
{
    book_clear(book);
    if (book->file && ftruncate(fileno(book->file), 0) != 0)
        fprintf(stderr, "mockbank: the book cannot be emptied: %s\n", strerror(errno));
}

static json_t *now_text(void)
{
    char at[RFC3339_MAX];

    rfc3339_format(clock_wall_us(), at);
    return json_string(at);
}

/* Contents are only ever compared, so a hash of them (FNV-1a) and their length are kept. */
static void content_hash(const char *content, char out[40])
{
    uint64_t hash = 14695981039346656037u;
    const char *at;

    for (at = content; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    snprintf(out, 40, "%016" PRIx64 ".%zu", hash, strlen(content));
}

bool book_find(struct book *book, const char *key, const char *content, struct answer *out)
{
    const json_t *kept = json_object_get(book->keys, key);
    const char *kept_hash = json_string_value(json_object_get(kept, "content"));
    char hash[40];
    json_t *record;

    if (!kept)
        return false;
    content_hash(content, hash);
    if (!kept_hash || strcmp(kept_hash, hash) != 0) {
        record = json_pack("{s:s,s:b,s:o}", "key", key, "conflict", 1, "at", now_text());
        record_apply(book, record);
        record_write(book, record, true);
        json_decref(record);
        *out = (struct answer){ .status = 409,
                                .body = json_pack("{s:s}", "error", "this key was used with other content") };
        return true;
    }
    *out = (struct answer){ .status = (int)json_integer_value(json_object_get(kept, "status")),
                            .body = json_incref(json_object_get(kept, "body")) }; /* dropped by who sends it */
    return true;
}

bool book_knows(const struct book *book, const char *key)
{
    return json_object_get(book->keys, key) != NULL;
}

void book_keep(struct book *book, const char *key, const char *content, const struct answer *answer, const char *effect,
               const char *invoice, const char *payment, const json_t *cash, int step)
{
    char hash[40];
    json_t *record;

    content_hash(content, hash);
    record = json_pack("{s:s,s:s,s:i,s:O,s:s,s:s,s:o}", "key", key, "content", hash, "status", answer->status, "body",
                       answer->body, "invoice_id", invoice, "payment_id", payment, "at", now_text());
    if (effect) {
        json_object_set_new(record, "effect", json_string(effect));
        json_object_set(record, "amount", json_object_get(cash, "amount"));
        json_object_set(record, "currency", json_object_get(json_object_get(cash, "currency"), "symbolic_code"));
    }
    if (step)
        json_object_set_new(record, "step", json_integer(step));
    record_apply(book, record);
    record_write(book, record, effect != NULL);
    json_decref(record);
}

int64_t book_mark(const struct book *book, const char *name)
{
    return json_integer_value(json_object_get(book->marks, name));
}

void book_mark_set(struct book *book, const char *name, int64_t value)
{
    json_t *record = json_pack("{s:s,s:I}", "mark", name, "value", (json_int_t)value);

    record_apply(book, record);
    record_write(book, record, false);
    json_decref(record);
}

int book_steps(const struct book *book, const char *invoice, const char *payment)
{
    char name[NAME_BYTES];

    snprintf(name, sizeof(name), "%s/%s", invoice, payment);
    return (int)json_integer_value(json_object_get(book->steps, name));
}

json_t *book_show(const struct book *book)
{
    json_t *list = json_array(), *entry;
    const char *name;

    json_object_foreach(book->payments, name, entry)
        json_array_append(list, entry);
    return json_pack("{s:o,s:O}", "payments", list, "conflicts", book->conflicts);
}
