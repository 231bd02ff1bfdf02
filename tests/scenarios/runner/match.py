"""The language of expectations: values, and events such as `payment[1].session(captured).session_finished{succeeded}`.

Described for writers in doc/scenarios.md; here is how it is done.
"""
import re

# Left out unless an expectation names them: what a provider's adapter remembers, and waits.
SILENT = ("session_proxy_state_changed", "session_suspended", "session_activated")

CASH = re.compile(r"(-?\d+) ([A-Z]{3})$")
ROUTE = re.compile(r"P(\d+)/T(\d+)$")


class BadPattern(Exception):
    """An expectation cannot be read."""


# ---- values ----

def failure_text(value):
    """"code:sub:sub" of a failure; None if it is none."""
    codes = []
    while isinstance(value, dict) and isinstance(value.get("code"), str):
        codes.append(value["code"])
        value = value.get("sub")
    return ":".join(codes) or None


def posting_text(posting):
    """"provider settlement -> merchant settlement 42000 RUB"; None if it is no posting."""
    try:
        ends = [" ".join(next(iter(posting[side]["account_type"].items()))) for side in ("source", "destination")]
        return f"{ends[0]} -> {ends[1]} {posting['volume']['amount']} {posting['volume']['currency']['symbolic_code']}"
    except (TypeError, KeyError, AttributeError, StopIteration):
        return None


def short_forms(actual):
    """Every text that means the same as ACTUAL."""
    if isinstance(actual, bool) or actual is None:
        return ["true" if actual else "false" if actual is False else "null"]
    if isinstance(actual, (int, float)):
        return [str(actual)]
    if isinstance(actual, str):
        return [actual]
    forms = []
    if isinstance(actual, dict):
        if set(actual) == {"amount", "currency"} and isinstance(actual["currency"], dict):
            forms.append(f"{actual['amount']} {actual['currency'].get('symbolic_code')}")
        if set(actual) == {"provider", "terminal"} and all(isinstance(part, dict) for part in actual.values()):
            forms.append(f"P{actual['provider'].get('id')}/T{actual['terminal'].get('id')}")
        if set(actual) == {"id"} or set(actual) == {"symbolic_code"}:
            forms += short_forms(next(iter(actual.values())))
        if len(actual) == 1:
            name, inner = next(iter(actual.items()))
            forms.append(name)
            if name == "failure":
                forms += short_forms(inner)
        forms += [text for text in (failure_text(actual), posting_text(actual)) if text]
    return forms


def differences(expected, actual, place=""):
    """Sentences about where ACTUAL is not as EXPECTED; none: it is."""
    if isinstance(expected, dict) and any(name.startswith("$") for name in expected):
        return operator_differences(expected, actual, place)
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            return [f"{place or '/'} is {show(actual)} and no object"]
        found = []
        for name, inner in expected.items():
            if isinstance(inner, dict) and inner.get("$absent"):
                found += [f"{place}/{name} is there: {show(actual[name])}"] if name in actual else []
            elif name not in actual:
                found.append(f"{place}/{name} is missing")
            else:
                found += differences(inner, actual[name], f"{place}/{name}")
        return found
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return [f"{place or '/'} is {show(actual)}, not {len(expected)} items"]
        return [one for i, inner in enumerate(expected) for one in differences(inner, actual[i], f"{place}/{i}")]
    if isinstance(expected, str) and expected in short_forms(actual):
        return []
    if type(expected) is type(actual) and expected == actual:
        return []
    return [f"{place or '/'} is {show(actual)}, not {show(expected)}"]


def operator_differences(expected, actual, place):
    found = []
    for name, wanted in expected.items():
        if name == "$any":
            continue
        if name == "$not":
            ok = bool(differences(wanted, actual))
        elif name == "$begins":
            ok = isinstance(actual, str) and actual.startswith(wanted)
        elif name == "$contains":
            ok = isinstance(actual, str) and wanted in actual
        elif name == "$one_of":
            ok = any(not differences(one, actual) for one in wanted)
        elif name == "$some":
            ok = isinstance(actual, list) and all(any(not differences(one, item) for item in actual) for one in wanted)
        elif name == "$count":
            ok = isinstance(actual, (list, dict)) and len(actual) == wanted
        else:
            raise BadPattern(f"there is no operator {name}")
        if not ok:
            found.append(f"{place or '/'} is {show(actual)}, which is not {name} {show(wanted)}")
    return found


def show(value):
    text = repr(value)
    return text if len(text) <= 300 else text[:297] + "..."


# ---- events ----

class Change:
    """One change of a history, as a path, a name and its fields."""

    def __init__(self, event, change):
        self.event = event
        self.path = []
        name, fields = next(iter(change.items()))
        while True:
            inner = fields.get("payload") if isinstance(fields, dict) else None
            if name == "invoice_payment_change":
                self.path.append(f"payment[{fields['id']}]")
            elif name.endswith("session_change"):
                target, self.target = next(iter(fields["target"].items()))
                self.path.append(f"session({target})")
            elif name.startswith("invoice_payment_") and name.endswith("_change") and "id" in fields:
                self.path.append(f"{name[len('invoice_payment_'):-len('_change')]}[{fields['id']}]")
            else:
                break
            name, fields = next(iter(inner.items()))
        self.name = name
        self.fields = fields

    def silent(self):
        return self.name in SILENT

    def __str__(self):
        return ".".join(self.path + [self.name]) + brief(self.fields)


def brief(fields):
    if not fields:
        return ""
    parts = []
    for name, value in fields.items():
        forms = short_forms(value)
        if name == "status" and isinstance(value, dict) and len(value) == 1:
            inner = next(iter(value.values()))
            more = [f"{key}={(short_forms(one) or ['…'])[0]}" for key, one in inner.items()] if inner else []
            parts.append(", ".join([next(iter(value))] + more))
        elif forms:
            parts.append(f"{name}={forms[0]}")
    return "{" + ", ".join(parts) + "}" if parts else ""


def look_for(name, value):
    """Values of the members called NAME, the nearest first, in VALUE and everything inside it."""
    level = [value]
    while level:
        found, below = [], []
        for one in level:
            if isinstance(one, dict):
                if name in one:
                    found.append(one[name])
                below += one.values()
            elif isinstance(one, list):
                below += one
        if found:
            return found
        level = below
    return []


def has_word(word, value):
    if isinstance(value, dict):
        return word in value or word in short_forms(value) or any(has_word(word, one) for one in value.values())
    if isinstance(value, list):
        return any(has_word(word, one) for one in value)
    return word in short_forms(value)


FIELD = re.compile(r'\s*(?:(?P<name>[\w.]+)(?P<how>!?=|~))?(?P<value>"[^"]*"|\[[^\]]*\]|[^,"{}]*?)\s*(?:,|$)')


def fits(text, actual):
    """Whether TEXT, as a field of an event has it, means ACTUAL; "[a, b]" is a list of as many items, in order."""
    if text[:1] == "[" and text[-1:] == "]":
        items = [one.strip() for one in text[1:-1].split(",")] if text[1:-1].strip() else []
        return isinstance(actual, list) and len(actual) == len(items) and all(map(fits, items, actual))
    return text in short_forms(actual)


class Pattern:
    """What one event should be: `path.name{field=value, word, ...}`."""

    WHOLE = re.compile(r"(?P<path>(?:\w+(?:\[[^\]]+\]|\([^)]+\))\.)*)(?P<name>\w+)(?:\{(?P<fields>.*)\})?$", re.S)

    def __init__(self, text):
        found = self.WHOLE.match(text.strip())
        if not found:
            raise BadPattern(f"cannot read the event {text!r}")
        self.text = text
        self.path = found["path"].rstrip(".")
        self.name = found["name"]
        self.fields = self.read(found["fields"] or "")

    def read(self, text):
        fields, at = [], 0
        while at < len(text.rstrip()):
            found = FIELD.match(text, at)
            if not found or found.end() == at or not found["value"]:
                raise BadPattern(f"cannot read the fields of {self.text!r} at {text[at:]!r}")
            fields.append((found["name"], found["how"], found["value"].strip('"')))
            at = found.end()
        return fields

    def silent(self):
        return self.name in SILENT

    def mismatch(self, change):
        """None if CHANGE is it, else a sentence."""
        if change.name != self.name or ".".join(change.path) != self.path:
            return f"it is {change}"
        where = [change.fields]
        if change.path and change.path[-1].startswith("session(") and change.target:
            where.append(change.target)
        for name, how, value in self.fields:
            if not name:
                if not any(has_word(value, one) for one in where):
                    return f"it has no {value}: {show(change.fields)}"
                continue
            first, *rest = name.split(".")
            values = [one for place in where for one in look_for(first, place)]
            for step in rest:
                values = [one[step] for one in values if isinstance(one, dict) and step in one]
            if how == "~":
                ok = any(value in form for one in values for form in short_forms(one))
            elif how == "=":
                ok = any(fits(value, one) for one in values)
            else:  # another value, but one that is there
                ok = bool(values) and not any(fits(value, one) for one in values)
            if not ok:
                return f"{name} is {show(values[0]) if values else 'missing'}"
        return None


def changes_of(events):
    return [Change(event["id"], change) for event in events for change in event["payload"]["invoice_changes"]]


def sequence_differences(patterns, changes):
    """Whether CHANGES are exactly PATTERNS in order; sentences where not."""
    wanted = [Pattern(text) for text in patterns]
    named = {pattern.name for pattern in wanted if pattern.silent()}
    seen = [change for change in changes if not change.silent() or change.name in named]
    for i, pattern in enumerate(wanted):
        if i >= len(seen):
            return [f"after {len(seen)} events there is no {pattern.text}"]
        why = pattern.mismatch(seen[i])
        if why:
            return [f"event {i + 1} should be {pattern.text}; {why}"]
    if len(seen) > len(wanted):
        return [f"an event more than expected: {seen[len(wanted)]}"]
    return []
