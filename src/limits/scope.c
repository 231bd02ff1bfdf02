/* One writer for each scope, called in the order of the table whatever the order in the configuration is, so that
 * one set of scopes has one name. */
#include "limits/scope.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/join.h"

#define SCOPES (SCOPE_DESTINATION_FIELD + 1)

/* What a writer gets; one of them fails by scope_fault(). */
struct scope_work {
    const struct turnover_use *use;
    const struct turnover_facts *facts;
    bool has[SCOPES];
    struct arena *arena;
    struct buf *out;
    struct turnover_fault *fault;
};

static bool scope_fault(struct scope_work *work, enum turnover_fault_kind kind, const char *what)
{
    *work->fault = (struct turnover_fault){
        .kind = kind,
        .limit_id = work->use->limit->ref.id,
        .text = arena_printf(work->arena, "limit %s: %s", work->use->limit->ref.id, what),
    };
    return false;
}

static bool scope_missing(struct scope_work *work, const char *what)
{
    return scope_fault(work, TURNOVER_INTERNAL,
                       arena_printf(work->arena, "it counts by %s, which the operation does not have", what));
}

/* "/TEXT", told from the parts beside it whatever is in it. */
static void put(struct scope_work *work, const char *text)
{
    buf_char(work->out, '/');
    join_part(work->out, '/', text);
}

static bool put_party(struct scope_work *work)
{
    if (work->has[SCOPE_SHOP] || work->has[SCOPE_WALLET])
        return true; /* their own parts name the party */
    if (!work->facts->party_id)
        return scope_missing(work, "the party");
    put(work, work->facts->party_id);
    return true;
}

static bool put_shop(struct scope_work *work)
{
    if (!work->facts->party_id || !work->facts->shop_id)
        return scope_missing(work, "the shop");
    put(work, work->facts->party_id);
    put(work, work->facts->shop_id);
    return true;
}

static bool put_withdrawal(struct scope_work *work)
{
    return scope_missing(work, "a fact that only withdrawals have");
}

#define WALLET "DW"

static bool put_card(struct scope_work *work, const struct bank_card *card)
{
    if (strcmp(card->token, WALLET) == 0)
        buf_str(work->out, "/%44W"); /* no wallet's */
    else
        put(work, card->token);
    if (card->exp_date)
        buf_printf(work->out, "/%" PRId64 "/%" PRId64, card->exp_date->month, card->exp_date->year);
    else
        buf_str(work->out, "/undefined");
    return true;
}

static bool put_payment_tool(struct scope_work *work)
{
    const struct payment_tool *tool = work->facts->tool;

    if (!tool)
        return scope_missing(work, "the payment tool");
    if (tool->tag == TOOL_BANK_CARD)
        return put_card(work, tool->bank_card);
    if (tool->tag != TOOL_DIGITAL_WALLET)
        return scope_fault(work, TURNOVER_PAYMENT_TOOL_NOT_SUPPORTED, "there is no counter for such a payment tool");
    if (!tool->digital_wallet->payment_service)
        return scope_missing(work, "the wallet's service");
    buf_str(work->out, "/" WALLET);
    put(work, tool->digital_wallet->payment_service->id);
    put(work, tool->digital_wallet->id);
    return true;
}

static bool put_provider(struct scope_work *work)
{
    if (work->has[SCOPE_TERMINAL])
        return true; /* whose part names the provider */
    if (!work->facts->provider_id)
        return scope_missing(work, "the provider");
    buf_printf(work->out, "/provider/%" PRId64, work->facts->provider_id);
    return true;
}

static bool put_terminal(struct scope_work *work)
{
    if (!work->facts->provider_id || !work->facts->terminal_id)
        return scope_missing(work, "the terminal");
    buf_printf(work->out, "/terminal/%" PRId64 "/%" PRId64, work->facts->provider_id, work->facts->terminal_id);
    return true;
}

static bool put_email(struct scope_work *work)
{
    const char *email = work->facts->email;
    char *c, *small;

    if (!email || !*email)
        return scope_missing(work, "the payer's e-mail");
    small = arena_strdup(work->arena, email);
    for (c = small; *c; c++) /* of ASCII only: others are not told apart by case in any way that all agree on */
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    buf_str(work->out, "/payer_contact_email");
    put(work, small);
    return true;
}

/* The SHA-1 of TEXT, a number of 160 bits, in base 61. */
static void put_digest(const char *text, struct buf *out)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXY";
    unsigned char number[EVP_MAX_MD_SIZE];
    char written[32]; /* 28 are enough: 61^27 > 2^160 */
    size_t at = sizeof(written);
    unsigned len, i, rest, any;

    if (!EVP_Digest(text, strlen(text), number, &len, EVP_sha1(), NULL))
        abort(); /* without SHA-1 there is no Redis script either */
    do {
        for (i = rest = any = 0; i < len; i++) {
            rest = rest * 256 + number[i];
            number[i] = (unsigned char)(rest / 61);
            rest %= 61;
            any |= number[i];
        }
        assert(at > 0);
        written[--at] = digits[rest];
    } while (any);
    buf_add(out, written + at, sizeof(written) - at);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "<path joined by dots>.<value>" of one scope; NULL: FAULT was told. */
static const char *destination_text(struct scope_work *work, const struct limit_field *field)
{
    const struct payment_tool *tool = work->facts->tool;
    const char *const *names = field->field_path.items;
    struct buf text = BUF_EMPTY;
    const char *kept;
    char *value;
    size_t i;

    value = tool_content_text(tool->generic->data, &field->field_path);
    if (!value) {
        (void)scope_missing(work, "a field of the payment tool's data");
        return NULL;
    }
    for (i = 0; i < field->field_path.count; i++) {
        join_part(&text, '.', names[i]);
        buf_char(&text, '.');
    }
    buf_str(&text, value);
    kept = arena_strdup(work->arena, buf_text(&text));
    buf_clear(&text);
    free(value);
    return kept;
}

static bool put_destination(struct scope_work *work)
{
    const struct limit_scope *scopes = work->use->config->scopes.items;
    size_t count = work->use->config->scopes.count, i, found = 0;
    const char **texts = arena_array(work->arena, count, sizeof(*texts));

    if (!work->facts->tool)
        return scope_missing(work, "the payment tool");
    if (work->facts->tool->tag != TOOL_GENERIC)
        return scope_fault(work, TURNOVER_PAYMENT_TOOL_NOT_SUPPORTED,
                           "only generic payment tools have fields to count by");
    for (i = 0; i < count; i++) {
        if (scopes[i].tag != SCOPE_DESTINATION_FIELD)
            continue;
        texts[found] = destination_text(work, &scopes[i].destination_field);
        if (!texts[found++])
            return false;
    }
    qsort(texts, found, sizeof(*texts), compare_texts);
    for (i = 0; i < found; i++) {
        buf_str(work->out, "/destination/");
        put_digest(texts[i], work->out);
    }
    return true;
}

static const struct scope_row {
    int scope;
    bool (*put)(struct scope_work *work);
} rows[] = {
    { SCOPE_PARTY, put_party },
    { SCOPE_SHOP, put_shop },
    { SCOPE_WALLET, put_withdrawal },
    { SCOPE_PAYMENT_TOOL, put_payment_tool },
    { SCOPE_PROVIDER, put_provider },
    { SCOPE_TERMINAL, put_terminal },
    { SCOPE_PAYER_CONTACT_EMAIL, put_email },
    { SCOPE_DESTINATION_FIELD, put_destination },
    { SCOPE_SENDER, put_withdrawal },
    { SCOPE_RECEIVER, put_withdrawal },
};
_Static_assert(SL_COUNT(rows) == SCOPES - 1, "every scope has its place");

bool scope_prefix(const struct turnover_use *use, const struct turnover_facts *facts, struct arena *arena,
                  struct buf *out, struct turnover_fault *fault)
{
    const struct limit_scope *scopes = use->config->scopes.items;
    struct scope_work work = { .use = use, .facts = facts, .arena = arena, .out = out, .fault = fault };
    size_t i;

    for (i = 0; i < use->config->scopes.count; i++) {
        assert(scopes[i].tag > 0 && scopes[i].tag < SCOPES);
        work.has[scopes[i].tag] = true;
    }
    for (i = 0; i < SL_COUNT(rows); i++) {
        if (work.has[rows[i].scope] && !rows[i].put(&work))
            return false;
    }
    return true;
}
