"""Columns to and from partners, as `refresh`, `deliver` and `attach` exchange them by the broker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from encoding.errors import AgencyError, OthersWaitedForError
from encoding.project.agreement.agreements import agreement_in_force
from encoding.project.context import Context
from encoding.project.delivering.attachments import AttachedColumns, attach_columns
from encoding.project.delivering.joined_columns import JoinedColumns
from encoding.project.delivering.outgoing import (
    Delivered,
    deliver_columns,
    receivers_of,
    senders_of,
)

if TYPE_CHECKING:
    from encoding.project.source import Source
    from encoding.project.waiting import WaitingTime


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
    context: Context, source: Source, order: ColumnsOrder, waiting: WaitingTime
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
            failed += waiting.until_ready(attach_all)
        except OthersWaitedForError as exc:
            failed.append(exc)
    if not (delivered or attached or failed):
        context.session.say(_why_nothing(context))
    document = exchange_document(delivered, attached)
    # What somebody has to put right here comes before what waits for others.
    raise_first(sorted(failed, key=lambda exc: isinstance(exc, OthersWaitedForError)))
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
