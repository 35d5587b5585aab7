"""What stands in the way of a file is said, and no strange one is written over."""

from __future__ import annotations

import os
from pathlib import Path

from samples.refusals import raises

from encoding.errors import OutputBlockedError, OutputExistsError
from encoding.files import refuse_to_overwrite, write_durably


def test_missing_folder_is_named_and_not_made(tmp_path: Path) -> None:
    with raises(OutputBlockedError, match=r"none.f cannot be written: no such file"):
        write_durably(tmp_path / "none" / "f", b"new")
    assert os.listdir(tmp_path) == []


def test_strange_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"someone's thesis")
    with raises(OutputExistsError):
        refuse_to_overwrite(tmp_path / "f", own_start=b"record_id,link_id", force=False)


def test_own_file_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"record_id,link_id\n")
    refuse_to_overwrite(tmp_path / "f", own_start=b"record_id,link_id", force=False)


def test_empty_start_owns_no_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    with raises(OutputExistsError):
        refuse_to_overwrite(tmp_path / "f", own_start=b"", force=False)


def test_force_overwrites(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"someone's thesis")
    refuse_to_overwrite(tmp_path / "f", own_start=b"", force=True)


def test_missing_file_stands_in_no_ones_way(tmp_path: Path) -> None:
    refuse_to_overwrite(tmp_path / "f", own_start=b"", force=False)
