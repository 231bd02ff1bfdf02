"""Redis that dies and comes back, a daemon that is stopped beyond its lease, a daemon told to stop while it works."""
import os
import re
import shutil
import signal
import socket
import sys
import threading
import time

from harness import PARTY, World, expect, request, run, wait_for

AMOUNT = 42000
MERCHANT_SHARE = 40110


def prepare(world):
    daemon, port = world.start_daemon()
    world.apply_domain(port)
    return daemon, port


def create(world, port, identities, token="no_preauth"):
    for identity in identities:
        status, answer = request(port, "POST", "/v1/invoices", world.invoice(identity, AMOUNT))
        expect(status in (200, 201), f"{identity}: {status} {answer}")
        status, answer = request(port, "POST", f"/v1/invoices/{identity}/payments", world.payment(token))
        expect(status == 202, f"{identity}: {status} {answer}")


def check_all(world, port, identities):
    for identity in identities:
        wait_for(f"{identity} to be captured", lambda identity=identity: world.status(port, identity) == "captured")
    for identity in identities:
        world.check_bank(identity, AMOUNT)
        world.check_invoice(port, identity)
    expect(world.book()["conflicts"] == [], "the bank saw a key with two contents")
    balances = world.balances(port)
    expect(balances[3001] == (MERCHANT_SHARE * len(identities),) * 3, f"the merchant has {balances[3001]}")
    expect(sum(own for own, _, _ in balances.values()) == 0, f"the ledger does not sum to zero: {balances}")


def redis_killed_and_restarted():
    """Killed with payments in every stage; nothing half done, and all of it is done once it is back."""
    with World(lease_ms=1000) as world:
        daemon, port = prepare(world)
        world.faults(kind="delay", ms=700, share=1.0)
        identities = [f"r{number}" for number in range(12)]
        create(world, port, identities)
        world.redis.kill()
        wait_for("the daemon to notice", lambda: request(port, "GET", "/readyz")[0] == 503)
        status, answer = request(port, "POST", "/v1/invoices", world.invoice("r-down"))
        expect(status == 503 and answer["error"] == "Unavailable", f"without Redis: {status} {answer}")
        expect(request(port, "GET", "/v1/invoices/r0")[0] in (503, 504), "a read without Redis")
        world.start_redis()
        request(world.bank_port, "DELETE", "/faults")
        wait_for("readiness", lambda: request(port, "GET", "/readyz")[0] == 200)
        expect(daemon.output().count("Redis can be used again") == 1, "it did not say that Redis is back")
        check_all(world, port, identities)
        expect(request(port, "GET", "/v1/invoices/r-down")[0] == 404, "a refused invoice exists")
        expect(daemon.stop() == 0, "the daemon did not end well")


def daemon_stopped_beyond_its_lease():
    """SIGSTOP while the bank answers; the other daemon takes over; the stopped one loses the race cleanly."""
    with World(lease_ms=600) as world:
        first, first_port = prepare(world)
        world.faults(kind="delay", ms=500, next=1, target="processed")
        create(world, first_port, ["s1"])
        wait_for("the session to start", lambda: request(first_port, "GET", "/v1/invoices/s1")[1]["latest_event_id"] >= 3)
        first.signal(signal.SIGSTOP)
        second, second_port = world.start_daemon()
        wait_for("the other daemon", lambda: request(second_port, "GET", "/readyz")[0] == 200)
        wait_for("it to take over", lambda: world.status(second_port, "s1") == "captured")
        first.signal(signal.SIGCONT)

        def lost():
            status, _ = request(first_port, "GET", "/healthz")
            log = first.output()
            return status == 200 and ("its claim was lost" in log or metric(first_port, "conflicts_total") > 0
                                      or metric(first_port, "lost_claims_total") > 0)
        wait_for("the first to notice that it lost", lost)
        check_all(world, second_port, ["s1"])
        expect(first.stop() == 0 and second.stop() == 0, "a daemon did not end well")


def metric(port, name):
    import urllib.request
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(f"sluice_{name} "):
                return float(line.split()[1])
    return 0.0


def graceful_stop_lets_others_go_on():
    """Told to stop in the middle of calls to the bank: it finishes or lets go at once, long before its lease."""
    with World(lease_ms=20000) as world:
        daemon, port = prepare(world)
        world.faults(kind="delay", ms=300, share=1.0)
        identities = [f"g{number}" for number in range(6)]
        create(world, port, identities)
        heir, heir_port = world.start_daemon()
        wait_for("the heir", lambda: request(heir_port, "GET", "/readyz")[0] == 200)
        expect(daemon.stop() == 0, "the daemon did not end well")
        request(world.bank_port, "DELETE", "/faults")
        check_all(world, heir_port, identities)
        expect(heir.stop() == 0, "the heir did not end well")


class Caller(threading.Thread):
    """Waits for an answer meanwhile."""

    def __init__(self, *request_words):
        super().__init__()
        self.words = request_words
        self.answer = None
        self.start()

    def run(self):
        self.answer = request(*self.words)


def stop_and_measure(daemon, grace_ms):
    """Tells DAEMON to stop; how long it took by its own account and by the clock. The clock has room for a loaded machine."""
    began = time.monotonic()
    daemon.signal(signal.SIGTERM)
    daemon.child.wait(40)
    took_ms = (time.monotonic() - began) * 1000
    said = re.search(r"stopped after (\d+) ms", daemon.output())
    print(f"      --grace={grace_ms}: {took_ms:.0f} ms, by its own account {said.group(1) if said else '?'}", flush=True)
    expect(daemon.child.returncode == 0, f"it ended with {daemon.child.returncode}")
    expect(took_ms < grace_ms + 1500, f"with --grace={grace_ms} it left after {took_ms:.0f} ms")


def events_stored(world, identity):
    keys = world.redis_cli("--scan", "--pattern", f"sluice:{{*}}*{identity}*events").split()
    return int(world.redis_cli("XLEN", keys[0])) if keys else 0


def told_to_stop_behind_a_hanging_bank(grace_ms):
    """The bank hangs, a call waits behind it, a timer becomes due: no new work, the call hears 503, and another daemon
    goes on at once, though the lease is long."""
    with World(lease_ms=60000) as world:
        daemon, port = world.start_daemon(options=[f"--grace={grace_ms}"])
        world.apply_domain(port)
        world.faults(kind="delay", ms=30000, share=1.0)
        create(world, port, ["h0"])
        wait_for("the call to the bank", lambda: events_stored(world, "h0") >= 4)
        overdue = world.invoice("h1")
        overdue["due"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
        expect(request(port, "POST", "/v1/invoices", overdue)[0] == 201, "no second invoice")
        waiting = Caller(port, "POST", "/v1/invoices/h0/repair")
        wait_for("the call to wait", lambda: metric(port, "requests_waiting") >= 1)
        stop_and_measure(daemon, grace_ms)
        waiting.join(40)
        expect(waiting.answer[0] == 503, f"who waited heard {waiting.answer}")
        expect(events_stored(world, "h1") == 1, "it took a timer after it was told to stop")
        request(world.bank_port, "DELETE", "/faults")
        heir, heir_port = world.start_daemon()
        wait_for("the heir", lambda: request(heir_port, "GET", "/readyz")[0] == 200)
        check_all(world, heir_port, ["h0"])
        wait_for("the overdue invoice", lambda: events_stored(world, "h1") == 2)
        expect(heir.stop() == 0, "the heir did not end well")


def told_to_stop_with_a_short_grace():
    told_to_stop_behind_a_hanging_bank(100)


def told_to_stop_with_a_longer_grace():
    told_to_stop_behind_a_hanging_bank(2000)


def told_to_stop_without_redis():
    """Redis hangs, then is gone: callers are answered, and it ends within its grace."""
    for hangs in (True, False):
        with World() as world:
            daemon, port = world.start_daemon(options=["--grace=1000"])
            world.apply_domain(port)
            world.faults(kind="delay", ms=30000, share=1.0)
            create(world, port, ["n0"])
            wait_for("the call to the bank", lambda world=world: events_stored(world, "n0") >= 4)
            if hangs:
                world.redis.signal(signal.SIGSTOP)
            else:
                world.redis.kill()
            callers = [Caller(port, "POST", "/v1/invoices", world.invoice("n1")), Caller(port, "GET", "/v1/invoices/n0")]
            wait_for("the callers to be there", lambda port=port, callers=callers: metric(port, "http_open") >= 3
                     or not any(caller.is_alive() for caller in callers))
            stop_and_measure(daemon, 1000)
            for caller in callers:
                caller.join(40)
                expect(caller.answer[0] in (503, 504), f"without Redis: {caller.answer}")


def lying_bank():
    """Lost answers, resets, slow and refused calls: retried under the same key until the answer is known."""
    with World(lease_ms=1000) as world:
        daemon, port = prepare(world)
        for number, kind in enumerate(("lost_after", "reset_before", "status_503")):
            world.faults(kind=kind, next=1, target="processed")
            create(world, port, [f"l{number}"])
            wait_for(f"{kind} to be overcome", lambda number=number: world.status(port, f"l{number}") == "captured")
        check_all(world, port, ["l0", "l1", "l2"])
        for number, kind in enumerate(("garbage", "huge_body", "status_500")):
            world.faults(kind=kind, next=1, target="processed")
            create(world, port, [f"x{number}"])
            wait_for(f"{kind} to park the invoice", lambda number=number: any(
                machine["id"] == f"x{number}@{PARTY}" for machine in request(port, "GET", "/v1/machines?status=failed")[1]))
            status, answer = request(port, "POST", f"/v1/invoices/x{number}/rescind", {"reason": "late"})
            expect(status == 423 and answer["error"] == "MachineFailed", f"a call on a failed invoice: {status} {answer}")
            status, answer = request(port, "POST", f"/v1/invoices/x{number}/repair")
            expect(status == 200, f"repair: {status} {answer}")
            wait_for(f"x{number} to go on", lambda number=number: world.status(port, f"x{number}") == "captured")
        check_all(world, port, ["l0", "l1", "l2", "x0", "x1", "x2"])
        expect(daemon.stop() == 0, "the daemon did not end well")


def full_disk(world):
    """Makes Redis refuse writes as it does when it could not save: a folder stands where its snapshot goes."""
    os.mkdir(os.path.join(world.folder, "dump.rdb"))
    world.redis_cli("CONFIG", "SET", "save", "36000 1000000")
    world.redis_cli("BGSAVE")
    wait_for("the save to fail", lambda: "rdb_last_bgsave_status:err" in world.redis_cli("INFO", "persistence"))


def disk_with_room(world):
    os.rmdir(os.path.join(world.folder, "dump.rdb"))
    world.redis_cli("BGSAVE")
    wait_for("the save to succeed", lambda: "rdb_last_bgsave_status:ok" in world.redis_cli("INFO", "persistence"))
    world.redis_cli("CONFIG", "SET", "save", "")


def words(*those):
    return lambda world: world.redis_cli(*those)


# What somebody does to a Redis under a running daemon; how that is put right; the reason that the daemon gives.
HARMS = (
    (words("CONFIG", "SET", "appendfsync", "everysec"), words("CONFIG", "SET", "appendfsync", "always"), "durability"),
    (words("CONFIG", "SET", "aof-load-truncated", "yes"), words("CONFIG", "SET", "aof-load-truncated", "no"), "durability"),
    (words("CONFIG", "SET", "maxmemory-policy", "allkeys-lru"), words("CONFIG", "SET", "maxmemory-policy", "noeviction"),
     "durability"),
    (words("REPLICAOF", "127.0.0.1", "1"), words("REPLICAOF", "NO", "ONE"), "read_only"),
    (words("CONFIG", "SET", "maxmemory", "1"), words("CONFIG", "SET", "maxmemory", "0"), "memory"),
    (words("CONFIG", "SET", "min-replicas-to-write", "1"), words("CONFIG", "SET", "min-replicas-to-write", "0"), "replicas"),
    (full_disk, disk_with_room, "disk"),
    (words("ACL", "SETUSER", "default", "-hincrby"), words("ACL", "SETUSER", "default", "+hincrby"), "permissions"),
    (words("ACL", "SETUSER", "default", "-evalsha"), words("ACL", "SETUSER", "default", "+evalsha"), "permissions"),
    (words("ACL", "SETUSER", "default", "-hmget"), words("ACL", "SETUSER", "default", "+hmget"), "permissions"),
    (words("RENAME", "sluice:meta", "elsewhere"), words("RENAME", "elsewhere", "sluice:meta"), "data"),
)


def redis_goes_bad_under_a_daemon():
    """Noticed within seconds, said once, nothing new taken, nothing parked; all goes on when it is put right."""
    with World(lease_ms=1000) as world:
        daemon, port = prepare(world)
        world.faults(kind="delay", ms=300, share=1.0)
        identities = []
        for number, (harm, cure, reason) in enumerate(HARMS):
            here = len(daemon.output())
            identities += [f"h{number}", f"i{number}"]
            create(world, port, identities[-2:])
            harm(world)
            status, answer = wait_for(f"{reason} ({number}) to be noticed", lambda: (
                lambda reply: reply if reply[0] == 503 else None)(request(port, "GET", "/readyz")), 10)
            expect(answer["reason"] == reason and answer["detail"], f"{number}: not ready because of {answer}")
            status, answer = request(port, "POST", "/v1/invoices", world.invoice(f"n{number}"))
            expect(status == 503 and answer["error"] == "Unavailable", f"{reason}: a new invoice: {status} {answer}")
            status, answer = request(port, "GET", "/v1/invoices/h0")
            expect(status == 503, f"{reason}: a read: {status} {answer}")
            expect(metric(port, f'redis_unusable{{reason="{reason}"}}') == 1, f"{reason}: no metric")
            expect(metric(port, "redis_usable") == 0, f"{reason}: the metric says it is usable")
            cure(world)
            wait_for(f"{reason} ({number}) to be over", lambda: request(port, "GET", "/readyz")[0] == 200)
            expect(metric(port, f'redis_unusable{{reason="{reason}"}}') == 0, f"{reason}: the metric stays")
            said = daemon.output()[here:]
            expect(said.count("Redis cannot be used") == 1, f"{reason}: said {said}")
            expect(said.count("Redis can be used again") == 1, f"{reason}: said {said}")
            expect(request(port, "GET", f"/v1/invoices/n{number}")[0] == 404, "a refused invoice exists")
        check_all(world, port, identities)
        expect(request(port, "GET", "/v1/machines?status=failed")[1] == [], "something is parked")
        world.redis_cli("FLUSHALL")
        wait_for("the empty Redis to be noticed", lambda: request(port, "GET", "/readyz")[0] == 503, 10)
        expect(request(port, "POST", "/v1/invoices", world.invoice("late"))[0] == 503, "work on an empty Redis")
        world.sluice("init", "--redis", f"unix://{world.socket}", "--partitions", "4")
        wait_for("another deployment to be refused", lambda: "another deployment" in daemon.output(), 10)
        expect(request(port, "GET", "/readyz")[1]["reason"] == "data", "it takes another deployment for its own")
        expect(daemon.stop() == 0, "the daemon did not end well")


def backup(world, name):
    """What a replica had that was cut off now, or a backup: the data as of this moment, in a folder of its own."""
    folder = os.path.join(world.folder, name)
    os.mkdir(folder)
    shutil.copytree(os.path.join(world.folder, "appendonlydir"), os.path.join(folder, "appendonlydir"))
    return folder


def stale_redis_in_its_place():
    """A failover to a replica that lacked the last seconds: no daemon works on it until an operator accepts that."""
    with World(lease_ms=1000) as world:
        first, port = prepare(world)
        second, second_port = world.start_daemon()
        wait_for("the second", lambda: request(second_port, "GET", "/readyz")[0] == 200)
        kept, lost = [f"k{number}" for number in range(4)], [f"l{number}" for number in range(4)]
        create(world, port, kept)
        check_all(world, port, kept)
        stale = backup(world, "stale")
        create(world, port, lost)
        check_all(world, port, kept + lost)
        stored = {identity: [str(event["id"]) for event in world.check_invoice(port, identity)] for identity in lost}
        world.redis.kill()
        world.start_redis(stale)
        for number in (port, second_port):
            wait_for("the loss to be noticed", lambda number=number: (
                lambda reply: reply[0] == 503 and reply[1]["reason"] == "loss")(request(number, "GET", "/readyz")), 10)
            status, answer = request(number, "GET", f"/v1/invoices/{lost[0]}")
            expect(status == 503, f"an invoice that was lost: {status} {answer}")
            status, answer = request(number, "POST", "/v1/invoices", world.invoice("new"))
            expect(status == 503, f"a new invoice on a stale Redis: {status} {answer}")
        expect(metric(port, 'redis_unusable{reason="loss"}') == 1, "no metric")
        for identity in lost:
            events = re.findall(rf"lost: inv:{identity}@{PARTY} event (\d+)", first.output())
            expect(events == stored[identity], f"{identity}: listed {events} of {stored[identity]}")
        for identity in kept:
            expect(f"lost: inv:{identity}@{PARTY} " not in first.output(), f"{identity} is listed as lost")
        third, third_port = world.start_daemon()
        wait_for("the new daemon to hear of it", lambda: (
            lambda reply: reply[0] == 503 and reply[1].get("reason") == "loss")(request(third_port, "GET", "/readyz")))
        said = world.sluice("accept-loss", "--redis", f"unix://{world.socket}")
        expect("goes on without" in said, f"accept-loss said {said}")
        for number in (port, second_port, third_port):
            wait_for("the daemons to go on", lambda number=number: request(number, "GET", "/readyz")[0] == 200, 10)
        expect(request(port, "GET", f"/v1/invoices/{lost[0]}")[0] == 404, "what was lost is there")
        create(world, port, ["after"])
        wait_for("a new payment", lambda: world.status(port, "after") == "captured")
        for identity in kept:
            world.check_invoice(port, identity)
        world.redis.kill()
        world.start_redis()  # the old primary after all: it has what was lost, and lacks what came since
        for number in (port, second_port, third_port):
            wait_for("the old one to be refused", lambda number=number: (
                lambda reply: reply[0] == 503 and reply[1].get("reason") == "loss")(request(number, "GET", "/readyz")), 10)
        world.sluice("accept-loss", "--redis", f"unix://{world.socket}")
        for number in (port, second_port, third_port):
            wait_for("the daemons to go on", lambda number=number: request(number, "GET", "/readyz")[0] == 200, 10)
        check_all(world, port, kept + lost)
        for daemon in (first, second, third):
            expect(daemon.stop() == 0, "a daemon did not end well")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def failover_to_a_replica_that_has_all():
    """Nothing is missing, so nobody has to accept anything: work goes on, the payments under way among it."""
    with World(lease_ms=1000) as world:
        there = os.path.join(world.folder, "replica.sock")
        port_of_primary = free_port()
        world.redis.kill()
        primary = world.start_redis(port=port_of_primary)
        daemon, port = prepare(world)
        os.mkdir(os.path.join(world.folder, "replica"))
        world.start_redis(os.path.join(world.folder, "replica"), socket=there)
        world.redis_cli("REPLICAOF", "127.0.0.1", str(port_of_primary), socket=there)
        wait_for("the replica", lambda: "master_link_status:up" in world.redis_cli("INFO", "replication", socket=there), 60)
        create(world, port, ["a", "b", "c"])
        check_all(world, port, ["a", "b", "c"])
        world.faults(kind="delay", ms=1500, share=1.0)
        create(world, port, ["d"])
        world.redis_cli("WAIT", "1", "20000")
        primary.kill()
        os.unlink(world.socket)
        os.symlink(there, world.socket)
        wait_for("a replica to be refused", lambda: (
            lambda reply: reply[0] == 503 and reply[1].get("reason") == "read_only")(request(port, "GET", "/readyz")))
        world.redis_cli("REPLICAOF", "NO", "ONE")
        wait_for("the daemon to go on", lambda: request(port, "GET", "/readyz")[0] == 200)
        check_all(world, port, ["a", "b", "c", "d"])
        expect("error lost:" not in daemon.output(), daemon.output())
        expect(daemon.stop() == 0, "the daemon did not end well")


def old_backup_between_two_starts():
    """The daemon was down when it happened: what it wrote down tells. Without the file nobody knows."""
    with World(lease_ms=1000) as world:
        seen = (f"--seen={world.folder}/seen",)
        daemon, port = world.start_daemon(options=seen)
        world.apply_domain(port)
        create(world, port, ["k0"])
        check_all(world, port, ["k0"])
        old = backup(world, "old")
        create(world, port, ["l0"])
        check_all(world, port, ["k0", "l0"])
        expect(daemon.stop() == 0, "the daemon did not end well")
        world.redis.kill()
        world.start_redis(old)
        daemon, port = world.start_daemon(options=seen)
        wait_for("the loss to be noticed", lambda: (
            lambda reply: reply[0] == 503 and reply[1].get("reason") == "loss")(request(port, "GET", "/readyz")), 10)
        expect(daemon.stop() == 0, "a held daemon did not end well")
        daemon, port = world.start_daemon(options=seen)
        wait_for("the loss to be noticed again", lambda: (
            lambda reply: reply[0] == 503 and reply[1].get("reason") == "loss")(request(port, "GET", "/readyz")), 10)
        world.sluice("accept-loss", "--redis", f"unix://{world.socket}")
        wait_for("the daemon to go on", lambda: request(port, "GET", "/readyz")[0] == 200, 10)
        expect(daemon.stop() == 0, "the daemon did not end well")
        daemon, port = world.start_daemon(options=seen)
        wait_for("the next to start as ever", lambda: request(port, "GET", "/readyz")[0] == 200, 10)
        create(world, port, ["k1"])
        wait_for("a new payment", lambda: world.status(port, "k1") == "captured")
        expect(daemon.stop() == 0, "the daemon did not end well")


def relaxed_accepts_its_last_seconds_alone():
    """What a crash of a relaxed Redis costs is said and accepted; what only an old backup costs is not."""
    with World() as world:
        seen = os.path.join(world.folder, "seen")
        options = (f"--seen={seen}", "--durability=relaxed")
        daemon, port = world.start_daemon(options=options)
        world.apply_domain(port)
        status, answer = request(port, "POST", "/v1/invoices", world.invoice("a"))
        expect(status == 201, f"{status} {answer}")
        expect(daemon.stop() == 0, "the daemon did not end well")
        with open(seen, encoding="utf-8") as file:
            head, entry = file.read().splitlines()
        newest = int(entry.split()[1].split("-")[0])
        for rows, word in ((f"0 {newest + 5}-0\n1 {newest + 9004}-0\n", None),
                           (f"0 {newest + 5}-0\n1 {newest + 11006}-0\n", "loss")):
            with open(seen, "w", encoding="utf-8") as file:
                file.write(f"{head}\n{rows}")
            daemon, port = world.start_daemon(options=options)
            wait_for("the verdict", lambda: (
                lambda reply: reply[0] == (503 if word else 200) and reply[1].get("reason") == word)(
                    request(port, "GET", "/readyz")), 10)
            expect(("has lost what was answered in its last 8999 ms" in daemon.output()) == (word is None), daemon.output())
            expect(daemon.stop() == 0, "the daemon did not end well")


def wrong_redis():
    """A daemon that may not run says why, and what to do."""
    with World() as world:
        for words, sentence in (
                (["CONFIG", "SET", "appendfsync", "everysec"], "appendfsync always"),
                (["CONFIG", "SET", "aof-load-truncated", "yes"], "redis-check-aof --fix"),
                (["HSET", "sluice:meta", "format", "99"], "run a newer sluiced"),
                (["HSET", "sluice:meta", "format", "1", "partitions", "0"], "1..1024"),
                (["DEL", "sluice:meta"], "sluice init")):
            world.redis_cli(*words)
            daemon, port = world.start_daemon()
            expect(port is None, f"it started in spite of {words}")
            expect(daemon.child.returncode == 1, f"it ended with {daemon.child.returncode}")
            expect(sentence in daemon.output(), f"it did not say \"{sentence}\": {daemon.output()}")
            if words[0] == "CONFIG":
                world.redis_cli("CONFIG", "SET", "appendfsync", "always", "aof-load-truncated", "no")


if __name__ == "__main__":
    sys.exit(run([(test.__name__, test) for test in (
        redis_killed_and_restarted, redis_goes_bad_under_a_daemon, stale_redis_in_its_place,
        failover_to_a_replica_that_has_all,
        old_backup_between_two_starts, relaxed_accepts_its_last_seconds_alone, daemon_stopped_beyond_its_lease,
        graceful_stop_lets_others_go_on, told_to_stop_with_a_short_grace, told_to_stop_with_a_longer_grace,
        told_to_stop_without_redis, lying_bank, wrong_redis)]))
