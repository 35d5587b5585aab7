"""Steps about persons and their keys."""

from __future__ import annotations

from typing import Final, cast

from app.auditor.log_state import LogState, PersonState
from app.auditor.rules.steps import break_off
from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import KeyRotated, PersonEnrolled, RoleChanged

PERSON_USES: Final = frozenset({"signing", "receiving"})


def enrol(log: LogState, entry: Entry) -> None:
    """A person is enrolled once, for a party that was enrolled before."""
    body = cast(PersonEnrolled, entry.body)
    if body.party not in log.parties:
        break_off("stranger", "a person is enrolled for a party that never was", entry)
    known = log.persons.get(body.person)
    if known is not None:
        break_off("person-twice", "a person is enrolled twice", entry, known.seq)
    keys = {"signing": body.signing_key, "receiving": body.receiving_key}
    log.persons[body.person] = PersonState(body.party, body.duties, keys, entry.seq)


def revoke(log: LogState, entry: Entry) -> None:
    """A person whose access is taken away signs nothing any more."""
    body = cast(RoleChanged, entry.body)
    person = log.persons.get(body.person or "")
    if person is not None and body.change == "revoked":
        person.revoked = entry.seq


def replace_key(log: LogState, entry: Entry) -> None:
    """A person's key gives way to another one, and is the one that the log knew until now."""
    body = cast(KeyRotated, entry.body)
    if body.use not in PERSON_USES:
        return
    person = log.persons.get(body.person or "")
    if person is None or person.party != body.party:
        break_off("person-key", "a key changes of a person who was never enrolled", entry)
    if body.new is None or body.new == body.old or body.old != person.keys[body.use]:
        message = "a person's key does not follow the one that the log knew until now"
        break_off("person-key", message, entry, person.seq)
    person.keys[body.use] = body.new
