"""`install/venv.sh` says in a sentence why it cannot make an environment, and leaves a made one alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="make and sh are not for Windows")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the script reads, so that no test touches the environment it runs in."""
    folder = tmp_path / "checkout"
    for name in ("install", "requirements"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def set_up(
    checkout: Path, python: str, path: str | None = None
) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHON": python} | ({} if path is None else {"PATH": path})
    return subprocess.run(
        ["/bin/sh", str(checkout / "install" / "venv.sh"), "broker"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def script(file: Path, text: str) -> str:
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return str(file)


@pytest.fixture
def no_python(tmp_path: Path) -> str:
    """A PATH with what the script calls, and no Python."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("dirname", "grep", "cat", "cksum"):
        (programs / name).symlink_to(shutil.which(name) or name)
    return str(programs)


PIP_CALLED = 9


@pytest.fixture
def made(checkout: Path) -> Path:
    """A checkout whose `.venv` looks like one of Python 3.13.0, and whose pip ends the script."""
    programs = checkout / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs.parent / "pyvenv.cfg").write_text(f"command = python -m venv {checkout}/.venv\n")
    answers = f'*-m\\ pip*) exit {PIP_CALLED};; *"%d.%d.%d"*) echo 3.13.0;;'
    script(programs / "python", f'case "$*" in {answers} esac')
    return checkout


def stamp(made: Path) -> None:
    """Write what the script leaves behind once it has installed the broker's lock."""
    sources = [
        made / "requirements" / "build.txt",
        made / "requirements" / "broker.txt",
        made / "pyproject.toml",
    ]
    joined = b"".join(source.read_bytes() for source in sources)
    checksum = subprocess.run(
        ["cksum"], input=joined, capture_output=True, check=True
    ).stdout.decode()
    (made / ".venv" / "blindlink-broker").write_text(f"{made} Python 3.13.0 {checksum}")


def test_a_python_that_is_too_old_or_not_there_is_named(
    checkout: Path, tmp_path: Path, no_python: str
) -> None:
    done = set_up(checkout, "python-of-nobody")
    assert done.returncode == 1
    assert "error: PYTHON=python-of-nobody is not a Python 3.11, 3.12 or 3.13" in done.stderr
    old = script(tmp_path / "python-old", "exit 1")
    assert f"error: PYTHON={old} is not a Python" in set_up(checkout, old).stderr
    done = set_up(checkout, "", no_python)
    assert done.returncode == 1
    assert "error: no Python 3.11, 3.12 or 3.13 is on the path" in done.stderr


def test_a_python_without_venv_is_told_what_to_install(checkout: Path, tmp_path: Path) -> None:
    # As on Debian and Ubuntu, where ensurepip comes with python3-venv.
    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking" / "ensurepip.py").write_text("raise ModuleNotFoundError('ensurepip')")
    lacking = script(
        tmp_path / "python-lacking", f'PYTHONPATH="{tmp_path}/lacking" exec "{sys.executable}" "$@"'
    )
    done = set_up(checkout, lacking)
    assert done.returncode == 1
    assert "cannot make virtual environments" in done.stderr
    assert "apt install python3-venv" in done.stderr
    assert not (checkout / ".venv").exists()


def test_an_environment_is_left_alone_until_its_lock_its_project_or_its_python_changes(
    made: Path,
) -> None:
    # There is no stamp yet.
    assert set_up(made, "").returncode == PIP_CALLED
    for changed in ("requirements/broker.txt", "pyproject.toml"):
        stamp(made)
        done = set_up(made, "")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        with (made / changed).open("a") as file:
            file.write("# changed\n")
        assert set_up(made, "").returncode == PIP_CALLED, changed
    stamp(made)
    assert "is not a Python" in set_up(made, "python-of-nobody").stderr


def test_an_environment_that_was_moved_is_made_anew(
    made: Path, tmp_path: Path, no_python: str
) -> None:
    stamp(made)
    moved = made.rename(tmp_path / "elsewhere")
    # There is none to make it with, so the script stops where it would have.
    assert "no Python" in set_up(moved, "", no_python).stderr
