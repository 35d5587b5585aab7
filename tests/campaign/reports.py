"""What tests of the campaign report: counts alone, a line of JSON for each part of a test.

A test says of which row it is by its mark, `campaign("row")`, and how often it tried something by the fixture
`tally`; one that says nothing tried one thing. A test that fails is a fault that was found. Lines are written
by the process that collects the results of all workers, into the folder that a variable names, if it does.

What a campaign that was broken off reported may lie there, too: what passed then, at the same commit, is left
out now.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from campaign.rows import ROWS
from campaign.size import size

MARK = "campaign"
FOLDER_VARIABLE = "BLINDLINK_CAMPAIGN_REPORTS"
# Which kind of database the tests run on that run on one kind; with it, no others run.
KIND_VARIABLE = "BLINDLINK_TEST_DATABASE"
FILE_NAME, NAME_BEFORE = "reports.jsonl", "before.jsonl"
ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
# Of a test at full size, whatever its mark says for the quick one.
FULL_TIMEOUT_S = 12 * 3600


class Tally:
    """What one test tried, and what it saw beside faults."""

    def __init__(self) -> None:
        self.n_tried = 1
        self.seen: Counter[str] = Counter()
        self._has_said = False

    def tried(self, n: int = 1) -> None:
        """Say that something was tried this often; the numbers of all calls are added."""
        self.n_tried = n + (self.n_tried if self._has_said else 0)
        self._has_said = True

    def saw(self, what: str, n: int = 1) -> None:
        """Say how often something was seen that is no fault; the table lists it."""
        self.seen[what] += n


TALLY = pytest.StashKey[Tally]()
DATABASE = pytest.StashKey[str]()


def rows_of(item: pytest.Item) -> list[str]:
    """Return the rows that a test is of; empty where it is none of the campaign's."""
    rows = [str(mark.args[0]) for mark in item.iter_markers(MARK)]
    for row in rows:
        if row not in ROWS:
            raise pytest.UsageError(f"{item.nodeid}: the campaign has no row {row}")
    return rows


def choose(items: list[pytest.Item], config: pytest.Config) -> None:
    """Keep the tests of the rows that were asked for, and let tests at full size take their time."""
    wanted = set(config.getoption("--row") or ())
    if wanted - ROWS.keys():
        raise pytest.UsageError(
            f"the campaign has no row {', '.join(sorted(wanted - ROWS.keys()))}"
        )
    chosen = {item: rows_of(item) for item in items}
    if wanted:
        _keep(items, config, lambda item: bool(wanted & {*chosen[item]}))
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder:
        passed = passed_before(Path(folder))
        _keep(items, config, lambda item: item.nodeid not in passed)
    if KIND_VARIABLE in os.environ:
        _keep(items, config, _runs_on_one_kind)
    for item in items:
        if chosen[item] and size() == "full":
            item.add_marker(pytest.mark.timeout(FULL_TIMEOUT_S), append=False)


def _runs_on_one_kind(item: pytest.Item) -> bool:
    """Tell whether the variable says where a test runs: not where that is no database, both, or a given one."""
    names, chosen = {*getattr(item, "fixturenames", ())}, getattr(item, "callspec", None)
    is_given = bool(names & {"sqlite_url", "postgres_url"})
    on_both = "database_url" in getattr(chosen, "params", ())
    return "database_url" in names and not is_given and not on_both


def _keep(
    items: list[pytest.Item], config: pytest.Config, is_kept: Callable[[pytest.Item], bool]
) -> None:
    config.hook.pytest_deselected(items=[item for item in items if not is_kept(item)])
    items[:] = filter(is_kept, items)


def passed_before(folder: Path) -> set[str]:
    """Return the tests that passed before the campaign was broken off, with the settings of this session."""
    before = [one for one in read_reports(folder / NAME_BEFORE) if one.get("asked") == _asked()]
    failed = {one["test"] for one in before if one["outcome"] == "failed"}
    # The last part of a test.
    return {one["test"] for one in before if one["part"] == "teardown"} - failed


def read_reports(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the reports of a file, if there is one, but for those of another commit."""
    for line in file.read_text("utf-8").splitlines() if file.exists() else ():
        report = json.loads(line)
        if report.get("commit", this_commit()) == this_commit():
            yield report


def add_report(item: pytest.Item, report: pytest.TestReport) -> None:
    """Put beside the result of a part of a test what the campaign counts."""
    marks = list(item.iter_markers(MARK))
    if not marks:
        return
    tally = item.stash.get(TALLY, Tally())
    is_call = report.when == "call" and not report.skipped
    database = item.stash.get(DATABASE, marks[0].kwargs.get("database", "none"))
    counted: dict[str, Any] = {
        "test": item.nodeid,
        "asked": _asked(),
        "commit": this_commit(),
        "rows": rows_of(item),
        "part": report.when,
        "size": size(),
        "database": database,
        "outcome": report.outcome,
        "seconds": round(report.duration, 3),
        "tried": tally.n_tried if is_call else 0,
        "seen": dict(tally.seen) if is_call else {},
    }
    report.user_properties.append((MARK, counted))


def _asked() -> list[str]:
    """Return what tests of one name may be run by, as the campaign runs them."""
    return [size(), os.environ.get(KIND_VARIABLE, "")]


@cache
def this_commit() -> str:
    """Return the commit's short name, with a plus sign where files differ from it."""
    git = ["git", "-C", str(ROOT)]
    shown = subprocess.run(
        [*git, "rev-parse", "--short=8", "HEAD"], capture_output=True, text=True, check=False
    )
    others = [
        *git,
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        ".",
        f":!{PAGE.relative_to(ROOT)}",
    ]
    changed = subprocess.run(others, capture_output=True, text=True, check=False)
    return (shown.stdout.strip() or "no commit") + ("+" if changed.stdout.strip() else "")


def report_of(test: str, row: str, **counted: Any) -> dict[str, Any]:
    """Return the line of what a target of its own tried: no test of the suite, and no database."""
    fixed = {"test": test, "rows": [row], "part": "call", "database": "none"}
    return fixed | {"outcome": "passed", "seen": {}} | counted


def append(folder: Path, report: Mapping[str, Any]) -> None:
    """Add a line to the reports in a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write(json.dumps(report) + "\n")


class Writer:
    """Appends what was counted to the file of reports, a line at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write the report of one part of a test."""
        for name, counted in report.user_properties:
            if name == MARK and counted["part"] == report.when:  # type: ignore[index,call-overload]
                append(self._folder, counted)  # type: ignore[arg-type]


def register_writer(config: pytest.Config) -> None:
    """Write reports where the environment asks for them; workers leave it to who started them."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Writer(Path(folder)), "campaign-writer")
