"""Steps about persons and their keys."""

from __future__ import annotations

from typing import Final

from schemas.documents.errors import SignatureError
from schemas.documents.ids import BROKER
from schemas.matchlog.entry import Entry
from schemas.matchlog.person_kinds import SIGN_ON, KeyRotated, PersonEnrolled, RoleChanged
from schemas.rules.common import is_operator
from schemas.rules.log_state import LogState, PersonState
from schemas.rules.steps import break_off, was_signed_lately
from schemas.signing.identity import signing_key_sha256

PERSON_USES: Final = frozenset({"signing", "receiving"})


def enrol(log: LogState, entry: Entry) -> None:
    """A person is enrolled once, for a party that was enrolled before."""
    body = entry.body_as(PersonEnrolled)
    if body.party not in log.parties:
        break_off("stranger", "a person is enrolled for a party that never was", entry)
    known = log.persons.get(body.person)
    if known is not None:
        break_off("person-twice", "a person is enrolled twice", entry, known.seq)
    signing = signing_key_sha256(body.signing_key)
    keys = {"signing": signing, "receiving": body.receiving_key}
    log.persons[body.person] = PersonState(
        body.party, body.duties, body.signing_key, keys, entry.seq, {signing}
    )


def revoke(log: LogState, entry: Entry) -> None:
    """A person whose access is taken away signs nothing any more."""
    body = entry.body_as(RoleChanged)
    if body.change != "revoked":
        return
    person = log.persons.get(body.person)
    if person is None or person.party != body.party:
        break_off("person-unknown", "access ends of someone who was never enrolled", entry)
    person.revoked = entry.seq


def replace_key(log: LogState, entry: Entry) -> None:
    """A person's key gives way to another one, and is the one that the log knew until now."""
    body = entry.body_as(KeyRotated)
    own = (entry.actor.party, entry.actor.person) == (body.party, body.person)
    if body.use not in PERSON_USES:
        is_brokers = entry.actor.party == BROKER or is_operator(log, entry)
        if not is_brokers and not (own and body.use == SIGN_ON):
            message = "a key of the broker, or of another person, changes in someone's name"
            break_off("broker-only", message, entry)
        return
    if not own:
        break_off("person-key", "a person's key changes in another's name", entry)
    person = log.persons.get(body.person or "")
    if person is None or person.party != body.party:
        break_off("person-key", "a key changes of a person who was never enrolled", entry)
    if person.revoked is not None:
        message = "someone replaces their keys after their access ended"
        break_off("person-revoked", message, entry, person.revoked)
    if body.new is None or body.new == body.old or body.old != person.keys[body.use]:
        message = "a person's key does not follow the one that the log knew until now"
        break_off("person-key", message, entry, person.seq)
    if body.use == "signing":
        _change_keys(body, person, entry)
    elif body.new != person.promised:
        message = "a person's receiving key is not the one to which they have changed"
        break_off("person-key", message, entry, person.seq)
    person.keys[body.use] = body.new


def _change_keys(body: KeyRotated, person: PersonState, entry: Entry) -> None:
    """Take the change of keys that the person signed with the key until now."""
    if body.signed is None:
        break_off("person-key", "a person's keys change without their signature", entry, person.seq)
    change, successor = body.signed.change, body.signed.change.successor
    stated = (change.person, change.old_key, successor.party, successor.duties)
    if stated != (body.person, person.signing_key, person.party, person.duties):
        message = "a signed change of keys is not of this person and their key until now"
        break_off("person-key", message, entry, person.seq)
    try:
        body.signed.require_signatures()
    except SignatureError as exc:
        break_off("person-key", f"a change of keys does not count: {exc}", entry, person.seq)
    signing, receiving = successor.key_digests()
    if signing != body.new:
        message = "a key changes to another one than the person has signed for"
        break_off("person-key", message, entry, person.seq)
    was_signed_lately(entry, change.at)
    person.signing_key, person.promised = successor.signing_key, receiving
    person.history.add(signing)
