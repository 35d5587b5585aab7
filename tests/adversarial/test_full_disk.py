"""The broker's disk is full in the middle of an upload and of a run: it says so, and goes on with room."""

from __future__ import annotations

import os

import pytest
from campaign.reports import Tally
from rigs.broker_processes import Process
from rigs.kill_scene import N_COMMON, Scene
from rigs.linkage import CHILD_WELFARE, SCHOOL
from samples.round_files import two_files
from services.full_disk import FullDisk

from schemas.documents.problem import MEDIA_TYPE, Problem

# What a broker without room may say; each is told to agencies as something that passes.
SAYS = {507, 503}


@pytest.mark.campaign("disk")
def test_a_broker_without_room_refuses_by_name_and_goes_on_with_it(
    scene: Scene, full_disk: FullDisk, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    linkage = scene.linkage
    for name, value in full_disk.environment.items():
        monkeypatch.setenv(name, value)
    scene.kill_broker()
    linkage.open_round()
    left, right = two_files(scene.rng, 400, N_COMMON // 4)
    made = linkage.container(left, CHILD_WELFARE)
    with full_disk.filled():
        assert linkage.open(made, CHILD_WELFARE, key="none").status_code in SAYS
    upload = str(linkage.open(made, CHILD_WELFARE, key=os.urandom(8).hex()).json()["upload"])
    manifest = linkage.manifest(made, CHILD_WELFARE, as_of="2020-01-01")
    n_parts = len(made.parts)
    for number in range(n_parts + 1):
        with full_disk.filled():
            for _ in range(3):
                if number < n_parts:
                    refused = linkage.put(upload, number, made.parts[number], CHILD_WELFARE)
                else:
                    refused = linkage.commit(upload, manifest, CHILD_WELFARE)
                assert refused.status_code in SAYS, refused.text
                assert refused.headers["content-type"] == MEDIA_TYPE
                assert Problem.from_json(refused.json()).status == refused.status_code
                tally.tried()
            stored = linkage.get(f"/v1/uploads/{upload}/parts", CHILD_WELFARE).json()["stored"]
            assert stored == list(range(number))
        if number < n_parts:
            assert linkage.put(upload, number, made.parts[number], CHILD_WELFARE).status_code == 200
    assert linkage.commit(upload, manifest, CHILD_WELFARE).status_code == 200
    scene.upload(right, SCHOOL)
    work_without_room(scene, full_disk)
    tally.tried()
    scene.check_log()


def work_without_room(scene: Scene, full_disk: FullDisk) -> None:
    """A worker meets a full disk, and outlives it; with room, the run is done."""
    run = scene.linkage.run_id()
    full_disk.fill()
    worker = Process(scene.settings, "work")
    for _ in range(2):
        worker.wait_for_more("attempt_failed", "database_unavailable", "storage_full")
    assert scene.linkage.get(f"/v1/runs/{run}").json()["state"] in {"queued", "running"}
    full_disk.relieve()
    assert worker.wait_for("run_completed"), worker.lines
    worker.kill()
