"""A case that was forgotten is never missed: tells of each id in ids.txt whether a scenario, a C test or a reason stands for it.

A reason is a row of the last table in doc/scenarios.md, whose first cell names ids or areas (`engine-*`: all that begin
so). Fails on an id without any of the three, on one that has a reason although it is tested, and on a row that names
nothing. Without arguments it tells numbers by area; --verbose also each id.
"""
import fnmatch
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
NOT_SCENARIOS = {"runner", "configurations"}
WAYS = ("scenario", "unit test", "excluded")


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def list_ids():
    """[(area, id)] as ids.txt has them."""
    found, area = [], None
    for line in read(HERE, "ids.txt").splitlines():
        if line.startswith("["):
            area = line.strip("[]")
        elif line and not line.startswith("#"):
            found.append((area, line))
    return found


def list_scenarios():
    names = set()
    for folder in set(os.listdir(HERE)) - NOT_SCENARIOS:
        if os.path.isdir(os.path.join(HERE, folder)):
            names |= {name[:-5] for name in os.listdir(os.path.join(HERE, folder)) if name.endswith(".json")}
    return names


def list_unit_tests():
    folder = os.path.join(SOURCE, "tests", "unit")
    names = set()
    for name in os.listdir(folder):
        if name.endswith(".c"):
            names |= set(re.findall(r"^(?:Parameterized)?Test\(\s*\w+\s*,\s*(\w+)", read(folder, name), re.M))
    return names


def list_reasons():
    """[name or pattern] of the rows under "What is not here" that say why."""
    names = []
    for line in read(SOURCE, "doc", "scenarios.md").split("\n## What is not here\n")[1].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 2 and cells[1] and cells[0] != "cases" and set(cells[0]) != {"-"}:
            names += [name.strip() for name in re.sub(r"\(.*?\)", "", cells[0]).split(",")]
    return names


def main():
    verbose = "--verbose" in sys.argv[1:]
    cases, scenarios, tests, reasons = list_ids(), list_scenarios(), list_unit_tests(), list_reasons()
    wrong, counts, used = [], {}, set()
    for area, case in cases:
        why = [name for name in reasons if fnmatch.fnmatchcase(case, name) or fnmatch.fnmatchcase(area, name)]
        used.update(why)
        ways = [way for way, has in zip(WAYS, (case in scenarios, case in tests, why)) if has]
        if not ways:
            wrong.append(f"{area} {case}: neither a scenario, nor a unit test, nor a reason in doc/scenarios.md")
        elif why and len(ways) > 1:
            wrong.append(f"{area} {case}: doc/scenarios.md says why it is not here, but it is")
        numbers = counts.setdefault(area, dict.fromkeys(("cases",) + WAYS, 0))
        numbers["cases"] += 1
        if ways:
            numbers[ways[0]] += 1
        if verbose:
            print(f"{area} {case}: {', '.join(ways) or 'nothing'}")
    wrong += [f"doc/scenarios.md gives a reason for {name}, which is no case" for name in reasons if name not in used]
    for area, numbers in counts.items():
        print(f"{area}: " + ", ".join(f"{number} {name}" for name, number in numbers.items()))
    for line in wrong:
        print("FAIL  " + line)
    print(f"{len(cases) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
