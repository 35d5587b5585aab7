"""One link-ID set in one release of a round: claims exchanged, the release closed, and the ledger carried on.

An agency takes these steps in order: `send_claims` to each partner; `read_claims` of each, and check them; with
several pairs in the space, `send_statement` to all recipients; once the release is closed, `carry_ledger_on`.
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
from encoding.rounds.history import RoundHistory, find_message, logged_stream
from encoding.rounds.round_memory import Carried, Said
from schemas.matchlog.checkpoint import Checkpoint
from schemas.matchlog.entry import Entry
from schemas.matchlog.review_kinds import SupplementClosed
from schemas.matchlog.round_kinds import RoundClosed
from schemas.rounds.chain_statement import ChainStatement
from schemas.rounds.claims import Claims
from schemas.rounds.receipt import Receipt
from schemas.rounds.rounds import RoundView, SupplementView
from schemas.rounds.space_message import MessageHead
from schemas.signing.identity import PublicIdentity

CompareLog = Callable[[bytes], Checkpoint]
"""Returns a checkpoint that another party has seen, once it is known to be of the log that is pinned here.

Raises LogRewrittenError where it is not, and LogError where the log has not signed it.
"""
SignersOf = Callable[[str, RoundHistory, Entry], Mapping[str, PublicIdentity]]
"""Returns who of a party could sign what the log took by an entry, by id, with the keys that they had then."""


class ReadLog(Protocol):
    """Returns the project's entries of the pinned log: as they were read last, or `anew`."""

    def __call__(self, *, anew: bool) -> RoundHistory:
        """Return them."""
        ...


@dataclass(frozen=True, slots=True)
class SpaceOfRound:
    """What an agency brings to a link-ID set in a round.

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
        """What the broker shows as the proof that the release was closed; null: messages still count."""
        return (self.supplement or self.round).closing

    def listed(self, party: str, partner: str) -> str | None:
        """Return the digest of the claims of a party for its partner that are there; None: none are."""
        if self.supplement is None:
            there = [one for pair in self.round.progress for one in pair.claims]
        else:
            there = [*self.supplement.claims]
        return next(
            (one.sha256 for one in there if (one.party, one.partner) == (party, partner)), None
        )

    def linked_pairs(self, closing: RoundClosed | SupplementClosed) -> tuple[Pair, ...]:
        """Return the pairs of the space of which a closing lists claims, in order."""
        found = {tuple(sorted((one.party, one.partner))) for one in closing.claims}
        return tuple(sorted((one, two) for one, two in found if {one, two} <= {*self.recipients}))


@dataclass(frozen=True, slots=True)
class Exchange:
    """An agency in a space: with whose keys it signs, where its ledger is, whom it believes, to whom it seals.

    `keys` gives the own ones, newest first, then those that they have replaced. `receivers` are the persons of
    each party on its list of authorized users now, `makers` all parties that an agreement of the project has
    named. `checkpoint` is the newest one of the log that was pinned here; `compare_log` holds others' to it.
    `space` is as the broker shows it now: between two steps, `replace` it.
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
    space: SpaceOfRound

    # The first three steps, while the release is open.

    def send_claims(self) -> None:
        """Send this agency's claims to each partner of the space, each once, and keep what was said."""
        for release, partner in self._shared():
            stream = claims_stream(self.party, partner)
            kept = self._read(stream)
            listed = self.space.listed(self.party, partner)
            if self.space.closing or (kept is not None and listed == kept.sha256):
                continue
            before = self.newest_place(stream)
            if kept is None or not _follows(kept, self._claims(stream).head, before):
                proof, posting = self.space.proofs[partner], self._posting(before)
                claims = make_claims(self.ledger.read(), release, proof, posting)
                kept = self._keep(stream, seal_claims(claims, self.receivers[partner]), claims)
            self.api.send_claims(self.space.turn, partner, kept.raw)

    def read_claims(self) -> tuple[CheckedPair, ...]:
        """Read and check the claims of each partner of the space.

        While the release is open, partners whose claims have not come are waited for. Once it is closed they
        are left out, and so are pairs of which this agency has said nothing.
        """
        checked, is_closed = [], self.space.closing is not None
        for _, partner in self._shared():
            if is_closed and self.space.listed(partner, self.party) is None:
                continue
            # Also where there is nothing to check it with: the partner's next message comes after it.
            received = self._received(partner)
            self._refuse_other_log(received.head)
            stream = claims_stream(self.party, partner)
            if is_closed and self._read(stream) is None:
                continue
            ledger = self.ledger.read()
            believed = self._believed(ledger, received.head)
            checked.append(check_claims(ledger, self._claims(stream), received, believed))
        return tuple(checked)

    def send_statement(self, checked: tuple[CheckedPair, ...]) -> None:
        """Send this agency's statement to all recipients, once, where the space has several pairs."""
        space, stream = self.space, statement_stream(self.party)
        if space.closing or not space.needs_statements or len(space.recipients) < 2:
            return
        kept = self._read(stream)
        listed = {(one.party, one.space): one.sha256 for one in space.round.statements}
        if kept is not None and listed.get((self.party, space.name)) == kept.sha256:
            return
        before = self.newest_place(stream)
        if kept is None or not _follows(kept, self._statement(stream).head, before):
            posting = self._posting(before)
            said = make_statement(self.ledger.read(), space.turn, space.releases, checked, posting)
            others = [party for party in space.recipients if party != self.party]
            persons = [one for party in others for one in self.receivers[party]]
            kept = self._keep(stream, seal_statement(said, persons), said)
        self.api.send_statement(space.round.round, space.name, kept.raw)

    # The last step, once it is closed.

    def carry_ledger_on(
        self, checked: tuple[CheckedPair, ...], closing: RoundClosed | SupplementClosed
    ) -> None:
        """Carry the ledger on by the claims that the release was closed with, unless a side's are missing.

        By which messages is decided by the closing alone, which is the same for all: statements where it lists
        claims of more than one pair of the space, the claims where it lists those of one. A match with a party
        that does not receive in the space counts here alone, unless a statement tells the others of it. A
        supplement is of one pair, and goes by its claims alone.
        """
        ledger, space = self.ledger.read(), self.space
        if ledger.last is not None and ledger.last >= space.turn:
            return
        records = {match: who for one in space.releases for match, who in one.records().items()}
        pairs = space.linked_pairs(closing)
        ours = [one for one in space.releases if set(space.recipients).issuperset(one.pair)]
        alone = standing_matches([one for one in space.releases if one not in ours], checked)
        pending = standing_matches([one for one in ours if one.pair not in pairs], checked)
        if not any(self.party in pair for pair in pairs):
            if pending and not alone:
                return
            members = own_members(ledger, records, alone)
            inputs, alone = inputs_alone(space.turn, [ledger], members), set()
        elif isinstance(closing, RoundClosed) and len(pairs) > 1:
            statements = self._counted_statements(closing, pairs)
            if statements is None:
                return
            inputs, alone = inputs_of_statements(statements, space.recipients), set()
            own = next(one.head for one in statements if one.head.sender == self.party)
            _refuse_rolled_back(ledger, own)
        else:
            claims = self._counted_claims(closing, pairs[0])
            if claims is None:
                return
            _refuse_rolled_back(ledger, claims[0].head)
            vetoed = vetoed_matches(ours, checked)
            inputs = inputs_of_claims(*claims, vetoed.get(pairs[0], frozenset()))
        # Each message for itself was fit, as far as this agency knew then.
        refuse_excess(ledger, inputs.vetoes, "what came together")
        apply_release(ledger, inputs, records, alone=alone, pending=pending)
        self.ledger.write(ledger)

    # Which messages count.

    def _counted_claims(
        self, closing: RoundClosed | SupplementClosed, pair: Pair
    ) -> tuple[Claims, Claims] | None:
        partner = pair[1] if pair[0] == self.party else pair[0]
        streams = claims_stream(self.party, partner), claims_stream(partner, self.party)
        named = {claims_stream(one.party, one.partner): one.sha256 for one in closing.claims}
        if self._read(streams[0]) is None or any(stream not in named for stream in streams):
            return None
        kept = {stream: self._read(stream) for stream in streams}
        here = {one.sha256: self._claims(stream) for stream, one in kept.items() if one is not None}
        counted = closed_messages(named, streams, here)
        return None if counted is None else (counted[0], counted[1])

    def _counted_statements(
        self, closing: RoundClosed, pairs: Sequence[Pair]
    ) -> tuple[ChainStatement, ...] | None:
        stated = (one for one in closing.statements if one.space == self.space.name)
        named = {statement_stream(one.party): one.sha256 for one in stated}
        parties = sorted({party for pair in pairs for party in pair})
        streams = [statement_stream(party) for party in parties]
        if any(stream not in named for stream in streams):
            return None
        own = self._statement(statement_stream(self.party))
        here: dict[str, ChainStatement] = {}
        for party, stream in zip(parties, streams, strict=True):
            if party != self.party:
                here[named[stream]] = self._stated(own.head, party, named[stream])
            elif (kept := self._read(stream)) is not None:
                here[kept.sha256] = own
        return closed_messages(named, streams, here)

    def _stated(self, own: MessageHead, party: str, sha256: str) -> ChainStatement:
        """Return the statement of another recipient, once it was checked."""
        senders, place = self._as_logged(statement_stream(party), party, sha256)
        raw = self.api.statement(self.space.round.round, self.space.name, party)
        with self._kept_unread(raw):
            statement = open_statement(raw, self.keys(), senders, place)
        self._refuse_other_log(statement.head)
        ledger, stream = self.ledger.read(), claims_stream(party, self.party)
        claims = None if self._read(stream) is None else self._claims(stream)
        believed = self._believed(ledger, statement.head)
        check_statement(ledger, own, statement, believed, claims)
        return statement

    def _received(self, partner: str) -> Claims:
        """Return the claims of a partner, which are fetched and opened once."""
        stream, sha256 = claims_stream(partner, self.party), self.space.listed(partner, self.party)
        if sha256 is None:
            raise OthersWaitedForError(
                f"{partner} has yet to send its claims in round {self.space.round.round}"
            )
        kept = self._read(stream)
        if kept is None or kept.sha256 != sha256:
            senders, place = self._as_logged(stream, partner, sha256)
            raw = self.api.claims(self.space.turn, partner)
            with self._kept_unread(raw):
                received = open_claims(raw, self.keys(), senders, place)
            self._keep(stream, raw, received)
        return self._claims(stream)

    # What the log says of messages.

    def _as_logged(
        self, stream: str, sender: str, sha256: str
    ) -> tuple[Mapping[str, PublicIdentity], Listed]:
        """Return who could sign a message when the log took it, and where it stands in its stream."""
        for anew in (False, True):
            history = self.read_log(anew=anew)
            by_log = logged_stream(history.entries, self.space.name, stream)
            found = find_message(by_log, self.space.turn, sha256)
            if found is not None:
                return self.signers_of(sender, history, found[0].entry), found[1]
        raise RoundUnprovenError(
            f"the match log does not show a message of {sender} in round {self.space.turn.round} that the"
            " broker lists",
            hint="nothing of this round is stored; tell the other agencies and the operator",
        )

    def newest_place(self, stream: str) -> MessagePlace | None:
        """Return the newest message of an own stream by the log, whichever workspace sent it; None: none."""
        logged = logged_stream(self.read_log(anew=False).entries, self.space.name, stream)
        return logged[-1].place if logged else None

    def _refuse_other_log(self, head: MessageHead) -> None:
        """Refuse a message whose sender was shown another match log, or none of the round."""
        tell = "nothing of this round is stored; call the other agency, and keep the workspace as it is"
        try:
            seen = self.compare_log(head.checkpoint.encode("utf-8"))
        except LogRewrittenError as exc:
            raise OtherLogError(
                f"{head.sender} was shown a different match log from this agency's", hint=tell
            ) from exc
        except LogError as exc:
            raise MessageUntrustedError(
                f"{head.sender} names a checkpoint that the log has not signed", hint=tell
            ) from exc
        if seen.size <= self.space.round.receipt.index:
            raise MessageUntrustedError(
                f"{head.sender} names a checkpoint from before the round was opened", hint=tell
            )

    def _believed(self, ledger: Ledger, received: MessageHead) -> Believed:
        """Return what is believed about vetoes: those of this agency's own only where it may have lost them.

        That is where it has voided its nonces, as after its workspace was restored, and has not applied a
        release with each other recipient since: one may hear from another what this agency had told that one.
        So it is where the sender has voided its own since the two last heard each other, and comes from a day
        that this agency has forgotten.
        """
        history = self.read_log(anew=False)
        others = [party for party in self.space.recipients if party != self.party]
        heard = {party: _last_round(ledger, self.party, party) for party in others}
        recalls = any(history.voided_since(self.party, number) for number in heard.values())
        if received.applied is not None and not recalls:
            recalls = history.voided_since(
                received.sender, heard.get(received.sender)
            ) and history.voided_since(self.party, received.applied.round)
        return Believed(self.makers, recalls)

    # What was said and heard, as it is kept.

    def _shared(self) -> Iterator[tuple[PairRelease, str]]:
        """Yield the releases with partners that receive in the space, too."""
        for release in self.space.releases:
            partner = release.other(self.party)
            if partner in self.space.proofs:
                yield release, partner

    def _read(self, stream: str) -> Carried | None:
        return self.said.read(self.space.turn, self.space.name, stream)

    def _claims(self, stream: str) -> Claims:
        return self.said.claims(self.space.turn, self.space.name, stream)

    def _statement(self, stream: str) -> ChainStatement:
        return self.said.statement(self.space.turn, self.space.name, stream)

    def _keep(self, stream: str, raw: bytes, said: Claims | ChainStatement) -> Carried:
        return self.said.keep(self.space.turn, self.space.name, stream, raw, said)

    @contextmanager
    def _kept_unread(self, raw: bytes) -> Iterator[None]:
        """Keep a message as evidence that turns out to be none that can be read."""
        try:
            yield
        except MessageUnreadableError:
            self.said.keep_unread(self.space.turn, raw)
            raise

    def _posting(self, before: MessagePlace | None) -> Posting:
        person, key = self.own.public.person, self.own.keys.signing_key
        return Posting(person, key, self.checkpoint, self.created, before)


def _refuse_rolled_back(ledger: Ledger, own: MessageHead) -> None:
    """Refuse a round of which this agency spoke before its ledger went back."""
    if own.applied is not None and own.applied.rollback != ledger.rolled_back:
        raise RollbackError(
            f"this agency's ledger went back after it had sent its claims of round {own.round}",
            hint="nothing of this round is stored; the next round goes on",
        )


def _last_round(ledger: Ledger, party: str, other: str) -> int | None:
    one, another = sorted((party, other))
    newest = ledger.newest_digest((one, another))
    return None if newest is None else newest[0].round


def _follows(kept: Carried, head: MessageHead, before: MessagePlace | None) -> bool:
    """Tell whether a message that was kept comes next, or has come: another workspace may have sent one."""
    is_there = before is not None and before.sha256 == kept.sha256
    return is_there or (head.sequence, head.previous) == place_after(before)
