/* sluice route simulate: where a sample of payments would go under one configuration, or under two. Nothing is
 * started, held or written anywhere. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "cli/route_sample.h"

#define REASONS_SHOWN 5 /* of a route, on a terminal */
#define NOT_SIMULATED \
    "Not simulated: turnover limits, blacklists, cascades, tokens of recurrent payers. Real traffic may differ."

/* ---- configurations ---- */

static int domain_read(const char *name, const char *text, struct arena *arena, struct domain **out)
{
    struct type_errors errors = { .count = 0 };
    size_t i;

    if (!domain_parse(text, strlen(text), arena, out, &errors))
        return 0;
    complain(EXIT_REFUSED, "%s is no configuration: %s %s", name, errors.list[0].path, errors.list[0].message);
    for (i = 1; i < errors.count && !say_is_json(); i++)
        fprintf(stderr, "  %s: %s\n", errors.list[i].path, errors.list[i].message);
    return EXIT_REFUSED;
}

/* NAME: a file, a revision's number, or NULL for the configuration in use. */
static int domain_get(const struct cli *cli, const char *name, struct arena *arena, struct domain **out)
{
    bool is_revision = !name || (*name && !name[strspn(name, "0123456789")]);
    char path[64], *text;
    json_t *answer;
    int code;

    if (!is_revision) {
        text = read_file(name);
        code = text ? domain_read(name, text, arena, out) : EXIT_USAGE;
        free(text);
        return code;
    }
    snprintf(path, sizeof(path), "/v1/domain%s%.20s", name ? "/" : "", name ? name : "");
    code = api_get(cli, path, &answer);
    if (!code) {
        text = json_dumps(json_object_get(answer, "document"), JSON_COMPACT | JSON_ENCODE_ANY);
        code = domain_read(path, text, arena, out);
        free(text);
    }
    json_decref(answer);
    return code;
}

/* ---- assumed health ---- */

struct assumed {
    struct health_rates rates[CLI_HEALTH_MAX];
    struct health_view view;
};

static struct health_rates *rates_of(struct assumed *assumed, int64_t provider)
{
    size_t i, at;

    for (at = 0; at < assumed->view.count && assumed->rates[at].provider_id < provider; at++)
        ;
    if (at < assumed->view.count && assumed->rates[at].provider_id == provider)
        return &assumed->rates[at];
    for (i = assumed->view.count++; i > at; i--)
        assumed->rates[i] = assumed->rates[i - 1];
    assumed->rates[at] = (struct health_rates){ .provider_id = provider };
    return &assumed->rates[at];
}

/* "7" or "7=0.3". */
static int assume(struct assumed *assumed, const char *text, enum health_kind kind)
{
    bool wants_rate = kind == HEALTH_CONVERSION;
    struct health_rates *rates;
    char *end;
    int64_t provider;
    double rate = 1;

    errno = 0;
    provider = strtoll(text, &end, 10);
    if (end == text || errno || (wants_rate ? *end != '=' : *end != '\0'))
        return complain(EXIT_USAGE, "%s: %s", text, wants_rate ? "must be PROVIDER=RATE" : "must be a provider's number");
    if (wants_rate) {
        text = end + 1;
        rate = strtod(text, &end);
        if (end == text || *end || !(rate >= 0 && rate <= 1))
            return complain(EXIT_USAGE, "%s: %s", text, "a rate of failures must be 0..1");
    }
    rates = rates_of(assumed, provider);
    rates->known[kind] = true;
    rates->rates[kind] = rate;
    return 0;
}

static int assume_all(const struct cli *cli, struct assumed *assumed)
{
    int i, code = 0;

    assumed->view = (struct health_view){ .settings = &health_defaults, .providers = assumed->rates };
    for (i = 0; i < cli->health_count && !code; i++)
        code = assume(assumed, cli->health[i].text, cli->health[i].down ? HEALTH_AVAILABILITY : HEALTH_CONVERSION);
    return code;
}

static int check_providers(const struct assumed *assumed, const struct domain *domain)
{
    char text[24];
    size_t i;

    for (i = 0; i < assumed->view.count; i++) {
        snprintf(text, sizeof(text), "%" PRId64, assumed->rates[i].provider_id);
        if (!domain_provider(domain, assumed->rates[i].provider_id))
            return complain(EXIT_USAGE, "%s: %s", text, "there is no such provider in the configuration");
    }
    return 0;
}

/* ---- JSON ---- */

static json_t *route_json(int64_t provider, int64_t terminal)
{
    return json_pack("{s:{s:I}, s:{s:I}}", "provider", "id", (json_int_t)provider, "terminal", "id", (json_int_t)terminal);
}

static json_t *amounts_json(const struct simulated_route *route)
{
    json_t *list = json_array();
    size_t i;

    for (i = 0; i < route->amount_count; i++)
        json_array_append_new(list, json_pack("{s:I, s:{s:s}}", "amount", (json_int_t)route->amounts[i].amount, "currency",
                                              "symbolic_code", route->amounts[i].currency.symbolic_code));
    return list;
}

static json_t *result_json(const struct simulation_result *result)
{
    json_t *routes = json_array(), *failures = json_array(), *rejections = json_array();
    size_t i;

    for (i = 0; i < result->route_count; i++) {
        const struct simulated_route *one = &result->routes[i];

        json_array_append_new(routes, json_pack("{s:o, s:s, s:f, s:f, s:o}", "route",
                                                route_json(one->provider, one->terminal), "terminal_name", one->name,
                                                "payments", (double)one->payments_milli / 1000, "share",
                                                (double)one->share_ppm / 1000000, "amounts", amounts_json(one)));
    }
    for (i = 0; i < result->failure_count; i++)
        json_array_append_new(failures, json_pack("{s:s, s:s, s:I}", "code", result->failures[i].code, "reason",
                                                  result->failures[i].reason, "payments",
                                                  (json_int_t)result->failures[i].payments));
    for (i = 0; i < result->rejection_count; i++) {
        const struct simulated_rejection *one = &result->rejections[i];

        json_array_append_new(rejections, json_pack("{s:o, s:s, s:I, s:I}", "route",
                                                    route_json(one->provider, one->terminal), "reason", one->reason,
                                                    "payments", (json_int_t)one->payments, "unrouted",
                                                    (json_int_t)one->unrouted));
    }
    return json_pack("{s:I, s:I, s:o, s:o, s:o}", "payments", (json_int_t)result->payments, "unrouted",
                     (json_int_t)result->unrouted, "routes", routes, "failures", failures, "rejections", rejections);
}

/* ---- for people ---- */

static void print_milli(int64_t milli)
{
    printf("  %10" PRId64 ".%" PRId64, milli / 1000, milli % 1000 / 100);
}

static void print_share(int64_t ppm)
{
    printf("  %5" PRId64 ".%02" PRId64 " %%", ppm / 10000, ppm % 10000 / 100);
}

static void print_amounts(const struct simulated_route *route)
{
    size_t i;

    for (i = 0; i < route->amount_count; i++)
        printf("%s%" PRId64 " %s", i ? ", " : "  ", route->amounts[i].amount, route->amounts[i].currency.symbolic_code);
    putchar('\n');
}

static void print_failures(const struct simulation_result *result)
{
    size_t i;

    printf("\n%" PRId64 " of %" PRId64 " payments find no route.\n", result->unrouted, result->payments);
    for (i = 0; i < result->failure_count; i++)
        printf("  %10" PRId64 "  %s%s%s\n", result->failures[i].payments, result->failures[i].code,
               *result->failures[i].reason ? ": " : "", result->failures[i].reason);
}

static void print_rejections(const struct simulation_result *result)
{
    size_t i, shown = 0;

    if (result->rejection_count == 0)
        return;
    puts("\nWhat turned payments away (of them, those without any route):");
    for (i = 0; i < result->rejection_count; i++) {
        const struct simulated_rejection *one = &result->rejections[i], *before = i ? one - 1 : NULL;

        if (!before || before->provider != one->provider || before->terminal != one->terminal)
            shown = 0;
        if (shown++ < REASONS_SHOWN)
            printf("  provider %" PRId64 " terminal %" PRId64 ": %" PRId64 " (%" PRId64 ")  %s\n", one->provider,
                   one->terminal, one->payments, one->unrouted, one->reason);
    }
}

static void print_result(const struct simulation_result *result)
{
    size_t i;

    puts("  provider  terminal      payments     share  amount");
    for (i = 0; i < result->route_count; i++) {
        const struct simulated_route *one = &result->routes[i];

        printf("  %8" PRId64 "  %8" PRId64, one->provider, one->terminal);
        print_milli(one->payments_milli);
        print_share(one->share_ppm);
        print_amounts(one);
    }
    print_failures(result);
    print_rejections(result);
}

/* ---- two side by side ---- */

struct compared {
    int64_t lost, gained; /* payments that find a route only under the first, only under the second */
};

static const struct simulated_route *find(const struct simulation_result *result, const struct simulated_route *like)
{
    size_t i;

    for (i = 0; i < result->route_count; i++) {
        if (result->routes[i].provider == like->provider && result->routes[i].terminal == like->terminal)
            return &result->routes[i];
    }
    return NULL;
}

static void print_pair(const struct simulated_route *name, const struct simulated_route *a, const struct simulated_route *b)
{
    int64_t before = a ? a->share_ppm : 0, after = b ? b->share_ppm : 0, change = after - before;
    int64_t size = change < 0 ? -change : change;

    printf("  %8" PRId64 "  %8" PRId64, name->provider, name->terminal);
    print_milli(a ? a->payments_milli : 0);
    print_share(before);
    print_milli(b ? b->payments_milli : 0);
    print_share(after);
    printf("  %c%" PRId64 ".%02" PRId64 " %%\n", change < 0 ? '-' : '+', size / 10000, size % 10000 / 100);
}

static void print_comparison(const struct simulation_result *a, const struct simulation_result *b,
                             const struct compared *compared)
{
    size_t i;

    puts("  provider  terminal        before     share         after     share  change");
    for (i = 0; i < a->route_count; i++)
        print_pair(&a->routes[i], &a->routes[i], find(b, &a->routes[i]));
    for (i = 0; i < b->route_count; i++) {
        if (!find(a, &b->routes[i]))
            print_pair(&b->routes[i], NULL, &b->routes[i]);
    }
    printf("\n%" PRId64 " payments lose their route, %" PRId64 " gain one.\n", compared->lost, compared->gained);
    printf("\nBefore:");
    print_failures(a);
    print_rejections(a);
    printf("\nAfter:");
    print_failures(b);
    print_rejections(b);
}

/* ---- the command ---- */

static void run_all(const struct sample *sample, struct simulation *first, struct simulation *second,
                    struct compared *compared)
{
    size_t i;

    for (i = 0; i < sample->count; i++) {
        int64_t count = sample->list[i].count ? *sample->list[i].count : 1;
        bool before = simulation_add(first, &sample->list[i]), after = before;

        if (second)
            after = simulation_add(second, &sample->list[i]);
        compared->lost += before && !after ? count : 0;
        compared->gained += after && !before ? count : 0;
    }
}

static void print_all(const struct cli *cli, struct simulation *first, struct simulation *second,
                      const struct compared *compared)
{
    struct simulation_result before, after;
    json_t *json;

    simulation_finish(first, &before);
    if (second)
        simulation_finish(second, &after);
    if (cli->json) {
        json = second ? json_pack("{s:o, s:o, s:I, s:I}", "before", result_json(&before), "after", result_json(&after),
                                  "lost", (json_int_t)compared->lost, "gained", (json_int_t)compared->gained)
                      : result_json(&before);
        json_object_set_new(json, "not_simulated", json_pack("[s, s, s, s]", "limits", "blacklists", "cascades",
                                                               "recurrent_tokens"));
        print_json(json);
        json_decref(json);
        return;
    }
    printf("%" PRId64 " payments, %d draws each. " NOT_SIMULATED "\n\n", before.payments, cli->draws);
    if (second)
        print_comparison(&before, &after, compared);
    else
        print_result(&before);
}

static int sample_get(struct cli *cli, struct arena *arena, struct sample *out)
{
    if ((cli->argc == 1) == (cli->from_feed > 0))
        return complain(EXIT_USAGE, "either a FILE of payments or --from-feed=N is needed");
    return cli->argc == 1 ? sample_read(cli->argv[0], arena, out)
                          : sample_from_feed(cli, (size_t)cli->from_feed, arena, out);
}

int cmd_route_simulate(struct cli *cli)
{
    struct arena *arena = arena_new();
    struct sample sample = { 0 };
    struct assumed assumed;
    struct compared compared = { 0, 0 };
    struct domain *domain = NULL, *other = NULL;
    struct simulation *first = NULL, *second = NULL;
    struct simulate_setup setup = { .health = &assumed.view, .draws = cli->draws, .seed = (uint64_t)cli->seed };
    int code = assume_all(cli, &assumed);

    if (!code)
        code = sample_get(cli, arena, &sample);
    if (!code)
        code = domain_get(cli, cli->domain, arena, &domain);
    if (!code && cli->compare)
        code = domain_get(cli, cli->compare, arena, &other);
    if (!code)
        code = check_providers(&assumed, domain);
    if (!code) {
        setup.domain = domain;
        first = simulation_new(&setup);
        setup.domain = other;
        second = other ? simulation_new(&setup) : NULL;
        run_all(&sample, first, second, &compared);
        print_all(cli, first, second, &compared);
    }
    simulation_free(first);
    simulation_free(second);
    domain_free(domain);
    domain_free(other);
    free(sample.list);
    arena_free(arena);
    return code;
}
