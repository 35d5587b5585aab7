"""The wheel holds all of the packages and nothing beside them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from install.wheelhouse import build_project

pytestmark = pytest.mark.needs("process")
ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "blindlink", "blindlink_verify", "encoding", "schemas")
# What compiling and running leaves in the source folders.
LEFTOVERS = (".pyc", ".so", ".pyd")
VECTORS = ROOT / "schemas" / "vectors"


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the files in the wheel, which is built without a compiler and without an index."""
    folder = tmp_path_factory.mktemp("wheel")
    build_project(folder)
    (wheel,) = folder.iterdir()
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as opened:
        return {name for name in opened.namelist() if ".dist-info/" not in name}


def test_every_file_of_the_packages_is_in_the_wheel(names: set[str]) -> None:
    sources = {
        file.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for file in (ROOT / package).rglob("*")
        if file.is_file()
        and file.suffix not in LEFTOVERS
        and file.parent != VECTORS
        and file.name != "ruff.toml"
    }
    assert sources - names == set()


def test_the_vectors_are_left_out(names: set[str]) -> None:
    assert {name for name in names if name.startswith("schemas/vectors/")} == set()


def test_nothing_else_is_in_the_wheel(names: set[str]) -> None:
    assert {name for name in names if name.split("/")[0] not in PACKAGES} == set()
