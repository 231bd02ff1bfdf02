"""What strangers, adapters and operators must not be able to do: end a daemon, or leave an invoice that nobody can read.

The provider is one that answers what it is told, whatever that is.
"""
import http.server
import json
import sys
import threading

from harness import World, expect, request, run, wait_for

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
        rests = "pending" not in state["payments"][0]["payment"]["status"]
        return state if rests or state["machine"]["status"] == "failed" else None
    return wait_for(f"{identity} to rest", look)


def an_invoice_may_be_due_in_the_last_moment():
    last = "9999-12-31T23:59:59.999999Z"
    expect(create("late", due=last)["invoice"]["due"] == last, "it is due at another time")
    expect(get("/v1/invoices/late")["machine"]["due"] == last, "its timer is shown otherwise")
    expect([row["due"] for row in get("/v1/timers") if row["id"] == "late"] == [last], "the list shows another time")


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
        ])
        status = daemon.stop()
        if status:
            print(f"FAIL  the daemon ended with {status}\n{daemon.output()}")
        return 1 if failed or status else 0


if __name__ == "__main__":
    sys.exit(main())
