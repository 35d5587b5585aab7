"""What the match log says a person did is theirs when it is written: their key, their access, once, and lately.

After each test the auditor's verifier finds nothing wrong with the log (`make_linkage`).
"""

from __future__ import annotations

from typing import Any

import pytest
from rigs.agreed import amend, sign, word_of
from rigs.enrolled import EnrolledPerson, revoke, stated
from rigs.linkage import (
    CHILD_WELFARE,
    PROJECT,
    SCHOOL,
    Linkage,
)
from rigs.slowly import send_slowly

from encoding.people.identity import replace_keys
from schemas.documents.canonical import canonical_bytes
from schemas.signing.signed_request import HEADER


def refused(answer: Any) -> tuple[int, str]:
    """Return status and code, of an answer that has no headers too."""
    return answer.status_code, answer.json()["type"].rsplit(":", 1)[-1]


WITHDRAWALS = f"/v1/projects/{PROJECT}/withdrawals"
NOTICES = f"/v1/projects/{PROJECT}/notices"
WITHDRAWAL = {"handle": "ab" * 16, "salt": "5a" * 32}


def suspension(linkage: Linkage, **changes: Any) -> dict[str, Any]:
    """A notice of the agency that halts the linkage, signed now."""
    before = word_of(linkage.broker, CHILD_WELFARE, PROJECT)
    signer, now = linkage.person(CHILD_WELFARE).identity, linkage.founded.clock()
    said = {"act": "suspend", "reason": "A leak.", "before": before, **changes}
    return sign(signer, linkage.agreement, "notice", now, **said).to_json()


def rotate(linkage: Linkage) -> None:
    _, change = replace_keys(linkage.person(CHILD_WELFARE).identity, linkage.founded.clock())
    answer = linkage.post_as("/v1/key-changes", CHILD_WELFARE, change.to_json())
    assert answer.status_code == 200, answer.text


def test_a_signed_request_is_logged_once(linkage: Linkage) -> None:
    path = f"/v1/projects/{PROJECT}/rounds/1"
    signed = {HEADER: linkage.person(CHILD_WELFARE).sign(f"POST {path}", None)}
    headers = linkage.as_party(CHILD_WELFARE) | signed
    # No agency has offered nonces yet.
    assert linkage.client.post(path, headers=headers).status_code == 409
    linkage.offer_all()
    assert linkage.client.post(path, headers=headers).status_code == 201
    linkage.upload_both()
    linkage.work()
    listed = linkage.get(f"/v1/projects/{PROJECT}/releases").json()["releases"]
    path = f"/v1/releases/{listed[0]['release']}/file"
    person = linkage.person(CHILD_WELFARE)
    token = person.token()
    for is_bound in (False, True):
        signed = {HEADER: person.sign(f"GET {path}", None)}

        def fetch(signed: Any = signed, is_bound: bool = is_bound) -> Any:
            if is_bound:
                return linkage.client.get(path, headers=person.headers("GET", path, token) | signed)
            return linkage.client.get(path, headers=linkage.as_party(CHILD_WELFARE) | signed)

        assert fetch().status_code == 200
        assert refused(fetch()) == (400, "request-unsigned"), is_bound
    # Who lost the answer asks anew.
    assert linkage.get(path).status_code == 200
    assert linkage.log_kinds().count("release-fetched") == 3


def test_used_requests_are_kept_as_long_as_the_log_could_take_them(linkage: Linkage) -> None:
    def kept() -> int:
        with linkage.broker.database.read() as session:
            return len(session.connection().exec_driver_sql("SELECT sha256 FROM log_request").all())

    assert linkage.post_as(WITHDRAWALS, CHILD_WELFARE, WITHDRAWAL).status_code == 200
    n_kept = kept()
    assert n_kept
    linkage.founded.clock.move(days=3)
    for number in range(64):
        said = {**WITHDRAWAL, "handle": f"{number:032x}"}
        assert linkage.post_as(WITHDRAWALS, CHILD_WELFARE, said).status_code == 200
    assert 64 <= kept() < 64 + n_kept


@pytest.mark.parametrize("path", [WITHDRAWALS, NOTICES])
def test_who_is_revoked_while_a_body_comes_has_done_nothing(linkage: Linkage, path: str) -> None:
    person, headers = linkage.person(CHILD_WELFARE), {}
    body: Any = WITHDRAWAL
    if path == NOTICES:
        body, headers = suspension(linkage), {"headers": linkage.as_party(CHILD_WELFARE)}
    n_entries = len(linkage.log_kinds())
    answer = send_slowly(linkage, path, body, lambda: revoke(linkage.founded, person.id), **headers)
    assert refused(answer) == (401, "not-authenticated")
    assert linkage.log_kinds()[n_entries:] == ["role-changed"]


def test_keys_that_were_replaced_while_a_body_comes_sign_nothing(linkage: Linkage) -> None:
    answer = send_slowly(linkage, WITHDRAWALS, WITHDRAWAL, lambda: rotate(linkage))
    assert refused(answer) == (400, "request-unsigned")
    assert linkage.log_kinds()[-1] == "key-rotated"


def test_who_leaves_the_roster_at_midnight_while_a_body_comes_acts_no_more(
    linkage: Linkage,
) -> None:
    leaver = EnrolledPerson.confirmed(linkage.founded, linkage.client, CHILD_WELFARE, "analyst")
    linkage.list_also(leaver.identity)
    parties: Any = linkage.agreement.to_json()["parties"]
    for party in parties:
        party["persons"] = [one for one in party["persons"] if one["person"] != leaver.id]
    known = [linkage.person(party).identity for party in (CHILD_WELFARE, SCHOOL)]
    known += [linkage.person("operator", "operator").identity]
    known += [linkage.person("state-auditor", "auditor").identity]
    start = {"parties": parties, "start": "2026-09-02"}
    linkage.agreement = amend(linkage.broker, linkage.agreement, linkage.profile, known, **start)
    clock = linkage.founded.clock
    clock.now = clock.now.replace(hour=23, minute=59, second=50)
    linkage.sign_in_anew()
    headers = {
        "authorization": f"Bearer {leaver.token(is_bound=False)}",
        HEADER: leaver.sign(
            f"POST {WITHDRAWALS}", stated(WITHDRAWALS, canonical_bytes(WITHDRAWAL))
        ),
    }
    answer = send_slowly(
        linkage, WITHDRAWALS, WITHDRAWAL, lambda: clock.move(seconds=100), headers=headers
    )
    assert refused(answer) == (404, "not-found")


def test_what_was_signed_and_kept_back_is_not_taken(linkage: Linkage) -> None:
    said, at = suspension(linkage), linkage.founded.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
    person = linkage.person(CHILD_WELFARE)
    _, change = replace_keys(person.identity, linkage.founded.clock())
    linkage.founded.clock.move(days=2, seconds=1)
    linkage.sign_in_anew()
    assert refused(linkage.post_as(NOTICES, CHILD_WELFARE, said)) == (422, "statement-refused")
    assert refused(linkage.offer(CHILD_WELFARE, at=at)) == (409, "nonces-refused")
    answer = linkage.post_as("/v1/key-changes", CHILD_WELFARE, change.to_json())
    assert refused(answer) == (409, "key-change-refused")
    assert linkage.post_as(NOTICES, CHILD_WELFARE, suspension(linkage)).status_code == 200
