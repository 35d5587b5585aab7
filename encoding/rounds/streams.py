"""Where the messages between recipients stand, as the match log lists them."""

from __future__ import annotations

from collections.abc import Iterable

from encoding.ledger.book import MessagePlace
from encoding.ledger.messages import claims_stream, statement_stream
from schemas.matchlog.entry import Entry
from schemas.matchlog.round_kinds import ClaimsReceived, StatementReceived


def logged_streams(entries: Iterable[Entry], space: str) -> dict[str, MessagePlace]:
    """Return the newest message of each stream, by its name.

    Args:
        entries: those of one project, in the order of the log.
        space: the ID space whose statements are meant.
    """
    places: dict[str, MessagePlace] = {}
    for entry in entries:
        body, party = entry.body, entry.actor.party
        if isinstance(body, ClaimsReceived):
            stream = claims_stream(party, body.partner)
        elif isinstance(body, StatementReceived) and body.space == space:
            stream = statement_stream(party)
        else:
            continue
        places[stream] = MessagePlace(body.sequence, body.sha256)
    return places
