"""Kills the daemon between every two stages of every activity of a payment.

A first payment finds out through which fail points it leads. Then, for each passage, a daemon is started that
dies there with SIGKILL while it makes an invoice and pays it; another takes over. Whatever the place: the
payment ends captured, the bank charged and captured once, the ledger is exact, the history has no gap.
"""
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


def wait_until_captured_or_dead(world, daemon, port, identity):
    return wait_for("the payment's end or the daemon's",
                    lambda: not daemon.alive() or world.status(port, identity) == "captured")


class Kills:
    def __init__(self, world, port):
        self.world = world
        self.survivor_port = port  # of a daemon that reads only at the end
        self.paid = 0
        self.table = []

    def kill_at(self, place, number):
        world = self.world
        identity = f"k{number}"
        began = time.monotonic()
        victim, port = world.start_daemon(fail_point=place, name="victim")
        if port:
            wait_for("the victim to be ready", lambda: not victim.alive() or request(port, "GET", "/readyz")[0] == 200)
            if victim.alive():
                pay(world, port, identity, world.payment())
                wait_until_captured_or_dead(world, victim, port, identity)
        died = not victim.alive()
        victim.kill()
        heir, port = world.start_daemon(name="heir")
        wait_for("the heir to be ready", lambda: request(port, "GET", "/readyz")[0] == 200)
        wait_for("the heir's answer", lambda: pay(world, port, identity, world.payment()))
        wait_for(f"{identity} to be captured", lambda: world.status(port, identity) == "captured")
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
        daemon, port = world.start_daemon(fail_point="?")
        world.apply_domain(port)
        expect(pay(world, port, "k0", world.payment()), "the first daemon does not answer")
        wait_for("the first payment", lambda: world.status(port, "k0") == "captured")
        wait_for("rest", lambda: "committed/invoice" in daemon.output())
        daemon.stop()
        places = passages(daemon.output())
        kills = Kills(world, port)
        kills.paid = 1
        status = run([(place, lambda place=place, number=number: kills.kill_at(place, number))
                      for number, place in enumerate(places, 1)])
        book = world.book()
        print(f"{len(places)} places; {len(kills.table)} kills survived; conflicts in the bank's book: {book['conflicts']}")
        return status or (1 if book["conflicts"] else 0)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as error:
        print(f"FAIL  {error}")
        print("0 passed, 1 failed")
        sys.exit(1)
