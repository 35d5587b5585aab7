"""Files that only their owner may read."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from encoding import owner_only
from encoding.owner_only import create_owner_only, is_readable_by_others

posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")


@posix_only
def test_the_mode_is_0600_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create_owner_only(tmp_path / "f", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o600
    assert not is_readable_by_others(tmp_path / "f")


def test_line_ends_are_written_as_they_are(tmp_path: Path) -> None:
    create_owner_only(tmp_path / "f", b"a\nb\r\n")
    assert (tmp_path / "f").read_bytes() == b"a\nb\r\n"


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"kept")
    with pytest.raises(FileExistsError):
        create_owner_only(tmp_path / "f", b"x")
    assert (tmp_path / "f").read_bytes() == b"kept"


def test_nothing_is_left_behind_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError("no space")

    monkeypatch.setattr(owner_only.os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        create_owner_only(tmp_path / "f", b"x")
    assert not (tmp_path / "f").exists()


def test_on_windows_the_access_list_names_the_user_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(owner_only, "_IS_WINDOWS", True)
    monkeypatch.setenv("USERDOMAIN", "AGENCY")
    monkeypatch.setenv("USERNAME", "ann")
    monkeypatch.setattr(owner_only.subprocess, "run", lambda command, **_: commands.append(command))
    create_owner_only(tmp_path / "f", b"x")
    path = str(tmp_path / "f")
    assert commands == [["icacls", path, "/inheritance:r", "/grant:r", "AGENCY\\ann:F"]]
    assert not is_readable_by_others(tmp_path / "f")


def test_a_windows_without_icacls_still_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(command: Any, **_: Any) -> None:
        raise subprocess.SubprocessError

    monkeypatch.setattr(owner_only, "_IS_WINDOWS", True)
    monkeypatch.setattr(owner_only.subprocess, "run", missing)
    create_owner_only(tmp_path / "f", b"x")
    assert (tmp_path / "f").read_bytes() == b"x"
