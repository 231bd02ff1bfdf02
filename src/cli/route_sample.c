/* See route_sample.h. */
#include "cli/route_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

#define FEED_PAGE "1000"

static void sample_add(struct sample *sample, const struct sample_payment *payment)
{
    if (sample->count == sample->size) {
        sample->size = sample->size ? sample->size * 2 : 256;
        sample->list = xrealloc(sample->list, sample->size * sizeof(*sample->list));
    }
    sample->list[sample->count++] = *payment;
}

/* ---- a file ---- */

int sample_read(const char *file, struct arena *arena, struct sample *out)
{
    char *text = read_file(file), *line, *next;
    struct sample_payment payment;
    size_t number = 0;
    int code = 0;

    if (!text)
        return EXIT_USAGE;
    for (line = text; line && !code; line = next) {
        struct type_errors errors = { .count = 0 };

        number++;
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (!line[strspn(line, " \t\r")])
            continue;
        if (type_decode_text(&type_sample_payment, line, strlen(line), 0, arena, &payment, &errors)) {
            code = complain(EXIT_REFUSED, "%s:%zu: %s: %s", file, number, errors.list[0].path, errors.list[0].message);
        } else {
            sample_add(out, &payment);
        }
    }
    free(text);
    if (!code && out->count == 0)
        code = complain(EXIT_REFUSED, "%s: there are no payments in it", file);
    return code;
}

/* ---- the feed ---- */

/* The latest payments, in a ring. */
struct latest {
    json_t **samples; /* owned; with their key under "key" */
    size_t size, count;
};

static json_t **latest_at(const struct latest *latest, size_t i)
{
    return &latest->samples[i % latest->size];
}

static char *payment_key(const char *invoice, const json_t *change)
{
    struct buf key = BUF_EMPTY;

    buf_printf(&key, "%s.%s", invoice, json_string_value(json_object_get(change, "id")));
    return buf_take(&key);
}

/* OBJECT's member NAME unless VALUE (borrowed) is NULL. */
static void put(json_t *object, const char *name, json_t *value)
{
    if (value)
        json_object_set(object, name, value);
}

static json_t *ref_id(const json_t *object, const char *name)
{
    return json_object_get(json_object_get(object, name), "id");
}

static json_t *sample_of(const json_t *payment)
{
    const json_t *payer = json_object_get(payment, "payer"), *of = json_object_get(payer, variant(payer));
    const json_t *resource = json_object_get(of, "resource");
    json_t *tool = json_object_get(resource ? resource : of, "payment_tool"), *sample = json_object();

    put(sample, "party", ref_id(payment, "party_ref"));
    put(sample, "shop", ref_id(payment, "shop_ref"));
    put(sample, "cost", json_object_get(payment, "cost"));
    put(sample, "payment_tool", tool);
    put(sample, "flow", json_object_get(payment, "flow"));
    put(sample, "email", json_object_get(json_object_get(of, "contact_info"), "email"));
    put(sample, "ip", json_object_get(json_object_get(resource, "client_info"), "ip_address"));
    put(sample, "make_recurrent", json_object_get(payment, "make_recurrent"));
    return sample;
}

static void take_started(struct latest *latest, const char *key, const json_t *payment)
{
    json_t **place = latest_at(latest, latest->count++);

    json_decref(*place);
    *place = sample_of(payment);
    json_object_set_new(*place, "key", json_string(key));
}

static void take_risk(struct latest *latest, const char *key, json_t *score)
{
    size_t i, oldest = latest->count > latest->size ? latest->count - latest->size : 0;

    for (i = latest->count; i-- > oldest;) { /* it comes soon after the start */
        json_t *sample = *latest_at(latest, i);

        if (strcmp(json_string_value(json_object_get(sample, "key")), key) != 0)
            continue;
        put(sample, "risk_score", score);
        return;
    }
}

static void take_event(struct latest *latest, const json_t *event)
{
    const char *invoice = json_string_value(json_object_get(json_object_get(event, "source"), "invoice_id"));
    const json_t *change, *list = json_object_get(json_object_get(event, "payload"), "invoice_changes");
    size_t i;

    json_array_foreach(list, i, change) {
        const json_t *of = json_object_get(change, "invoice_payment_change"), *payload = json_object_get(of, "payload");
        const json_t *started = json_object_get(payload, "invoice_payment_started");
        const json_t *risk = json_object_get(payload, "invoice_payment_risk_score_changed");
        char *key;

        if (!invoice || (!started && !risk))
            continue;
        key = payment_key(invoice, of);
        if (started)
            take_started(latest, key, json_object_get(started, "payment"));
        else
            take_risk(latest, key, json_object_get(risk, "risk_score"));
        free(key);
    }
}

/* Page after page, until the cursor stands still. */
static int feed_read(const struct cli *cli, struct latest *latest)
{
    char *cursor = xstrdup(""), *next;
    struct buf path = BUF_EMPTY;
    json_t *answer, *event;
    bool moved = true;
    size_t i;
    int code = 0;

    while (!code && moved) {
        buf_reset(&path);
        buf_printf(&path, "/v1/feed?limit=" FEED_PAGE "%s%s", *cursor ? "&cursor=" : "", cursor);
        code = api_get(cli, buf_text(&path), &answer);
        json_array_foreach(json_object_get(answer, "events"), i, event)
            take_event(latest, event);
        next = path_part(code ? "" : json_string_value(json_object_get(answer, "cursor")));
        moved = strcmp(cursor, next) != 0;
        free(cursor);
        cursor = next;
        json_decref(answer);
    }
    free(cursor);
    buf_clear(&path);
    return code;
}

int sample_from_feed(const struct cli *cli, size_t count, struct arena *arena, struct sample *out)
{
    struct latest latest = { .samples = xcalloc(count, sizeof(*latest.samples)), .size = count };
    int code = feed_read(cli, &latest);
    struct sample_payment payment;
    size_t i;

    for (i = latest.count > count ? latest.count - count : 0; i < latest.count && !code; i++) {
        struct type_errors errors = { .count = 0 };
        json_t *sample = *latest_at(&latest, i);

        json_object_del(sample, "key");
        if (type_decode(&type_sample_payment, sample, 0, arena, &payment, &errors)) {
            code = complain(EXIT_REFUSED, "a payment of the feed: %s: %s", errors.list[0].path, errors.list[0].message);
        } else {
            sample_add(out, &payment);
        }
    }
    for (i = 0; i < count; i++)
        json_decref(latest.samples[i]);
    free(latest.samples);
    if (!code && out->count == 0)
        code = complain(EXIT_REFUSED, "no payment has been started yet");
    return code;
}
