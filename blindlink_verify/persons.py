"""Chapter 5, `entry.md` and `identity.md`: which parties and persons there are, with which keys."""

from types import SimpleNamespace
from typing import Any

from blindlink_verify.basics import is_signed, key_digest, need, timely
from blindlink_verify.state import Log, Project


def party_enrolled(log: Log, _p: Project, e: Any) -> None:
    need(e.body["party"] not in log.roles, "enrolled-twice", "the party was not enrolled before")
    log.roles[e.body["party"]] = e.body["role"]


def person_enrolled(log: Log, _p: Project, e: Any) -> None:
    b = e.body
    need(b["party"] in log.roles, "stranger", "the party in the body was enrolled before")
    need(b["person"] not in log.persons, "person-twice", "the person was not enrolled before")
    person = SimpleNamespace(party=b["party"], duties=b["duties"], is_revoked=False, next_key=None)
    person.signing_key, signing = b["signing_key"], key_digest(b["signing_key"])
    person.keys, person.had = {"signing": signing, "receiving": b["receiving_key"]}, {signing}
    log.persons[b["person"]] = person


def role_changed(log: Log, _p: Project, e: Any) -> None:
    b = e.body
    need(b["party"] in log.roles or b["party"] == "broker", "stranger", "the party was enrolled before")
    if b["change"] == "revoked":
        person = log.persons.get(b["person"])
        need(person and person.party == b["party"], "person-unknown", "the person was enrolled for the party")
        person.is_revoked = True  # type: ignore[union-attr]


def key_rotated(log: Log, _p: Project, e: Any) -> None:
    b, use = e.body, e.body["use"]
    need(b["party"] in log.roles or b["party"] == "broker", "stranger", "the party was enrolled before")
    if use not in ("signing", "receiving"):
        return
    person = acting(log, e, "person-key", "person-revoked")
    need([e.party, e.person] == [b["party"], b["person"]], "person-key", "the actor is the person in the body")
    fits = person.keys[use] == b["old"] and b["new"] not in (None, b["old"])
    need(fits, "person-key", "`old` is the person's key until now, and `new` another one")
    if use == "signing":
        take_successor(person, e)
    else:
        need(person.next_key == b["new"], "person-key", "`new` is the receiving key of the last successor")
    person.keys[use] = b["new"]


def take_successor(person: Any, e: Any) -> None:
    """With the use `signing`, `signed` is a change of keys, from the key until now to a successor."""
    change, signed = e.body["signed"]["change"], e.body["signed"]
    new = change["successor"]
    fits = change["person"] == new["person"] == e.person and change["old_key"] == person.signing_key
    fits = fits and [new["party"], new["duties"]] == [person.party, person.duties]
    need(fits, "person-key", "it is from this person's key until now to one with the party and duties")
    holds = is_signed("key-rotation", change, signed["old_signature"], change["old_key"])
    holds = holds and is_signed("key-rotation", change, signed["new_signature"], new["signing_key"])
    need(holds, "person-key", "both keys have signed the change")
    need(key_digest(new["signing_key"]) == e.body["new"], "person-key", "the successor has `new`")
    timely(e, change["at"])
    person.signing_key, person.next_key = new["signing_key"], key_digest(new["receiving_key"])
    person.had.add(e.body["new"])


def acting(log: Log, e: Any, unknown: str, revoked: str = "") -> Any:
    """Who acts: the person was enrolled for the party, and access was not revoked."""
    person = log.persons.get(e.person)
    need(person and person.party == e.party, unknown, "the person was enrolled for the party")
    need(not person.is_revoked, revoked or unknown, "access was not revoked")  # type: ignore[union-attr]
    return person


def signs(log: Log, e: Any, signature: Any, code: str) -> Any:
    """*Signed with the own key*: the actor's, who may still act, by the key of use `signing`."""
    need([signature["party"], signature["person"]] == [e.party, e.person], code, "the signature is the actor's")
    person = acting(log, e, code)
    need(person.keys["signing"] == signature["key"], code, "`key` is the person's key of use `signing`")
    return person
