/* What the answers look like, for /openapi.json. Shapes of our own stand here as JSON; whatever has a table of
 * types comes from that table. In the texts "#Name" is short for a reference to a component. */
#include <stdlib.h>
#include <string.h>

#include "api/replies.h"
#include "payment/calls.h"
#include "payment/change.h"
#include "payment/proxy.h"
#include "payment/template.h"

static const struct {
    const char *name, *schema;
} shapes[] = {
    { "InvoiceState",
      "{'type':'object','required':['latest_event_id','invoice','payments'],'properties':{"
      "'latest_event_id':{'type':'integer'},'invoice':'#Invoice','status':{'type':'string'},'payments':{'type':'array',"
      "'items':'#PaymentState'},'machine':'#MachineState'}}" },
    { "MachineState",
      "{'type':'object','required':['status','activity'],'properties':{'status':{'type':'string','enum':['working',"
      "'retrying','failed']},'activity':{'type':'string'},'due':{'type':'string','format':'date-time'},"
      "'attempts':{'type':'integer'},'since':{'type':'string','format':'date-time'},'cause':{'type':'string','enum':"
      "['unavailable','unknown_outcome','bad_answer','declined','corrupt','too_many_calls','other']},'reason':{'type':'string'}}}" },
    { "FlatFailure",
      "{'type':'object','required':['code'],'properties':{'code':{'type':'string'},'reason':{'type':'string'}}}" },
    { "NextAction",
      "{'oneOf':[{'type':'object','required':['redirect'],'additionalProperties':false,'properties':{'redirect':"
      "{'type':'object','required':['method','url'],'properties':{'method':{'type':'string','enum':['GET','POST']},"
      "'url':{'type':'string'},'form':{'type':'object','additionalProperties':{'type':'string'}}}}}},"
      "{'type':'object','minProperties':1,'maxProperties':1,'properties':{'payment_terminal_reciept':{'type':'object'},"
      "'crypto_currency_transfer_request':{'type':'object'},'qr_code_display_request':{'type':'object'},"
      "'api_extension_request':{'type':'object'}},'additionalProperties':false}]}" },
    { "RefundState",
      "{'type':'object','required':['id','status','created_at','domain_revision','cash'],'properties':{'id':{'type':"
      "'string'},'status':'#InvoicePaymentRefundStatus','created_at':{'type':'string','format':'date-time'},"
      "'domain_revision':{'type':'integer'},'cash':'#Cash','reason':{'type':'string'},'cart':'#InvoiceCart',"
      "'external_id':{'type':'string'},'failure':'#FlatFailure','next_action':'#NextAction','next_try_at':{'type':"
      "'string','format':'date-time'},'machine':'#MachineState'}}" },
    { "PaymentState",
      "{'type':'object','required':['payment','sessions'],'properties':{'payment':'#InvoicePayment','route':'#Route',"
      "'cash_flow':'#CashFlow','adjustments':{'type':'array'},'refunds':{'type':'array','items':{'type':'object',"
      "'required':['refund','sessions'],'properties':{'refund':'#InvoicePaymentRefund','cash_flow':'#CashFlow',"
      "'sessions':{'type':'array','items':{'type':'object','properties':{'transaction_info':'#TransactionInfo'}}},"
      "'status':{'type':'string'},'failure':'#FlatFailure'}}},"
      "'legacy_refunds':{'type':'array','items':'#InvoicePaymentRefund'},'sessions':{'type':'array','items':{'type':'object','properties':{"
      "'target_status':'#TargetStatus','transaction_info':'#TransactionInfo'}}},"
      "'last_transaction_info':'#TransactionInfo','activity':{'type':'string'},'status':{'type':'string','enum':['pending',"
      "'processed','captured','cancelled','failed','refunded','charged_back']},'failure':'#FlatFailure',"
      "'amount_captured':{'type':'integer'},'amount_refunded':{'type':'integer'},'next_action':'#NextAction',"
      "'next_try_at':{'type':'string','format':'date-time'},'machine':'#MachineState','invoice_id':{'type':'string'},"
      "'latest_event_id':{'type':'integer'}}}" },
    { "RouteExplanation",
      "{'type':'object','required':['explained_routes','used_varset'],'properties':{'explained_routes':{'type':'array',"
      "'items':{'type':'object','required':['route','is_chosen','rejection_description'],'properties':{'route':'#Route',"
      "'is_chosen':{'type':'boolean'},'scores':'#RouteScores','limits':{'type':'array','items':'#TurnoverLimitValue'},"
      "'rejection_description':{'type':'string'}}}},'used_varset':{'type':'object'}}}" },
    { "RouteLimitValues",
      "{'type':'array','items':{'type':'object','required':['route','limits'],'properties':{'route':'#Route',"
      "'limits':{'type':'array','items':{'type':'object','required':['limit'],'properties':{'limit':'#TurnoverLimit',"
      "'value':{'type':'integer'},'current':{'type':'integer'}}}}}}}" },
    { "Event",
      "{'type':'object','required':['id','created_at','source','payload'],'properties':{'id':{'type':'integer'},"
      "'created_at':{'type':'string','format':'date-time'},'source':{'type':'object','properties':{"
      "'invoice_id':{'type':'string'},'invoice_template_id':{'type':'string'}}},'payload':{'type':'object','properties':{"
      "'invoice_changes':{'type':'array','items':'#InvoiceChange'},'invoice_template_changes':{'type':'array',"
      "'items':'#InvoiceTemplateChange'}}}}}" },
    { "Events", "{'type':'array','items':'#Event'}" },
    { "FeedPage",
      "{'type':'object','required':['events','cursor'],'properties':{'events':'#Events','cursor':{'type':'string'}}}" },
    { "CardTokens",
      "{'type':'object','required':['party_id','card','tokens'],'properties':{'party_id':{'type':'string'},"
      "'card':{'type':'string'},'tokens':{'type':'array','items':'#RecurrentToken'}}}" },
    { "Customer",
      "{'type':'object','required':['party_id','id','payments','cards'],'properties':{'party_id':{'type':'string'},"
      "'id':{'type':'string'},'payments':{'type':'array','items':{'type':'object','properties':{'invoice_id':"
      "{'type':'string'},'payment_id':{'type':'string'}}}},'cards':{'type':'array','items':{'type':'string'}}}}" },
    { "DomainRevision",
      "{'type':'object','required':['revision','document'],'properties':{'revision':{'type':'integer'},"
      "'document':{'type':'object'}}}" },
    { "DomainCommitted",
      "{'type':'object','required':['revision','findings'],'properties':{'revision':{'type':'integer'},"
      "'unchanged':{'type':'boolean'},'findings':{'type':'array','items':'#DomainFinding'}}}" },
    { "DomainFinding",
      "{'type':'object','required':['level','rule','path','object','message'],'properties':{'level':{'enum':['error','warning']},"
      "'rule':{'type':'string'},'path':{'type':'string'},'object':{'type':'string'},'message':{'type':'string'}}}" },
    { "Account",
      "{'type':'object','required':['account_id','own_amount','min_available_amount','max_available_amount'],"
      "'properties':{'account_id':{'type':'integer'},'own_amount':{'type':'integer'},"
      "'min_available_amount':{'type':'integer'},'max_available_amount':{'type':'integer'},'currency':'#CurrencyRef'}}" },
    { "LimitValue",
      "{'type':'object','required':['limit_id','counter','value'],'properties':{'limit_id':{'type':'string'},"
      "'counter':{'type':'string'},'value':{'type':'integer'}}}" },
    { "Machines",
      "{'type':'array','items':{'type':'object','required':['kind','id'],'properties':{'kind':{'type':'string'},"
      "'id':{'type':'string'},'due':{'type':'string','format':'date-time'},'status':{'type':'string'},"
      "'activity':{'type':'string'},'attempts':{'type':'integer'},'since':{'type':'string','format':'date-time'},"
      "'cause':{'type':'string'},'reason':{'type':'string'}}}}" },
    { "Repaired",
      "{'type':'object','required':['id','version'],'properties':{'id':{'type':'string'},'version':{'type':'integer'},"
      "'dry_run':{'type':'boolean'},'outcome':{'type':'string','enum':['commit','effect','retry','fail']},"
      "'reason':{'type':'string'},'changes':{'type':'array','items':'#InvoiceChange'},'postings':{'type':'array',"
      "'items':{'type':'object','required':['balance','delta'],'properties':{'balance':{'type':'string'},"
      "'delta':{'type':'integer'}}}},'timer':{'type':'object','properties':{'set':{'type':'string',"
      "'format':'date-time'},'unset':{'type':'object'}}},'effect':{'type':'object','required':['kind'],'properties':{"
      "'kind':{'type':'string'},'url':{'type':'string'},'key':{'type':'string'}}},'activity':{'type':'string'},"
      "'removed':{'type':'boolean'},'settled':{'type':'boolean'},'machine':'#MachineState'}}" },
    { "Daemons",
      "{'type':'array','items':{'type':'object','required':['name'],'properties':{'name':{'type':'string'},'version':"
      "{'type':'string'},'started_at':{'type':'string','format':'date-time'},'host':{'type':'string'},'pid':{'type':"
      "'integer'},'listen':{'type':'array','items':{'type':'string'}},'options':{'type':'object'},'differs':{'type':"
      "'array','items':{'type':'string'}}}}}" },
    { "Partitions",
      "{'type':'array','items':{'type':'object','required':['partition','tag','owner','waiting'],'properties':{"
      "'partition':{'type':'integer'},'tag':{'type':'string'},'owner':{'type':'string'},'waiting':{'type':'integer'}}}}" },
    { "ProvidersHealth",
      "{'type':'object','required':['enabled','providers'],'properties':{'enabled':{'type':'boolean'},"
      "'providers':{'type':'array','items':{'type':'object','required':['provider_id'],'properties':{"
      "'provider_id':{'type':'integer'},'name':{'type':'string'},'availability':{'type':'object','properties':{"
      "'status':{'type':'string','enum':['alive','dead']},'failure_rate':{'type':'number'}}},"
      "'conversion':{'type':'object','properties':{'status':{'type':'string','enum':['normal','lacking']},"
      "'failure_rate':{'type':'number'}}}}}}}}" },
    { "Health",
      "{'type':'object','required':['status'],'properties':{'status':{'type':'string'},'redis':{'type':'boolean'},"
      "'configuration':{'type':'boolean'},'durability':{'type':'string'},'access':{'type':'string'},"
      "'reason':{'type':'string'},'detail':{'type':'string'}}}" },
    { "Nothing", "{'type':'object'}" },
    { "Problem",
      "{'type':'object','required':['type','title','status','error'],'properties':{'type':{'type':'string'},"
      "'title':{'type':'string'},'status':{'type':'integer'},'detail':{'type':'string'},'error':{'type':'string'},"
      "'errors':{'type':'array','items':{'type':'object','required':['field','message'],'properties':{"
      "'field':{'type':'string'},'message':{'type':'string'}}}}}}" },
};

static const struct type *const tables[] = {
    &type_invoice, &type_payment, &type_route, &type_trx, &type_target, &type_refund, &type_invoice_change, &type_payment_info,
    &type_callback_reply,
    &type_invoice, &type_payment, &type_route, &type_trx, &type_target, &type_invoice_change, &type_payment_info,
    &type_callback_reply, &type_card_token, &type_invoice_template, &type_template_change, &type_term_set,
};

/* The text as JSON: ' is ", and '#Name' is a reference. The caller's. */
static json_t *shape_parse(const char *text)
{
    struct buf json = BUF_EMPTY;
    json_t *schema;
    size_t len;

    while (*text) {
        if (strncmp(text, "'#", 2) == 0) {
            len = strcspn(text + 2, "'");
            buf_printf(&json, "{\"$ref\":\"#/components/schemas/%.*s\"}", (int)len, text + 2);
            text += len + 3;
        } else {
            buf_char(&json, *text == '\'' ? '"' : *text);
            text++;
        }
    }
    schema = json_loadb(buf_text(&json), json.len, JSON_REJECT_DUPLICATES, NULL);
    buf_clear(&json);
    return schema;
}

void replies_describe(json_t *schemas)
{
    size_t i;

    for (i = 0; i < SL_COUNT(tables); i++)
        json_decref(type_schema(tables[i], schemas));
    json_object_set_new(schemas, "CashFlow", type_schema(&type_cash_flow, schemas));
    for (i = 0; i < SL_COUNT(shapes); i++)
        json_object_set_new(schemas, shapes[i].name, shape_parse(shapes[i].schema));
}
