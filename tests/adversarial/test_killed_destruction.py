"""A broker killed at random moments while everything is destroyed: it is finished, certified once, and logged.

Real processes by their real commands and SIGKILL, on both databases.
"""

from __future__ import annotations

import pytest
from campaign.reports import Tally
from campaign.size import times
from rigs.broker_processes import Process, killing
from rigs.kill_scene import Scene
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL

from schemas.reports.certificate import CertificateFile, verify_certificate


@pytest.mark.timeout(1800)
@pytest.mark.campaign("kills-destruction")
def test_a_destruction_under_kills_ends_with_one_certificate(scene: Scene, tally: Tally) -> None:
    n_kills = times(quick=3, full=200)
    linkage, broker = scene.linkage, scene.real.broker
    scene.upload_both(400, 100)
    linkage.work()
    assert linkage.put_claims(CHILD_WELFARE, SCHOOL).status_code == 200
    path = f"/v1/projects/{PROJECT}/destruction"
    headers = linkage.as_party("operator", "operator")
    with killing(scene.served, n_kills, lambda: scene.rng.uniform(0.0, 0.4)) as over:
        # Each answer is the same one, however often it was begun and cut off.
        numbers = set()
        while not over.is_set():
            numbers.add(linkage.client.post(path, headers=headers).json()["certificate"])
    worker = Process(scene.settings, "work", "--until-idle")
    assert worker.wait() == 0, worker.lines
    (number,) = numbers
    file = CertificateFile.from_json(linkage.get(f"/v1/destructions/{number}").json())
    certificate = verify_certificate(file, [broker.log.key]).certificate
    assert {one.kind for one in certificate.objects} == {
        "claims",
        "match-record",
        "release",
        "upload",
    }
    assert list(broker.keystore.object_ids()) == list(broker.blobs.digests()) == []
    kinds = linkage.log_kinds()
    assert kinds.count("destruction-begun") == kinds.count("destruction-certified") == 1
    scene.check_log()
    tally.tried(n_kills)
