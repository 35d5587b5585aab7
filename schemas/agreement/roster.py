"""Who acts for a party in a project: the persons whom the party lists in what its stewards have signed."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.agreement.agreement import Agreement
from schemas.signing.identity import PublicIdentity


def on_roster(
    agreements: Iterable[Agreement], bound: Agreement | None, party: str, person: str
) -> PublicIdentity | None:
    """Return a person as their party's list of authorized users has them; None where it does not.

    It is that of the agreement that binds, or of one that comes next; of a party that these do not name any
    more, that of the last one that did.

    Args:
        agreements: those of the project that all have signed, the newest first.
        bound: the one of them that binds; None: none has begun.
    """
    has_passed = False
    for agreement in agreements:
        has_passed |= agreement is bound
        listed = agreement.party(party)
        if listed is None:
            continue
        found = next((one for one in listed.persons if one.person == person), None)
        if found is not None or has_passed:
            return found
    return None
