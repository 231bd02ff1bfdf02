/* sluice domain apply, show */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

int cmd_domain_apply(struct cli *cli)
{
    json_t *answer;
    int code = api_send_file(cli, "PUT", cli->force ? "/v1/domain?force=true" : "/v1/domain", cli->argv[0], &answer);

    if (!code && cli->json) {
        print_json(answer);
    } else if (!code) {
        print_findings(json_object_get(answer, "findings"));
        printf(json_is_true(json_object_get(answer, "unchanged"))
                   ? "The document is configuration revision %lld already: nothing was committed.\n"
                   : "Configuration revision %lld is committed.\n",
               (long long)json_integer_value(json_object_get(answer, "revision")));
    }
    json_decref(answer);
    return code;
}

int cmd_domain_show(struct cli *cli)
{
    char path[64];
    json_t *answer;
    int code;

    if (cli->argc)
        snprintf(path, sizeof(path), "/v1/domain/%.40s", cli->argv[0]);
    else
        snprintf(path, sizeof(path), "/v1/domain");
    code = api_get(cli, path, &answer);
    if (!code)
        print_json(cli->json ? answer : json_object_get(answer, "document"));
    json_decref(answer);
    return code;
}
