"""Plays one scenario on a stage: configuration, steps, and at the end what is expected of all of it."""
import json
import os
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone

from harness import Failed, expect, request
from runner.match import (CASH, ROUTE, BadPattern, Pattern, changes_of, differences, posting_text, sequence_differences, show)
from runner.stage import HERE, Names, merge, patch

WITHIN_S = 60              # moved time that a wait may take unless it says another
UNITS = {"ms": 1, "s": 1000, "m": 60000, "h": 3600000, "d": 86400000}
SPAN = re.compile(r"([+-])(\d+)(ms|s|m|h|d)$")
PLACE = re.compile(r"\{(\w+)(\?)?\}")
MOMENT = re.compile(r"\{now([+-]\d+(?:ms|s|m|h|d))?\}$")
MEMBERS = {"id", "area", "purpose", "notes", "configuration", "steps", "events", "final", "postings", "bank", "daemon"}
STEP_WORDS = {"do", "invoice", "body", "expect", "save", "note", "eventually", "as"}
EVENTUALLY_S = 20          # real time


def load_json(path):
    def once(pairs):
        names = [name for name, _ in pairs]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise Failed(f"{path}: {', '.join(twice)} stands there twice")
        return dict(pairs)
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file, object_pairs_hook=once)
    except ValueError as error:
        raise Failed(f"{path}: {error}") from error


def span_ms(text):
    found = SPAN.match(text if text[:1] in "+-" else f"+{text}")
    if not found:
        raise Failed(f"{text} is no span of time, such as 10s or 500ms")
    return int(found[1] + found[2]) * UNITS[found[3]]


class Nothing:
    """Stands for an optional member that was not given."""


class Client(threading.Thread):
    """Makes one call of PLAY beside others."""

    def __init__(self, play, step):
        super().__init__(daemon=True)
        self.play, self.step = play, dict(step)
        self.fault = self.answered = None

    def run(self):
        try:
            self.answered = self.play.call(self.step)
        except (Failed, BadPattern) as error:
            self.fault = str(error)


class Play:
    """One scenario being played."""

    def __init__(self, stage, scenario):
        unknown = set(scenario) - MEMBERS
        expect(not unknown, f"a scenario has no {', '.join(sorted(unknown))}")
        expect(scenario.get("steps"), "a scenario without steps shows nothing")
        stage.played += 1
        self.stage = stage
        self.scenario = scenario
        self.calls = load_json(os.path.join(HERE, "calls.json"))
        self.document = load_json(os.path.join(HERE, "domain.json"))
        self.base = re.sub(r"[^\w-]", "-", scenario.get("id", "scenario"))[:80] + f".{stage.played}"
        self.identities = {}
        self.saved = {"payment": "1"}
        self.remembered = {}
        self.begun = {}
        self.answer = None
        self.began_ms = stage.now_ms()
        patch(self.document, scenario.get("configuration", []))
        self.names = Names(stage.played, self.document)
        self.limits_revision = stage.revision + 1
        stage.commit(self.names.document(self.document, self.limits_revision))

    # ---- all of it ----

    def run(self):
        try:
            for number, step in enumerate(self.scenario["steps"], 1):
                try:
                    self.step(step)
                except (Failed, BadPattern) as error:
                    raise Failed(f"step {number}: {error}") from error
            self.finish()
        finally:
            self.leave()

    def leave(self):
        """The next scenario meets no fault of this one's, and no call that is still on its way."""
        request(self.stage.bank_port, "DELETE", "/faults")
        for client in self.begun.values():
            client.join()

    def step(self, step):
        for word in ("do", "wait", "move", "quiet", "configure", "balances", "remember", "history", "together", "begin", "end",
                     "bank_is_asked"):
            if word in step:
                getattr(self, f"step_{word}")(step)
                return
        raise Failed(f"what is the step {show(step)}?")

    def finish(self):
        expect(not self.begun, f"nobody has waited for {', '.join(self.begun)}: it needs a step \"end\"")
        if self.identities:
            self.stage.settle(list(self.identities.values()))
        events = self.scenario.get("events")
        if isinstance(events, list):
            events = {"1": events}
        for alias, patterns in (events or {}).items():
            self.check_events(alias, patterns)
        for place, postings in self.scenario.get("postings", {}).items():
            self.check_postings(place, postings)
        if "final" in self.scenario:
            self.step_do({"do": "get_invoice", "expect": {"answer": self.scenario["final"]}})
        if "bank" in self.scenario:
            self.check_bank(self.scenario["bank"])

    # ---- histories ----

    def identity(self, alias):
        if alias not in self.identities:
            self.identities[alias] = f"{self.base}.{alias}"
        return self.identities[alias]

    def history(self, alias="1"):
        return changes_of(self.names.common(self.stage.events(self.identity(alias))))

    def check_events(self, alias, patterns):
        found = sequence_differences(patterns, self.history(alias))
        expect(not found, f"invoice {alias}: {'; '.join(found)}")

    def change_at(self, place):
        """The change of the history that PLACE names: an event, "2: event" for another invoice, "#2" for the second."""
        alias, _, text = place.rpartition(": ")
        text, _, number = text.partition(" #")
        pattern = Pattern(text)
        found = [change for change in self.history(alias or "1") if not pattern.mismatch(change)]
        expect(len(found) >= int(number or 1), f"there is no event {place}")
        return found[int(number or 1) - 1]

    def check_postings(self, place, postings):
        found = sorted(posting_text(one) for one in self.change_at(place).fields["cash_flow"])
        exact = isinstance(postings, list)
        wanted = sorted(postings if exact else postings["some"])
        ok = found == wanted if exact else all(one in found for one in wanted)
        expect(ok, f"the postings of {place} are {found}, not {wanted}")

    def check_bank(self, wanted):
        """Every call that the bank or its inspector got for the scenario's invoices, in order. Questions about the
        blacklist, which every card brings up, count only where the scenario speaks of them."""
        status, log = request(self.stage.bank_port, "GET", "/log")
        expect(status == 200, "the bank does not show its log")
        mine = tuple(f"{identity}@" for identity in self.identities.values())
        rows = [row for row in log if row["key"].startswith(mine) and (row["target"] != "blacklist" or "blacklist" in wanted)]
        found = [row["target"] + (" callback" if row["call"].endswith("callback") else "") for row in rows]
        named = [f"{text} by {row['provider']}" for text, row in zip(found, rows)]
        ok = len(wanted) == len(found) and all(one in pair for one, pair in zip(wanted, zip(found, named)))
        expect(ok, f"the bank was called for {named if any(' by ' in one for one in wanted) else found}, not {wanted}")

    # ---- steps: calls ----

    def value(self, name, text):
        """What a parameter means: a named value, an amount, a moment."""
        named = self.calls["values"].get(name, {})
        if isinstance(text, str):
            if text in named:
                return named[text]
            expect(not named or name not in self.calls["closed"],
                   f"there is no {name} {text}; there are {', '.join(named)}")
            cash = CASH.match(text)
            if cash:
                return {"amount": int(cash[1]), "currency": {"symbolic_code": cash[2]}}
            route = ROUTE.match(text)
            if route:
                return {"provider": {"id": int(route[1])}, "terminal": {"id": int(route[2])}}
            if SPAN.match(text):
                moment = datetime.fromtimestamp(0, timezone.utc) + timedelta(milliseconds=self.stage.now_ms() + span_ms(text))
                return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if isinstance(text, dict):
            return {member: self.value("", inner) for member, inner in text.items()}
        if isinstance(text, list):
            return [self.value("", inner) for inner in text]
        return text

    def fill(self, template, parameters):
        """TEMPLATE with every {name} replaced; a member whose {name?} was not given is left out."""
        if isinstance(template, dict):
            filled = {self.fill(name, parameters): self.fill(inner, parameters) for name, inner in template.items()}
            return {name: inner for name, inner in filled.items() if inner is not Nothing}
        if isinstance(template, list):
            return [self.fill(inner, parameters) for inner in template]
        if not isinstance(template, str):
            return template
        moment = MOMENT.match(template)
        if moment:
            return self.value("", moment[1] or "+0ms")
        whole = PLACE.fullmatch(template)
        if whole:
            return self.parameter(whole[1], bool(whole[2]), parameters)
        return PLACE.sub(lambda found: str(self.parameter(found[1], False, parameters)), template)

    def parameter(self, name, optional, parameters):
        if name == "tag" and "tag" not in parameters:
            return self.tag(parameters["alias"])
        if name == "invoice":
            return self.identity(parameters["alias"])
        if name == "unique":
            return self.base
        if name in parameters:
            return self.fill(self.value(name, parameters[name]), {key: one for key, one in parameters.items() if key != name})
        if name in self.saved:
            return self.saved[name]
        expect(optional, f"nothing says what {{{name}}} is")
        return Nothing

    def tag(self, alias):
        """The last tag under which a session of the invoice waited, or waits."""
        self.stage.settle([self.identity(alias)])
        tags = [change.fields["tag"] for change in self.history(alias)
                if change.name == "session_suspended" and "tag" in change.fields]
        expect(tags, f"no session of invoice {alias} waits under a tag")
        return tags[-1]

    def step_do(self, step):
        if not step.get("eventually"):
            self.call(step)
            return
        until = time.monotonic() + EVENTUALLY_S
        while True:
            try:
                self.call(step)
                return
            except Failed:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def call(self, step):
        any_answer = step.pop("any_answer", False) and "expect" not in step
        name, alias = step["do"], step.get("invoice", "1")
        expect(name in self.calls["calls"], f"there is no call {name}")
        call = self.calls["calls"][name]
        given = {key: one for key, one in step.items() if key not in STEP_WORDS}
        unknown = set(given) - parameter_names(call, self.calls)
        expect(not unknown, f"{name} has no {', '.join(sorted(unknown))}")
        parameters = {**call.get("with", {}), **given, "alias": alias}
        method, path = self.fill(call["call"], self.names.own(parameters)).split(" ", 1)
        path = urllib.parse.quote(path, safe="/?&=~:")
        body = self.fill(call.get("body"), parameters)
        if "body" in step:
            body = merge(body, self.fill(step["body"], parameters))
        self.answer = None
        if call.get("to") == "bank":
            status, answer = self.call_bank(method, path, body, call.get("form"))
        else:
            status, answer = request(self.stage.port, method, path, self.names.own(body))
        answer = self.names.common(answer)
        if not any_answer:
            self.check_answer(name, status, answer, step.get("expect", {}))
        for variable, pointer in step.get("save", {}).items():
            self.saved[variable] = point(answer, pointer)
        return answer["error"] if isinstance(answer, dict) and "error" in answer else str(status)

    def call_bank(self, method, path, body, form):
        if not form:
            return request(self.stage.bank_port, method, path, body)
        own = {name: "@".join(map(self.names.own, str(text).split("@"))) for name, text in body.items()}  # ID@PARTY
        data = urllib.parse.urlencode(own).encode()
        call = urllib.request.Request(f"http://127.0.0.1:{self.stage.bank_port}{path}", data=data, method=method)
        try:
            with urllib.request.urlopen(call, timeout=30) as answer:
                return answer.status, None
        except urllib.error.HTTPError as error:
            return error.code, None

    def check_answer(self, name, status, answer, wanted):
        unknown = set(wanted) - {"status", "error", "answer"}
        expect(not unknown, f"expect has no {', '.join(sorted(unknown))}")
        said = f"{name} was answered {status} {show(answer)}"
        if "status" in wanted:
            expect(status == wanted["status"], f"{said}, not {wanted['status']}")
        elif "error" in wanted:
            expect(400 <= status < 600, f"{said}, not an error")
        else:
            expect(200 <= status < 300, said)
        if "error" in wanted:
            expect(isinstance(answer, dict) and answer.get("error") == wanted["error"], f"{said}, not {wanted['error']}")
        if "answer" in wanted:
            found = differences(self.fill(wanted["answer"], {"alias": "1"}), answer)
            expect(not found, f"{name} was answered {status}, where {'; '.join(found)}")

    # ---- steps: calls at the same time ----

    def step_together(self, step):
        """Several clients at once. "answers" counts how each was answered: {"202": 1, "OperationNotPermitted": 9}."""
        unknown = set(step) - {"together", "answers", "note"}
        expect(not unknown, f"together has no {', '.join(sorted(unknown))}")
        clients = [Client(self, {**one, "any_answer": "answers" in step}) for one in step["together"]]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        faults = [client.fault for client in clients if client.fault]
        expect(not faults, "; ".join(faults))
        found = {}
        for client in clients:
            found[client.answered] = found.get(client.answered, 0) + 1
        expect(found == step.get("answers", found), f"they were answered {found}, not {step.get('answers')}")

    def step_begin(self, step):
        """A client makes the call "begin", and other steps follow before it is answered."""
        name = step.get("as", "1")
        expect(name not in self.begun, f"a client {name} is at it already")
        self.begun[name] = Client(self, step["begin"])
        self.begun[name].start()

    def step_end(self, step):
        client = self.begun.pop(step["end"], None)
        expect(client, f"no client {step['end']} has begun")
        client.join()
        expect(not client.fault, client.fault)

    def step_bank_is_asked(self, step):
        """Until the bank has a call for a target, and has not answered it yet."""
        until, mine = time.monotonic() + EVENTUALLY_S, f"{self.identity(step.get('invoice', '1'))}@"
        while True:
            status, calls = request(self.stage.bank_port, "GET", "/under-way")
            expect(status == 200, "the bank does not show its calls")
            if any(one["target"] == step["bank_is_asked"] and one["key"].startswith(mine) for one in calls):
                return
            expect(time.monotonic() < until, f"the bank is not asked for {step['bank_is_asked']}")
            time.sleep(0.01)

    # ---- steps: time ----

    def step_wait(self, step):
        """Until an event is there; time is moved to the machine's timers as far as it takes."""
        alias = step.get("invoice", "1")
        pattern, identity = Pattern(step["wait"]), self.identity(alias)
        until = self.stage.now_ms() + span_ms(step.get("within", f"{WITHIN_S}s"))
        while True:
            due = self.stage.settle([identity])
            if any(pattern.mismatch(change) is None for change in self.history(alias)):
                return
            expect(due, f"there is no {pattern.text}, and nothing that will happen by itself")
            expect(due <= until, f"there is no {pattern.text} within {step.get('within', f'{WITHIN_S}s')}")
            self.stage.move_to(due)

    def advance(self, milliseconds):
        """Moves time; what falls due on the way is done when it is due."""
        target, all_mine = self.stage.now_ms() + milliseconds, list(self.identities.values())
        while True:
            due = self.stage.settle(all_mine) if all_mine else 0
            if not due or due > target:
                break
            self.stage.move_to(due)
        self.stage.move_to(target)
        if all_mine:
            self.stage.settle(all_mine)

    def step_move(self, step):
        self.advance(span_ms(step["move"]))

    def step_quiet(self, step):
        """For so long nothing happens that anybody would see."""
        alias = step.get("invoice", "1")
        self.stage.settle([self.identity(alias)])
        before = len([one for one in self.history(alias) if not one.silent()])
        self.advance(span_ms(step["quiet"]))
        after = [one for one in self.history(alias) if not one.silent()]
        expect(len(after) == before, f"it was not quiet: {after[-1]}")

    # ---- steps: other ----

    def step_configure(self, step):
        patch(self.document, step["configure"])
        self.names = Names(self.names.number, self.document)
        self.stage.commit(self.names.document(self.document, self.limits_revision))

    def step_history(self, step):
        alias = step.get("invoice", "1")
        self.stage.settle([self.identity(alias)])
        self.check_events(alias, step["history"])

    def balance(self, name):
        number = self.names.account(name)
        status, answer = request(self.stage.port, "GET", f"/v1/accounts/{number}")
        if status == 404:
            return [0, 0, 0]
        expect(status == 200, f"account {name}: {status} {answer}")
        return [answer["own_amount"], answer["min_available_amount"], answer["max_available_amount"]]

    def step_remember(self, step):
        """The balances that a later step compares with."""
        names = {name for one in self.scenario["steps"] if one.get("since") == step["remember"] for name in one["balances"]}
        self.stage.settle(list(self.identities.values()) or ["nobody"])
        self.remembered[step["remember"]] = {name: self.balance(name) for name in names}

    def step_balances(self, step):
        if self.identities:
            self.stage.settle(list(self.identities.values()))
        for name, wanted in step["balances"].items():
            wanted = wanted if isinstance(wanted, list) else [wanted] * 3
            found = self.balance(name)
            if "since" in step:
                before = self.remembered[step["since"]][name]
                found = [now - then for now, then in zip(found, before)]
            expect(found == wanted, f"{name} has {found}, not {wanted} (own, min and max available)")

    def story(self):
        """The histories, for whoever looks for the fault."""
        lines = []
        for alias in self.identities:
            lines.append(f"    invoice {alias} is {self.identity(alias)}")
            lines += [f"      {number:3} {change}" for number, change in enumerate(self.history(alias), 1)]
        return lines


def parameter_names(call, calls):
    """Every {name} that a call's path and body, and the values they may be filled with, have."""
    names, texts = set(), [json.dumps([call["call"], call.get("body")])]
    while texts:
        for name, _ in PLACE.findall(texts.pop()):
            if name not in names:
                names.add(name)
                texts += [json.dumps(one) for one in calls["values"].get(name, {}).values()]
    return names


def point(value, pointer):
    for step in pointer.strip("/").split("/"):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise Failed(f"there is no {pointer} in {show(value)}") from error
    return value
