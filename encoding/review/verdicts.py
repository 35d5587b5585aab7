"""What reviewers decided of pairs with one partner, remembered for the rounds that follow.

A pair is known by the key and the digest of the own record and by the name on the card, so that a decision
counts no more once either record has changed. What was rejected keeps the pair apart in the next encoding; what
a person was unsure of is not shown to them again; all of it is shown beside a pair that comes once more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field

from encoding.packing.memory import Rejections
from encoding.review.journal import Choice, DigestHex, Journal
from encoding.workspace.sealed_record import SealedRecord
from schemas.documents.document import Document, Model
from schemas.documents.ids import Name
from schemas.linkage.run import RoundNumber
from schemas.rounds.review import RecordNameHex, Verdict
from schemas.signing.identity import PersonIdText


class PairName(NamedTuple):
    """A pair as both records were: own record key and digest, and the other one's name."""

    record: str
    digest: str
    name: str


class Decided(Model):
    """What a person decided of a pair in a round; a batch of null: it was never sent."""

    round: RoundNumber
    record: DigestHex
    digest: DigestHex
    name: RecordNameHex
    person: PersonIdText
    choice: Choice

    @property
    def pair(self) -> PairName:
        """Of which pair."""
        return PairName(self.record, self.digest, self.name)


class Verdicts(Document):
    """All that is remembered of one partner, in order: by round, own record, and person."""

    KIND: ClassVar[str] = "verdicts"

    version: Literal["blindlink/verdicts/1"] = "blindlink/verdicts/1"
    partner: Name
    decided: Annotated[tuple[Decided, ...], Field(repr=False)] = ()

    def with_journals(self, journals: Iterable[Journal]) -> Verdicts:
        """Return what is remembered with what these journals hold; the same journals again change nothing.

        Of each own record only what was decided of its newest state is kept. What was never sent counts as the
        journal has it: it may have been taken back.
        """
        held = {(one.round, one.person): one for one in journals}
        found = {
            (one.round, one.record, one.person): one
            for one in self.decided
            if one.choice.batch is not None or (one.round, one.person) not in held
        }
        for one in _decided_in(held.values()):
            found[one.round, one.record, one.person] = one
        newest: dict[str, tuple[int, str]] = {}
        for one in found.values():
            newest[one.record] = max(newest.get(one.record, (0, "")), (one.round, one.digest))
        kept = (
            found[key] for key in sorted(found) if found[key].digest == newest[found[key].record][1]
        )
        return self.model_copy(update={"decided": tuple(kept)})

    def of(self, pair: PairName) -> tuple[Decided, ...]:
        """Return what was decided of a pair before, oldest first."""
        return tuple(one for one in self.decided if one.pair == pair)

    def rejections(self, persons: int) -> dict[str, Rejections]:
        """Return, by record key, what was rejected, for the next encoding.

        Args:
            persons: how many must agree.
        """
        names: dict[tuple[str, str], list[str]] = {}
        for pair, choices in _by_question(self.decided):
            if settled(choices, persons) == "reject":
                names.setdefault((pair.record, pair.digest), []).append(pair.name)
        return {
            record: Rejections(digest, tuple(dict.fromkeys(reversed(found)))[::-1])
            for (record, digest), found in names.items()
        }


class VerdictsFile:
    """Where it is kept what reviewers decided of pairs with a partner; use it under the workspace's lock."""

    def __init__(self, path: Path, project: str, partner: str, workspace_key: bytes) -> None:
        self._partner = partner
        self._record = SealedRecord(path, f"verdicts/{project}/{partner}", workspace_key)

    def read(self) -> Verdicts:
        """Return what is remembered."""
        return self._record.read_as(Verdicts) or Verdicts(partner=self._partner)

    def write(self, verdicts: Verdicts) -> None:
        """Remember it, durably."""
        self._record.write(verdicts.to_canonical())


def settled(choices: Iterable[Choice], persons: int) -> Verdict | None:
    """Return what was settled of a question by what each person has decided; None: nothing was.

    The first accept or reject that was sent settles it; or, where two must agree, the first that two have sent.
    """
    sent = sorted(
        (one.at, one.verdict)
        for one in choices
        if one.batch is not None and one.verdict != "unsure"
    )
    shared = Counter[Verdict]()
    for _, verdict in sent:
        shared[verdict] += 1
        if shared[verdict] == persons:
            return verdict
    return None


def _decided_in(journals: Iterable[Journal]) -> Iterator[Decided]:
    for journal in journals:
        for looked in journal.looked:
            if looked.choice is not None:
                yield Decided(
                    round=journal.round,
                    record=looked.record,
                    digest=looked.digest,
                    name=looked.name,
                    person=journal.person,
                    choice=looked.choice,
                )


def _by_question(decided: Iterable[Decided]) -> Iterator[tuple[PairName, list[Choice]]]:
    """Yield each question with what persons decided of it, oldest round first."""
    found: dict[tuple[int, PairName], list[Choice]] = {}
    for one in decided:
        found.setdefault((one.round, one.pair), []).append(one.choice)
    for (_, pair), choices in sorted(found.items(), key=lambda item: item[0]):
        yield pair, choices
