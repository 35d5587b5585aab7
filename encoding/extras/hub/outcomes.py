"""What came of the last night at each spoke: kept in the spoke's folder, in numbers and sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from encoding.files import write_durably
from schemas.documents.document import Document
from schemas.documents.errors import FormatError
from schemas.documents.ids import Name, UtcTime
from schemas.linkage.link_quality import Number

State = Literal["linked", "idle", "late", "unreachable", "failed"]

_FILE: Final = "last-night.json"
_Sentence = Annotated[str, Field(max_length=4_000)]
# What a night may meet that nobody at the hub has to do anything about.
WAITS: Final[frozenset[State]] = frozenset({"late", "unreachable"})


class Outcome(Document):
    """What came of one spoke in one night.

    `linked` is where link IDs were written, `idle` where nothing was due, `late` where others have yet to do
    their part, `failed` where a person at the hub has to look. `code` and `exit_code` are those of
    `blindlink refresh` alone, `message` and `hint` its sentences. `round`, `links`, `new`, `ended` and
    `changed` are of the last links that were written, at `linked_at`; null: none were.
    """

    KIND: ClassVar[str] = "outcome at a spoke"

    version: Literal["blindlink/hub-outcome/1"] = "blindlink/hub-outcome/1"
    project: Name
    party: Name
    at: UtcTime
    state: State
    code: str
    exit_code: int
    message: _Sentence
    hint: _Sentence | None
    warnings: tuple[_Sentence, ...]
    seconds: Number
    round: int | None
    linked_at: UtcTime | None
    links: Number | None
    new: Number | None
    ended: Number | None
    changed: Number | None


def keep_outcome(folder: Path, outcome: Outcome) -> None:
    """Keep what came of a night in a spoke's folder; of the last links where there are none from tonight."""
    write_durably(folder / _FILE, outcome.to_canonical() + b"\n")


def kept_outcome(folder: Path) -> Outcome | None:
    """Return what is kept; None if nothing is, or nothing that can be read: the next night makes it anew."""
    try:
        return Outcome.from_canonical((folder / _FILE).read_bytes().rstrip(b"\n"))
    except (OSError, FormatError):
        return None
