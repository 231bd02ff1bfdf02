"""Invoices of different parties under one id, ids that look like parts of key names, and data of format 1."""
import json
import os
import sys

from harness import BUILD, SOURCE, World, expect, request, run, wait_for

ACME, GLOBEX = "party-acme", "party-globex"
SHOPS = {ACME: "shop-acme-books", GLOBEX: "shop-globex-travel"}
OPERATOR, READER = "operator-of-all-token", "reader-of-all-token"
TOKENS = [{"name": party, "token": f"merchant-{party}-token", "role": "merchant", "party_id": party} for party in SHOPS] + [
    {"name": "ops", "token": OPERATOR, "role": "operator"}, {"name": "look", "token": READER, "role": "reader"}]
HOLD = {"flow": {"hold": {"on_hold_expiration": "cancel"}}}
WORLD = {}


def ask(who, method, path, body=None, headers=None):
    token = f"merchant-{who}-token" if who in SHOPS else who
    return request(WORLD["port"], method, path, body, headers={"Authorization": f"Bearer {token}", **(headers or {})})


def must(status, who, method, path, body=None, headers=None):
    got, answer = ask(who, method, path, body, headers)
    expect(got == status, f"{who} {method} {path}: {got} {answer}")
    return answer


def invoice(party, identity, amount=42000):
    return {**WORLD["world"].invoice(identity, amount), "party_id": party, "shop_id": SHOPS[party]}


def create(party, identity, amount=42000):
    return must(201, party, "POST", "/v1/invoices", invoice(party, identity, amount))


def pay(party, identity, token="no_preauth", **more):
    """Starts a payment; as it is when it rests."""
    return must(202, party, "POST", f"/v1/invoices/{identity}/payments?wait=20", {**WORLD["world"].payment(token), **more})


def reaches(who, identity, wanted):
    wait_for(f"{identity} to be {wanted}", lambda: wanted in must(
        200, who, "GET", f"/v1/invoices/{identity}/payments/1")["payment"]["status"])


def feed(who=OPERATOR):
    return must(200, who, "GET", "/v1/feed?limit=1000")["events"]


def same_but_for(answer, identity):
    return json.dumps(answer).replace(identity, "ID")


# ---- two parties ----

def one_id_is_two_invoices():
    """Created, paid, held, captured, refunded: neither party meets the other's invoice."""
    create(ACME, "order-1", 42000)
    expect(create(GLOBEX, "order-1", 50000)["invoice"]["party_ref"]["id"] == GLOBEX, "the wrong party's invoice")
    pay(ACME, "order-1", **HOLD)
    expect(must(200, GLOBEX, "GET", "/v1/invoices/order-1")["payments"] == [], "another party's payment is shown")
    pay(GLOBEX, "order-1", **HOLD)
    must(202, ACME, "POST", "/v1/invoices/order-1/payments/1/capture", {"reason": "sent"})
    reaches(ACME, "order-1", "captured")
    reaches(GLOBEX, "order-1", "processed")
    must(202, GLOBEX, "POST", "/v1/invoices/order-1/payments/1/cancel", {"reason": "no stock"})
    reaches(GLOBEX, "order-1", "cancelled")
    refund = must(202, ACME, "POST", "/v1/invoices/order-1/payments/1/refunds?wait=20", {
        "id": "r", "cash": {"amount": 10000, "currency": {"symbolic_code": "RUB"}}})
    expect("succeeded" in refund["status"], f"the refund is {refund}")
    must(404, GLOBEX, "GET", "/v1/invoices/order-1/payments/1/refunds/r")
    for party, cost in ((ACME, 42000), (GLOBEX, 50000)):
        expect(must(200, party, "GET", "/v1/invoices/order-1")["invoice"]["cost"]["amount"] == cost, f"{party}'s cost")
        for event in must(200, party, "GET", "/v1/invoices/order-1/events"):
            expect(event["source"] == {"invoice_id": "order-1"}, f"a merchant is shown {event['source']}")


def the_bank_tells_them_apart():
    book = WORLD["world"].book()
    expect(book["conflicts"] == [], f"keys were used twice: {book['conflicts']}")
    kept = {tuple(sorted(kind for kind in ("charges", "captures", "cancels", "refunds") if entry[kind]))
            for entry in book["payments"] if entry["invoice_id"].startswith("order-1")}
    expect(kept == {("captures", "charges", "refunds"), ("cancels", "charges")}, f"the bank's book has {kept}")
    keys = [(entry["invoice_id"], row["key"]) for entry in book["payments"] for row in entry["charges"]]
    expect(len({key for _, key in keys}) == len(keys), f"charges share a key: {keys}")


def nobody_learns_of_the_other():
    """What is another party's is answered word for word as what is nobody's."""
    create(ACME, "secret")
    pay(ACME, "secret", **HOLD)
    for method, tail, body in (("GET", "", None), ("GET", "/events", None), ("GET", "/payments/1", None),
                               ("GET", "/payments/1/route", None), ("POST", "/rescind", {"reason": "x"}),
                               ("POST", "/payments/1/capture", {"reason": "x"}),
                               ("POST", "/payments", WORLD["world"].payment())):
        for query in ("", f"?party={ACME}"):
            theirs = ask(GLOBEX, method, f"/v1/invoices/secret{tail}{query}", body)
            none = ask(GLOBEX, method, f"/v1/invoices/absent{tail}{query}", body)
            expect(theirs[0] == none[0] == (403 if query else 404) and same_but_for(theirs, "secret") == same_but_for(none, "absent"),
                   f"{method} {tail}{query}: {theirs}, and of nothing {none}")
        theirs = ask(GLOBEX, method, f"/v1/invoices/secret@{ACME}{tail}", body)
        none = ask(GLOBEX, method, f"/v1/invoices/absent@{ACME}{tail}", body)
        expect(theirs[0] == 404 and theirs == none, f"{method} {tail}: {theirs}, and of nothing {none}")
    create(GLOBEX, "secret")
    must(200, ACME, "POST", "/v1/invoices", invoice(ACME, "secret"))


def idempotency_keys_are_apart():
    first = must(201, ACME, "POST", "/v1/invoices", invoice(ACME, "keyed"), {"Idempotency-Key": "k"})
    second = must(201, GLOBEX, "POST", "/v1/invoices", invoice(GLOBEX, "keyed"), {"Idempotency-Key": "k"})
    expect(first["invoice"]["party_ref"] != second["invoice"]["party_ref"], "one party is given the other's answer")


def templates_are_apart():
    for party, product in ((ACME, "duck"), (GLOBEX, "goose")):
        must(201, party, "POST", "/v1/invoice-templates", {
            "template_id": "t", "party_id": party, "shop_id": SHOPS[party], "product": product,
            "invoice_lifetime": {"years": 0, "months": 0, "days": 10},
            "details": {"product": {"product": product, "price": {"unlim": {}}, "metadata": {}}},
            "context": {"type": "text/plain", "data": ""}})
    for party, product in ((ACME, "duck"), (GLOBEX, "goose")):
        made = must(201, party, "POST", "/v1/invoice-templates/t/invoices", {
            "id": "made", "cost": {"amount": 42000, "currency": {"symbolic_code": "RUB"}}})
        expect(made["invoice"]["id"] == "made" and made["invoice"]["details"]["product"] == product, f"{party}: {made}")
        expect(made["invoice"]["template_id"] == "t", f"{made['invoice']}")
    must(200, ACME, "DELETE", "/v1/invoice-templates/t")
    must(410, ACME, "GET", "/v1/invoice-templates/t")
    must(200, GLOBEX, "GET", "/v1/invoice-templates/t")


def parents_are_the_partys_own():
    """A payer of another party's payment is as good as none."""
    create(ACME, "first")
    pay(ACME, "first", make_recurrent=True)
    create(GLOBEX, "later")
    body = {"payer": {"recurrent": {"recurrent_parent": {"invoice_id": "first", "payment_id": "1"}, "contact_info": {}}},
            "flow": {"instant": {}}}
    answer = must(422, GLOBEX, "POST", "/v1/invoices/later/payments", body)
    expect(answer["error"] == "InvalidRecurrentParentPayment" and "not found" in json.dumps(answer), f"{answer}")
    create(ACME, "again")
    answer = must(202, ACME, "POST", "/v1/invoices/again/payments?wait=20", body)
    expect("captured" in answer["payment"]["status"], f"{answer}")


# ---- whoever has no party ----

def walk_feed(who, limit):
    """All events that WHO is told, LIMIT at a time; and the last cursor."""
    events, cursor = [], ""
    while True:
        page = must(200, who, "GET", f"/v1/feed?limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
        if not page["events"] and page["cursor"] == cursor:
            return events, cursor
        events, cursor = events + page["events"], page["cursor"]


def a_merchants_feed_is_its_partys():
    for party, other in ((ACME, GLOBEX), (GLOBEX, ACME)):
        own = [event for event in feed() if next(iter(event["source"].values())).endswith(f"@{party}")]
        told, cursor = walk_feed(party, 1)
        expect(own and len(told) == len(own), f"{party} is told {len(told)} of its {len(own)} events")
        for event, whole in zip(told, own):
            mine = {name: value.removesuffix(f"@{party}") for name, value in whole["source"].items()}
            expect(event == {**whole, "source": mine}, f"{party} is told {event}, not {whole}")
        create(other, f"not-{party}")
        create(party, f"for-{party}")
        page = must(200, party, "GET", f"/v1/feed?wait=20&cursor={cursor}")
        expect([event["source"] for event in page["events"]] == [{"invoice_id": f"for-{party}"}], f"{page}")
        page = must(200, party, "GET", f"/v1/feed?wait=1&cursor={page['cursor']}")
        expect(page["events"] == [], f"{page}")


def printed_ids_can_be_pasted():
    """What feeds and lists print is a path's id for an operator, and tells the parties apart."""
    sources = {event["source"].get("invoice_id") for event in feed()}
    expect({f"order-1@{ACME}", f"order-1@{GLOBEX}"} <= sources, f"the feed has {sources}")
    for source in sources - {None}:
        shown = must(200, READER, "GET", f"/v1/invoices/{source}")
        expect("@".join((shown["invoice"]["id"], shown["invoice"]["party_ref"]["id"])) == source, f"{source}: {shown}")
    create(GLOBEX, "stuck")
    pay(GLOBEX, "stuck", "unexpected_failure")
    wait_for("a failed machine", lambda: must(200, READER, "GET", "/v1/machines"))
    listed = [entry["id"] for entry in must(200, READER, "GET", "/v1/machines")]
    expect(listed == [f"stuck@{GLOBEX}"], f"failed are {listed}")
    shown = must(200, OPERATOR, "POST", f"/v1/invoices/{listed[0]}/repair?dry_run=true")
    expect(shown["id"] == listed[0], f"{shown}")
    printed = WORLD["world"].sluice("invoice", "show", f"order-1@{GLOBEX}", f"--token={OPERATOR}",
                                    f"--api=http://127.0.0.1:{WORLD['port']}")
    expect(f"order-1@{GLOBEX}: " in printed and "50000 RUB" in printed, printed)
    printed = WORLD["world"].sluice("invoice", "show", "order-1", f"--party={ACME}", f"--token={OPERATOR}",
                                    f"--api=http://127.0.0.1:{WORLD['port']}")
    expect(f"order-1@{ACME}: " in printed and "42000 RUB" in printed, printed)


def operators_name_the_party_where_it_matters():
    for path in (f"/v1/invoices/order-1@{GLOBEX}", f"/v1/invoices/order-1?party={GLOBEX}"):
        expect(must(200, OPERATOR, "GET", path)["invoice"]["party_ref"]["id"] == GLOBEX, path)
    answer = must(400, OPERATOR, "GET", "/v1/invoices/order-1")
    expect(answer["errors"][0]["field"] == "?party" and f"order-1@{ACME}" in answer["errors"][0]["message"]
           and f"order-1@{GLOBEX}" in answer["errors"][0]["message"], f"{answer}")
    must(400, OPERATOR, "POST", "/v1/invoices/order-1/rescind", {"reason": "x"})
    must(404, OPERATOR, "GET", "/v1/invoices/absent")
    must(404, OPERATOR, "GET", f"/v1/invoices/order-1@party-of-nobody")
    must(400, OPERATOR, "GET", f"/v1/invoices/order-1@{ACME}?party={GLOBEX}")
    must(404, OPERATOR, "GET", f"/v1/invoices/order-1@{ACME}@{GLOBEX}")
    create(ACME, "alone")
    expect(must(200, READER, "GET", "/v1/invoices/alone")["invoice"]["id"] == "alone", "one invoice alone has the id")


# ---- ids that look like parts of keys ----

def no_id_owns_anothers_keys():
    """Were parts joined by what ids may hold, these would be each other's histories and keys."""
    names = ("N", "N:events", "N:once", "N:once:K", "inv:N", "N:K", "N.1", "N~", "N:events:once:K")
    for i, name in enumerate(names):
        must(201, ACME, "POST", "/v1/invoices", invoice(ACME, name, 42000 + i), {"Idempotency-Key": "K"})
    for i, name in enumerate(names):
        again = must(201, ACME, "POST", "/v1/invoices", invoice(ACME, name, 42000 + i), {"Idempotency-Key": "K"})
        expect(again["invoice"]["id"] == name, f"the key of {name} answers {again['invoice']['id']}")
        pay(ACME, name)
        pay_events = must(200, ACME, "GET", f"/v1/invoices/{name}/events")
        expect(pay_events[0]["payload"]["invoice_changes"][0]["invoice_created"]["invoice"]["id"] == name, f"{name}")
        expect("captured" in must(200, ACME, "GET", f"/v1/invoices/{name}/payments/1")["payment"]["status"], name)
    entries = [e for e in WORLD["world"].book()["payments"] if e["invoice_id"].split("@")[0] in names]
    expect(len(entries) == len(names) and WORLD["world"].book()["conflicts"] == [], f"{entries}")


# ---- removed invoices ----

def a_removed_invoice_keeps_its_id():
    """Its history is there for operators and readers; its party is told that it is gone, and the id is not used again."""
    create(ACME, "gone")
    pay(ACME, "gone", "unexpected_failure")
    wait_for("a failed machine", lambda: any(e["id"].startswith("gone") for e in must(200, READER, "GET", "/v1/machines")))
    must(200, OPERATOR, "POST", "/v1/invoices/gone/repair", {"changes": [], "action": {"remove": {}}, "params": {"move_balances": True}})
    answer = must(409, ACME, "POST", "/v1/invoices", invoice(ACME, "gone"))
    expect(answer["error"] == "InvoiceRemoved", f"{answer}")
    must(409, OPERATOR, "POST", "/v1/invoices", invoice(ACME, "gone"))
    must(404, ACME, "GET", "/v1/invoices/gone")
    must(404, ACME, "GET", "/v1/invoices/gone/events")
    must(404, READER, "GET", "/v1/invoices/gone")
    for who in (READER, OPERATOR):
        events = must(200, who, "GET", "/v1/invoices/gone/events")
        expect("invoice_created" in events[0]["payload"]["invoice_changes"][0], f"{events}")
    create(GLOBEX, "gone")


# ---- format 1 ----

def load(world):
    """What a deployment of format 1 had stored, its timers far away."""
    with open(f"{SOURCE}/tests/integration/format1.json", encoding="utf-8") as file:
        stored = json.load(file)
    far = "4070908800000"
    world.redis_cli("FLUSHALL")
    for words in stored["redis"]:
        if words[1].endswith(":wheel"):
            words = [far if i >= 2 and i % 2 == 0 else word for i, word in enumerate(words)]
        if "due" in words and words[0] == "HSET" and words[words.index("due") + 1]:
            words[words.index("due") + 1] = far
        world.redis_cli(*words)
    with open(f"{world.folder}/book", "w", encoding="utf-8") as file:
        file.write(stored["book"])


def old_invoices_go_on():
    """Read, paid, captured and called back, by their parties and by operators, under the ids they have."""
    world = WORLD["world"]
    expect(must(200, ACME, "GET", "/v1/invoices/unpaid")["latest_event_id"] == 1, "the old invoice is not read")
    must(200, ACME, "POST", "/v1/invoices", invoice(ACME, "unpaid") | {"due": "2099-01-01T00:00:00Z"})
    must(404, GLOBEX, "GET", "/v1/invoices/unpaid")
    must(404, OPERATOR, "GET", f"/v1/invoices/unpaid@{GLOBEX}")
    must(200, OPERATOR, "GET", "/v1/invoices/unpaid")
    must(200, OPERATOR, "GET", f"/v1/invoices/unpaid@{ACME}")
    pay(ACME, "unpaid")
    reaches(ACME, "unpaid", "captured")
    must(202, ACME, "POST", "/v1/invoices/held/payments/1/capture", {"reason": "sent"})
    reaches(ACME, "held", "captured")
    tag = world.redis_cli("--scan", "--pattern", "sluice:*:tag:*").strip().split(":tag:")[1]
    must(200, OPERATOR, "GET", f"/v1/provider/payments/{tag}")
    must(200, OPERATOR, "POST", f"/v1/provider/callbacks/{tag}", {"payload": ""})
    expect([e["id"] for e in must(200, READER, "GET", "/v1/machines")] == ["parked"], "the old failed machine")
    must(200, READER, "GET", "/v1/invoices/parked")
    must(200, READER, "GET", "/v1/invoices/gone/events")
    must(409, ACME, "POST", "/v1/invoices", invoice(ACME, "gone"))
    must(200, ACME, "GET", "/v1/invoice-templates/tpl")
    must(404, GLOBEX, "GET", "/v1/invoice-templates/tpl")
    expect(must(200, GLOBEX, "GET", f"/v1/parties/{GLOBEX}/customers/c1")["payments"] == [
        {"invoice_id": "paid", "payment_id": "1"}], "the old customer")
    expect(world.redis_cli("--scan", "--pattern", "sluice:*:inv:*@*") == "", "an old invoice was doubled")
    expect("unpaid" in {event["source"].get("invoice_id") for event in feed()}, "the feed has no old events")


def new_invoices_stand_beside_old_ones():
    create(GLOBEX, "unpaid", 50000)
    expect(must(200, ACME, "GET", "/v1/invoices/unpaid")["invoice"]["cost"]["amount"] == 42000, "the old one")
    expect(must(200, GLOBEX, "GET", "/v1/invoices/unpaid")["invoice"]["cost"]["amount"] == 50000, "the new one")
    must(400, OPERATOR, "GET", "/v1/invoices/unpaid")
    must(200, OPERATOR, "GET", f"/v1/invoices/unpaid@{ACME}")
    pay(GLOBEX, "unpaid")
    reaches(GLOBEX, "unpaid", "captured")


def the_format_is_written_down():
    """So that a program of before refuses this Redis, and this one remembers that old ids are there."""
    meta = WORLD["world"].redis_cli("HGETALL", "sluice:meta").split()
    meta = dict(zip(meta[::2], meta[1::2]))
    expect(meta["format"] == "2" and meta["format_first"] == "1", f"{meta}")


# ---- running them ----

def start(world):
    path = os.path.join(world.folder, "tokens")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(TOKENS, file)
    process = world.start("sluiced", [f"{BUILD}/sluiced", f"--tokens={path}", "--fault-detector=off",
                                      f"--redis=unix://{world.socket}", "--listen=127.0.0.1:0", "--lease=400"])
    WORLD.update(world=world, port=process.listening())
    with open(f"{SOURCE}/examples/domain.json", encoding="utf-8") as file:
        text = file.read().replace("127.0.0.1:8090", f"127.0.0.1:{world.bank_port}")
    for seconds in ("604800", "604801"):
        must(200, OPERATOR, "PUT", "/v1/domain", text.replace('"seconds": 604800', f'"seconds": {seconds}').encode())
    wait_for("the configuration", lambda: request(WORLD["port"], "GET", "/readyz")[0] == 200)


def main():
    with World(time_scale=0.02) as world:
        start(world)
        failed = run([(test.__name__, test) for test in (
            one_id_is_two_invoices, the_bank_tells_them_apart, nobody_learns_of_the_other, idempotency_keys_are_apart,
            templates_are_apart, parents_are_the_partys_own, a_merchants_feed_is_its_partys, printed_ids_can_be_pasted,
            operators_name_the_party_where_it_matters, no_id_owns_anothers_keys, a_removed_invoice_keeps_its_id)])
    with World(time_scale=0.02, prepare=load) as world:
        start(world)
        return run([(test.__name__, test) for test in (
            old_invoices_go_on, new_invoices_stand_beside_old_ones, the_format_is_written_down)]) or failed


if __name__ == "__main__":
    sys.exit(main())
