"""What is overdue ends, and of what has ended nothing is left, wherever the sweeper was killed."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rigs.broker_twins import copied_broker, released_matches, server_of
from rigs.destroying import hold_notice, send
from rigs.hooked_database import Crash, crash_at, hooked
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage
from samples.round_files import random_people
from sqlalchemy import select

from app.auditor.verify import verify_bundle
from app.ids import new_id
from app.matchlog.errors import LogRolledBackError
from app.sealed.models import SealedObject
from app.security.errors import KeyGoneError
from app.security.keystore import SUFFIX
from app.worker.sweeper import ORPHAN_AGE_S, Sweeper
from schemas.upload import Receipt


class HandSeconds:
    """A monotonic clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def sweep(linkage: Linkage) -> None:
    Sweeper(linkage.broker).sweep()


def keys(linkage: Linkage) -> list[str]:
    return list(linkage.broker.keystore.object_ids())


def blobs(linkage: Linkage) -> list[str]:
    return list(linkage.broker.blobs.digests())


def open_one(linkage: Linkage) -> str:
    made = linkage.container(random_people(linkage.rng, 10), CHILD_WELFARE)
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    linkage.put(upload, 0, made.parts[0], CHILD_WELFARE)
    return str(upload)


def state(linkage: Linkage, upload: str) -> str:
    return str(linkage.get(f"/v1/uploads/{upload}").json()["state"])


def test_an_open_upload_expires_after_a_day_with_its_key_and_parts(linkage: Linkage) -> None:
    upload = open_one(linkage)
    linkage.founded.clock.move(hours=23)
    sweep(linkage)
    assert state(linkage, upload) == "open"
    linkage.founded.clock.move(hours=1)
    sweep(linkage)
    assert state(linkage, upload) == "expired"
    assert keys(linkage) == blobs(linkage) == []


def test_an_upload_is_destroyed_when_its_keeping_time_is_over_and_that_is_logged(
    linkage: Linkage,
) -> None:
    upload = upload_one(linkage).subject
    linkage.founded.clock.move(days=29)
    sweep(linkage)
    assert state(linkage, upload) == "committed"
    linkage.founded.clock.move(days=1)
    sweep(linkage)
    sweep(linkage)
    assert state(linkage, upload) == "destroyed"
    with pytest.raises(KeyGoneError):
        linkage.broker.keystore.open(upload)
    assert blobs(linkage) == []
    entries = [e for e in linkage.log_entries() if e["kind"] == "upload-destroyed"]
    assert [(entry["object"], entry["body"]["reason"]) for entry in entries] == [
        (upload, "retention")
    ]


def test_the_receipt_outlives_the_encodings(linkage: Linkage) -> None:
    receipt = upload_one(linkage)
    linkage.founded.clock.move(days=30)
    sweep(linkage)
    answer = linkage.get(f"/v1/uploads/{receipt.subject}/receipt")
    assert answer.json() == receipt.to_json()


def test_a_replaced_upload_leaves_nothing_behind(linkage: Linkage) -> None:
    open_one(linkage)
    second = open_one(linkage)
    sweep(linkage)
    assert keys(linkage) == [second]
    assert len(blobs(linkage)) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(5))
def test_a_sweep_that_is_killed_is_finished_by_the_next(
    linkage: Linkage, number: int, moment: str
) -> None:
    upload = upload_one(linkage).subject
    made = linkage.container(random_people(linkage.rng, 10), SCHOOL)
    linkage.put(linkage.open(made, SCHOOL).json()["upload"], 0, made.parts[0], SCHOOL)
    linkage.founded.clock.move(days=30)
    try:
        Sweeper(hooked(linkage.broker, crash_at(number, moment))).sweep()
    except Crash:
        sweep(linkage)
    assert state(linkage, upload) == "destroyed"
    assert keys(linkage) == blobs(linkage) == []
    assert linkage.log_kinds().count("upload-destroyed") == 1


def test_a_run_that_has_ended_keeps_neither_keys_nor_ranges(linkage: Linkage) -> None:
    linkage.upload_both()
    run = linkage.run_id()
    assert {run, f"{run}.shared"} <= set(keys(linkage))
    linkage.work()
    assert not [key for key in keys(linkage) if key.startswith(run)]
    with linkage.broker.database.read() as session:
        assert session.scalars(select(SealedObject.id).where(SealedObject.is_ended)).all() == []
    # Two releases of one piece, a match record's rows and summary, two openings, and two uploads.
    n_parts = sum(
        linkage.get(f"/v1/uploads/{key}", party).json()["parts"] + 1
        for key, party in uploads(linkage)
    )
    assert len(blobs(linkage)) == 6 + n_parts


def test_a_cancelled_run_keeps_neither_keys_nor_ranges(linkage: Linkage) -> None:
    linkage.upload_both()
    run = linkage.run_id()
    linkage.client.post(f"/v1/runs/{run}/cancel", headers=linkage.as_party(SCHOOL))
    sweep(linkage)
    assert not [key for key in keys(linkage) if key.startswith(run)]


def test_a_release_is_destroyed_when_its_keeping_time_is_over(linkage: Linkage) -> None:
    linkage.upload_both()
    linkage.work()
    path = f"/v1/projects/{PROJECT}/releases"
    release = linkage.get(path).json()["releases"][0]["release"]
    linkage.founded.clock.move(days=90)
    sweep(linkage)
    sweep(linkage)
    assert keys(linkage) == blobs(linkage) == []
    destroyed = [e["object"] for e in linkage.log_entries() if e["kind"] == "release-destroyed"]
    assert len(destroyed) == len(set(destroyed)) == 2
    assert release in destroyed
    assert linkage.get(f"/v1/releases/{release}").status_code == 200
    assert linkage.get(f"/v1/releases/{release}/receipt").status_code == 200


def test_what_goes_late_after_an_outage_condemns_no_log_and_is_told(linkage: Linkage) -> None:
    linkage.upload_both()
    linkage.work()
    linkage.founded.clock.move(days=100)
    sweep(linkage)
    bundle = linkage.get(f"/v1/log/bundle?project={PROJECT}").content
    late = verify_bundle(io.BytesIO(bundle)).late
    assert sorted({one.what for one in late}) == ["match-record", "release", "upload"]
    # Kept for 90 days, and a day of grace.
    assert {one.days for one in late if one.what != "upload"} == {9}


def test_what_a_hold_keeps_that_came_after_an_outage_condemns_no_log_and_is_told(
    linkage: Linkage,
) -> None:
    linkage.upload_both()
    linkage.founded.clock.move(days=100)
    steward = linkage.person(SCHOOL)
    notice = hold_notice(steward, "set")
    assert send(steward, f"projects/{PROJECT}/legal-holds", notice).status_code == 200
    sweep(linkage)
    bundle = linkage.get(f"/v1/log/bundle?project={PROJECT}").content
    late = verify_bundle(io.BytesIO(bundle)).held_late
    # Kept for 30 days, and a day of grace.
    assert [(one.what, one.party, one.days) for one in late] == [("upload", SCHOOL, 69)] * 2


def test_keys_without_a_row_go_after_an_hour_and_no_others(linkage: Linkage) -> None:
    linkage.upload_both()
    needed = keys(linkage)
    orphans = [new_id("upl"), new_id("rel"), new_id("msg"), f"{new_id('run')}.shared"]
    for orphan in (*orphans, "something-else"):
        linkage.broker.keystore.create(orphan)
    seconds = HandSeconds()
    sweeper = Sweeper(linkage.broker, clock_s=seconds)
    sweeper.sweep()
    assert set(orphans) <= set(keys(linkage))
    seconds.now += ORPHAN_AGE_S
    sweeper.sweep()
    assert sorted(keys(linkage)) == sorted([*needed, "something-else"])


def test_half_written_keys_go_after_an_hour(
    linkage: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    linkage.upload_both()
    folder = linkage.broker.settings.key_store_dir
    before = sorted(folder.iterdir())
    # What a crash between writing a file and moving it into its place leaves behind.
    remain = folder / f".{new_id('run')}{SUFFIX}.0123456789ab.partial"
    remain.write_bytes(b"half a key")
    sweep(linkage)
    assert remain.exists()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + ORPHAN_AGE_S + 60)
    sweep(linkage)
    assert sorted(folder.iterdir()) == before


def test_blobs_without_a_row_go_after_an_hour_and_no_others(
    linkage: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    linkage.upload_both()
    linkage.work()
    needed = blobs(linkage)
    linkage.broker.blobs.put(b"left by a part that was never acknowledged")
    sweep(linkage)
    assert len(blobs(linkage)) == len(needed) + 1
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + ORPHAN_AGE_S + 60)
    sweep(linkage)
    assert blobs(linkage) == needed
    assert {len(links) for links in released_matches(linkage.broker).values()} == {12}


def test_what_a_rolled_back_database_does_not_know_is_not_taken_for_left_over(
    request: pytest.FixtureRequest, linkage: Linkage, tmp_path: Path
) -> None:
    server = server_of(linkage.broker, request)
    with copied_broker(linkage.broker, tmp_path / "older", server) as older:
        linkage.upload_both()
        restored = replace(linkage.broker, database=older.database)
        with pytest.raises(LogRolledBackError):
            Sweeper(restored).sweep_orphans()


def upload_one(linkage: Linkage) -> Receipt:
    receipt, _ = linkage.upload(random_people(linkage.rng, 10), CHILD_WELFARE)
    return receipt


def uploads(linkage: Linkage) -> list[tuple[str, str]]:
    listed = linkage.get(f"/v1/projects/{PROJECT}/uploads", "operator", "operator").json()
    return [(one["upload"], one["party"]) for one in listed["uploads"]]


def test_sealed_claims_are_destroyed_when_their_keeping_time_is_over(linkage: Linkage) -> None:
    linkage.upload_both()
    linkage.work()
    for content in (b"first", b"second"):
        assert linkage.put_claims(CHILD_WELFARE, SCHOOL, content).status_code == 200
    assert len([key for key in keys(linkage) if key.startswith("msg-")]) == 1
    assert linkage.put_claims(SCHOOL, CHILD_WELFARE).status_code == 200
    assert linkage.get_claims(SCHOOL, CHILD_WELFARE).content == b"second"
    linkage.founded.clock.move(days=90)
    answer = linkage.get_claims(SCHOOL, CHILD_WELFARE)
    assert answer.json()["type"].endswith(":claims-gone")
    sweep(linkage)
    assert keys(linkage) == blobs(linkage) == []
    assert linkage.get_claims(SCHOOL, CHILD_WELFARE).status_code == 410


def test_a_round_is_closed_at_its_deadline_with_what_is_there(linkage: Linkage) -> None:
    linkage.upload_both()
    run = linkage.run_id()
    open_round = linkage.round()
    linkage.founded.clock.move(days=7)
    sweep(linkage)
    closed = linkage.round()
    assert (open_round["state"], closed["state"]) == ("open", "closed")
    assert linkage.get(f"/v1/runs/{run}").json()["state"] == "cancelled"
    assert linkage.log_kinds()[-2:] == ["run-cancelled", "round-closed"]
    assert linkage.log_entries()[-2]["body"] == {"reason": "round-closed"}
