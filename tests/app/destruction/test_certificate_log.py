"""A certificate is held against the log: what it lists is there, and what its scope means is not left out."""

from __future__ import annotations

import random
from typing import Any

from rigs.destroying import certificate_file, checked, destroy
from rigs.linkage import CHILD_WELFARE, SCHOOL, Linkage
from samples.round_files import random_people

from app.destruction.certification import finish
from app.destruction.service import destroy_project
from schemas.canonical import canonical_bytes
from schemas.certificate import CertificateCheck
from schemas.certificate_log import contradictions, left_objects, unlogged_objects
from schemas.destruction import Certificate
from schemas.matchlog.entry import Entry, parse_entry


def destroyed(linkage: Linkage, *where: str) -> tuple[CertificateCheck, list[Entry]]:
    path, *role = where or (f"projects/{linkage.terms.project}",)
    done = destroy(linkage, path, *role).json()
    return checked(linkage, done["certificate"]), log_of(linkage)


def log_of(linkage: Linkage) -> list[Entry]:
    return [parse_entry(canonical_bytes(raw)) for raw in linkage.log_entries()]


def changed(certificate: Certificate, number: int, **fields: Any) -> Certificate:
    raw = certificate.to_json()
    raw["objects"][number] |= fields
    return Certificate.from_json(raw)


def test_a_certificate_of_the_broker_is_all_in_the_log(linked: Linkage) -> None:
    newest = linked.get(f"/v1/projects/{linked.terms.project}/uploads").json()["uploads"][0]
    for where in (
        (f"uploads/{newest['upload']}",),
        (),
        (f"projects/{linked.terms.project}", "operator", "operator"),
    ):
        check, entries = destroyed(linked, *where)
        assert unlogged_objects(check.certificate, entries) == ()
        assert left_objects(check.certificate, check.entry.seq, entries) == ()


def test_an_object_that_the_log_does_not_know_so_is_named(linked: Linkage) -> None:
    check, entries = destroyed(linked, f"projects/{linked.terms.project}", "operator", "operator")
    certificate = check.certificate
    assert {one.kind for one in certificate.objects} == {"upload", "release", "match-record"}
    for number, one in enumerate(certificate.objects):
        for fields in ({"sha256": "0" * 64}, {"entry": 0}, {"entry": 10**6}):
            wrong = changed(certificate, number, **fields)
            assert unlogged_objects(wrong, entries) == (one.object,)


def test_what_the_scope_means_and_the_log_does_not_end_is_named(linked: Linkage) -> None:
    check, entries = destroyed(linked, f"projects/{linked.terms.project}", "operator", "operator")
    certificate, certified = check.certificate, check.entry.seq
    for entry in entries:
        if entry.kind in ("upload-destroyed", "release-destroyed"):
            others = [other for other in entries if other is not entry]
            assert left_objects(certificate, certified, others) == (entry.object,)
    # What is destroyed after the certificate is left by it.
    first = min(entry.seq for entry in entries if entry.kind == "upload-destroyed")
    assert left_objects(certificate, first, entries) != ()
    assert left_objects(certificate, 0, entries) == ()


def test_what_comes_while_it_is_destroyed_is_not_meant(linkage: Linkage) -> None:
    broker, people = linkage.broker, random_people(random.Random(2), 5)
    linkage.upload(people, CHILD_WELFARE)
    with broker.database.write() as session:
        begun = destroy_project(session, broker, linkage.founded.operator, linkage.terms.project)
    # Meanwhile keys are shredded, which takes minutes, and more after a crash.
    linkage.upload(people, SCHOOL)
    assert finish(broker, begun.id)
    file, check = certificate_file(linkage, begun.id), checked(linkage, begun.id)
    assert list(contradictions(file, check.entry, log_of(linkage))) == []
    linkage.check_log()
