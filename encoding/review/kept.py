"""Questions and cards of a review that is not over, as they came: sealed, to go on after a kill.

The cards stay sealed to the reviewers too. All of it goes when the review has ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from encoding.errors import WorkspaceError
from encoding.workspace.sealed_record import SealedRecord
from schemas.documents.document import Document
from schemas.documents.errors import DocumentError, FormatError
from schemas.documents.ids import Name, RandomId
from schemas.rounds.review import (
    Question,
    QuestionsHeader,
    parse_cards,
    parse_questions,
)


class _Head(Document):
    """Of which review, and how many bytes of questions come before the cards."""

    KIND: ClassVar[str] = "kept review"

    version: Literal["blindlink/kept-review/1"] = "blindlink/kept-review/1"
    project: Name
    run: RandomId
    questions_bytes: int


@dataclass(frozen=True, slots=True)
class KeptReview:
    """What came: the questions, and the sealed card of each by its reference; null: not yet."""

    header: QuestionsHeader
    questions: tuple[Question, ...] = field(repr=False)
    cards: dict[bytes, bytes] | None = field(repr=False)

    @classmethod
    def of(cls, questions: bytes, cards: bytes) -> KeptReview:
        """Return what files of questions and cards say, of cards empty bytes if they have not come."""
        header, listed = parse_questions(questions)
        sealed = parse_cards(cards) if cards else None
        if sealed is not None and [one.reference for one in listed] != [*sealed]:
            raise DocumentError("there is not one card for each question")
        return cls(header, listed, sealed)


class KeptReviewFile:
    """Where questions and cards of a review are kept; use it under the workspace's lock."""

    def __init__(self, path: Path, project: str, run: str, workspace_key: bytes) -> None:
        self._project, self._run = project, run
        self._record = SealedRecord(path, f"review/{project}/{run}", workspace_key)

    def read(self) -> KeptReview | None:
        """Return what is kept; None if nothing is."""
        raw = self._record.read()
        if raw is None:
            return None
        line, _, rest = raw.partition(b"\n")
        try:
            head = _Head.from_canonical(line)
            return KeptReview.of(rest[: head.questions_bytes], rest[head.questions_bytes :])
        except FormatError as exc:
            raise WorkspaceError("questions and cards in the workspace are damaged") from exc

    def write(self, questions: bytes, cards: bytes = b"") -> None:
        """Keep what came, durably; of cards empty bytes if they have not."""
        head = _Head(project=self._project, run=self._run, questions_bytes=len(questions))
        self._record.write(head.to_canonical() + b"\n" + questions + cards)

    def remove(self) -> None:
        """Remove what is kept; again is safe."""
        self._record.path.unlink(missing_ok=True)
