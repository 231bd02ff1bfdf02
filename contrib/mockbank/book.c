/* The bank's book: answers and effects by idempotency key, kept in an append-only file so that a killed
 * bank still knows what it did. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "mock.h"

struct book {
    FILE *file;
    char *path;
    json_t *keys;      /* key -> {content, status, body} */
    json_t *payments;  /* "invoice/payment" -> {invoice_id, payment_id, charges, …} */
    json_t *steps;     /* "invoice/payment" -> number */
    json_t *conflicts; /* list of keys */
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
    book->keys = json_object();
    book->payments = json_object();
    book->steps = json_object();
    book->conflicts = json_array();
}

static json_t *payment_entry(struct book *book, const char *invoice, const char *payment)
{
    char name[512];
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
    char name[512];
    size_t i;

    if (!key)
        return;
    if (json_is_true(json_object_get(record, "conflict"))) {
        json_array_append_new(book->conflicts, json_string(key));
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
                                  json_pack("{s:s,s:O,s:O}", "key", key, "cash", json_object_get(record, "cash"), "at",
                                            json_object_get(record, "at")));
    }
}

static void record_write(struct book *book, const json_t *record, bool safely)
{
    char *line;

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
    json_t *record;

    while (file && getline(&line, &size, file) > 0) {
        record = json_loads(line, 0, NULL);
        if (record) /* a last line cut off by a crash had no effect that was answered */
            record_apply(book, record);
        json_decref(record);
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

bool book_find(struct book *book, const char *key, const char *content, struct answer *out)
{
    const json_t *kept = json_object_get(book->keys, key);
    json_t *record;

    if (!kept)
        return false;
    if (strcmp(json_string_value(json_object_get(kept, "content")), content) != 0) {
        record = json_pack("{s:s,s:b}", "key", key, "conflict", 1);
        record_apply(book, record);
        record_write(book, record, true);
        json_decref(record);
        *out = (struct answer){ 409, json_pack("{s:s}", "error", "this key was used with other content") };
        return true;
    }
    out->status = (int)json_integer_value(json_object_get(kept, "status"));
    out->body = json_incref(json_object_get(kept, "body")); /* dropped by whoever sends the answer */
    return true;
}

void book_keep(struct book *book, const char *key, const char *content, const struct answer *answer, const char *effect,
               const char *invoice, const char *payment, const json_t *cash, int step)
{
    json_t *record = json_pack("{s:s,s:s,s:i,s:O,s:s,s:s,s:I}", "key", key, "content", content, "status", answer->status,
                               "body", answer->body, "invoice_id", invoice, "payment_id", payment, "at",
                               (json_int_t)time(NULL));

    if (effect) {
        json_object_set_new(record, "effect", json_string(effect));
        json_object_set_new(record, "cash", cash ? json_deep_copy(cash) : json_object());
    }
    if (step)
        json_object_set_new(record, "step", json_integer(step));
    record_apply(book, record);
    record_write(book, record, effect != NULL);
    json_decref(record);
}

int book_steps(const struct book *book, const char *invoice, const char *payment)
{
    char name[512];

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
