"""One person's sitting over a review: the pairs that they may decide, with what was done with each so far."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from encoding.review.cards import ReviewOf
from encoding.review.disclosure import ALL, CLOSED, Compared, compare
from encoding.review.journal import Diary, Looked
from encoding.review.records import FileRecord
from encoding.review.verdicts import Decided, PairName, Verdicts
from schemas.documents.ids import Handle
from schemas.rounds.review import Card, Question, Reason, Verdict
from schemas.shared.amounts import counted


@dataclass(frozen=True, slots=True)
class Case:
    """A pair in question: the own record, the other one's card, and what was decided of the two before.

    `number` counts the review's pairs, from 1. `is_again`: this person was unsure of it, and neither record has
    changed.
    """

    number: int
    question: Question = field(repr=False)
    record: str = field(repr=False)
    own: FileRecord = field(repr=False)
    card: Card = field(repr=False)
    earlier: tuple[Decided, ...] = field(repr=False)
    is_again: bool

    @property
    def reference(self) -> str:
        """The name of the question."""
        return self.question.reference.hex()

    @property
    def has_left(self) -> bool:
        """Whether the other agency's file has the record no more."""
        return not any(one.value for one in self.card.fields)

    def compared(self, step: int) -> tuple[Compared, ...]:
        """Return each value that the card shows beside the own one, at a step."""
        return tuple(
            compare(one.name, self.own.values.get(one.name), one.value, step)
            for one in self.card.fields
        )

    def only_own(self) -> tuple[tuple[str, str], ...]:
        """Return what the own record has beside that."""
        shown = {one.name for one in self.card.fields}
        return tuple(
            (name, value) for name, value in self.own.values.items() if value and name not in shown
        )

    def looked(self) -> Looked:
        """Return the question as a journal has it at first."""
        return Looked(
            reference=self.reference,
            record=self.record,
            digest=self.own.digest,
            name=self.card.record,
        )


class Sent(NamedTuple):
    """How many decisions were sent, and whether the review is over by that."""

    number: int
    is_over: bool

    def __str__(self) -> str:
        over = "; the review is over" if self.is_over else ""
        were = "was" if self.number == 1 else "were"
        return f"{counted(self.number, 'decision')} {were} sent{over}"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a sitting is: pairs that can be decided here, and of these, what was done with them.

    `missing` pairs cannot be: the own record has left the file, or the card is not to be trusted. `again` are
    hidden ones.
    """

    pairs: int
    decided: int
    unsent: int
    missing: int
    again: int

    @property
    def left(self) -> int:
        """How many are not decided."""
        return self.pairs - self.decided


@dataclass(frozen=True, slots=True)
class Sitting:
    """What a person may decide of a review.

    `cases` are the pairs that are shown, in the order of their numbers; `again` counts those that are hidden,
    since this person was unsure of them and nothing has changed. `persons` must agree. `deadline` is UtcTime.
    """

    review: ReviewOf
    deadline: str
    persons: int
    cases: tuple[Case, ...] = field(repr=False)
    again: int
    missing: int
    diary: Diary = field(repr=False)

    def standing(self) -> Standing:
        """Return how far it is."""
        decided = [one for case in self.cases if (one := self.looked(case)).choice is not None]
        return Standing(
            pairs=len(self.cases),
            decided=len(decided),
            unsent=len(self.diary.unsent()),
            missing=self.missing,
            again=self.again,
        )

    def looked(self, case: Case) -> Looked:
        """Return what was done with a pair."""
        return self.diary.looked(case.reference) or case.looked()

    def open(self, case: Case) -> int:
        """Open the card of a pair one step more, and return how far it is open."""
        step = min(self.looked(case).step + 1, ALL)
        self.diary.open([case.looked()], step)
        return step

    def open_all(self) -> None:
        """Open all cards to the last step, as anyone who exports them does."""
        self.diary.open([case.looked() for case in self.cases], ALL)

    def decide(self, case: Case, verdict: Verdict, reason: Reason, now: datetime) -> None:
        """Decide a pair."""
        self.diary.decide([(case.looked(), verdict, reason)], now)


def open_cases(
    questions: Sequence[Question],
    record_of: Mapping[Handle, str],
    own: Mapping[str, FileRecord],
    cards: Mapping[bytes, Card],
    *,
    verdicts: Verdicts,
    person: str,
) -> tuple[Case, ...]:
    """Return the pairs of which both sides are here, in the order of the questions.

    Args:
        record_of: the own record key of each handle.
        own: of these records, those that the file has.
        cards: those that can be trusted, by reference.
        verdicts: what was decided before.
        person: who decides.
    """
    found = []
    for number, question in enumerate(questions, start=1):
        key = record_of[question.handle]
        record, card = own.get(key), cards.get(question.reference)
        if record is None or card is None:
            continue
        earlier = verdicts.of(PairName(key, record.digest, card.record))
        earlier = tuple(one for one in earlier if one.round != card.round)
        by_person = [one.choice.verdict for one in earlier if one.person == person]
        is_again = by_person[-1:] == ["unsure"]
        found.append(Case(number, question, key, record, card, earlier, is_again))
    return tuple(found)


def shown_cases(
    cases: Sequence[Case], decided: Collection[str], *, again: bool
) -> tuple[Case, ...]:
    """Return the pairs that are shown: without those that the person was unsure of, unless asked for.

    Args:
        decided: references of pairs that the person has decided in this review.
    """
    return tuple(case for case in cases if again or not case.is_again or case.reference in decided)


def step_words(step: int, other: str) -> str:
    """Return in words how far a card is open."""
    if step == CLOSED:
        return f"the card of {other} is closed"
    words = ("initials are shown", "what differs is shown", "everything is shown")
    return f"the card of {other}: {words[step - 1]}"
