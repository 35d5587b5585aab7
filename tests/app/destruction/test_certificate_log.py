"""A certificate is held against the log: what it lists is there, and what its scope means is not left out."""

from __future__ import annotations

import random
from typing import Any

import pytest
from rigs.blind import RESEARCH, make_blind
from rigs.destroying import certificate_file, checked, destroy
from rigs.linkage import AUDITOR, CHILD_WELFARE, SCHOOL, Linkage, MakeLinkage
from samples.round_files import random_people

from app.destruction.certification import finish
from app.destruction.service import destroy_project
from schemas.documents.canonical import canonical_bytes
from schemas.matchlog.entry import Entry, parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.reports.certificate import CertificateCheck
from schemas.reports.certificate_log import (
    contradictions,
    left_objects,
    unlogged_fields,
    unlogged_objects,
)
from schemas.rounds.destruction import Certificate


def destroyed(linkage: Linkage, *where: str) -> tuple[CertificateCheck, list[Entry]]:
    path, *role = where or (f"projects/{linkage.terms.project}",)
    done = destroy(linkage, path, *role).json()
    return checked(linkage, done["certificate"]), log_of(linkage)


def log_of(linkage: Linkage) -> list[Entry]:
    return [parse_entry(canonical_bytes(raw), KINDS) for raw in linkage.log_entries()]


def changed(certificate: Certificate, number: int, **fields: Any) -> Certificate:
    raw = certificate.to_json()
    raw["objects"][number] |= fields
    return Certificate.from_json(raw)


def place_of(linkage: Linkage, scope: str) -> tuple[str, ...]:
    """Return what destroys all of a scope: the path, and who asks."""
    if scope == "upload":
        newest = linkage.get(f"/v1/projects/{linkage.terms.project}/uploads").json()["uploads"][0]
        return (f"uploads/{newest['upload']}",)
    if scope == "party":
        return ()
    return f"projects/{linkage.terms.project}", "operator", "operator"


@pytest.mark.parametrize(
    ("scope", "owed"),
    [("upload", {CHILD_WELFARE}), ("party", {CHILD_WELFARE}), ("project", {CHILD_WELFARE, SCHOOL})],
)
def test_a_certificate_lists_what_its_scope_means_and_who_holds_more_as_the_log_says(
    linked: Linkage, scope: str, owed: set[str]
) -> None:
    check, entries = destroyed(linked, *place_of(linked, scope))
    certificate, certified = check.certificate, check.entry.seq
    file = certificate_file(linked, certificate.certificate)
    assert certificate.scope == scope
    assert list(contradictions(file, check.entry, entries)) == []
    assert {one.party for one in certificate.outstanding} == owed
    kinds = {one.what for one in certificate.outstanding if one.party == CHILD_WELFARE}
    assert kinds >= {"extract", "link-table", "received"}
    for fewer in certificate.outstanding:
        rest = tuple(one for one in certificate.outstanding if one != fewer)
        forged = certificate.model_copy(update={"outstanding": rest})
        assert unlogged_fields(forged, check.entry, entries) == ("outstanding",)
    rest_of_log = [entry for entry in entries if entry.kind != "release-fetched"]
    assert unlogged_fields(certificate, check.entry, rest_of_log) == ("outstanding",)
    # What the scope means and the log does not end is named.
    ended = [entry for entry in entries if entry.kind.endswith("-destroyed")]
    assert len({entry.kind for entry in ended}) == 3
    for entry in ended:
        others = [other for other in entries if other is not entry]
        assert left_objects(certificate, certified, others) == (entry.object,)
    # What is destroyed after the certificate is left by it.
    first = min(entry.seq for entry in entries if entry.kind == "upload-destroyed")
    assert left_objects(certificate, first, entries) != ()
    assert left_objects(certificate, 0, entries) == ()


def test_who_asked_for_matches_in_vain_holds_none(linked: Linkage) -> None:
    releases = f"/v1/projects/{linked.terms.project}/releases"
    (release,) = linked.get(releases, SCHOOL).json()["releases"]
    linked.founded.clock.move(days=90)
    assert linked.get(f"/v1/releases/{release['release']}/file", SCHOOL).status_code == 410
    check, entries = destroyed(linked, *place_of(linked, "project"))
    assert [one.outcome for one in entries if one.kind == "release-fetched"] == ["done", "refused"]
    holders = {one.party for one in check.certificate.outstanding if one.what == "received"}
    assert holders == {CHILD_WELFARE}
    file = certificate_file(linked, check.certificate.certificate)
    assert list(contradictions(file, check.entry, entries)) == []


def test_whom_a_blind_release_is_sealed_to_holds_what_an_agency_fetched(
    make_linkage: MakeLinkage,
) -> None:
    blind = make_blind(make_linkage)
    blind.linkage.upload_both()
    blind.run()
    blind.file(CHILD_WELFARE)
    check, entries = destroyed(blind.linkage, *place_of(blind.linkage, "project"))
    file = certificate_file(blind.linkage, check.certificate.certificate)
    assert list(contradictions(file, check.entry, entries)) == []
    holders = {one.party for one in check.certificate.outstanding if one.what == "extract"}
    assert holders == {CHILD_WELFARE, RESEARCH}
    for number, one in enumerate(check.certificate.objects):
        if one.kind == "release":
            wrong = changed(check.certificate, number, party=AUDITOR)
            assert unlogged_objects(wrong, entries) == (one.object,)
    (upload,) = [one for one in entries if one.kind == "upload-destroyed"][:1]
    others = [one for one in entries if one is not upload]
    assert left_objects(check.certificate, check.entry.seq, others) == (upload.object,)


def test_an_object_goes_by_an_entry_of_its_own_or_by_none_that_it_needs(linked: Linkage) -> None:
    check, entries = destroyed(linked, *place_of(linked, "project"))
    certificate = check.certificate
    assert {one.kind for one in certificate.objects} == {"upload", "release", "match-record"}
    for number, one in enumerate(certificate.objects):
        for fields in (
            {"sha256": "0" * 64},
            {"entry": 0},
            {"entry": 10**6},
            {"party": AUDITOR},
            {"count": 1},
            {"destroyed": "2026-08-31T06:00:00Z", "created": None},
        ):
            wrong = changed(certificate, number, **fields)
            assert unlogged_objects(wrong, entries) == (one.object,)
    # No two objects go by one entry.
    raw = certificate.to_json()
    (record,) = [one for one in raw["objects"] if one["kind"] == "match-record"]
    # A match record is known by its run, so nothing else tells the two apart.
    twin = {**record, "object": "zzz-" + "f" * 32}
    twice = Certificate.from_json({**raw, "objects": [*raw["objects"], twin]})
    assert set(unlogged_objects(twice, entries)) == {record["object"], twin["object"]}
    # What has no entry goes by none and not before it was asked for.
    for kind in ("claims", "review"):
        stated: dict[str, Any] = {
            "kind": kind,
            "entry": None,
            "created": None,
            "destroyed": certificate.asked,
        }
        assert unlogged_objects(changed(certificate, 0, **stated), entries) == (), kind
        for wrong in (
            {"destroyed": "2026-08-31T06:00:00Z"},
            {"entry": certificate.objects[0].entry},
        ):
            forged = changed(certificate, 0, **{**stated, **wrong})
            assert unlogged_objects(forged, entries) == (certificate.objects[0].object,)


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
