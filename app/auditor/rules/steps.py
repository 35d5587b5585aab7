"""What the steps of all rules share: how they break off, and how they look things up."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, TypeAlias, cast

from app.auditor.errors import RuleBrokenError
from app.auditor.ledger import Ledger, ProjectState, RunState, UploadState
from schemas.matchlog.entry import Entry

Rule: TypeAlias = Callable[[Ledger, Entry], None]


def break_off(rule: str, message: str, entry: Entry, other_index: int | None = None) -> NoReturn:
    """Raise `RuleBrokenError` for this entry; `other_index` is that of the entry which it contradicts."""
    evidence = {"kind": entry.kind, "other_index": other_index}
    raise RuleBrokenError(rule, message, index=entry.seq, evidence=evidence)


def project_of(ledger: Ledger, entry: Entry) -> ProjectState:
    """Return the project of an entry whose kind has one and whose common steps went well."""
    return ledger.projects[cast(str, entry.project)]


def object_of(entry: Entry) -> str:
    """Return the id that an entry is about; its kind has one."""
    return cast(str, entry.object)


def upload_of(ledger: Ledger, entry: Entry, upload: str) -> UploadState:
    """Return an upload that is there, in the entry's project.

    Raises:
        RuleBrokenError: it was destroyed, or never received.
    """
    destroyed = ledger.destroyed.get(upload)
    if destroyed is not None:
        break_off("upload-destroyed", "an upload is used after it was destroyed", entry, destroyed)
    state = ledger.uploads.get(upload)
    if state is None or state.project != entry.project:
        break_off("upload-unknown", "an upload is named that the project never received", entry)
    return state


def run_of(ledger: Ledger, entry: Entry) -> RunState:
    """Return the run that an entry is about.

    Raises:
        RuleBrokenError: the project never asked for it.
    """
    run = ledger.runs.get(object_of(entry))
    if run is None or run.project != entry.project:
        break_off("run-unknown", "a run is named that the project never asked for", entry)
    return run


def difference_reaches_floor(ledger: Ledger, entry: Entry, *counts: int | None) -> None:
    """Check that, of counts that are all shown, the first less the others is at or above the floor.

    Raises:
        RuleBrokenError: it is below.
    """
    shown = [count for count in counts if count is not None]
    floor = project_of(ledger, entry).terms.floor
    if len(shown) == len(counts) and 2 * shown[0] - sum(shown) < floor:
        message = "an entry shows counts that differ by less than the floor of the terms"
        break_off("below-floor", message, entry)


def counts_reach_floor(ledger: Ledger, entry: Entry, counts: tuple[int | None, ...]) -> None:
    """Check that every count that is shown is at or above the floor.

    Raises:
        RuleBrokenError: one is below.
    """
    floor = project_of(ledger, entry).terms.floor
    if any(count is not None and count < floor for count in counts):
        break_off("below-floor", "an entry shows a count below the floor of the terms", entry)
