"""What a demo has found, in plain words."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.demo.commands import Commands, typed_in
from app.demo.plan import Rehearsal


@dataclass(frozen=True, slots=True)
class Findings:
    """Numbers of one demo: what was compared, what was linked, and how right it was."""

    rows_left: int
    rows_right: int
    run: dict[str, Any]
    held: int
    of_run: dict[str, Any]
    released: dict[str, Any]
    verdict: str


def report_lines(
    plan: Rehearsal, findings: Findings, commands: Commands, seconds: float, page: str | None
) -> Iterator[str]:
    """Yield the report: numbers, time per step, the commands to repeat by hand, where everything is."""
    yield ""
    yield "What was done"
    yield from _numbers(findings)
    yield ""
    yield f"Time per step ({seconds:.1f} s in all)"
    yield from (f"  {step.seconds:6.1f} s  {step.title}" for step in commands.steps)
    yield ""
    yield "The commands, to repeat by hand"
    yield from (f"  {line}" for line in typed_in(commands.steps))
    yield "  (pairs.csv was filled in by what it shows of the two records: the demo played the reviewer)"
    yield ""
    yield "Where the files are"
    yield from _places(plan)
    yield from _pages(plan, page, commands.left_running)


def count_rows(file: Path, encoding: str) -> int:
    """Return the number of rows of a CSV file below its header."""
    with file.open(encoding=encoding, newline="") as text:
        return sum(1 for _ in csv.reader(text)) - 1


def _numbers(findings: Findings) -> Iterator[str]:
    (run,) = findings.run["runs"]
    counts = run["counts"] or {}
    expected = counts.get("expected_false")
    yield f"  rows              {findings.rows_left:,} child-welfare, {findings.rows_right:,} K-12"
    # How many they are, no agency is told.
    yield f"  pairs compared    those that share a key, of {findings.rows_left * findings.rows_right:,}"
    yield f"  links             {_count(counts.get('auto_pairs'))}"
    if expected is not None:
        yield f"  expected wrong    {expected / 100:.1f} of them"
    yield f"  held for review   {findings.held:,}, decided by what their cards show"
    yield f"  links of the run          {_quality(findings.of_run)}"
    yield f"  links as released         {_quality(findings.released)}"
    yield "  match log"
    yield from (f"    {line}" for line in findings.verdict.splitlines())


def _count(value: int | None) -> str:
    return "not shown" if value is None else f"{value:,}"


def _quality(evaluation: dict[str, Any]) -> str:
    # Whoever stands in a file twice is found by one link, and is two true pairs.
    return (
        f"precision {100 * evaluation['precision']['value']:.2f} %, "
        f"recall {100 * evaluation['people']['value']:.2f} % of people, "
        f"{100 * evaluation['recall']['value']:.2f} % of pairs"
    )


def _places(plan: Rehearsal) -> Iterator[str]:
    yield f"  agencies' files and truth    {plan.root / 'people'}"
    yield f"  child welfare's folder       {plan.welfare.folder}"
    yield f"  K-12's folder                {plan.schools.folder}"
    yield f"  rows with school columns     {plan.joined}"
    yield f"  the broker's folder          {plan.state.parent}"
    yield f"  the match log's bundle       {plan.bundle}"


def _pages(plan: Rehearsal, page: str | None, left_running: list[int]) -> Iterator[str]:
    yield ""
    yield "The page to open"
    if page is None:
        yield f"  {plan.url}/ (the broker has ended; with --keep it runs on)"
        return
    yield f"  {page}"
    yield "  (this link signs you in once, within 60 s; make another with the last command above;"
    yield "  your browser will warn, since the certificate is for this rehearsal alone)"
    yield f"  end the broker with: kill {' '.join(map(str, left_running))}"
