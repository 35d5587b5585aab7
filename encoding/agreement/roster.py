"""Who acts for a party, changed by one of its stewards: the next version of the agreement, else as it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from encoding.agreement.files import read_composed
from encoding.agreement.kept_agreements import KeptAgreement
from encoding.errors import AgreementDraftError
from schemas.agreement.amendment import opens_epoch
from schemas.agreement.clauses import AgreedParty
from schemas.signing.identity import PublicIdentity


def change_roster(
    before: KeptAgreement,
    party: str,
    *,
    joining: Sequence[PublicIdentity],
    leaving: Collection[str],
    holder: str | None = None,
) -> KeptAgreement:
    """Return the amendment by which persons join and leave a party; its steward alone signs it.

    Another holder of the secret opens the next epoch, so that the agencies make a new secret.

    Args:
        before: the agreement that binds.
        party: whose persons change.
        joining: who acts for the party from now on.
        leaving: ids of who does not any more.
        holder: who holds the secret then; None: anyone who does, or the one analyst who joins in their place.
    Raises:
        AgreementDraftError: they do not make a list of authorized users; says why.
    """
    own = before.agreement.party(party)
    if own is None:
        raise AgreementDraftError(f"the agreement does not name {party}")
    listed = {person.person: person for person in own.persons}
    for person in leaving:
        if listed.pop(person, None) is None:
            raise AgreementDraftError(f"the agreement does not list {person} for {party}")
    for one in joining:
        if one.person in listed:
            raise AgreementDraftError(f"the agreement lists {one.person} for {party} already")
        listed[one.person] = one
    raw: dict[str, Any] = before.agreement.to_json()
    changed = {
        "persons": [listed[name].to_json() for name in sorted(listed)],
        "holder": _holder(own, listed, joining, holder),
    }
    raw["parties"] = [one | changed if one["name"] == party else one for one in raw["parties"]]
    raw |= {
        "number": before.agreement.number + 1,
        "previous": before.digest,
        "amends": {"only": "persons", "party": party},
    }
    agreement = read_composed(raw)
    if opens_epoch(before.agreement, agreement):
        agreement = read_composed(raw | {"epoch": before.agreement.epoch + 1})
    return KeptAgreement(agreement=agreement, profile=before.profile)


def _holder(
    own: AgreedParty,
    listed: Collection[str],
    joining: Sequence[PublicIdentity],
    wanted: str | None,
) -> str | None:
    if own.holder is None or wanted is not None:
        return wanted
    if own.holder in listed:
        return own.holder
    analysts = [one.person for one in joining if "analyst" in one.duties]
    if len(analysts) != 1:
        raise AgreementDraftError(
            "the person who holds the secret leaves, and it is not clear who will hold it",
            hint="name a person of the party: --holder PERSON",
        )
    return analysts[0]
