"""Where the linkage stands as the broker said last, kept so that it can be told without asking again.

File: canonical JSON, `reports/PROJECT.status.json` of the workspace. It holds no name and no count of records.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from encoding.files import write_durably
from encoding.rounds.status import Stage
from schemas.agreement.statement import Step
from schemas.documents.document import Document, Model
from schemas.documents.errors import FormatError
from schemas.documents.ids import Name, RandomId, UtcTime
from schemas.linkage.run import RoundNumber
from schemas.reports.overdue import Overdue
from schemas.signing.identity import Duty


class OwnApproval(Model):
    """A step of a run that waits for an approver of this agency."""

    run: RandomId
    step: Step


class KnownStatus(Document):
    """What the broker said at a moment.

    `owed` are sentences about what this agency owes to clerical review, each with the command that does it, or
    an empty one. `command` is what the analyst does next, null: nothing. `final` says of each run that a number
    of parties has to cosign whether they have.
    """

    KIND: ClassVar[str] = "known status"

    version: Literal["blindlink/known-status/1"] = "blindlink/known-status/1"
    project: Name
    at: UtcTime
    stage: Stage
    sentences: tuple[str, ...]
    owed: tuple[tuple[str, str], ...]
    command: Annotated[str | None, Field(max_length=200)]
    round: RoundNumber | None
    runs: tuple[RandomId, ...]
    final: tuple[bool, ...]
    approvals: tuple[OwnApproval, ...]
    overdue: tuple[Overdue, ...]


def keep_status(path: Path, status: KnownStatus) -> None:
    """Keep a status in place of the one before."""
    write_durably(path, status.to_canonical())


def read_status(path: Path) -> KnownStatus | None:
    """Return the status that is kept; None if there is none, or one that cannot be read."""
    try:
        return KnownStatus.from_canonical(path.read_bytes())
    except (OSError, FormatError):
        return None


def late_words(late: Overdue, party: str) -> str:
    """Return in a sentence what is overdue and in whose hands it is, as this party reads it."""
    hands = "your hands" if late.party == party else f"the hands of {late.party}"
    return overdue_words(late.words(), late.duty, hands)


def overdue_words(sentence: str, duty: Duty, hands: str = "your hands") -> str:
    """Return in a sentence that something is overdue, and in whose hands it is, by which duty."""
    return f"Overdue, in {hands} (duty {duty}): {sentence}"
