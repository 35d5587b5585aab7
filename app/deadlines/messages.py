"""What is told of what is overdue: names of parties, ids, times and plain sentences; nothing of a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.clock import utc_text
from app.deadlines.service import NO_PROJECT, Late
from schemas.reports.overdue import OverdueMessage, ToldOverdue


def subject_of(lates: Sequence[Late]) -> str:
    """Return the subject of a mail: which kinds of things are overdue. Of a trial there is nothing."""
    if not lates:
        return "Blindlink: a test message"
    return f"Blindlink: overdue: {', '.join(sorted({late.overdue.what for late in lates}))}"


def text_of(lates: Sequence[Late], address: str) -> str:
    """Return a mail's text, with the broker's address."""
    if not lates:
        return (
            f"The Blindlink broker at {address} can send you messages. This one is a test: nothing\n"
            "is overdue.\n"
        )
    lines = []
    for project in sorted({late.project for late in lates}):
        lines += [f"Project {project}:" if project != NO_PROJECT else "The broker itself:", ""]
        for late in lates:
            if late.project == project:
                owner = f"{late.overdue.party}, duty {late.overdue.duty}"
                lines += [f"* {late.overdue.words()}", f"  In the hands of: {owner}", ""]
    lines += [
        "This is told again once a day until it is done. blindlink status, and the pages of the broker at",
        f"{address}, show all that is overdue.",
    ]
    return "\n".join(lines) + "\n"


def message_of(lates: Sequence[Late], address: str, now: datetime) -> OverdueMessage:
    """Return the message to a webhook."""
    return OverdueMessage(broker=address, at=utc_text(now), overdue=tuple(map(told, lates)))


def told(late: Late) -> ToldOverdue:
    """Return a thing as messages and pages tell it."""
    stated = late.overdue.model_dump()
    return ToldOverdue(**stated, project=late.project or None, sentence=late.overdue.words())
