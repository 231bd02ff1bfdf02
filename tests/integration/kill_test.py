"""Kills the daemon between every two stages of every activity of a payment.

A first payment finds out through which fail points it leads. Then, for each passage, a daemon is started that
dies there with SIGKILL while it makes an invoice and pays it; another takes over. Whatever the place: the
payment ends captured, the bank charged and captured once, the ledger is exact, turnover counters count it once and
hold nothing, the history has no gap. Three times over: a card that is charged at once; one that asks its payer first
(3-D Secure: a tag is bound, the session is suspended, a callback comes from outside); and one that is declined on
its first route and goes on over the next (cascade).
"""
import base64
import re
import sys
import time

from harness import World, Failed, expect, request, run, wait_for

AMOUNT = 42000
OVER_2 = {3001: 40110, 1001: 1386, 4001: -41496}  # shares of one payment over terminal 2: 1890, 42000, 504
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
    """Asks for the invoice and the payment, as often as a client would who got no answer. False: nobody answers."""
    status, _ = request(port, "POST", "/v1/invoices", world.invoice(identity, AMOUNT))
    if status == 0:
        return False
    expect(status in (200, 201), f"the invoice was answered {status}")
    status, answer = request(port, "POST", f"/v1/invoices/{identity}/payments", payment)
    if status == 0:
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


class Books:
    """What all payments so far must have come to."""

    def __init__(self):
        self.paid = 0
        self.balances = {}

    def count(self, shares):
        self.paid += 1
        for account, share in shares.items():
            self.balances[account] = self.balances.get(account, 0) + share

    def check(self, world, port):
        found = world.balances(port)
        for account, balance in self.balances.items():
            expect(found[account] == (balance,) * 3,
                   f"account {account} has {found[account]}, not {balance} after {self.paid} payments")
        world.check_limits({"shop-month-turnover": AMOUNT * self.paid, "provider-month-turnover": AMOUNT * self.paid})


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

    def find_places(self):
        """Pays once and tells every fail point that the payment passes."""
        world, identity = self.world, f"{self.letter}0"
        daemon, port = world.start_daemon(fail_point="?", name="scout")
        if not request(port, "GET", "/readyz")[1]["configuration"]:
            world.apply_domain(port, edit=without_boundaries)
        expect(pay(world, port, identity, self.payment()), "the first daemon does not answer")
        wait_until_captured_or_dead(world, daemon, port, identity)
        wait_for("rest", lambda: "committed/invoice" in daemon.output())
        daemon.stop()
        self.books.count(self.shares)
        return passages(daemon.output())

    def kill_at(self, place, number):
        world = self.world
        identity = f"{self.letter}{number}"
        began = time.monotonic()
        victim, port = world.start_daemon(fail_point=place, name="victim")
        if port:
            wait_for("the victim to be ready", lambda: not victim.alive() or request(port, "GET", "/readyz")[0] == 200)
            if victim.alive():
                pay(world, port, identity, self.payment())
                wait_until_captured_or_dead(world, victim, port, identity)
        died = not victim.alive()
        victim.kill()
        heir, port = world.start_daemon(name="heir")
        wait_for("the heir to be ready", lambda: request(port, "GET", "/readyz")[0] == 200)
        wait_for("the heir's answer", lambda: pay(world, port, identity, self.payment()))
        wait_until_captured_or_dead(world, heir, port, identity)
        expect(heir.alive(), "the heir died")
        self.books.count(self.shares)
        world.check_bank(identity, AMOUNT)
        events = world.check_invoice(port, identity)
        self.books.check(world, port)
        status = heir.stop()
        expect(status == 0, f"the heir ended with {status}")
        expect(died, "the daemon did not pass there")
        self.table.append((place, len(events), int((time.monotonic() - began) * 1000)))


def main():
    with World() as world:
        books = Books()
        series = {
            "card": Kills(world, books, "k", "no_preauth", "VISA", OVER_2),
            "3-D Secure": Kills(world, books, "s", "preauth_3ds:timeout=600", "VISA", OVER_2),
            "cascade": Kills(world, books, "c", "scenario_f", "MIR", OVER_4),
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
