"""One partner's delivery at its recipient: found, fetched, opened, and its sender told what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TypeVar

from encoding.errors import (
    AgencyError,
    BrokerRefusedError,
    ColumnNotListedError,
    DeliveryUnusableError,
    LinksFileError,
    OthersWaitedForError,
    SealedFileError,
)
from encoding.files import make_private_folder, refuse_to_overwrite, write_durably
from encoding.people.sealed_file import read_sealed_header
from encoding.project.agreement.rosters import on_their_roster
from encoding.project.context import Context
from encoding.project.delivering.outgoing import FAULTS, newest_of
from encoding.project.noted_files import note_file
from encoding.project.own_keys import own_keys
from encoding.project.reviewing.reviews import trusted_persons
from encoding.project.sealed_files import opened_content
from encoding.sharing.deliveries import DeliveryOf, open_delivery
from encoding.sharing.kept_deliveries import KeptDeliveries, KeptDelivery
from encoding.transfers.deliveries import DeliveriesApi
from schemas.agreement.agreement import Agreement
from schemas.rounds.delivery import DeliveryFault, DeliveryView

_Made = TypeVar("_Made")


class Arrival:
    """One partner's delivery, from the broker to its rows; `outputs` are the files that these go into."""

    def __init__(
        self, context: Context, agreement: Agreement, partner: str, outputs: Sequence[Path]
    ) -> None:
        session = context.session
        self.partner = partner
        self._context, self._agreement = context, agreement
        self._session, self._outputs = session, [str(one.absolute()) for one in outputs]
        self._api = DeliveriesApi(context.client, session.project)
        self._kept = KeptDeliveries(session.workspace, session.project, partner)

    def written(self) -> Collection[str]:
        """Return the files that an earlier delivery went into; call it under the workspace's lock."""
        kept = self._kept.received()
        return () if kept is None else kept.outputs

    def round(self) -> int | None:
        """Return of which round that delivery was; None: there was none."""
        with self._session.workspace.lock():
            kept = self._kept.received()
        return None if kept is None else kept.written

    def note_written(self) -> None:
        """Note that the files have the rows of what came last; call it under the workspace's lock."""
        kept = self._kept.received()
        if kept is not None:
            self._kept.keep_received(kept.model_copy(update={"written": kept.round}))

    def view(self, number: int) -> DeliveryView:
        """Return the newest delivery of a round."""
        shown = self._api.deliveries()
        there = [one for one in shown if one.replaced is None and one.ended is None]
        found = newest_of(there, self.partner, self._session.party, number)
        with self._session.workspace.lock():
            kept = self._kept.received()
        if kept is not None and kept.round == number:
            self._refuse_older(found, kept, shown)
        if found is None:
            raise OthersWaitedForError(
                f"{self.partner} has delivered nothing for round {number} yet",
                hint=f"{self.partner} delivers with: blindlink refresh --deliver",
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
        sides = (self.partner, self._session.party)
        is_over = any(
            (one.delivery == kept.delivery and one.ended is not None)
            or ((one.sender, one.recipient) == sides and one.round > kept.round)
            for one in shown
        )
        if found is None and is_over:
            raise OthersWaitedForError(
                f"what {self.partner} had delivered for round {kept.round} was destroyed, or"
                " replaced by a later round's delivery"
            )
        raise DeliveryUnusableError(
            "not-as-stated",
            f"the broker withholds delivery {kept.number} of round {kept.round} of {self.partner},"
            " which it has handed out before",
            hint="keep the workspace as it is, and call your security officer",
        )

    def take(
        self, view: DeliveryView, rows: Path, use: Callable[[tuple[str, ...]], _Made]
    ) -> _Made:
        """Fetch a delivery and write its rows, use them by its columns, and tell its sender how that went.

        Call it under the workspace's lock.
        """
        try:
            self._fetch(view)
            made = self._use(view, rows, use)
        except DeliveryUnusableError as exc:
            self._say(view, exc.fault)
            raise
        self._say(view, None)
        return made

    def _use(
        self, view: DeliveryView, rows: Path, use: Callable[[tuple[str, ...]], _Made]
    ) -> _Made:
        try:
            return use(self._open(view, rows))
        except SealedFileError as exc:
            raise DeliveryUnusableError(
                "unreadable",
                f"what {self.partner} has delivered cannot be opened: {exc}",
                hint=f"{self.partner} is told, and its next job delivers again",
            ) from None
        except AgencyError as exc:
            if exc.code not in (ColumnNotListedError.code, LinksFileError.code):
                raise
            raise DeliveryUnusableError("not-agreed", str(exc), hint=exc.hint) from None

    def _fetch(self, view: DeliveryView) -> None:
        """Have the sealed file here, as the match log has it; what is here already is not fetched again."""
        kept, incoming = self._kept.received(), self._kept.incoming
        is_here = kept is not None and kept.delivery == view.delivery and incoming.exists()
        if is_here and hashlib.sha256(incoming.read_bytes()).hexdigest() == view.sha256:
            return
        raw = self._api.fetch(view)
        self._api.prove(view, self._context.trust, self._session.party)
        make_private_folder(incoming.parent)
        write_durably(incoming, raw)
        self._kept.keep_received(
            KeptDelivery(
                delivery=view.delivery,
                round=view.round,
                number=view.number,
                sha256=view.sha256,
                outputs=tuple(self._outputs),
                written=None if kept is None else kept.written,
            )
        )

    def _open(self, view: DeliveryView, rows: Path) -> tuple[str, ...]:
        of = DeliveryOf(
            project=view.project,
            round=view.round,
            number=view.number,
            sender=self.partner,
            recipient=self._session.party,
            purpose=self._context.view.terms.purpose,
            agreement=self._context.view.agreement,
        )
        # A delivery counts under the agreement in force alone, so that its list of authorized users says who
        # can have signed it.
        trusted = trusted_persons(self._context, self.partner)
        signers = on_their_roster(self._session, self.partner, trusted)
        agreed = self._agreement.handed_over(self.partner, self._session.party)
        with self._kept.incoming.open("rb") as raw:
            header = read_sealed_header(raw)[0]
        if (header.sender, header.recipient) != (of.sender, of.recipient):
            raise DeliveryUnusableError(
                "not-as-stated", f"the file is not one of {of.sender} for {of.recipient}"
            )
        with opened_content(self._kept.incoming, own_keys(self._session)) as content:
            return open_delivery(content, of, signers, agreed, rows)

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
            self._session.say(f"{self.partner} is told: {FAULTS[fault]}")


def claim(context: Context, arrivals: Sequence[Arrival], outputs: Sequence[Path]) -> None:
    """Refuse to overwrite what is not of an earlier delivery, and note the files for their destruction."""
    with context.session.workspace.lock():
        own = {path for one in arrivals for path in one.written()}
    for path in outputs:
        if str(path.absolute()) not in own:
            refuse_to_overwrite(path, own_start=b"")
        note_file(context.session, "received", path)
