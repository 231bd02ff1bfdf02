"""A scenario that cannot fail is worthless: plays good ones with one expectation spoilt, and each must fail.

Every kind of expectation there is gets its turn, and for each change that the histories show. Says `N passed,
N failed` like the rest.
"""
import copy
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ["SLUICE_SRCDIR"]
sys.path[:0] = [HERE, os.path.join(SOURCE, "tests", "integration")]

from harness import Failed                                           # noqa: E402
from runner.match import BadPattern, Pattern, Change, differences    # noqa: E402
from runner.play import Play, load_json                              # noqa: E402
from runner.stage import Stage                                       # noqa: E402

SUBJECTS = ["invoice/invoice_cancellation", "payment/payment_success"]

# (expected, actual, fits): the language of values.
VALUES = [
    ("unpaid", {"unpaid": {}}, True),
    ("unpaid", {"paid": {}}, False),
    ("42000 RUB", {"amount": 42000, "currency": {"symbolic_code": "RUB"}}, True),
    ("42001 RUB", {"amount": 42000, "currency": {"symbolic_code": "RUB"}}, False),
    ("42000 USD", {"amount": 42000, "currency": {"symbolic_code": "RUB"}}, False),
    ("P1/T2", {"provider": {"id": 1}, "terminal": {"id": 2}}, True),
    ("P1/T2", {"provider": {"id": 2}, "terminal": {"id": 1}}, False),
    ("a:b", {"failure": {"code": "a", "sub": {"code": "b"}}}, True),
    ("a", {"failure": {"code": "a", "sub": {"code": "b"}}}, False),
    ({"a": 1}, {"a": 1, "b": 2}, True),
    ({"a": 1}, {"b": 2}, False),
    ({"a": True}, {"a": 1}, False),
    ({"a": {"$absent": True}}, {"b": 2}, True),
    ({"a": {"$absent": True}}, {"a": 2}, False),
    ([1, 2], [1, 2], True),
    ([1, 2], [2, 1], False),
    ([1], [1, 2], False),
    ({"$count": 2}, [1, 2], True),
    ({"$count": 1}, [1, 2], False),
    ({"$some": [{"a": 1}]}, [{"b": 1}, {"a": 1}], True),
    ({"$some": [{"a": 2}]}, [{"b": 1}, {"a": 1}], False),
    ({"$begins": "ab"}, "abc", True),
    ({"$begins": "bc"}, "abc", False),
    ({"$not": "a"}, "b", True),
    ({"$not": "a"}, "a", False),
    ({"$one_of": ["a", "b"]}, "b", True),
    ({"$one_of": ["a", "b"]}, "c", False),
]

CHANGE = {"invoice_payment_change": {"id": "2", "payload": {"invoice_payment_session_change": {
    "target": {"captured": {"reason": "ok"}},
    "payload": {"session_finished": {"routes": [
        {"provider": {"id": 1}, "terminal": {"id": 2}}, {"provider": {"id": 3}, "terminal": {"id": 4}}], "result": {"failed": {"failure": {"failure": {"code": "x", "sub": {"code": "y"}}}}}}}}}}}

# (pattern, fits CHANGE): the language of events.
EVENTS = [
    ("payment[2].session(captured).session_finished", True),
    ("payment[2].session(captured).session_finished{failed, failure=x:y}", True),
    ("payment[2].session(captured).session_finished{reason=ok}", True),
    ("payment[2].session(captured).session_finished{failure~x}", True),
    ("payment[2].session(captured).session_finished{failure!=x}", True),
    ("payment[1].session(captured).session_finished", False),
    ("payment[2].session(processed).session_finished", False),
    ("payment[2].session(captured).session_started", False),
    ("session_finished", False),
    ("payment[2].session(captured).session_finished{succeeded}", False),
    ("payment[2].session(captured).session_finished{failure=x}", False),
    ("payment[2].session(captured).session_finished{reason=other}", False),
    ("payment[2].session(captured).session_finished{nothing=x}", False),
    ("payment[2].session(captured).session_finished{failure!=x:y}", False),
    ("payment[2].session(captured).session_finished{nothing!=x}", False),
    ("payment[2].session(captured).session_finished{routes=[P1/T2, P3/T4]}", True),
    ("payment[2].session(captured).session_finished{routes=[P3/T4, P1/T2]}", False),
    ("payment[2].session(captured).session_finished{routes=[P1/T2]}", False),
    ("payment[2].session(captured).session_finished{routes=[], failed}", False),
    ("payment[2].session(captured).session_finished{routes!=[P1/T2], failed}", True),
    ("payment[2].session(captured).session_finished{routes=[P1/T2, P3/T4], failure=x:y}", True),
]


def spoilt_text(text):
    """An event with one of its fields, or its name, made wrong."""
    if "{" not in text:
        return text + "{no_such_word}"
    head, fields = text[:-1].split("{")
    return head + "{" + ", ".join(["no_such_word"] + fields.split(", ")[1:]) + "}"


def mutants(scenario):
    """(what was spoilt, the spoilt scenario)."""
    def mutant(what, change):
        spoilt = copy.deepcopy(scenario)
        change(spoilt)
        return what, spoilt
    events = scenario.get("events", [])
    for i in range(len(events)):
        yield mutant(f"event {i + 1} left out", lambda s, i=i: s["events"].pop(i))
        yield mutant(f"event {i + 1} twice", lambda s, i=i: s["events"].insert(i, s["events"][i]))
        yield mutant(f"event {i + 1} spoilt",
                     lambda s, i=i: s["events"].__setitem__(i, spoilt_text(s["events"][i])))
    for i in range(len(events) - 1):
        yield mutant(f"events {i + 1} and {i + 2} exchanged",
                     lambda s, i=i: s["events"].insert(i, s["events"].pop(i + 1)))
    if "final" in scenario:
        yield mutant("another final status", lambda s: s["final"]["invoice"].__setitem__("status", "fulfilled"))
    if "bank" in scenario:
        yield mutant("a call of the bank more", lambda s: s["bank"].append("refunded"))
    for i, step in enumerate(scenario["steps"]):
        if "do" in step:
            yield mutant(f"step {i + 1} answered 499", lambda s, i=i: s["steps"][i].setdefault("expect", {}).update(status=499))
            yield mutant(f"step {i + 1} with a member too many in its answer",
                         lambda s, i=i: s["steps"][i].setdefault("expect", {}).update(answer={"no_such_member": 1}))
        if "wait" in step:
            yield mutant(f"step {i + 1} waits for what does not come",
                         lambda s, i=i: s["steps"][i].update(wait="invoice_status_changed{fulfilled}"))
    yield mutant("a balance", lambda s: s["steps"].append({"balances": {"shop-test.settlement": 1}}))
    yield mutant("a step that is none", lambda s: s["steps"].append({"dance": 1}))
    yield mutant("a member that is none", lambda s: s.update(event=[]))


def play(stage, scenario):
    """Why it failed; None: it passed."""
    try:
        Play(stage, scenario).run()
    except (Failed, BadPattern) as error:
        return str(error)
    return None


def main():
    passed, failed = 0, []
    for expected, actual, fits in VALUES:
        ok = (not differences(expected, actual)) == fits
        passed += ok
        failed += [] if ok else [f"{expected} and {actual}"]
    change = Change(1, CHANGE)
    for text, fits in EVENTS:
        ok = (Pattern(text).mismatch(change) is None) == fits
        passed += ok
        failed += [] if ok else [text]
    with Stage() as stage:
        for subject in SUBJECTS:
            scenario = load_json(os.path.join(HERE, f"{subject}.json"))
            why = play(stage, copy.deepcopy(scenario))
            passed += why is None
            failed += [f"{subject}, as it is: {why}"] if why else []
            for what, spoilt in mutants(scenario):
                found = play(stage, spoilt)
                passed += found is not None
                failed += [] if found else [f"{subject} passed with {what}: {json.dumps(spoilt)}"]
    for one in failed:
        print(f"FAIL  {one}")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
