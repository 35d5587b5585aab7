"""What each test needs, read from its code and its fixtures' code, and which tests run first.

A test needs a broker if it, a fixture that it asks for, or a function of the tests that either of them calls
opens one; likewise a process, a server, or a browser. Nobody marks that by hand, but where the product's own
code starts something: there a mark says it, `needs("process")`, and `refuse_what_was_not_said` fails a test
that lacks it.

`--tier first` is what `make test` runs: tests that need nothing, of each folder one journey and two refusals
with a broker, on SQLite, and one page in a browser. `--tier table` writes the table of docs/testing.md, and
`--tier check` refuses one of which a number is off by more than a tenth. Without either, all that the marks
leave run.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

import pytest

NOTHING: Final = "nothing"
# Dearest last: a test is counted at the dearest thing that it needs.
NEEDS: Final = (NOTHING, "broker", "process", "server", "browser")
MARK: Final = "needs"
TESTS: Final = Path(__file__).resolve().parent
NEEDED: Final = pytest.StashKey[frozenset[str]]()

FIXTURES: Final = {
    "browser": "browser",
    "postgres_server": "server",
    "object_store_server": "server",
    "soft_hsm": "server",
}
# With these a fixture asks for another by its name.
PARAMETERS: Final = {"postgres": "server", "objects": "server", "pkcs11": "server"}
# Where a closure ends: what is called there, in the module of that name.
CALLS: Final = {
    ("app.broker", "open_broker"): "broker",
    ("app.cli.main", "main"): "broker",
    ("subprocess", "Popen"): "process",
    ("subprocess", "run"): "process",
    ("multiprocessing", "get_context"): "process",
}
PAGE: Final = TESTS.parent / "docs" / "testing.md"
TABLE: Final = re.compile(r"\| what a test needs .*?(?=\n\n)", re.DOTALL)
WORDS: Final = {
    NOTHING: "nothing but Python",
    "broker": "a broker in the test's own process, on SQLite",
    "process": "processes: a broker that serves, a program that is killed",
    "server": "PostgreSQL, an object store, a security module",
    "browser": "Chromium",
}
N_JOURNEYS, N_REFUSALS, N_PAGES = 1, 2, 1
# Of a folder's files these come first: there its journeys and refusals stand.
FIRST_FILES: Final = ("test_journey.py", "test_endpoints.py", "test_commands.py", "test_pages.py")
REFUSAL: Final = re.compile(
    r"_(refused?s?|cannot|not|no|nobody|only|never|nothing|without|alone|wrong)(_|$)"
)


def needed_by(item: pytest.Item) -> frozenset[str]:
    """Return what a test needs, of NEEDS; empty for one that needs nothing."""
    if NEEDED not in item.stash:
        item.stash[NEEDED] = frozenset(_needs(item))
    return item.stash[NEEDED]


def dearest(item: pytest.Item) -> str:
    """Return the dearest thing that a test needs."""
    return max(needed_by(item) | {NOTHING}, key=NEEDS.index)


def _needs(item: pytest.Item) -> Iterator[str]:
    for mark in item.iter_markers(MARK):
        yield from mark.args
    names = getattr(item, "fixturenames", ())
    yield from (FIXTURES[name] for name in names if name in FIXTURES)
    given = getattr(getattr(item, "callspec", None), "params", {}).values()
    yield from (PARAMETERS[one] for one in given if isinstance(one, str) and one in PARAMETERS)
    yield from reached_from(getattr(item, "function", None))
    fixtures = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    for name in names:
        for fixture in fixtures.get(name, ())[-1:]:
            yield from reached_from(fixture.func)


@cache
def reached_from(start: Any) -> frozenset[str]:
    """Return what a function of the tests needs, or any that it names, directly or by others."""
    found, seen, waiting = set[str](), set[int](), [start]
    while waiting:
        code = _code_of(waiting.pop())
        for function in code:
            if id(function) in seen:
                continue
            seen.add(id(function))
            for module, name, value in _named(function):
                if (module, name) in CALLS:
                    found.add(CALLS[module, name])
                else:
                    waiting.append(value)
    return frozenset(found)


def _code_of(value: Any) -> list[FunctionType]:
    """Return the functions of the tests' own that are behind a name: itself, or the methods of a class."""
    value = getattr(value, "__wrapped__", value)
    if isinstance(value, type) and _is_of_tests(value.__module__):
        own = [*vars(value).values()]
        members = (getattr(one, "fget", None) or getattr(one, "__func__", one) for one in own)
        return [one for each in members for one in _code_of(each) if not isinstance(each, type)]
    if isinstance(value, FunctionType) and _is_of_tests(value.__module__):
        return [value]
    return []


def _is_of_tests(module: str) -> bool:
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and module != __name__ and Path(file).is_relative_to(TESTS)


def _named(function: FunctionType) -> Iterator[tuple[str, str, Any]]:
    """Yield what a function names: the module and name where it was made, and the thing itself."""
    names = {*_names(function.__code__)}
    for name in names & function.__globals__.keys():
        value = function.__globals__[name]
        if isinstance(value, ModuleType):
            named = [
                one
                for one in names
                if (value.__name__, one) in CALLS or _is_of_tests(value.__name__)
            ]
            yield from ((value.__name__, one, getattr(value, one, None)) for one in named)
        else:
            yield getattr(value, "__module__", None) or "", getattr(value, "__name__", name), value
    for cell in function.__closure__ or ():
        yield "", "", cell.cell_contents


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def choose_tier(items: list[pytest.Item], config: pytest.Config) -> None:
    """Keep the tests that run first, if they are asked for, or write or check the table of all."""
    tier, page = config.getoption("--tier"), PAGE.read_text("utf-8")
    if tier == "table":
        PAGE.write_text(TABLE.sub(lambda _: _table(items), page), "utf-8")
    elif tier == "check":
        there, now = (_numbers(table) for table in (TABLE.findall(page)[0], _table(items)))
        if any(
            abs(one - two) > max(one, two) / 10 + 2 for one, two in zip(there, now, strict=True)
        ):
            raise pytest.UsageError(f"count the table of {PAGE.name} anew: {there} is {now} now")
    elif tier == "first":
        first = set(_first(items))
        config.hook.pytest_deselected(items=[item for item in items if item not in first])
        items[:] = [item for item in items if item in first]


def _first(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    folders, browsed = defaultdict[Path, list[pytest.Item]](list), list[pytest.Item]()
    for item in items:
        if dearest(item) == NOTHING:
            yield item
        elif dearest(item) == "broker":
            folders[item.path.parent].append(item)
        elif dearest(item) == "browser":
            browsed.append(item)
    for tests in folders.values():
        tests.sort(key=lambda item: item.path.name not in FIRST_FILES)
        refusals = [item for item in tests if REFUSAL.search(item.name)]
        journeys = [item for item in tests if item not in refusals]
        yield from journeys[:N_JOURNEYS] + refusals[:N_REFUSALS]
    yield from sorted(browsed, key=lambda item: item.path.name not in FIRST_FILES)[:N_PAGES]


def _table(items: list[pytest.Item]) -> str:
    """Return how many tests run where, by what they need and by their marks."""
    first = set(_first([item for item in items if not _marks(item)]))
    rows = [
        "| what a test needs | `make test` | `.ci/run` | `make campaign` |",
        "|---|--:|--:|--:|",
    ]
    for need in NEEDS:
        these = [item for item in items if dearest(item) == need]
        landing = [item for item in these if "soak" not in _marks(item)]
        counts = (sum(item in first for item in these), len(landing), len(these))
        rows.append(f"| {WORDS[need]} | {' | '.join(f'{count:,}' for count in counts)} |")
    return "\n".join(rows)


def _numbers(table: str) -> list[int]:
    return [int(one.replace(",", "")) for one in re.findall(r"(?<=\| )[\d,]+(?= \|)", table)]


def _marks(item: pytest.Item) -> set[str]:
    return {mark.name for mark in item.iter_markers()} & {"long", "soak", "index"}


class NeedNotSaidError(AssertionError):
    """A test started something that neither its code nor a mark says."""


def refuse_what_was_not_said(patch: pytest.MonkeyPatch, running: list[pytest.Item]) -> None:
    """Fail the running test where it starts something, and seems to need nothing."""
    from app import broker

    def guard(owner: Any, name: str, need: str) -> None:
        started = getattr(owner, name)

        def checked(*args: Any, **options: Any) -> Any:
            if running and dearest(running[-1]) == NOTHING:
                raise NeedNotSaidError(
                    f"{running[-1].nodeid} starts a {need}: mark it, or its module, "
                    f'with pytest.mark.{MARK}("{need}")'
                )
            return started(*args, **options)

        patch.setattr(owner, name, checked)

    guard(broker, "open_database", "broker")
    guard(subprocess.Popen, "__init__", "process")
