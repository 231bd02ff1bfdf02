"""What strangers, adapters and operators must not be able to do: end a daemon, or leave an invoice that nobody can read.

The provider is one that answers what it is told, whatever that is.
"""
import http.server
import json
import sys
import threading
import urllib.parse

from harness import PARTY, World, expect, request, run, wait_for

DONE = {"intent": {"finish": {"status": {"success": {}}}}, "trx": {"id": "T1", "extra": {}}}
WORLD = {}


class Liar(http.server.ThreadingHTTPServer):
    """A provider and inspector. Its next answers to process_payment are given in `lies`; then it is honest."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.lies = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answers(http.server.BaseHTTPRequestHandler):
    def log_message(self, format, *args):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/process_payment"):
            answer = self.server.lies.pop(0) if self.server.lies else DONE
        elif self.path.endswith("/handle_payment_callback"):
            answer = {"response": "", "result": self.server.lies.pop(0) if self.server.lies else DONE}
        else:
            answer = {"risk_score": "low"} if self.path.endswith("/inspect_payment") else {"blacklisted": []}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def create(identity, **members):
    status, answer = request(WORLD["port"], "POST", "/v1/invoices", {**WORLD["world"].invoice(identity), **members})
    expect(status == 201, f"{identity} was answered {status} {answer}")
    return answer


def get(path):
    status, answer = request(WORLD["port"], "GET", path)
    expect(status == 200, f"GET {path} was answered {status} {answer}")
    return answer


def pay(identity, *lies):
    """Pays a new invoice while the provider lies; the state of the invoice when the payment rests."""
    WORLD["liar"].lies = list(lies)
    create(identity)
    status, answer = request(WORLD["port"], "POST", f"/v1/invoices/{identity}/payments", WORLD["world"].payment())
    expect(status == 202, f"{identity}: the payment was answered {status} {answer}")

    def look():
        state = get(f"/v1/invoices/{identity}")
        rests = next(iter(state["payments"][0]["payment"]["status"])) in ("captured", "failed")
        return state if rests or state["machine"]["status"] == "failed" else None
    return wait_for(f"{identity} to rest", look)


def an_invoice_may_be_due_in_the_last_moment():
    last = "9999-12-31T23:59:59.999999Z"
    expect(create("late", due=last)["invoice"]["due"] == last, "it is due at another time")
    expect(get("/v1/invoices/late")["machine"]["due"] == last, "its timer is shown otherwise")
    expect([row["due"] for row in get("/v1/timers") if row["id"] == f"late@{PARTY}"] == [last], "the list shows another time")


def an_answer_nested_too_deeply_is_none():
    """However deep it is, what was stored of it can be read, and the invoice repaired."""
    for depth in (60, 64, 100, 112, 116, 118, 120, 122, 126, 200):
        failure = {"code": "x"}
        for _ in range(depth):
            failure = {"code": "x", "sub": failure}
        lie = {"intent": {"finish": {"status": {"failure": failure}}}}
        identity = f"deep-{depth}"
        state = pay(identity, lie)
        get(f"/v1/invoices/{identity}/events")
        if state["machine"]["status"] == "failed":
            status, answer = request(WORLD["port"], "POST", f"/v1/invoices/{identity}/repair", {"changes": []})
            expect(status == 200, f"the repair was answered {status} {answer}")
            wait_for("the repaired payment", lambda identity=identity: WORLD["world"].status(WORLD["port"], identity) == "captured")


def suspend(tag, seconds=600, **members):
    return {**DONE, "intent": {"suspend": {"tag": tag, "timeout": {"timeout": seconds}, **members}}}


def waits(identity):
    def look():
        status, events = request(WORLD["port"], "GET", f"/v1/invoices/{identity}/events")
        return status == 200 and "session_suspended" in json.dumps(events)
    wait_for(f"{identity} to wait", look)


def a_tag_may_be_long():
    for length in (255, 256, 300, 1000, 1024):
        tag = f"{length}/" + "ü" * ((length - 5) // 2)
        tag += "x" * (length - len(tag.encode()))
        identity = f"tag-{length}"
        WORLD["liar"].lies = [suspend(tag)]
        create(identity)
        request(WORLD["port"], "POST", f"/v1/invoices/{identity}/payments", WORLD["world"].payment())
        waits(identity)
        place = urllib.parse.quote(tag, safe="")
        get(f"/v1/provider/payments/{place}")
        status, answer = request(WORLD["port"], "POST", f"/v1/provider/callbacks/{place}", {"payload": ""})
        expect(status == 200, f"the callback under {length} bytes was answered {status} {answer}")
        wait_for("its payment", lambda identity=identity: WORLD["world"].status(WORLD["port"], identity) == "captured")
    state = pay("tag-1025", suspend("x" * 1025))
    expect("1..1024 bytes" in state["machine"]["reason"], f"{state['machine']}")


def a_recurrent_token_may_be_long():
    for length in (256, 257, 4096, 4097, 100000):
        lie = {**DONE, "intent": {"finish": {"status": {"success": {"token": "t" * length}}}}}
        state = pay(f"token-{length}", lie)
        expect("failed" not in state["machine"]["status"], f"{state['machine']}")
    for length in (0,):
        lie = {**DONE, "intent": {"finish": {"status": {"success": {"token": "t" * length}}}}}
        expect("/token must" in pay(f"token-{length}", lie)["machine"]["reason"], "it was taken")


def a_reason_may_name_many_limits():
    """The names of all limits that a shop has are more than a reason may hold."""
    def edit(text):
        document = json.loads(text)
        limit = next(o["limit_config"] for o in document["objects"] if "limit_config" in o)
        shop = next(o["shop_config"] for o in document["objects"] if "shop_config" in o)
        names = [f"{number:02}-" + "x" * 120 for number in range(40)]
        document["objects"] += [{"limit_config": {**limit, "ref": {"id": name}}} for name in names]
        shop["data"]["turnover_limits"] = [{"ref": {"id": name}, "upper_boundary": 0, "domain_revision": 1} for name in names]
        return json.dumps(document)
    WORLD["world"].apply_domain(WORLD["port"], edit=edit)
    failure = pay("limits")["payments"][0]["payment"]["status"]["failed"]["failure"]["failure"]
    expect(failure["sub"]["code"] == "shop_limit_exceeded", f"{failure}")
    expect(len(failure["reason"]) == 4096 and failure["reason"].endswith(" [cut]"), failure["reason"])
    WORLD["world"].apply_domain(WORLD["port"])


def when_time_is_up_the_provider_must_say_what_now():
    """Else nothing would ever wake the payment again."""
    state = pay("mute", suspend("mute", 0, timeout_behaviour={"callback": "AAAA"}), {})
    expect("time is up" in state["machine"].get("reason", ""), f"{state['machine']}")
    expect(state["machine"]["cause"] == "bad_answer", f"{state['machine']}")


def hold(identity):
    """Holds a payment; its machine's key."""
    world = WORLD["world"]
    payment = world.payment()
    payment["flow"] = {"hold": {"on_hold_expiration": "capture"}}
    create(identity)
    status, answer = request(WORLD["port"], "POST", f"/v1/invoices/{identity}/payments", payment)
    expect(status == 202, f"{identity}: the payment was answered {status} {answer}")
    key = world.redis_cli("--scan", "--pattern", f"sluice:{{*}}:inv:{identity}@{PARTY}").strip()

    def look():
        return world.redis_cli("HMGET", key, "activity", "state").split("\n")[0] == "flow_waiting" and world.redis_cli(
            "ZSCORE", f"{key.split('inv:')[0]}wheel", f"inv:{identity}@{PARTY}").strip() == world.redis_cli("HGET", key, "due").strip()
    wait_for(f"{identity} to be held", look)
    return key


def a_snapshot_is_only_a_cache():
    """What is wrong with it, the events make it good again, and the payment goes on at its time."""
    world = WORLD["world"]

    def edit(text):
        document = json.loads(text)
        terms = next(o["term_set_hierarchy"]["data"] for o in document["objects"] if "term_set_hierarchy" in o)
        terms["term_set"]["payments"]["holds"]["lifetime"] = {"value": {"seconds": 5}}
        return json.dumps(document)
    world.apply_domain(WORLD["port"], edit=edit)
    spoilt = {
        "garbage": ("HSET", "state", "{{{"), "empty": ("HSET", "state", "{}"), "packed": ("HSET", "state", "\x08abc"),
        "later": ("HSET", "v", "99"), "earlier": ("HSET", "v", "-1"), "word": ("HSET", "v", "x"),
        "absent": ("HDEL", "v", "state"), "gone": ("DEL",),
    }
    keys = {name: hold(name) for name in spoilt}
    for name, (command, *words) in spoilt.items():
        world.redis_cli(command, keys[name], *words)
        expect(world.status(WORLD["port"], name) in ("processed", "captured"), f"{name}: it cannot be read")
    for name in spoilt:
        wait_for(f"{name} to be captured", lambda name=name: world.status(WORLD["port"], name) == "captured")
        world.check_invoice(WORLD["port"], name)
    world.apply_domain(WORLD["port"])


def names_that_are_none_end_nobody():
    """Somebody wrote to the wheel by hand."""
    world = WORLD["world"]
    wheels = world.redis_cli("--scan", "--pattern", "sluice:{*}:wheel").split()
    members = [":", "x", "inv:", "foo:bar", "inv:nobody", "inv:no@body@", "inv:@", "inv:n@" + "p" * 129, "inv:" + "a" * 129, "inv:" + "a" * 5000, "inv:a b{}", "inv:a\n\"b", "inv:.."]
    for member in members:
        world.redis_cli("ZADD", wheels[0], "1", member)
    pay("beside")
    get("/v1/timers")
    get("/v1/machines?status=waiting")
    world.redis_cli("ZREM", wheels[0], *members)


def main():
    with World() as world:
        daemon, port = world.start_daemon()
        liar = Liar()
        WORLD.update(world=world, port=port, liar=liar)
        world.bank_port = liar.server_address[1]
        world.apply_domain(port)
        failed = run([
            ("an invoice may be due in the last moment", an_invoice_may_be_due_in_the_last_moment),
            ("an answer nested too deeply is none", an_answer_nested_too_deeply_is_none),
            ("a tag may be long", a_tag_may_be_long),
            ("a recurrent token may be long", a_recurrent_token_may_be_long),
            ("a reason may name many limits", a_reason_may_name_many_limits),
            ("when time is up the provider must say what now", when_time_is_up_the_provider_must_say_what_now),
            ("a snapshot is only a cache", a_snapshot_is_only_a_cache),
            ("names that are none end nobody", names_that_are_none_end_nobody),
        ])
        status = daemon.stop()
        if status:
            print(f"FAIL  the daemon ended with {status}\n{daemon.output()}")
        return 1 if failed or status else 0


if __name__ == "__main__":
    sys.exit(main())
