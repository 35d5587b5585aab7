"""The persons of an agreement's parties, from the files of identities that the answers name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from encoding.errors import AgreementDraftError
from encoding.files import why_unread
from schemas.canonical import parse_json
from schemas.errors import CanonicalError, FormatError
from schemas.identity import PublicIdentity, SignedIdentity

MAX_IDENTITY_BYTES: Final = 16 * 1024


def read_party(raw: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a party of the answers with its persons' identities in place of their files."""
    party = dict(raw)
    files = party.pop("identities", None)
    if files is not None:
        persons = [read_identity_file(folder / str(file)) for file in files]
        party["persons"] = [person.to_json() for person in sorted(persons, key=lambda p: p.person)]
    if "holder" not in party:
        party["holder"] = _likely_holder(party)
    return party


def _likely_holder(party: Mapping[str, Any]) -> str | None:
    """Return the person through whom an agency holds the secret, if nobody is named: its first analyst."""
    persons = party.get("persons") or []
    analysts = [person for person in persons if "analyst" in person["duties"]]
    if party.get("kind") != "agency" or not persons:
        return None
    return str((analysts or persons)[0]["person"])


def read_identity_file(path: Path) -> PublicIdentity:
    """Return the public identity in a file, as `blindlink identity show --json` prints it.

    Raises:
        AgreementDraftError: it cannot be read, or is not signed by its own key.
    """
    try:
        raw = parse_json(path.read_bytes()[:MAX_IDENTITY_BYTES])
    except (OSError, CanonicalError) as exc:
        raise AgreementDraftError(
            why_unread(exc, path, f"the identity {path} cannot be read as JSON"),
            hint="its person makes it with: blindlink identity show --json",
        ) from exc
    if not isinstance(raw, dict):
        raise AgreementDraftError(f"the file {path} holds no identity")
    signed = {name: value for name, value in raw.items() if name != "fingerprint"}
    try:
        return SignedIdentity.from_json(signed).verify()
    except FormatError as exc:
        raise AgreementDraftError(
            f"the file {path} holds no identity that its person signed"
        ) from exc
