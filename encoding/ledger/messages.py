"""Messages between recipients: signed, sealed to persons, in an order that shows what was withheld.

The broker carries bytes. Its log lists them by the SHA-256 of what it carried, and the closing of a round
lists those that count. Where each stands in its stream is what the pinned log says, and a message names the
one before it: anyone who has not read that one goes on all the same. Spec page: `schemas/spec/claims.md`.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from encoding.errors import SealedFileError
from encoding.ledger.claims import place_after
from encoding.ledger.errors import MessageUnreadableError, MessageWithheldError
from encoding.ledger.values import MessagePlace
from encoding.people.identity import Identity
from encoding.people.sealed_file import Address, open_whole, read_sealed_header, seal_pieces
from schemas.documents.errors import FormatError
from schemas.rounds.chain_statement import ChainStatement, parse_statement, serialise_statement
from schemas.rounds.claims import Claims, parse_claims, serialise_claims
from schemas.rounds.space_message import MessageHead
from schemas.shared.amounts import counted
from schemas.signing.identity import PublicIdentity


class _Message(Protocol):
    @property
    def head(self) -> MessageHead: ...

    def verify(self, sender: PublicIdentity) -> None: ...


M = TypeVar("M", bound=_Message)


@dataclass(frozen=True, slots=True)
class Listed:
    """What the log says of a message: its place in its stream, and that of the message before it."""

    place: MessagePlace
    before: MessagePlace | None


def seal_claims(claims: Claims, receivers: Iterable[PublicIdentity]) -> bytes:
    """Seal claims to persons of the pair's other party."""
    head = claims.head
    other = head.pair[1] if head.sender == head.pair[0] else head.pair[0]
    return _seal(serialise_claims(claims), head, other, receivers)


def seal_statement(statement: ChainStatement, receivers: Iterable[PublicIdentity]) -> bytes:
    """Seal a statement once, to persons of all other recipients, so that none can be told another one."""
    head = statement.head
    return _seal(serialise_statement(statement), head, head.space, receivers)


def open_claims(
    raw: bytes, keys: Iterable[Identity], senders: Mapping[str, PublicIdentity], listed: Listed
) -> Claims:
    """Open claims, check their signature, and hold them to what the log says of them.

    Args:
        raw: what the broker has handed out.
        keys: the own ones, of which the first ones that open them count.
        senders: persons who could sign them when the log took them, by id, with the keys that they had.
        listed: what the log says.
    """
    return _open(raw, keys, senders, listed, parse_claims)


def open_statement(
    raw: bytes, keys: Iterable[Identity], senders: Mapping[str, PublicIdentity], listed: Listed
) -> ChainStatement:
    """Open a chain statement, check its signature, and hold it to the log; as `open_claims`."""
    return _open(raw, keys, senders, listed, parse_statement)


def claims_stream(sender: str, other: str) -> str:
    """Return the name of the stream of claims from one party to another."""
    return f"{sender} {other}"


def statement_stream(sender: str) -> str:
    """Return the name of the stream of a party's statements."""
    return f"{sender} *"


def closed_messages(
    listed: Mapping[str, str], needed: Iterable[str], here: Mapping[str, M]
) -> tuple[M, ...] | None:
    """Return the messages that count, in the order of `needed`; None if the round was closed without one.

    Args:
        listed: SHA-256 of the messages that `round-closed` lists, by stream.
        needed: the streams without which the release is not applied.
        here: the messages that came, the own ones too, by SHA-256.
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
) -> bytes:
    address = Address(head.sender, recipient, tuple(receivers), head.created)
    return b"".join(seal_pieces([content], address))


def _open(
    raw: bytes,
    keys: Iterable[Identity],
    senders: Mapping[str, PublicIdentity],
    listed: Listed,
    parse: Callable[[bytes], M],
) -> M:
    # First, so that nothing but what the sender has sent is ever called unreadable.
    if hashlib.sha256(raw).hexdigest() != listed.place.sha256:
        raise MessageWithheldError(
            "the broker hands out another message than the match log lists",
            hint="repeat the command, or ask the operator where the message is",
            n_concerned=1,
        )
    try:
        header, _ = read_sealed_header(io.BytesIO(raw))
        message = parse(open_whole(raw, keys))
        sender = senders.get(message.head.person)
        if sender is None or header.sender != message.head.sender:
            raise MessageUnreadableError(
                "a message is not from a person who could sign it, as far as is known here"
            )
        message.verify(sender)
    except (SealedFileError, FormatError) as exc:
        raise MessageUnreadableError(f"a message cannot be read: {exc}") from None
    _refuse_other_place(message.head, listed)
    return message


def _refuse_other_place(head: MessageHead, listed: Listed) -> None:
    """Refuse a message that its sender has sent after another one than the log has before it."""
    expected, previous = place_after(listed.before)
    if (head.sequence, head.previous) != (expected, previous):
        raise MessageWithheldError(
            f"{head.sender} names another message before its number {head.sequence} than the match log lists",
            hint="call the other agency and the operator: one of the two was shown another log",
            n_concerned=1,
        )
