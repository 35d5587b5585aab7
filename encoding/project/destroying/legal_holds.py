"""Legal holds, which stop every destruction of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from encoding.errors import LegalHoldError
from encoding.project.session import Session

if TYPE_CHECKING:
    from encoding.broker.client import BrokerClient


def refuse_held(session: Session, client: BrokerClient) -> None:
    """Raise LegalHoldError while a legal hold stands, by what the broker says."""
    found = client.legal_holds(session.project)
    if found.is_held:
        by = sorted({one.party for one in found.holds if one.lifted is None})
        raise LegalHoldError(
            f"a legal hold of {', '.join(by) or 'the agreement'} forbids destroying anything of the project",
            hint="see: blindlink hold list",
        )
