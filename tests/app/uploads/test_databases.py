"""What rests on the database's own promises: the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from oracles.containers import random_rows
from oracles.linkage_rig import BITS, CHILD_WELFARE, SCHOOL, Linkage, either_database

__all__ = ["either_database"]


def at_once(*calls: Callable[[], object]) -> list:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def test_an_upload_goes_from_opening_to_receipt(linkage: Linkage) -> None:
    rows = random_rows(linkage.rng, 30, bits=BITS, most_variants=3)
    receipt = linkage.upload(rows, CHILD_WELFARE)
    view = linkage.get(f"/v1/uploads/{receipt.subject}").json()
    assert (view["state"], view["records"], view["encodings"]) == ("committed", 30, len(rows))
    assert linkage.log_kinds()[-1] == "upload-received"


def test_the_same_part_sent_four_times_at_once_is_stored_once(linkage: Linkage) -> None:
    content = linkage.container(random_rows(linkage.rng, 30, bits=BITS), CHILD_WELFARE)
    upload = linkage.open(content, CHILD_WELFARE).json()["upload"]
    send = lambda: linkage.put(upload, 0, content, CHILD_WELFARE).status_code  # noqa: E731
    assert at_once(send, send, send, send) == [200] * 4
    assert linkage.get(f"/v1/uploads/{upload}/parts").json()["stored"] == [0]


def test_requests_under_one_idempotency_key_at_once_open_one_upload(linkage: Linkage) -> None:
    content = linkage.container(random_rows(linkage.rng, 30, bits=BITS), CHILD_WELFARE)
    linkage.as_party(CHILD_WELFARE)
    open_one = lambda: linkage.open(content, CHILD_WELFARE, key="k").json()["upload"]  # noqa: E731
    assert len(set(at_once(open_one, open_one, open_one, open_one))) == 1


def test_a_commit_that_is_sent_four_times_at_once_is_logged_once(linkage: Linkage) -> None:
    rows = random_rows(linkage.rng, 30, bits=BITS)
    content = linkage.container(rows, CHILD_WELFARE)
    upload = linkage.send(content, CHILD_WELFARE)
    manifest = linkage.manifest(rows, content, CHILD_WELFARE)
    commit = lambda: linkage.commit(upload, manifest, CHILD_WELFARE).text  # noqa: E731
    assert len(set(at_once(commit, commit, commit, commit))) == 1
    assert linkage.log_kinds().count("upload-received") == 1


def test_of_two_first_commits_under_two_key_ids_at_once_one_is_refused(linkage: Linkage) -> None:
    rows = random_rows(linkage.rng, 30, bits=BITS)
    commits = []
    for party, key_id in ((CHILD_WELFARE, "a" * 16), (SCHOOL, "b" * 16)):
        content = linkage.container(rows, party, key_id=key_id)
        upload = linkage.open(content, party, key_id=key_id).json()["upload"]
        linkage.put(upload, 0, content, party)
        manifest = linkage.manifest(rows, content, party, key_id=key_id)
        commits.append(lambda u=upload, m=manifest, p=party: linkage.commit(u, m, p).status_code)
    assert sorted(at_once(*commits)) == [200, 409]
    assert sorted(linkage.log_kinds()[-2:]) == ["upload-received", "upload-rejected"]
