"""Whose keys act in a project, as its parties may read them."""

from __future__ import annotations

from rigs.enrolled import EnrolledPerson, invite, revoke
from rigs.linkage import (
    AUDITOR,
    CHILD_WELFARE,
    PROJECT,
    SCHOOL,
    Linkage,
    embedded_database,
)

from encoding.people.identity import new_identity, replace_keys
from schemas.sign_in import IdentityList

__all__ = ["embedded_database"]

PATH = f"/v1/projects/{PROJECT}/identities"


def listed(linkage: Linkage, party: str = SCHOOL, role: str = "agency") -> IdentityList:
    # By a token without a person: who looks adds no keys to the list.
    answer = linkage.client.get(PATH, headers=linkage.bearer(party, role))
    assert answer.status_code == 200, answer.text
    return IdentityList.from_json(answer.json())


def confirmed(linkage: Linkage, party: str, duty: str = "analyst") -> EnrolledPerson:
    return EnrolledPerson.confirmed(linkage.founded, linkage.client, party, duty)  # type: ignore[arg-type]


def persons(found: IdentityList) -> set[str]:
    return {history.newest().person for history in found.identities}


def test_each_party_sees_the_keys_of_all_of_them_and_of_the_operator(linkage: Linkage) -> None:
    linkage.founded.enrol("stranger")
    mine = [
        confirmed(linkage, CHILD_WELFARE),
        confirmed(linkage, AUDITOR, "auditor"),
        confirmed(linkage, "operator", "operator"),
    ]
    confirmed(linkage, "stranger")
    for party, role in ((SCHOOL, "agency"), (AUDITOR, "auditor"), ("operator", "operator")):
        assert persons(listed(linkage, party, role)) == {person.id for person in mine}


def test_who_waits_or_was_revoked_is_not_listed(linkage: Linkage) -> None:
    gone = confirmed(linkage, CHILD_WELFARE)
    revoke(linkage.founded, gone.id)
    waiting = EnrolledPerson(
        linkage.founded,
        linkage.client,
        new_identity(CHILD_WELFARE, ("analyst",), linkage.founded.clock()),
    )
    waiting.enrol(invite(linkage.founded, CHILD_WELFARE, "analyst"))
    assert listed(linkage).identities == ()


def test_a_history_leads_from_the_first_keys_to_the_newest(linkage: Linkage) -> None:
    person = confirmed(linkage, CHILD_WELFARE)
    new, change = replace_keys(person.identity, linkage.founded.clock())
    person.call("POST", "/v1/key-changes", json=change.to_json())
    (history,) = listed(linkage).identities
    assert history.verify() == (person.identity.public, new.public)
