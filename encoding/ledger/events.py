"""What happens to a ledger, as events in their order: the ledger is what they add up to.

So what held at the end of any round can be told again, to the byte. An event is one line, see `event_line`.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, get_args

from encoding.ledger.errors import LedgerFileError
from encoding.ledger.values import Turn
from schemas.documents.ids import LINK_ID_BYTES

Kind = Literal[
    "made",
    "held",
    "ended",
    "mark",
    "unmark",
    "veto",
    "lift",
    "noted",
    "applied",
    "digest",
    "rolled-back",
]

_NUMBER: Final = "(0|[1-9][0-9]{0,15})"
_LINE: Final = re.compile(
    (
        rf"({'|'.join(get_args(Kind))}) {_NUMBER} {_NUMBER} {_NUMBER} ([0-9a-f]*) ([0-9a-f]*) ([a-z-]*)\n"
    ).encode()
)
# Of the lines that are whole: most are of other events, and are passed over without being read.
_MADE: Final = re.compile(rb"^made ([0-9]+) [0-9]+ 0 ([0-9a-f]+)  \n", re.M)
# How long `raw` is: a link ID, a digest, or nothing.
_RAW_BYTES: Final = {"applied": 0, "digest": 32, "rolled-back": 32}


class Event(NamedTuple):
    """One thing that happened at a turn; what a field means depends on the kind.

    kind              `raw`       `number`            `text`
    made              link ID     0                   empty: a record gets it now, and nobody had it before
    held              link ID     since which round   record: it has the link ID now
    ended             link ID     since which round   record: it has it no more
    mark, unmark      link ID     since which round   record: it bore the link ID that is retired now; no more
    veto, lift        link ID     sequence number     maker
    noted             link ID     sequence number     who made this veto or lift, when, why: an `UnlinkNote`
    applied           empty       0                   empty: the release of this turn is applied
    digest            digest      0                   the two parties of the pair, with a space between
    rolled-back       digest      to which round      its release, a space, and what all have signed

    `why` says of `held` and `ended` what made it so, in the words of `encoding.ledger.additions.Why`.
    """

    kind: Kind
    turn: Turn
    raw: bytes = b""
    number: int = 0
    text: str = ""
    why: str = ""

    def __repr__(self) -> str:
        return f"Event({self.kind}, {self.turn.round}.{self.turn.release})"


def event_line(event: Event) -> str:
    """Return an event as a line: kind, round, release, number, `raw`, UTF-8 of `text` as hexadecimal, `why`."""
    text = event.text.encode("utf-8", "surrogatepass").hex()
    turn = f"{event.turn.round} {event.turn.release}"
    return f"{event.kind} {turn} {event.number} {event.raw.hex()} {text} {event.why}\n"


def parse_events(lines: bytes) -> Iterator[Event]:
    """Yield the events of lines."""
    at, turn = 0, Turn(0, 0)
    while at < len(lines):
        match = _LINE.match(lines, at)
        if match is None:
            raise LedgerFileError("the ledger has a line that is not an event")
        kind, round_, release, number, raw, text, why = match.groups()
        kind, why = kind.decode("ascii"), why.decode("ascii")
        if len(raw) != 2 * _RAW_BYTES.get(kind, LINK_ID_BYTES) or len(text) % 2:
            raise LedgerFileError("the ledger has a line that is not an event")
        # Most events of a release follow one another.
        if turn != (int(round_), int(release)):
            turn = Turn(int(round_), int(release))
        try:
            said = unhexlify(text).decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise LedgerFileError("the ledger has a line that is not an event") from None
        yield Event(kind, turn, unhexlify(raw), int(number), said, why)  # type: ignore[arg-type]
        at = match.end()


def made_rounds(lines: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield each link ID that was made for a record, and the round, of lines that are all events."""
    for match in _MADE.finditer(lines):
        yield unhexlify(match[2]), int(match[1])
