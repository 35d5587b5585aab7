"""What one person does in a review: which cards they opened how far, what they decided, and what was sent.

Kept sealed in the workspace after every step, so that a closed window loses nothing. What was sent stands.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from encoding.errors import AgencyError, BrokerRefusedError
from encoding.files import reason_of
from encoding.people.identity import Identity
from encoding.review.errors import DecisionError, ReviewError
from encoding.workspace.sealed_record import SealedRecord
from schemas.documents.document import Document, Model
from schemas.documents.ids import Name, RandomId, Sha256Hex, UtcTime, utc_text
from schemas.linkage.run import RoundNumber
from schemas.rounds.review import (
    Decisions,
    PairDecision,
    Reason,
    RecordNameHex,
    ReferenceHex,
    ReviewStatement,
    SignedReviewStatement,
    StatedDecisions,
    StatementNumber,
    Verdict,
)
from schemas.signing.identity import PersonIdText

STEPS: Final = ("closed", "initials", "differences", "all")
"""How far a card is opened, in order."""
NOT_TAKEN: Final = frozenset(
    {"decisions-refused", "review-over", "signature-refused", "statement-refused"}
)
"""Refusals by which a batch has not come before either: the broker first looks whether it knows it."""
SENT: Final = "this decision was sent, so it can't be changed"

DigestHex = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", repr=False)]
_Count = Annotated[int, Field(ge=0)]


class Choice(Model):
    """What was decided of a pair, and in which batch it was sent; null: it was not yet.

    `at` is when it was decided; once it is sent, when it was sent, since the broker goes by what comes first.
    """

    verdict: Verdict
    reason: Reason
    at: UtcTime
    batch: StatementNumber | None = None


class Looked(Model):
    """What a person did with one question.

    `record` and `digest` are of the own record as it was shown, `name` is on the card. `opened` counts how
    often the card was opened to each step but the first.
    """

    reference: ReferenceHex
    record: DigestHex
    digest: DigestHex
    name: RecordNameHex
    opened: tuple[_Count, _Count, _Count] = (0, 0, 0)
    choice: Choice | None = None

    @property
    def step(self) -> int:
        """How far the card was opened, by its place in `STEPS`."""
        return max((place for place, n in enumerate(self.opened, start=1) if n), default=0)


class Journal(Document):
    """The journal of a person in the review of one run; `waiting` is a batch whose receipt has not come."""

    KIND: ClassVar[str] = "journal of a review"

    version: Literal["blindlink/review-journal/1"] = "blindlink/review-journal/1"
    project: Name
    agreement: Sha256Hex
    run: RandomId
    round: RoundNumber
    partner: Name
    person: PersonIdText
    looked: tuple[Looked, ...] = ()
    sent: _Count = 0
    is_finished: bool = False
    waiting: StatedDecisions | None = None


class Diary:
    """The journal in use; every change is kept at once, or raises AgencyError and has not happened.

    What was sent, or waits for its receipt, stands.
    """

    def __init__(self, journal: Journal, keep: Callable[[Journal], None]) -> None:
        self._journal, self._keep = journal, keep
        self._looked = {one.reference: one for one in journal.looked}

    @property
    def journal(self) -> Journal:
        """The journal as it is kept."""
        return self._journal

    def looked(self, reference: str) -> Looked | None:
        """Return what was done with a question; None: nothing was."""
        return self._looked.get(reference)

    def open(self, shown: Iterable[Looked], step: int) -> None:
        """Note that cards are opened to a step.

        Args:
            shown: questions, with the records as they are shown.
            step: its place in `STEPS`, from 1.
        """
        for at in shown:
            before = self._looked.get(at.reference, at)
            if before.choice is None:
                before = _as_shown(before, at)
            counts = [n + (place == step) for place, n in enumerate(before.opened, start=1)]
            self._looked[at.reference] = before.model_copy(update={"opened": tuple(counts)})
        self._write()

    def decide(self, decided: Iterable[tuple[Looked, Verdict, Reason]], now: datetime) -> None:
        """Decide questions, all or none; a decision that was not sent gives way."""
        if self._journal.is_finished:
            raise DecisionError("you have finished this review, so you can't decide more pairs")
        made = {}
        for at, verdict, reason in decided:
            self._refuse_sent(at.reference)
            before = _as_shown(self._looked.get(at.reference, at), at)
            choice = Choice(verdict=verdict, reason=reason, at=utc_text(now))
            made[at.reference] = before.model_copy(update={"choice": choice})
        self._looked |= made
        self._write()

    def take_back(self, reference: str) -> None:
        """Take a decision back."""
        found = self._looked.get(reference)
        if found is None or found.choice is None:
            raise DecisionError("there is no decision to undo")
        self._refuse_sent(reference)
        self._looked[reference] = found.model_copy(update={"choice": None})
        self._write()

    def unsent(self) -> tuple[Looked, ...]:
        """Return the questions whose decision was not sent, in the order of their references."""
        return tuple(
            one
            for _, one in sorted(self._looked.items())
            if one.choice is not None and one.choice.batch is None
        )

    def is_sent(self, reference: str) -> bool:
        """Tell whether the decision of a question stands."""
        found, waiting = self._looked.get(reference), self._journal.waiting
        if waiting is not None and reference in _references(waiting):
            return True
        return found is not None and found.choice is not None and found.choice.batch is not None

    def settle(self, logged: Collection[SignedReviewStatement]) -> None:
        """Hold the journal to the match log: a batch that is in it has come.

        Args:
            logged: this person's statements about this review that the log has.
        """
        waiting = self._journal.waiting
        if waiting is not None and waiting.signed in logged:
            self._note_sent(waiting, waiting.signed.statement.at)
        if max((one.statement.number for one in logged), default=0) > self._journal.sent:
            raise DecisionError(
                "the match log has decisions of yours that this workspace does not know, because it was"
                " restored since",
                hint="pairs that are still undecided come again in the next round",
            )

    def send(
        self,
        post: Callable[[StatedDecisions], object],
        identity: Identity,
        now: datetime,
        *,
        is_last: bool,
    ) -> int:
        """Send what was decided and not sent, and return how many decisions that is.

        A batch is kept before it is posted, and the same bytes are posted again after a kill, so that none is
        sent twice. Without a decision nothing is posted, but for the last time.
        """
        n_sent = 0
        if self._journal.waiting is not None:
            n_sent += self._post(self._journal.waiting, post, now)
        if self._journal.is_finished or not (is_last or self.unsent()):
            return n_sent
        stated = self._stated(identity, now, is_last=is_last)
        self._write(waiting=stated)
        return n_sent + self._post(stated, post, now)

    def _post(
        self, stated: StatedDecisions, post: Callable[[StatedDecisions], object], now: datetime
    ) -> int:
        try:
            post(stated)
        except BrokerRefusedError as exc:
            if exc.problem in NOT_TAKEN:
                self._write(waiting=None)
            raise
        self._note_sent(stated, utc_text(now))
        return len(stated.decisions.decisions)

    def _note_sent(self, stated: StatedDecisions, at: str) -> None:
        statement = stated.signed.statement
        changes = {"batch": statement.number, "at": at}
        for reference in _references(stated):
            found = self._looked[reference]
            choice = found.choice and found.choice.model_copy(update=changes)
            self._looked[reference] = found.model_copy(update={"choice": choice})
        self._write(waiting=None, sent=statement.number, is_finished=statement.is_last)

    def _stated(self, identity: Identity, now: datetime, *, is_last: bool) -> StatedDecisions:
        journal = self._journal
        decisions = Decisions(
            run=journal.run,
            decisions=tuple(
                PairDecision(
                    reference=one.reference, verdict=one.choice.verdict, reason=one.choice.reason
                )
                for one in self.unsent()
                if one.choice is not None
            ),
        )
        statement = ReviewStatement.from_row(
            journal,
            about="decisions",
            party=identity.public.party,
            number=journal.sent + 1,
            sha256=decisions.digest(),
            is_last=is_last,
            at=utc_text(now),
        )
        signed = SignedReviewStatement.of(statement, identity.keys.signing_key)
        return StatedDecisions(signed=signed, decisions=decisions)

    def _refuse_sent(self, reference: str) -> None:
        if self.is_sent(reference):
            raise DecisionError(SENT)

    def _write(self, **changes: object) -> None:
        looked = tuple(self._looked[reference] for reference in sorted(self._looked))
        journal = self._journal.model_copy(update={"looked": looked, **changes})
        try:
            self._keep(journal)
        except (AgencyError, OSError) as exc:
            # What is not kept has not happened; else the next step would keep it, too.
            self._looked = {one.reference: one for one in self._journal.looked}
            if isinstance(exc, AgencyError):
                raise
            raise ReviewError(f"nothing can be kept in the workspace: {reason_of(exc)}") from exc
        self._journal = journal


class JournalFile:
    """Where the journal of a person in a review is kept; use it under the workspace's lock."""

    def __init__(
        self, path: Path, project: str, run: str, person: str, workspace_key: bytes
    ) -> None:
        self._record = SealedRecord(path, f"journal/{project}/{run}/{person}", workspace_key)

    def read(self) -> Journal | None:
        """Return the journal; None if there is none."""
        return self._record.read_as(Journal)

    def write(self, journal: Journal) -> None:
        """Keep the journal, durably."""
        self._record.write(journal.to_canonical())

    def remove(self) -> None:
        """Remove the journal; again is safe."""
        self._record.path.unlink(missing_ok=True)


def _as_shown(before: Looked, at: Looked) -> Looked:
    """Return what was done before, with the records as they are shown now."""
    return before.model_copy(update={"record": at.record, "digest": at.digest, "name": at.name})


def _references(stated: StatedDecisions) -> frozenset[str]:
    return frozenset(one.reference for one in stated.decisions.decisions)
