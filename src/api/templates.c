/* /v1/invoice-templates, …/{id}, …/{id}/terms, …/{id}/invoices. Ref: doc/spec/invoice.md 5, 9. */
#include <string.h>

#include "api/owner.h"
#include "api/request.h"
#include "payment/errors.h"
#include "payment/invoice_repeat.h"
#include "payment/kind.h"
#include "payment/template.h"
#include "payment/view.h"

#define NOT_FOUND "InvoiceTemplateNotFound"

static void answer_template(struct api_request *request, int status, const struct runtime_result *result)
{
    const struct template_state *state = result->state;
    struct buf json = BUF_EMPTY;

    if (!state) {
        answer_problem(request, 500, "Internal", "the template's state cannot be shown", NULL);
        return;
    }
    type_encode(&type_invoice_template, &state->invoice_template, &json);
    answer_json(request, status, &json);
}

/* Answers, and says true, unless RESULT is of a template that is there, be it removed, and the principal's own. */
static bool is_not_theirs(struct api_request *request, const struct runtime_result *result)
{
    const struct template_state *state = result->state;

    return answer_failed(request, result, NOT_FOUND) ||
           !request_owns(request, state->invoice_template.party_ref.id, NOT_FOUND);
}

static void answer_removed(struct api_request *request)
{
    answer_refusal(request, &(struct call_error){ .kind = ERR_TEMPLATE_REMOVED });
}

/* The same for one that is not removed. */
static bool is_out_of_reach(struct api_request *request, const struct runtime_result *result)
{
    const struct template_state *state = result->state;

    if (is_not_theirs(request, result))
        return true;
    if (state->deleted)
        answer_removed(request);
    return state->deleted;
}

/* ---- Create ---- */

static void answer_existing(struct api_request *request, const struct runtime_result *result)
{
    const struct template_state *state = result->state;
    struct type_places differs = { .count = 0 };

    if (state && result->version == 1) /* what an update has put in its place is not known any more */
        template_differ(&state->invoice_template, request->args, request->arena, &differs);
    if (state && state->deleted)
        answer_removed(request);
    else if (differs.count)
        answer_reused(request, &differs);
    else
        answer_template(request, 200, result);
}

static void created(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;

    if (result->err == SL_EEXIST) {
        answer_existing(request, result);
        return;
    }
    if (answer_failed(request, result, NOT_FOUND))
        return;
    answer_header(request, "Location", arena_printf(request->arena, "/v1/invoice-templates/%s", owner_shown(request, result->id)));
    answer_template(request, 201, result);
}

static void create(void *arg, const char *machine)
{
    struct api_request *request = arg;

    runtime_start_once(api_setup(request)->runtime, &template_kind, machine, request->args, request_deadline_ms(request),
                       request->once, created, request);
}

void templates_create(struct api_request *request)
{
    const struct template_params *params = request->args;

    if (request_is_merchant(request) && strcmp(request->principal->party_id, params->party_id) != 0) {
        answer_problem(request, 403, "Forbidden", "the token is another party's", NULL);
        return;
    }
    owner_machine(request, &template_kind, params->party_id, params->template_id, create, request);
}

/* ---- Get, ComputeTerms ---- */

static void got(void *arg, const struct runtime_result *result)
{
    if (!is_out_of_reach(arg, result))
        answer_template(arg, 200, result);
}

void templates_get(struct api_request *request)
{
    runtime_read(api_setup(request)->runtime, &template_kind, request->machine, 0, got, request);
}

static void terms_got(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    const struct template_state *state = result->state;
    const struct domain *head = domain_store_ops.head(api_setup(request)->domains);
    struct buf json = BUF_EMPTY;
    struct term_set terms;

    if (is_out_of_reach(request, result))
        return;
    if (!head || !template_terms(&state->invoice_template, head, request->arena, &terms)) {
        answer_problem(request, 404, "ShopNotFound", "the template's shop is not in the configuration", NULL);
        return;
    }
    type_encode(&type_term_set, &terms, &json);
    answer_json(request, 200, &json);
}

void templates_terms(struct api_request *request)
{
    runtime_read(api_setup(request)->runtime, &template_kind, request->machine, 0, terms_got, request);
}

/* ---- Update, Delete ---- */

static void called(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    const struct template_call *call = request->waiting;
    struct buf json = BUF_EMPTY;

    if (answer_failed(request, result, NOT_FOUND))
        return;
    if (call->kind == TEMPLATE_UPDATE) {
        answer_template(request, 200, result);
        return;
    }
    buf_str(&json, "{}");
    answer_json(request, 200, &json);
}

static void call_owned(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;

    if (!is_out_of_reach(request, result))
        runtime_call(api_setup(request)->runtime, &template_kind, request->machine, request->waiting, request_deadline_ms(request),
                     called, request);
}

/* A merchant's call needs a look at whose template it is first. */
static void call_template(struct api_request *request, struct template_call *call)
{
    struct runtime *runtime = api_setup(request)->runtime;

    request->waiting = call;
    if (request_is_merchant(request))
        runtime_read(runtime, &template_kind, request->machine, 0, call_owned, request);
    else
        runtime_call(runtime, &template_kind, request->machine, call, request_deadline_ms(request), called, request);
}

void templates_update(struct api_request *request)
{
    struct template_call *call = arena_alloc(request->arena, sizeof(*call));

    call->kind = TEMPLATE_UPDATE;
    call->update = *(const struct template_update *)request->args;
    call_template(request, call);
}

void templates_delete(struct api_request *request)
{
    struct template_call *call = arena_alloc(request->arena, sizeof(*call));

    call->kind = TEMPLATE_DELETE;
    call_template(request, call);
}

/* ---- CreateWithTemplate ---- */

static void answer_invoice(struct api_request *request, int status, const struct runtime_result *result)
{
    const struct outcome_machine machine = request_machine(request, result);
    struct buf json = BUF_EMPTY;

    if (!result->state) {
        answer_problem(request, 500, "Internal", "the invoice's state cannot be shown", NULL);
        return;
    }
    view_invoice(result->state, result->version, &machine, &json);
    answer_json(request, status, &json);
}

static void answer_existing_invoice(struct api_request *request, const struct template_use *use,
                                    const struct runtime_result *result)
{
    const struct invoice_state *state = result->state;
    struct type_places differs = { .count = 0 };

    if (state && !use->removed)
        invoice_differ_use(&state->invoice, use, request->arena, &differs);
    if (use->removed)
        answer_removed(request);
    else if (result->removed)
        answer_problem(request, 409, "InvoiceRemoved", result->detail, NULL);
    else if (differs.count)
        answer_reused(request, &differs);
    else
        answer_invoice(request, 200, result);
}

static void invoice_made(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    const struct template_use *use = request->args;

    if (result->err == SL_EEXIST) {
        answer_existing_invoice(request, use, result);
        return;
    }
    if (answer_failed(request, result, "InvoiceNotFound"))
        return;
    answer_header(request, "Location", arena_printf(request->arena, "/v1/invoices/%s", owner_shown(request, result->id)));
    answer_invoice(request, 201, result);
}

static void make_invoice(void *arg, const char *machine)
{
    struct api_request *request = arg;
    struct template_use *use = request->args;
    struct invoice_params *params = arena_alloc(request->arena, sizeof(*params));

    params->id = use->id;
    params->from = use;
    runtime_start_once(api_setup(request)->runtime, &invoice_kind, machine, params, request_deadline_ms(request), request->once,
                       invoice_made, request);
}

/* With a key the invoice may have been made before the template was removed: then that is the answer still. */
static void template_read(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    struct template_use *use = request->args;
    struct invoice_template *template = arena_alloc(request->arena, sizeof(*template));
    const struct template_state *state;

    if (request->once ? is_not_theirs(request, result) : is_out_of_reach(request, result))
        return;
    state = result->state;
    type_copy(&type_invoice_template, template, &state->invoice_template, request->arena);
    use->template = template;
    use->removed = state->deleted;
    owner_machine(request, &invoice_kind, template->party_ref.id, use->id, make_invoice, request);
}

void templates_invoice(struct api_request *request)
{
    runtime_read(api_setup(request)->runtime, &template_kind, request->machine, 0, template_read, request);
}
