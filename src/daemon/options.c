#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config.h"
#include "provider/health_watch.h"
#include "redis/partition.h"

static const char help[] =
    "Usage: sluiced [OPTION]...\n"
    "Carries invoices and payments through their stages, on Redis.\n"
    "\n"
    "  --redis=URL            redis://[user:password@]host:port[/db], rediss://…, unix:///path\n"
    "                         (default: a private redis-server in --data)\n"
    "  --data=DIR             data of the private redis-server (default: ./sluice-data)\n"
    "  --partitions=N         for the private redis-server's first start (default: 64); with --redis:\n"
    "                         refuse to start if the deployment has another number\n"
    "  --durability=HOW       strict (default): refuse a Redis that answers before its data is safe;\n"
    "                         relaxed: accept it, and say so\n"
    "  --seen=FILE            keeps the newest entries seen in Redis over restarts, so that one that lacks them is\n"
    "                         refused from the start on (default: none; a private redis-server: DIR/seen)\n"
    "  --storage=HOW          plain (default): events and snapshots are JSON that redis-cli shows; packed: they\n"
    "                         take a quarter of the memory, and only sluiced and sluice show them. Every daemon\n"
    "                         reads both, so it may be changed at any time\n"
    "  --listen=ADDRESS:PORT  HTTP API (default: 127.0.0.1:8080; port 0: the kernel chooses);\n"
    "                         several with commas between; IPv6 as [::1]:8080\n"
    "  --reuse-port           let several daemons of this host share the port\n"
    "  --http-request=MS      time for a whole request to come, and for its answer to be taken (default: 30000)\n"
    "  --http-idle=MS         time of a kept-alive connection between two requests (default: 75000)\n"
    "  --http-connections=N   at most (default: as many as ulimit -n allows; more than that are tried to get)\n"
    "  --http-per-address=N   connections of one address at most (default: 0, no limit)\n"
    "  --tokens=FILE          bearer tokens and their roles (JSON)\n"
    "  --insecure             no tokens: everybody who reaches the port may do everything\n"
    "  --lease=MS             how long a machine stays claimed without being extended (default: 30000)\n"
    "  --inspect-timeout=MS   for the inspector to answer; then its fallback score counts (default: 3000)\n"
    "  --provider-timeout=MS  for a provider to answer; then its call is made again (default: 30000)\n"
    "  --call-timeout=MS      for a request to wait for its invoice; then nothing was done (default: 30000)\n"
    "  --retry=FIRST,MAX,N    a step that could not be done is tried again after FIRST ms, doubling up to MAX\n"
    "                         ms, N times; then the invoice is failed (default: 1000,1800000,100)\n"
    "  --grace=MS             time for work under way when told to stop (default: 10000)\n"
    "  --work-max=N           machines in work at once (default: 4096); what begins is refused (429) at three\n"
    "                         quarters of it, so that timers and callbacks go on\n"
    "  --provider-calls=N     calls under way to one provider at most (default: a quarter of --work-max)\n"
    "  --provider-connections=N  connections to one provider's host at most (default: 64)\n"
    "  --session-calls=N      calls for one target that a provider may ask for before the invoice is parked\n"
    "                         (default: 10000)\n"
    "  --session-wait-min=MS  the shortest wait that a provider may ask for again and again (default: 100)\n"
    "  --name=NAME            of this daemon, no other has it (default: host:pid)\n"
    "  --fault-detector=HOW   on (default): routing shuns providers that fail; off: it does not, and nothing\n"
    "                         is counted; the same for all daemons, as are the next five\n"
    "  --fault-critical=A,C,S failure rates from which a provider is dead (A), or lacks conversion (C); share of\n"
    "                         late answers from which it counts as dead, 0: never (default: 0.7,0.7,0)\n"
    "  --fault-limit=MS       an answer of a provider that takes longer is late (default: 10000)\n"
    "  --fault-window=MS      how long an outcome counts (default: 60000)\n"
    "  --fault-tick=MS        how often daemons share what they saw (default: 3000)\n"
    "  --fault-benign=A,B     sub codes of authorization_failed that do not speak against a provider (default:\n"
    "                         insufficient_funds,rejected_by_issuer,processing_deadline_reached)\n"
    "  --log-level=LEVEL      error, warn, info (default) or debug\n"
    "  --help, --version\n"
    "\n"
    "Every option may stand in the environment instead: SLUICE_REDIS, SLUICE_DATA, SLUICE_LISTEN, …\n"
    "SIGTERM and SIGINT end it gracefully; a second one at once. SIGHUP reads the token file again.\n";

enum {
    OPT_REDIS = 256, OPT_DATA, OPT_PARTITIONS, OPT_DURABILITY, OPT_SEEN, OPT_STORAGE, OPT_LISTEN, OPT_REUSE_PORT, OPT_HTTP_REQUEST,
    OPT_HTTP_IDLE, OPT_HTTP_CONNECTIONS, OPT_HTTP_PER_ADDRESS, OPT_TOKENS, OPT_INSECURE, OPT_LEASE, OPT_INSPECT_TIMEOUT,
    OPT_PROVIDER_TIMEOUT, OPT_CALL_TIMEOUT, OPT_RETRY, OPT_GRACE,
    OPT_WORK_MAX, OPT_SESSION_CALLS, OPT_SESSION_WAIT_MIN, OPT_PROVIDER_CALLS, OPT_PROVIDER_CONNECTIONS,
    OPT_NAME, OPT_FAULT_DETECTOR, OPT_FAULT_CRITICAL, OPT_FAULT_LIMIT, OPT_FAULT_WINDOW,
    OPT_FAULT_TICK, OPT_FAULT_BENIGN, OPT_LOG_LEVEL, OPT_HELP, OPT_VERSION,
};

static const struct option table[] = {
    { "redis", required_argument, NULL, OPT_REDIS },
    { "data", required_argument, NULL, OPT_DATA },
    { "partitions", required_argument, NULL, OPT_PARTITIONS },
    { "durability", required_argument, NULL, OPT_DURABILITY },
    { "seen", required_argument, NULL, OPT_SEEN },
    { "storage", required_argument, NULL, OPT_STORAGE },
    { "listen", required_argument, NULL, OPT_LISTEN },
    { "reuse-port", no_argument, NULL, OPT_REUSE_PORT },
    { "http-request", required_argument, NULL, OPT_HTTP_REQUEST },
    { "http-idle", required_argument, NULL, OPT_HTTP_IDLE },
    { "http-connections", required_argument, NULL, OPT_HTTP_CONNECTIONS },
    { "http-per-address", required_argument, NULL, OPT_HTTP_PER_ADDRESS },
    { "tokens", required_argument, NULL, OPT_TOKENS },
    { "insecure", no_argument, NULL, OPT_INSECURE },
    { "lease", required_argument, NULL, OPT_LEASE },
    { "inspect-timeout", required_argument, NULL, OPT_INSPECT_TIMEOUT },
    { "provider-timeout", required_argument, NULL, OPT_PROVIDER_TIMEOUT },
    { "call-timeout", required_argument, NULL, OPT_CALL_TIMEOUT },
    { "retry", required_argument, NULL, OPT_RETRY },
    { "grace", required_argument, NULL, OPT_GRACE },
    { "work-max", required_argument, NULL, OPT_WORK_MAX },
    { "session-calls", required_argument, NULL, OPT_SESSION_CALLS },
    { "session-wait-min", required_argument, NULL, OPT_SESSION_WAIT_MIN },
    { "provider-calls", required_argument, NULL, OPT_PROVIDER_CALLS },
    { "provider-connections", required_argument, NULL, OPT_PROVIDER_CONNECTIONS },
    { "name", required_argument, NULL, OPT_NAME },
    { "fault-detector", required_argument, NULL, OPT_FAULT_DETECTOR },
    { "fault-critical", required_argument, NULL, OPT_FAULT_CRITICAL },
    { "fault-limit", required_argument, NULL, OPT_FAULT_LIMIT },
    { "fault-window", required_argument, NULL, OPT_FAULT_WINDOW },
    { "fault-tick", required_argument, NULL, OPT_FAULT_TICK },
    { "fault-benign", required_argument, NULL, OPT_FAULT_BENIGN },
    { "log-level", required_argument, NULL, OPT_LOG_LEVEL },
    { "help", no_argument, NULL, OPT_HELP },
    { "version", no_argument, NULL, OPT_VERSION },
    { NULL, 0, NULL, 0 },
};

static void SL_PRINTF(1, 2) __attribute__((noreturn)) die(const char *format, ...)
{
    va_list args;

    fputs("sluiced: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputs("\n", stderr);
    exit(2);
}

static int64_t number(const char *name, const char *text, int64_t min, int64_t max)
{
    long long value;
    char *end;

    errno = 0;
    value = strtoll(text, &end, 10);
    if (!*text || *end || errno || value < min || value > max)
        die("--%s must be a whole number within %lld..%lld, not \"%s\"", name, (long long)min, (long long)max, text);
    return value;
}

/* Addresses with commas between; they take the place of those given before. */
static void listen_set(struct options *options, const char *text)
{
    char one[LISTEN_TEXT_MAX];
    size_t len;

    for (options->listen_count = 0;; text += len + 1) {
        len = strcspn(text, ",");
        if (options->listen_count == LISTEN_MAX)
            die("--listen takes at most %d addresses", LISTEN_MAX);
        if (len < sizeof(one))
            snprintf(one, sizeof(one), "%.*s", (int)len, text);
        if (len >= sizeof(one) || !listen_parse(one, &options->listen[options->listen_count]))
            die("--listen must be ADDRESS:PORT (127.0.0.1:8080, [::1]:8080) with commas between, not \"%s\"", text);
        options->listen_count++;
        if (!text[len])
            return;
    }
}

/* "0.7,0.5" or "0.7,0.5,0.9" */
static void critical_set(struct options *options, const char *text)
{
    char *end;
    double rates[HEALTH_KINDS];
    size_t i;

    rates[HEALTH_AVAILABILITY] = strtod(text, &end);
    rates[HEALTH_CONVERSION] = *end == ',' ? strtod(end + 1, &end) : -1;
    rates[HEALTH_SLOWNESS] = *end == ',' ? strtod(end + 1, &end) : 0;
    if (*end || !(rates[0] > 0 && rates[0] <= 1 && rates[1] > 0 && rates[1] <= 1 && rates[2] >= 0 && rates[2] <= 1))
        die("--fault-critical must be two rates above 0 and up to 1 (0.7,0.7), and perhaps a third, not \"%s\"", text);
    for (i = 0; i < HEALTH_KINDS; i++)
        options->health.kinds[i].critical = rates[i];
}

/* Codes with commas between; none at all is possible, too. */
static void benign_set(struct options *options, const char *text)
{
    char *code, *rest = options->benign_text;

    if (strlen(text) >= sizeof(options->benign_text))
        die("--fault-benign is longer than %d bytes", BENIGN_TEXT_MAX - 1);
    snprintf(options->benign_text, sizeof(options->benign_text), "%s", text);
    options->health.benign = options->benign;
    options->health.benign_count = 0;
    while ((code = strsep(&rest, ","))) {
        if (!*code)
            continue;
        if (options->health.benign_count == BENIGN_MAX)
            die("--fault-benign takes at most %d codes", BENIGN_MAX);
        options->benign[options->health.benign_count++] = code;
    }
}

static void fault_option_set(struct options *options, int option, const char *value)
{
    struct health_settings *health = &options->health;

    switch (option) {
    case OPT_FAULT_DETECTOR:
        health->enabled = strcmp(value, "on") == 0;
        if (!health->enabled && strcmp(value, "off") != 0)
            die("--fault-detector must be on or off, not \"%s\"", value);
        break;
    case OPT_FAULT_CRITICAL: critical_set(options, value); break;
    case OPT_FAULT_LIMIT: health->kinds[HEALTH_SLOWNESS].limit_ms = number("fault-limit", value, 1, 3600000); break;
    case OPT_FAULT_WINDOW:
        health->kinds[HEALTH_AVAILABILITY].window_ms = number("fault-window", value, 10, 24 * 3600000);
        health->kinds[HEALTH_CONVERSION].window_ms = health->kinds[HEALTH_AVAILABILITY].window_ms;
        health->kinds[HEALTH_SLOWNESS].window_ms = health->kinds[HEALTH_AVAILABILITY].window_ms;
        break;
    case OPT_FAULT_TICK: health->tick_ms = number("fault-tick", value, 10, 60000); break;
    default: benign_set(options, value); break;
    }
}

static void http_option_set(struct http_limits *limits, int option, const char *value)
{
    switch (option) {
    case OPT_HTTP_REQUEST: limits->request_ms = number("http-request", value, 100, 3600000); break;
    case OPT_HTTP_IDLE: limits->idle_ms = number("http-idle", value, 100, 24 * 3600000); break;
    case OPT_HTTP_CONNECTIONS: limits->max = (size_t)number("http-connections", value, 1, 1000000); break;
    default: limits->address_max = (size_t)number("http-per-address", value, 0, 1000000); break;
    }
}

/* "1000,1800000,100" */
static void retry_set(struct options *options, const char *text)
{
    long long parts[3] = { 0 };
    int read = 0;

    if (sscanf(text, "%lld,%lld,%lld%n", &parts[0], &parts[1], &parts[2], &read) != 3 || text[read] ||
        parts[0] < 10 || parts[1] < parts[0] || parts[1] > 24 * 3600000 || parts[2] < 1 || parts[2] > 1000000)
        die("--retry must be FIRST,MAX,N (1000,1800000,100): 10 <= FIRST <= MAX <= 86400000, 1 <= N <= 1000000, not \"%s\"", text);
    options->retry = (struct retry_policy){
        .first_ms = parts[0], .factor = 2, .max_ms = parts[1], .attempts_max = (int)parts[2],
    };
}

static void time_option_set(struct options *options, int option, const char *value)
{
    switch (option) {
    case OPT_INSPECT_TIMEOUT: options->inspect_timeout_ms = number("inspect-timeout", value, 10, 600000); break;
    case OPT_PROVIDER_TIMEOUT: options->provider_timeout_ms = number("provider-timeout", value, 10, 600000); break;
    case OPT_CALL_TIMEOUT: options->call_timeout_ms = number("call-timeout", value, 10, 600000); break;
    default: retry_set(options, value); break;
    }
}

static void option_set(struct options *options, int option, const char *value)
{
    enum log_level level;

    switch (option) {
    case OPT_REDIS: options->redis = value; break;
    case OPT_DATA: options->data = value; break;
    case OPT_PARTITIONS: options->partitions = (int)number("partitions", value, 1, PARTITIONS_MAX); break;
    case OPT_DURABILITY:
        options->relaxed = strcmp(value, "relaxed") == 0;
        if (!options->relaxed && strcmp(value, "strict") != 0)
            die("--durability must be strict or relaxed, not \"%s\"", value);
        break;
    case OPT_SEEN: options->seen = value; break;
    case OPT_STORAGE:
        options->packs = strcmp(value, "packed") == 0;
        if (!options->packs && strcmp(value, "plain") != 0)
            die("--storage must be plain or packed, not \"%s\"", value);
        break;
    case OPT_LISTEN: listen_set(options, value); break;
    case OPT_REUSE_PORT: options->reuse_port = true; break;
    case OPT_HTTP_REQUEST:
    case OPT_HTTP_IDLE:
    case OPT_HTTP_CONNECTIONS:
    case OPT_HTTP_PER_ADDRESS: http_option_set(&options->http, option, value); break;
    case OPT_TOKENS: options->tokens = value; break;
    case OPT_INSECURE: options->insecure = true; break;
    case OPT_LEASE: options->lease_ms = number("lease", value, 100, 3600000); break;
    case OPT_WORK_MAX: options->work_max = (size_t)number("work-max", value, 16, 1000000); break;
    case OPT_SESSION_CALLS: options->bounds.session_calls_max = number("session-calls", value, 1, 1000000); break;
    case OPT_SESSION_WAIT_MIN: options->bounds.session_wait_min_ms = number("session-wait-min", value, 0, 60000); break;
    case OPT_PROVIDER_CALLS: options->provider_calls = (size_t)number("provider-calls", value, 1, 1000000); break;
    case OPT_PROVIDER_CONNECTIONS:
        options->provider_connections = (size_t)number("provider-connections", value, 1, 10000);
        break;
    case OPT_INSPECT_TIMEOUT:
    case OPT_PROVIDER_TIMEOUT:
    case OPT_CALL_TIMEOUT:
    case OPT_RETRY: time_option_set(options, option, value); break;
    case OPT_GRACE: options->grace_ms = number("grace", value, 0, 3600000); break;
    case OPT_NAME: options->name = value; break;
    case OPT_FAULT_DETECTOR:
    case OPT_FAULT_CRITICAL:
    case OPT_FAULT_LIMIT:
    case OPT_FAULT_WINDOW:
    case OPT_FAULT_TICK:
    case OPT_FAULT_BENIGN: fault_option_set(options, option, value); break;
    case OPT_LOG_LEVEL:
        if (!log_level_parse(value, &level))
            die("--log-level must be error, warn, info or debug, not \"%s\"", value);
        log_set_level(level);
        break;
    case OPT_HELP: fputs(help, stdout); exit(0);
    case OPT_VERSION: puts("sluiced " PACKAGE_VERSION); exit(0);
    default: fputs("Try --help.\n", stderr); exit(2);
    }
}

/* "reuse-port" is SLUICE_REUSE_PORT. */
static const char *from_environment(const char *name)
{
    char variable[64] = "SLUICE_";
    size_t i, len = strlen(variable);

    for (i = 0; name[i] && len + i < sizeof(variable) - 1; i++)
        variable[len + i] = name[i] == '-' ? '_' : (char)(name[i] - ('a' - 'A'));
    variable[len + i] = '\0';
    return getenv(variable);
}

void options_parse(int argc, char **argv, struct options *out)
{
    char place[LISTEN_TEXT_MAX];
    const struct option *row;
    const char *value, *why;
    size_t i;
    int option;

    *out = (struct options){
        .data = "sluice-data", .lease_ms = 30000, .inspect_timeout_ms = 3000, .provider_timeout_ms = 30000,
        .call_timeout_ms = 30000, .grace_ms = 10000, .work_max = 4096, .health = health_defaults,
        .bounds = payment_bounds_default,
        .http = { .request_ms = 30000, .idle_ms = 75000, .body_max = 1024 * 1024, .head_max = 16384 },
    };
    listen_set(out, "127.0.0.1:8080");
    for (row = table; row->name && row->val < OPT_HELP; row++) {
        value = from_environment(row->name);
        if (value && (row->has_arg || strcmp(value, "1") == 0))
            option_set(out, row->val, value);
    }
    while ((option = getopt_long(argc, argv, "", table, NULL)) != -1)
        option_set(out, option, optarg);
    if (optind < argc)
        die("what is \"%s\"? Try --help.", argv[optind]);
    if (!health_settings_fit(&out->health, &why))
        die("%s", why);
    if (!out->tokens && !out->insecure)
        die("who may do what? Give --tokens=FILE, or --insecure to let everybody do everything.");
    if (out->tokens && out->insecure)
        die("--tokens and --insecure contradict each other");
    for (i = 0; out->insecure && i < out->listen_count; i++) {
        if (listen_is_loopback(&out->listen[i]))
            continue;
        listen_text(&out->listen[i], place);
        die("--insecure is for the loopback addresses only, not for %s", place);
    }
}
