"""What agencies and auditors fetch of the match log, checked with the formats alone."""

from __future__ import annotations

import base64
import io
from contextlib import ExitStack
from typing import Any

import pytest
from breaks.false_log import root_of
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, Linkage

from app.auditor.verify import verify_bundle
from app.evidence import endpoints, service
from app.security.errors import StorageFullError
from schemas.api import LogCheckpoint
from schemas.matchlog.bundle import MEDIA_TYPE
from schemas.matchlog.checkpoint import open_checkpoint
from schemas.matchlog.entry import Entry
from schemas.matchlog.note import VerifierKey
from schemas.matchlog.tiles import unpack_entries, unpack_hashes
from schemas.merkle import verify_consistency
from schemas.problem import Problem


@pytest.fixture
def key(linkage: Linkage) -> VerifierKey:
    return linkage.broker.log.key


def checkpoint(linkage: Linkage, old: int | None = None) -> LogCheckpoint:
    query = "" if old is None else f"?old={old}"
    return LogCheckpoint.from_json(linkage.get(f"/v1/log/checkpoint{query}").json())


def bundle(linkage: Linkage, party: str, role: Any, project: str | None = None) -> bytes:
    query = "" if project is None else f"?project={project}"
    answer = linkage.get(f"/v1/log/bundle{query}", party, role)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == MEDIA_TYPE
    return bytes(answer.content)


def entries_of(raw: bytes, key: VerifierKey) -> list[Entry]:
    shown: list[Entry] = []
    verify_bundle(io.BytesIO(raw), log_key=key, on_entry=shown.append)
    return shown


def test_the_newest_checkpoint_is_signed_by_the_log(linkage: Linkage, key: VerifierKey) -> None:
    linkage.as_party(CHILD_WELFARE)
    found = checkpoint(linkage)
    signed = open_checkpoint(found.checkpoint.encode(), [key])
    assert signed.size == len(linkage.log_entries())
    assert found.log_key == key.text
    assert found.proof == ()


def test_a_checkpoint_comes_with_proof_that_it_continues_what_the_caller_knows(
    linkage: Linkage, key: VerifierKey
) -> None:
    linkage.as_party(CHILD_WELFARE)
    known = open_checkpoint(checkpoint(linkage).checkpoint.encode(), [key])
    linkage.founded.enrol("another", "yet-another", "and-another")
    found = checkpoint(linkage, known.size)
    newest = open_checkpoint(found.checkpoint.encode(), [key])
    proof = [base64.b64decode(node) for node in found.proof]
    assert newest.size == known.size + 3
    verify_consistency(known.size, newest.size, proof, known.root, newest.root)


def test_the_same_size_needs_no_proof(linkage: Linkage, key: VerifierKey) -> None:
    linkage.as_party(CHILD_WELFARE)
    size = open_checkpoint(checkpoint(linkage).checkpoint.encode(), [key]).size
    assert checkpoint(linkage, size).proof == ()


def test_a_size_that_the_log_never_had_is_refused(linkage: Linkage) -> None:
    answer = linkage.get("/v1/log/checkpoint?old=1000000")
    assert answer.status_code == 404
    assert Problem.from_json(answer.json()).code == "not-in-log"


def test_the_key_is_given_as_one_line(linkage: Linkage, key: VerifierKey) -> None:
    answer = linkage.get("/v1/log/key")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert VerifierKey.from_text(answer.text.removesuffix("\n")) == key


def test_the_tiles_add_up_to_the_signed_root(linkage: Linkage, key: VerifierKey) -> None:
    linkage.as_party(CHILD_WELFARE)
    signed = open_checkpoint(checkpoint(linkage).checkpoint.encode(), [key])
    tile = linkage.get(f"/v1/log/tile/0/000.p/{signed.size}")
    assert root_of(unpack_hashes(tile.content, signed.size)) == signed.root


@pytest.mark.parametrize(
    "path", ["0/000.p/99", "0/001", "1/000", "7/000", "0/000.p/0", "0/000/", "x"]
)
def test_a_tile_that_the_log_does_not_have_is_not_found(linkage: Linkage, path: str) -> None:
    assert linkage.get(f"/v1/log/tile/{path}").status_code == 404


def test_entries_of_a_project_come_without_those_of_others(linkage: Linkage) -> None:
    linkage.as_party(CHILD_WELFARE)
    size = len(linkage.log_entries())
    raw = linkage.get(f"/v1/log/tile/entries/000.p/{size}?project={PROJECT}").content
    shown = unpack_entries(raw, size)
    assert [entry is None for entry in shown] == [
        entry["project"] not in (None, PROJECT) for entry in linkage.log_entries()
    ]


def test_all_entries_at_once_are_for_the_operator(linkage: Linkage) -> None:
    for path in ("/v1/log/tile/entries/000.p/1", "/v1/log/bundle"):
        for party, role in ((CHILD_WELFARE, "agency"), (AUDITOR, "auditor")):
            answer = linkage.get(path, party, role)
            assert (answer.status_code, Problem.from_json(answer.json()).code) == (
                422,
                "project-needed",
            )
        assert linkage.get(path, "operator", "operator").status_code == 200


def test_a_bundle_verifies_offline(linkage: Linkage, key: VerifierKey) -> None:
    linkage.upload_both()
    linkage.ask()
    linkage.work()
    kinds = [entry.kind for entry in entries_of(bundle(linkage, "operator", "operator"), key)]
    assert kinds == linkage.log_kinds()


def test_a_bundle_ends_with_the_entry_that_says_who_took_it(
    linkage: Linkage, key: VerifierKey
) -> None:
    last = entries_of(bundle(linkage, AUDITOR, "auditor", PROJECT), key)[-1]
    assert (last.kind, last.actor.party, last.actor.role) == ("exported", AUDITOR, "auditor")
    assert (last.project, last.agreement) == (PROJECT, linkage.agreement.digest())


def test_a_projects_bundle_shows_that_project_and_what_concerns_all(
    linkage: Linkage, key: VerifierKey
) -> None:
    from rigs.linkage import terms_of

    linkage.add_project(terms_of(linkage.profile, project="another"))
    shown = entries_of(bundle(linkage, AUDITOR, "auditor", PROJECT), key)
    assert {entry.project for entry in shown} == {None, PROJECT}


def test_the_export_is_logged_before_the_first_byte_leaves(
    linkage: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    class TornError(Exception):
        pass

    def torn(*_: Any) -> Any:
        raise TornError

    monkeypatch.setattr(service, "export_bundle", torn)
    answer = linkage.get("/v1/log/bundle", "operator", "operator")
    assert answer.status_code == 500
    assert linkage.log_kinds()[-1] == "exported"


def test_a_bundle_leaves_no_file_behind(linkage: Linkage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "SPOOL_BYTES", 10)
    monkeypatch.setattr(endpoints, "CHUNK_BYTES", 100)
    raw = bundle(linkage, "operator", "operator")
    assert len(raw) > 1000
    assert list(linkage.broker.settings.scratch_dir.iterdir()) == []


def test_a_person_is_handed_so_many_bundles_at_once(linkage: Linkage) -> None:
    linkage.as_party("operator", "operator")
    person = linkage.person("operator", "operator").id
    n_entries = len(linkage.log_entries())
    with ExitStack() as on_their_way:
        for _ in range(service.MAX_BUNDLES):
            waiting = service._new_bundle(linkage.broker.settings.scratch_dir, person)
            on_their_way.enter_context(waiting)
        answer = linkage.get("/v1/log/bundle", "operator", "operator")
        assert Problem.from_json(answer.json()).code == "too-many-requests"
        assert len(linkage.log_entries()) == n_entries
        # Those of others do not count.
        bundle(linkage, AUDITOR, "auditor", PROJECT)
        waiting.close()
        bundle(linkage, "operator", "operator")


def test_no_bundle_fills_the_disk(linkage: Linkage, monkeypatch: pytest.MonkeyPatch) -> None:
    n_left = 1

    def refuse_when_full() -> None:
        nonlocal n_left
        n_left -= 1
        if n_left < 0:
            raise StorageFullError("full")

    monkeypatch.setattr(linkage.broker.blobs, "refuse_when_full", refuse_when_full)
    assert linkage.get("/v1/log/bundle", "operator", "operator").status_code == 507
    assert linkage.log_kinds()[-1] == "exported"
    # Where it is nearly full already, nothing is made and nothing logged.
    n_entries = len(linkage.log_entries())
    assert linkage.get("/v1/log/bundle", "operator", "operator").status_code == 507
    assert len(linkage.log_entries()) == n_entries
