"""What agencies and auditors fetch of the match log, checked with the formats alone."""

from __future__ import annotations

import base64
import io
from contextlib import ExitStack
from typing import Any

import pytest
from breaks.false_log import root_of
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, Linkage, either_database, terms_of

from app.auditor.verify import verify_bundle
from app.errors import StorageFullError
from app.evidence import endpoints, service
from schemas.api.bodies import LogCheckpoint
from schemas.documents.merkle import verify_consistency
from schemas.documents.problem import Problem
from schemas.matchlog.bundle import MEDIA_TYPE
from schemas.matchlog.checkpoint import open_checkpoint
from schemas.matchlog.entry import Entry
from schemas.matchlog.tiles import unpack_entries, unpack_hashes
from schemas.signing.note import VerifierKey

__all__ = ["either_database"]


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


def test_checkpoints_and_tiles_are_those_of_the_log_that_signed_them(
    linkage: Linkage, key: VerifierKey
) -> None:
    linkage.as_party(CHILD_WELFARE)
    found = checkpoint(linkage)
    known = open_checkpoint(found.checkpoint.encode(), [key])
    assert known.size == len(linkage.log_entries())
    assert (found.log_key, found.proof) == (key.text, ())
    line = linkage.get("/v1/log/key")
    assert line.headers["content-type"] == "text/plain; charset=utf-8"
    assert VerifierKey.from_text(line.text.removesuffix("\n")) == key
    tile = linkage.get(f"/v1/log/tile/0/000.p/{known.size}")
    assert root_of(unpack_hashes(tile.content, known.size)) == known.root
    for path in ("0/000.p/999", "0/001", "1/000", "7/000", "0/000.p/0", "0/000/", "x"):
        assert linkage.get(f"/v1/log/tile/{path}").status_code == 404, path
    # Entries of a project come without those of others.
    raw = linkage.get(f"/v1/log/tile/entries/000.p/{known.size}?project={PROJECT}").content
    assert [entry is None for entry in unpack_entries(raw, known.size)] == [
        entry["project"] not in (None, PROJECT) for entry in linkage.log_entries()
    ]
    # A checkpoint comes with proof that it continues what the caller knows; the same size needs none.
    assert checkpoint(linkage, known.size).proof == ()
    linkage.founded.enrol("another", "yet-another", "and-another")
    found = checkpoint(linkage, known.size)
    newest = open_checkpoint(found.checkpoint.encode(), [key])
    proof = [base64.b64decode(node) for node in found.proof]
    assert newest.size == known.size + 3
    verify_consistency(known.size, newest.size, proof, known.root, newest.root)
    answer = linkage.get("/v1/log/checkpoint?old=1000000")
    assert answer.status_code == 404
    assert Problem.from_json(answer.json()).code == "not-in-log"


def test_all_entries_at_once_are_for_the_operator(linkage: Linkage) -> None:
    for path in ("/v1/log/tile/entries/000.p/1", "/v1/log/bundle"):
        for party, role in ((CHILD_WELFARE, "agency"), (AUDITOR, "auditor")):
            answer = linkage.get(path, party, role)
            assert (answer.status_code, Problem.from_json(answer.json()).code) == (
                422,
                "project-needed",
            )
        assert linkage.get(path, "operator", "operator").status_code == 200


def test_a_bundle_verifies_offline_shows_its_project_and_says_who_took_it(
    linkage: Linkage, key: VerifierKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    linkage.upload_both()
    linkage.ask()
    linkage.work()
    monkeypatch.setattr(service, "SPOOL_BYTES", 10)
    monkeypatch.setattr(endpoints, "CHUNK_BYTES", 100)
    raw = bundle(linkage, "operator", "operator")
    assert len(raw) > 1000
    assert list(linkage.broker.settings.scratch_dir.iterdir()) == []
    assert [entry.kind for entry in entries_of(raw, key)] == linkage.log_kinds()
    linkage.add_project(terms_of(linkage.profile, project="another"))
    shown = entries_of(bundle(linkage, AUDITOR, "auditor", PROJECT), key)
    assert {entry.project for entry in shown} == {None, PROJECT}
    last = shown[-1]
    assert (last.kind, last.actor.party, last.actor.role) == ("exported", AUDITOR, "auditor")
    assert (last.project, last.agreement) == (PROJECT, linkage.agreement.digest())


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
