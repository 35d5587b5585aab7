"""The persons of an agreement's parties: those whom the broker shows as enrolled, or whom the answers name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from encoding.errors import AgreementDraftError
from encoding.files import why_unread
from schemas.documents.canonical import parse_json
from schemas.documents.errors import CanonicalError, FormatError, SignatureError
from schemas.documents.ids import PERSON_PREFIX, is_random_id
from schemas.signing.identity import IdentityHistory, PublicIdentity, SignedIdentity

MAX_IDENTITY_BYTES: Final = 16 * 1024


def needs_enrolled(parties: Iterable[Mapping[str, Any]], *, is_first: bool) -> bool:
    """Tell whether parties of the answers have persons whom only the broker can show.

    Args:
        parties: as the answers give them.
        is_first: no agreement stands before, from which persons are carried over.
    """
    for party in parties:
        named = party.get("identities")
        if named is None and is_first and "persons" not in party:
            return True
        if isinstance(named, list) and any(_is_person(one) for one in named):
            return True
    return False


def newest_identities(shown: Iterable[IdentityHistory]) -> list[PublicIdentity]:
    """Return the newest keys of each person whom a broker shows, whose changes of keys follow from the first.

    Whether they are that person's, only the person can say.

    Raises:
        AgreementDraftError: a history is forged.
    """
    try:
        return [history.verify()[-1] for history in shown]
    except SignatureError as exc:
        raise AgreementDraftError(
            "the broker shows changes of keys that do not follow one another"
        ) from exc


def read_party(
    raw: dict[str, Any], folder: Path, enrolled: Iterable[PublicIdentity] = ()
) -> dict[str, Any]:
    """Return a party of the answers with its persons' identities."""
    party = dict(raw)
    named = party.pop("identities", None)
    name = str(party.get("name"))
    own = {one.person: one for one in enrolled if one.party == name}
    if named is not None:
        persons = [_person(str(one), folder, own, name) for one in named]
    elif "persons" not in party:
        persons = list(own.values())
        if not persons:
            raise AgreementDraftError(
                f"nobody of {name} has enrolled and been confirmed at the broker yet",
                hint="or name files of identities in the answer parties: identities = [...]",
            )
    is_given = named is not None or "persons" not in party
    if is_given:
        party["persons"] = [person.to_json() for person in persons]
    if "holder" not in party:
        party["holder"] = _likely_holder(party)
    if is_given:
        party["persons"].sort(key=lambda person: person["person"])
    return party


def _is_person(named: object) -> bool:
    return isinstance(named, str) and is_random_id(named, PERSON_PREFIX)


def _person(
    named: str, folder: Path, enrolled: Mapping[str, PublicIdentity], party: str
) -> PublicIdentity:
    if not _is_person(named):
        return read_identity_file(folder / named)
    if named not in enrolled:
        raise AgreementDraftError(f"the broker shows nobody of {party} with the ID {named}")
    return enrolled[named]


def _likely_holder(party: Mapping[str, Any]) -> str | None:
    """Return the person through whom an agency holds the secret, if nobody is named: its first analyst."""
    persons = party.get("persons") or []
    analysts = [person for person in persons if "analyst" in person["duties"]]
    if party.get("kind") != "agency" or not persons:
        return None
    return str((analysts or persons)[0]["person"])


def read_identity_file(path: Path) -> PublicIdentity:
    """Return the public identity in a file, as `blindlink people me --json` prints it."""
    try:
        raw = parse_json(path.read_bytes()[:MAX_IDENTITY_BYTES])
    except (OSError, CanonicalError) as exc:
        raise AgreementDraftError(
            why_unread(exc, path, f"the identity {path} cannot be read as JSON"),
            hint="that person makes it with: blindlink people me --json",
        ) from exc
    if not isinstance(raw, dict):
        raise AgreementDraftError(f"the file {path} is not an identity")
    signed = {name: value for name, value in raw.items() if name != "fingerprint"}
    try:
        return SignedIdentity.from_json(signed).verify()
    except FormatError as exc:
        raise AgreementDraftError(
            f"the file {path} is not an identity that its person signed"
        ) from exc
