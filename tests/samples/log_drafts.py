"""What tests append to a stored log: short entries, or the sample story entry by entry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from samples.log import SampleLog

from app.matchlog.draft import EntryDraft
from schemas.matchlog.entry import Entry
from schemas.matchlog.person_kinds import PartyEnrolled
from schemas.signing.note import NoteSigner

ORIGIN = "broker.example/log"
SIGNER = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
NEXT_SIGNER = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))


@dataclass
class MovedClock:
    """A clock that stands still until the test moves it."""

    moment: datetime = field(default_factory=lambda: datetime(2026, 9, 1, 6, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.moment

    def move(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def enrolment(number: int) -> EntryDraft:
    """A short entry that belongs to no project."""
    return EntryDraft(PartyEnrolled(party=f"party-{number}", role="agency", fingerprint=None))


def draft_of(entry: Entry) -> EntryDraft:
    """The draft that would give this entry at the same place."""
    return EntryDraft(
        entry.body,
        actor=entry.actor,
        project=entry.project,
        agreement=entry.agreement,
        purpose=entry.purpose,
        object=entry.object,
        outcome=entry.outcome,
        request=entry.request,
    )


def batches_of(story: SampleLog) -> Iterator[tuple[datetime, list[EntryDraft]]]:
    """The batches of a story after its start, with their times; without hand-overs of its own keys."""
    told = (entry for entry in story.entries[1:] if entry.kind != "log-key-rotated")
    for _, batch in groupby(told, key=lambda entry: entry.batch):
        entries = list(batch)
        yield datetime.fromisoformat(entries[0].time), [draft_of(entry) for entry in entries]
