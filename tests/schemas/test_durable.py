"""Files are replaced whole and for good, or not at all.
What guards the memory of a program, asked of the kernel in a process of its own.
A rollback is the one of its page: what is signed alike, and what is refused.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from vectors.file import naming, read_vectors

import app.auditor.files
import app.durable
import encoding.files
from schemas.rounds.rollback import SignedRollback
from schemas.shared.durable import PlaceBlockedError, replacing
from schemas.signing.identity import PublicIdentity


class Interruption(Exception):
    pass


def write(path: Path, content: bytes = b"new") -> None:
    with replacing(path) as file:
        file.write(content)


def write_then_stop(path: Path) -> None:
    with replacing(path) as file:
        file.write(b"half")
        raise Interruption


@pytest.mark.parametrize(
    "write_file",
    [write, encoding.files.write_durably, app.durable.write_durably, app.auditor.files.write_bytes],
)
def test_file_then_name_are_on_the_disk_when_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_file: Callable[[Path, bytes], None]
) -> None:
    (tmp_path / "f").write_bytes(b"old")
    events: list[str] = []
    sync, replace = os.fsync, os.replace

    def watched_sync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        events.append("sync folder" if is_folder else "sync file")
        sync(descriptor)

    def watched_replace(source: Path, target: Path) -> None:
        events.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(os, "replace", watched_replace)
    write_file(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["f"]
    assert events == ["sync file", "replace", *([] if os.name == "nt" else ["sync folder"])]


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
    write(tmp_path / "f[1]")
    assert sorted(os.listdir(tmp_path)) == [*others, "f[1]"]


def test_file_that_cannot_be_replaced_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    with pytest.raises(PlaceBlockedError):
        write(tmp_path / "f")
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no mode bits")
def test_it_is_the_owners_alone(tmp_path: Path) -> None:
    write(tmp_path / "f")
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600


# The command fails: there is no broker or workspace in the folder. What was asked for first holds.
SCRIPT = """
import ctypes, resource, sys
from {package}.cli.main import main
PR_GET_DUMPABLE = 3
try:
    main(sys.argv[1:])
finally:
    print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(PR_GET_DUMPABLE))
"""


def guards_of(package: str, *words: str, folder: Path) -> str:
    script = [sys.executable, "-c", SCRIPT.format(package=package), *words]
    done = subprocess.run(script, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode, "the command was to fail"
    return done.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone has these guards")
@pytest.mark.parametrize("command", ["serve", "work", "doctor"])
def test_every_command_leaves_no_core_and_is_closed_to_others(command: str, tmp_path: Path) -> None:
    assert guards_of("app", "--state", str(tmp_path), command, folder=tmp_path) == "(0, 0) 0\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone has these guards")
@pytest.mark.parametrize("words", [("check", "none.csv"), ("encode",), ("refresh",)])
def test_every_command_of_an_agency_does_so_too(words: tuple[str, ...], tmp_path: Path) -> None:
    assert guards_of("encoding", *words, folder=tmp_path) == "(0, 0) 0\n"


VECTORS = read_vectors("rollback")
PERSON = PublicIdentity.from_canonical(VECTORS["identity"].encode())


def read(vector: dict[str, str]) -> SignedRollback:
    return SignedRollback.from_canonical(vector["signed"].encode())


def test_a_good_one_is_read_and_its_signature_holds() -> None:
    for vector in VECTORS["good"]:
        with naming(vector):
            signed = read(vector)
            assert signed.to_canonical() == vector["signed"].encode()
            assert signed.verify(PERSON).subject() == vector["subject"]


def test_two_parties_sign_the_same_whatever_they_say_of_it() -> None:
    for vector in VECTORS["same"]:
        with naming(vector):
            own, other = read(VECTORS["good"][0]).rollback, read(vector).rollback
            assert own.agrees_with(other)
            assert other.agrees_with(own)


def test_two_parties_that_differ_do_not_sign_the_same() -> None:
    for vector in VECTORS["others"]:
        with naming(vector):
            own, other = read(VECTORS["good"][0]).rollback, read(vector).rollback
            assert not own.agrees_with(other)
            assert not other.agrees_with(own)
