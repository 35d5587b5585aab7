"""What a demo has found, in plain words."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.demo.commands import Step, typed_in
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
    plan: Rehearsal, findings: Findings, seconds: float, commands: Path
) -> Iterator[str]:
    """Yield what was found, and where everything is."""
    yield f"What was done, in {seconds:.0f} s"
    yield from _numbers(findings)
    yield f"  the commands      {commands}"
    yield f"  the files         {plan.root} (docs/quick-start.md says what is where)"


def commands_text(steps: Sequence[Step]) -> Iterator[str]:
    """Yield the lines of a file that a reader can follow, command by command."""
    yield "# Every command of the rehearsal, in an order in which you can type them, and how long it took."
    yield "# The demo wrote three files by hand: broker/parties.toml, child-welfare/answers.toml, and the"
    yield "# verdicts in child-welfare/pairs.csv, by what it shows of the two records."
    yield "# Invitations, keys and fingerprints are new each time."
    yield from typed_in(steps)


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
    wrong = "" if expected is None else f", of which {expected / 100:.1f} are expected to be wrong"
    yield f"  links             {_count(counts.get('auto_pairs'))}{wrong}"
    yield f"  held for review   {findings.held:,}, decided by what their cards show"
    yield f"  links of the run          {_quality(findings.of_run)}"
    yield f"  links as released         {_quality(findings.released)}"
    verdict = dict(line.strip().partition(" ")[::2] for line in findings.verdict.splitlines())
    yield f"  match log         verified: {verdict['entries'].strip()} entries; pins: {verdict['pins'].strip()}"


def _count(value: int | None) -> str:
    return "not shown" if value is None else f"{value:,}"


def _quality(evaluation: dict[str, Any]) -> str:
    # Whoever stands in a file twice is found by one link, and is two true pairs.
    return (
        f"precision {100 * evaluation['precision']['value']:.2f} %, "
        f"recall {100 * evaluation['people']['value']:.2f} % of people, "
        f"{100 * evaluation['recall']['value']:.2f} % of pairs"
    )
