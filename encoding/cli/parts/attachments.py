"""Fetches what partners have delivered, checks it, and writes their columns beside this agency's own rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from encoding.cli.parts.agreements import agreement_in_force
from encoding.cli.parts.counter import Counter
from encoding.cli.parts.outgoing_columns import FAULTS, newest_of, partners_of
from encoding.cli.parts.own_identity import unlock_own
from encoding.cli.parts.reviews import trusted_persons
from encoding.cli.parts.sealed_files import opened_content
from encoding.cli.parts.shared_links import SharedLinks, shared_links
from encoding.cli.parts.source import Source
from encoding.cli.parts.written_files import note_file
from encoding.errors import (
    AgencyError,
    BrokerRefusedError,
    ColumnNotListedError,
    DeliveryUnusableError,
    LinksFileError,
    NotReadyError,
    OthersWaitedForError,
    SealedFileError,
)
from encoding.files import make_private_folder, refuse_to_overwrite, write_durably
from encoding.people.sealed_file import read_sealed_header
from encoding.records.agency_file import agency_file
from encoding.sharing.columns import Attached, attach
from encoding.sharing.deliveries import DeliveryOf, open_delivery
from encoding.sharing.kept_deliveries import KeptDeliveries, KeptDelivery
from encoding.transfers.deliveries import DeliveriesApi
from schemas.delivery import DeliveryView

if TYPE_CHECKING:
    from schemas.agreement import Agreement
    from schemas.delivery import DeliveryFault


@dataclass(frozen=True, slots=True)
class AttachedColumns:
    """What a partner's columns were written to: of which round, and how many own rows have some."""

    partner: str
    round: int
    number: int
    file: Path
    columns: tuple[str, ...]
    rows: int

    def sentence(self) -> str:
        """Return what is said of it."""
        return f"{self.rows:,} of your rows have columns of {self.partner}, in {self.file}"


def attach_columns(
    counter: Counter, source: Source, *, only: str | None = None
) -> tuple[list[AttachedColumns], list[AgencyError]]:
    """Write the columns that each partner has delivered beside own rows; what could not be done is returned.

    Args:
        only: those of this partner alone; None: of all.
    Raises:
        NotReadyError: the agreement lets no columns come from `only`.
    """
    agreement = agreement_in_force(counter.session, counter.view)
    done: list[AttachedColumns] = []
    failed: list[AgencyError] = []
    for partner in _senders(counter, agreement, only):
        try:
            done.append(_Attaching(counter, source, agreement, partner).attach())
        except OthersWaitedForError as exc:
            failed.append(exc)
        except AgencyError as exc:
            counter.session.warn(f"what {partner} has delivered was not attached: {exc}")
            failed.append(exc)
    return done, failed


def output_of(counter: Counter, partner: str) -> Path:
    """Return the file that a partner's columns are written to: beside the links."""
    session = counter.session
    links = session.config.resolve(session.config.sections.output.links)
    return links.with_name(f"with-{partner}.csv")


def _senders(counter: Counter, agreement: Agreement, only: str | None) -> Sequence[str]:
    party = counter.session.party
    found = [one for one in partners_of(counter) if agreement.handed_over(one, party)]
    if only is None:
        return found
    if only not in found:
        raise NotReadyError(f"the agreement lets no columns of {only} come here beside link IDs")
    return [only]


class _Attaching:
    """One partner's delivery, from the broker to the file."""

    def __init__(
        self, counter: Counter, source: Source, agreement: Agreement, partner: str
    ) -> None:
        session = counter.session
        self._counter, self._source, self._agreement = counter, source, agreement
        self._session, self._partner = session, partner
        self._api = DeliveriesApi(counter.client, session.project)
        self._kept = KeptDeliveries(session.workspace, session.project, partner)
        self._output = output_of(counter, partner)

    def attach(self) -> AttachedColumns:
        """Fetch what is new, check it, write it, and tell the sender whether it could be used.

        Raises:
            OthersWaitedForError: nothing has come for the round whose link IDs are in force.
            DeliveryUnusableError: what came must not be used; what was written before stays.
            OutputExistsError: the file is somebody else's.
        """
        shared = shared_links(self._counter, self._partner)
        if shared is None:
            raise NotReadyError("no link IDs are written here yet", hint="see: blindlink status")
        view = self._view(shared.round)
        self._claim()
        try:
            with self._session.workspace.lock():
                self._fetch(view)
                columns, attached = self._write(view, shared)
        except DeliveryUnusableError as exc:
            self._say(view, exc.fault)
            raise
        self._say(view, None)
        if attached.unknown:
            self._session.warn(
                f"{attached.unknown:,} link IDs that {self._partner} has delivered are none of this agency's"
            )
        return AttachedColumns(
            self._partner, view.round, view.number, self._output, columns, attached.rows_attached
        )

    def _view(self, number: int) -> DeliveryView:
        """Return the newest delivery of a round.

        Raises:
            OthersWaitedForError: there is none, or it was destroyed.
            DeliveryUnusableError: the broker shows an older one than before.
        """
        shown = self._api.deliveries()
        there = [one for one in shown if one.replaced is None and one.ended is None]
        found = newest_of(there, self._partner, self._session.party, number)
        with self._session.workspace.lock():
            kept = self._kept.received()
        if kept is not None and kept.round == number:
            self._refuse_older(found, kept, shown)
        if found is None:
            raise OthersWaitedForError(
                f"{self._partner} has delivered nothing for round {number} yet",
                hint=f"{self._partner} delivers with: blindlink refresh --deliver",
            )
        return found

    def _refuse_older(
        self, found: DeliveryView | None, kept: KeptDelivery, shown: Sequence[DeliveryView]
    ) -> None:
        """Refuse to go by what is older than what came before, or another file of its number."""
        if found is not None and found.number > kept.number:
            return
        if found is not None and (found.number, found.sha256) == (kept.number, kept.sha256):
            return
        sides = (self._partner, self._session.party)
        is_over = any(
            (one.delivery == kept.delivery and one.ended is not None)
            or ((one.sender, one.recipient) == sides and one.round > kept.round)
            for one in shown
        )
        if found is None and is_over:
            raise OthersWaitedForError(
                f"what {self._partner} had delivered for round {kept.round} was destroyed, or a later"
                " round's has taken its place"
            )
        raise DeliveryUnusableError(
            "not-as-stated",
            f"the broker withholds delivery {kept.number} of round {kept.round} of {self._partner},"
            " which it has handed out before",
            hint="keep the workspace as it is, and call your security officer",
        )

    def _claim(self) -> None:
        """Refuse to overwrite what is not of an earlier delivery, and note the files for their destruction."""
        with self._session.workspace.lock():
            kept = self._kept.received()
        if kept is None or kept.output != str(self._output.absolute()):
            refuse_to_overwrite(self._output, own_start=b"")
        note_file(self._session, "received", self._output)

    def _fetch(self, view: DeliveryView) -> None:
        """Have the sealed file here, as the match log has it; what is here already is not fetched again."""
        kept, incoming = self._kept.received(), self._kept.incoming
        is_here = kept is not None and kept.delivery == view.delivery and incoming.exists()
        if is_here and hashlib.sha256(incoming.read_bytes()).hexdigest() == view.sha256:
            return
        raw = self._api.fetch(view)
        self._api.prove(view, self._counter.trust, self._session.party)
        make_private_folder(incoming.parent)
        write_durably(incoming, raw)
        self._kept.keep_received(
            KeptDelivery(
                delivery=view.delivery,
                round=view.round,
                number=view.number,
                sha256=view.sha256,
                output=str(self._output.absolute()),
            )
        )

    def _write(self, view: DeliveryView, shared: SharedLinks) -> tuple[tuple[str, ...], Attached]:
        """Write the output, in one step.

        Raises:
            DeliveryUnusableError: the delivery must not be used.
        """
        session = self._session
        with session.workspace.scratch() as scratch:
            rows = scratch / "delivered.csv"
            columns = self._open(view, rows)
            own = agency_file(session.config, self._source.file, self._source.id_column)
            try:
                done = attach(
                    own,
                    shared.link_of,
                    rows,
                    columns,
                    self._output,
                    keep=session.config.sections.share.keep,
                )
            except AgencyError as exc:
                if exc.code not in (ColumnNotListedError.code, LinksFileError.code):
                    raise
                raise DeliveryUnusableError("not-agreed", str(exc), hint=exc.hint) from None
        return columns, done

    def _open(self, view: DeliveryView, rows: Path) -> tuple[str, ...]:
        of = DeliveryOf(
            project=view.project,
            round=view.round,
            number=view.number,
            sender=self._partner,
            recipient=self._session.party,
            purpose=self._counter.view.terms.purpose,
            agreement=self._counter.view.agreement,
        )
        signers = trusted_persons(self._counter, self._partner)
        agreed = self._agreement.handed_over(self._partner, self._session.party)
        try:
            with self._kept.incoming.open("rb") as raw:
                header = read_sealed_header(raw)[0]
            if (header.sender, header.recipient) != (of.sender, of.recipient):
                raise DeliveryUnusableError(
                    "not-as-stated", f"the file is not one of {of.sender} for {of.recipient}"
                )
            with opened_content(self._kept.incoming, unlock_own(self._session)) as content:
                return open_delivery(content, of, signers, agreed, rows)
        except SealedFileError as exc:
            raise DeliveryUnusableError(
                "unreadable",
                f"what {of.sender} has delivered cannot be opened: {exc}",
                hint=f"{of.sender} is told, and its next job delivers again",
            ) from None

    def _say(self, view: DeliveryView, fault: DeliveryFault | None) -> None:
        """Tell the sender, by the broker's log, whether it could be used."""
        if view.opened is not None or (fault is not None and view.fault == fault):
            return
        try:
            self._api.say(view, fault)
        except BrokerRefusedError as exc:
            # A later one has taken its place meanwhile, or it was not even handed out.
            if exc.problem not in ("delivery-gone", "delivery-not-fetched"):
                raise
        if fault is not None:
            self._session.say(f"{self._partner} is told: {FAULTS[fault]}")
