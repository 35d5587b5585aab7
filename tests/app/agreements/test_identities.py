"""Whose keys act in a project, as its parties may read them."""

from __future__ import annotations

from rigs.enrolled import EnrolledPerson, invite, revoke
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, Linkage

from encoding.people.identity import new_identity, replace_keys
from schemas.api.sign_in import IdentityList
from schemas.signing.identity import Role

PATH = f"/v1/projects/{PROJECT}/identities"


def listed(linkage: Linkage, party: str = SCHOOL, role: Role = "agency") -> IdentityList:
    answer = linkage.get(PATH, party, role)
    assert answer.status_code == 200, answer.text
    return IdentityList.from_json(answer.json())


def signers(linkage: Linkage) -> set[str]:
    """Return the persons of the rig, who have signed the agreement."""
    return {one.person for party in linkage.agreement.parties for one in party.persons}


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
    roles: dict[str, Role] = {SCHOOL: "agency", AUDITOR: "auditor", "operator": "operator"}
    for party, role in roles.items():
        expected = signers(linkage) | {person.id for person in mine}
        assert persons(listed(linkage, party, role)) == expected


def test_who_waits_is_not_listed_and_who_was_revoked_is_on_request(linkage: Linkage) -> None:
    gone = confirmed(linkage, CHILD_WELFARE)
    revoke(linkage.founded, gone.id)
    identity = new_identity(CHILD_WELFARE, ("analyst",), linkage.founded.clock())
    waiting = EnrolledPerson(linkage.founded, linkage.client, identity)
    waiting.enrol(invite(linkage.founded, CHILD_WELFARE, "analyst"))
    assert persons(listed(linkage)) == signers(linkage)
    answer = linkage.get(f"{PATH}?former=true", SCHOOL, "agency")
    found = IdentityList.from_json(answer.json())
    assert persons(found) == signers(linkage) | {gone.id}


def test_a_history_leads_from_the_first_keys_to_the_newest(linkage: Linkage) -> None:
    person = confirmed(linkage, CHILD_WELFARE)
    new, change = replace_keys(person.identity, linkage.founded.clock())
    person.call("POST", "/v1/key-changes", json=change.to_json())
    (history,) = (one for one in listed(linkage).identities if one.newest().person == person.id)
    assert history.verify() == (person.identity.public, new.public)
