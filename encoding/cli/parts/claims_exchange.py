"""Columns to and from partners, as `refresh`, `deliver` and `attach` exchange them by the broker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from encoding.cli.parts.agreements import agreement_in_force
from encoding.cli.parts.attachments import AttachedColumns, attach_columns
from encoding.cli.parts.counter import Counter
from encoding.cli.parts.joined_columns import JoinedColumns
from encoding.cli.parts.outgoing_columns import (
    Delivered,
    deliver_columns,
    receivers_of,
    senders_of,
)
from encoding.errors import AgencyError, OthersWaitedForError

if TYPE_CHECKING:
    from encoding.cli.parts.patience import Patience
    from encoding.cli.parts.source import Source


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
    counter: Counter, source: Source, order: ColumnsOrder, patience: Patience
) -> tuple[dict[str, object], str]:
    """Deliver and attach, as far as that is ordered; returns it as a document and as a sentence."""
    delivered: list[Delivered] = []
    failed: list[AgencyError] = []
    if order.deliver:
        delivered, failed = deliver_columns(counter, source)
    attached: Sequence[AttachedColumns | JoinedColumns] = []

    def attach_all() -> list[AgencyError]:
        nonlocal attached
        attached, wrong = attach_columns(counter, source)
        raise_first([one for one in wrong if isinstance(one, OthersWaitedForError)])
        return wrong

    if order.attach:
        try:
            failed += patience.until_ready(attach_all)
        except OthersWaitedForError as exc:
            failed.append(exc)
    if not (delivered or attached or failed):
        counter.session.say(_why_nothing(counter))
    document = exchange_document(delivered, attached)
    # What somebody has to put right here comes before what waits for others.
    raise_first(sorted(failed, key=lambda exc: isinstance(exc, OthersWaitedForError)))
    said = [one.sentence() for one in delivered] + [one.sentence() for one in attached]
    return document, "; ".join(said)


def _why_nothing(counter: Counter) -> str:
    agreement = agreement_in_force(counter.session, counter.view)
    if receivers_of(counter, agreement) or senders_of(counter, agreement):
        return "no columns were exchanged with partners"
    return (
        f"beside link IDs, the agreement lets {counter.session.party} neither send nor receive"
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
