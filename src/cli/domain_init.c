/* sluice domain init: prints a small configuration that works: one party with one shop, one provider with one terminal,
 * cards of two systems. Talks to no daemon. What it prints passes `sluice domain check` without a finding. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "domain/domain.h"
#include "domain/url.h"

/* ISO 4217, of what is asked for most; others are written by hand. */
static const struct known_currency {
    const char *code, *name;
    int number, exponent;
} currencies[] = {
    { "AED", "UAE dirham", 784, 2 },     { "AUD", "Australian dollar", 36, 2 }, { "BRL", "Brazilian real", 986, 2 },
    { "CAD", "Canadian dollar", 124, 2 }, { "CHF", "Swiss franc", 756, 2 },      { "CNY", "Yuan renminbi", 156, 2 },
    { "CZK", "Czech koruna", 203, 2 },   { "DKK", "Danish krone", 208, 2 },     { "EUR", "Euro", 978, 2 },
    { "GBP", "Pound sterling", 826, 2 }, { "HUF", "Forint", 348, 2 },           { "INR", "Indian rupee", 356, 2 },
    { "JPY", "Yen", 392, 0 },            { "KRW", "Won", 410, 0 },              { "KWD", "Kuwaiti dinar", 414, 3 },
    { "KZT", "Tenge", 398, 2 },          { "MXN", "Mexican peso", 484, 2 },     { "NOK", "Norwegian krone", 578, 2 },
    { "PLN", "Zloty", 985, 2 },          { "RUB", "Russian rouble", 643, 2 },   { "SEK", "Swedish krona", 752, 2 },
    { "TRY", "Turkish lira", 949, 2 },   { "UAH", "Hryvnia", 980, 2 },          { "USD", "US dollar", 840, 2 },
};

#define CUR "{\"symbolic_code\": \"@C\"}"
#define CARD(SYSTEM) "{\"bank_card\": {\"payment_system\": {\"id\": \"" SYSTEM "\"}, \"is_cvv_empty\": false}}"
#define METHOD(SYSTEM) "{\"id\": " CARD(SYSTEM) "}"
#define METHODS "{\"value\": [" METHOD("VISA") ", " METHOD("MASTERCARD") "]}"
#define CASH(AMOUNT) "{\"amount\": " AMOUNT ", \"currency\": " CUR "}"
#define LIMIT "{\"value\": {\"lower\": {\"inclusive\": " CASH("1") "}, \"upper\": {\"inclusive\": " CASH("100000000") "}}}"
#define SHARE(P, Q) "{\"share\": {\"parts\": {\"p\": " P ", \"q\": " Q "}, \"of\": \"operation_amount\"}}"
#define POST(FROM, TO, VOLUME) "{\"source\": {" FROM "}, \"destination\": {" TO "}, \"volume\": " VOLUME "}"
#define MERCHANT "\"merchant\": \"settlement\""
#define PROVIDER "\"provider\": \"settlement\""
#define SYSTEM "\"system\": \"settlement\""
#define FOR_EVER "\"block\": {\"unblocked\": {\"reason\": \"\", \"since\": \"2024-01-01T00:00:00Z\"}},\n" \
                 "      \"suspension\": {\"active\": {\"since\": \"2024-01-01T00:00:00Z\"}}"

/* @C the currency's code, @N its name, @# its number, @E its exponent, @U the adapter's address. */
static const char document[] =
    "{\"objects\": [\n"
    "  {\"currency\": {\"ref\": " CUR ",\n"
    "    \"data\": {\"name\": \"@N\", \"symbolic_code\": \"@C\", \"numeric_code\": @#, \"exponent\": @E}}},\n"
    "  {\"category\": {\"ref\": {\"id\": 1}, \"data\": {\"name\": \"Goods\", \"description\": \"Goods\", \"type\": \"test\"}}},\n"
    "  {\"payment_system\": {\"ref\": {\"id\": \"VISA\"}, \"data\": {\"name\": \"Visa\"}}},\n"
    "  {\"payment_system\": {\"ref\": {\"id\": \"MASTERCARD\"}, \"data\": {\"name\": \"Mastercard\"}}},\n"
    "  {\"payment_method\": {\"ref\": " METHOD("VISA") ", \"data\": {\"name\": \"Visa\", \"description\": \"\"}}},\n"
    "  {\"payment_method\": {\"ref\": " METHOD("MASTERCARD") ", \"data\": {\"name\": \"Mastercard\", \"description\": \"\"}}},\n"
    "  {\"proxy\": {\"ref\": {\"id\": 1},\n"
    "    \"data\": {\"name\": \"Adapter\", \"description\": \"\", \"url\": \"@U\", \"options\": {}}}},\n"
    "  {\"proxy\": {\"ref\": {\"id\": 2},\n"
    "    \"data\": {\"name\": \"No inspector\", \"description\": \"\", \"url\": \"builtin:risk-low\", \"options\": {}}}},\n"
    "  {\"inspector\": {\"ref\": {\"id\": 1},\n"
    "    \"data\": {\"name\": \"All is low\", \"description\": \"\", \"proxy\": {\"ref\": {\"id\": 2}, \"additional\": {}}}}},\n"
    "  {\"system_account_set\": {\"ref\": {\"id\": 1},\n"
    "    \"data\": {\"name\": \"System\", \"description\": \"\", \"accounts\": {\"@C\": {\"settlement\": 1001}}}}},\n"
    "  {\"term_set_hierarchy\": {\"ref\": {\"id\": 1}, \"data\": {\"name\": \"Tariff\", \"term_set\": {\"payments\": {\n"
    "      \"payment_methods\": " METHODS ",\n"
    "      \"cash_limit\": " LIMIT ",\n"
    "      \"fees\": {\"value\": [" POST(MERCHANT, SYSTEM, SHARE("25", "1000")) "]},\n"
    "      \"holds\": {\"payment_methods\": " METHODS ", \"lifetime\": {\"value\": {\"seconds\": 86400}}},\n"
    "      \"refunds\": {\"payment_methods\": " METHODS ", \"fees\": {\"value\": []},\n"
    "        \"eligibility_time\": {\"value\": {\"days\": 180}}, \"partial_refunds\": {\"cash_limit\": " LIMIT "}}}}}}},\n"
    "  {\"provider\": {\"ref\": {\"id\": 1}, \"data\": {\"name\": \"Provider\", \"description\": \"\",\n"
    "      \"proxy\": {\"ref\": {\"id\": 1}, \"additional\": {}}, \"accounts\": {\"@C\": {\"settlement\": 4001}},\n"
    "      \"terms\": {\"payments\": {\n"
    "        \"currencies\": {\"value\": [" CUR "]}, \"categories\": {\"value\": [{\"id\": 1}]},\n"
    "        \"payment_methods\": " METHODS ",\n"
    "        \"cash_limit\": " LIMIT ",\n"
    "        \"cash_flow\": {\"value\": [" POST(PROVIDER, MERCHANT, SHARE("1", "1")) ",\n"
    "          " POST(SYSTEM, PROVIDER, SHARE("15", "1000")) "]},\n"
    "        \"holds\": {\"lifetime\": {\"value\": {\"seconds\": 604800}}},\n"
    "        \"refunds\": {\"cash_flow\": {\"value\": [" POST(MERCHANT, PROVIDER, SHARE("1", "1")) "]},\n"
    "          \"partial_refunds\": {\"cash_limit\": " LIMIT "}}}}}}},\n"
    "  {\"terminal\": {\"ref\": {\"id\": 1},\n"
    "    \"data\": {\"name\": \"Terminal\", \"description\": \"\", \"provider_ref\": {\"id\": 1}}}},\n"
    "  {\"routing_rules\": {\"ref\": {\"id\": 1}, \"data\": {\"name\": \"Routes\", \"decisions\": {\"candidates\": [\n"
    "      {\"allowed\": {\"constant\": true}, \"terminal\": {\"id\": 1}}]}}}},\n"
    "  {\"routing_rules\": {\"ref\": {\"id\": 2}, \"data\": {\"name\": \"Prohibitions\", \"decisions\": {\"candidates\": []}}}},\n"
    "  {\"payment_institution\": {\"ref\": {\"id\": 1}, \"data\": {\"name\": \"Institution\", \"realm\": \"test\", \"residences\": [],\n"
    "      \"system_account_set\": {\"value\": {\"id\": 1}}, \"inspector\": {\"value\": {\"id\": 1}},\n"
    "      \"payment_routing_rules\": {\"policies\": {\"id\": 1}, \"prohibitions\": {\"id\": 2}}}}},\n"
    "  {\"globals\": {\"ref\": {}, \"data\": {\"payment_institutions\": [{\"id\": 1}]}}},\n"
    "  {\"party_config\": {\"ref\": {\"id\": \"party-1\"}, \"data\": {\"name\": \"Party\",\n"
    "      " FOR_EVER ",\n"
    "      \"contact_info\": {\"registration_email\": \"ops@example.com\"}}}},\n"
    "  {\"shop_config\": {\"ref\": {\"id\": \"shop-1\"}, \"data\": {\"name\": \"Shop\", \"party_ref\": {\"id\": \"party-1\"},\n"
    "      \"payment_institution\": {\"id\": 1}, \"terms\": {\"id\": 1}, \"category\": {\"id\": 1},\n"
    "      \"account\": {\"currency\": " CUR ", \"settlement\": 3001, \"guarantee\": 3002},\n"
    "      \"location\": {\"url\": \"https://shop.example.com\"},\n"
    "      " FOR_EVER "}}}\n"
    "]}\n";

static const struct known_currency *currency_find(const char *code)
{
    size_t i;

    for (i = 0; i < SL_COUNT(currencies); i++) {
        if (strcmp(currencies[i].code, code) == 0)
            return &currencies[i];
    }
    fprintf(stderr, "sluice: --currency must be one of");
    for (i = 0; i < SL_COUNT(currencies); i++)
        fprintf(stderr, " %s", currencies[i].code);
    fputc('\n', stderr);
    return NULL;
}

static void document_print(const struct known_currency *currency, const char *url)
{
    const char *at;

    for (at = document; *at; at++) {
        if (*at != '@') {
            putchar(*at);
            continue;
        }
        switch (*++at) {
        case 'C': fputs(currency->code, stdout); break;
        case 'N': fputs(currency->name, stdout); break;
        case '#': printf("%d", currency->number); break;
        case 'E': printf("%d", currency->exponent); break;
        default: fputs(url, stdout); break; /* of characters that JSON takes as they are: url_fault() sees to it */
        }
    }
}

int cmd_domain_init(struct cli *cli)
{
    const char *url = cli->adapter ? cli->adapter : "http://127.0.0.1:8090/provider", *fault = url_fault(url);
    const struct known_currency *currency = currency_find(cli->currency ? cli->currency : "EUR");

    if (fault)
        fprintf(stderr, "sluice: --adapter %s\n", fault);
    if (fault || !currency)
        return EXIT_USAGE;
    document_print(currency, url);
    return 0;
}

/* References in it are those of the API's description, of which it is a part. */
int cmd_domain_schema(struct cli *cli)
{
    json_t *components = json_object(), *reference = domain_schema(components), *schema;

    (void)cli;
    schema = json_pack("{s:s, s:s, s:o, s:{s:o}}", "$schema", "https://json-schema.org/draft/2020-12/schema", "title",
                       "Configuration of Sluice", "$ref", json_incref(json_object_get(reference, "$ref")), "components",
                       "schemas", components);
    json_decref(reference);
    print_json(schema);
    json_decref(schema);
    return 0;
}
