"""Messages between recipients: signed, sealed to persons, in an order that shows what was withheld.

The broker carries bytes. Its log lists them by the SHA-256 of what it carried, and the closing of a round
lists those that count. Spec page: `schemas/spec/claims.md`.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from encoding.errors import SealedFileError
from encoding.ledger.book import Ledger, MessagePlace
from encoding.ledger.errors import (
    MessageReplayedError,
    MessageUntrustedError,
    MessageWithheldError,
)
from encoding.people.identity import Identity
from encoding.people.sealed_file import Address, open_pieces, read_sealed_header, seal_pieces
from schemas.chain_statement import ChainStatement, parse_statement, serialise_statement
from schemas.claims import Claims, parse_claims, serialise_claims
from schemas.errors import FormatError
from schemas.identity import PublicIdentity
from schemas.shared.amounts import counted
from schemas.space_message import MessageHead


class _Message(Protocol):
    @property
    def head(self) -> MessageHead: ...

    def verify(self, sender: PublicIdentity) -> None: ...


M = TypeVar("M", bound=_Message)


@dataclass(frozen=True, slots=True)
class Received(Generic[M]):
    """A message that was opened and whose signature was checked, and the SHA-256 of it as it was carried."""

    message: M
    sha256: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """A message as it is carried; `stream` says after which others of this agency it comes."""

    stream: str
    sequence: int
    raw: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """The SHA-256 by which the log lists the message."""
        return hashlib.sha256(self.raw).hexdigest()


def seal_claims(claims: Claims, receivers: Iterable[PublicIdentity]) -> Sealed:
    """Seal claims to persons of the pair's other party."""
    head = claims.head
    other = head.pair[1] if head.sender == head.pair[0] else head.pair[0]
    return _seal(serialise_claims(claims), head, other, receivers)


def seal_statement(statement: ChainStatement, receivers: Iterable[PublicIdentity]) -> Sealed:
    """Seal a statement once, to persons of all other recipients, so that none can be told another one."""
    head = statement.head
    return _seal(serialise_statement(statement), head, head.space, receivers)


def open_claims(
    raw: bytes, receiver: Identity, senders: Mapping[str, PublicIdentity]
) -> Received[Claims]:
    """Open claims and check their signature.

    Args:
        senders: persons who may sign them, by id, whose keys were compared or are on the roster.
    Raises:
        MessageUntrustedError: they do not open, break their format, or are not signed by one of the senders.
    """
    return _open(raw, receiver, senders, parse_claims)


def open_statement(
    raw: bytes, receiver: Identity, senders: Mapping[str, PublicIdentity]
) -> Received[ChainStatement]:
    """Open a chain statement and check its signature; as `open_claims`."""
    return _open(raw, receiver, senders, parse_statement)


def claims_stream(sender: str, other: str) -> str:
    """Return the name of the stream of claims from one party to another."""
    return f"{sender} {other}"


def statement_stream(sender: str) -> str:
    """Return the name of the stream of a party's statements."""
    return f"{sender} *"


def stream_of(head: MessageHead) -> str:
    """Return the name of the stream that a message is of."""
    pair = getattr(head, "pair", None)
    if pair is None:
        return statement_stream(head.sender)
    return claims_stream(head.sender, pair[1] if head.sender == pair[0] else pair[0])


def note_sent(ledger: Ledger, sealed: Sealed) -> None:
    """Remember an own message as the newest of its stream; keep it, and the ledger, before it is posted."""
    ledger.places[sealed.stream] = MessagePlace(sealed.sequence, sealed.sha256)


def note_received(ledger: Ledger, received: Received[M]) -> None:
    """Remember a message of another party as the newest that was read of its stream.

    Reading the newest one again changes nothing.

    Raises:
        MessageReplayedError: it, or a later one, was read before, or it is another one of the same number.
        MessageWithheldError: one before it has not come.
    """
    head = received.message.head
    stream = stream_of(head)
    seen = ledger.places.get(stream)
    place = MessagePlace(head.sequence, received.sha256)
    if seen == place:
        return
    if seen is not None and head.sequence <= seen.sequence:
        raise MessageReplayedError(
            f"{head.sender}'s message number {head.sequence} was read before, or has changed"
        )
    expected = (1, None) if seen is None else (seen.sequence + 1, seen.sha256)
    if (head.sequence, head.previous) != expected:
        raise MessageWithheldError(
            f"a message of {head.sender} before number {head.sequence} has not come",
            hint="the log lists it: repeat the command, or ask the operator why it is missing",
            n_concerned=head.sequence - expected[0],
        )
    ledger.places[stream] = place


def resume_streams(ledger: Ledger, logged: Mapping[str, MessagePlace]) -> None:
    """Take up streams where the pinned log says that they are, after a workspace was lost or restored.

    Args:
        logged: the newest message of each stream before those that are read next.
    """
    for stream, place in logged.items():
        seen = ledger.places.get(stream)
        if seen is None or seen.sequence < place.sequence:
            ledger.places[stream] = place


def closed_messages(
    listed: Mapping[str, str], needed: Iterable[str], here: Mapping[str, M]
) -> tuple[M, ...] | None:
    """Return the messages that count, in the order of `needed`; None if the round was closed without one.

    Args:
        listed: SHA-256 of the messages that `round-closed` lists, by stream.
        needed: the streams without which the release is not applied.
        here: the messages that came, the own ones too, by SHA-256.
    Raises:
        MessageWithheldError: the closing lists a message that has not come.
    """
    needed = tuple(needed)
    if any(stream not in listed for stream in needed):
        return None
    n_missing = sum(listed[stream] not in here for stream in needed)
    if n_missing:
        raise MessageWithheldError(
            f"{counted(n_missing, 'message')} that the closing of the round lists did not come",
            hint="repeat the command, or ask the operator why they are missing",
            n_concerned=n_missing,
        )
    return tuple(here[listed[stream]] for stream in needed)


def _seal(
    content: bytes, head: MessageHead, recipient: str, receivers: Iterable[PublicIdentity]
) -> Sealed:
    address = Address(head.sender, recipient, tuple(receivers), head.created)
    raw = b"".join(seal_pieces([content], address))
    return Sealed(stream_of(head), head.sequence, raw)


def _open(
    raw: bytes,
    receiver: Identity,
    senders: Mapping[str, PublicIdentity],
    parse: Callable[[bytes], M],
) -> Received[M]:
    try:
        header, _ = read_sealed_header(io.BytesIO(raw))
        message = parse(b"".join(open_pieces(io.BytesIO(raw), receiver)))
        sender = senders.get(message.head.person)
        if sender is None or header.sender != message.head.sender:
            raise MessageUntrustedError("a message is not from a person whose keys are known here")
        message.verify(sender)
    except (SealedFileError, FormatError) as exc:
        raise MessageUntrustedError(f"a message cannot be read: {exc}") from None
    return Received(message, hashlib.sha256(raw).hexdigest())
