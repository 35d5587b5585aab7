"""Files are replaced whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from encoding.errors import OutputBlockedError, OutputExistsError
from encoding.files import refuse_to_overwrite, replacing, write_durably


class Interruption(Exception):
    pass


def write_then_stop(path: Path) -> None:
    with replacing(path) as file:
        file.write(b"half")
        raise Interruption


def test_content_replaces_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    write_durably(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"new"


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
    write_durably(tmp_path / "f[1]", b"new")
    assert sorted(os.listdir(tmp_path)) == [*others, "f[1]"]


def test_missing_folder_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(OutputBlockedError, match=r"none.f cannot be written: no such file"):
        write_durably(tmp_path / "none" / "f", b"new")
    assert os.listdir(tmp_path) == []


def test_file_that_cannot_be_replaced_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    with pytest.raises(OutputBlockedError):
        write_durably(tmp_path / "f", b"new")
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no mode bits")
def test_private_file_is_the_owners_alone(tmp_path: Path) -> None:
    write_durably(tmp_path / "f", b"new")
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600


def test_strange_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"someone's thesis")
    with pytest.raises(OutputExistsError):
        refuse_to_overwrite(tmp_path / "f", own_start=b"record_id,link_id", force=False)


def test_own_file_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"record_id,link_id\n")
    refuse_to_overwrite(tmp_path / "f", own_start=b"record_id,link_id", force=False)


def test_empty_start_owns_no_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    with pytest.raises(OutputExistsError):
        refuse_to_overwrite(tmp_path / "f", own_start=b"", force=False)


def test_force_overwrites(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"someone's thesis")
    refuse_to_overwrite(tmp_path / "f", own_start=b"", force=True)


def test_missing_file_stands_in_no_ones_way(tmp_path: Path) -> None:
    refuse_to_overwrite(tmp_path / "f", own_start=b"", force=False)
