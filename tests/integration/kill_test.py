"""Kills the daemon between every two stages of every activity of a payment.

A first payment finds out through which fail points it leads. Then, for each passage, a daemon is started that
dies there with SIGKILL while it makes an invoice and pays it; another takes over. Whatever the place: the
payment ends captured, the bank charged and captured once, the ledger is exact, the history has no gap.
Twice over: a card that is charged at once, and one that asks its payer first (3-D Secure: a tag is bound, the
session is suspended, a callback comes from outside).
"""
import base64
import re
import sys
import time

from harness import World, Failed, expect, request, run, wait_for

AMOUNT = 42000
SHARES = {3001: 40110, 1001: 1386, 4001: -41496}  # of one payment over terminal 2: 1890, 42000, 504


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


class Kills:
    def __init__(self, world, letter, token):
        self.world = world
        self.letter = letter  # identities begin with it
        self.token = token    # of the card
        self.paid = 0
        self.table = []

    def find_places(self):
        """Pays once and tells every fail point that the payment passes."""
        world, identity = self.world, f"{self.letter}0"
        daemon, port = world.start_daemon(fail_point="?", name="scout")
        if not request(port, "GET", "/readyz")[1]["configuration"]:
            world.apply_domain(port)
        expect(pay(world, port, identity, world.payment(self.token)), "the first daemon does not answer")
        wait_until_captured_or_dead(world, daemon, port, identity)
        wait_for("rest", lambda: "committed/invoice" in daemon.output())
        daemon.stop()
        self.paid += 1
        return passages(daemon.output())

    def kill_at(self, place, number):
        world = self.world
        identity = f"{self.letter}{number}"
        began = time.monotonic()
        victim, port = world.start_daemon(fail_point=place, name="victim")
        if port:
            wait_for("the victim to be ready", lambda: not victim.alive() or request(port, "GET", "/readyz")[0] == 200)
            if victim.alive():
                pay(world, port, identity, world.payment(self.token))
                wait_until_captured_or_dead(world, victim, port, identity)
        died = not victim.alive()
        victim.kill()
        heir, port = world.start_daemon(name="heir")
        wait_for("the heir to be ready", lambda: request(port, "GET", "/readyz")[0] == 200)
        wait_for("the heir's answer", lambda: pay(world, port, identity, world.payment(self.token)))
        wait_until_captured_or_dead(world, heir, port, identity)
        expect(heir.alive(), "the heir died")
        self.paid += 1
        world.check_bank(identity, AMOUNT)
        events = world.check_invoice(port, identity)
        for account, share in SHARES.items():
            expect(world.balances(port)[account] == (share * self.paid,) * 3,
                   f"account {account} has {world.balances(port)[account]} after {self.paid} payments")
        status = heir.stop()
        expect(status == 0, f"the heir ended with {status}")
        expect(died, "the daemon did not pass there")
        self.table.append((place, len(events), int((time.monotonic() - began) * 1000)))


def main():
    with World() as world:
        kills = Kills(world, "k", "no_preauth")
        secure = Kills(world, "s", "preauth_3ds:timeout=600")
        tests = []
        for name, series in (("card", kills), ("3-D Secure", secure)):
            secure.paid = kills.paid  # the ledger is one
            places = series.find_places()
            rows = [(f"{name} {place}", lambda series=series, place=place, number=number: series.kill_at(place, number))
                    for number, place in enumerate(places, 1)]
            run(rows)
            tests += rows
        survived = len(kills.table) + len(secure.table)
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
