"""Sends a partner, by the broker and sealed, the columns that the agreement lets it have of shared records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from encoding.cli.parts.agreements import agreement_in_force, on_their_roster
from encoding.cli.parts.counter import Counter
from encoding.cli.parts.own_identity import unlock_own
from encoding.cli.parts.reviews import trusted_persons
from encoding.cli.parts.shared_links import SharedLinks, newest_linked, shared_links
from encoding.cli.parts.source import Source
from encoding.errors import AgencyError, ColumnNotListedError, NotReadyError
from encoding.evidence.disclosed_records import DisclosedRecords
from encoding.files import make_private_folder
from encoding.records.agency_file import AgencyFile, agency_file
from encoding.sharing.columns import agreed_among, extract, not_agreed
from encoding.sharing.deliveries import DeliveryOf, seal_delivery
from encoding.sharing.kept_deliveries import KeptDeliveries, SentDelivery
from encoding.transfers.deliveries import DeliveriesApi
from schemas.delivery import MAX_DELIVERIES, DeliveryView
from schemas.ids import utc_text

if TYPE_CHECKING:
    from schemas.agreement import Agreement
    from schemas.delivery import DeliveryFault

# What a further delivery of the same rows may put right: other keys, or bytes that came to harm.
MENDABLE: Final = frozenset({"unreadable", "not-signed", "not-as-stated"})
MOST_MENDED: Final = 4
FAULTS: Final[dict[DeliveryFault, str]] = {
    "unreadable": "its keys do not open it, or it came to harm on its way",
    "not-signed": "it trusts nobody who has signed it",
    "not-as-stated": "it is another file than was signed, or of another round",
    "not-agreed": "it holds what the agreement does not let go there, or is under an older agreement",
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


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What is to be delivered: rows in a file, and the digests by which a change is seen."""

    path: Path
    rows: int
    columns: tuple[str, ...]
    links: str
    rows_sha256: str


def deliver_columns(
    counter: Counter, source: Source, *, only: str | None = None, anew: bool = False
) -> tuple[list[Delivered], list[AgencyError]]:
    """Deliver to each partner that the agreement lets have columns; what could not be done is returned.

    Args:
        only: to this partner alone; None: to all.
        anew: also where nothing but values has changed since the last delivery of the round.
    Raises:
        NotReadyError: the agreement lets no columns go to `only`.
    """
    agreement = agreement_in_force(counter.session, counter.view)
    done: list[Delivered] = []
    failed: list[AgencyError] = []
    for partner in _receivers(counter, agreement, only):
        try:
            made = _deliver(counter, source, agreement, partner, anew=anew)
            if made is not None:
                done.append(made)
        except AgencyError as exc:
            counter.session.warn(f"nothing was delivered to {partner}: {exc}")
            failed.append(exc)
    return done, failed


def partners_of(counter: Counter) -> Iterator[str]:
    """Yield the agencies that receive link IDs of the same ID space, in order."""
    party, terms = counter.session.party, counter.view.terms
    yield from (
        other for other in terms.providers if terms.shares_space(party, other) and other != party
    )


def _receivers(counter: Counter, agreement: Agreement, only: str | None) -> Sequence[str]:
    party = counter.session.party
    found = [one for one in partners_of(counter) if agreement.handed_over(party, one)]
    if only is None:
        return found
    if only not in found:
        raise NotReadyError(
            f"the agreement lets no columns of {party} go to {only} beside link IDs"
        )
    return [only]


def _deliver(
    counter: Counter, source: Source, agreement: Agreement, partner: str, *, anew: bool
) -> Delivered | None:
    session = counter.session
    shared = shared_links(counter, partner)
    newest = newest_linked(counter, partner)
    if shared is None or shared.round != newest:
        session.say(f"the link IDs of round {newest} with {partner} are not written here yet")
        return None
    file = agency_file(session.config, source.file, source.id_column)
    columns = _columns(counter, file, agreement, partner)
    with session.workspace.lock():
        kept = KeptDeliveries(session.workspace, session.project, partner)
        with session.workspace.scratch() as scratch:
            prepared = _prepare(file, shared, columns, scratch / "rows")
            return _send(counter, kept, prepared, shared, partner, anew=anew)


def _columns(
    counter: Counter, file: AgencyFile, agreement: Agreement, partner: str
) -> tuple[str, ...]:
    """Return the columns to deliver: those that the settings list, else all of the file that are agreed.

    Raises:
        ColumnNotListedError: one is not agreed, or none of what is agreed is in the file.
    """
    session = counter.session
    agreed = agreement.handed_over(session.party, partner)
    listed = session.config.sections.share.columns
    for column in not_agreed(listed, agreed):
        raise ColumnNotListedError(
            f"the agreement does not let the column {column} go to {partner}",
            hint="take it out of blindlink.toml: [share] columns",
        )
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


def _prepare(
    file: AgencyFile, shared: SharedLinks, columns: tuple[str, ...], path: Path
) -> _Prepared:
    n_rows = extract(file, shared.link_of, columns, path)
    links = "\n".join([*sorted(shared.link_of.values()), *columns])
    return _Prepared(
        path,
        n_rows,
        columns,
        hashlib.sha256(links.encode()).hexdigest(),
        hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def _send(
    counter: Counter,
    kept: KeptDeliveries,
    prepared: _Prepared,
    shared: SharedLinks,
    partner: str,
    *,
    anew: bool,
) -> Delivered:
    session = counter.session
    api = DeliveriesApi(counter.client, session.project)
    newest = newest_of(api.deliveries(), session.party, partner, shared.round)
    sent = _settle(counter, api, kept, newest)
    if newest is not None:
        _tell_fault(counter, newest)
        if not _is_wanted(counter, newest, sent, prepared, anew=anew):
            return _delivered(prepared, partner, newest, is_new=False)
        if newest.number == MAX_DELIVERIES:
            raise NotReadyError(
                f"{MAX_DELIVERIES} deliveries of round {shared.round} are the most",
                hint="the next round's delivery has what changed since",
            )
    wanted = SentDelivery(
        round=shared.round,
        number=1 if newest is None else newest.number + 1,
        agreement=counter.view.agreement,
        links=prepared.links,
        rows=prepared.rows_sha256,
        delivery=None,
    )
    if sent != wanted or not kept.outgoing.exists():
        _seal(counter, kept, prepared, wanted, partner)
    # Before anything leaves: of a record, rather too much is told of what was disclosed than too little.
    records = DisclosedRecords(session.workspace, session.project)
    records.keep_delivered(shared.round, partner, shared.record_keys)
    view = api.send(wanted.number, wanted.round, partner, kept.outgoing.read_bytes())
    api.prove(view, counter.trust, session.party)
    kept.keep_sent(wanted.model_copy(update={"delivery": view.delivery}))
    return _delivered(prepared, partner, view, is_new=True)


def _settle(
    counter: Counter, api: DeliveriesApi, kept: KeptDeliveries, newest: DeliveryView | None
) -> SentDelivery | None:
    """Return what was sent last; the broker may have it though the answer never came."""
    sent = kept.sent()
    if sent is None or newest is None or sent.delivery is not None or not kept.outgoing.exists():
        return sent
    digest = hashlib.sha256(kept.outgoing.read_bytes()).hexdigest()
    if (sent.round, sent.number, digest) != (newest.round, newest.number, newest.sha256):
        return sent
    api.prove(newest, counter.trust, counter.session.party)
    sent = sent.model_copy(update={"delivery": newest.delivery})
    kept.keep_sent(sent)
    return sent


def _is_wanted(
    counter: Counter,
    newest: DeliveryView,
    sent: SentDelivery | None,
    prepared: _Prepared,
    *,
    anew: bool,
) -> bool:
    """Tell whether another delivery of the round is to take the place of the newest one."""
    if sent is None or sent.delivery != newest.delivery:
        return True
    if (sent.agreement, sent.links) != (counter.view.agreement, prepared.links):
        return True
    if newest.fault in MENDABLE and newest.number < MOST_MENDED:
        return True
    return anew and sent.rows != prepared.rows_sha256


def _seal(
    counter: Counter,
    kept: KeptDeliveries,
    prepared: _Prepared,
    wanted: SentDelivery,
    partner: str,
) -> None:
    """Seal the rows, and keep them until the broker has them; what is kept is of these very rows."""
    session = counter.session
    trusted = on_their_roster(session, partner, trusted_persons(counter, partner))
    receivers = [one for one in trusted if "recipient" in one.duties] or list(trusted)
    make_private_folder(kept.outgoing.parent)
    kept.outgoing.unlink(missing_ok=True)
    kept.keep_sent(wanted)
    seal_delivery(
        prepared.path,
        kept.outgoing,
        DeliveryOf(
            project=session.project,
            round=wanted.round,
            number=wanted.number,
            sender=session.party,
            recipient=partner,
            purpose=counter.view.terms.purpose,
            agreement=wanted.agreement,
        ),
        prepared.columns,
        own=unlock_own(session),
        receivers=tuple(sorted(receivers, key=lambda one: one.person)),
        at=utc_text(session.now()),
    )


def _tell_fault(counter: Counter, newest: DeliveryView) -> None:
    if newest.fault is not None:
        why = FAULTS[newest.fault]
        counter.session.warn(
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


def _delivered(prepared: _Prepared, partner: str, view: DeliveryView, *, is_new: bool) -> Delivered:
    return Delivered(partner, view.round, view.number, prepared.rows, prepared.columns, is_new)
