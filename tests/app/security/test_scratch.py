"""What does not fit into memory: sealed on disk, and nothing of it is left."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from app.errors import SealBrokenError
from app.security.at_rest import Scratch

CONTENTS = [b"Ada" * 1000, b"", b"Grace"]


def opened(folder: Path) -> Path:
    """Return this process's open file of the folder, which has no name, by its number."""
    for one in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if str(folder) in os.readlink(one):
                return one
    raise AssertionError("no file is open")


def test_what_was_put_is_found_again_in_any_order(tmp_path: Path) -> None:
    with Scratch(tmp_path) as scratch:
        places = [scratch.put(content) for content in CONTENTS]
        for place, content in reversed(list(zip(places, CONTENTS, strict=True))):
            assert scratch.get(place) == content
        assert scratch.get(scratch.put(b"later")) == b"later"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="reads the open file by its number")
def test_it_has_no_name_and_shows_nothing(tmp_path: Path) -> None:
    with Scratch(tmp_path) as scratch:
        scratch.put(CONTENTS[0])
        assert list(tmp_path.iterdir()) == []
        stored = opened(tmp_path).read_bytes()
        assert len(stored) > len(CONTENTS[0])
        assert b"AdaAdaAda" not in stored


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="writes the open file by its number")
def test_damage_is_found(tmp_path: Path) -> None:
    with Scratch(tmp_path) as scratch:
        place = scratch.put(CONTENTS[0])
        with opened(tmp_path).open("r+b") as file:
            file.seek(40)
            (byte,) = file.read(1)
            file.seek(40)
            file.write(bytes([byte ^ 1]))
        with pytest.raises(SealBrokenError):
            scratch.get(place)
