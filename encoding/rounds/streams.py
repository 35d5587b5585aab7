"""Where the messages between recipients stand, as the match log lists them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from encoding.ledger.messages import Listed, claims_stream, statement_stream
from encoding.ledger.values import MessagePlace, Turn
from schemas.matchlog.entry import Entry
from schemas.matchlog.round_kinds import ClaimsReceived, StatementReceived


@dataclass(frozen=True, slots=True)
class LoggedMessage:
    """A message as the log has it: by which entry, of which release, and at which place of its stream."""

    entry: Entry
    turn: Turn
    place: MessagePlace


def logged_stream(entries: Iterable[Entry], space: str, stream: str) -> list[LoggedMessage]:
    """Return the messages of a stream, in order."""
    found = []
    for entry in entries:
        body, party = entry.body, entry.actor.party
        if isinstance(body, ClaimsReceived):
            of, turn = claims_stream(party, body.partner), Turn(body.round, body.release)
        elif isinstance(body, StatementReceived) and body.space == space:
            of, turn = statement_stream(party), Turn(body.round, 1)
        else:
            continue
        if of == stream:
            found.append(LoggedMessage(entry, turn, MessagePlace(body.sequence, body.sha256)))
    return found


def find_message(
    stream: Sequence[LoggedMessage], turn: Turn, sha256: str
) -> tuple[LoggedMessage, Listed] | None:
    """Return a message of a release as the log has it, and its place in the stream; None if it is not there.

    What comes before it may be of a release that was never applied here: it need not have been read.
    """
    for number, one in enumerate(stream):
        if (one.turn, one.place.sha256) == (turn, sha256):
            return one, Listed(one.place, stream[number - 1].place if number else None)
    return None
