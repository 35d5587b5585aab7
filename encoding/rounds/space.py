"""One ID space in one round: claims exchanged, the round closed, and the ledger carried on.

Every step may be repeated after a kill: what was said is kept, sealed, before it is sent, and the ledger
changes in one step at the end. What must not be believed is told, and nothing of the round is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from encoding.errors import OthersWaitedForError
from encoding.ledger.additions import Applied, apply_release
from encoding.ledger.book import Ledger
from encoding.ledger.claim_checks import CheckedPair, check_claims, check_statement
from encoding.ledger.claims import (
    PairRelease,
    Posting,
    Proof,
    make_claims,
    make_statement,
    own_members,
    standing_matches,
)
from encoding.ledger.inputs import inputs_alone, inputs_of_claims, inputs_of_statements
from encoding.ledger.ledger_file import LedgerFile
from encoding.ledger.messages import (
    claims_stream,
    closed_messages,
    note_received,
    note_sent,
    open_claims,
    open_statement,
    seal_claims,
    seal_statement,
    statement_stream,
)
from encoding.ledger.values import Turn
from encoding.people.identity import Identity
from encoding.rounds.api import RoundsApi
from encoding.rounds.round_memory import Said
from schemas.chain_statement import ChainStatement
from schemas.claims import Claims
from schemas.identity import PublicIdentity
from schemas.matchlog.round_kinds import RoundClosed
from schemas.rounds import RoundView

_FIRST_RELEASE = 1


@dataclass(frozen=True, slots=True)
class SpaceOfRound:
    """What an agency brings to an ID space in a round.

    Attributes:
        recipients: all parties that receive matches in the space, this one too, in order.
        releases: the pairs of this agency in the round, with the records of its matches.
        proofs: for each partner that receives in the space too, what proves matches.
        needs_statements: whether the space has more than one pair that was linked.
    """

    name: str
    round: RoundView
    recipients: tuple[str, ...]
    releases: tuple[PairRelease, ...] = field(repr=False)
    proofs: Mapping[str, Proof] = field(repr=False)
    needs_statements: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """With whose keys an agency speaks, where its ledger lies, and whom it believes."""

    party: str
    api: RoundsApi
    own: Identity
    ledger: LedgerFile
    said: Said
    people: Mapping[str, Sequence[PublicIdentity]]
    checkpoint: str
    created: str


def speak(desk: Desk, space: SpaceOfRound) -> None:
    """Send this agency's claims to each partner of the space, each once, and keep what was said."""
    for release in space.releases:
        partner = release.other(desk.party)
        if partner not in space.proofs:
            continue
        stream = claims_stream(desk.party, partner)
        kept = desk.said.read(space.round.round, space.name, stream)
        if kept is None:
            ledger = desk.ledger.read()
            claims = make_claims(
                ledger, release, space.proofs[partner], _posting(desk, ledger, stream)
            )
            sealed = seal_claims(claims, desk.people[partner])
            note_sent(ledger, sealed)
            kept = desk.said.keep(space.round.round, space.name, stream, sealed.raw, claims)
            desk.ledger.write(ledger)
        if not _is_listed(space.round, desk.party, partner, kept.sha256):
            desk.api.send_claims(space.round.round, partner, kept.raw)


def listen(desk: Desk, space: SpaceOfRound, *, must_be_complete: bool) -> tuple[CheckedPair, ...]:
    """Read and check the claims of each partner of the space.

    Args:
        must_be_complete: wait for partners whose claims have not come; else they are left out, as after a round
            was closed without them.
    Raises:
        OthersWaitedForError: a partner's claims have not come.
        LinkAlarmError: what came cannot be honest.
    """
    checked = []
    for release in space.releases:
        partner = release.other(desk.party)
        if partner not in space.proofs:
            continue
        own = desk.said.claims(space.round.round, space.name, claims_stream(desk.party, partner))
        if not must_be_complete and _listed(space.round, partner, desk.party) is None:
            continue
        received = _received_claims(desk, space, partner)
        checked.append(check_claims(desk.ledger.read(), own, received))
    return tuple(checked)


def state(desk: Desk, space: SpaceOfRound, checked: tuple[CheckedPair, ...]) -> None:
    """Send this agency's statement to all recipients of the space, once, where it has several pairs."""
    if not space.needs_statements or len(space.recipients) < 2:
        return
    stream = statement_stream(desk.party)
    kept = desk.said.read(space.round.round, space.name, stream)
    if kept is None:
        ledger = desk.ledger.read()
        turn = Turn(space.round.round, _FIRST_RELEASE)
        said = make_statement(ledger, turn, space.releases, checked, _posting(desk, ledger, stream))
        others = [
            one for party in space.recipients if party != desk.party for one in desk.people[party]
        ]
        sealed = seal_statement(said, others)
        note_sent(ledger, sealed)
        kept = desk.said.keep(space.round.round, space.name, stream, sealed.raw, said)
        desk.ledger.write(ledger)
    desk.api.send_statement(space.round.round, space.name, kept.raw)


def close(
    desk: Desk,
    space: SpaceOfRound,
    checked: tuple[CheckedPair, ...],
    listed: RoundClosed,
) -> Applied | None:
    """Carry the ledger on by the claims that the round was closed with; None where a side's are missing.

    Raises:
        LinkAlarmError: what came cannot be honest; nothing is stored.
    """
    ledger = desk.ledger.read()
    turn = Turn(space.round.round, _FIRST_RELEASE)
    if ledger.last is not None and ledger.last >= turn:
        return None
    records = {match: record for one in space.releases for match, record in one.records().items()}
    stands = standing_matches(space.releases, checked)
    if len(space.recipients) == 1:
        inputs = inputs_alone(turn, [ledger], own_members(ledger, records, stands))
    elif space.needs_statements:
        statements = _counted_statements(desk, space, listed)
        if statements is None:
            return None
        inputs = inputs_of_statements(statements, space.recipients)
        # What was read is noted there.
        ledger = desk.ledger.read()
    else:
        claims = _counted_claims(desk, space, listed)
        if claims is None:
            return None
        inputs = inputs_of_claims(*claims, stands)
    applied = apply_release(ledger, inputs, records)
    desk.ledger.write(ledger)
    return applied


def _counted_claims(
    desk: Desk, space: SpaceOfRound, listed: RoundClosed
) -> tuple[Claims, Claims] | None:
    (release,) = space.releases
    partner = release.other(desk.party)
    streams = claims_stream(desk.party, partner), claims_stream(partner, desk.party)
    own = desk.said.read(space.round.round, space.name, streams[0])
    named = {claims_stream(one.party, one.partner): one.sha256 for one in listed.claims}
    if own is None or any(stream not in named for stream in streams):
        return None
    theirs = desk.said.heard(space.round.round, space.name, streams[1])
    here = {own.sha256: desk.said.claims(space.round.round, space.name, streams[0])}
    if theirs is not None:
        here[theirs.sha256] = desk.said.claims(space.round.round, space.name, streams[1])
    counted = closed_messages(named, streams, here)
    return None if counted is None else (counted[0], counted[1])


def _counted_statements(
    desk: Desk, space: SpaceOfRound, listed: RoundClosed
) -> tuple[ChainStatement, ...] | None:
    named = {
        statement_stream(one.party): one.sha256
        for one in listed.statements
        if one.space == space.name
    }
    streams = [statement_stream(party) for party in space.recipients]
    if any(stream not in named for stream in streams):
        return None
    own = desk.said.statement(
        space.round.round, space.name, streams[space.recipients.index(desk.party)]
    )
    here: dict[str, ChainStatement] = {}
    for party, stream in zip(space.recipients, streams, strict=True):
        if party == desk.party:
            kept = desk.said.read(space.round.round, space.name, stream)
            if kept is not None:
                here[kept.sha256] = own
            continue
        raw = desk.api.statement(space.round.round, space.name, party)
        received = open_statement(raw, desk.own, _by_id(desk.people[party]))
        ledger = desk.ledger.read()
        note_received(ledger, received)
        check_statement(ledger, own.head, received.message)
        desk.ledger.write(ledger)
        here[received.sha256] = received.message
    return closed_messages(named, streams, here)


def _received_claims(desk: Desk, space: SpaceOfRound, partner: str) -> Claims:
    number = space.round.round
    stream = claims_stream(partner, desk.party)
    sha256 = _listed(space.round, partner, desk.party)
    if sha256 is None:
        raise OthersWaitedForError(f"{partner} has yet to send its claims in round {number}")
    kept = desk.said.heard(number, space.name, stream)
    if kept is None or kept.sha256 != sha256:
        raw = desk.api.claims(number, partner)
        received = open_claims(raw, desk.own, _by_id(desk.people[partner]))
        ledger = desk.ledger.read()
        note_received(ledger, received)
        desk.said.keep_heard(number, space.name, stream, raw, received.message)
        desk.ledger.write(ledger)
    return desk.said.claims(number, space.name, stream)


def _posting(desk: Desk, ledger: Ledger, stream: str) -> Posting:
    return Posting(
        person=desk.own.public.person,
        key=desk.own.keys.signing_key,
        checkpoint=desk.checkpoint,
        created=desk.created,
        before=ledger.places.get(stream),
    )


def _by_id(people: Sequence[PublicIdentity]) -> dict[str, PublicIdentity]:
    return {one.person: one for one in people}


def _listed(found: RoundView, party: str, partner: str) -> str | None:
    for pair in found.progress:
        for one in pair.claims:
            if (one.party, one.partner) == (party, partner):
                return one.sha256
    return None


def _is_listed(found: RoundView, party: str, partner: str, sha256: str) -> bool:
    return _listed(found, party, partner) == sha256
