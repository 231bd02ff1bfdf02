"""Kills the daemon between every two stages of every activity of a payment.

A first payment finds out through which fail points it leads. Then, for each passage, a daemon is started that
dies there with SIGKILL while it makes an invoice and pays it; another takes over. Whatever the place: the
payment ends captured, the bank charged and captured once, the ledger is exact, turnover counters count it once and
hold nothing, the history has no gap. Three times over: a card that is charged at once; one that asks its payer first
(3-D Secure: a tag is bound, the session is suspended, a callback comes from outside); and one that is declined on
its first route and goes on over the next (cascade). Then for refunds of payments that were made before: each ends
succeeded, the bank gave the money back once, and the ledger and the counters say so.
"""
import base64
import re
import sys
import time

from harness import PARTY, Failed, World, expect, request, run, wait_for

AMOUNT = 42000
OVER_2 = {3001: 40110, 1001: 1386, 4001: -41496}  # shares of one payment over terminal 2: 1890, 42000, 504
REFUND = 10000
REFUNDED_2 = {3001: -10100, 1001: 100, 4001: 10000}  # shares of one refund: its fee of 100, its body
OVER_4 = {3001: 40110, 1001: 1218, 4002: -41328}  # over terminal 4: 1890, 42000, 672


def without_boundaries(text):
    """The example's limits count, but none of them is ever reached."""
    return re.sub(r'"upper_boundary": *\d+', '"upper_boundary": 1000000000000', text)


def passages(output):
    """Every passage as "stage/activity:N", in order."""
    counts, found = {}, []
    for place in re.findall(r"^fail point (\S+)$", output, re.M):
        counts[place] = counts.get(place, 0) + 1
        found.append(f"{place}:{counts[place]}")
    return found


def pay(world, port, identity, payment):
    """Asks for the invoice and the payment, as often as a client would who got no answer, or was told to come again
    since a call of the dead daemon's is not yet finished. False: not answered yet."""
    status, _ = request(port, "POST", "/v1/invoices", world.invoice(identity, AMOUNT))
    if status == 0:
        return False
    expect(status in (200, 201), f"the invoice was answered {status}")
    status, answer = request(port, "POST", f"/v1/invoices/{identity}/payments", payment)
    if status in (0, 503):
        return False
    expect(status == 202, f"the payment was answered {status} {answer}")
    return True


def waiting_tag(port, identity):
    """The tag under which the payment's session waits for its payer; None if it does not."""
    status, events = request(port, "GET", f"/v1/invoices/{identity}/events")
    tag = None
    for event in events if status == 200 else []:
        for change in event["payload"]["invoice_changes"]:
            payload = change.get("invoice_payment_change", {}).get("payload", {})
            session = payload.get("invoice_payment_session_change", {}).get("payload", {})
            if "session_suspended" in session:
                tag = session["session_suspended"]["tag"]
            elif "session_activated" in session or "session_finished" in session:
                tag = None
    return tag


def push(port, identity):
    """What the payer would do now: answers the bank, if it asks."""
    tag = waiting_tag(port, identity)
    if tag:
        payload = base64.b64encode(tag.encode()).decode()
        request(port, "POST", f"/v1/provider/callbacks/{tag}", {"payload": payload})


def wait_until_captured_or_dead(world, daemon, port, identity):
    def look():
        if not daemon.alive() or world.status(port, identity) == "captured":
            return True
        push(port, identity)
        return False
    return wait_for("the payment's end or the daemon's", look)


def refund(port, identity):
    """Asks for a part of a captured payment back. False: nobody answers."""
    body = {"id": "r", "cash": {"amount": REFUND, "currency": {"symbolic_code": "RUB"}}}
    status, answer = request(port, "POST", f"/v1/invoices/{identity}/payments/1/refunds", body)
    if status:
        expect(status == 202, f"the refund was answered {status} {answer}")
    return status != 0


def wait_until_refunded_or_dead(daemon, port, identity):
    def look():
        status, answer = request(port, "GET", f"/v1/invoices/{identity}/payments/1/refunds/r")
        return not daemon.alive() or (status == 200 and "succeeded" in answer["status"])
    return wait_for("the refund's end or the daemon's", look)


class Books:
    """What all payments so far must have come to."""

    def __init__(self):
        self.paid = self.refunded = 0
        self.balances = {}

    def count(self, shares, paid=1, refunded=0):
        self.paid += paid
        self.refunded += refunded
        for account, share in shares.items():
            self.balances[account] = self.balances.get(account, 0) + share

    def check(self, world, port):
        found = world.balances(port)
        for account, balance in self.balances.items():
            expect(found[account] == (balance,) * 3,
                   f"account {account} has {found[account]}, not {balance} after {self.paid} payments")
        world.check_limits({"shop-month-turnover": AMOUNT * self.paid, 
                            "provider-month-turnover": AMOUNT * self.paid - REFUND * self.refunded})


class Kills:
    def __init__(self, world, books, letter, token, system, shares):
        self.world = world
        self.books = books
        self.letter = letter  # identities begin with it
        self.token = token    # of the card
        self.system = system
        self.shares = shares
        self.table = []

    def payment(self):
        payment = self.world.payment(self.token)
        card = payment["payer"]["payment_resource"]["resource"]["payment_tool"]["bank_card"]
        card["payment_system"]["id"] = self.system
        return payment

    def ask(self, port, identity):
        return pay(self.world, port, identity, self.payment())

    def wait(self, daemon, port, identity):
        wait_until_captured_or_dead(self.world, daemon, port, identity)

    def count(self):
        self.books.count(self.shares)

    def check_bank(self, identity):
        self.world.check_bank(identity, AMOUNT)

    def find_places(self):
        """Pays once and tells every fail point that the payment passes."""
        world, identity = self.world, f"{self.letter}0"
        daemon, port = world.start_daemon(fail_point="?", name="scout")
        if not request(port, "GET", "/readyz")[1]["configuration"]:
            world.apply_domain(port, edit=without_boundaries)
        expect(self.ask(port, identity), "the first daemon does not answer")
        self.wait(daemon, port, identity)
        wait_for("rest", lambda: "committed/invoice" in daemon.output())
        daemon.stop()
        self.count()
        return passages(daemon.output())

    def kill_at(self, place, number):
        world = self.world
        identity = f"{self.letter}{number}"
        began = time.monotonic()
        victim, port = world.start_daemon(fail_point=place, name="victim")
        if port:
            wait_for("the victim to be ready", lambda: not victim.alive() or request(port, "GET", "/readyz")[0] == 200)
            if victim.alive():
                self.ask(port, identity)
                self.wait(victim, port, identity)
        died = not victim.alive()
        victim.kill()
        heir, port = world.start_daemon(name="heir")
        wait_for("the heir to be ready", lambda: request(port, "GET", "/readyz")[0] == 200)
        wait_for("the heir's answer", lambda: self.ask(port, identity))
        self.wait(heir, port, identity)
        expect(heir.alive(), "the heir died")
        self.count()
        self.check_bank(identity)
        events = world.check_invoice(port, identity)
        self.books.check(world, port)
        status = heir.stop()
        expect(status == 0, f"the heir ended with {status}")
        expect(died, "the daemon did not pass there")
        self.table.append((place, len(events), int((time.monotonic() - began) * 1000)))


class RefundKills(Kills):
    """The same while a part of a payment is given back that was paid in peace."""

    def pay_all(self, numbers):
        daemon, port = self.world.start_daemon(name="payer")
        if not request(port, "GET", "/readyz")[1]["configuration"]:
            self.world.apply_domain(port, edit=without_boundaries)
        wait_for("the payer to be ready", lambda: request(port, "GET", "/readyz")[0] == 200)
        for number in numbers:
            identity = f"{self.letter}{number}"
            expect(super(RefundKills, self).ask(port, identity), "the payer does not answer")
            super().wait(daemon, port, identity)
            self.books.count(OVER_2)
        daemon.stop()

    def ask(self, port, identity):
        return refund(port, identity)

    def wait(self, daemon, port, identity):
        wait_until_refunded_or_dead(daemon, port, identity)

    def count(self):
        self.books.count(self.shares, paid=0, refunded=1)

    def check_bank(self, identity):
        super().check_bank(identity)
        rows = [p["refunds"] for p in self.world.book()["payments"] if p["invoice_id"] == f"{identity}@{PARTY}"]
        amounts = [row["cash"]["amount"] for row in rows[0]]
        expect(amounts == [REFUND], f"{identity}: refunds of {amounts}")

    def find_places(self):
        self.pay_all([0])
        places = super().find_places()
        self.pay_all(range(1, len(places) + 1))
        return places


def main():
    with World() as world:
        books = Books()
        series = {
            "card": Kills(world, books, "k", "no_preauth", "VISA", OVER_2),
            "3-D Secure": Kills(world, books, "s", "preauth_3ds:timeout=600", "VISA", OVER_2),
            "cascade": Kills(world, books, "c", "scenario_f", "MIR", OVER_4),
            "refund": RefundKills(world, books, "r", "no_preauth", "VISA", REFUNDED_2),
        }
        tests = []
        for name, kills in series.items():
            rows = [(f"{name} {place}", lambda kills=kills, place=place, number=number: kills.kill_at(place, number))
                    for number, place in enumerate(kills.find_places(), 1)]
            run(rows)
            tests += rows
        survived = sum(len(kills.table) for kills in series.values())
        conflicts = world.book()["conflicts"]
        failed = len(tests) - survived + len(conflicts)
        print(f"{len(tests)} kills; conflicts in the bank's book: {conflicts}")
        print(f"{survived} passed, {failed} failed")
        return 1 if failed or not survived else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as error:
        print(f"FAIL  {error}")
        print("0 passed, 1 failed")
        sys.exit(1)
