"""Plain and packed histories side by side: either daemon goes on with what the other has begun."""
import sys

from harness import PARTY, World, expect, request, run, wait_for

WORLD = {}


def pay(port, identity, **more):
    world = WORLD["world"]
    status, answer = request(port, "POST", "/v1/invoices", world.invoice(identity))
    expect(status == 201, f"the invoice was answered {status} {answer}")
    status, answer = request(port, "POST", f"/v1/invoices/{identity}/payments", {**world.payment(), **more})
    expect(status in (201, 202), f"the payment was answered {status} {answer}")


def reaches(port, identity, wanted):
    wait_for(f"{identity} to be {wanted}", lambda: WORLD["world"].status(port, identity) == wanted)


def capture(port, identity):
    status, answer = request(port, "POST", f"/v1/invoices/{identity}/payments/1/capture", {"reason": "sold"})
    expect(status == 202, f"the capture was answered {status} {answer}")


def stored(identity):
    """How each event is stored, in order: "plain" or "packed"."""
    world = WORLD["world"]
    key = world.redis_cli("--scan", "--pattern", f"sluice:*:inv:{identity}@{PARTY}/events").strip()
    script = """local kinds = {} for i, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
        kinds[i] = string.sub(entry[2][4], 1, 1) == '[' and 'plain' or 'packed' end return kinds"""
    return world.redis_cli("EVAL", script, "1", key).split()


def same_events(identity):
    plain = request(WORLD["plain"], "GET", f"/v1/invoices/{identity}/events")
    packed = request(WORLD["packed"], "GET", f"/v1/invoices/{identity}/events")
    expect(plain[0] == 200 and plain == packed, f"{identity} is told differently: {plain} {packed}")


def one_begins_and_the_other_ends():
    world = WORLD["world"]
    for first, second in (("plain", "packed"), ("packed", "plain")):
        identity = f"{first}-first"
        pay(WORLD[first], identity, flow={"hold": {"on_hold_expiration": "cancel"}})
        reaches(WORLD[second], identity, "processed")
        capture(WORLD[second], identity)
        reaches(WORLD[first], identity, "captured")
        kinds = stored(identity)
        expect("plain" in kinds and "packed" in kinds, f"{identity} is stored as {kinds}")
        same_events(identity)
        world.check_invoice(WORLD[first], identity)
        world.check_bank(identity, 42000)


def a_machine_at_rest_is_loaded_from_packed_state():
    """Its snapshot is packed as well, and the daemon that wrote it is gone."""
    world = WORLD["world"]
    process, port = world.start_daemon(name="writer", environment={"SLUICE_STORAGE": "packed"})
    wait_for("its configuration", lambda: request(port, "GET", "/readyz")[0] == 200)
    pay(port, "held", flow={"hold": {"on_hold_expiration": "cancel"}})
    reaches(port, "held", "processed")
    process.kill()
    key = world.redis_cli("--scan", "--pattern", f"sluice:*:inv:held@{PARTY}").strip()
    first = world.redis_cli("EVAL", "return string.byte(redis.call('HGET', KEYS[1], 'state'))", "1", key).strip()
    expect(first == "1", f"the snapshot begins with byte {first}")
    capture(WORLD["plain"], "held")
    reaches(WORLD["plain"], "held", "captured")
    same_events("held")
    world.check_invoice(WORLD["plain"], "held")


def broken_bytes_are_told():
    """What cannot be unpacked is a 500 of its own kind; other machines go on."""
    world, port = WORLD["world"], WORLD["plain"]
    pay(WORLD["packed"], "broken")
    reaches(port, "broken", "captured")
    key = world.redis_cli("--scan", "--pattern", f"sluice:*:inv:broken@{PARTY}/events").strip()
    world.redis_cli("EVAL", "redis.call('DEL', KEYS[1]) return redis.call('XADD', KEYS[1], '1-0', 'at', 1, 'changes', "
                    "string.char(1) .. 'rubbish')", "1", key)
    status, answer = request(port, "GET", "/v1/invoices/broken/events")
    expect(status == 500 and answer["title"], f"{status} {answer}")
    pay(port, "after")
    reaches(port, "after", "captured")


def a_machine_waits_until_the_newest_configuration_is_known():
    """A daemon that has just begun knows a payment's revision before it knows the newest: nobody may crash by that, and
    what exists is found."""
    with World() as world:
        process, port = world.start_daemon()
        world.apply_domain(port)
        world.faults(kind="status_503", next=1, target="processed")
        pay(port, "early")
        wait_for("the first try", lambda: request(port, "GET", "/v1/machines?status=retrying")[1])
        process.kill()
        world.redis_cli("RENAME", "sluice:{domain}:head", "sluice:{domain}:aside")
        process, port = world.start_daemon()
        wait_for("another try", lambda: not process.alive() or any(
            "configuration" in machine.get("reason", "")
            for machine in request(port, "GET", "/v1/machines?status=retrying")[1] or []))
        expect(process.alive(), f"the daemon died: {process.output()[-500:]}")
        world.redis_cli("RENAME", "sluice:{domain}:aside", "sluice:{domain}:head")
        reaches(port, "early", "captured")
        world.check_bank("early", 42000)


def main():
    with World(time_scale=0.02) as world:
        WORLD["world"] = world
        WORLD["plain"] = world.start_daemon(name="plain")[1]
        WORLD["packed"] = world.start_daemon(name="packed", environment={"SLUICE_STORAGE": "packed"})[1]
        world.apply_domain(WORLD["plain"])
        wait_for("the other's configuration", lambda: request(WORLD["packed"], "GET", "/readyz")[0] == 200)
        return run([(test.__name__, test) for test in (
            one_begins_and_the_other_ends, a_machine_at_rest_is_loaded_from_packed_state, broken_bytes_are_told,
            a_machine_waits_until_the_newest_configuration_is_known)])


if __name__ == "__main__":
    sys.exit(main())
