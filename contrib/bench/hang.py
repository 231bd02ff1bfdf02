#!/usr/bin/env python3
"""One provider of three hangs: what becomes of the other two? Prints one JSON object a line, as bench.sh does.

    contrib/bench/hang.py BUILD [SECONDS]     BUILD: a built tree (default SECONDS: 20 a run)

Three runs of real processes with the same load, payments for three providers at a fixed rate: all answer; one takes
connections and never answers; and, to show what the bounds are for, the same without a bound for one provider. The table
of machines in work is made small (--work-max), so that a run of seconds shows what minutes would with the default.
The value is how many payments of the other two were captured in a second; the ceiling is the same with all healthy.
"""
import json
import os
import queue
import socket
import sys
import threading
import time

BUILD = os.path.abspath(sys.argv[1])
SECONDS = int(sys.argv[2]) if len(sys.argv) > 2 else 20
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ["SLUICE_BUILDDIR"] = BUILD
os.environ["SLUICE_SRCDIR"] = SOURCE
sys.path.insert(0, os.path.join(SOURCE, "tests", "integration"))
import harness  # noqa: E402

RATE = 20        # payments a second, for each provider
WORK_MAX = 192   # machines in work
AMOUNTS = {1: 10000, 2: 20000, 6: 30000}   # what goes to which provider


class Hole:
    """Takes connections, reads nothing, answers nothing."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.socket.getsockname()[1]
        self.taken = []
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        while True:
            self.taken.append(self.socket.accept()[0])


def below(amount):
    return {"condition": {"cost_in": {
        "lower": {"inclusive": {"amount": amount, "currency": {"symbolic_code": "RUB"}}},
        "upper": {"exclusive": {"amount": amount + 10000, "currency": {"symbolic_code": "RUB"}}}}}}


def document(bank_port, hung_port):
    """The example with a third card provider, and one provider for each amount."""
    with open(f"{SOURCE}/examples/domain.json", encoding="utf-8") as file:
        text = json.load(file)
    objects = text["objects"]
    by = {(kind, json.dumps(one[kind]["ref"].get("id"))): one[kind] for one in objects for kind in one}
    proxy = json.loads(json.dumps({"proxy": by["proxy", "1"]}))
    proxy["proxy"]["ref"]["id"] = 6
    provider = json.loads(json.dumps({"provider": by["provider", "2"]}))
    provider["provider"]["ref"]["id"] = 6
    provider["provider"]["data"]["proxy"]["ref"]["id"] = 6
    provider["provider"]["data"]["accounts"] = {"RUB": {"settlement": 4006}}
    terminal = {"terminal": {"ref": {"id": 6}, "data": {"name": "Third", "description": "Third", "provider_ref": {"id": 6}}}}
    objects += [proxy, provider, terminal]
    by["routing_rules", "2"]["data"]["decisions"] = {"candidates": [
        {"allowed": below(AMOUNTS[1]), "terminal": {"id": 1}}, {"allowed": below(AMOUNTS[2]), "terminal": {"id": 3}},
        {"allowed": below(AMOUNTS[6]), "terminal": {"id": 6}}]}
    for one in objects:
        kind = next(iter(one))
        if kind == "shop_config":
            one[kind]["data"].pop("turnover_limits", None)
        if kind in ("provider", "terminal"):
            one[kind]["data"].get("terms", {}).get("payments", {}).pop("turnover_limits", None)
        if kind == "proxy":
            port = hung_port if one[kind]["ref"]["id"] == 6 else bank_port
            one[kind]["data"]["url"] = one[kind]["data"]["url"].replace("127.0.0.1:8090", f"127.0.0.1:{port}")
    return json.dumps(text).encode()


def pay(world, port, number, amount):
    identity = f"{amount}-{number}"
    status, _ = harness.request(port, "POST", "/v1/invoices", world.invoice(identity, amount))
    if status == 201:
        status, _ = harness.request(port, "POST", f"/v1/invoices/{identity}/payments", world.payment())
    return status


def load(world, port):
    """Payments at a fixed rate, whatever becomes of them; how many of them were refused."""
    work, refused = queue.Queue(), []

    def client():
        while (item := work.get()) is not None:
            if pay(world, port, *item) != 202:
                refused.append(item)

    clients = [threading.Thread(target=client) for _ in range(24)]
    for one in clients:
        one.start()
    began = time.monotonic()
    for number in range(RATE * SECONDS):
        time.sleep(max(0, began + number / RATE - time.monotonic()))
        for amount in AMOUNTS.values():
            work.put((number, amount))
    for _ in clients:
        work.put(None)
    for one in clients:
        one.join()
    return len(refused)


def run(hangs, options):
    hole = Hole()
    with harness.World() as world:
        process = world.start("sluiced", [
            f"{BUILD}/sluiced", "--insecure", "--fault-detector=off", f"--redis=unix://{world.socket}", "--listen=127.0.0.1:0",
            f"--work-max={WORK_MAX}", *options])
        port = process.listening()
        status, answer = harness.request(port, "PUT", "/v1/domain?force=true",
                                         document(world.bank_port, hole.port if hangs else world.bank_port))
        harness.expect(status == 200, f"the configuration was refused: {answer}")
        harness.wait_for("the configuration", lambda: harness.request(port, "GET", "/readyz")[0] == 200)
        refused = load(world, port)
        others = sum(1 for row in world.book()["payments"] if int(row["invoice_id"].split("/")[-1].split("-")[0]) < AMOUNTS[6]
                     and row.get("captures"))
    return others / SECONDS, refused


def main():
    healthy, _ = run(False, [])
    for name, options in (("one_provider_hangs", []), ("one_provider_hangs_without_bound", ["--provider-calls=1000000"])):
        value, refused = run(True, options)
        print(json.dumps({"bench": name, "value": round(value, 1), "unit": "captured/s of the other two",
                          "ceiling": round(healthy, 1), "ratio": round(value / healthy, 3), "refused": refused}), flush=True)


if __name__ == "__main__":
    main()
