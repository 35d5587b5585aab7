"""Proofs of single entries, checked by `blindlink-audit check` without a log."""

from __future__ import annotations

import base64
import io
import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from samples.log import SampleLog, signer
from samples.parties import CW, K12

from app.auditor.cli import main
from encoding.log.log_copy import read_log_copy
from schemas.matchlog.checkpoint import parse_checkpoint, serialise_checkpoints
from schemas.matchlog.log_keys import LogKeys


def weeks(seed: int) -> SampleLog:
    """Return a log under one key."""
    log = SampleLog(seed)
    log.enrol(CW, K12)
    log.create_project("foster")
    for _ in range(2):
        log.week("foster")
    return log


@pytest.fixture(scope="module")
def log() -> SampleLog:
    return weeks(0)


def proof_of(log: SampleLog, index: int) -> bytes:
    keys = LogKeys.only(log.signers[-1].verifier_key)
    return read_log_copy(io.BytesIO(log.bundle("foster")), keys, ()).proof(index).to_bytes()


def fetched(log: SampleLog) -> int:
    return next(entry.seq for entry in log.entries if entry.kind == "release-fetched")


def check(folder: Path, *words: str | Path, files: dict[str, bytes]) -> Result:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    named = [str(folder / name) for name in files if name.endswith(".tlog-proof")]
    return CliRunner().invoke(main, ["check", *named, *map(str, words)])


def test_a_proof_is_checked_by_the_logs_key_alone(log: SampleLog, tmp_path: Path) -> None:
    index = fetched(log)
    key = log.signers[-1].verifier_key.text
    done = check(tmp_path, "--log-key", key, files={"a.tlog-proof": proof_of(log, index)})
    assert done.exit_code == 0, done.output
    assert f"{index}" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert "not that it is the only one" in done.stderr
    (tmp_path / "log.key").write_text(key + "\n")
    words = ("--log-key", tmp_path / "log.key", "--json")
    files = {f"{at}.tlog-proof": proof_of(log, at) for at in (index, index + 1)}
    refused = check(tmp_path, *words, "--html", tmp_path / "page.html", files=files)
    assert (refused.exit_code, "with a certificate" in refused.stderr) == (2, True)
    shown = json.loads(check(tmp_path, *words, files=files).stdout)
    assert [one["entry"]["seq"] for one in shown] == [index, index + 1]
    assert {one["size"] for one in shown} == {log.size}


def test_a_proof_under_another_key_is_refused(log: SampleLog, tmp_path: Path) -> None:
    done = check(
        tmp_path,
        *("--log-key", signer(7).verifier_key.text),
        files={"a.tlog-proof": proof_of(log, fetched(log))},
    )
    assert done.exit_code == 1
    assert "a.tlog-proof proves nothing" in done.stderr


def test_no_byte_of_a_proof_can_be_changed(log: SampleLog, tmp_path: Path) -> None:
    good, key = proof_of(log, fetched(log)), log.signers[-1].verifier_key.text
    rng = random.Random(3)
    for at in rng.sample(range(len(good)), 60):
        changed = bytearray(good)
        changed[at] ^= 1 << rng.randrange(8)
        done = check(tmp_path, "--log-key", key, files={"a.tlog-proof": bytes(changed)})
        assert done.exit_code in (1, 3), (at, done.output)
        assert done.stdout == ""


@pytest.mark.parametrize("content", [b"", b"x", b"c2sp.org/tlog-proof@v1\n", b"\xff" * 100])
def test_what_is_no_proof_is_said_to_be_none(
    content: bytes, log: SampleLog, tmp_path: Path
) -> None:
    key = log.signers[-1].verifier_key.text
    done = check(tmp_path, "--log-key", key, files={"a.tlog-proof": content})
    assert done.exit_code == 3
    begins_so = content.startswith(b"c2sp.org")
    said = "is not a proof of an entry" if begins_so else "is no proof, certificate of destruction"
    assert said in done.stderr


def test_a_pin_of_the_same_size_must_show_the_same_log(log: SampleLog, tmp_path: Path) -> None:
    other = next(made for made in map(weeks, range(1, 30)) if made.size == log.size)
    words = ("--log-key", log.signers[-1].verifier_key.text, "--pin", tmp_path / "pin")
    proof = {"a.tlog-proof": proof_of(log, fetched(log))}
    pins = {"same": (log, 0), "other": (other, 1)}
    for made, status in pins.values():
        pin = serialise_checkpoints([made.notes[-1][1]])
        done = check(tmp_path, *words, files={**proof, "pin": pin})
        assert done.exit_code == status, done.output
    assert "another history" in done.stderr
    pin = serialise_checkpoints([log.notes[0][1]])
    done = check(tmp_path, *words, files={**proof, "pin": pin})
    assert done.exit_code == 0
    assert "not shown: no pin is of the size at which a.tlog-proof was made" in done.stderr
    assert "no pin is of the size" not in check(tmp_path, *words[:2], files=proof).stderr
    root = base64.b64encode(parse_checkpoint(log.notes[-1][1])[0].root)
    bent = serialise_checkpoints([log.notes[-1][1]]).replace(root, base64.b64encode(bytes(32)))
    done = check(tmp_path, *words, files={**proof, "pin": bent})
    assert done.exit_code == 3
    assert "in pin is not signed by this log" in done.stderr


def test_a_files_name_does_not_steer_the_terminal(log: SampleLog, tmp_path: Path) -> None:
    words = ("--log-key", log.signers[-1].verifier_key.text, "--pin", tmp_path / "pin")
    pin = serialise_checkpoints([log.notes[0][1]])
    name = "a\x1b[2K.tlog-proof"
    done = check(tmp_path, *words, files={name: proof_of(log, fetched(log)), "pin": pin})
    assert done.exit_code == 0
    assert "at which a\\x1b[2K.tlog-proof was made" in done.stderr
