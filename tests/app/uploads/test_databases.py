"""What rests on the database's own promises: the same on SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from threading import Barrier
from typing import Any

import pytest
from rigs.enrolled import revoke
from rigs.linkage import CHILD_WELFARE, SCHOOL, Linkage, either_database
from rigs.refused_calls import but_request
from samples.round_files import Container, random_people

from app.blobs import FileBlobs
from app.broker import MAX_CHECKS
from app.errors import BrokerError
from app.sealed import repository as sealed
from app.uploads import checks, part_storage
from app.uploads.acceptance import MAX_REJECTIONS, refuse_commit
from app.uploads.errors import CheckLostError
from app.uploads.models import Upload
from app.worker.sweeper import Sweeper
from schemas.documents.problem import Problem
from schemas.rounds.upload import Manifest, merkle_root

__all__ = ["either_database"]

# The lease of a process that is gone.
GONE_MS = -1000


def at_once(*calls: Callable[[], object]) -> list:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def made_by(linkage: Linkage, party: str = CHILD_WELFARE, **header: Any) -> Container:
    return linkage.container(random_people(linkage.rng, 10), party, **header)


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
    monkeypatch.setattr(FileBlobs, "get", None)
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


@contextmanager
def busy(linkage: Linkage) -> Iterator[None]:
    """Let the broker be at as many checks as it takes, so that another one waits."""
    for _ in range(MAX_CHECKS):
        linkage.broker.checks.acquire()
    yield
    for _ in range(MAX_CHECKS):
        linkage.broker.checks.release()


def asked(linkage: Linkage, party: str = CHILD_WELFARE) -> tuple[str, Manifest]:
    """Send a container and ask for its commit, whose check waits; return the upload and the manifest."""
    made = made_by(linkage, party)
    upload, manifest = linkage.send(made, party), linkage.manifest(made, party)
    with busy(linkage):
        answer = linkage.ask_commit(upload, manifest, party)
    assert (answer.status_code, answer.json()["state"]) == (202, "checking"), answer.text
    return upload, manifest


def seen(linkage: Linkage, upload: str) -> dict[str, Any]:
    return dict(linkage.get(f"/v1/uploads/{upload}").json())


def test_a_commit_that_is_asked_for_while_it_is_checked_is_one_and_a_worker_does_what_waits(
    linkage: Linkage,
) -> None:
    upload, manifest = asked(linkage)
    other = manifest.model_copy(update={"software": "another"})
    with busy(linkage):
        again = linkage.ask_commit(upload, manifest, CHILD_WELFARE)
        refused = linkage.ask_commit(upload, other, CHILD_WELFARE)
        assert (again.status_code, again.json()) == (202, seen(linkage, upload))
        assert (again.json()["checked"], again.json()["committed"]) == (0, None)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert Problem.from_json(refused.json()).code == "unavailable"
        linkage.work()
    assert seen(linkage, upload)["state"] == "committed"
    assert linkage.log_kinds().count("upload-received") == 1
    assert "upload-rejected" not in linkage.log_kinds()


def test_a_check_whose_process_was_killed_is_begun_anew_and_the_former_one_changes_nothing(
    linkage: Linkage,
) -> None:
    upload, _ = asked(linkage)
    database = linkage.broker.database
    with database.write() as session:
        dead = checks.claim(session, GONE_MS)
    assert dead is not None
    linkage.work()
    with database.read() as session:
        assert checks.claim(session, GONE_MS) is None
    with pytest.raises(CheckLostError), database.write() as session:
        checks.note_checked(session, dead, 1, 1000)
    with pytest.raises(CheckLostError), database.write() as session:
        refuse_commit(session, linkage.broker, dead, BrokerError("late"))
    assert seen(linkage, upload)["state"] == "committed"


def test_a_check_that_ends_every_process_is_given_up_and_can_be_asked_for_anew(
    linkage: Linkage,
) -> None:
    upload, manifest = asked(linkage)
    for _ in range(checks.MAX_ATTEMPTS):
        with linkage.broker.database.write() as session:
            assert checks.claim(session, GONE_MS)
    linkage.work()
    view = seen(linkage, upload)
    assert (view["state"], view["checked"], view["refusal"]["status"]) == ("open", None, 500)
    assert linkage.commit(upload, manifest, CHILD_WELFARE).status_code == 200
    assert "upload-rejected" not in linkage.log_kinds()


def test_who_is_revoked_while_the_parts_are_checked_commits_nothing(linkage: Linkage) -> None:
    upload, _ = asked(linkage)
    founded = linkage.founded
    revoke(founded, linkage.person(CHILD_WELFARE).id)
    linkage.work()
    assert "upload-received" not in linkage.log_kinds()
    with founded.broker.database.read() as session:
        found = session.get_one(Upload, upload)
        assert found.state == "open"
        assert Problem.from_canonical((found.refusal or "").encode()).code == "wrong-duty"


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


def test_an_upload_that_another_replaces_during_a_sweep_goes_with_that_sweep_or_the_next(
    linkage: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (made_by(linkage) for _ in range(3))
    opened: list[Future[Any]] = []
    end, threads = sealed.end, ThreadPoolExecutor(1)

    def open_one(made: Container) -> str:
        return str(linkage.open(made, CHILD_WELFARE).json()["upload"])

    def end_while_another_opens(*args: Any) -> None:
        if not opened:
            opened.append(threads.submit(open_one, third))
            # On SQLite it waits for this unit of work.
            wait(opened, timeout=1)
        end(*args)

    open_one(first)
    open_one(second)
    monkeypatch.setattr(sealed, "end", end_while_another_opens)
    Sweeper(linkage.broker).sweep()
    left = opened[0].result()
    Sweeper(linkage.broker).sweep()
    threads.shutdown()
    assert list(linkage.broker.keystore.object_ids()) == [left]
