"""What an agency knows of its own part in a linkage: from its workspace, and by the broker's last word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from encoding.rounds.known_status import KnownStatus, late_words
from encoding.workspace.custody import LastBackup
from schemas.agreement.agreement import Agreement
from schemas.reports.overdue import since_end
from schemas.reports.round_report import RoundReport
from schemas.shared.page import Standing

SAFE_STOP: Final = "send nothing more, keep the workspace as it is, and call your security officer"


@dataclass(frozen=True, slots=True)
class Attention:
    """Something that needs attention, and the command that does it; None: no command does."""

    standing: Standing
    sentence: str
    command: str | None = None

    def words(self) -> str:
        """Return the sentence with the command that does it."""
        return self.sentence if self.command is None else f"{self.sentence} Next: {self.command}"


@dataclass(frozen=True, slots=True)
class LogState:
    """The match log as it is pinned here: its entries, how many of them this party cosigned, and when.

    `is_settled` says that the pin was shown to extend every earlier one, `was_rewritten` that the broker once
    showed another log.
    """

    origin: str
    entries: int
    cosigned: int
    cosigned_at: str | None
    is_settled: bool
    was_rewritten: bool


@dataclass(frozen=True, slots=True)
class AgencyState:
    """What is known; None, or empty, is what is not.

    `status` is the broker's last word, `is_current` whether it was given now. `agreement` is the newest that
    all have signed, `report` that of the newest round with links, `check` the shareable document of the last
    check, with `is_same_file` whether the file is still that one. `secret` says how far the epoch's secret is.
    `frozen` tells of each frozen file whose time is over and that is still here.
    `encoded` is the newest round in which this agency has encoded, 0: none. `custody` is what is left to do
    until a second person can open the workspace.
    """

    project: str
    party: str
    made: str
    status: KnownStatus | None
    is_current: bool
    agreement: Agreement | None
    report: RoundReport | None
    check: Mapping[str, Any]
    is_same_file: bool
    secret: tuple[str, ...]
    log: LogState | None
    frozen: tuple[Attention, ...]
    encoded: int
    backup: LastBackup | None
    custody: str | None

    @property
    def as_of(self) -> str | None:
        """When the broker was asked last; None: never."""
        return None if self.status is None else self.status.at

    def to_json(self) -> dict[str, object]:
        """Return the state as a document."""
        status, agreement, report = self.status, self.agreement, self.report
        return {
            "project": self.project,
            "party": self.party,
            "made": self.made,
            "as_of": self.as_of,
            "is_current": self.is_current,
            "attention": [asdict(one) for one in attention(self)],
            "status": None if status is None else status.to_json(),
            "agreement": None
            if agreement is None
            else {
                "number": agreement.number,
                "start": agreement.start,
                "end": agreement.end,
                "sha256": agreement.digest(),
            },
            "report": None if report is None else report.to_json(),
            "check": dict(self.check) or None,
            "is_same_file": self.is_same_file,
            "secret": list(self.secret),
            "log": None if self.log is None else asdict(self.log),
            "encoded": self.encoded,
            "backup": None if self.backup is None else asdict(self.backup),
            "custody": self.custody,
        }


def attention(state: AgencyState) -> tuple[Attention, ...]:
    """Return what needs attention now, the worst first; empty where nothing does."""
    found = [
        *_of_the_log(state),
        *_of_the_broker(state),
        *_of_the_agreement(state),
        *state.frozen,
        *_of_the_workspace(state),
    ]
    order: tuple[Standing, ...] = ("bad", "warn", "note")
    return tuple(sorted(found, key=lambda one: order.index(one.standing)))


def _of_the_log(state: AgencyState) -> Iterator[Attention]:
    if state.log is not None and state.log.was_rewritten:
        yield Attention(
            "bad", f"The broker once showed a match log that was rewritten or cut off: {SAFE_STOP}."
        )


def _of_the_broker(state: AgencyState) -> Iterator[Attention]:
    status = state.status
    if status is None:
        yield Attention(
            "warn",
            "The broker has not been asked yet where the linkage stands.",
            "blindlink status",
        )
        return
    for late in status.overdue:
        standing: Standing = "bad" if late.party == state.party else "note"
        yield Attention(standing, late_words(late, state.party))
    for one in status.approvals:
        what = "A run" if one.step == "run" else "What a run has found"
        yield Attention(
            "warn", f"{what} waits for an approver of yours.", f"blindlink approve {one.step}"
        )
    for sentence, command in status.owed:
        yield Attention("warn", sentence, command or None)
    said = {
        "failed": "The run has failed.",
        "held": "New links wait: more would end than is agreed.",
    }
    if status.stage in said:
        yield Attention("bad", said[status.stage], status.command)
    elif status.command is not None and not (status.approvals and status.stage == "awaiting"):
        yield Attention("note", "The linkage waits for the next command.", status.command)


def _of_the_agreement(state: AgencyState) -> Iterator[Attention]:
    agreement, status = state.agreement, state.status
    if agreement is None:
        yield Attention(
            "warn", "No agreement that all have signed is kept here.", "blindlink agreement status"
        )
        return
    is_told = status is not None and any(one.what == "agreement" for one in status.overdue)
    if state.made[:10] > agreement.end:
        yield Attention(
            "bad", f"The agreement ended on {agreement.end}: nothing is linked any more."
        )
    elif state.made >= since_end(agreement.end) and not is_told:
        yield Attention(
            "warn", f"The agreement ends on {agreement.end}, and none that follows is kept here."
        )


def _of_the_workspace(state: AgencyState) -> Iterator[Attention]:
    if state.custody is not None:
        yield Attention("warn", state.custody[:1].upper() + state.custody[1:])
    if state.encoded and state.backup is None:
        yield Attention(
            "warn", "No backup of the workspace is known.", "blindlink workspace backup FILE"
        )
    elif state.backup is not None and state.backup.round < state.encoded:
        yield Attention(
            "warn",
            f"The last backup is older than round {state.encoded}.",
            "blindlink workspace backup FILE",
        )
