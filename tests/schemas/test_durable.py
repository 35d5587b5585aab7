"""Files are replaced whole and for good, or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

import app.auditor.files
import app.durable
import encoding.files
from schemas.shared.durable import PlaceBlockedError, replacing


class Interruption(Exception):
    pass


def write(path: Path, content: bytes = b"new") -> None:
    with replacing(path) as file:
        file.write(content)


def write_then_stop(path: Path) -> None:
    with replacing(path) as file:
        file.write(b"half")
        raise Interruption


@pytest.mark.parametrize(
    "write_file",
    [
        write,
        encoding.files.write_durably,
        app.durable.write_durably,
        app.auditor.files.write_bytes,
    ],
)
def test_file_then_name_are_on_the_disk_when_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_file: Callable[[Path, bytes], None]
) -> None:
    (tmp_path / "f").write_bytes(b"old")
    events: list[str] = []
    sync, replace = os.fsync, os.replace

    def watched_sync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        events.append("sync folder" if is_folder else "sync file")
        sync(descriptor)

    def watched_replace(source: Path, target: Path) -> None:
        events.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(os, "replace", watched_replace)
    write_file(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["f"]
    assert events == ["sync file", "replace", *([] if os.name == "nt" else ["sync folder"])]


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    with pytest.raises(Interruption):
        write_then_stop(tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["f"]


def test_next_writer_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    (tmp_path / ".f[1].0a0b0c0d0e0f.partial").write_bytes(b"half")
    others = [".f.0a0b0c0d0e0f.partial", ".f[1].csv.0a0b0c0d0e0f.partial"]
    for name in others:
        (tmp_path / name).write_bytes(b"of another file")
    write(tmp_path / "f[1]")
    assert sorted(os.listdir(tmp_path)) == [*others, "f[1]"]


def test_file_that_cannot_be_replaced_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    with pytest.raises(PlaceBlockedError):
        write(tmp_path / "f")
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no mode bits")
def test_it_is_the_owners_alone(tmp_path: Path) -> None:
    write(tmp_path / "f")
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600
