"""What scenarios play on: a Redis whose time the runner moves, the mock bank, a daemon; shared by many scenarios.

Scenarios of one stage play one after the other. Each has its own configuration (a new revision) with parties, shops,
limits and accounts of its own, so nothing that an earlier one left behind is seen by it.
"""
import copy
import json
import mmap
import os
import socket
import struct

from harness import BUILD, Failed, World, expect, request, wait_for

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ACCOUNTS_OF_ONE = 1000         # a scenario's accounts are numbered from this times its number
OWN_KINDS = ("party_config", "shop_config", "limit_config")
SETTLE_S = 30                  # real time for the daemon to do what is due
# Longer than any wait of a scenario between two commits: moved time must not take a claim away from a daemon at work.
LEASE_MS = 600000


class Redis:
    """Just enough of Redis's protocol to ask a few questions."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def ask(self, *words):
        text = b"".join(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words)
        self.socket.sendall(b"*%d\r\n" % len(words) + text)
        return self.answer()

    def answer(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:].strip()
        if kind == b"*":
            return [self.answer() for _ in range(int(rest))]
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2].decode(errors="replace")
        if kind == b"-":
            raise Failed(f"Redis says {rest.decode()}")
        return int(rest) if kind == b":" else rest.decode()


class Stage(World):
    """One set of processes, and the hand on its clock."""

    def __init__(self, options=()):
        super().__init__(lease_ms=LEASE_MS, time_scale=1)
        self.options = list(options)
        self.clock = os.path.join(self.folder, "clock")
        with open(self.clock, "wb") as file:
            file.write(struct.pack("=q", 0))
        with open(self.clock, "r+b") as file:
            self.shift = mmap.mmap(file.fileno(), 8)
        self.played = 0
        self.revision = 0

    def __enter__(self):
        self.start_redis()
        self.store = Redis(self.socket)
        self.sluice("init", "--redis", f"unix://{self.socket}", "--partitions", "1")
        self.daemon = self.start("sluiced", [
            f"{BUILD}/sluiced", "--insecure", "--fault-detector=off", f"--redis=unix://{self.socket}",
            "--listen=127.0.0.1:0",
            f"--lease={self.lease_ms}", "--name=stage", *self.options])
        self.port = self.daemon.listening()
        expect(self.port, f"the daemon did not start: {self.daemon.output()}")
        self.bank = self.start("mockbank", [f"{BUILD}/mockbank", "--port=0", f"--book={self.folder}/book",
                                            f"--service=http://127.0.0.1:{self.port}", "--time-scale=1"])
        self.bank_port = self.bank.listening()
        return self

    def close(self, result):
        """Ends all; a daemon that does not end well, which is where leaks would show, fails the run."""
        try:
            status = self.daemon.stop()
            if status != 0:
                result.tell("the daemon", f"it ended with {status}: {self.daemon.output()[-3000:]}", [], 0)
        except Failed as error:
            result.tell("the daemon", str(error), [], 0)
        self.__exit__(None, None, None)

    def start(self, name, arguments, environment=None):
        if name == "redis":
            environment = {"LD_PRELOAD": f"{BUILD}/shift_time.so", "SHIFT_TIME_FILE": self.clock}
        return super().start(name, arguments, environment)

    # ---- time ----

    def now_ms(self):
        seconds, micros = self.store.ask("TIME")
        return int(seconds) * 1000 + int(micros) // 1000

    def move_to(self, moment_ms):
        """Makes it MOMENT_MS, unless it is later already, and lets the daemon know by an answer of Redis."""
        ahead = moment_ms - self.now_ms()
        if ahead > 0:
            self.shift[:] = struct.pack("=q", struct.unpack("=q", self.shift[:])[0] + ahead * 1000)
        request(self.port, "GET", "/v1/invoices/nobody")

    # ---- machines ----

    def key(self, identity):
        """Of the machine of the only invoice with this id, whose party stands behind it: "…:inv:ID@PARTY"."""
        keys = self.store.ask("KEYS", f"sluice:{{*}}:inv:{identity}@*")
        return next((key for key in keys if "/" not in key), None)

    def next_due(self, identity):
        """When machine IDENTITY has something to do (ms); 0: never, or not by itself; None: it is at it now."""
        key = self.key(identity)
        if not key:
            return 0
        tag, member = key.split("}:", 1)
        score = self.store.ask("ZSCORE", tag + "}:wheel", member)
        due, status = self.store.ask("HMGET", key, "due", "status")
        if score is None:
            return 0
        score = int(float(score))
        at_rest = status == "retrying" or str(score) == due
        return score if at_rest and score > self.now_ms() else None

    def settle(self, identities):
        """Waits until no machine has anything to do now; the next moment at which one has (0: none)."""
        def look():
            dues = [self.next_due(identity) for identity in identities]
            return None if None in dues else [due for due in dues if due] or [0]
        return min(wait_for(f"{', '.join(identities)} to come to rest", look, SETTLE_S))

    def events(self, identity):
        found = []
        while True:
            after = found[-1]["id"] if found else 0
            status, events = request(self.port, "GET", f"/v1/invoices/{identity}/events?after={after}&limit=200")
            expect(status in (200, 404), f"events of {identity}: {status} {events}")
            if status == 404 or not events:
                return found
            found += events

    # ---- configuration ----

    def commit(self, document):
        """Makes DOCUMENT the configuration; its revision."""
        text = json.dumps(document).replace("127.0.0.1:8090", f"127.0.0.1:{self.bank_port}")
        status, answer = request(self.port, "PUT", "/v1/domain?force=true", text.encode())
        expect(status == 200, f"the configuration was refused: {answer}")
        self.revision = answer["revision"]
        wait_for("the configuration", lambda: self.head() == self.revision)
        return self.revision

    def head(self):
        status, answer = request(self.port, "GET", "/v1/domain")
        return answer.get("revision") if status == 200 else None


# ---- documents ----

def objects(document, kind):
    return [row[kind] for row in document["objects"] if kind in row]


def object_find(document, kind, ref):
    for one in objects(document, kind):
        identity = one["ref"].get("id", one["ref"].get("symbolic_code"))
        if str(identity) == ref or (not one["ref"] and ref == ""):
            return one
    raise Failed(f"the configuration has no {kind} {ref}")


def walk(document, path):
    """The container and the last step of "kind/ref/member/member"; list items by number, "+" is one more."""
    kind, ref, *steps = path.split("/")
    one = object_find(document, kind, ref)
    at, last = one, "data"
    for step in steps:
        at = at[last]
        last = step if not isinstance(at, list) else len(at) if step == "+" else int(step)
    return at, last


def merge(old, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def account_places(data):
    """(container, member) of each account number in the data of an object."""
    places = [data.get("account"), *data.get("accounts", {}).values()]
    return [(place, word) for place in places if isinstance(place, dict) for word in place if isinstance(place[word], int)]


def own_accounts(document, data):
    """A copy has accounts of its own: no account has two owners."""
    used = [place[word] for row in document["objects"] for one in row.values() for place, word in account_places(one["data"])]
    for number, (place, word) in enumerate(account_places(data), max(used, default=0) + 1):
        place[word] = number


def patch(document, operations):
    """Applies OPERATIONS in place; a text names a file of tests/scenarios/configurations."""
    for operation in operations:
        if isinstance(operation, str):
            with open(os.path.join(HERE, "configurations", f"{operation}.json"), encoding="utf-8") as file:
                patch(document, json.load(file))
        elif "object" in operation:
            (kind, added), = operation["object"].items()
            document["objects"] = [row for row in document["objects"]
                                   if not (kind in row and row[kind]["ref"] == added["ref"])]
            document["objects"].append({kind: copy.deepcopy(added)})
        elif "copy" in operation:
            kind, ref = operation["copy"].split("/")
            made = copy.deepcopy(object_find(document, kind, ref))
            made["ref"] = {"id": operation["as"]}
            own_accounts(document, made["data"])
            made["data"] = merge(made["data"], operation.get("with", {}))
            patch(document, [{"object": {kind: made}}])
        elif "set" in operation:
            at, last = walk(document, operation["set"])
            if isinstance(at, list) and last == len(at):
                at.append(copy.deepcopy(operation["to"]))
            else:
                at[last] = copy.deepcopy(operation["to"])
        elif "merge" in operation:
            at, last = walk(document, operation["merge"])
            at[last] = merge(at[last] if isinstance(at, list) else at.get(last), operation["with"])
        elif "remove" in operation:
            at, last = walk(document, operation["remove"])
            del at[last]
        else:
            raise Failed(f"what is the configuration operation {operation}?")


class Names:
    """Texts of a scenario that stand for something of its own: what `shop-test` is to readers is
    `shop-test~17` to the service, account 301 is 17301, so scenarios do not meet."""

    def __init__(self, number, document):
        self.number = number
        self.mine = {one["ref"]["id"] for kind in OWN_KINDS for one in objects(document, kind)}
        self.accounts = {}
        self.account_names(document)

    def account_names(self, document):
        """"shop-test.settlement", "provider-1.settlement", "system-1.subagent", "external-2.outcome": its number.
        Accounts in other currencies than RUB have it in front of the last word: "system-1.USD.settlement"."""
        for one in objects(document, "shop_config"):
            for word in ("settlement", "guarantee"):
                self.accounts[f"{one['ref']['id']}.{word}"] = one["data"]["account"][word]
        for kind, name in (("provider", "provider"), ("system_account_set", "system"), ("external_account_set", "external")):
            for one in objects(document, kind):
                for currency, accounts in one["data"].get("accounts", {}).items():
                    for word, number in accounts.items():
                        middle = "" if currency == "RUB" else f"{currency}."
                        self.accounts[f"{name}-{one['ref']['id']}.{middle}{word}"] = number

    def account(self, name):
        if name not in self.accounts:
            raise Failed(f"there is no account {name}; there are {', '.join(sorted(self.accounts))}")
        return self.number * ACCOUNTS_OF_ONE + self.accounts[name]

    def own(self, value):
        """VALUE with every text that is the name of something of the scenario's own made so."""
        if isinstance(value, dict):
            return {self.own(name): self.own(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.own(inner) for inner in value]
        return f"{value}~{self.number}" if isinstance(value, str) and value in self.mine else value

    def common(self, value):
        """The other way round, for what the service says."""
        if isinstance(value, dict):
            return {self.common(name): self.common(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.common(inner) for inner in value]
        tail = f"~{self.number}"
        return value[:-len(tail)] if isinstance(value, str) and value.endswith(tail) and value[:-len(tail)] in self.mine \
            else value

    def document(self, document, revision):
        """DOCUMENT with names and accounts of the scenario's own, its limits counted as of REVISION."""
        owned = self.own(document)
        for kind, member in (("shop_config", "account"), ("provider", "accounts"), ("system_account_set", "accounts"),
                             ("external_account_set", "accounts")):
            for one in objects(owned, kind):
                self.shift_accounts(one["data"].get(member, {}))
        for one in objects(owned, "provider"): # so that the bank's log can name it
            one["data"].get("proxy", {}).setdefault("additional", {}).setdefault("provider", str(one["ref"]["id"]))
        self.set_revision(owned, revision)
        return owned

    def shift_accounts(self, value):
        for name, inner in value.items():
            if isinstance(inner, dict):
                self.shift_accounts(inner)
            elif isinstance(inner, int):
                value[name] = inner + self.number * ACCOUNTS_OF_ONE

    def set_revision(self, value, revision):
        if isinstance(value, dict):
            if "upper_boundary" in value and "domain_revision" in value:
                value["domain_revision"] = revision
            for inner in value.values():
                self.set_revision(inner, revision)
        elif isinstance(value, list):
            for inner in value:
                self.set_revision(inner, revision)
