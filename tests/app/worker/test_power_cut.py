"""The power fails while a commit is written: what was committed before is all there, and nothing else.

The write-ahead log of SQLite is cut, or goes on with what the disk held before, at every 512 bytes of each
commit of a whole round. A slow twin says what must be found: the database after the last commit that was
written to its end.
"""

from __future__ import annotations

import hashlib
import io
import random
import shutil
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from campaign.reports import Tally
from campaign.size import times
from rigs.linkage import CHILD_WELFARE, SCHOOL, Linkage
from samples.round_files import random_people

from app.auditor.verify import verify_bundle
from app.broker import open_broker
from app.evidence.service import write_bundle

SECTOR_BYTES = 512
WAL_HEAD_BYTES, FRAME_HEAD_BYTES = 32, 24


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Of PostgreSQL the write-ahead log is PostgreSQL's own; its tests are its makers'."""
    return sqlite_url


@dataclass
class Written:
    """The database's file as it was before some commits, the state folder then, and the log they wrote."""

    before: bytes
    wal: bytes
    state: Path

    def commit_ends(self) -> list[int]:
        """Return where each commit ends in the write-ahead log; 0 first, for none of them."""
        (page_bytes,) = struct.unpack_from(">I", self.wal, 8)
        salt = self.wal[16:24]
        ends, at = [0], WAL_HEAD_BYTES
        while at + FRAME_HEAD_BYTES + page_bytes <= len(self.wal):
            _, n_pages = struct.unpack_from(">II", self.wal, at)
            if self.wal[at + 8 : at + 16] != salt:
                break
            at += FRAME_HEAD_BYTES + page_bytes
            if n_pages:
                ends.append(at)
        return ends


def written_by(linkage: Linkage, act: Callable[[], object], kept: Path) -> Written:
    """Let something be committed, with the write-ahead log empty before."""
    file = linkage.broker.database.file
    assert file is not None
    linkage.broker.database.close()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
    before = file.read_bytes()
    shutil.copytree(linkage.broker.settings.state_dir, kept)
    # Who reads keeps the log from being moved into the database.
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM log_leaf").fetchone()
        act()
        wal = file.with_name(file.name + "-wal").read_bytes()
    assert file.read_bytes() == before
    return Written(before, wal, kept)


def laid_down(folder: Path, before: bytes, wal: bytes) -> Path:
    """Write a database as a machine finds it that comes up again."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "broker.db").write_bytes(before)
    (folder / "broker.db-wal").write_bytes(wal)
    return folder / "broker.db"


def content(file: Path) -> str:
    """Return a digest of all rows of all tables; fails where SQLite finds the file damaged."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        lines = "\n".join(connection.iterdump())
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def cuts(ends: list[int], n: int, rng: random.Random) -> Iterator[int]:
    """Yield offsets at which a commit was being written: at each sector, or some of them."""
    found = [at for last, end in pairwise(ends) for at in range(last, end, SECTOR_BYTES)]
    yield from sorted(rng.sample(found, min(n, len(found))))


def acts_of_a_round(linkage: Linkage) -> dict[str, Callable[[], object]]:
    def upload(party: str) -> Callable[[], object]:
        return lambda: linkage.upload(random_people(linkage.rng, 30), party)

    return {
        "opening": linkage.open_round,
        "upload": upload(CHILD_WELFARE),
        "second upload": upload(SCHOOL),
        "run": linkage.work,
        "claims": linkage.exchange_claims,
    }


@pytest.mark.long
@pytest.mark.campaign("power-cut")
def test_a_commit_that_is_cut_anywhere_is_there_wholly_or_not_at_all(
    linkage: Linkage, tmp_path: Path, tally: Tally
) -> None:
    rng = random.Random(16)
    folder = tmp_path / "found"
    for name, act in acts_of_a_round(linkage).items():
        written = written_by(linkage, act, tmp_path / name)
        ends = written.commit_ends()
        assert len(ends) > 1
        twin = {end: content(laid_down(folder, written.before, written.wal[:end])) for end in ends}
        for end in ends[:: times(quick=6, full=1)]:
            check_log(linkage, laid_down(folder, written.before, written.wal[:end]), written.state)
        for cut in cuts(ends, times(quick=7, full=200), rng):
            expected = twin[max(end for end in ends if end <= cut)]
            for tail in (b"", rng.randbytes(len(written.wal) - cut), written.wal[cut::-1]):
                found = content(laid_down(folder, written.before, written.wal[:cut] + tail))
                assert found == expected, (name, cut)
                tally.tried()


def check_log(linkage: Linkage, file: Path, state: Path) -> None:
    """A broker takes the database beside what it last remembered, and its log goes on and verifies."""
    shutil.copytree(state, file.parent / "state")
    opened = {"state_dir": file.parent / "state", "database_url": f"sqlite:///{file.as_posix()}"}
    settings = linkage.broker.settings.model_copy(update=opened)
    with (
        closing(open_broker(settings, clock=linkage.broker.machine_clock)) as broker,
        write_bundle(broker, linkage.founded.operator, None) as bundle,
    ):
        verify_bundle(io.BytesIO(bundle.read()), log_key=broker.log.key)
