"""The offline folder holds what its machine needs, no more, and installs without an index."""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

from install.wheelhouse import (
    EXTRAS,
    PYTHONS,
    SOURCE_ONLY,
    TARGETS,
    Target,
    applies,
    list_wheels,
    main,
    pins_of,
    read_lock,
    write_script,
    write_wheelhouse,
)

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


def names_for(platform: str, python: str) -> set[str]:
    markers = TARGETS[platform].markers(python)
    return {pin.requirement.name for pin in pins_of("agency") if applies(pin, markers)}


def test_a_pin_keeps_its_digests_and_loses_its_marker() -> None:
    text = """# made by a tool
a==1.0 ; sys_platform == 'win32' \\
    --hash=sha256:00 \\
    --hash=sha256:11
    # via b
"""
    (pin,) = read_lock(text)
    assert pin.line() == "a==1.0 --hash=sha256:00 --hash=sha256:11"


def test_only_windows_gets_its_console_colours() -> None:
    assert "colorama" in names_for("windows", "3.13")
    assert not any(
        "colorama" in names_for(other, "3.13") for other in TARGETS if other != "windows"
    )


def test_each_package_is_pinned_once_for_a_machine() -> None:
    for platform, python in product(TARGETS, PYTHONS):
        markers = TARGETS[platform].markers(python)
        pins = [pin.requirement.name for pin in pins_of("agency") if applies(pin, markers)]
        assert sorted(set(pins)) == sorted(pins), (platform, python)
        assert SOURCE_ONLY in pins, (platform, python)


def test_the_list_holds_each_wheel_with_its_digest(tmp_path: Path) -> None:
    (tmp_path / "b_c-2.0-py3-none-any.whl").write_bytes(b"")
    (tmp_path / "blindlink-0.1.0-py3-none-any.whl").write_bytes(b"")
    empty = "--hash=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
    assert list(list_wheels(tmp_path, ["review", "parquet"])) == [
        f"b-c==2.0 {empty}",
        f"blindlink[parquet,review]==0.1.0 {empty}",
    ]
    assert f"blindlink==0.1.0 {empty}" in list_wheels(tmp_path, [])


def test_the_script_for_windows_has_its_line_ends_and_that_for_linux_is_one_that_a_shell_accepts(
    tmp_path: Path,
) -> None:
    write_script(tmp_path, TARGETS["windows"], "3.12")
    lines = (tmp_path / "install.cmd").read_bytes().split(b"\n")
    assert all(line.endswith(b"\r") for line in lines[:-1])
    assert b'py -3.12 -m venv "%into%"\r' in lines
    write_script(tmp_path, TARGETS["linux"], "3.12")
    assert os.access(tmp_path / "install.sh", os.X_OK)
    subprocess.run(["/bin/sh", "-n", tmp_path / "install.sh"], check=True)


def test_a_folder_that_is_there_is_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "blindlink-linux-python3.12").mkdir()
    with pytest.raises(SystemExit):
        main(["--platform", "linux", "--python", "3.12", "--into", str(tmp_path)])
    assert "exists; remove it first" in capsys.readouterr().err


@pytest.mark.index
def test_it_installs_on_this_kind_of_machine_without_an_index(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    write_wheelhouse(folder, TARGETS["linux"], RUNNING)
    installed = subprocess.run(
        [folder / "install.sh", tmp_path / "into"],
        env=os.environ | {"PYTHON": sys.executable, "PIP_NO_INDEX": "1", "PIP_NO_CACHE_DIR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert installed.returncode == 0, installed.stdout + installed.stderr
    subprocess.run(
        [tmp_path / "into" / "bin" / "blindlink-audit", "--help"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    subprocess.run([tmp_path / "into" / "bin" / "python", "-m", "pip", "check"], check=True)


@pytest.mark.index
@pytest.mark.needs("process")
@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_it_is_complete_for_a_windows_machine(tmp_path: Path, python: str) -> None:
    folder = tmp_path / "folder"
    target = TARGETS["windows"]
    write_wheelhouse(folder, target, python, EXTRAS)
    wheels = {name_of(wheel): wheel for wheel in (folder / "wheels").iterdir()}
    version = tuple(map(int, python.split(".")))
    fitting = {
        *cpython_tags(version, platforms=["win_amd64"]),
        *compatible_tags(version, "cp", ["win_amd64"]),
    }
    unfit = [
        wheel.name
        for wheel in wheels.values()
        if fitting.isdisjoint(parse_wheel_filename(wheel.name)[3])
    ]
    assert unfit == []
    wanted = {name for wheel in wheels.values() for name in wanted_by(wheel, target, python)}
    assert wanted - set(wheels) == set()


def name_of(wheel: Path) -> str:
    return canonicalize_name(parse_wheel_filename(wheel.name)[0])


def wanted_by(wheel: Path, target: Target, python: str) -> Iterator[str]:
    """Yield what a wheel's own metadata asks for on that machine; of the project, with its extras."""
    extras = ("", *EXTRAS) if name_of(wheel) == "blindlink" else ("",)
    with zipfile.ZipFile(wheel) as opened:
        # At the top only: setuptools carries the metadata of others inside.
        (listed,) = [
            name for name in opened.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)
        ]
        metadata = email.message_from_bytes(opened.read(listed))
    for asked in map(Requirement, metadata.get_all("Requires-Dist") or []):
        environments = [target.markers(python) | {"extra": extra} for extra in extras]
        if asked.marker is None or any(map(asked.marker.evaluate, environments)):
            yield canonicalize_name(asked.name)
