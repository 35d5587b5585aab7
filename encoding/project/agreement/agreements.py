"""Whether the broker keeps to the signed agreement: what it shows, held against what is kept here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import click

from encoding.agreement.coverage import (
    require_cover,
    require_covered_run,
    require_own_upload,
)
from encoding.agreement.kept_agreements import KeptAgreement, KeptAgreements, read_kept, write_kept
from encoding.agreement.verification import (
    merged,
    require_adoptable,
    require_keys,
    require_keys_of_then,
    require_log,
    require_stewards,
    verified,
    vouched_keys,
)
from encoding.agreement.words import adoption_words
from encoding.broker.client import BrokerClient
from encoding.errors import (
    AgreementUntrustedError,
    BrokerRefusedError,
    IdentityError,
    OthersWaitedForError,
)
from encoding.log.pins import PinnedLog
from encoding.log.receipts import ReceiptFolder
from encoding.people.peers import Peers, meet_kept, read_peers, write_peers
from encoding.project.session import Session
from encoding.workspace.workspace import Workspace
from schemas.agreement.agreement import Agreement
from schemas.agreement.amendment import succession_fault
from schemas.agreement.negotiation import AgreementSummary
from schemas.api.projects import ProjectView
from schemas.api.runs import RunView
from schemas.linkage.profile import Side
from schemas.signing.identity import IdentityHistory

BINDING: Final = ("in-force", "suspended", "signed")


@dataclass(frozen=True, slots=True)
class Agreements:
    """A project's agreements as its broker shows them, held against what a workspace keeps and trusts."""

    session: Session
    client: BrokerClient
    project: str
    workspace: Workspace

    @classmethod
    def of(cls, session: Session, client: BrokerClient) -> Agreements:
        """Return those of the project that the settings name."""
        return cls(session, client, session.project, session.workspace)

    @property
    def party(self) -> str:
        """Whose workspace it is."""
        return self.session.party

    @property
    def log(self) -> str:
        """The name of the broker's log, as it is pinned."""
        return PinnedLog(self.workspace.pins, self.workspace.log_key).name

    def known(self) -> KeptAgreements:
        """Return the agreements that are kept."""
        return read_kept(self.workspace.agreements(self.project), self.project)

    def write(self, changed: KeptAgreements) -> None:
        """Keep these in place of the former ones."""
        write_kept(self.workspace.agreements(self.project), changed)

    def identities(self) -> Sequence[IdentityHistory]:
        """Return the persons' keys as the broker shows them; a directory, not to be believed.

        Who was revoked since is among them: what they have signed counts on, by the keys of then.
        """
        return self.client.identities(self.project, former=True).identities

    def verified(self, digest: str) -> KeptAgreement:
        """Return an agreement of the pinned log as the broker shows it, every signature verified."""
        try:
            shown = verified(self.client.agreement(self.project, digest), digest)
        except BrokerRefusedError as exc:
            if exc.problem != "not-found":
                raise
            raise AgreementUntrustedError(
                "the broker uses an agreement that this agency does not have, and does not show it",
                hint="ask the operator, by telephone, which agreement that is",
            ) from exc
        require_log(shown.agreement, self.log)
        return shown

    def newest_signed(self) -> AgreementSummary | None:
        """Return the newest agreement that all have signed, whether it has begun or not; None: none is."""
        listed = self.client.agreements(self.project).agreements
        binding = (one for one in listed if one.state in BINDING)
        return max(binding, key=lambda one: one.number, default=None)

    def line(self, known: KeptAgreements, digest: str) -> list[KeptAgreement]:
        """Return an agreement, and before it those between the last one that is kept and it, verified."""
        line = [self.verified(digest)]
        last = known.last_complete()
        while last is not None and line[-1].agreement.number > last.agreement.number + 1:
            line.append(self.verified(line[-1].agreement.previous or ""))
        return line[::-1]

    def named_before(self, known: KeptAgreements, newer: Agreement) -> KeptAgreement | None:
        """Return the version that an agreement names as the one before it, from the broker if not kept."""
        if newer.previous is None:
            return None
        before = known.find(newer.previous)
        if before is None or before.missing():
            before = self.verified(newer.previous)
        fault = succession_fault(before.agreement, newer)
        if before.missing():
            fault = f"{before.missing()[0]} has not signed that one"
        if fault is not None:
            raise AgreementUntrustedError(
                f"agreement {newer.number} does not follow the one that it names: {fault}"
            )
        return before

    def adopt(self, known: KeptAgreements, shown: KeptAgreement, peers: Peers) -> KeptAgreement:
        """Keep what was verified of an agreement that may be gone by, and return it."""
        require_keys_of_then(shown, peers)
        require_stewards(known, shown, self.identities)
        if known.find(shown.digest) is None:
            is_first = require_adoptable(known, shown, self.party, peers)
            # A job that says nothing tells this, too: anyone who knows better may halt the linkage.
            before = known.find(shown.agreement.previous or "")
            told = None if before is None else before.agreement
            self.session.warn(adoption_words(told, shown.agreement, is_first=is_first))
        changed = merged(known, shown)
        if changed != known:
            self.write(changed)
        return changed.find(shown.digest) or shown

    def follow_to(self, digest: str) -> KeptAgreements:
        """Return what is kept once each agreement that leads to one by which the broker goes was adopted."""
        known = self.known()
        line = self.line(known, digest)
        peers = read_peers(self.workspace.peers)
        shown_keys: Sequence[IdentityHistory] = ()
        here = with_vouched(peers, known, self.party, self.session.now(), shown_keys)
        is_new = known.find(digest) is None
        if peers.peers and (is_new or not _lists_known_keys(line[-1].agreement, here)):
            shown_keys = self.identities()
            peers = peers.meet(shown_keys)
        for shown in line:
            peers = with_vouched(peers, known, self.party, self.session.now(), shown_keys)
            require_keys(shown.agreement, peers)
            self.adopt(known, shown, peers)
            known = self.known()
        return known


def require_agreement(
    session: Session, client: BrokerClient, view: ProjectView, *, must_bind: bool
) -> None:
    """Make sure that the broker goes by the agreement that was signed, with every signature verified anew."""
    known = Agreements.of(session, client).follow_to(view.agreement)
    require_cover(known, view, session.now().date(), must_bind=must_bind)
    session.proven = view.agreement


def require_kept_agreement(session: Session, view: ProjectView) -> None:
    """Make sure, without the broker, that what it said before is covered by the agreement that is kept."""
    require_cover(agreements_kept(session), view, session.now().date(), must_bind=True)


def require_agreed_run(
    session: Session, client: BrokerClient, run: RunView, *, for_release: bool = False
) -> Agreement:
    """Make sure that a run is one that the agreement provides for; return the agreement that it is under.

    Whether it was approved is proved by the log: see `RoundHistory.refuse_unfinished`.
    """
    shown_here, specification = Agreements.of(session, client), run.specification
    known = shown_here.known()
    if known.find(specification.agreement) is None:
        known = shown_here.follow_to(specification.agreement)
    kept = require_covered_run(known, run.run, specification, run.specification_sha256)
    sent = ReceiptFolder(session.workspace.receipts).sent_for(specification, session.party)
    require_own_upload(known, specification, sent)
    if for_release and run.state == "succeeded":
        lacking = client.run_approvals(run.run).missing_for_release
        if lacking:
            raise OthersWaitedForError(
                f"the release of what the run found is not approved yet by {', '.join(lacking)}",
                hint=f"an approver types: blindlink approve --release {run.run}",
            )
    return kept.agreement


def agreed_holders(session: Session) -> dict[str, str]:
    """Return by party the persons through whom the agreement that is kept lets agencies hold the secret."""
    kept = agreements_kept(session).last_complete()
    parties = () if kept is None else kept.agreement.parties
    return {party.name: party.holder for party in parties if party.holder is not None}


def trusted_peers(session: Session, shown: Sequence[IdentityHistory]) -> Peers:
    """Return whom this agency trusts, with their newest keys among those shown, and keep it so.

    Whom the last complete agreement brings is among them. Call it under the lock.
    """
    place = session.workspace.peers
    met = meet_kept(place, shown)
    trusted = with_vouched(met, agreements_kept(session), session.party, session.now(), shown)
    if trusted != met:
        write_peers(place, trusted)
    return trusted


def agreement_in_force(session: Session, view: ProjectView) -> Agreement:
    """Return the signed agreement by which the project goes, once `project_view` has held it against it."""
    kept = agreements_kept(session).find(view.agreement)
    if kept is None:
        raise AgreementUntrustedError(
            "this computer does not have the agreement that the broker uses"
        )
    return kept.agreement


def agreed_side(session: Session) -> Side:
    """Return whether this agency's file is the larger or the smaller one of its pairs; else the larger one."""
    sides = {side for side, _ in _agreed_pairs(session)}
    if len(sides) > 1:
        raise click.UsageError(
            "your file is the larger one of one pair and the smaller one of another: say which with --side"
        )
    return next(iter(sides), "larger")


def most_of_partners(session: Session, side: Side) -> int | None:
    """Return how many records the largest file has at most that this agency's is held against on a side.

    None: no agreement is known that says so.
    """
    return max((most for own, most in _agreed_pairs(session) if own == side), default=None)


def _agreed_pairs(session: Session) -> Iterator[tuple[Side, int]]:
    """Yield of each of this agency's pairs its own side, and the most records of the partner's file."""
    if not session.config_path.exists():
        return
    for kept in agreements_kept(session).binding_about(session.now().date()):
        terms = kept.agreement.terms()
        for larger, smaller in terms.pairs:
            if session.party == larger:
                yield "larger", terms.file_size(smaller).most
            elif session.party == smaller:
                yield "smaller", terms.file_size(larger).most


def agreements_kept(session: Session) -> KeptAgreements:
    """Return the agreements that this agency keeps of its project."""
    return read_kept(session.workspace.agreements(session.project), session.project)


def with_vouched(
    peers: Peers,
    known: KeptAgreements,
    party: str,
    now: datetime,
    shown: Sequence[IdentityHistory],
) -> Peers:
    """Return the trusted persons with those for whom one of them has signed, with their newest keys."""
    vouched = tuple(vouched_keys(known, peers, party))
    for person in vouched:
        peers = peers.trust(person.party, person.fingerprint(), now, keep_others=True)
    return peers.meet(shown) if vouched else peers


def _lists_known_keys(agreement: Agreement, peers: Peers) -> bool:
    """Tell whether an agreement can be held against trusted keys without asking which followed them."""
    try:
        require_keys(agreement, peers)
    except IdentityError:
        return False
    return True
