"""One ID space in one round: claims exchanged, the round closed, and the ledger carried on.

Every step may be repeated after a kill: what was said is kept, sealed, before it is sent, and the ledger
changes in one step at the end. What must not be believed is told, and nothing of the round is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from encoding.errors import (
    LogError,
    LogRewrittenError,
    OthersWaitedForError,
    RoundUnprovenError,
)
from encoding.ledger.additions import apply_release
from encoding.ledger.book import Ledger
from encoding.ledger.claim_checks import (
    Believed,
    CheckedPair,
    check_claims,
    check_statement,
    refuse_excess,
)
from encoding.ledger.claims import (
    PairRelease,
    Posting,
    Proof,
    make_claims,
    make_statement,
    own_members,
    place_after,
    standing_matches,
    vetoed_matches,
)
from encoding.ledger.errors import (
    MessageUnreadableError,
    MessageUntrustedError,
    OtherLogError,
    RollbackError,
)
from encoding.ledger.inputs import inputs_alone, inputs_of_claims, inputs_of_statements
from encoding.ledger.ledger_file import LedgerFile
from encoding.ledger.messages import (
    Listed,
    claims_stream,
    closed_messages,
    open_claims,
    open_statement,
    seal_claims,
    seal_statement,
    statement_stream,
)
from encoding.ledger.values import MessagePlace, Pair, Turn
from encoding.people.identity import Identity
from encoding.rounds.api import RoundsApi
from encoding.rounds.history import RoundHistory
from encoding.rounds.round_memory import Carried, Said
from encoding.rounds.streams import find_message, logged_stream
from schemas.matchlog.checkpoint import Checkpoint
from schemas.matchlog.entry import Entry
from schemas.matchlog.review_kinds import SupplementClosed
from schemas.matchlog.round_kinds import RoundClosed
from schemas.rounds.chain_statement import ChainStatement
from schemas.rounds.claims import Claims
from schemas.rounds.rounds import RoundView, SupplementView
from schemas.rounds.space_message import MessageHead
from schemas.rounds.upload import Receipt
from schemas.signing.identity import PublicIdentity

CompareLog = Callable[[bytes], Checkpoint]
"""Returns a checkpoint that another party has seen, once it is known to be of the log that is pinned here.

Raises LogRewrittenError where it is not, and LogError where the log has not signed it.
"""


class ReadLog(Protocol):
    """Returns the project's entries of the pinned log: as they were read last, or `anew`."""

    def __call__(self, *, anew: bool) -> RoundHistory:
        """Return them."""
        ...


SignersOf = Callable[[str, RoundHistory, Entry], Mapping[str, PublicIdentity]]
"""Returns who of a party could sign what the log took by an entry, by id, with the keys that they had then."""


@dataclass(frozen=True, slots=True)
class SpaceOfRound:
    """What an agency brings to an ID space in a round.

    Attributes:
        recipients: all parties that receive matches in the space, this one too, in order.
        releases: the pairs of this agency in the round, with the records of its matches.
        proofs: for each partner that receives in the space too, what proves matches.
        needs_statements: whether the space has more than one pair with a run that has succeeded, so that
            statements are due; those of a closed round follow from its closing alone.
        supplement: the supplementary release that is meant, of one pair; null: the first one.
    """

    name: str
    round: RoundView
    recipients: tuple[str, ...]
    releases: tuple[PairRelease, ...] = field(repr=False)
    proofs: Mapping[str, Proof] = field(repr=False)
    needs_statements: bool
    supplement: SupplementView | None = None

    @property
    def turn(self) -> Turn:
        """Which release it is."""
        return Turn(self.round.round, 1 if self.supplement is None else self.supplement.release)

    @property
    def closing(self) -> Receipt | None:
        """What the broker shows as the proof that the release was closed; null: it is open."""
        return (self.supplement or self.round).closing

    @property
    def is_open(self) -> bool:
        """Whether messages about the release still count."""
        return self.closing is None

    def listed(self, party: str, partner: str) -> str | None:
        """Return the digest of the claims of a party for its partner that are there; None: none are."""
        if self.supplement is None:
            there = [one for pair in self.round.progress for one in pair.claims]
        else:
            there = [*self.supplement.claims]
        return next(
            (one.sha256 for one in there if (one.party, one.partner) == (party, partner)), None
        )


@dataclass(frozen=True, slots=True)
class Desk:
    """With whose keys an agency speaks, where its ledger lies, whom it believes, and to whom it seals.

    `keys` gives the own ones, newest first, then those that they have replaced. `receivers` are the persons of
    each party on its roster now, `makers` all parties that an agreement of the project has named. `checkpoint`
    is the newest one of the log that was pinned here; `compare_log` holds others' to it.
    """

    party: str
    api: RoundsApi
    own: Identity
    keys: Callable[[], Iterable[Identity]]
    ledger: LedgerFile
    said: Said
    receivers: Mapping[str, Sequence[PublicIdentity]]
    makers: Collection[str]
    checkpoint: str
    created: str
    compare_log: CompareLog
    read_log: ReadLog
    signers_of: SignersOf


def speak(desk: Desk, space: SpaceOfRound) -> None:
    """Send this agency's claims to each partner of the space, each once, and keep what was said.

    Once the round is closed nothing more is said.
    """
    for release in space.releases:
        partner = release.other(desk.party)
        if partner not in space.proofs or not space.is_open:
            continue
        stream = claims_stream(desk.party, partner)
        kept = desk.said.read(space.turn, space.name, stream)
        if kept is not None and space.listed(desk.party, partner) == kept.sha256:
            continue
        before = _newest(desk, space, stream)
        if kept is None or not _follows(
            kept, desk.said.claims(space.turn, space.name, stream).head, before
        ):
            posting = _posting(desk, before)
            claims = make_claims(desk.ledger.read(), release, space.proofs[partner], posting)
            sealed = seal_claims(claims, desk.receivers[partner])
            kept = desk.said.keep(space.turn, space.name, stream, sealed, claims)
        desk.api.send_claims(space.turn, partner, kept.raw)


def listen(desk: Desk, space: SpaceOfRound, *, must_be_complete: bool) -> tuple[CheckedPair, ...]:
    """Read and check the claims of each partner of the space."""
    checked = []
    for release in space.releases:
        partner = release.other(desk.party)
        if partner not in space.proofs:
            continue
        if not must_be_complete and space.listed(partner, desk.party) is None:
            continue
        # Also where there is nothing to check it with: the partner's next message comes after it.
        received = _received_claims(desk, space, partner)
        _refuse_other_log(desk, space, received.head)
        stream = claims_stream(desk.party, partner)
        if not must_be_complete and desk.said.read(space.turn, space.name, stream) is None:
            continue
        own = desk.said.claims(space.turn, space.name, stream)
        ledger = desk.ledger.read()
        checked.append(
            check_claims(ledger, own, received, _believed(desk, space, ledger, received.head))
        )
    return tuple(checked)


def state(desk: Desk, space: SpaceOfRound, checked: tuple[CheckedPair, ...]) -> None:
    """Send this agency's statement to all recipients of the space, once, where it has several pairs."""
    if not (space.is_open and space.needs_statements) or len(space.recipients) < 2:
        return
    stream = statement_stream(desk.party)
    kept = desk.said.read(space.turn, space.name, stream)
    listed = {(one.party, one.space): one.sha256 for one in space.round.statements}
    if kept is not None and listed.get((desk.party, space.name)) == kept.sha256:
        return
    before = _newest(desk, space, stream)
    if kept is None or not _follows(
        kept, desk.said.statement(space.turn, space.name, stream).head, before
    ):
        posting = _posting(desk, before)
        said = make_statement(desk.ledger.read(), space.turn, space.releases, checked, posting)
        others = [
            one
            for party in space.recipients
            if party != desk.party
            for one in desk.receivers[party]
        ]
        sealed = seal_statement(said, others)
        kept = desk.said.keep(space.turn, space.name, stream, sealed, said)
    desk.api.send_statement(space.round.round, space.name, kept.raw)


def close(
    desk: Desk,
    space: SpaceOfRound,
    checked: tuple[CheckedPair, ...],
    listed: RoundClosed | SupplementClosed,
) -> None:
    """Carry the ledger on by the claims that the release was closed with, unless a side's are missing.

    By which messages is decided by the closing alone, which is the same for all: statements where it lists
    claims of more than one pair of the space, the claims where it lists those of one. A match with a party that
    does not receive in the space counts here alone, unless a statement tells the others of it. A supplement is
    of one pair, and goes by its claims alone.
    """
    ledger = desk.ledger.read()
    turn = space.turn
    if ledger.last is not None and ledger.last >= turn:
        return
    records = {match: record for one in space.releases for match, record in one.records().items()}
    pairs = _linked_pairs(space, listed)
    ours = [one for one in space.releases if set(space.recipients).issuperset(one.pair)]
    alone = standing_matches([one for one in space.releases if one not in ours], checked)
    pending = standing_matches([one for one in ours if one.pair not in pairs], checked)
    if not any(desk.party in pair for pair in pairs):
        if pending and not alone:
            return
        inputs, alone = inputs_alone(turn, [ledger], own_members(ledger, records, alone)), set()
    elif isinstance(listed, RoundClosed) and len(pairs) > 1:
        statements = _counted_statements(desk, space, listed, pairs)
        if statements is None:
            return
        inputs, alone = inputs_of_statements(statements, space.recipients), set()
        own = next(one.head for one in statements if one.head.sender == desk.party)
        _refuse_rolled_back(ledger, own)
    else:
        claims = _counted_claims(desk, space, listed, pairs[0])
        if claims is None:
            return
        _refuse_rolled_back(ledger, claims[0].head)
        vetoed = vetoed_matches(ours, checked)
        inputs = inputs_of_claims(*claims, vetoed.get(pairs[0], frozenset()))
    # Each message for itself was fit, as far as this agency knew then.
    refuse_excess(ledger, inputs.vetoes, "what came together")
    apply_release(ledger, inputs, records, alone=alone, pending=pending)
    desk.ledger.write(ledger)


def _refuse_rolled_back(ledger: Ledger, own: MessageHead) -> None:
    """Refuse a round of which this agency spoke before its ledger went back."""
    if own.applied is not None and own.applied.rollback != ledger.rolled_back:
        raise RollbackError(
            f"this agency's ledger went back after it had sent its claims of round {own.round}",
            hint="nothing of this round is stored; the next round goes on",
        )


def _linked_pairs(space: SpaceOfRound, listed: RoundClosed | SupplementClosed) -> tuple[Pair, ...]:
    """Return the pairs of the space of which the closing lists claims, in order."""
    found = {tuple(sorted((one.party, one.partner))) for one in listed.claims}
    return tuple(sorted((one, two) for one, two in found if {one, two} <= {*space.recipients}))


def _counted_claims(
    desk: Desk, space: SpaceOfRound, listed: RoundClosed | SupplementClosed, pair: Pair
) -> tuple[Claims, Claims] | None:
    partner = pair[1] if pair[0] == desk.party else pair[0]
    streams = claims_stream(desk.party, partner), claims_stream(partner, desk.party)
    own = desk.said.read(space.turn, space.name, streams[0])
    named = {claims_stream(one.party, one.partner): one.sha256 for one in listed.claims}
    if own is None or any(stream not in named for stream in streams):
        return None
    theirs = desk.said.read(space.turn, space.name, streams[1])
    here = {own.sha256: desk.said.claims(space.turn, space.name, streams[0])}
    if theirs is not None:
        here[theirs.sha256] = desk.said.claims(space.turn, space.name, streams[1])
    counted = closed_messages(named, streams, here)
    return None if counted is None else (counted[0], counted[1])


def _counted_statements(
    desk: Desk, space: SpaceOfRound, listed: RoundClosed, pairs: Sequence[Pair]
) -> tuple[ChainStatement, ...] | None:
    parties = sorted({party for pair in pairs for party in pair})
    named = {
        statement_stream(one.party): one.sha256
        for one in listed.statements
        if one.space == space.name
    }
    streams = [statement_stream(party) for party in parties]
    if any(stream not in named for stream in streams):
        return None
    own = desk.said.statement(space.turn, space.name, statement_stream(desk.party))
    here: dict[str, ChainStatement] = {}
    for party, stream in zip(parties, streams, strict=True):
        if party == desk.party:
            kept = desk.said.read(space.turn, space.name, stream)
            if kept is not None:
                here[kept.sha256] = own
            continue
        senders, place = _as_logged(desk, space, stream, party, named[stream])
        raw = desk.api.statement(space.round.round, space.name, party)
        with _kept_unread(desk, space, raw):
            statement = open_statement(raw, desk.keys(), senders, place)
        _refuse_other_log(desk, space, statement.head)
        ledger = desk.ledger.read()
        claims_of = claims_stream(party, desk.party)
        has_claimed = desk.said.read(space.turn, space.name, claims_of) is not None
        claims = desk.said.claims(space.turn, space.name, claims_of) if has_claimed else None
        believed = _believed(desk, space, ledger, statement.head)
        check_statement(ledger, own.head, statement, believed, claims)
        here[place.place.sha256] = statement
    return closed_messages(named, streams, here)


def _received_claims(desk: Desk, space: SpaceOfRound, partner: str) -> Claims:
    stream = claims_stream(partner, desk.party)
    sha256 = space.listed(partner, desk.party)
    if sha256 is None:
        raise OthersWaitedForError(
            f"{partner} has yet to send its claims in round {space.round.round}"
        )
    kept = desk.said.read(space.turn, space.name, stream)
    if kept is None or kept.sha256 != sha256:
        senders, place = _as_logged(desk, space, stream, partner, sha256)
        raw = desk.api.claims(space.turn, partner)
        with _kept_unread(desk, space, raw):
            received = open_claims(raw, desk.keys(), senders, place)
        desk.said.keep(space.turn, space.name, stream, raw, received)
    return desk.said.claims(space.turn, space.name, stream)


def _as_logged(
    desk: Desk, space: SpaceOfRound, stream: str, sender: str, sha256: str
) -> tuple[Mapping[str, PublicIdentity], Listed]:
    """Return who could sign a message when the log took it, and where it stands in its stream."""
    for anew in (False, True):
        history = desk.read_log(anew=anew)
        stream_by_log = logged_stream(history.entries, space.name, stream)
        found = find_message(stream_by_log, space.turn, sha256)
        if found is not None:
            return desk.signers_of(sender, history, found[0].entry), found[1]
    raise RoundUnprovenError(
        f"the match log does not show a message of {sender} in round {space.turn.round} that the broker lists",
        hint="nothing of this round is stored; tell the other agencies and the operator",
    )


@contextmanager
def _kept_unread(desk: Desk, space: SpaceOfRound, raw: bytes) -> Iterator[None]:
    """Keep a message as evidence that turns out to be none that can be read."""
    try:
        yield
    except MessageUnreadableError:
        desk.said.keep_unread(space.turn, raw)
        raise


def _refuse_other_log(desk: Desk, space: SpaceOfRound, head: MessageHead) -> None:
    """Refuse a message whose sender was shown another match log, or none of the round."""
    tell = "nothing of this round is stored; call the other agency, and keep the workspace as it is"
    try:
        seen = desk.compare_log(head.checkpoint.encode("utf-8"))
    except LogRewrittenError as exc:
        raise OtherLogError(
            f"{head.sender} was shown a different match log from this agency's", hint=tell
        ) from exc
    except LogError as exc:
        raise MessageUntrustedError(
            f"{head.sender} names a checkpoint that the log has not signed", hint=tell
        ) from exc
    if seen.size <= space.round.receipt.index:
        raise MessageUntrustedError(
            f"{head.sender} names a checkpoint from before the round was opened", hint=tell
        )


def _believed(desk: Desk, space: SpaceOfRound, ledger: Ledger, received: MessageHead) -> Believed:
    """Return what is believed about vetoes: those of this agency's own only where it may have lost them.

    That is where it has voided its nonces, as after its workspace was restored, and has not applied a release
    with each other recipient since: one may hear from another what this agency had told that one. So it is
    where the sender has voided its own since the two last heard each other, and comes from a day that this
    agency has forgotten.
    """
    history = desk.read_log(anew=False)
    heard = {
        party: _last_round(ledger, desk.party, party)
        for party in space.recipients
        if party != desk.party
    }
    recalls = any(history.voided_since(desk.party, number) for number in heard.values())
    if received.applied is not None and not recalls:
        recalls = history.voided_since(
            received.sender, heard.get(received.sender)
        ) and history.voided_since(desk.party, received.applied.round)
    return Believed(desk.makers, recalls)


def _last_round(ledger: Ledger, party: str, other: str) -> int | None:
    one, another = sorted((party, other))
    newest = ledger.newest_digest((one, another))
    return None if newest is None else newest[0].round


def _newest(desk: Desk, space: SpaceOfRound, stream: str) -> MessagePlace | None:
    """Return the newest message of an own stream by the log, whichever workspace sent it; None: none did."""
    logged = logged_stream(desk.read_log(anew=False).entries, space.name, stream)
    return logged[-1].place if logged else None


def _follows(kept: Carried, head: MessageHead, before: MessagePlace | None) -> bool:
    """Tell whether a message that was kept comes next, or has come: another workspace may have sent one."""
    is_there = before is not None and before.sha256 == kept.sha256
    return is_there or (head.sequence, head.previous) == place_after(before)


def _posting(desk: Desk, before: MessagePlace | None) -> Posting:
    return Posting(
        person=desk.own.public.person,
        key=desk.own.keys.signing_key,
        checkpoint=desk.checkpoint,
        created=desk.created,
        before=before,
    )
