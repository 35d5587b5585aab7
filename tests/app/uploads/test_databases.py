"""What rests on the database's own promises: the same on SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from typing import Any

import pytest
from rigs.linkage import CHILD_WELFARE, SCHOOL, Linkage, either_database
from samples.round_files import Container, random_people

from app.blobs import BlobStore
from app.broker import MAX_CHECKS
from app.uploads import part_storage
from app.uploads.acceptance import MAX_REJECTIONS
from schemas.problem import Problem
from schemas.upload import merkle_root

__all__ = ["either_database"]


def at_once(*calls: Callable[[], object]) -> list:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def but_request(answer: Any) -> dict:
    return {name: value for name, value in answer.json().items() if name != "request"}


def made_by(linkage: Linkage, party: str = CHILD_WELFARE, **header: Any) -> Container:
    return linkage.container(random_people(linkage.rng, 10), party, **header)


def test_an_upload_goes_from_opening_to_receipt(linkage: Linkage) -> None:
    receipt, made = linkage.upload(random_people(linkage.rng, 10), CHILD_WELFARE)
    view = linkage.get(f"/v1/uploads/{receipt.subject}").json()
    assert (view["state"], view["records"]) == ("committed", 10)
    assert view["container_bytes"] == len(made.content)
    assert linkage.log_kinds()[-1] == "upload-received"


def test_the_same_part_sent_four_times_at_once_is_stored_once(
    linkage: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal_part, barrier = part_storage.seal_part, Barrier(4)

    def seal_together(*place: Any) -> str:
        barrier.wait(10)
        return seal_part(*place)

    monkeypatch.setattr(part_storage, "seal_part", seal_together)
    made = made_by(linkage)
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    send = lambda: linkage.put(upload, 0, made.parts[0], CHILD_WELFARE).status_code  # noqa: E731
    assert at_once(send, send, send, send) == [200] * 4
    assert linkage.get(f"/v1/uploads/{upload}/parts").json()["stored"] == [0]
    assert len(list(linkage.broker.blobs.digests())) == 1
    monkeypatch.undo()
    for number in (1, 2):
        linkage.put(upload, number, made.parts[number], CHILD_WELFARE)
    manifest = linkage.manifest(made, CHILD_WELFARE)
    assert linkage.commit(upload, manifest, CHILD_WELFARE).status_code == 200


def test_a_part_that_came_too_late_leaves_nothing_on_the_disk(
    linkage: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = made_by(linkage)
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    seal_part = part_storage.seal_part

    def seal_slowly(*place: Any) -> str:
        linkage.founded.clock.move(hours=25)
        return seal_part(*place)

    monkeypatch.setattr(part_storage, "seal_part", seal_slowly)
    assert linkage.put(upload, 0, made.parts[0], CHILD_WELFARE).status_code == 409
    assert not list(linkage.broker.blobs.digests())


def test_requests_under_one_idempotency_key_at_once_open_one_upload(linkage: Linkage) -> None:
    made = made_by(linkage)
    linkage.as_party(CHILD_WELFARE)
    open_one = lambda: linkage.open(made, CHILD_WELFARE, key="k").json()["upload"]  # noqa: E731
    assert len(set(at_once(open_one, open_one, open_one, open_one))) == 1


def test_a_commit_that_is_sent_four_times_at_once_is_logged_once(linkage: Linkage) -> None:
    made = made_by(linkage)
    upload = linkage.send(made, CHILD_WELFARE)
    manifest = linkage.manifest(made, CHILD_WELFARE)

    def commit() -> str:
        while (answer := linkage.commit(upload, manifest, CHILD_WELFARE)).status_code == 503:
            assert answer.headers["retry-after"] == "5"
        return str(answer.text)

    assert len(set(at_once(commit, commit, commit, commit))) == 1
    assert linkage.log_kinds().count("upload-received") == 1


def test_a_container_that_was_refused_is_not_read_again_nor_logged_again(
    linkage: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = made_by(linkage, root="0" * 64)
    upload = linkage.send(made, CHILD_WELFARE)
    root = linkage.manifest(made, CHILD_WELFARE, root=true_root(made))
    first = linkage.commit(upload, root, CHILD_WELFARE)
    assert first.json()["type"].endswith(":header-differs")
    n_entries = len(linkage.log_entries())
    monkeypatch.setattr(BlobStore, "get", None)
    for _ in range(3):
        again = linkage.commit(upload, root, CHILD_WELFARE)
        assert (again.status_code, but_request(again)) == (422, but_request(first))
    assert len(linkage.log_entries()) == n_entries


def test_a_manifest_that_was_refused_too_early_is_logged_once_and_taken_when_it_is_time(
    linkage: Linkage,
) -> None:
    made = made_by(linkage)
    upload = linkage.send(made, CHILD_WELFARE)
    manifest = linkage.manifest(made, CHILD_WELFARE, as_of="2026-09-03")
    for _ in range(3):
        assert linkage.commit(upload, manifest, CHILD_WELFARE).status_code == 422
    assert linkage.log_kinds().count("upload-rejected") == 1
    linkage.founded.clock.move(hours=20)
    assert linkage.commit(upload, manifest, CHILD_WELFARE).status_code == 200


def test_an_upload_that_is_refused_with_many_manifests_is_over_and_can_be_sent_again(
    linkage: Linkage,
) -> None:
    made = made_by(linkage)
    upload = linkage.send(made, CHILD_WELFARE)
    others = [
        linkage.manifest(made, CHILD_WELFARE, population=f"others-{number}")
        for number in range(MAX_REJECTIONS + 1)
    ]
    codes = [linkage.commit(upload, other, CHILD_WELFARE).json()["type"] for other in others]
    assert [code.rsplit(":", 1)[1] for code in codes[-2:]] == ["other-population", "upload-closed"]
    assert linkage.log_kinds().count("upload-rejected") == MAX_REJECTIONS
    linkage.work()
    assert not list(linkage.broker.blobs.digests())
    assert linkage.send(made, CHILD_WELFARE) != upload


def test_an_upload_is_checked_once_at_a_time_and_few_are_in_the_process(
    linkage: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = made_by(linkage)
    upload = linkage.send(made, CHILD_WELFARE)
    manifest = linkage.manifest(made, CHILD_WELFARE)
    monkeypatch.setattr(BlobStore, "get", None)
    with linkage.broker.checks.turn(upload):
        refused = [linkage.commit(upload, manifest, CHILD_WELFARE)]
    with ExitStack() as taken:
        for number in range(MAX_CHECKS):
            taken.enter_context(linkage.broker.checks.turn(f"another-{number}"))
        refused.append(linkage.commit(upload, manifest, CHILD_WELFARE))
    for answer in refused:
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert Problem.from_json(answer.json()).code == "unavailable"
    monkeypatch.undo()
    assert linkage.commit(upload, manifest, CHILD_WELFARE).status_code == 200
    assert "upload-rejected" not in linkage.log_kinds()


def test_of_two_first_commits_under_two_key_ids_at_once_one_is_refused(linkage: Linkage) -> None:
    commits = []
    for party, key_id in ((CHILD_WELFARE, "a" * 16), (SCHOOL, "b" * 16)):
        made = made_by(linkage, party, key_id=key_id)
        upload = linkage.send(made, party)
        manifest = linkage.manifest(made, party)
        commits.append(lambda u=upload, m=manifest, p=party: linkage.commit(u, m, p).status_code)
    assert sorted(at_once(*commits)) == [200, 409]
    assert sorted(linkage.log_kinds()[-2:]) == ["upload-received", "upload-rejected"]


def test_of_two_parties_that_commit_at_once_one_states_the_others_root_and_one_run_starts(
    linkage: Linkage,
) -> None:
    commits = []
    for party in (CHILD_WELFARE, SCHOOL):
        made = made_by(linkage, party)
        upload = linkage.send(made, party)
        commits.append(lambda u=upload, m=made, p=party: commit_until(linkage, u, m, p))
    assert at_once(*commits) == [200, 200]
    kinds = linkage.log_kinds()
    assert (kinds.count("upload-received"), kinds.count("run-asked")) == (2, 1)
    received = [one for one in linkage.log_entries() if one["kind"] == "upload-received"]
    first, second = (entry["body"] for entry in received)
    assert (first["partner_root"], second["partner_root"]) == (None, first["root"])


def commit_until(linkage: Linkage, upload: str, made: Container, party: str) -> int:
    """Commit, stating the partner's root anew where it has come meanwhile."""
    for _ in range(10):
        answer = linkage.commit(upload, linkage.manifest(made, party), party)
        if answer.status_code != 409:
            break
        assert answer.json()["type"].endswith(":partner-root")
    return answer.status_code


def true_root(made: Container) -> str:
    return merkle_root(hashlib.sha256(piece).digest() for piece in made.parts[1:])
