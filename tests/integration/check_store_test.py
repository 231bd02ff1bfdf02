"""Damage made by hand: daemons park what they cannot read, the feed passes it over, `sluice check-store` finds and fixes."""
import json
import subprocess
import sys
import threading

from harness import BUILD, WAIT_S, World, expect, request, run, wait_for

AMOUNT = 42000
EVENT_JSON = "[{\"broken"


def start(world):
    daemon, port = world.start_daemon()
    world.apply_domain(port)
    return daemon, port


def pay(world, port, identity, token="no_preauth"):
    status, answer = request(port, "POST", "/v1/invoices", world.invoice(identity, AMOUNT))
    expect(status == 201, f"{identity}: {status} {answer}")
    status, answer = request(port, "POST", f"/v1/invoices/{identity}/payments", world.payment(token))
    expect(status == 202, f"{identity}: {status} {answer}")


def wait_captured(world, port, identities):
    for identity in identities:
        wait_for(f"{identity} to be captured", lambda identity=identity: world.status(port, identity) == "captured")


def check_store(world, *words):
    """(exit code, answer)"""
    done = subprocess.run([f"{BUILD}/sluice", "check-store", "--json", "--redis", f"unix://{world.socket}", *words],
                          capture_output=True, text=True, timeout=4 * WAIT_S)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        expect(False, f"check-store left with {done.returncode}: {done.stdout} {done.stderr}")


def events_key(world, identity):
    keys = world.redis_cli("--scan", "--pattern", f"sluice:{{*}}*{identity}*events").split()
    expect(len(keys) == 1, f"keys of {identity}: {keys}")
    return keys[0]


def machine_key(world, identity):
    return events_key(world, identity)[:-len(":events")]


def of_partition(world, identity, name):
    return events_key(world, identity).split("}:")[0] + "}:" + name


def member(world, identity):
    return machine_key(world, identity).split("}:")[1]


def break_json(world, identity):
    """Its first event is no JSON any more; the snapshot goes, so that it has to be read."""
    key = events_key(world, identity)
    count = int(world.redis_cli("XLEN", key))
    at = world.redis_cli("XRANGE", key, "-", "+").split("\nat\n")[1].split("\n")[0]
    world.redis_cli("DEL", key)
    for number in range(1, count + 1):
        world.redis_cli("XADD", key, f"{number}-0", "at", at, "changes", EVENT_JSON)
    world.redis_cli("HDEL", machine_key(world, identity), "state", "v")


def lose_event(world, identity):
    world.redis_cli("XDEL", events_key(world, identity), "1-0")
    world.redis_cli("HDEL", machine_key(world, identity), "state", "v")


def wrong_type(world, identity):
    key = events_key(world, identity)
    world.redis_cli("DEL", key)
    world.redis_cli("SET", key, "a string")


def tags_of(port):
    return [partition["tag"] for partition in request(port, "GET", "/v1/partitions")[1]]


def haunt(world, tags, ghost):
    """Puts a machine on the wheel that is not there: in its own partition, which the id alone tells, so in all of them."""
    for tag in tags:
        world.redis_cli("ZADD", f"sluice:{{{tag}}}:wheel", "1", ghost)


def own(name):
    """The id that the invoice was made with: it is printed with its party behind it."""
    return name.split("@")[0]


def failed(port):
    status, machines = request(port, "GET", "/v1/machines?status=failed")
    expect(status == 200, f"the list of failed machines: {status}")
    return {own(machine["id"]): machine for machine in machines}


def feed(port):
    events, cursor = [], ""
    while True:
        status, answer = request(port, "GET", f"/v1/feed?limit=100&cursor={cursor}" if cursor else "/v1/feed?limit=100")
        expect(status == 200, f"the feed stops with {status}: {answer}")
        if not answer["events"]:
            return events
        events += answer["events"]
        cursor = answer["cursor"]


def what_cannot_be_read_is_parked():
    """Broken JSON, a missing event, a key of a wrong type, a place on the wheel without a machine: each is failed with a
    cause, counted, listed, claimed no more, and the feed goes past it."""
    with World() as world:
        daemon, port = start(world)
        damages = {"b-json": break_json, "b-gap": lose_event, "b-type": wrong_type}
        for identity in [*damages, "fine"]:
            expect(request(port, "POST", "/v1/invoices", world.invoice(identity, AMOUNT))[0] == 201, "no invoice")
        wheels = {identity: (of_partition(world, identity, "wheel"), member(world, identity)) for identity in damages}
        for identity, damage in damages.items():
            damage(world, identity)
            world.redis_cli("ZADD", wheels[identity][0], "1", wheels[identity][1])
        ghost = member(world, "fine").replace("fine", "ghost")
        wait_for("the damage to be parked", lambda: set(damages) <= set(failed(port)))
        for identity in damages:
            expect(failed(port)[identity].get("cause") == "corrupt", f"its cause: {failed(port)[identity]}")
            expect(world.redis_cli("ZSCORE", *wheels[identity]).strip() == "", f"{identity} is on the wheel still")
        haunt(world, tags_of(port), ghost)
        wait_for("the ghost to be parked", lambda: "ghost" in failed(port))
        status, answer = request(port, "GET", "/v1/machines?status=stuck")
        expect(status == 200 and set(damages) <= {own(machine["id"]) for machine in answer}, f"stuck: {status} {answer}")
        events = feed(port)
        unreadable = {own(event["source"]["invoice_id"]) for event in events if event.get("unreadable")}
        readable = {own(event["source"]["invoice_id"]) for event in events if not event.get("unreadable")}
        expect(unreadable == set(damages), f"the feed marks {unreadable}")
        expect("fine" in readable, f"the feed has {readable}")
        expect(daemon.stop() == 0, "the daemon did not end well")


def a_store_in_use_is_in_order():
    """No false alarm while a daemon works."""
    with World() as world:
        daemon, port = start(world)
        over = threading.Event()
        paid = []

        def work():
            while not over.is_set():
                identity = f"w{len(paid)}"
                paid.append(identity)
                pay(world, port, identity)
        worker = threading.Thread(target=work)
        worker.start()
        try:
            wait_for("some payments", lambda: len(paid) > 20)
            for _ in range(4):
                code, answer = check_store(world)
                expect(code == 0 and answer["found"] == 0, f"{code}: {answer['findings']}")
        finally:
            over.set()
            worker.join()
        wait_captured(world, port, paid)
        code, answer = check_store(world)
        expect(code == 0 and answer["machines"] == len(paid), f"it looked at {answer['machines']} of {len(paid)}")
        expect(daemon.stop() == 0, "the daemon did not end well")


def damage_is_found_and_fixed():
    with World() as world:
        daemon, port = start(world)
        identities = ["d-snap", "d-wheel", "d-listed", "d-feed", "d-ledger", "d-json", "d-gap", "d-type"]
        for identity in ("d-snap", "d-wheel", "d-listed"):
            expect(request(port, "POST", "/v1/invoices", world.invoice(identity, AMOUNT))[0] == 201, "no invoice")
        for identity in identities[3:]:
            pay(world, port, identity)
        wait_captured(world, port, identities[3:])
        code, answer = check_store(world)
        expect(code == 0 and answer["found"] == 0, f"before: {answer['findings']}")
        tags = tags_of(port)
        expect(daemon.stop() == 0, "the daemon did not end well")
        before = world.redis_cli("HGETALL", of_partition(world, "d-ledger", "accounts"))

        world.redis_cli("HSET", machine_key(world, "d-snap"), "v", "1", "state", "{\"format\":1}")
        world.redis_cli("ZREM", of_partition(world, "d-wheel", "wheel"), member(world, "d-wheel"))
        world.redis_cli("ZADD", of_partition(world, "d-listed", "failed"), "1", member(world, "d-listed"))
        tail = world.redis_cli("XREVRANGE", of_partition(world, "d-feed", "feed"), "+", "-").split("\n")
        place = next(tail[i] for i in range(len(tail)) if tail[i + 2:i + 3] == [member(world, "d-feed")])
        world.redis_cli("XDEL", of_partition(world, "d-feed", "feed"), place)
        found = {}
        code, answer = check_store(world)
        for finding in answer["findings"]:
            found.setdefault(finding["rule"], []).append(finding["subject"])
        expected = {"snapshot": [member(world, "d-snap")], "wheel": [member(world, "d-wheel")],
                    "failed": [member(world, "d-listed")], "feed": [member(world, "d-feed")]}
        expect(found == expected and code == 1, f"found {answer['findings']}")
        expect(all(finding["outcome"] == "would be" for finding in answer["findings"]), "it did what was not asked for")
        code, answer = check_store(world, "--fix")
        expect(code == 0 and answer["fixed"] == 4, f"with --fix: {code} {answer}")
        code, answer = check_store(world)
        expect(code == 0 and answer["found"] == 0, f"after: {answer['findings']}")

        world.redis_cli("HINCRBY", of_partition(world, "d-ledger", "accounts"), "3001:own", "5")
        code, answer = check_store(world)
        expect(code == 1 and [(row["rule"], row["subject"]) for row in answer["findings"]] == [("ledger", "3001:own")],
               f"found {answer['findings']}")
        code, answer = check_store(world, "--fix")
        expect(code == 0 and answer["fixed"] == 1, f"with --fix: {code} {answer}")
        code, answer = check_store(world)
        expect(code == 0 and answer["found"] == 0, f"after: {answer['findings']}")
        expect(world.redis_cli("HGETALL", of_partition(world, "d-ledger", "accounts")) == before, "the ledger")

        accounts = of_partition(world, "d-ledger", "accounts")
        for value in ("9223372036854775807", "-9223372036854775808", "12x"):
            world.redis_cli("HSET", accounts, "3001:own", value, "77:min", value)
            code, answer = check_store(world, "--fix")
            expect(code == 1 and sorted((row["rule"], row["subject"], row["outcome"]) for row in answer["findings"]) ==
                   [("ledger", "3001:own", "left"), ("ledger", "77:min", "left")], f"{value}: {answer['findings']}")
        world.redis_cli("HDEL", accounts, "77:min")
        world.redis_cli("HSET", accounts, "3001:own", dict(zip(*[iter(before.split("\n"))] * 2))["3001:own"])

        for identity, damage in {"d-json": break_json, "d-gap": lose_event, "d-type": wrong_type}.items():
            damage(world, identity)
        ghost = member(world, "d-feed").replace("d-feed", "d-ghost")
        haunt(world, tags, ghost)
        code, answer = check_store(world, "--fix")
        done = {(finding["rule"], own(finding["subject"].split(":")[-1])) for finding in answer["findings"]
                if finding["outcome"] == "done"}
        expect({("history", "d-json"), ("history", "d-gap"), ("history", "d-type"), ("ghost", "d-ghost")} <= done,
               f"with --fix: {answer['findings']}")
        daemon, port = world.start_daemon()
        wait_for("readiness", lambda: request(port, "GET", "/readyz")[0] == 200)
        expect({"d-json", "d-gap", "d-type"} <= set(failed(port)), f"failed: {failed(port)}")
        expect(daemon.stop() == 0, "the daemon did not end well")


if __name__ == "__main__":
    sys.exit(run([(test.__name__, test) for test in (
        what_cannot_be_read_is_parked, a_store_in_use_is_in_order, damage_is_found_and_fixed)]))
