"""The ID space in which this agency receives matches of its own records, and its ledger of link IDs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from encoding.errors import NotReadyError
from encoding.ledger.grants import SpaceName
from encoding.ledger.ledger_file import LedgerFile
from encoding.project.agreement.project_view import remembered_view
from encoding.project.session import Session

if TYPE_CHECKING:
    from schemas.api.bodies import ProjectView


class Seat(Protocol):
    """An agency in a project: a `Context`, with a broker, or an `OwnDesk`, without."""

    @property
    def session(self) -> Session:
        """The options of the call."""
        ...

    @property
    def view(self) -> ProjectView:
        """The project."""
        ...


@dataclass(frozen=True, slots=True)
class OwnDesk:
    """An agency in a project as it was last seen, without a broker."""

    session: Session
    view: ProjectView


def own_desk(session: Session) -> OwnDesk:
    """Return this agency as it stands without a broker."""
    return OwnDesk(session, remembered_view(session))


def own_space(seat: Seat) -> str | None:
    """Return the ID space in which this agency receives matches of its own records, or None."""
    for recipient in seat.view.terms.recipients:
        if (recipient.party, recipient.mode) == (seat.session.party, "linked"):
            return recipient.space
    return None


def required_space(seat: Seat) -> str:
    """Return the ID space in which this agency receives matches of its own records."""
    name = own_space(seat)
    if name is None:
        raise NotReadyError("the agreement gives this agency no matches of its own records")
    return name


def is_lasting(seat: Seat) -> bool:
    """Tell whether link IDs of this agency's ID space last from round to round."""
    name = required_space(seat)
    return any((one.name, one.lifetime) == (name, "lasting") for one in seat.view.terms.spaces)


def ledger_file(seat: Seat) -> LedgerFile:
    """Return where the ledger of this agency's ID space is kept."""
    session, name = seat.session, required_space(seat)
    return LedgerFile(
        session.workspace.ledger(session.project, name),
        SpaceName(session.project, name),
        session.party,
        session.workspace.key(),
    )
