"""Write a folder from which an agency installs Blindlink without a network: `make wheelhouse`.

The folder holds the wheels that requirements/agency.txt and the locks of the chosen extras pin, the
project's own, a list of all of them with their digests, and a script that makes a virtual environment from
nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
EXTRAS = ("parquet", "review", "tables")
PYTHONS = ("3.11", "3.12", "3.13")

# clkhash asks for it, and it is published as source only. It is pure Python, so its wheel runs anywhere.
SOURCE_ONLY = "bashplotlib"

# What the project's wheel is built from. Without setup.py, whose one content is the optional C kernel,
# the wheel is the same for every platform.
SOURCES = (
    "app",
    "blindlink",
    "blindlink_verify",
    "encoding",
    "schemas",
    "pyproject.toml",
    "README.md",
    "LICENSE",
)


# What lock markers call a system: sys_platform, then platform_system and os_name.
SYSTEMS = {
    "win32": ("Windows", "nt"),
    "linux": ("Linux", "posix"),
    "darwin": ("Darwin", "posix"),
}


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of machine: its system and processor as lock markers call them, and the wheels that fit."""

    sys_platform: str
    machine: str
    wheel_platforms: tuple[str, ...]

    @property
    def script(self) -> str:
        """The name of the script that installs on it."""
        return "install.cmd" if self.sys_platform == "win32" else "install.sh"

    def markers(self, python: str) -> dict[str, str]:
        """Return the environment in which this machine's pip would read the lock's markers."""
        platform_system, os_name = SYSTEMS[self.sys_platform]
        return {
            "sys_platform": self.sys_platform,
            "platform_system": platform_system,
            "os_name": os_name,
            "platform_machine": self.machine,
            "python_version": python,
            "python_full_version": f"{python}.0",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
            "extra": "",
        }


TARGETS = {
    "windows": Target("win32", "AMD64", ("win_amd64",)),
    "linux": Target("linux", "x86_64", ("manylinux_2_28_x86_64", "manylinux2014_x86_64")),
    "linux-arm": Target("linux", "aarch64", ("manylinux_2_28_aarch64", "manylinux2014_aarch64")),
    # Not for Intel's Macs: cryptography publishes no wheels for them any more.
    "macos": Target("darwin", "arm64", ("macosx_14_0_arm64",)),
}


@dataclass(frozen=True, slots=True)
class Pin:
    """One requirement of a lock: name and version, where it applies, and the digests it may have."""

    requirement: Requirement
    hashes: tuple[str, ...]

    def line(self) -> str:
        """Return it as pip reads it, without its marker."""
        spelled = f"{self.requirement.name}{self.requirement.specifier}"
        return " ".join([spelled, *(f"--hash={digest}" for digest in self.hashes)])


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and write the folder; refuse one that is there already."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--platform", choices=TARGETS, default="windows", help="default: windows")
    parser.add_argument("--python", choices=PYTHONS, default=running, help=f"default: {running}")
    parser.add_argument("--with", choices=EXTRAS, action="append", default=[], dest="extras")
    parser.add_argument("--into", type=Path, default=ROOT / "wheelhouse")
    chosen = parser.parse_args(arguments)
    folder: Path = chosen.into / f"blindlink-{chosen.platform}-python{chosen.python}"
    if folder.exists():
        parser.error(f"{folder} exists; remove it first")
    write_wheelhouse(folder, TARGETS[chosen.platform], chosen.python, chosen.extras)
    listed = folder / "requirements.txt"
    print(f"written: {folder}")
    print(f"to install: run {TARGETS[chosen.platform].script} in it, on Python {chosen.python}")
    print(f"SHA-256 of requirements.txt, to be told by another way: {sha256_of(listed)}")


def write_wheelhouse(
    folder: Path, target: Target, python: str, extras: Collection[str] = ()
) -> None:
    """Write the whole folder for one kind of machine and one Python; on failure leave none behind."""
    markers = target.markers(python)
    pins = [pin for lock in ("agency", *extras) for pin in pins_of(lock) if applies(pin, markers)]
    source_only = [pin for pin in pins if pin.requirement.name == SOURCE_ONLY]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        partial = Path(scratch) / folder.name
        wheels = partial / "wheels"
        wheels.mkdir(parents=True)
        fetch_wheels([pin for pin in pins if pin not in source_only], wheels, target, python)
        build_source_only(source_only, wheels)
        build_project(wheels)
        (partial / "requirements.txt").write_text(
            "".join(list_wheels(wheels, extras)), newline="\n"
        )
        write_script(partial, target, python)
        partial.rename(folder)


def pins_of(lock: str) -> list[Pin]:
    """Return the pins of requirements/LOCK.txt."""
    return list(read_lock((LOCKS / f"{lock}.txt").read_text()))


def read_lock(text: str) -> Iterator[Pin]:
    """Yield the pins of a hashed lock file."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE))
    for line in filter(None, map(str.strip, joined.splitlines())):
        requirement, *hashes = re.split(r"\s+--hash=", line)
        yield Pin(Requirement(requirement), tuple(hashes))


def applies(pin: Pin, markers: dict[str, str]) -> bool:
    """Tell whether the pin is for the machine whose marker values are given."""
    marker = pin.requirement.marker
    return marker is None or marker.evaluate(markers)


def fetch_wheels(pins: Iterable[Pin], wheels: Path, target: Target, python: str) -> None:
    """Download the wheels for a machine that need not be this one, and check them against the lock."""
    platforms = [option for tag in target.wheel_platforms for option in ("--platform", tag)]
    with _lock_of(pins) as lock:
        _pip(
            *("download", "--no-deps", "--require-hashes", "--only-binary=:all:", "--dest", wheels),
            *("--python-version", python, "--implementation", "cp", *platforms),
            *("--requirement", lock),
        )


def build_source_only(pins: Iterable[Pin], wheels: Path) -> None:
    """Build the wheels that their authors do not publish, from sources checked against the lock."""
    with _lock_of(pins) as lock:
        _pip(
            *("wheel", "--no-deps", "--no-build-isolation", "--require-hashes"),
            *("--wheel-dir", wheels, "--requirement", lock),
        )


def build_project(wheels: Path) -> None:
    """Build the project's wheel, without the C kernel."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "blindlink"
        copy.mkdir()
        for name in SOURCES:
            source = ROOT / name
            if source.is_dir():
                left_out = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
                shutil.copytree(source, copy / name, ignore=left_out)
            else:
                shutil.copy2(source, copy / name)
        _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, copy)


def list_wheels(wheels: Path, extras: Collection[str]) -> Iterator[str]:
    """Yield a requirement line, with its digest, for each wheel of the folder, in order of name.

    The project is asked for with the extras that were chosen.
    """
    asked_for = f"[{','.join(sorted(set(extras)))}]" if extras else ""
    for wheel in sorted(wheels.iterdir()):
        name, version, _, _ = parse_wheel_filename(wheel.name)
        yield f"{name}{asked_for if name == 'blindlink' else ''}=={version} --hash=sha256:{sha256_of(wheel)}\n"


def write_script(folder: Path, target: Target, python: str) -> None:
    """Write the script that installs from this folder, with the line ends of its system."""
    template = (ROOT / "install" / target.script).read_text()
    script = folder / target.script
    script.write_text(
        template.replace("PYTHON_VERSION", python),
        newline="\r\n" if target.script.endswith(".cmd") else "\n",
    )
    script.chmod(0o755)


@contextlib.contextmanager
def _lock_of(pins: Iterable[Pin]) -> Iterator[Path]:
    """Yield a lock file of some pins, for the time of one call of pip."""
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder) / "lock.txt"
        lock.write_text("".join(f"{pin.line()}\n" for pin in pins))
        yield lock


def _pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*command, *map(str, arguments)], check=False).returncode != 0:
        sys.exit(f"error: pip {arguments[0]} failed")


def sha256_of(file: Path) -> str:
    """Return the digest of a file, in hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


if __name__ == "__main__":
    main()
