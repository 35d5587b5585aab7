"""What commands need of agreements: whether the broker keeps to the signed one, and a seat at the table."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import click

from encoding.agreement.coverage import (
    require_cover,
    require_covered_run,
    require_own_upload,
)
from encoding.agreement.kept_agreements import KeptAgreement, KeptAgreements, read_kept, write_kept
from encoding.agreement.own_words import require_last
from encoding.agreement.signer import Signer, changes_since
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
from encoding.broker.credential import SignIn
from encoding.errors import (
    AgreementUntrustedError,
    BrokerRefusedError,
    IdentityError,
    LogKeyError,
    NotReadyError,
    OthersWaitedForError,
)
from encoding.log.pins import PinnedLog
from encoding.log.receipts import ReceiptFolder
from encoding.people.peers import Peers, meet_kept, read_peers, write_peers
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session, broker_of, place_of
from encoding.workspace.workspace import Workspace, open_workspace
from schemas.agreement.amendment import succession_fault
from schemas.signing.signed_request import Where

if TYPE_CHECKING:
    from datetime import datetime

    from encoding.broker.client import BrokerClient
    from encoding.people.identity import Identity
    from schemas.agreement.agreement import Agreement
    from schemas.agreement.negotiation import AgreementSummary
    from schemas.agreement.statement import SignedStatement
    from schemas.api.bodies import ProjectView, RunView
    from schemas.linkage.profile import Side
    from schemas.signing.identity import IdentityHistory

_OTHER_BROKER: Final = (
    "if this is another broker than before, name a workspace for it: --workspace FOLDER"
)
_BINDING: Final = ("in-force", "suspended", "signed")
_Histories: TypeAlias = "Callable[[], Sequence[IdentityHistory]]"


@dataclass(frozen=True, slots=True)
class Seat:
    """A person at a broker, in one project, with what their workspace keeps of its agreements."""

    session: Session
    client: BrokerClient
    own: Identity
    project: str
    workspace: Workspace

    @property
    def party(self) -> str:
        """Whom the person acts for."""
        return self.own.public.party

    @property
    def log(self) -> str:
        """The name of the broker's log, as it is pinned."""
        return _pins(self.workspace).name

    def known(self) -> KeptAgreements:
        """Return the agreements that are kept."""
        return read_kept(self.workspace.agreements(self.project), self.project)

    def peers(self) -> Peers:
        """Return whose keys are trusted, with the changes of keys that the broker shows."""
        return read_peers(self.workspace.peers).meet(self.identities())

    def identities(self) -> Sequence[IdentityHistory]:
        """Return the persons' keys as the broker shows them; a directory, not to be believed.

        Who was revoked since is among them: what they have signed counts on, by the keys of then.
        """
        return self.client.identities(self.project, former=True).identities

    def vouched_peers(self) -> Peers:
        """Return whose keys are trusted, and those for whom a trusted steward has signed."""
        shown = self.identities()
        met = read_peers(self.workspace.peers).meet(shown)
        return _with_vouched(met, self.known(), self.party, self.session.now(), shown)

    def signer(self, agreement: Agreement) -> Signer:
        """Return the person as a signer about an agreement."""
        listed = agreement.person(self.own.public.person)
        before = self.client.last_word(self.project)
        require_last(before, self.known(), self.party)
        if listed is None or listed.signing_key == self.own.public.signing_key:
            return Signer(self.own, agreement, before=before)
        shown = self.identities()
        return Signer(self.own, agreement, changes_since(agreement, self.own, shown), before)

    def fetch(self, digest: str, *, is_compared: bool = False) -> KeptAgreement:
        """Return an agreement as the broker shows it, verified, and held against trusted keys."""
        shown, known = self._shown(digest), self.known()
        last = known.last_complete()
        n_last = 0 if last is None else last.agreement.number
        is_new = known.find(digest) is None
        if known.agreements and is_new and shown.agreement.number > n_last + 1:
            # Others have gone on, and who acts for them by now says what they have signed.
            self.refresh()
        # Nothing goes by a version that another has replaced, whose people may all have left since.
        if is_compared or shown.agreement.number >= n_last:
            require_keys(shown.agreement, self.vouched_peers())
        require_stewards(self.known(), shown, self.identities, is_compared=is_compared)
        return shown

    def shown(self, number: int | None) -> KeptAgreement:
        """Return the version of this number at the broker, verified; None: the newest."""
        listed = self.client.agreements(self.project).agreements
        chosen = next((one for one in listed if number in (None, one.number)), None)
        if chosen is None:
            raise NotReadyError("there is no such agreement at the broker")
        return self.follow(self.fetch(chosen.agreement))

    def waiting(self) -> str | None:
        """Return the digest of the newest agreement that this party has yet to sign; None: there is none."""
        for summary in self.client.agreements(self.project).agreements:
            if summary.state == "proposed" and self.party in summary.missing:
                return summary.agreement
        return None

    def in_force(self) -> KeptAgreement:
        """Return the agreement that binds the project, or waits for its start: the newest all have signed."""
        listed = self.client.agreements(self.project)
        for state in _BINDING:
            for summary in listed.agreements:
                if summary.state == state:
                    return self._reach(summary.agreement)
        raise self._unbound()

    def last_signed(self) -> KeptAgreement:
        """Return the newest agreement that all have signed, whether it has begun or not."""
        newest = _newest_signed(self.client.agreements(self.project).agreements)
        if newest is None:
            raise self._unbound()
        return self._reach(newest.agreement)

    def _unbound(self) -> NotReadyError:
        return NotReadyError(
            f"no agreement binds the project {self.project}",
            hint="see where it stands: blindlink agreement status",
        )

    def refresh(self) -> KeptAgreements:
        """Return what is kept, with what has been signed about it since, and what has followed it."""
        listed = self.client.agreements(self.project).agreements
        shown = {one.agreement for one in listed}
        for kept in self.known().agreements:
            if kept.digest in shown:
                # Whose keys it lists was looked at when it came; those persons may have left since.
                self.keep(self._shown(kept.digest))
        last = self.known().last_complete()
        newest = _newest_signed(listed)
        if last is not None and newest is not None and newest.number > last.agreement.number:
            self._reach(newest.agreement)
        return self.known()

    def keep_own(self, agreement: KeptAgreement) -> None:
        """Keep an agreement whose fingerprint somebody here has compared."""
        changed = self.known().with_one(agreement)
        write_kept(self.workspace.agreements(self.project), changed)

    def keep_word(self, signed: SignedStatement, *, is_shown: bool) -> None:
        """Keep that an approval or a revocation was sent, so that no broker leaves it out."""
        if not is_shown:
            raise AgreementUntrustedError("the broker does not show the statement that was sent")
        changed = self.known().with_word(signed.statement)
        write_kept(self.workspace.agreements(self.project), changed)

    def follow(self, shown: KeptAgreement) -> KeptAgreement:
        """Keep what was verified of an agreement if it is kept already, and return it in any case."""
        return shown if self.known().find(shown.digest) is None else self.keep(shown)

    def preceding(self, agreement: Agreement) -> KeptAgreement | None:
        """Return the version that an agreement follows, from the broker if it is not kept.

        None: there is none, or it does not name this party, which joins with the agreement.
        """
        known = self.known()
        if agreement.amends is None and known.find(agreement.previous or "") is None:
            listed = self.client.agreements(self.project).agreements
            if all(one.agreement != agreement.previous for one in listed):
                return None
        return _preceding(self.client, self.workspace, known, agreement)

    def keep(self, shown: KeptAgreement) -> KeptAgreement:
        """Keep what was verified of an agreement, and return it."""
        return _keep(
            self.session,
            self.workspace,
            self.party,
            known=self.known(),
            shown=shown,
            peers=self.vouched_peers(),
            histories=self.identities,
        )

    def _shown(self, digest: str) -> KeptAgreement:
        return _shown(self.client, self.workspace, self.project, digest)

    def _reach(self, digest: str) -> KeptAgreement:
        """Keep an agreement, once those are kept that others have signed meanwhile; returns it."""
        for shown in _line(self.client, self.workspace, self.known(), digest):
            require_keys(shown.agreement, self.vouched_peers())
            kept = self.keep(shown)
        return kept


@contextlib.contextmanager
def seat(session: Session, project: str | None = None) -> Iterator[Seat]:
    """Give a seat in a project; an option names it first, and whoever has no settings names the broker, too."""
    own = unlock_own(session)
    has_settings = session.config_path.exists()
    project = session.named_project or project or (session.project if has_settings else None)
    if project is None:
        raise click.UsageError("missing option --project: no settings file names it")
    url, ca_file = broker_of(session)
    workspace = session.workspace if has_settings else open_workspace(session.seat_folder)

    def place() -> Where:
        return place_of(workspace, project, None, session.now().date())

    with session.connect_to(url, ca_file, SignIn(own, url, session.now), place) as client:
        if has_settings:
            session.trust(client)
        else:
            _pin(session, client, workspace)
        yield Seat(session, client, own, project, workspace)


def pinned_log(session: Session, project: str | None = None) -> str:
    """Return the name of the log that is pinned here; where none is yet, the broker's is pinned first."""
    has_settings = session.config_path.exists()
    pins = _pins(session.workspace if has_settings else Workspace(session.seat_folder))
    if pins.has_key():
        return pins.name
    with seat(session, project) as at:
        return at.log


def _pin(session: Session, client: BrokerClient, workspace: Workspace) -> None:
    """Pin the log where no settings do: what is signed names it, so that it counts in no other one."""
    try:
        session.pinned(client, workspace, None)
    except LogKeyError as exc:
        exc.hint = f"{exc.hint}; {_OTHER_BROKER}"
        raise


def require_agreement(
    session: Session, client: BrokerClient, view: ProjectView, *, must_bind: bool
) -> None:
    """Make sure that the broker goes by the agreement that was signed, with every signature verified anew."""
    known = _follow(session, client, agreements_kept(session), view.agreement)
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
    known, specification = agreements_kept(session), run.specification
    if known.find(specification.agreement) is None:
        known = _follow(session, client, known, specification.agreement)
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


def _preceding(
    client: BrokerClient, workspace: Workspace, known: KeptAgreements, newer: Agreement
) -> KeptAgreement | None:
    """Return the version that an agreement names as the one before it, from the broker if it is not kept."""
    if newer.previous is None:
        return None
    before = known.find(newer.previous)
    if before is None or before.missing():
        before = _shown(client, workspace, known.project, newer.previous)
    fault = succession_fault(before.agreement, newer)
    if before.missing():
        fault = f"{before.missing()[0]} has not signed that one"
    if fault is not None:
        raise AgreementUntrustedError(
            f"agreement {newer.number} does not follow the one that it names: {fault}"
        )
    return before


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
    trusted = _with_vouched(met, agreements_kept(session), session.party, session.now(), shown)
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


def _newest_signed(listed: Sequence[AgreementSummary]) -> AgreementSummary | None:
    binding = (one for one in listed if one.state in _BINDING)
    return max(binding, key=lambda one: one.number, default=None)


def _with_vouched(
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


def _follow(
    session: Session, client: BrokerClient, known: KeptAgreements, digest: str
) -> KeptAgreements:
    """Return what is kept after looking at the agreement by which the broker goes, and at those it amends."""

    def keep(
        known: KeptAgreements, shown: KeptAgreement, peers: Peers, histories: _Histories
    ) -> KeptAgreements:
        _keep(
            session,
            session.workspace,
            session.party,
            known=known,
            shown=shown,
            peers=peers,
            histories=histories,
        )
        return agreements_kept(session)

    return _walk(session, client, known, digest, keep)


def _walk(
    session: Session,
    client: BrokerClient,
    known: KeptAgreements,
    digest: str,
    take: Callable[[KeptAgreements, KeptAgreement, Peers, _Histories], KeptAgreements],
) -> KeptAgreements:
    """Return what is known once each agreement that leads to one was taken, in order."""
    line = _line(client, session.workspace, known, digest)
    peers = read_peers(session.workspace.peers)
    identities: Sequence[IdentityHistory] = ()
    here = _with_vouched(peers, known, session.party, session.now(), identities)
    is_new = known.find(digest) is None
    if peers.peers and (is_new or not _lists_known_keys(line[-1].agreement, here)):
        identities = client.identities(session.project, former=True).identities
        peers = peers.meet(identities)
    for shown in line:
        peers = _with_vouched(peers, known, session.party, session.now(), identities)
        require_keys(shown.agreement, peers)
        known = take(
            known,
            shown,
            peers,
            lambda: client.identities(session.project, former=True).identities,
        )
    return known


def _lists_known_keys(agreement: Agreement, peers: Peers) -> bool:
    """Tell whether an agreement can be held against trusted keys without asking which followed them."""
    try:
        require_keys(agreement, peers)
    except IdentityError:
        return False
    return True


def _line(
    client: BrokerClient, workspace: Workspace, known: KeptAgreements, digest: str
) -> list[KeptAgreement]:
    """Return an agreement, and before it those between the last one that is kept and it, verified."""
    line = [_shown(client, workspace, known.project, digest)]
    last = known.last_complete()
    while last is not None and line[-1].agreement.number > last.agreement.number + 1:
        line.append(_shown(client, workspace, known.project, line[-1].agreement.previous or ""))
    return line[::-1]


def _shown(client: BrokerClient, workspace: Workspace, project: str, digest: str) -> KeptAgreement:
    """Return an agreement of the pinned log as the broker shows it, verified."""
    try:
        shown = verified(client.agreement(project, digest), digest)
    except BrokerRefusedError as exc:
        if exc.problem != "not-found":
            raise
        raise AgreementUntrustedError(
            "the broker uses an agreement that this agency does not have, and does not show it",
            hint="ask the operator, by telephone, which agreement that is",
        ) from exc
    require_log(shown.agreement, _pins(workspace).name)
    return shown


def _pins(workspace: Workspace) -> PinnedLog:
    return PinnedLog(workspace.pins, workspace.log_key)


def _require_trusted(
    party: str,
    known: KeptAgreements,
    shown: KeptAgreement,
    peers: Peers,
    histories: _Histories,
) -> bool:
    """Make sure that an agreement may be gone by; return whether it is the first one of the project."""
    require_keys_of_then(shown, peers)
    require_stewards(known, shown, histories)
    is_new = known.find(shown.digest) is None
    return is_new and require_adoptable(known, shown, party, peers)


def _keep(
    session: Session,
    workspace: Workspace,
    party: str,
    *,
    known: KeptAgreements,
    shown: KeptAgreement,
    peers: Peers,
    histories: _Histories,
) -> KeptAgreement:
    is_first = _require_trusted(party, known, shown, peers, histories)
    if known.find(shown.digest) is None:
        # A job that says nothing tells this, too: whoever knows better may halt the linkage.
        before = known.find(shown.agreement.previous or "")
        told = None if before is None else before.agreement
        session.warn(adoption_words(told, shown.agreement, is_first=is_first))
    changed = merged(known, shown)
    if changed != known:
        write_kept(workspace.agreements(known.project), changed)
    return changed.find(shown.digest) or shown
