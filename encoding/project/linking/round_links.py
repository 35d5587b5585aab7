"""The last steps of a round: matches fetched, claims exchanged, link IDs written beside record IDs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING

from encoding.blocks.keys import round_key
from encoding.errors import ALARM, AgencyError, NotReadyError, OthersWaitedForError, WorkspaceError
from encoding.evidence.disclosed_records import DisclosedRecords
from encoding.ledger.claims import PairRelease, Proof
from encoding.ledger.errors import LinkAlarmError, TranscriptError
from encoding.ledger.values import Turn as LedgerTurn
from encoding.packing.container import read_container
from encoding.packing.handles import MapName, derive_map_keys, read_handle_map
from encoding.packing.tokens_met import TokensMet, tokens_met
from encoding.project.agreement.agreements import agreements_kept, require_agreed_run, trusted_peers
from encoding.project.agreement.rosters import on_their_roster, signers_then
from encoding.project.context import Context
from encoding.project.linking.alarms import keep_alarm, refuse_given_up
from encoding.project.linking.links_files import (
    LinksOrder,
    LinksWritten,
    MatchedRecords,
    write_links_of_round,
)
from encoding.project.linking.round_reports import report_of_round, warned_of
from encoding.project.own_keys import own_keys, unlock_own
from encoding.project.reviewing.kept_reviews import waiting_for_review
from encoding.project.rounds import as_it_stands, history_under_lock, own_turns
from encoding.project.secret.shared_secret import secret_of
from encoding.project.uploading.steps import own_nonces
from encoding.rounds.round_memory import Said
from encoding.rounds.space import Exchange, SpaceOfRound
from encoding.rounds.turns import Turn
from encoding.transfers.matches import (
    fetch_release,
    packed_matches,
    releases_of_turn,
)
from schemas.documents.ids import utc_text
from schemas.rounds.claims import Transcript
from schemas.shared.amounts import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from encoding.ledger.claim_checks import CheckedPair
    from encoding.packing.container import KeptContainer
    from encoding.packing.handles import Handles
    from encoding.rounds.history import RoundHistory
    from schemas.api.releases import ReleaseView
    from schemas.matchlog.review_kinds import SupplementClosed
    from schemas.matchlog.round_kinds import RoundClosed
    from schemas.rounds.receipt import Receipt
    from schemas.rounds.rounds import RoundView


class RoundLinks:
    """The link IDs of one release of a round: what was fetched is kept, since a fetch is logged."""

    def __init__(self, context: Context, found: RoundView, supplement: int | None = None) -> None:
        name = context.space
        if name is None:
            raise NotReadyError("the agreement gives this agency no matches of its own records")
        self._context, self._round, self._space = context, found, name
        self._supplement = supplement
        self._turn = LedgerTurn(found.round, supplement or 1)
        # Of each partner: handles of the own container, and in which row each one's record met its match.
        self._rows: dict[str, tuple[Handles, NDArray[np.int64]]] = {}
        # The digests of the specifications by which the runs were made that were fetched of.
        self._runs: dict[str, str] = {}
        self._read: RoundHistory | None = None
        self._listed: RoundClosed | SupplementClosed | None = None

    @cached_property
    def releases(self) -> tuple[PairRelease, ...]:
        """The matches of this agency's pairs, with record keys in the place of handles."""
        session = self._context.session
        views = releases_of_turn(self._context.client, session.project, session.party, self._turn)
        if not views:
            raise NotReadyError(
                "no matches have been released to this agency yet", hint="see: blindlink status"
            )
        return tuple(self._fetch(partner, view) for partner, view in sorted(views.items()))

    def agree(self) -> None:
        """Exchange claims, and carry the ledger on once the release is closed.

        Nothing happens where it was carried on before, or was closed without a partner's claims. If some that
        count cannot be read, it is as if they had not come: that is kept, and told by `alarms_told`.
        """
        refuse_given_up(self._context.session, self._turn)
        try:
            self._agree()
        except LinkAlarmError as exc:
            is_closed = self._supplement is None and self._round.state == "closed"
            if self._listed is None and not is_closed:
                raise
            if not keep_alarm(self._context.session, self._turn, exc).is_over:
                raise
            self._context.session.warn(str(exc))

    def _agree(self) -> None:
        with self._context.session.workspace.lock():
            ledger = self._context.ledger_file.read()
            if ledger.last is not None and ledger.last >= self._turn:
                return
            if len(ledger) and self._supplement is None and not self._context.is_lasting:
                ledger.end_all()
                self._context.ledger_file.write(ledger)
            at = self._exchange(self._space_now())
            at.send_claims()
            at = replace(at, space=self._space_now())
            checked = at.read_claims()
            if self._supplement is None:
                at.send_statement(checked)
            at = replace(at, space=self._space_now())
        if self._listed is None:
            which = f"round {self._turn.round}"
            what = which if self._supplement is None else f"the supplementary release of {which}"
            raise OthersWaitedForError(f"{what} is not closed yet")
        self._tell_doubts(checked)
        with self._context.session.workspace.lock():
            at.carry_ledger_on(checked, self._listed)

    def _space_now(self) -> SpaceOfRound:
        space = self._at_space(as_it_stands(self._context, self._round))
        if space.closing is not None and self._listed is None:
            # Before anything is done by it.
            self._listed = self._counted(space, space.closing)
        return space

    def _counted(self, space: SpaceOfRound, shown: Receipt) -> RoundClosed | SupplementClosed:
        """Return which messages count, as the pinned log lists them, whatever the broker shows."""
        context = self._context
        context.trust.log.vouch(shown.checkpoint.encode("utf-8"), context.client)
        history = self._read_log(anew=True)
        if space.supplement is None:
            return history.closing_of(space.turn.round)
        return history.supplement_closing_of(space.turn.round, space.supplement)

    def _read_log(self, *, anew: bool) -> RoundHistory:
        """Return the rounds as the pinned log shows them; call it under the lock, as each reading is logged."""
        if self._read is None or anew:
            self._read = history_under_lock(self._context)
        return self._read

    def _tell_doubts(self, checked: Iterable[CheckedPair]) -> None:
        for pair in checked:
            one, another = pair.pair
            partner = another if one == self._context.session.party else one
            if pair.n_unproven:
                self._context.session.warn(
                    f"{pair.n_unproven:,} matches with {partner} have no proof that the records met by a key:"
                    " one of the two containers, or its secret, is not in its agency's workspace any more"
                )
            if pair.other_ledger == "behind":
                self._context.session.warn(
                    f"the ledger of {partner} is that of an earlier round: its workspace was restored, or it"
                    " has missed rounds"
                )
            if pair.n_recalled:
                self._context.session.warn(
                    f"{partner} says that this agency has unlinked {counted(pair.n_recalled, 'link ID')}, which"
                    " its ledger does not have; if this workspace was not restored, call your security officer"
                )

    def write(self, order: LinksOrder) -> LinksWritten:
        """Write the link IDs of the records that were matched in the round, and what changed."""
        written = write_links_of_round(self._context, self._matched(), order)
        with warned_of(self._context.session):
            report_of_round(self._context, self._turn.round, order, written)
        return written

    def _matched(self) -> MatchedRecords:
        session = self._context.session
        latest = frozenset(one.record for release in self.releases for one in release.matches)
        first = LedgerTurn(self._round.round, 1)
        partners = releases_of_turn(self._context.client, session.project, session.party, first)
        with session.workspace.lock():
            ledger = self._context.ledger_file.read()
            kept = DisclosedRecords(session.workspace, session.project)
            for release in self.releases:
                of_pair = {one.record for one in release.matches}
                kept.keep_matches(first.round, of_pair, release.other(session.party))
            known = kept.among(first.round, chain(ledger.everyone(), ledger.left_out))
        return MatchedRecords(
            self._turn,
            tuple(sorted(partners)),
            records=latest | known,
            latest=latest,
            undecided=self._undecided(),
        )

    def _undecided(self) -> frozenset[str]:
        """Return which records wait for reviewers; links are written even where that cannot be told."""
        try:
            return waiting_for_review(self._context, self._round.round)
        except AgencyError as exc:
            if exc.exit_code == ALARM:
                raise
            self._context.session.warn(
                f"the pairs that wait for your reviewers can't be listed: {exc}"
            )
            return frozenset()

    def _fetch(self, partner: str, view: ReleaseView) -> PairRelease:
        session, client = self._context.session, self._context.client
        run = client.run(view.run)
        require_agreed_run(session, client, run, for_release=True)
        self._runs[run.run] = run.specification.digest()
        fetched = fetch_release(client, view, self._context.trust)
        name = MapName(session.project, self._round.round, partner)
        keys = derive_map_keys(session.workspace.key(), session.project)
        handle_map = read_handle_map(session.workspace.handle_map(*name), name, keys)
        self._rows[partner] = (fetched.handles(), fetched.rows())
        one, another = sorted((session.party, partner))
        return PairRelease(self._turn, (one, another), packed_matches(fetched, handle_map))

    @property
    def _recipients(self) -> tuple[str, ...]:
        """All parties that receive matches in the space, in order."""
        return tuple(
            one.party
            for one in self._context.view.terms.recipients
            if (one.space, one.mode) == (self._space, "linked")
        )

    def _at_space(self, found: RoundView) -> SpaceOfRound:
        party, recipients, releases = self._context.party, self._recipients, self.releases
        for run, specification in self._runs.items():
            self._read_log(anew=False).refuse_unfinished(run, specification)
        turns = {turn.partner: turn for turn in own_turns(self._context, found)}
        proofs = {
            partner: self._proof(found, turns[partner])
            for release in releases
            if (partner := release.other(party)) in recipients
        }
        n_pairs = sum(
            one.has_result and {one.larger, one.smaller} <= {*recipients} for one in found.progress
        )
        supplements = (one for one in found.supplements if one.release == self._supplement)
        return SpaceOfRound(
            self._space,
            found,
            recipients,
            releases,
            proofs,
            n_pairs > 1,
            next(supplements, None),
        )

    def _proof(self, found: RoundView, turn: Turn) -> Proof:
        """Return what proves the matches of a pair; without container or secret nothing does: no alarm."""
        session = self._context.session
        progress = next(
            one for one in found.progress if (one.larger, one.smaller) == turn.pair.parties
        )
        roots = {progress.larger: progress.root_larger, progress.smaller: progress.root_smaller}
        earlier = progress.earlier
        if earlier is None or None in roots.values():
            raise NotReadyError(f"round {found.round} does not have both containers of this pair")
        later = turn.pair.partner_of(earlier)
        transcript = Transcript(earlier=roots[earlier] or "", later=roots[later] or "")
        self._refuse_other_roots(turn, roots)
        key, tokens = self._key_and_tokens(turn, roots[session.party] or "")
        return Proof(key, tokens.of, transcript)

    def _refuse_other_roots(self, turn: Turn, roots: Mapping[str, str | None]) -> None:
        """Hold the containers that the broker names to those that both parties have sent by the log."""
        history, own = self._read_log(anew=False), self._context.session.party
        for party, partner in ((own, turn.partner), (turn.partner, own)):
            sent = history.upload_of(turn.round, party, partner)
            if sent is None or sent.root != roots[party]:
                whose = "this agency" if party == own else party
                raise TranscriptError(
                    f"the broker names a different container from the one {whose} has sent to {partner}, by the"
                    " match log",
                    hint="nothing of this round is stored; tell the other agencies and the operator",
                )

    def _key_and_tokens(self, turn: Turn, root: str) -> tuple[bytes, TokensMet]:
        """Return the round's key, and the tokens of the rows that the release names.

        There are none where the container is gone, or its round's secret, which may be of a former epoch: both
        sides go by their containers.
        """
        session, nothing = self._context.session, (b"", TokensMet())
        container = self._container(turn, root)
        if container is None:
            return nothing
        tokens, head = tokens_met(container, *self._rows[turn.partner]), container.header
        secret = secret_of(session, head)
        if secret is None:
            session.say(
                f"the secret of round {head.round} is not here any more: what was matched with"
                f" {turn.partner} cannot be proven"
            )
            return nothing
        return round_key(secret, turn.name(head.project, head.epoch, head.profile)), tokens

    def _container(self, turn: Turn, root: str) -> KeptContainer | None:
        """Return the container that was sent; None where it is gone."""
        session = self._context.session
        path = session.workspace.container(session.project, turn.round, turn.partner)
        try:
            container = read_container(path)
        except WorkspaceError as exc:
            session.say(f"{exc}: what was matched with {turn.partner} cannot be proven")
            return None
        if container.header.root == root:
            return container
        if own_nonces(session).is_spent(turn.own_nonce.number):
            # Else it would be an excuse for matches without a proof.
            raise TranscriptError(
                f"the broker names a different container from the one this agency has sent to {turn.partner}",
                hint="nothing of this round is stored; tell the other agencies and the operator",
            )
        return None

    def _exchange(self, space: SpaceOfRound) -> Exchange:
        context, session = self._context, self._context.session
        shown = context.client.identities(session.project).identities
        trusted = trusted_peers(session, shown)
        receivers = {}
        for party in self._recipients:
            if party != session.party:
                known = trusted.trusted_of(party, shown)
                people = tuple(one for one in known if "recipient" in one.duties)
                receivers[party] = on_their_roster(session, party, people)
        agreements = agreements_kept(session).signed().values()
        return Exchange(
            party=session.party,
            api=context.api,
            own=unlock_own(session),
            keys=partial(own_keys, session),
            ledger=context.ledger_file,
            said=Said(session.workspace.folder / "said", session.project, session.workspace.key()),
            receivers=receivers,
            makers={party for agreement in agreements for party in agreement.names()},
            # The newest one: on a busy log several stand side by side.
            checkpoint=context.trust.log.pins()[-1].note.decode("utf-8"),
            created=utc_text(session.now()),
            compare_log=partial(context.trust.log.compare, source=context.client),
            read_log=self._read_log,
            signers_of=partial(signers_then, context),
            space=space,
        )
