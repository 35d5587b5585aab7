"""What is overdue ends, and of what has ended nothing is left, wherever the sweeper was killed."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rigs.broker_twins import copied_broker, released_matches, server_of
from rigs.destroying import blobs, hold_notice, keys, send
from rigs.hooked_database import Crash, crash_at, hooked
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage
from samples.round_files import random_people
from sqlalchemy import select

from app.auditor.verify import verify_bundle
from app.errors import KeyGoneError, LogRolledBackError
from app.ids import new_id
from app.sealed.models import SealedObject
from app.security.keystore import SUFFIX
from app.worker.sweeper import ORPHAN_AGE_S, Sweeper
from schemas.rounds.receipt import Receipt


class HandSeconds:
    """A monotonic clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def sweep(linkage: Linkage) -> None:
    Sweeper(linkage.broker).sweep()


def open_one(linkage: Linkage) -> str:
    made = linkage.container(random_people(linkage.rng, 10), CHILD_WELFARE)
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    linkage.put(upload, 0, made.parts[0], CHILD_WELFARE)
    return str(upload)


def state(linkage: Linkage, upload: str) -> str:
    return str(linkage.get(f"/v1/uploads/{upload}").json()["state"])


def test_an_upload_is_destroyed_when_its_keeping_time_is_over_and_its_receipt_outlives_it(
    linkage: Linkage,
) -> None:
    receipt = upload_one(linkage)
    upload = receipt.subject
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
    # The receipt outlives the encodings.
    answer = linkage.get(f"/v1/uploads/{receipt.subject}/receipt")
    assert answer.json() == receipt.to_json()


def test_an_open_upload_expires_after_a_day_with_its_key_and_parts(linkage: Linkage) -> None:
    open_one(linkage)
    upload = open_one(linkage)
    sweep(linkage)
    assert keys(linkage) == [upload]
    assert len(blobs(linkage)) == 1
    # An open upload expires after a day with its key and parts.
    linkage.founded.clock.move(hours=23)
    sweep(linkage)
    assert state(linkage, upload) == "open"
    linkage.founded.clock.move(hours=1)
    sweep(linkage)
    assert state(linkage, upload) == "expired"
    assert keys(linkage) == blobs(linkage) == []


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


def test_a_run_that_has_ended_keeps_neither_keys_nor_ranges_nor_a_release_beyond_its_time(
    uploaded: Linkage,
) -> None:
    run = uploaded.run_id()
    assert {run, f"{run}.shared"} <= set(keys(uploaded))
    uploaded.work()
    assert not [key for key in keys(uploaded) if key.startswith(run)]
    with uploaded.broker.database.read() as session:
        assert session.scalars(select(SealedObject.id).where(SealedObject.is_ended)).all() == []
    # Two releases of one piece, a match record's rows and summary, two openings, and two uploads.
    n_parts = sum(
        uploaded.get(f"/v1/uploads/{key}", party).json()["parts"] + 1
        for key, party in uploads(uploaded)
    )
    assert len(blobs(uploaded)) == 6 + n_parts
    # A release is destroyed when its keeping time is over.
    path = f"/v1/projects/{PROJECT}/releases"
    release = uploaded.get(path).json()["releases"][0]["release"]
    uploaded.founded.clock.move(days=90)
    sweep(uploaded)
    sweep(uploaded)
    assert keys(uploaded) == blobs(uploaded) == []
    destroyed = [e["object"] for e in uploaded.log_entries() if e["kind"] == "release-destroyed"]
    assert len(destroyed) == len(set(destroyed)) == 2
    assert release in destroyed
    assert uploaded.get(f"/v1/releases/{release}").status_code == 200
    assert uploaded.get(f"/v1/releases/{release}/receipt").status_code == 200


def test_a_cancelled_run_keeps_neither_keys_nor_ranges(uploaded: Linkage) -> None:
    run = uploaded.run_id()
    uploaded.client.post(f"/v1/runs/{run}/cancel", headers=uploaded.as_party(SCHOOL))
    sweep(uploaded)
    assert not [key for key in keys(uploaded) if key.startswith(run)]


def test_what_goes_late_after_an_outage_condemns_no_log_and_is_told(released: Linkage) -> None:
    released.founded.clock.move(days=100)
    sweep(released)
    bundle = released.get(f"/v1/log/bundle?project={PROJECT}").content
    late = verify_bundle(io.BytesIO(bundle)).late
    assert sorted({one.what for one in late}) == ["match-record", "release", "upload"]
    # Kept for 90 days, and a day of grace.
    assert {one.days for one in late if one.what != "upload"} == {9}


def test_what_a_hold_keeps_that_came_after_an_outage_condemns_no_log_and_is_told(
    uploaded: Linkage,
) -> None:
    uploaded.founded.clock.move(days=100)
    steward = uploaded.person(SCHOOL)
    notice = hold_notice(steward, "set")
    assert send(steward, f"projects/{PROJECT}/legal-holds", notice).status_code == 200
    sweep(uploaded)
    bundle = uploaded.get(f"/v1/log/bundle?project={PROJECT}").content
    late = verify_bundle(io.BytesIO(bundle)).held_late
    # Kept for 30 days, and a day of grace.
    assert [(one.what, one.party, one.days) for one in late] == [("upload", SCHOOL, 69)] * 2


def test_keys_without_a_row_and_half_written_ones_go_after_an_hour_and_no_others(
    uploaded: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = keys(uploaded)
    orphans = [new_id("upl"), new_id("rel"), new_id("msg"), f"{new_id('run')}.shared"]
    for orphan in (*orphans, "something-else"):
        uploaded.broker.keystore.create(orphan)
    seconds = HandSeconds()
    sweeper = Sweeper(uploaded.broker, clock_s=seconds)
    sweeper.sweep()
    assert set(orphans) <= set(keys(uploaded))
    seconds.now += ORPHAN_AGE_S
    sweeper.sweep()
    assert sorted(keys(uploaded)) == sorted([*needed, "something-else"])
    # Half written keys go after an hour.
    folder = uploaded.broker.settings.key_store_dir
    before = sorted(folder.iterdir())
    # What a crash between writing a file and moving it into its place leaves behind.
    remain = folder / f".{new_id('run')}{SUFFIX}.0123456789ab.partial"
    remain.write_bytes(b"half a key")
    sweep(uploaded)
    assert remain.exists()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + ORPHAN_AGE_S + 60)
    sweep(uploaded)
    assert sorted(folder.iterdir()) == before


def test_blobs_without_a_row_go_after_an_hour_and_no_others(
    released: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = blobs(released)
    released.broker.blobs.put(b"left by a part that was never acknowledged")
    sweep(released)
    assert len(blobs(released)) == len(needed) + 1
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + ORPHAN_AGE_S + 60)
    sweep(released)
    assert blobs(released) == needed
    assert {len(links) for links in released_matches(released.broker).values()} == {12}


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


def test_sealed_claims_are_destroyed_when_their_keeping_time_is_over(released: Linkage) -> None:
    for content in (b"first", b"second"):
        assert released.put_claims(CHILD_WELFARE, SCHOOL, content).status_code == 200
    assert len([key for key in keys(released) if key.startswith("msg-")]) == 1
    assert released.put_claims(SCHOOL, CHILD_WELFARE).status_code == 200
    assert released.get_claims(SCHOOL, CHILD_WELFARE).content == b"second"
    released.founded.clock.move(days=90)
    answer = released.get_claims(SCHOOL, CHILD_WELFARE)
    assert answer.json()["type"].endswith(":claims-gone")
    sweep(released)
    assert keys(released) == blobs(released) == []
    assert released.get_claims(SCHOOL, CHILD_WELFARE).status_code == 410


def test_a_round_is_closed_at_its_deadline_with_what_is_there(uploaded: Linkage) -> None:
    run = uploaded.run_id()
    open_round = uploaded.round()
    uploaded.founded.clock.move(days=7)
    sweep(uploaded)
    closed = uploaded.round()
    assert (open_round["state"], closed["state"]) == ("open", "closed")
    assert uploaded.get(f"/v1/runs/{run}").json()["state"] == "cancelled"
    assert uploaded.log_kinds()[-2:] == ["run-cancelled", "round-closed"]
    assert uploaded.log_entries()[-2]["body"] == {"reason": "round-closed"}
