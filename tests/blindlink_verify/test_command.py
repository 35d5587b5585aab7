"""The independent verifier as a program: one file, run by a Python with cryptography alone."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from breaks.rules import BREAKS
from samples.log import story

from install.verifier import write
from schemas.matchlog.checkpoint import serialise_checkpoints

pytestmark = pytest.mark.needs("process")
Run = Callable[..., subprocess.CompletedProcess[str]]
LOG = story(3, n_weeks=1)
PINS = serialise_checkpoints([LOG.notes[-1][1]])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run the one file, without site-packages: with cryptography, and what that needs."""
    folder = tmp_path_factory.mktemp("verifier")
    write(folder / "blindlink-verify.pyz")
    for name in ("cryptography", "cffi", "_cffi_backend"):
        found = importlib.util.find_spec(name)
        if found is not None and found.origin is not None:
            origin = Path(found.origin)
            source = origin.parent if origin.name == "__init__.py" else origin
            (folder / source.name).symlink_to(source)

    def run(*words: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-S", folder / "blindlink-verify.pyz", *words]
        environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(
            program, capture_output=True, check=False, cwd=folder, env=environment, input=stdin
        )
        return subprocess.CompletedProcess(
            program, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    return run


def test_it_says_what_it_verified_and_what_that_does_not_show(run: Run, tmp_path: Path) -> None:
    bundle, pins, key = tmp_path / "log.tar", tmp_path / "pins", tmp_path / "key"
    bundle.write_bytes(LOG.bundle())
    pins.write_bytes(PINS)
    key.write_text(LOG.used_keys[0] + "\n")
    done = run(bundle, "--pin", pins, "--log-key", key)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"entries      {len(LOG.entries):,}" in done.stdout
    assert "pins         1, all part of this log" in done.stdout
    assert "not shown    times are the broker's own" in done.stdout
    assert "no pin was given" not in done.stdout
    # Its words are those of the other verifier where both say the same.
    read = run("-", "--json", stdin=LOG.bundle("foster"))
    assert json.loads(read.stdout)["project"] == ["foster"]
    assert "no pin was given" in read.stdout


def test_a_broken_rule_is_named_with_its_entry(run: Run, tmp_path: Path) -> None:
    log = story(11, n_weeks=1)
    broken = BREAKS["purpose"]["upload_for_no_purpose"](log)
    bundle = tmp_path / "log.tar"
    bundle.write_bytes(log.bundle())
    done = run(bundle)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"first bad entry: {broken.seq}\ncode: purpose\nhint: keep the bundle" in done.stderr
    said = json.loads(run(bundle, "--json").stdout)
    assert said["error"]["index"] == broken.seq
    assert (said["verified"], said["error"]["code"]) == (False, "purpose")


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "the following arguments are required: BUNDLE"),
        (["nowhere.tar"], 3, "error: nowhere.tar: No such file"),
        (["-"], 3, "code: malformed"),
        (["-", "--pin", "nowhere"], 3, "error: nowhere: No such file"),
        (["-", "--pin", "blindlink-verify.pyz"], 3, "nor the line of a pin"),
        (["-", "--log-key", "a+b+c"], 3, "code: malformed"),
    ],
)
def test_what_is_no_fault_of_the_log_has_another_status(
    run: Run, words: list[str], status: int, said: str
) -> None:
    done = run(*words, stdin=b"no bundle")
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pin_may_be_the_line_that_an_agency_reads_out(run: Run, tmp_path: Path) -> None:
    bundle = tmp_path / "log.tar"
    bundle.write_bytes(LOG.bundle())
    _, text, signature, *_ = PINS.decode().split("\n\n")
    line = " ".join([*text.split("\n"), signature.split(" ")[2].split("\n")[0]])
    assert "pins         1, all" in run(bundle, "--pin", line).stdout
    origin, size, root, signed = line.split(" ")
    forged = " ".join([origin, size, "A" + root[1:], signed])
    done = run(bundle, "--pin", forged)
    assert (done.returncode, "code: pin-unreadable" in done.stderr) == (3, True)
