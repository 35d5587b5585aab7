"""Desks whose analysts show each other their keys in files, and compare fingerprints."""

from __future__ import annotations

from rigs.desk import Desk

from encoding.people.identity import Identity


def give_keys(desk: Desk) -> Identity:
    """Show the keys of the desk's analyst in a file, as the analyst would, and return them."""
    (desk.folder / "shown.json").write_text(desk.ok("people", "me", "--json").stdout)
    return desk.near.people[desk.party]


def trust(desk: Desk, other: Desk, person: Identity) -> None:
    """Compare the fingerprint of the other desk's analyst, and take the keys from the file that they sent."""
    file = str(other.folder / "shown.json")
    desk.ok("people", "trust", other.party, *person.public.fingerprint().split(), "--file", file)
