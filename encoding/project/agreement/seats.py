"""A person at the negotiating table of a project: what they see, keep, and sign of its agreements."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import click

from encoding.agreement.kept_agreements import KeptAgreement, KeptAgreements
from encoding.agreement.signer import Signer, changes_since, require_last
from encoding.agreement.verification import (
    merged,
    require_keys,
    require_stewards,
    untrusted_keys,
)
from encoding.broker.credential import SignIn
from encoding.errors import (
    AgreementUntrustedError,
    LogKeyError,
    NotReadyError,
    OthersWaitedForError,
)
from encoding.log.pins import PinnedLog
from encoding.people.identity import Identity
from encoding.people.peers import Peers, read_peers, write_peers
from encoding.project.agreement.agreements import BINDING, Agreements, with_vouched
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session, broker_of, place_of
from encoding.workspace.workspace import Workspace, open_workspace
from schemas.agreement.agreement import Agreement
from schemas.agreement.statement import SignedStatement
from schemas.signing.identity import PublicIdentity
from schemas.signing.signed_request import Where

_OTHER_BROKER: Final = (
    "if this is another broker than before, name a workspace for it: --workspace FOLDER"
)


@dataclass(frozen=True, slots=True)
class Seat(Agreements):
    """A person at a broker, in one project, with what their workspace keeps of its agreements."""

    own: Identity

    @property
    def party(self) -> str:
        """Whom the person acts for."""
        return self.own.public.party

    def peers(self) -> Peers:
        """Return whose keys are trusted, with the changes of keys that the broker shows."""
        return read_peers(self.workspace.peers).meet(self.identities())

    def vouched_peers(self) -> Peers:
        """Return whose keys are trusted, and those for whom a trusted steward has signed."""
        shown = self.identities()
        met = read_peers(self.workspace.peers).meet(shown)
        return with_vouched(met, self.known(), self.party, self.session.now(), shown)

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
        shown, known = self.verified(digest), self.known()
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
        for state in BINDING:
            for summary in listed.agreements:
                if summary.state == state:
                    return self._reach(summary.agreement)
        raise self._unbound()

    def last_signed(self) -> KeptAgreement:
        """Return the newest agreement that all have signed, whether it has begun or not."""
        newest = self.newest_signed()
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
                self.keep(self.verified(kept.digest))
        last = self.known().last_complete()
        newest = self.newest_signed()
        if last is not None and newest is not None and newest.number > last.agreement.number:
            self._reach(newest.agreement)
        return self.known()

    def keep_own(self, agreement: KeptAgreement) -> None:
        """Keep an agreement whose fingerprint someone here has compared."""
        self.write(self.known().with_one(agreement))

    def keep_word(self, signed: SignedStatement, *, is_shown: bool) -> None:
        """Keep that an approval or a revocation was sent, so that no broker leaves it out."""
        if not is_shown:
            raise AgreementUntrustedError("the broker does not show the statement that was sent")
        self.write(self.known().with_word(signed.statement))

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
        return self.named_before(known, agreement)

    def keep(self, shown: KeptAgreement) -> KeptAgreement:
        """Keep what was verified of an agreement, and return it."""
        return self.adopt(self.known(), shown, self.vouched_peers())

    def _reach(self, digest: str) -> KeptAgreement:
        """Keep an agreement, once those are kept that others have signed meanwhile; returns it."""
        for shown in self.line(self.known(), digest):
            require_keys(shown.agreement, self.vouched_peers())
            kept = self.keep(shown)
        return kept


@contextlib.contextmanager
def seat(session: Session, project: str | None = None) -> Iterator[Seat]:
    """Give a seat in a project; an option names it first, and anyone who has no settings names the broker,
    too.
    """
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
            # What is signed names the log, so that it counts in no other one.
            try:
                session.pinned(client, workspace, None)
            except LogKeyError as exc:
                exc.hint = f"{exc.hint}; {_OTHER_BROKER}"
                raise
        yield Seat(session, client, project, workspace, own)


def pinned_log(session: Session, project: str | None = None) -> str:
    """Return the name of the log that is pinned here; where none is yet, the broker's is pinned first."""
    has_settings = session.config_path.exists()
    workspace = session.workspace if has_settings else Workspace(session.seat_folder)
    pins = PinnedLog(workspace.pins, workspace.log_key)
    if pins.has_key():
        return pins.name
    with seat(session, project) as at:
        return at.log


def accept_agreement(at: Seat, fingerprint: str) -> KeptAgreement:
    """Keep the agreement of this fingerprint and trust the keys that it lists, every signature verified."""
    shown = at.fetch(read_digest(fingerprint), is_compared=True)
    if shown.missing():
        raise OthersWaitedForError(f"{shown.missing()[0]} has not signed this agreement yet")
    # What was seen of it before stays.
    at.keep_own(merged(at.known(), shown).find(shown.digest) or shown)
    trust_persons(at, untrusted_keys(shown.agreement, at.peers(), at.party))
    return shown


def trust_persons(at: Seat, persons: Iterable[PublicIdentity]) -> None:
    """Trust these keys, beside those that are trusted already."""
    peers = at.peers()
    for person in persons:
        peers = peers.trust(person.party, person.fingerprint(), at.session.now(), keep_others=True)
    with at.workspace.lock():
        write_peers(at.workspace.peers, peers)


def read_digest(text: str) -> str:
    """Return the fingerprint of an agreement as the broker writes it, from one that someone typed."""
    digest = "".join(text.split()).lower()
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise AgreementUntrustedError(
            "the fingerprint of an agreement has 64 characters, 0 to 9 and a to f",
            hint="it stands on counsel's sheet",
        )
    return digest
