"""What the recipients of one link-ID set send each other of a round: the head that all such messages share.

A message is one line of canonical JSON, the head with its signature, then lines of fixed width, whose digest
the head states. Claims and chain statements are such messages. Spec page: `schemas/spec/claims.md`.
"""

from __future__ import annotations

import hashlib
import re
from binascii import unhexlify
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Annotated, ClassVar, Final, NamedTuple, Self

from pydantic import Field, model_validator

from schemas.documents.document import Document, Model
from schemas.documents.errors import DocumentError
from schemas.documents.ids import LINK_ID_BYTES, LinkId, Name, Sha256Hex, UtcTime
from schemas.signing.identity import PersonIdText

MAX_HEAD_LINE_BYTES: Final = 64 * 1024
MAX_VETOES: Final = 2**16
MAX_MAKERS: Final = 64
# Of one maker: else what one party says would fill what all others have to say.
MAX_VETOES_OF_MAKER: Final = 2**12
# Seven digits in a line.
MAX_VETO_SEQUENCE: Final = 10**7 - 1
MAX_LINES: Final = 2**22
# Seven digits in a line.
MAX_ROUND: Final = 10**6
NO_LINK: Final = "-" * (2 * LINK_ID_BYTES)
HEX_ID: Final = r"[0-9a-f]{32}"
LINK: Final = rf"{HEX_ID}|-{{32}}"

_VETO: Final = re.compile(rf"({HEX_ID}) ([0-9]{{2}}) ([0-9]{{7}}) ([ur])\n".encode())

Round = Annotated[int, Field(ge=1, le=MAX_ROUND)]
LineCount = Annotated[int, Field(ge=0, le=MAX_LINES)]
PairOfParties = tuple[Name, Name]


class AppliedTurn(Model):
    """A release by its round and its number within it, and what the ledger was rolled back by since.

    `rollback` is the digest of what all have signed (`schemas.rounds.rollback`), null where it was not.
    """

    round: Round
    release: Round
    rollback: Sha256Hex | None


class LedgerState(Model):
    """The newest release that the sender's ledger has applied of this pair, and the digest of what it gave."""

    round: Round
    release: Round
    digest: Sha256Hex


class MessageHead(Document):
    """Who says it, of which release of which round, and where it stands among the sender's messages.

    `release` counts the releases of the round, from 1; later ones are supplements. `sequence` counts the
    sender's messages of this kind to the same receivers, from 1; `previous` is the SHA-256 of the one before
    as it was carried, sealed, and null for the first. `checkpoint` is the newest one of the log that the
    sender has seen. `applied` is the newest release of the space that the sender's ledger has applied, null if
    there is none. `makers` are the parties that the lines of vetoes name by their place, from 0.
    """

    KIND: ClassVar[str] = "message of a recipient"

    project: Name
    space: Name
    round: Round
    release: Round
    sender: Name
    person: PersonIdText
    sequence: Round
    previous: Sha256Hex | None
    checkpoint: Annotated[str, Field(min_length=1, max_length=8192)]
    applied: AppliedTurn | None
    makers: Annotated[tuple[Name, ...], Field(max_length=MAX_MAKERS)]
    vetoes: Annotated[int, Field(ge=0, le=MAX_VETOES)]
    body_sha256: Sha256Hex
    created: UtcTime

    @model_validator(mode="after")
    def _the_first_message_has_none_before_it(self) -> Self:
        if (self.sequence == 1) != (self.previous is None):
            raise ValueError("the first message, and only that, has none before it")
        if list(self.makers) != sorted(set(self.makers)):
            raise ValueError("makers must be listed once each, in order")
        return self


class Veto(NamedTuple):
    """What a party says of a link ID: retired by its `unlink`, or lifted again; the highest sequence counts."""

    link: LinkId
    maker: str
    sequence: int
    is_standing: bool


def split_message(raw: bytes, kind: str) -> tuple[bytes, bytes]:
    """Return the head line of a message and its body."""
    line, separator, body = raw.partition(b"\n")
    if not separator or len(line) > MAX_HEAD_LINE_BYTES:
        raise DocumentError(f"{kind}: the head line is missing or too long")
    if not body.isascii():
        raise DocumentError(f"{kind}: a line is malformed")
    return line, body


def body_digest(body: bytes) -> str:
    """Return the SHA-256 of the lines that follow the head, as the head states it."""
    return hashlib.sha256(body).hexdigest()


def read_lines(
    body: bytes, at: int, n_lines: int, pattern: re.Pattern[bytes], kind: str
) -> tuple[list[tuple[bytes, ...]], int]:
    """Return the fields of the next `n_lines` lines, all of one pattern, and where they end."""
    found = []
    for _ in range(n_lines):
        match = pattern.match(body, at)
        if match is None:
            raise DocumentError(f"{kind}: a line is missing or malformed")
        found.append(match.groups())
        at = match.end()
    return found, at


def veto_lines(vetoes: Iterable[Veto], makers: Sequence[str]) -> str:
    """Return the lines of vetoes, which name their makers by their places in the head."""
    places = {maker: place for place, maker in enumerate(makers)}
    return "".join(
        f"{veto.link.hex()} {places[veto.maker]:02} {veto.sequence:07} {'ur'[not veto.is_standing]}\n"
        for veto in vetoes
    )


def read_vetoes(body: bytes, at: int, head: MessageHead) -> tuple[tuple[Veto, ...], int]:
    """Return the vetoes whose lines begin here, and where they end."""
    kind = head.KIND
    lines, at = read_lines(body, at, head.vetoes, _VETO, kind)
    if any(int(maker) >= len(head.makers) for _, maker, _, _ in lines):
        raise DocumentError(f"{kind}: a veto is of a party that the head does not name")
    vetoes = tuple(
        Veto(LinkId(unhexlify(link)), head.makers[int(maker)], int(sequence), state == b"u")
        for link, maker, sequence, state in lines
    )
    if any(veto.sequence < 1 for veto in vetoes):
        raise DocumentError(f"{kind}: a veto has no sequence number")
    if any(n > MAX_VETOES_OF_MAKER for n in Counter(veto.maker for veto in vetoes).values()):
        raise DocumentError(f"{kind}: there are too many vetoes of one party")
    refuse_disorder([veto[:2] for veto in vetoes], kind)
    return vetoes, at


def makers_of(vetoes: Iterable[Veto]) -> tuple[str, ...]:
    """Return the makers of vetoes, as the head of a message lists them."""
    return tuple(sorted({veto.maker for veto in vetoes}))


def refuse_disorder(keys: Sequence[object], kind: str) -> None:
    """Refuse lines whose keys do not increase."""
    if any(one >= another for one, another in pairwise(keys)):  # type: ignore[operator]
        raise DocumentError(f"{kind}: lines are not in increasing order, once each")


def link_or_none(text: bytes) -> LinkId | None:
    """Return the link ID of a line; None where it has dashes."""
    return None if text[:1] == b"-" else LinkId(unhexlify(text))


def link_text(link: LinkId | None) -> str:
    """Return a link ID as a line has it; dashes for None."""
    return NO_LINK if link is None else link.hex()
