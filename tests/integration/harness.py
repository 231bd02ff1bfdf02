"""Real processes for integration tests: a private Redis, the mock bank, one or more sluiced.

Everything listens on loopback or a unix socket in a folder of its own, is ended by its pid, and every wait
has a deadline. A World is a context manager: leaving it stops what it started.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

BUILD = os.environ["SLUICE_BUILDDIR"]
SOURCE = os.environ["SLUICE_SRCDIR"]
WAIT_S = 30
PARTY = "party-acme"  # whose invoices these are: keys, the feed and the bank name them ID@PARTY


class Failed(Exception):
    """A check of a test did not hold."""


def expect(condition, what):
    if not condition:
        raise Failed(what)


def wait_for(what, look, seconds=WAIT_S):
    """The first true answer of LOOK; Failed after SECONDS."""
    until = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > until:
            raise Failed(f"waited {seconds} s for {what}")
        time.sleep(0.01)


class Process:
    def __init__(self, name, arguments, folder, environment=None):
        self.name = name
        self.log = os.path.join(folder, f"{name}.log")
        with open(self.log, "ab") as log:
            self.start = log.tell()
            self.child = subprocess.Popen(arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                          env={**os.environ, **(environment or {})})

    def output(self):
        with open(self.log, "rb") as log:
            log.seek(self.start)
            return log.read().decode(errors="replace")

    def alive(self):
        return self.child.poll() is None

    def signal(self, number):
        self.child.send_signal(number)

    def kill(self):
        if self.alive():
            self.child.kill()
        self.child.wait()

    def stop(self):
        """Ends it gracefully; its status."""
        if self.alive():
            self.child.send_signal(signal.SIGCONT)
            self.child.terminate()
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
                raise Failed(f"{self.name} did not stop when told to")
        return self.child.returncode

    def listening(self):
        """The port that it says it listens on; None if it died first."""
        def look():
            found = re.search(r"listening on 127\.0\.0\.1:(\d+)", self.output())
            return int(found.group(1)) if found else (None if self.alive() else -1)
        port = wait_for(f"{self.name} to listen", look)
        return None if port == -1 else port


def request(port, method, path, body=None, timeout=WAIT_S, headers=None):
    """(status, decoded JSON); (0, None) when the connection broke or could not be made."""
    data = None
    all_headers = dict(headers or {})
    if body is not None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        all_headers.setdefault("Content-Type", "application/json")
    call = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=data, method=method, headers=all_headers)
    try:
        with urllib.request.urlopen(call, timeout=timeout) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        text = error.read()
        try:
            return error.code, json.loads(text)
        except ValueError:
            return error.code, None
    except (urllib.error.URLError, ConnectionError, TimeoutError, OSError, ValueError):
        return 0, None


class World:
    def __init__(self, lease_ms=400, time_scale=0.02, prepare=None):
        """PREPARE fills the World before the bank starts."""
        self.folder = tempfile.mkdtemp(prefix="sluice-")
        self.socket = os.path.join(self.folder, "redis.sock")
        self.lease_ms = lease_ms
        self.time_scale = time_scale
        self.processes = []
        self.daemons = 0
        self.prepare = prepare

    def __enter__(self):
        self.start_redis()
        self.sluice("init", "--redis", f"unix://{self.socket}", "--partitions", "4")
        if self.prepare:
            self.prepare(self)
        self.bank = self.start("mockbank", [f"{BUILD}/mockbank", "--port=0", f"--book={self.folder}/book",
                                            f"--time-scale={self.time_scale}"])
        self.bank_port = self.bank.listening()
        return self

    def __exit__(self, kind, error, trace):
        for process in reversed(self.processes):
            process.kill()
        if kind and os.environ.get("SLUICE_KEEP"):
            print(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name, arguments, environment=None):
        process = Process(name, arguments, self.folder, environment)
        self.processes.append(process)
        return process

    def start_redis(self, folder=None, port=0, socket=None):
        self.redis = self.start("redis", [
            "redis-server", "--bind", "127.0.0.1", "--port", str(port), "--unixsocket", socket or self.socket,
            "--dir", folder or self.folder, "--appendonly", "yes", "--appendfsync", "always",
            "--aof-load-truncated", "no", "--save", "", "--stream-node-max-bytes", "8192"])
        wait_for("Redis", lambda: self.redis_cli("PING", check=False, socket=socket).strip() == "PONG")
        return self.redis

    def redis_cli(self, *words, check=True, socket=None):
        done = subprocess.run(["redis-cli", "-s", socket or self.socket, *words], capture_output=True, text=True,
                              timeout=WAIT_S)
        if check:
            expect(done.returncode == 0, f"redis-cli {words}: {done.stderr}")
        return done.stdout

    def sluice(self, *words):
        done = subprocess.run([f"{BUILD}/sluice", *words], capture_output=True, text=True, timeout=WAIT_S)
        expect(done.returncode == 0, f"sluice {words}: {done.stderr}")
        return done.stdout

    def start_daemon(self, fail_point=None, name=None, lease_ms=None, environment=None, options=()):
        """(process, port); the port is None if it died before it listened."""
        self.daemons += 1
        name = name or f"sluiced-{self.daemons}"
        environment = {**(environment or {}), **({"SLUICE_FAIL_POINT": fail_point} if fail_point else {})}
        process = self.start(name, [
            f"{BUILD}/sluiced", "--insecure", "--fault-detector=off", f"--redis=unix://{self.socket}",
            "--listen=127.0.0.1:0",
            f"--lease={lease_ms or self.lease_ms}", f"--name={name}-{self.daemons}", *options], environment)
        return process, process.listening()

    def apply_domain(self, port, name="domain.json", edit=lambda text: text):
        with open(f"{SOURCE}/examples/{name}", encoding="utf-8") as file:
            text = edit(file.read().replace("127.0.0.1:8090", f"127.0.0.1:{self.bank_port}"))
        status, answer = request(port, "PUT", "/v1/domain", text.encode())
        expect(status == 200, f"the configuration was refused: {answer}")
        wait_for("the configuration", lambda: request(port, "GET", "/readyz")[0] == 200)

    def invoice(self, identity, amount=42000):
        with open(f"{SOURCE}/examples/invoice.json", encoding="utf-8") as file:
            body = json.load(file)
        body["id"] = identity
        body["cost"]["amount"] = amount
        return body

    def payment(self, token="no_preauth"):
        with open(f"{SOURCE}/examples/payment.json", encoding="utf-8") as file:
            body = json.load(file)
        body["payer"]["payment_resource"]["resource"]["payment_tool"]["bank_card"]["token"] = token
        return body

    def status(self, port, identity):
        """The payment's status in a word; None while there is none."""
        code, answer = request(port, "GET", f"/v1/invoices/{identity}/payments/1")
        return next(iter(answer["payment"]["status"])) if code == 200 else None

    def book(self):
        status, book = request(self.bank_port, "GET", "/book")
        expect(status == 200, "the bank does not show its book")
        return book

    def faults(self, **wish):
        status, answer = request(self.bank_port, "POST", "/faults", wish)
        expect(status == 200, f"the bank does not take the fault: {answer}")

    # ---- what must always hold ----

    def balances(self, port):
        accounts = {}
        for account in (1001, 3001, 3002, 4001, 4002):
            status, answer = request(port, "GET", f"/v1/accounts/{account}")
            expect(status == 200, f"account {account}: {answer}")
            accounts[account] = (answer["own_amount"], answer["min_available_amount"], answer["max_available_amount"])
        return accounts

    def check_limits(self, values):
        """Nothing is held in any turnover counter, and the counters whose names begin so have these values."""
        found = {}
        for key in self.redis_cli("--scan", "--pattern", "sluice:{*}:limit:*").split():
            rows = self.redis_cli("HGETALL", key).splitlines()
            held = [field for field, value in zip(rows[::2], rows[1::2]) if value.startswith("held ")]
            expect(not held, f"{key} still holds {held}")
            name = key.split(":limit:")[1]
            found[name.split("/")[0]] = found.get(name.split("/")[0], 0) + int(rows[rows.index("value") + 1])
        for name, value in values.items():
            expect(found.get(name, 0) == value, f"limit {name} counts {found.get(name, 0)}, not {value}")

    def check_invoice(self, port, identity):
        """The history has no gap, the feed has each of its events once, and no timer is left."""
        status, events = request(port, "GET", f"/v1/invoices/{identity}/events")
        expect(status == 200, f"no events of {identity}")
        numbers = [event["id"] for event in events]
        expect(numbers == list(range(1, len(events) + 1)), f"events of {identity} are numbered {numbers}")
        feed, wheel = [], ""
        for key in self.redis_cli("--scan", "--pattern", "sluice:{*}:feed").split():
            feed += re.findall(rf"^inv:{re.escape(identity)}@{PARTY}\nevent\n(\d+)$", self.redis_cli("XRANGE", key, "-", "+"), re.M)
            wheel += self.redis_cli("ZSCORE", key.replace(":feed", ":wheel"), f"inv:{identity}@{PARTY}").strip()
        expect(sorted(map(int, feed)) == numbers, f"the feed has events {feed} of {identity}")
        expect(wheel == "", f"{identity} is still on the wheel at {wheel}")
        return events

    def check_bank(self, identity, amount):
        entry = [p for p in self.book()["payments"] if p["invoice_id"] == f"{identity}@{PARTY}"]
        expect(len(entry) == 1, f"the bank's book has {len(entry)} entries for {identity}")
        for kind in ("charges", "captures"):
            amounts = [row["cash"]["amount"] for row in entry[0][kind]]
            expect(amounts == [amount], f"{identity}: {kind} of {amounts}")


def run(tests):
    """Runs functions that raise Failed; prints a line each and `N passed, N failed`; the exit status."""
    passed = failed = 0
    for name, test in tests:
        try:
            test()
            passed += 1
            print(f"pass  {name}", flush=True)
        except Failed as error:
            failed += 1
            print(f"FAIL  {name}: {error}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0
