"""What this agency says of a release: claims for the other recipient of a pair, a statement for all of them.

Both are made of the release, the ledger and the container, and are then sealed (`encoding.ledger.messages`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, overload

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from encoding.ledger.book import Ledger
from encoding.ledger.claim_checks import CheckedPair
from encoding.ledger.errors import ReleasedRowsError, ReplayedMatchError
from encoding.ledger.inputs import applied_turn
from encoding.ledger.values import Member, MessagePlace, Pair, Turn
from schemas.documents.ids import MATCH_ID_BYTES, MatchId
from schemas.rounds.chain_statement import ChainStatement, StatedMatch, StatedRecord, sign_statement
from schemas.rounds.claims import Claim, Claims, Mark, Transcript, met_mac, sign_claims
from schemas.rounds.space_message import LedgerState

_ROW_BYTES: Final = 8
PACKED_BYTES: Final = MATCH_ID_BYTES + 16 + _ROW_BYTES

TokenOf = Callable[[int], bytes | None]
"""Gives the token of a row of the agency's own container, by its number; None if the container is gone."""


class ReleasedMatch(NamedTuple):
    """What a release says of one record: its match, and the row of the own container in which the two met.

    `row` is None where the release names none, as under `blind`.
    """

    record: str
    match: MatchId
    row: int | None = None


@dataclass(frozen=True, slots=True)
class PackedMatches(Sequence[ReleasedMatch]):
    """Released matches in few bytes each, in the order of their IDs, which is that of claims.

    `packed` has for each its ID, the record key of 16 bytes, and the row, big-endian; end to end.
    """

    packed: bytes = field(repr=False)

    def __len__(self) -> int:
        return len(self.packed) // PACKED_BYTES

    @overload
    def __getitem__(self, place: int) -> ReleasedMatch: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[ReleasedMatch, ...]: ...

    def __getitem__(self, place: int | slice) -> ReleasedMatch | tuple[ReleasedMatch, ...]:
        places = range(0, len(self.packed), PACKED_BYTES)[place]
        return self._at(places) if isinstance(places, int) else tuple(map(self._at, places))

    def __iter__(self) -> Iterator[ReleasedMatch]:
        return map(self._at, range(0, len(self.packed), PACKED_BYTES))

    def _at(self, at: int) -> ReleasedMatch:
        packed = self.packed
        record = packed[at + MATCH_ID_BYTES : at + PACKED_BYTES - _ROW_BYTES].hex()
        row = int.from_bytes(packed[at + PACKED_BYTES - _ROW_BYTES : at + PACKED_BYTES])
        return ReleasedMatch(record, MatchId(packed[at : at + MATCH_ID_BYTES]), row)


@dataclass(frozen=True, slots=True)
class PairRelease:
    """One release of one pair, with record IDs (or pseudonyms) in the place of handles.

    `vetoed` are matches that this agency knows to be rejected, as by clerical review.
    """

    turn: Turn
    pair: Pair
    matches: Sequence[ReleasedMatch] = field(repr=False)
    vetoed: frozenset[MatchId] = field(default=frozenset(), repr=False)

    def other(self, party: str) -> str:
        """Return the other party of the pair."""
        return self.pair[1] if self.pair[0] == party else self.pair[0]

    def records(self) -> dict[StatedMatch, str]:
        """Return the record of each match."""
        return {StatedMatch(m.match, self.pair): m.record for m in self.matches}


@dataclass(frozen=True, slots=True)
class Proof:
    """What proves matches: the round key of the pair, the rows of the own container, both containers' roots."""

    pair_key: bytes = field(repr=False)
    token_of: TokenOf = field(repr=False)
    transcript: Transcript


@dataclass(frozen=True, slots=True)
class Posting:
    """Who sends a message, and after which one of its stream by the log; `before` is None for the first.

    `checkpoint` is the newest one of the log that this agency has seen, `created` is UtcTime.
    """

    person: str
    key: Ed25519PrivateKey = field(repr=False)
    checkpoint: str
    created: str
    before: MessagePlace | None = None


def refuse_bad_release(ledger: Ledger, release: PairRelease) -> None:
    """Refuse a release that cannot be stored, before anything is said of it."""
    ledger.refuse_out_of_turn(release.turn)
    for which in ("record", "match"):
        named = [getattr(released, which) for released in release.matches]
        if len(set(named)) != len(named):
            raise ReleasedRowsError(f"the release names a {which} twice")
    n_replayed = len(ledger.known_matches(released.match for released in release.matches))
    if n_replayed:
        raise ReplayedMatchError(
            f"{n_replayed} matches have match IDs of earlier releases",
            hint="tell the other agencies and the operator before anything is linked",
            n_concerned=n_replayed,
        )


def make_claims(ledger: Ledger, release: PairRelease, proof: Proof, posting: Posting) -> Claims:
    """Return this agency's signed claims of a pair's release."""
    refuse_bad_release(ledger, release)
    marks = [
        Mark(released.match, mark)
        for released in release.matches
        for mark in ledger.marks(released.record)
    ]
    newest = ledger.newest_digest(release.pair)
    state = newest and LedgerState(**newest[0]._asdict(), digest=newest[1])
    return sign_claims(
        _claims(ledger, release, proof),
        marks,
        ledger.vetoes(),
        posting.key,
        pair=release.pair,
        transcript=proof.transcript,
        ledger=state,
        **_head(ledger, release.turn, posting),
    )


def _claims(ledger: Ledger, release: PairRelease, proof: Proof) -> Iterator[Claim]:
    n_proved = 0
    for released in release.matches:
        link, since = ledger.held(released.record) or (None, 0)
        token = None if released.row is None else proof.token_of(released.row)
        mac = None if token is None else met_mac(proof.pair_key, released.match, token)
        n_proved += mac is not None
        yield Claim(released.match, link, since, released.match in release.vetoed, mac)
    if n_proved not in (0, len(release.matches)):
        raise ReleasedRowsError("the release names rows that the container does not have")


def own_members(
    ledger: Ledger, records: Mapping[StatedMatch, str], stands: Iterable[StatedMatch]
) -> list[Member]:
    """Return what this agency states of its records in the matches that stand."""
    matches: dict[str, list[StatedMatch]] = {}
    for match in sorted(stands):
        matches.setdefault(records[match], []).append(match)
    members = []
    for record, own in matches.items():
        link, since = ledger.held(record) or (None, 0)
        members.append(Member(ledger.party, link, since, tuple(own), ledger.marks(record)))
    return members


def standing_matches(
    releases: Iterable[PairRelease], checked: Iterable[CheckedPair]
) -> set[StatedMatch]:
    """Return the own matches that stand: what no side of a checked pair vetoes, and of others this one."""
    releases = tuple(releases)
    vetoed = vetoed_matches(releases, checked)
    return {
        match
        for release in releases
        for match in release.records()
        if match.match not in vetoed[release.pair]
    }


def vetoed_matches(
    releases: Iterable[PairRelease], checked: Iterable[CheckedPair]
) -> dict[Pair, frozenset[MatchId]]:
    """Return the matches of each pair that do not stand."""
    by_pair = {pair.pair: pair.vetoed for pair in checked}
    return {release.pair: by_pair.get(release.pair, release.vetoed) for release in releases}


def make_statement(
    ledger: Ledger,
    turn: Turn,
    releases: Iterable[PairRelease],
    checked: Iterable[CheckedPair],
    posting: Posting,
) -> ChainStatement:
    """Return this agency's signed statement to all recipients of the space.

    Args:
        releases: all pairs of this agency that the turn has.
        checked: those of them whose other party is a recipient too, with its claims checked.
    """
    releases = tuple(releases)
    records = {match: record for release in releases for match, record in release.records().items()}
    members = own_members(ledger, records, standing_matches(releases, checked))
    stated = [StatedRecord(m.link, m.since, m.matches, m.marks) for m in members]
    return sign_statement(
        stated,
        ledger.vetoes(),
        [release.pair for release in releases],
        posting.key,
        **_head(ledger, turn, posting),
    )


def place_after(before: MessagePlace | None) -> tuple[int, str | None]:
    """Return the number of the message after one of its stream, and what it names as the one before it."""
    return (1, None) if before is None else (before.sequence + 1, before.sha256)


def _head(ledger: Ledger, turn: Turn, posting: Posting) -> dict[str, Any]:
    sequence, previous = place_after(posting.before)
    return {
        "project": ledger.space.project,
        "space": ledger.space.space,
        "round": turn.round,
        "release": turn.release,
        "sender": ledger.party,
        "person": posting.person,
        "sequence": sequence,
        "previous": previous,
        "checkpoint": posting.checkpoint,
        "applied": applied_turn(ledger),
        "created": posting.created,
    }
