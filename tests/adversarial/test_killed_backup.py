"""The command that writes a backup dies at any moment: what it leaves is whole or refused, and holds no secret.

Real processes by their real commands and SIGKILL, on both databases.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from campaign.reports import Tally
from campaign.size import times
from rigs.broker_processes import Process
from rigs.kill_scene import Scene

from app.backup.archive import MANIFEST, BackupManifest, read_backup
from app.blobs import FileBlobs
from app.errors import BACKUP_REFUSED
from tests.samples.refusals import raises


def check(folder: Path, kind: str, n_blobs: int) -> None:
    """Either a whole backup lies there, or one that is refused by name; no password and no key in either."""
    if (folder / MANIFEST).exists():
        manifest = read_backup(folder, kind)
        assert manifest.blobs == n_blobs == len(list(FileBlobs(folder / "blobs").digests()))
    else:
        with raises(BACKUP_REFUSED):
            read_backup(folder, kind)
    names = {path.relative_to(folder).parts[0] for path in folder.rglob("*")}
    assert {name.partition("-")[0] for name in names} <= {
        MANIFEST,
        "blobs",
        "database.sqlite3",
        "database.pgdump",
        "database.sqlite3-journal",
    }


@pytest.mark.timeout(1800)
@pytest.mark.campaign("kills-backup")
def test_a_killed_backup_is_whole_or_refused(scene: Scene, tally: Tally) -> None:
    n_kills = times(quick=2, full=200)
    scene.upload_both(400, 100)
    n_blobs = len(list(scene.real.broker.blobs.digests()))
    kind = "sqlite" if scene.server is None else "postgresql"
    began = time.monotonic()
    assert Process(scene.settings, "backup", str(scene.folder / "undisturbed")).wait() == 0
    whole_s = time.monotonic() - began
    for number in range(n_kills):
        folder = scene.folder / f"backup-{number}"
        process = Process(scene.settings, "backup", str(folder))
        time.sleep(whole_s * scene.rng.uniform(0.3, 1.0))
        process.kill()
        check(folder, kind, n_blobs)
    # The broker has gone on meanwhile, and the next backup is whole.
    scene.upload_both(400, 100)
    assert Process(scene.settings, "backup", str(scene.folder / "last")).wait() == 0
    manifest = BackupManifest.from_canonical((scene.folder / "last" / MANIFEST).read_bytes())
    assert manifest.log_size > 0
    scene.check_log()
    tally.tried(n_kills)
