"""Columns to and from partners, as `refresh`, `deliver` and `attach` exchange them by the broker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from encoding.errors import AgencyError, NotReadyError, OthersWaitedForError
from encoding.project.agreement.agreements import agreement_in_force
from encoding.project.context import Context
from encoding.project.delivering.arrivals import Arrival, claim
from encoding.project.delivering.joined_columns import JoinedColumns, join_columns
from encoding.project.delivering.outgoing import (
    Delivered,
    deliver_columns,
    receivers_of,
    senders_of,
)
from encoding.project.linking.shared_links import shared_links
from encoding.project.runner import Runner
from encoding.project.source import Source
from encoding.records.agency_file import agency_file
from encoding.sharing.columns import Attached, attach
from schemas.agreement.agreement import Agreement


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

    def to_document(self) -> dict[str, object]:
        """Return what `--json` prints."""
        return {
            "from": self.partner,
            "round": self.round,
            "number": self.number,
            "rows_attached": self.rows,
            "columns": list(self.columns),
            "file": str(self.file),
        }


def attach_columns(
    context: Context, source: Source, *, only: str | None = None
) -> tuple[Sequence[AttachedColumns | JoinedColumns], list[AgencyError]]:
    """Write the columns that each partner has delivered beside own rows; what could not be done is returned.

    A blind recipient, which has no rows, joins those of all agencies.
    """
    agreement = agreement_in_force(context.session, context.view)
    if context.session.party not in context.view.terms.providers:
        if only is not None:
            raise NotReadyError(
                f"columns of {only} alone give no link IDs; join the columns of all agencies",
                hint="blindlink attach",
            )
        return join_columns(context, agreement)
    done: list[AttachedColumns] = []
    failed: list[AgencyError] = []
    for partner in _senders(context, agreement, only):
        try:
            done.append(_attach(context, source, agreement, partner))
        except OthersWaitedForError as exc:
            failed.append(exc)
        except AgencyError as exc:
            context.session.warn(f"what {partner} has delivered was not attached: {exc}")
            failed.append(exc)
    return done, failed


def output_of(context: Context, partner: str) -> Path:
    """Return the file that a partner's columns are written to: beside the links."""
    return context.session.links_path.with_name(f"with-{partner}.csv")


def _senders(context: Context, agreement: Agreement, only: str | None) -> Sequence[str]:
    found = senders_of(context, agreement)
    if only is None:
        return found
    if only not in found:
        raise NotReadyError(f"the agreement lets no columns of {only} come here beside link IDs")
    return [only]


def _attach(
    context: Context, source: Source, agreement: Agreement, partner: str
) -> AttachedColumns:
    """Fetch what is new of a partner, check it, write it, and tell the sender whether it could be used."""
    session, output = context.session, output_of(context, partner)
    shared = shared_links(context, partner)
    if shared is None:
        raise NotReadyError("no link IDs are written here yet", hint="see: blindlink status")
    arrival = Arrival(context, agreement, partner, [output])
    view = arrival.view(shared.round)
    claim(context, [arrival], [output])
    own = agency_file(session.config, source.file, source.id_column)
    with session.workspace.lock(), session.workspace.scratch() as scratch:
        rows = scratch / "delivered.csv"

        def use(columns: tuple[str, ...]) -> tuple[tuple[str, ...], Attached]:
            keep = session.config.sections.share.keep
            attached = attach(own, shared.link_of, rows, columns, output, keep=keep)
            arrival.note_written()
            return columns, attached

        columns, attached = arrival.take(view, rows, use)
    if attached.unknown:
        session.warn(
            f"{attached.unknown:,} link IDs that {partner} has delivered are unknown to this agency"
        )
    return AttachedColumns(partner, view.round, view.number, output, columns, attached.rows)


@dataclass(frozen=True, slots=True)
class ColumnsOrder:
    """What of columns a job exchanges besides link IDs."""

    deliver: bool
    attach: bool

    @property
    def is_any(self) -> bool:
        """Whether any are exchanged."""
        return self.deliver or self.attach


def exchange_columns(
    context: Context, source: Source, order: ColumnsOrder, runner: Runner
) -> tuple[dict[str, object], str]:
    """Deliver and attach, as far as that is ordered; returns it as a document and as a sentence."""
    delivered: list[Delivered] = []
    failed: list[AgencyError] = []
    if order.deliver:
        delivered, failed = deliver_columns(context, source)
    attached: Sequence[AttachedColumns | JoinedColumns] = []

    def attach_all() -> list[AgencyError]:
        nonlocal attached
        attached, wrong = attach_columns(context, source)
        raise_first([one for one in wrong if isinstance(one, OthersWaitedForError)])
        return wrong

    if order.attach:
        try:
            failed += runner.until_ready(attach_all)
        except OthersWaitedForError as exc:
            failed.append(exc)
    if not (delivered or attached or failed):
        context.session.say(_why_nothing(context))
    document = exchange_document(delivered, attached)
    runner.left += failed
    runner.raise_left()
    said = [one.sentence() for one in delivered] + [one.sentence() for one in attached]
    return document, "; ".join(said)


def _why_nothing(context: Context) -> str:
    agreement = agreement_in_force(context.session, context.view)
    if receivers_of(context, agreement) or senders_of(context, agreement):
        return "no columns were exchanged with partners"
    return (
        f"beside link IDs, the agreement lets {context.session.party} neither send nor receive"
        " columns"
    )


def exchange_document(
    delivered: Sequence[Delivered], attached: Sequence[AttachedColumns | JoinedColumns]
) -> dict[str, object]:
    """Return what was exchanged as a document."""
    return {
        "delivered": [
            {
                "to": one.partner,
                "round": one.round,
                "number": one.number,
                "rows": one.rows,
                "columns": list(one.columns),
                "new": one.is_new,
            }
            for one in delivered
        ],
        "attached": [one.to_document() for one in attached],
    }


def raise_first(failed: Sequence[AgencyError]) -> None:
    """Raise the first of what has failed, if anything has."""
    if failed:
        raise failed[0]
