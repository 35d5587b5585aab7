"""Writes what a run of the campaign reported into `docs/reliability.md`, or checks it.

`python -m campaign.table FOLDER` checks that each row of the quick campaign has reported, and found nothing;
with `--write` it also renews the lines of the rows that have reported, and leaves the others as they are.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from campaign.reports import FILE_NAME, NAME_BEFORE, PAGE, ROOT, read_reports, this_commit
from campaign.rows import ROWS, Row

BEGIN, END = "<!-- what the campaign wrote: begin -->", "<!-- what the campaign wrote: end -->"
HEAD = (
    "| row | what is tried | what must hold | SQLite | PostgreSQL | no database | faults | run |\n"
    "|---|---|---|---|---|---|---|---|"
)
DATABASES = ("sqlite", "postgres", "none")
NEVER = ("", "", "", "", "not run yet")


@dataclass
class Outcome:
    """What the tests of one row came to, those of all databases together."""

    tried: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    n_faults: int = 0
    n_skipped: int = 0
    sizes: set[str] = field(default_factory=set)

    def add(self, report: Mapping[str, Any]) -> None:
        """Take in the report of one part of a test."""
        self.tried[report["database"]] += report["tried"]
        self.seen.update(report["seen"])
        self.seconds += report["seconds"]
        self.n_faults += report["outcome"] == "failed"
        self.n_skipped += report["outcome"] == "skipped"
        self.sizes.add(report["size"])


def outcomes(reports: Iterable[Mapping[str, Any]]) -> dict[str, Outcome]:
    """Add reports up by row; of one part of a test on one database, the last one counts."""
    last = {(one["test"], one["part"], one["database"]): one for one in reports}
    found: dict[str, Outcome] = {}
    for report in last.values():
        for row in report["rows"]:
            found.setdefault(row, Outcome()).add(report)
    return found


def complaints(found: Mapping[str, Outcome], wanted: Iterable[str]) -> list[str]:
    """Return a sentence for each row that found a fault, or reported nothing though it was wanted."""
    said = [f"{row}: {found[row].n_faults} faults" for row in found if found[row].n_faults]
    silent = [row for row in wanted if row not in found or not found[row].tried.total()]
    return said + [f"{row}: nothing was tried" for row in silent]


def cells_of(row: Row, outcome: Outcome, when: str) -> tuple[str, ...]:
    """Return the last five cells of a row's line: how often on each database, faults, and the run."""
    size = "full" if outcome.sizes == {"full"} else "quick"
    goal = f" of {row.full:,}" if row.full and size == "full" else ""
    # Where enough was tried without a database, what was tried on one comes on top.
    has_goal = {"none"} if outcome.tried["none"] >= row.full else set(DATABASES)
    numbers = [
        f"{outcome.tried[one]:,}{goal if one in has_goal else ''}" if outcome.tried[one] else ""
        for one in DATABASES
    ]
    faults = "; ".join(
        [str(outcome.n_faults), *(f"{n:,} {what}" for what, n in sorted(outcome.seen.items()))]
    )
    if outcome.n_skipped:
        faults += f"; {outcome.n_skipped} not run here"
    return (*numbers, faults, f"{size}, {duration(outcome.seconds)}, {when}")


def duration(seconds: float) -> str:
    """Say how long something took, in seconds or minutes."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def written_cells(text: str) -> dict[str, tuple[str, ...]]:
    """Return the last five cells of each line of a table that was written before."""
    lines = re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", text, re.MULTILINE)
    return {row: tuple(cell.strip() for cell in rest.split(" | ")[-5:]) for row, rest in lines}


def table(cells: Mapping[str, tuple[str, ...]]) -> str:
    """Return the table of all rows; one that never ran says so."""
    lines = [
        f"| `{name}` | {row.tried} | {row.goal} | {' | '.join(cells.get(name, NEVER))} |"
        for name, row in ROWS.items()
    ]
    return "\n".join([HEAD, *lines])


def renewed(page: str, found: Mapping[str, Outcome], when: str, machine: str) -> str:
    """Return the page with the lines of rows that have reported renewed."""
    before, rest = page.split(BEGIN)
    old, after = rest.split(END)
    cells = written_cells(old)
    cells |= {row: cells_of(ROWS[row], outcome, when) for row, outcome in found.items()}
    never = [f"`{row}`" for row in ROWS if row not in cells or cells[row] == NEVER]
    not_run = f"Not run yet: {', '.join(never)}." if never else "Every row has been run."
    return f"{before}{BEGIN}\n{not_run} Last run: {machine}.\n\n{table(cells)}\n{END}{after}"


def this_machine() -> str:
    """Say in a few words where the campaign ran."""
    return (
        f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def main() -> int:
    """Check, and write if asked to; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of reports")
    parser.add_argument("--row", action="append", help="this row alone was wanted")
    parser.add_argument(
        "--full", action="store_true", help="rows of the full campaign were wanted, too"
    )
    parser.add_argument("--write", action="store_true", help=f"renew {PAGE.relative_to(ROOT)}")
    given = parser.parse_args()
    found = outcomes(
        report for name in (NAME_BEFORE, FILE_NAME) for report in read_reports(given.folder / name)
    )
    for row in ROWS.keys() & found.keys():
        one = found[row]
        numbers = ", ".join(f"{one.tried[name]:,} {name}" for name in DATABASES if one.tried[name])
        print(f"{row}: {numbers or 'nothing'}; {one.n_faults} faults; {duration(one.seconds)}")
    if given.write:
        when = f"{datetime.now(UTC):%Y-%m-%d}, {this_commit()}"
        PAGE.write_text(renewed(PAGE.read_text("utf-8"), found, when, this_machine()), "utf-8")
    whole = [name for name, row in ROWS.items() if row.is_quick or (given.full and row.has_tests)]
    wanted = given.row or whole
    said = complaints(found, wanted)
    print("\n".join(f"campaign: {one}" for one in said), file=sys.stderr)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
