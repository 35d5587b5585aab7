"""Counter-signatures and statements: what parties add to a certificate, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rigs.answers import code_of
from rigs.destroying import (
    certificate_file,
    checked,
    countersignature,
    destroy,
    destructions,
    send,
    statement,
)
from rigs.enrolled import EnrolledPerson
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage

from app.clock import utc_text
from app.destruction import participation
from app.errors import OTHER_CERTIFICATE, STATEMENT_REFUSED
from schemas.reports.certificate import CertificateFile

STATEMENTS = f"projects/{PROJECT}/destruction-statements"


@pytest.fixture
def file(linked: Linkage) -> CertificateFile:
    """The certificate of a project that the operator has had destroyed."""
    done = destroy(linked, party="operator", role="operator").json()
    return certificate_file(linked, done["certificate"])


def path(file: CertificateFile) -> str:
    return f"destructions/{file.certificate.certificate}/countersignatures"


def test_a_steward_counter_signs_this_certificate_once_and_in_their_own_name(
    linked: Linkage, file: CertificateFile, ann: EnrolledPerson
) -> None:
    other = EnrolledPerson.confirmed(linked.founded, linked.client, CHILD_WELFARE, "steward")
    for signed, refused in (
        (countersignature(ann, file, sha256="0" * 64), OTHER_CERTIFICATE),
        (countersignature(ann, file, certificate="crt-" + "0" * 32), OTHER_CERTIFICATE),
        (countersignature(ann, file, project="elsewhere"), OTHER_CERTIFICATE),
        (statement(ann), OTHER_CERTIFICATE),
        (countersignature(other, file), STATEMENT_REFUSED),
    ):
        assert code_of(send(ann, path(file), signed)) == refused.code
    assert destructions(linked)[0]["countersigned"] == []
    # A steward counter signs once.
    answer = send(ann, path(file), countersignature(ann, file))
    assert answer.status_code == 200, answer.text
    assert answer.json()["countersigned"] == [CHILD_WELFARE]
    send(ann, path(file), countersignature(ann, file))
    check = checked(linked, file.certificate.certificate)
    assert [signer.person for signer in check.countersigners] == [ann.id]
    assert linked.log_kinds().count("destruction-countersigned") == 1


def test_what_a_party_states_of_this_project_is_outstanding_no_more(
    linked: Linkage, file: CertificateFile, ann: EnrolledPerson, kim: EnrolledPerson
) -> None:
    mine = {one.what for one in file.certificate.outstanding if one.party == CHILD_WELFARE}
    assert {"handle-map", "link-table"} <= mine
    said = statement(
        ann,
        certificate=file.certificate.certificate,
        none_left=["handle-map"],
        kept=[{"what": "link-table", "why": "Needed for the audit."}],
    )
    answer = send(ann, STATEMENTS, said)
    assert (answer.status_code, answer.json()["sha256"]) == (200, said.digest())
    send(ann, STATEMENTS, said)
    check = checked(linked, file.certificate.certificate)
    left = {one.what for one in check.outstanding if one.party == CHILD_WELFARE}
    assert left == mine - {"handle-map"}
    assert linked.log_kinds().count("destruction-stated") == 1
    # A statement is about this project and ones own.
    unknown = statement(ann, certificate="crt-" + "0" * 32)
    assert send(ann, STATEMENTS, unknown).status_code == 404
    assert code_of(send(ann, STATEMENTS, countersignature(ann, file))) == OTHER_CERTIFICATE.code
    elsewhere = statement(ann, project="elsewhere")
    assert code_of(send(ann, STATEMENTS, elsewhere)) == OTHER_CERTIFICATE.code
    assert code_of(send(ann, STATEMENTS, statement(kim))) == STATEMENT_REFUSED.code
    assert send(kim, STATEMENTS, statement(kim)).json()["party"] == SCHOOL


def test_a_statement_before_the_destruction_does_not_count_for_it(
    linked: Linkage, ann: EnrolledPerson
) -> None:
    send(ann, STATEMENTS, statement(ann, none_left=["handle-map"]))
    linked.founded.clock.move(hours=1)
    done = destroy(linked, party="operator", role="operator").json()
    assert checked(linked, done["certificate"]).stated_by == ()


def test_however_much_one_party_states_the_others_are_heard(
    linked: Linkage, file: CertificateFile, ann: EnrolledPerson, kim: EnrolledPerson
) -> None:
    number = file.certificate.certificate
    heard = statement(ann, certificate=number, none_left=["handle-map"])
    assert send(ann, STATEMENTS, heard).status_code == 200
    for _ in range(70):
        linked.founded.clock.move(hours=2)
        assert send(kim, STATEMENTS, statement(kim)).status_code == 200
    check = checked(linked, number)
    assert {signer.party for signer in check.stated_by} == {CHILD_WELFARE, SCHOOL}
    assert "handle-map" not in {one.what for one in check.outstanding if one.party == CHILD_WELFARE}


def test_a_party_states_so_often_a_day_and_no_more(
    linked: Linkage, ann: EnrolledPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(participation, "MAX_STATED_A_DAY", 2)
    first = statement(ann, none_left=("secret",))
    for stated in (first, statement(ann), first):
        assert send(ann, STATEMENTS, stated).status_code == 200
    another = statement(ann, none_left=("received",))
    assert code_of(send(ann, STATEMENTS, another)) == STATEMENT_REFUSED.code
    linked.founded.clock.move(days=1)
    # By the broker's time, whatever they say themselves.
    for hours in (0, 30, 47):
        at = linked.founded.clock() - timedelta(hours=hours)
        answer = send(ann, STATEMENTS, statement(ann, at=utc_text(at)))
        assert answer.status_code == (422 if hours == 47 else 200), answer.text


def test_a_statement_of_another_time_is_refused_by_name(
    linked: Linkage, ann: EnrolledPerson
) -> None:
    for at in ("0001-01-01T00:00:00Z", "2026-08-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        answer = send(ann, STATEMENTS, statement(ann, at=at))
        assert code_of(answer) == STATEMENT_REFUSED.code, at
        assert "its time is in the future" in answer.json()["detail"]
