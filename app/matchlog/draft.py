"""What a caller hands to the log, and what it gets back once the log has given it a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, Self

from app.security.actor import Actor
from schemas.documents.document import Model
from schemas.documents.ids import BROKER
from schemas.matchlog.entry import Actor as EntryActor
from schemas.matchlog.registry import KIND_OF_BODY, Outcome

# The broker's own software: the worker, the sweeper, the log itself.
SOFTWARE: Final = EntryActor(party=BROKER, person=None, role=BROKER, signed=None)


class Described(Protocol):
    """What says of which project it is, and for which purpose: a row, or terms."""

    @property
    def project(self) -> str: ...  # noqa: D102

    @property
    def purpose(self) -> str | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """An entry without its place in the log; the kind follows from the body.

    `object` is the id of what the entry is about. `request` is the request it happened in; None draws one.
    """

    body: Model
    actor: EntryActor = SOFTWARE
    project: str | None = None
    agreement: str | None = None
    purpose: str | None = None
    object: str | None = None
    outcome: Outcome = "done"
    request: str | None = None

    @classmethod
    def about(
        cls,
        body: Model,
        row: Described,
        agreement: str | None,
        actor: Actor | None = None,
        *,
        object: str | None = None,
        outcome: Outcome = "done",
    ) -> Self:
        """Return an entry about what a row is of, under this agreement; without an actor the broker did it."""
        return cls(
            body,
            SOFTWARE if actor is None else entry_actor(actor),
            project=row.project,
            agreement=agreement,
            purpose=row.purpose,
            object=object,
            outcome=outcome,
            request=None if actor is None else actor.request_id,
        )

    @property
    def kind(self) -> str:
        """The entry's kind."""
        return KIND_OF_BODY[type(self.body)]


@dataclass(frozen=True, slots=True)
class Appended:
    """An entry that is in the log once the transaction commits; `entry` is its exact bytes.

    `size` is that of the checkpoint which covers it.
    """

    seq: int
    batch: int
    time: str
    entry: bytes
    leaf_hash: bytes
    size: int


def entry_actor(actor: Actor) -> EntryActor:
    """Return the actor of a request as the log names them."""
    return EntryActor(party=actor.party, person=actor.person, role=actor.role, signed=actor.signed)
