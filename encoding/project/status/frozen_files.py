"""The files that were frozen for studies, and those whose time is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from encoding.destruction.freezes import Freeze, read_freezes
from encoding.project.agreement.agreements import agreements_kept
from encoding.project.session import Session
from encoding.rounds.known_status import overdue_words
from encoding.sharing.agency_state import Attention

if TYPE_CHECKING:
    from schemas.signing.identity import Duty


def frozen_here(session: Session) -> tuple[Freeze, ...]:
    """Return what was frozen of this project, the oldest first."""
    with session.workspace.lock():
        return read_freezes(session.workspace, session.project)


def overdue_files(session: Session) -> tuple[Attention, ...]:
    """Return what is told of each frozen file whose time is over and that is still here."""
    today = session.now().date().isoformat()
    kept = agreements_kept(session).last_complete()
    # As for all else that is overdue: an agency's analyst, and who receives for another party.
    is_agency = kept is None or session.party in kept.agreement.names("agency")
    duty: Duty = "analyst" if is_agency else "recipient"
    return tuple(
        Attention(
            "bad",
            overdue_words(
                f"The file that was frozen for {one.study} could be kept until {one.until}, and has not been"
                " destroyed.",
                duty,
            ),
            f"blindlink destroy --local --frozen {one.study}",
        )
        for one in frozen_here(session)
        if one.is_overdue(today)
    )
