/* See payment_world.h. */
#include "support/payment_world.h"

#include <criterion/criterion.h>
#include <string.h>

#include "money/ledger.h"
#include "payment/calls.h"
#include "payment/card_order.h"
#include "payment/effect.h"
#include "payment/kind.h"

const char tool_visa_usa[] = "{\"bank_card\":{\"token\":\"tok\",\"payment_system\":{\"id\":\"VISA\"},\"bin\":\"424242\","
                             "\"last_digits\":\"4242\",\"issuer_country\":\"USA\"}}";
const char tool_visa_rus[] = "{\"bank_card\":{\"token\":\"tok\",\"payment_system\":{\"id\":\"VISA\"},\"bin\":\"424242\","
                             "\"last_digits\":\"4242\",\"issuer_country\":\"RUS\"}}";

#define ANSWER_FINE "{\"intent\":{\"finish\":{\"status\":{\"success\":{}}}},\"trx\":{\"id\":\"T1\",\"extra\":{}}}"

/* ---- the configuration ---- */

static void patch_apply(json_t *document, const struct world_patch *patch)
{
    json_t *wanted = json_loads(patch->ref, JSON_DECODE_ANY, NULL), *row, *object = NULL, *at;
    char path[256];
    const char *member, *next;
    size_t i;

    json_array_foreach(json_object_get(document, "objects"), i, row) {
        object = json_object_get(row, patch->kind);
        if (object && json_equal(json_object_get(object, "ref"), wanted))
            break;
    }
    cr_assert(i < json_array_size(json_object_get(document, "objects")), "no %s %s", patch->kind, patch->ref);
    snprintf(path, sizeof(path), "%s", patch->path);
    at = json_object_get(object, "data");
    for (member = strtok(path, "."); (next = strtok(NULL, ".")); member = next)
        at = json_object_get(at, member);
    cr_assert(json_is_object(at), "no %s in %s %s", patch->path, patch->kind, patch->ref);
    if (patch->value)
        json_object_set_new(at, member, json_loads(patch->value, JSON_DECODE_ANY, NULL));
    else
        json_object_del(at, member);
    json_decref(wanted);
}

static struct domain *domain_open(const struct world_patch *patches, struct arena *arena)
{
    json_t *document = json_load_file(EXAMPLES_DIR "/domain.json", 0, NULL);
    struct type_errors errors = { .count = 0 };
    struct domain *domain = NULL;
    char *text;

    cr_assert_not_null(document, "no example configuration");
    for (; patches && patches->kind; patches++)
        patch_apply(document, patches);
    text = json_dumps(document, JSON_COMPACT);
    json_decref(document);
    if (domain_parse(text, strlen(text), arena, &domain, &errors))
        cr_assert_fail("configuration: %s: %s", errors.list[0].path, errors.list[0].message);
    free(text);
    return domain;
}

/* ---- adapters ---- */

static void encode_order(const struct limit_order *order, struct buf *out)
{
    size_t i, j;

    for (i = 0; i < order->count; i++) {
        buf_printf(out, "%s%s:", order->requests[i].operation, order->requests[i].tolerant ? "?" : "");
        for (j = 0; j < order->requests[i].count; j++)
            buf_printf(out, " %d %s %lld", (int)order->requests[i].changes[j].verb, order->requests[i].changes[j].counter,
                       (long long)order->requests[i].changes[j].amount);
        buf_char(out, ';');
    }
}

/* "party/card token@provider.terminal customer payment", in ARENA (NULL: static). */
static const char *cards_text(const struct card_order *order, struct arena *arena)
{
    static char text[1024];
    char token[300] = "";

    if (order->token)
        snprintf(token, sizeof(token), " %s@%lld.%lld", order->token->token, (long long)order->token->provider_ref.id,
                 (long long)order->token->terminal_ref.id);
    snprintf(text, sizeof(text), "%s/%s%s %s %s.%s", order->party_id, order->card ? order->card : "", token,
             order->customer_id ? order->customer_id : "-", order->invoice_id, order->payment_id);
    return arena ? arena_strdup(arena, text) : text;
}

static void encode_effect(const struct effect *effect, struct buf *out)
{
    const struct effect_args *args = effect->args;
    const struct balance_order *order = effect->args;

    if (effect->kind == FX_LIMITS) {
        encode_order(effect->args, out);
        return;
    }
    if (effect->kind == FX_BALANCE) {
        buf_printf(out, "balance %lld", (long long)order->account_id);
        return;
    }
    if (effect->kind == FX_CARDS) {
        buf_str(out, cards_text(effect->args, NULL));
        return;
    }
    buf_printf(out, "%s %s %lld %lld ", args->url, args->key, (long long)args->timeout_ms,
               (long long)args->provider_id);
    type_encode(effect_wire(effect->kind)->request, args->request, out);
}

static const char *risk_json(const struct payment_world *world, const struct effect_args *args)
{
    const struct inspect_request *request = args->request;
    const struct type_string_entry *options = request->options.items;
    const char *risk = world->risk;
    size_t i;

    for (i = 0; !risk && i < request->options.count; i++) {
        if (strcmp(options[i].key, "risk_score") == 0 && type_value_of(&type_risk_score, options[i].value))
            risk = options[i].value;
    }
    return arena_printf(world->driver.arena, "{\"risk_score\":\"%s\"}", risk ? risk : "low");
}

/* The world's own list, or nobody. */
static const char *blacklist_json(const struct payment_world *world, const struct effect_args *args)
{
    const struct blacklist_request *request = args->request;
    const struct blacklist_route *routes = request->routes.items;
    const char *json = "{\"blacklisted\":[";
    size_t i;

    for (i = 0; i < request->routes.count; i++)
        json = arena_printf(world->driver.arena, "%s%s%s", json, i ? "," : "",
                            world->blacklisted_terminal && routes[i].second_id == world->blacklisted_terminal ? "true" : "false");
    return arena_printf(world->driver.arena, "%s]}", json);
}

static const char *provider_json(struct payment_world *world, const struct effect *effect, enum sl_err *err)
{
    const char *json = ANSWER_FINE;

    *err = SL_OK;
    if (world->answer_next < world->answer_count) {
        *err = world->answers[world->answer_next].err;
        json = world->answers[world->answer_next++].json;
    } else if (effect->kind == FX_PROVIDER_CALLBACK) {
        json = "{\"response\":\"c3VyZQ==\",\"result\":" ANSWER_FINE "}";
    }
    return json;
}

static void funds(const struct payment_world *world, const struct balance_order *order, struct effect_result *result)
{
    struct balance *balance = arena_alloc(world->driver.arena, sizeof(*balance));
    int64_t *const parts[] = { &balance->own, &balance->min, &balance->max };
    static const char *const names[] = { "own", "min", "max" };
    size_t i;

    for (i = 0; i < SL_COUNT(parts); i++)
        *parts[i] = world->funds + machine_driver_balance(&world->driver, arena_printf(world->driver.arena, "%lld:%s",
                                                                                       (long long)order->account_id, names[i]));
    result->err = world->funds_err;
    if (result->err)
        result->detail = sl_err_name(result->err);
    else
        result->value = balance;
}

static void outcome(struct machine_driver *driver, const struct effect *effect, struct effect_result *result)
{
    struct payment_world *world = driver->ctx;
    const struct effect_wire *wire = effect_wire(effect->kind);
    const struct effect_args *args = effect->args;
    struct type_errors errors = { .count = 0 };
    struct buf request = BUF_EMPTY;
    const char *json;
    void *value;

    if (effect->kind == FX_LIMITS) {
        result->err = world->limits_err;
        result->detail = sl_err_name(result->err);
        if (!result->err)
            result->value = limit_counters_run(world->counters, effect->args);
        return;
    }
    if (effect->kind == FX_BALANCE) {
        funds(world, effect->args, result);
        return;
    }
    if (effect->kind == FX_CARDS) {
        result->err = world->cards_err;
        result->detail = sl_err_name(result->err);
        world->kept = cards_text(effect->args, driver->arena);
        return;
    }
    cr_assert(world->call_count < WORLD_CALLS_MAX);
    type_encode(wire->request, args->request, &request);
    world->calls[world->call_count++] = (struct world_call){
        effect->kind, args->key, args->url, arena_strdup(driver->arena, buf_text(&request)),
    };
    buf_clear(&request);
    if (effect->kind == FX_INSPECT) {
        result->err = world->risk && !*world->risk ? SL_EDOWN : SL_OK;
        json = risk_json(world, args);
    } else if (effect->kind == FX_BLACKLIST) {
        json = blacklist_json(world, args);
    } else {
        json = provider_json(world, effect, &result->err);
    }
    if (result->err) {
        result->detail = sl_err_name(result->err);
        return;
    }
    value = arena_alloc(driver->arena, wire->answer->size);
    if (type_decode_text(wire->answer, json, strlen(json), TYPE_LENIENT, driver->arena, value, &errors))
        cr_assert_fail("answer: %s: %s in %s", errors.list[0].path, errors.list[0].message, json);
    result->value = value;
}

/* ---- the world ---- */

static void decode(struct payment_world *world, const struct type *type, const char *json, void *out)
{
    struct type_errors errors = { .count = 0 };

    if (type_decode_text(type, json, strlen(json), 0, world->driver.arena, out, &errors))
        cr_assert_fail("%s: %s in %s", errors.list[0].path, errors.list[0].message, json);
}

static enum step_end invoice_create(struct payment_world *world, const char *shop, int64_t amount)
{
    static const char params[] =
        "{\"id\":\"inv\",\"party_id\":\"%s\",\"shop_id\":\"%s\",\"details\":{\"product\":\"duck\"},"
        "\"due\":\"2023-11-14T23:13:20Z\",\"cost\":{\"amount\":%lld,\"currency\":{\"symbolic_code\":\"RUB\"}},"
        "\"context\":{\"type\":\"text/plain\",\"data\":\"\"}}";
    struct invoice_params *args = arena_alloc(world->driver.arena, sizeof(*args));

    world->driver.head = world->domain;
    world->driver.outcome = outcome;
    world->driver.effect_encode = encode_effect;
    world->driver.ctx = world;
    world->counters = limit_counters_new(world->driver.arena);
    decode(world, &type_invoice_params,
           arena_printf(world->driver.arena, params, domain_shop(world->domain, NULL, shop)->party_ref.id, shop,
                        (long long)amount), args);
    return machine_driver_input(&world->driver, IN_INIT, args);
}

void world_open(struct payment_world *world, const char *shop, int64_t amount, const struct world_patch *patches)
{
    memset(world, 0, sizeof(*world));
    machine_driver_init(&world->driver, &invoice_kind, "inv");
    world->domain = domain_open(patches, world->driver.arena);
    cr_assert(invoice_create(world, shop, amount) == STEP_OK);
}

enum step_end world_open_with(struct payment_world *world, const char *shop, int64_t amount, struct domain *domain)
{
    memset(world, 0, sizeof(*world));
    machine_driver_init(&world->driver, &invoice_kind, "inv");
    world->domain = domain;
    world->borrowed = true;
    return invoice_create(world, shop, amount);
}

void world_configure(struct payment_world *world, const struct world_patch *patches)
{
    domain_free(world->domain);
    world->domain = domain_open(patches, world->driver.arena);
    world->driver.head = world->domain;
}

void world_close(struct payment_world *world)
{
    if (!world->borrowed)
        domain_free(world->domain);
    machine_driver_clear(&world->driver);
}

void world_say(struct payment_world *world, const char *json)
{
    cr_assert(world->answer_count < WORLD_ANSWERS_MAX);
    world->answers[world->answer_count++] = (struct world_answer){ SL_OK, json };
}

void world_say_error(struct payment_world *world, enum sl_err err)
{
    cr_assert(world->answer_count < WORLD_ANSWERS_MAX);
    world->answers[world->answer_count++] = (struct world_answer){ err, NULL };
}

static enum step_end call(struct payment_world *world, const struct invoice_call *args)
{
    return machine_driver_input(&world->driver, IN_CALL,
                                arena_memdup(world->driver.arena, args, sizeof(*args)));
}

enum step_end world_start_with(struct payment_world *world, const char *tool, const char *flow, const char *more)
{
    static const char params[] =
        "{\"payer\":{\"payment_resource\":{\"resource\":{\"payment_tool\":%s,\"client_info\":{\"ip_address\":"
        "\"10.0.0.1\"}},\"contact_info\":{\"email\":\"a@b.c\"}}},\"flow\":%s%s}";
    struct invoice_call args = { .kind = CALL_START_PAYMENT };

    decode(world, &type_start_payment_call,
           arena_printf(world->driver.arena, params, tool ? tool : tool_visa_usa, flow ? flow : "{\"instant\":{}}",
                        more ? more : ""), &args.start_payment);
    return call(world, &args);
}

enum step_end world_start(struct payment_world *world)
{
    return world_start_with(world, NULL, NULL, NULL);
}

void world_run(struct payment_world *world)
{
    machine_driver_run(&world->driver, 64);
}

enum step_end world_capture(struct payment_world *world, const char *id, const char *body)
{
    struct invoice_call args = { .kind = CALL_CAPTURE, .capture = { .payment_id = id } };

    decode(world, &type_capture_params, body, &args.capture.params);
    return call(world, &args);
}

enum step_end world_cancel(struct payment_world *world, const char *id, const char *reason)
{
    return call(world, &(struct invoice_call){ .kind = CALL_CANCEL, .cancel = { id, reason } });
}

static enum step_end refund(struct payment_world *world, const struct type *type, bool manual, const char *id,
                            const char *body)
{
    struct invoice_call args = { .kind = CALL_REFUND };

    args.refund.payment_id = id;
    args.refund.manual = manual;
    decode(world, type, body, &args.refund.params);
    return call(world, &args);
}

enum step_end world_refund(struct payment_world *world, const char *id, const char *body)
{
    return refund(world, &type_refund_params, false, id, body);
}

enum step_end world_manual_refund(struct payment_world *world, const char *id, const char *body)
{
    return refund(world, &type_manual_refund_params, true, id, body);
}

enum step_end world_callback(struct payment_world *world, const char *tag, const char *payload)
{
    return call(world, &(struct invoice_call){ .kind = CALL_CALLBACK, .callback = { tag, payload } });
}

enum step_end world_session_change(struct payment_world *world, const char *tag, const char *failure_json)
{
    struct invoice_call args = { .kind = CALL_SESSION_CHANGE };

    args.session_change.tag = tag;
    args.session_change.change.tag = 1;
    args.session_change.change.status.tag = 1;
    decode(world, &type_failure, failure_json, &args.session_change.change.status.failure);
    return call(world, &args);
}

const struct invoice_state *world_state(const struct payment_world *world)
{
    return world->driver.state;
}

const struct payment_state *world_payment(const struct payment_world *world)
{
    const struct type_list *payments = &world_state(world)->payments;

    cr_assert(payments->count > 0, "there is no payment");
    return (const struct payment_state *)payments->items + payments->count - 1;
}

const char *world_status(const struct payment_world *world)
{
    const struct payment_status *status = &world_payment(world)->payment.status;
    const char *notation;

    if (status->tag != PAYMENT_FAILED)
        return type_name_of(&type_payment_status, status->tag);
    notation = failure_notation(&status->failed.failure, world->driver.arena);
    return arena_printf(world->driver.arena, "failed:%s", notation ? notation : "operation_timeout");
}

/* ---- names ---- */

static const char *without(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0 ? name + strlen(prefix) : name;
}

static void name_session(const struct payment_session_change *change, struct buf *out)
{
    const struct session_change *payload = &change->payload;

    buf_str(out, without(type_name_of(&type_session_change, payload->tag), "session_"));
    if (payload->tag == SCHG_STARTED)
        buf_printf(out, "(%s)", type_name_of(&type_target, change->target.tag));
    else if (payload->tag == SCHG_FINISHED)
        buf_str(out, payload->session_finished.result.tag == SESSION_SUCCEEDED ? "(succeeded)" : "(failed)");
    else if (payload->tag == SCHG_INTERACTION_CHANGED)
        buf_str(out, payload->session_interaction_changed.status.tag == INTERACTION_COMPLETED ? "(completed)"
                                                                                              : "(requested)");
}

static void name_refund(const struct payment_refund_change *change, struct buf *out)
{
    const struct refund_change *payload = &change->payload;

    buf_printf(out, "%s:", change->id);
    if (payload->tag == RCHG_SESSION_CHANGE)
        name_session(payload->session_change, out);
    else if (payload->tag == RCHG_STATUS_CHANGED)
        buf_printf(out, "%s", type_name_of(&type_refund_status, payload->status_changed->status.tag));
    else
        buf_str(out, without(type_name_of(&type_refund_change, payload->tag), "invoice_payment_refund_"));
}

static void name_change(const void *change_in, struct buf *out)
{
    const struct invoice_change *change = change_in;
    const struct payment_change *payload;

    if (change->tag == ICHG_CREATED) {
        buf_str(out, "created");
    } else if (change->tag == ICHG_STATUS_CHANGED) {
        buf_printf(out, "invoice:%s", type_name_of(&type_invoice_status,
                                                   change->invoice_status_changed->status.tag));
    } else {
        payload = &change->invoice_payment_change->payload;
        if (payload->tag == PCHG_SESSION_CHANGE)
            name_session(payload->session_change, out);
        else if (payload->tag == PCHG_REFUND_CHANGE)
            name_refund(payload->refund_change, out);
        else if (payload->tag == PCHG_STATUS_CHANGED)
            buf_printf(out, "status:%s", type_name_of(&type_payment_status, payload->status_changed->status.tag));
        else
            buf_str(out, without(type_name_of(&type_payment_change, payload->tag), "invoice_payment_"));
    }
}

const char *world_history(const struct payment_world *world, size_t from)
{
    struct buf text = BUF_EMPTY;
    const char *result;

    machine_driver_history(&world->driver, from, name_change, &text);
    result = arena_strdup(world->driver.arena, buf_text(&text));
    buf_clear(&text);
    return result;
}

const char *world_refusal(const struct payment_world *world)
{
    const struct call_error *error = world->driver.reply;
    const char *const *texts = error ? error->errors.items : NULL;

    if (world->driver.end != STEP_REFUSED)
        return "not refused";
    return arena_printf(world->driver.arena, "%s%s%s", call_error_name(error->kind), texts ? ": " : "",
                        texts ? texts[0] : "");
}

/* ---- books ---- */

static int64_t balance(const struct payment_world *world, int64_t account, const char *what)
{
    return machine_driver_balance(&world->driver,
                                  arena_printf(world->driver.arena, "%lld:%s", (long long)account, what));
}

const char *world_balance(const struct payment_world *world, int64_t account)
{
    return arena_printf(world->driver.arena, "%lld/%lld/%lld", (long long)balance(world, account, "own"),
                        (long long)balance(world, account, "min"), (long long)balance(world, account, "max"));
}

bool world_books_are_settled(const struct payment_world *world)
{
    int64_t sum = 0;
    size_t i;

    for (i = 0; i < world->driver.balance_count; i++) {
        const char *field = world->driver.balances[i].field;
        int64_t account = strtoll(field, NULL, 10);

        if (strstr(field, ":own"))
            sum += world->driver.balances[i].delta;
        if (balance(world, account, "own") != balance(world, account, "min") ||
            balance(world, account, "own") != balance(world, account, "max"))
            return false;
    }
    return sum == 0;
}

enum step_end world_register(struct payment_world *world, const char *rest, const struct parent_payment *parent)
{
    static const char params[] = "{\"payer_params\":%s,%s}";
    static const char card[] = "{\"payment_resource\":{\"resource\":{\"payment_tool\":%s},\"contact_info\":{}}}";
    static const char again[] = "{\"recurrent\":{\"recurrent_parent\":{\"invoice_id\":\"inv\",\"payment_id\":\"0\"},"
                                "\"contact_info\":{}}}";
    struct arena *arena = world->driver.arena;
    struct invoice_call *call = arena_alloc(arena, sizeof(*call));
    struct type_errors errors = { .count = 0 };
    const char *payer = parent ? again : arena_printf(arena, card, tool_visa_usa);
    const char *json = arena_printf(arena, params, payer, rest);

    call->kind = CALL_REGISTER_PAYMENT;
    if (type_decode_text(&type_register_payment_call, json, strlen(json), 0, arena, &call->register_payment, &errors))
        cr_assert_fail("%s: %s in %s", errors.list[0].path, errors.list[0].message, json);
    call->register_payment.parent = parent;
    return machine_driver_input(&world->driver, IN_CALL, call);
}

const struct world_patch world_no_cascade[] = {
    { "term_set_hierarchy", "{\"id\":1}", "term_set.payments.attempt_limit", NULL },
    { NULL, NULL, NULL, NULL },
};
