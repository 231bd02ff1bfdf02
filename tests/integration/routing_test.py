"""Routes, seen from outside: why a payment went where it went, by the API and on a terminal."""
import json
import os
import subprocess
import sys

from harness import BUILD, World, expect, request, run, wait_for

WORLD = {}


def pay(identity, token="no_preauth", amount=42000, system="VISA", country="USA"):
    world, port = WORLD["world"], WORLD["port"]
    payment = world.payment(token)
    card = payment["payer"]["payment_resource"]["resource"]["payment_tool"]["bank_card"]
    card["issuer_country"] = country
    card["payment_system"]["id"] = system
    status, answer = request(port, "POST", "/v1/invoices", world.invoice(identity, amount))
    expect(status == 201, f"the invoice was answered {status} {answer}")
    status, answer = request(port, "POST", f"/v1/invoices/{identity}/payments?wait=20", payment)
    expect(status == 202, f"the payment was answered {status} {answer}")
    return wait_for("the payment's end", lambda: finished(port, identity))


def finished(port, identity):
    status = WORLD["world"].status(port, identity)
    return status if status in ("captured", "failed") else None


def explained(identity):
    """(terminal, chosen?, sentence) of each route."""
    status, answer = request(WORLD["port"], "GET", f"/v1/invoices/{identity}/payments/1/route")
    expect(status == 200, f"the route was answered {status} {answer}")
    return answer, [(row["route"]["terminal"]["id"], row["is_chosen"], row["rejection_description"])
                    for row in answer["explained_routes"]]


def every_candidate_has_its_reason():
    expect(pay("plain", system="MIR") == "captured", "it was not captured")
    answer, rows = explained("plain")
    expect(rows[0] == (3, True, "it was chosen"), f"{rows}")
    expect(rows[1][0] == 4 and "priority is smaller: 990 against 1000" in rows[1][2], f"{rows}")
    away = {row[0]: row[2] for row in rows[2:]}
    expect(set(away) == {1, 2}, f"{rows}")
    expect(away[1] == "it was no candidate: PaymentsProvisionTerms, payment_tool", f"{away}")
    expect(answer["used_varset"]["shop_id"] == "shop-acme-books", f"{answer['used_varset']}")
    expect(answer["explained_routes"][0]["limits"][1]["value"] == 1, f"{answer['explained_routes'][0]}")


def a_cascade_tells_both_attempts():
    expect(pay("twice", token="scenario_f", system="MIR") == "captured", "it was not captured")
    rows = explained("twice")[1]
    expect(rows[0] == (4, True, "it was chosen"), f"{rows}")
    expect(rows[1] == (3, False, "it was tried before, without success"), f"{rows}")
    status, answer = request(WORLD["port"], "GET", "/v1/invoices/twice/payments/1/limits")
    expect(status == 200, f"the limits were answered {status} {answer}")
    counts = {row["route"]["terminal"]["id"]: row["limits"][1] for row in answer}
    expect(counts[4]["value"] == 1 and counts[4]["current"] == 1, f"this card's payments of the day: {counts}")


def what_no_route_would_take_says_why():
    expect(pay("none", amount=500) == "failed", "it did not fail")
    status, answer = request(WORLD["port"], "GET", "/v1/invoices/none/payments/1/route")
    expect(status == 409 and answer["error"] == "RouteNotChosen", f"{status} {answer}")
    expect("provider 1 terminal 1: PaymentsProvisionTerms, cost" in answer["detail"], f"{answer}")
    for path, error in (("/v1/invoices/none/payments/7/route", "InvoicePaymentNotFound"),
                        ("/v1/invoices/nobody/payments/1/limits", "InvoiceNotFound")):
        status, answer = request(WORLD["port"], "GET", path)
        expect(status == 404 and answer["error"] == error, f"{path}: {status} {answer}")


def a_full_terminal_gives_way_and_says_so():
    expect(pay("large", amount=2000000, country="RUS") == "captured", "it was not captured")
    rows = explained("large")[1]
    reasons = {row[0]: row[2] for row in rows}
    expect(rows[0][0] == 1, f"{rows}")
    expect("limit terminal-day-turnover is exceeded: 2000000 of 300000" in reasons[2], f"{rows}")


def a_terminal_shows_the_table():
    done = subprocess.run([f"{BUILD}/sluice", f"--api=http://127.0.0.1:{WORLD['port']}", "route", "explain", "large", "1"],
                          capture_output=True, text=True, timeout=20)
    lines = done.stdout.splitlines()
    expect(done.returncode == 0 and lines[0].split()[:3] == ["provider", "terminal", "priority"], done.stdout + done.stderr)
    expect(lines[1].startswith("*") and "it was chosen" in lines[1], done.stdout)
    expect(any("terminal-day-turnover: 2000000 of 300000 (exceeded)" in line for line in lines), done.stdout)


def the_feed_is_a_sample():
    """What was just paid, simulated under the same configuration, goes where it went; limits apart."""
    api = f"--api=http://127.0.0.1:{WORLD['port']}"
    found = json.loads(WORLD["world"].sluice(api, "route", "simulate", "--from-feed=100", "--json"))
    expect(found["payments"] == 4 and found["unrouted"] == 1, f"{found}")
    expect(found["failures"] == [{"code": "no_route_found:forbidden", "reason": "", "payments": 1}], f"{found}")
    payments = {row["route"]["terminal"]["id"]: row["payments"] for row in found["routes"]}
    expect(payments[3] == 2 and payments[2] == 1, f"two by MIR, and the large one, which met a limit: {payments}")
    found = json.loads(WORLD["world"].sluice(api, "route", "simulate", "--from-feed=1", "--compare=1", "--down=1", "--json"))
    expect(found["before"]["payments"] == 1 and found["before"] == found["after"], f"{found}")


def a_configuration_is_checked_offline():
    example = f"{os.environ['SLUICE_SRCDIR']}/examples/domain.json"
    found = json.loads(WORLD["world"].sluice("domain", "check", example, "--json"))
    expect({row["rule"] for row in found} == {"weight_pinned", "method_unrouted"}, f"{found}")
    for words, stdin in ((["--strict", example], None), (["-"], '{"objects":[{"currency":{}}]}')):
        done = subprocess.run([f"{BUILD}/sluice", "domain", "check", *words], input=stdin, capture_output=True, text=True,
                              timeout=20)
        expect(done.returncode == 1, f"{words}: {done.returncode} {done.stdout}")
    expect("/objects/0/currency/ref: is required" in done.stdout, done.stdout)


def main():
    with World() as world:
        daemon, port = world.start_daemon()
        world.apply_domain(port)
        WORLD.update(world=world, port=port, daemon=daemon)
        return run([(test.__name__, test) for test in (
            every_candidate_has_its_reason, a_cascade_tells_both_attempts, what_no_route_would_take_says_why,
            a_full_terminal_gives_way_and_says_so, a_terminal_shows_the_table, the_feed_is_a_sample,
            a_configuration_is_checked_offline)])


if __name__ == "__main__":
    sys.exit(main())
