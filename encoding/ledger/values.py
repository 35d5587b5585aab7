"""The small values that the rules of the ledger are written in."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from schemas.documents.ids import LinkId
from schemas.rounds.chain_statement import StatedMatch

Pair: TypeAlias = tuple[str, str]
"""The parties of a pair, in alphabetical order."""

Reason: TypeAlias = Literal["pending", "vetoed", "cut", "not-stated"]
"""Why a match gave nothing: claims are missing; a party vetoes it; it would join two records of one agency; the
other party does not state it."""


class Turn(NamedTuple):
    """A release by its round and its number within it, from 1: the order in which releases are applied.

    Number 0 stands for what an agency did itself before the first release of the round.
    """

    round: int
    release: int


class MessagePlace(NamedTuple):
    """The number of a message in its stream, and the SHA-256 of it as it was carried."""

    sequence: int
    sha256: str


class Held(NamedTuple):
    """The link ID of a record, and the round in which this record got it."""

    link: LinkId
    since: int


class Grant(NamedTuple):
    """A link ID that a release of the newest round gave, and the parties that know of it.

    A supplementary release is of one pair, and the space's other recipients hear nothing of it.
    """

    link: LinkId
    known_to: tuple[str, ...]


class Standing(NamedTuple):
    """A veto that stands: the link ID is retired, and the maker's record that bore it stays apart."""

    link: LinkId
    maker: str


class Member(NamedTuple):
    """One record of one recipient, as this party states it; link None with since 0: it had none.

    `matches` increase, and none is of a record of the same party. `marks` are the retired link IDs it bore.
    """

    party: str
    link: LinkId | None
    since: int
    matches: tuple[StatedMatch, ...]
    marks: tuple[LinkId, ...] = ()
