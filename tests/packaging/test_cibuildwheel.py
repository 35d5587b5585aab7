"""The wheels that cibuildwheel is to build: for which machines, and what tries each of them."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from app.extras.exhaustive import kernels

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["cibuildwheel"]
TRIED = SETTINGS["test-command"].removeprefix("python ").replace("{project}", str(ROOT))
MACHINES = {
    "linux": ("manylinux_x86_64", "manylinux_aarch64"),
    "macos": ("macosx_arm64",),
    "windows": ("win_amd64",),
}


def test_what_tries_a_wheel_finds_the_same_pairs_by_every_kernel(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runpy.run_path(TRIED, run_name="__main__")
    said = capsys.readouterr().out
    assert said.endswith("pairs, as numpy finds them\n")
    assert all(name in said for name in kernels.available_kernels()[:-1])


@pytest.mark.parametrize("fault", ["missing", "wrong"])
def test_what_tries_a_wheel_fails_where_its_kernel_is_missing_or_wrong(
    monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    there = kernels._all_kernels()

    class WrongKernel(type(there["numpy"])):
        def open(self, comparison):
            opened = super().open(comparison)
            opened.find_pairs = lambda *_: iter(())
            return opened

    found = {"wrong": WrongKernel()} if fault == "wrong" else {}
    monkeypatch.setattr(kernels, "_all_kernels", lambda: {**found, "numpy": there["numpy"]})
    with pytest.raises(SystemExit, match=r"no C kernel|other pairs"):
        runpy.run_path(TRIED, run_name="__main__")


@pytest.mark.index
def test_cibuildwheel_reads_it_and_builds_for_these_machines(tmp_path: Path) -> None:
    python = [sys.executable, "-m"]
    pip = [*python, "pip", "install", "--quiet", "--only-binary", ":all:"]
    subprocess.run([*pip, "--target", tmp_path, "cibuildwheel==4.3.5"], check=True)
    for platform, tags in MACHINES.items():
        done = subprocess.run(
            [*python, "cibuildwheel", "--platform", platform, "--print-build-identifiers", ROOT],
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == [
            f"cp3{minor}-{tag}" for tag in tags for minor in (11, 12, 13)
        ]
