"""After destruction nothing that was kept brings an encoding back, anyone who has it and every living key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from breaks.thief import Encodings, Thief
from campaign.reports import Tally
from rigs.kill_scene import Scene
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL
from rigs.searching import database_rows, files_under, found_in
from samples.round_files import sealed_rows, two_files

from app.backup.archive import restore_backup, write_backup
from app.errors import KeyGoneError
from app.security.keystore import DataKey
from app.uploads.reader import locate_container

N_RECORDS, N_COMMON = 600, 20


def places(scene: Scene) -> Iterator[tuple[str, bytes]]:
    """Yield the state folder with blobs, database and its write-ahead log, the backups, and every table."""
    yield from files_under(scene.folder)
    yield from database_rows(scene.real.broker.database)
    if scene.server is not None:
        yield from files_under(
            scene.server.socket_folder, since=scene.settings.ring_file.stat().st_mtime
        )


def living_keys(scene: Scene) -> list[DataKey]:
    store = scene.real.broker.keystore
    return [store.open(object_id) for object_id in store.object_ids()]


def recovered(scene: Scene, thief: Thief, wanted: Encodings) -> set[bytes]:
    found = [wanted.found_in(plain) for plain in thief.opened(living_keys(scene))]
    return set().union(*found)


def backups(scene: Scene) -> list[Path]:
    return sorted(scene.folder.glob("backup-*"))


@pytest.mark.campaign("undeleted")
def test_of_a_thousand_rows_none_comes_back(scene: Scene, tally: Tally) -> None:
    linkage, broker = scene.linkage, scene.real.broker
    left, right = two_files(scene.rng, N_RECORDS, N_COMMON)
    linkage.open_round()
    mine = sealed_rows(scene.upload(left, CHILD_WELFARE))
    write_backup(broker, scene.folder / "backup-1")
    # What is kept, so that it is seen that the search would find something.
    theirs = sealed_rows(scene.upload(right, SCHOOL))
    # Rows of the same person begin alike in both files; only by their beginnings are rows found.
    beginnings = {row[:8] for row in theirs}
    only_mine = {row for row in mine if row[:8] not in beginnings}
    planted, kept = Encodings(only_mine), Encodings(theirs)
    linkage.work()
    write_backup(broker, scene.folder / "backup-2")
    for release in linkage.get(f"/v1/projects/{PROJECT}/releases").json()["releases"]:
        linkage.get(f"/v1/releases/{release['release']}/file")
    write_backup(broker, scene.folder / "backup-3")
    uploads = {party: upload for upload, (party, _) in scene.receipts.items()}
    upload = uploads[CHILD_WELFARE]
    with broker.database.read() as session:
        locate_container(session, broker, upload)
    thief = Thief(tuple(uploads.values()))
    for backup in backups(scene):
        thief.take_blobs(backup / "blobs")
    thief.take_blobs(broker.settings.blob_dir)
    # Before, anyone who has a backup and the keys has everything: what follows would notice.
    assert len(recovered(scene, thief, planted)) == len(only_mine) > 1000
    gone = {"key": broker.keystore.open(upload).secret}

    headers = linkage.as_party(CHILD_WELFARE)
    done = linkage.client.post(f"/v1/projects/{PROJECT}/destruction", headers=headers).json()
    assert done["finished"] is not None
    write_backup(broker, scene.folder / "backup-4")
    searched = list(places(scene))
    assert {where for where, content in searched if planted.found_in(content)} == set()
    assert found_in(searched, gone) == []
    # What may be there is found: database, backups and write-ahead log are looked into.
    where = " ".join(found_in(searched, {"project": PROJECT.encode()}))
    assert "table project" in where
    if scene.server is None:
        assert "-wal" in where
        assert "backup-2/database.sqlite3" in where
    assert recovered(scene, thief, planted) == set()
    assert len(recovered(scene, thief, kept)) == len(theirs)
    restore_one_after_the_other(scene, upload, planted)
    tally.tried(len(only_mine))
    scene.check_log()


def restore_one_after_the_other(scene: Scene, upload: str, planted: Encodings) -> None:
    """Restore each backup for real, the one after the destruction last, and try to read the upload."""
    broker = scene.real.broker
    last = broker.settings.last_checkpoint_file
    remembered = last.read_bytes()
    scene.served.stop()
    for backup in backups(scene):
        # As on a new machine, which does not notice that a backup is old.
        last.unlink(missing_ok=True)
        restore_backup(broker, backup, replace=True)
        assert {
            where for where, raw in database_rows(broker.database) if planted.found_in(raw)
        } == set()
        assert tuple(broker.blobs.digests())
        with broker.database.read() as session, pytest.raises(KeyGoneError):
            locate_container(session, broker, upload)
        with pytest.raises(KeyGoneError):
            broker.keystore.open(upload)
    last.write_bytes(remembered)
    broker.database.close()
    scene.served.restart()
