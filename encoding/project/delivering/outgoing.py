"""Sends, by the broker and sealed, columns that the agreement lets go: to partners, and to blind recipients."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from encoding.errors import AgencyError, ColumnNotListedError, NotReadyError
from encoding.evidence.disclosed_records import DisclosedRecords
from encoding.files import make_private_folder
from encoding.project.agreement.agreements import agreement_in_force
from encoding.project.agreement.project_view import refuse_other_columns
from encoding.project.agreement.rosters import on_their_roster
from encoding.project.context import Context
from encoding.project.linking.shared_links import (
    SealedLinks,
    SharedLinks,
    newest_linked,
    sealed_links,
    shared_links,
)
from encoding.project.own_keys import unlock_own
from encoding.project.reviewing.reviews import trusted_persons
from encoding.project.session import Session
from encoding.project.source import Source
from encoding.records.agency_file import AgencyFile, agency_file
from encoding.sharing.columns import agreed_among
from encoding.sharing.deliveries import DeliveryOf, seal_delivery
from encoding.sharing.kept_deliveries import KeptDeliveries, SentDelivery
from encoding.transfers.deliveries import DeliveriesApi
from schemas.agreement.agreement import Agreement
from schemas.documents.ids import utc_text
from schemas.rounds.delivery import MAX_DELIVERIES, DeliveryFault, DeliveryView

# What a further delivery of the same rows may put right: other keys, or bytes that came to harm.
MENDABLE: Final = frozenset({"unreadable", "not-signed", "not-as-stated"})
MOST_MENDED: Final = 4
FAULTS: Final[dict[DeliveryFault, str]] = {
    "unreadable": "its keys do not open it, or it was damaged on the way",
    "not-signed": "it does not trust the person who signed it",
    "not-as-stated": "it is not the file that was signed, or is of a different round",
    "not-agreed": "it has columns that the agreement does not allow there, follows an older agreement, or"
    " holds rows that cannot be used",
}


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a partner has been sent of a round by now; `is_new`: by this command."""

    partner: str
    round: int
    number: int
    rows: int
    columns: tuple[str, ...]
    is_new: bool

    def sentence(self) -> str:
        """Return what is said of it."""
        done = "were delivered" if self.is_new else "had been delivered"
        return f"{self.rows:,} rows of round {self.round} {done} to {self.partner}"


def deliver_columns(
    context: Context, source: Source, *, only: str | None = None, anew: bool = False
) -> tuple[list[Delivered], list[AgencyError]]:
    """Deliver to each party that the agreement lets have columns; what could not be done is returned."""
    agreement = agreement_in_force(context.session, context.view)
    done: list[Delivered] = []
    failed: list[AgencyError] = []
    for partner in _receivers(context, agreement, only):
        try:
            made = _deliver(context, source, agreement, partner, anew=anew)
            if made is not None:
                done.append(made)
        except AgencyError as exc:
            context.session.warn(f"nothing was delivered to {partner}: {exc}")
            failed.append(exc)
    return done, failed


def senders_of(context: Context, agreement: Agreement) -> tuple[str, ...]:
    """Return the agencies that may deliver to this party, in order."""
    party = context.session.party
    return tuple(one for one in agreement.names("agency") if agreement.delivering(one, party))


def receivers_of(context: Context, agreement: Agreement) -> tuple[str, ...]:
    """Return the parties to which this one may deliver, in order."""
    party = context.session.party
    return tuple(one for one in agreement.names() if agreement.delivering(party, one))


def _receivers(context: Context, agreement: Agreement, only: str | None) -> Sequence[str]:
    party = context.session.party
    found = receivers_of(context, agreement)
    if only is None:
        return found
    if only not in found:
        raise NotReadyError(f"the agreement lets no columns of {party} go to {only}")
    return [only]


def _deliver(
    context: Context, source: Source, agreement: Agreement, partner: str, *, anew: bool
) -> Delivered | None:
    session, terms = context.session, context.view.terms
    pairs = agreement.delivering(session.party, partner)
    newest = newest_linked(context, pairs)
    if newest is None:
        session.say(f"no round has been closed with matches for {partner} yet")
        return None
    links: SharedLinks | SealedLinks | None
    if partner in terms.providers:
        links = shared_links(context, partner)
    else:
        links = sealed_links(context, newest, partner, pairs)
    if links is None or links.round != newest.round:
        session.say(f"the link IDs of round {newest.round} for {partner} are not written here yet")
        return None
    file = agency_file(session.config, source.file, source.id_column)
    columns = _columns(context, file, agreement, partner)
    with session.workspace.lock():
        return _Sending(context, links, file, columns, partner).send(anew=anew)


def _columns(
    context: Context, file: AgencyFile, agreement: Agreement, partner: str
) -> tuple[str, ...]:
    """Return the columns to deliver: those that the settings list, else all of the file that are agreed."""
    session = context.session
    agreed = agreement.handed_over(session.party, partner)
    listed = session.config.sections.share.columns
    refuse_other_columns(agreement, session.party, partner, listed)
    of_file = [name for name in file.open().columns if name != file.id_column]
    chosen = tuple(dict.fromkeys(listed)) or agreed_among(of_file, agreed)
    if not chosen:
        raise ColumnNotListedError(
            "your file has none of the columns that the agreement lists",
            hint="name them in blindlink.toml: [share] columns",
        )
    for column in chosen:
        if column in session.config.sections.columns.values():
            session.warn(f"the column {column} tells who someone is, and is delivered to {partner}")
    return chosen


class _Sending:
    """One party's delivery, from the file to the broker; use it under the workspace's lock."""

    def __init__(
        self,
        context: Context,
        links: SharedLinks | SealedLinks,
        file: AgencyFile,
        columns: tuple[str, ...],
        partner: str,
    ) -> None:
        self._context, self._links, self._file = context, links, file
        self._columns, self._partner = columns, partner
        self._session = context.session
        self._api = DeliveriesApi(context.client, self._session.project)
        self._kept = KeptDeliveries(self._session.workspace, self._session.project, partner)
        told = "\n".join([*links.identify(), *columns])
        self._links_sha256 = hashlib.sha256(told.encode()).hexdigest()

    def send(self, *, anew: bool) -> Delivered:
        """Send what is to take the place of the newest delivery of the round, if anything is."""
        shown = self._api.deliveries()
        newest = newest_of(shown, self._session.party, self._partner, self._links.round)
        sent = self._settle(newest)
        is_due = newest is None or sent is None or self._is_due(newest, sent)
        if newest is not None and sent is not None and not (is_due or anew):
            return self._delivered(newest.number, sent.n_rows, is_new=False)
        with self._session.workspace.scratch() as scratch:
            rows = scratch / "rows"
            n_rows = self._links.write(self._file, self._columns, rows)
            with rows.open("rb") as written:
                sha256 = hashlib.file_digest(written, "sha256").hexdigest()
            if newest is not None and sent is not None and not is_due and sent.rows == sha256:
                return self._delivered(newest.number, n_rows, is_new=False)
            if newest is not None and newest.number == MAX_DELIVERIES:
                raise NotReadyError(
                    f"round {self._links.round} already has {MAX_DELIVERIES} deliveries, the most allowed",
                    hint="what changed since then goes with the next round's delivery",
                )
            wanted = SentDelivery(
                round=self._links.round,
                number=1 if newest is None else newest.number + 1,
                agreement=self._context.view.agreement,
                links=self._links_sha256,
                rows=sha256,
                n_rows=n_rows,
                delivery=None,
            )
            if sent != wanted or not self._kept.outgoing.exists():
                self._seal(rows, wanted)
        self._pass_on(wanted)
        return self._delivered(wanted.number, n_rows, is_new=True)

    def _pass_on(self, wanted: SentDelivery) -> None:
        # Before anything leaves: of a record, rather too much is told of what was disclosed than too little.
        records = DisclosedRecords(self._session.workspace, self._session.project)
        records.keep_delivered(wanted.round, self._partner, self._links.record_keys)
        sealed = self._kept.outgoing.read_bytes()
        view = self._api.send(wanted.number, wanted.round, self._partner, sealed)
        self._api.prove(view, self._context.trust, self._session.party)
        self._kept.keep_sent(wanted.model_copy(update={"delivery": view.delivery}))

    def _settle(self, newest: DeliveryView | None) -> SentDelivery | None:
        """Return what was sent last; the broker may have it though the answer never came."""
        kept, sent = self._kept, self._kept.sent()
        if newest is not None:
            _tell_fault(self._session, newest)
        if (
            sent is None
            or newest is None
            or sent.delivery is not None
            or not kept.outgoing.exists()
        ):
            return sent
        digest = hashlib.sha256(kept.outgoing.read_bytes()).hexdigest()
        if (sent.round, sent.number, digest) != (newest.round, newest.number, newest.sha256):
            return sent
        self._api.prove(newest, self._context.trust, self._session.party)
        sent = sent.model_copy(update={"delivery": newest.delivery})
        kept.keep_sent(sent)
        return sent

    def _is_due(self, newest: DeliveryView, sent: SentDelivery) -> bool:
        """Tell whether a job sends another delivery of the round in the place of the newest one."""
        if sent.delivery != newest.delivery:
            return True
        if (sent.agreement, sent.links) != (self._context.view.agreement, self._links_sha256):
            return True
        return newest.fault in MENDABLE and newest.number < MOST_MENDED

    def _seal(self, rows: Path, wanted: SentDelivery) -> None:
        """Seal the rows, and keep them until the broker has them; what is kept is of these very rows."""
        session, partner = self._session, self._partner
        trusted = on_their_roster(session, partner, trusted_persons(self._context, partner))
        receivers = [one for one in trusted if "recipient" in one.duties] or list(trusted)
        make_private_folder(self._kept.outgoing.parent)
        self._kept.outgoing.unlink(missing_ok=True)
        self._kept.keep_sent(wanted)
        seal_delivery(
            rows,
            self._kept.outgoing,
            DeliveryOf(
                project=session.project,
                round=wanted.round,
                number=wanted.number,
                sender=session.party,
                recipient=partner,
                purpose=self._context.view.terms.purpose,
                agreement=wanted.agreement,
            ),
            self._columns,
            own=unlock_own(session),
            receivers=tuple(sorted(receivers, key=lambda one: one.person)),
            at=utc_text(session.now()),
        )

    def _delivered(self, number: int, n_rows: int, *, is_new: bool) -> Delivered:
        return Delivered(self._partner, self._links.round, number, n_rows, self._columns, is_new)


def _tell_fault(session: Session, newest: DeliveryView) -> None:
    if newest.fault is not None:
        why = FAULTS[newest.fault]
        session.warn(
            f"{newest.recipient} could not use delivery {newest.number} of round {newest.round}: {why}"
        )


def newest_of(
    views: Sequence[DeliveryView], sender: str, recipient: str, number: int
) -> DeliveryView | None:
    """Return the newest of these deliveries of a round, from one party to another; None: there is none."""
    found = [
        one
        for one in views
        if (one.sender, one.recipient, one.round) == (sender, recipient, number)
    ]
    return max(found, key=lambda one: one.number, default=None)
