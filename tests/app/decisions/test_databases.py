"""The end of a match record, on each kind of database."""

from __future__ import annotations

from rigs.linkage import AUDITOR, Linkage, either_database

from app.worker.sweeper import Sweeper

__all__ = ["either_database"]


def test_a_record_goes_with_its_runs_link_ids(linkage: Linkage) -> None:
    linkage.upload_both()
    run = linkage.run_id()
    linkage.work()
    answer = linkage.get(f"/v1/runs/{run}/match-record", AUDITOR, "auditor")
    assert answer.status_code == 200
    assert objects_of_records(linkage)
    linkage.founded.clock.move(days=91)
    Sweeper(linkage.broker).sweep()
    (gone,) = [e for e in linkage.log_entries() if e["kind"] == "match-record-destroyed"]
    assert (gone["object"], gone["body"]["root"]) == (run, answer.json()["root"])
    answer = linkage.get(f"/v1/runs/{run}/match-record", AUDITOR, "auditor")
    assert (answer.status_code, answer.json()["type"]) == (
        410,
        "urn:blindlink:problem:match-record-gone",
    )
    assert not objects_of_records(linkage)
    assert not list(linkage.broker.blobs.digests())


def objects_of_records(linkage: Linkage) -> list[str]:
    names = linkage.broker.keystore.object_ids()
    return [name for name in names if name.startswith("mrc-")]
