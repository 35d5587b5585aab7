"""What tells a command that another agreement binds the project since it looked."""

from __future__ import annotations

from typing import Final

from encoding.errors import AgencyError, BrokerRefusedError, UnseenAgreementError

# The broker's words for a request, or a manifest, that was signed under an agreement that is replaced.
_OUTDATED: Final = frozenset({"request-agreement", "other-agreement"})


def is_outdated(exc: AgencyError) -> bool:
    """Tell whether something goes on, once a command goes by the agreement that binds now."""
    if isinstance(exc, BrokerRefusedError):
        return exc.problem in _OUTDATED
    return isinstance(exc, UnseenAgreementError)
