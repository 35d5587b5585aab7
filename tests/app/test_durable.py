from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from app.durable import make_private_folder, remove_durably, write_durably, write_new


@pytest.mark.campaign("disk")
def test_a_failed_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    write_durably(file, b"old")

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        write_durably(file, b"new")
    assert file.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_new_file_never_replaces_another(tmp_path: Path) -> None:
    write_new(tmp_path / "file", b"first")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "file", b"second")
    assert (tmp_path / "file").read_bytes() == b"first"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permission bits")
def test_files_and_folders_are_for_their_owner_only(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b")
    write_durably(tmp_path / "a" / "b" / "file", b"")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "a" / "b" / "file").stat().st_mode) == 0o600


def test_removing_what_is_not_there_changes_nothing(tmp_path: Path) -> None:
    remove_durably(tmp_path / "none")
    assert os.listdir(tmp_path) == []
