"""Desks whose analysts have keys of their own, opened by a key file, and have compared fingerprints."""

from __future__ import annotations

from oracles.desk import Desk

from encoding.identity import Identity, new_identity, write_identity
from encoding.identity_lock import new_key_file


def give_keys(desk: Desk) -> Identity:
    """Make the keys of the desk's analyst, and show them in a file as the analyst would."""
    made = new_identity(desk.party, ("analyst",), desk.now)
    key_file = new_key_file(desk.folder / "identity.key")
    write_identity(desk.folder / "identity.txt", made, key_file)
    (desk.folder / "shown.json").write_text(desk.ok("identity", "show", "--json").stdout)
    return made


def trust(desk: Desk, other: Desk, person: Identity) -> None:
    """Compare the fingerprint of the other desk's analyst, and take the keys from the file that they sent."""
    file = str(other.folder / "shown.json")
    desk.ok("identity", "trust", other.party, *person.public.fingerprint().split(), "--file", file)
