"""Resolves the review band of a demo by the truth, as two careful people would."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from app.demo.commands import Commands
from app.demo.plan import PROJECT, Rehearsal

RESOLVED: Final = "resolved.csv"


class Decided(NamedTuple):
    """One record's part in a pair that the run decided: auto, or held for review."""

    record_id: str
    pair: int
    band: str


def resolve_review(commands: Commands, plan: Rehearsal) -> int:
    """Write for each agency the links that it would have if every pair for review were decided rightly.

    Returns how many pairs those are.

    The broker keeps its decisions to itself, so they are made again from the two containers, and each
    agency puts its own record IDs in place of its handles.
    """
    folder = plan.state.parent
    agencies = (plan.welfare, plan.schools)
    # K-12's file is the larger one; its manifest says how often its people agree by chance.
    larger, smaller = (
        next((agency.folder / "workspace" / "outbox").glob("*.enc"))
        for agency in (plan.schools, plan.welfare)
    )
    commands.run(
        "write down the project", folder,
        "blindlink-broker", "--state", "state", "project", "show", PROJECT, to="project.json",
    )  # fmt: skip
    commands.run(
        "decide the pairs again, offline", folder,
        "blindlink-broker", "decide", "--project", "project.json",
        "--manifest", larger.with_suffix(".json"), larger, smaller, "-o", "decisions.csv",
    )  # fmt: skip
    for agency in agencies:
        commands.run(
            f"resolve the handles of {agency.party}", agency.folder,
            "blindlink", "resolve", folder / "decisions.csv", "-o", "decided.csv",
        )  # fmt: skip
    left, right = (_read_decided(agency.folder / "decided.csv") for agency in agencies)
    accepted = set(_accepted(left, right, _read_truth(plan.truth)))
    for agency, decided in zip(agencies, (left, right), strict=True):
        _write_links(agency.folder / RESOLVED, decided, accepted)
    return sum(one.band == "review" for one in left.values())


def _accepted(
    left: dict[int, Decided], right: dict[int, Decided], truth: set[tuple[str, str]]
) -> Iterator[int]:
    for pair, one in left.items():
        if one.band == "auto" or (one.record_id, right[pair].record_id) in truth:
            yield pair


def _read_decided(path: Path) -> dict[int, Decided]:
    with path.open(encoding="utf-8", newline="") as text:
        rows = [
            Decided(row["record_id"], int(row["pair"]), row["band"])
            for row in csv.DictReader(text)
            # The other agency's half of a pair has a handle that this one does not know.
            if row["record_id"]
        ]
    return {row.pair: row for row in rows}


def _read_truth(path: Path) -> set[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as text:
        rows = csv.reader(text)
        next(rows)
        return {(row[0], row[1]) for row in rows}


def _write_links(path: Path, decided: dict[int, Decided], accepted: set[int]) -> None:
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("record_id", "link_id"))
        writer.writerows((decided[pair].record_id, f"{pair:032x}") for pair in sorted(accepted))
