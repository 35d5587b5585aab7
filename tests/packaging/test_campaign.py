"""The campaign reports what tests tried, in whichever process, and its table takes no silence for success."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from campaign.reports import (
    FILE_NAME,
    FOLDER_VARIABLE,
    KIND_VARIABLE,
    NAME_BEFORE,
    read_reports,
    this_commit,
)
from campaign.rows import ROWS, Row
from campaign.size import VARIABLE
from campaign.table import (
    BEGIN,
    END,
    PAGE,
    cells_of,
    complaints,
    outcomes,
    renewed,
    table,
    written_cells,
)

ROOT = Path(__file__).resolve().parents[2]
MARK = re.compile(r'mark\.campaign\(\s*"([a-z-]+)"')
QUICK = [name for name, row in ROWS.items() if row.is_quick]


def report(**changes: Any) -> dict[str, Any]:
    made = {"test": "test_a", "rows": [QUICK[0]], "part": "call", "size": "quick", "seconds": 2.5}
    return made | {"database": "sqlite", "outcome": "passed", "tried": 8, "seen": {}} | changes


def test_every_row_has_tests_and_every_mark_a_row() -> None:
    marked = {
        row for path in ROOT.glob("tests/**/*.py") for row in MARK.findall(path.read_text("utf-8"))
    }
    assert marked == {name for name, row in ROWS.items() if row.has_tests}


def test_the_page_has_the_rows_as_they_are() -> None:
    page = PAGE.read_text("utf-8")
    written = page.split(BEGIN)[1].split(END)[0]
    assert table(written_cells(written)) in written


def test_numbers_are_added_and_what_is_repeated_counts_once() -> None:
    found = outcomes(
        [
            report(),
            report(tried=9),
            report(database="postgres", tried=5, seen={"killed": 2}),
            report(test="test_b", seen={"killed": 1}),
            report(test="test_b", part="teardown", tried=0, outcome="failed"),
        ]
    )[QUICK[0]]
    assert found.tried == {"sqlite": 17, "postgres": 5}
    assert found.seen == {"killed": 3}
    assert found.n_faults == 1
    assert found.seconds == 10


def test_a_fault_and_a_row_that_tried_nothing_are_said() -> None:
    assert complaints(outcomes([report()]), [QUICK[0]]) == []
    failed = outcomes([report(outcome="failed")])
    assert complaints(failed, QUICK[:1]) == [f"{QUICK[0]}: 1 faults"]
    skipped = outcomes([report(tried=0, outcome="skipped")])
    assert complaints(skipped, QUICK[:1]) == [f"{QUICK[0]}: nothing was tried"]
    assert complaints({}, QUICK[1:2]) == [f"{QUICK[1]}: nothing was tried"]


def test_a_run_renews_its_own_lines_and_no_others() -> None:
    first, second = QUICK[:2]
    page = f"# Title\n{BEGIN}\n{END}\nafter\n"
    page = renewed(
        page, outcomes([report(), report(test="test_b", rows=[second])]), "monday, aaaa", "here"
    )
    page = renewed(page, outcomes([report(rows=[second], size="full")]), "tuesday, bbbb", "there")
    cells = written_cells(page)
    assert cells[first] == ("8", "", "", "0", "quick, 2 s, monday, aaaa")
    assert cells[second][4] == "full, 2 s, tuesday, bbbb"
    assert f"`{QUICK[2]}`" in page.split("Last run: there.")[0]
    assert page.startswith("# Title\n")
    assert page.endswith("\nafter\n")


def test_a_goal_is_told_of_each_database_or_where_there_is_none() -> None:
    row = Row("it", "holds", full=100)

    def numbers(**tried: int) -> tuple[str, ...]:
        reports = [report(test=one, database=one, tried=n, size="full") for one, n in tried.items()]
        return cells_of(row, outcomes(reports)[QUICK[0]], "monday, aaaa")[:3]

    assert numbers(sqlite=120, postgres=5) == ("120 of 100", "5 of 100", "")
    assert numbers(sqlite=2, none=111) == ("2", "", "111 of 100")
    assert numbers(sqlite=2, none=9) == ("2 of 100", "", "9 of 100")


SESSION = f"""
import pytest
from campaign.size import times

@pytest.mark.campaign("{QUICK[0]}")
@pytest.mark.parametrize("number", ["one", "two"])
def test_sized(number, sqlite_url, tally):
    for _ in range(times(quick=2, full=7)):
        tally.tried()

@pytest.mark.campaign("{QUICK[0]}", database="postgres")
@pytest.mark.timeout(1)
def test_simple(request):
    assert request.node.get_closest_marker("timeout").args[0] > 1

@pytest.mark.campaign("{QUICK[1]}")
def test_of_another_row(): pass
"""


KINDS = {
    "test_one.py": """
from rigs.linkage import embedded_database

def test_of_one(database_url): pass

def test_of_its_own(sqlite_url): pass

def test_of_none(): pass
""",
    "test_given.py": """
import pytest

@pytest.fixture
def database_url(sqlite_url): return sqlite_url

def test_of_one_that_is_given(database_url): pass
""",
    "test_both.py": """
from rigs.linkage import either_database

def test_of_both(database_url): pass
""",
}


def pytest_in(folder: Path, *words: str, **settings: str) -> str:
    """Run the tests of a folder elsewhere than the tests, whose own configuration is a plugin there."""
    configured = ("-c", str(ROOT / "pyproject.toml"), "-p", "conftest")
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, *configured],
        cwd=folder,
        env=os.environ | settings | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_session(tmp_path: Path, *more: str) -> list[dict[str, Any]]:
    """Run the tests of `SESSION`, and return what was reported."""
    (tmp_path / "test_made.py").write_text(SESSION, "utf-8")
    words = ("test_made.py", "-m", "campaign", "--row", QUICK[0], *more)
    pytest_in(tmp_path, *words, **{VARIABLE: "full", FOLDER_VARIABLE: str(tmp_path / "reports")})
    lines = (tmp_path / "reports" / FILE_NAME).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("more", [(), ("--numprocesses", "2")], ids=["alone", "by workers"])
def test_a_session_writes_what_its_tests_tried(tmp_path: Path, more: tuple[str, ...]) -> None:
    found = outcomes(run_session(tmp_path, *more))
    assert found.keys() == {QUICK[0]}
    assert found[QUICK[0]].tried == {"sqlite": 14, "postgres": 1}
    assert found[QUICK[0]].sizes == {"full"}


def names_of(reports: list[dict[str, Any]]) -> list[str]:
    return [one["test"].rpartition("::")[2] for one in reports]


def test_a_campaign_that_was_broken_off_goes_on_where_it_was(tmp_path: Path) -> None:
    file, before = (tmp_path / "reports" / name for name in (FILE_NAME, NAME_BEFORE))
    first = run_session(tmp_path, "-k", "simple or one")
    # The second one was under way when it ended.
    n_kept = names_of(first).index("test_simple") + 2
    written = file.read_text("utf-8").splitlines(keepends=True)[:n_kept]
    file.unlink()
    before.write_text("".join(written), "utf-8")
    second = run_session(tmp_path, "--numprocesses", "2")
    assert set(names_of(second)) == {"test_sized[two]", "test_simple"}
    found = outcomes([*read_reports(before), *read_reports(file)])[QUICK[0]]
    assert found.tried == {"sqlite": 14, "postgres": 1}
    file.unlink()
    before.write_text("".join(written).replace(this_commit(), "another"), "utf-8")
    assert len(set(names_of(run_session(tmp_path)))) == 3
    assert list(read_reports(before)) == []


def test_what_the_kind_of_database_is_nothing_to_does_not_run_again(tmp_path: Path) -> None:
    for name, tests in KINDS.items():
        (tmp_path / name).write_text(tests, "utf-8")
    shown = pytest_in(tmp_path, *KINDS, "--collect-only", "-q", **{KIND_VARIABLE: "postgres"})
    assert re.findall(r"::(\w+)", shown) == ["test_of_one"]
