"""A callback of the bank that comes once and never again, while everything goes wrong around the call that it leads to.

The bank charges when it is told that the payer is back. Its answer is lost, or garbage, or the daemon is killed before
what came of it is stored; the suspension is short and runs out meanwhile. Whatever happens: the payment ends
captured, the bank charged and captured once, and nothing is left of the call that was begun.
"""
import base64
import sys

from harness import PARTY, Failed, World, expect, request, run, wait_for
from kill_test import AMOUNT, pay, waiting_tag, without_boundaries

SUSPENDED_S = 2  # of real time
TOKEN = "preauth_3ds:timeout=100"  # the same at the world's pace


def call_back(port, tag):
    payload = base64.b64encode(tag.encode()).decode()
    return request(port, "POST", f"/v1/provider/callbacks/{tag}", {"payload": payload})[0]


class Callbacks:
    def __init__(self, world):
        self.world = world

    def daemon(self, **options):
        daemon, port = self.world.start_daemon(**options)
        wait_for("the daemon", lambda: request(port, "GET", "/readyz")[0] in (200, 503))
        if not request(port, "GET", "/readyz")[1]["configuration"]:
            self.world.apply_domain(port, edit=without_boundaries)
        wait_for("the daemon to be ready", lambda: request(port, "GET", "/readyz")[0] == 200)
        return daemon, port

    def suspended(self, port, identity):
        """Pays as far as the payer's bank; the tag under which it waits."""
        expect(pay(self.world, port, identity, self.world.payment(TOKEN)), "the daemon does not answer")
        return wait_for("the suspension", lambda: waiting_tag(port, identity))

    def asked(self, identity):
        key = self.world.redis_cli("--scan", "--pattern", f"sluice:*:inv:{identity}@{PARTY}").strip()
        return self.world.redis_cli("HGET", key, "asked").strip()

    def check_captured(self, port, identity):
        wait_for(f"{identity} to be captured", lambda: self.world.status(port, identity) == "captured")
        wait_for("rest", lambda: not self.asked(identity))
        self.world.check_bank(identity, AMOUNT)
        self.world.check_invoice(port, identity)
        expect(not self.world.book()["conflicts"], "the bank was asked for something else under a key that it knew")

    def lost(self):
        """Two answers are lost, so that the suspension is over before the third is heard."""
        daemon, port = self.daemon()
        tag = self.suspended(port, "lost")
        self.world.faults(kind="lost_after", target="processed", next=2)
        status = call_back(port, tag)
        expect(status == 503, f"the callback was answered {status}")
        expect(f'"tag":"{tag}"' in self.asked("lost"), "the call is not stored")
        listed = request(port, "GET", "/v1/machines?status=retrying")[1]
        expect([m["cause"] for m in listed if m["id"] == f"lost@{PARTY}"] == ["unknown_outcome"], f"operators see {listed}")
        self.check_captured(port, "lost")
        expect(daemon.stop() == 0, "the daemon did not end well")

    def garbled(self):
        """An answer that makes no sense parks the invoice; it is asked again when an operator says so."""
        daemon, port = self.daemon()
        tag = self.suspended(port, "garbled")
        self.world.faults(kind="garbage", target="processed", next=1)
        status = call_back(port, tag)
        expect(status == 423, f"the callback was answered {status}")
        dry = request(port, "POST", "/v1/invoices/garbled/repair?dry_run=true")[1]
        expect(dry.get("asked_and_not_answered", {}).get("provider_callback", {}).get("tag") == tag, f"dry run: {dry}")
        expect(dry["effect"]["kind"] == "handle_payment_callback", f"dry run: {dry}")
        expect(request(port, "POST", "/v1/invoices/garbled/repair")[0] == 200, "the repair failed")
        self.check_captured(port, "garbled")
        expect(daemon.stop() == 0, "the daemon did not end well")

    def killed(self, stage):
        """The daemon dies around the call; another one finds out, though the bank does not call again."""
        identity = f"killed-{stage}"
        victim, port = self.daemon(fail_point=f"{stage}/processing_session:3")  # after unused limits and the first call
        tag = self.suspended(port, identity)
        status = call_back(port, tag)
        expect(status == 0 and wait_for("the end of the victim", lambda: not victim.alive()),
               f"the victim lives, and answered {status}")
        expect(self.asked(identity), "the call is not stored")
        heir, port = self.daemon()
        self.check_captured(port, identity)
        expect(heir.stop() == 0, "the heir did not end well")


def main():
    with World() as world:
        callbacks = Callbacks(world)
        return run([
            ("answers lost", callbacks.lost),
            ("answer garbled", callbacks.garbled),
            ("killed before the call", lambda: callbacks.killed("effect")),
            ("killed after the call", lambda: callbacks.killed("effect_done")),
        ])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as error:
        print(f"FAIL  {error}")
        print("0 passed, 1 failed")
        sys.exit(1)
