"""A gigabyte without an end, given to the real program as each of its inputs: refused, in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from samples.log import signer, story

from schemas.matchlog.archive import pack_member

GIB = 1024**3
# The program itself takes about 60 MiB, a part of a bundle at most 16 MiB and some copies of it.
MAX_PEAK_MIB = 160
# The system's own count of the process begins with the memory of the one that started it, so Linux is asked for
# that of the program alone.
PEAK = """
import atexit, pathlib, re, sys
from app.auditor.cli import main

def say_peak():
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        kib = int(re.search("VmHWM: *([0-9]+)", status.read_text().replace(chr(9), " "))[1])
    else:
        import resource
        kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print("peak", kib, file=sys.stderr)

atexit.register(say_peak)
main()
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows measures otherwise")

LOG = story(52, n_weeks=1)
GOOD = LOG.bundle()


def run(*words: str | Path, stdin: Iterator[bytes] | None = None) -> tuple[int, str, int]:
    """Run the program; returns its status, what it says on standard error, and its peak memory in MiB."""
    command = [sys.executable, "-c", PEAK, *map(str, words)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        try:
            for piece in stdin or ():
                process.stdin.write(piece)
        except BrokenPipeError:
            pass
        _, said = process.communicate()
    *lines, peak = said.decode().splitlines()
    return process.returncode, "\n".join(lines), int(peak.removeprefix("peak ")) // 1024


def sparse(path: Path, start: bytes = b"") -> Path:
    """A file with a gigabyte of zeros after these bytes, which takes no room on the disk."""
    with path.open("wb") as file:
        file.write(start)
        file.truncate(len(start) + GIB)
    return path


def endless(filler: bytes, start: bytes = b"") -> Iterator[bytes]:
    """A gigabyte of one line, piece by piece."""
    yield start
    piece = filler * (2**20 // len(filler))
    for _ in range(GIB // len(piece)):
        yield piece


def header_of(size_text: bytes) -> bytes:
    """The header of the first file of a bundle, with another size and a sum that fits nothing."""
    header = pack_member("bundle.json", b"")[:512]
    return header[:124] + size_text + header[135:]


def require_refused(outcome: tuple[int, str, int], status: int = 3) -> None:
    code, said, peak_mib = outcome
    assert code == status, said
    assert said.startswith("blindlink-audit: error: "), said
    assert "Traceback" not in said
    assert len(said) < 1000
    assert peak_mib < MAX_PEAK_MIB


def test_a_good_bundle_takes_the_memory_that_the_bound_is_about(tmp_path: Path) -> None:
    (tmp_path / "log.tar").write_bytes(GOOD)
    status, _, peak_mib = run("verify", tmp_path / "log.tar")
    assert status == 0
    assert 10 < peak_mib < MAX_PEAK_MIB


@pytest.mark.parametrize(
    "start",
    [b"", b"{", header_of(b"00100000000"), header_of(b"10000000000"), GOOD[:-1024], GOOD],
    ids=["zeros", "json", "16-mib-file", "gibibyte-file", "before-the-end", "after-the-end"],
)
def test_a_file_of_a_gigabyte(tmp_path: Path, start: bytes) -> None:
    require_refused(run("verify", sparse(tmp_path / "log.tar", start)))


@pytest.mark.parametrize("filler", [b"a", b"[", b'{"a":'], ids=["letters", "deep", "objects"])
def test_a_line_of_a_gigabyte_from_standard_input(filler: bytes) -> None:
    require_refused(run("verify", "-", stdin=endless(filler)))


def test_a_gigabyte_of_deep_json_where_the_claims_should_be() -> None:
    start = header_of(b"00100000000")
    require_refused(run("verify", "-", stdin=endless(b"[", start)))


@pytest.mark.parametrize("start", [b"", b"blindlink/checkpoints/1\n\n"], ids=["zeros", "pins"])
def test_a_pin_file_of_a_gigabyte(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "log.tar").write_bytes(GOOD)
    pin = sparse(tmp_path / "pin", start)
    require_refused(run("verify", tmp_path / "log.tar", "--pin", pin))


def test_a_log_key_of_a_gigabyte(tmp_path: Path) -> None:
    (tmp_path / "log.tar").write_bytes(GOOD)
    key = sparse(tmp_path / "key", signer(0).verifier_key.text.encode())
    require_refused(run("verify", tmp_path / "log.tar", "--log-key", key))


@pytest.mark.parametrize("start", [b"", b"{"], ids=["zeros", "json"])
def test_a_match_record_of_a_gigabyte(tmp_path: Path, start: bytes) -> None:
    require_refused(run("matches", sparse(tmp_path / "run.record", start)))


@pytest.mark.parametrize("start", [b"", b"{"], ids=["zeros", "json"])
def test_a_report_of_a_gigabyte(tmp_path: Path, start: bytes) -> None:
    require_refused(run("check", sparse(tmp_path / "report.json", start)))


@pytest.mark.long
def test_a_report_on_a_gigabyte_still_names_the_digest_of_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("several words that nobody guesses", encoding="utf-8")
    key = tmp_path / "auditor.key"
    run("key", key, "--new", "--passphrase-file", tmp_path / "words")
    signing = ("--key-file", key, "--passphrase-file", tmp_path / "words")
    log, out = sparse(tmp_path / "log.tar"), tmp_path / "report.json"
    require_refused(run("report", log, *signing, "-o", out))
    # The SHA-256 of 2^30 zero bytes.
    assert json.loads(out.read_bytes())["report"]["source"] == (
        "49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14"
    )
