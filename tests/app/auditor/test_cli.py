"""The auditor's command line, as its users and their scripts meet it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from breaks.destruction import everything_destroyed
from click.testing import CliRunner, Result
from samples.delivered_log import everything_delivered
from samples.log import everything_else, signer, story
from samples.reviewed_log import everything_reviewed
from samples.run import sample_story
from samples.signed_log import everything_signed

from app.auditor.cli import main
from app.auditor.errors import MalformedError, NotAuthorisedError
from app.auditor.options import failures
from app.auditor.pins import is_pin_line
from app.auditor.timeline import SENTENCES, sentence
from schemas.agreement.chapters import grouped
from schemas.documents.merkle import hash_leaf
from schemas.matchlog.checkpoint import (
    Checkpoint,
    checkpoint_line,
    serialise_checkpoints,
    sign_checkpoint,
)
from schemas.matchlog.kinds import KINDS

LOG = story(61, n_weeks=2, projects=("foster", "health"))
everything_reviewed(LOG)
everything_delivered(LOG)
everything_else(LOG)
everything_destroyed(LOG)
everything_signed(LOG)
LOG.export("foster")
KEY = signer(0).verifier_key.text


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "log.tar"
    path.write_bytes(LOG.bundle())
    return path


@pytest.fixture
def pins(tmp_path: Path) -> Path:
    path = tmp_path / "pins"
    path.write_bytes(serialise_checkpoints([LOG.notes[-1][1]]))
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_good_bundle_is_verified_with_status_0(bundle: Path, pins: Path) -> None:
    result = run("verify", bundle, "--pin", pins, "--log-key", KEY)
    assert result.exit_code == 0
    assert result.stdout.startswith("verified     broker.example/log\n")
    assert f"entries      {LOG.size}\n" in result.stdout
    assert "pins         1, all part of this log\n" in result.stdout
    assert "not detectable" not in result.stdout


def test_the_agreement_that_binds_is_shown_and_held_to_counsels_sheet(bundle: Path) -> None:
    (bound, *_) = json.loads(run("verify", "--json", bundle).stdout)["agreements"]
    assert bound["given"] is False
    digest = bound["sha256"]
    result = run("verify", bundle, "--agreement", grouped(digest).upper())
    said = (
        f"agreement    {bound['project']} {bound['number']}, fingerprint {digest}, as you gave it"
    )
    assert said in result.stdout.splitlines()
    other = run("verify", bundle, "--agreement", "0" * 64)
    assert (other.exit_code, other.stdout) == (1, "")
    assert "code: agreement-not-there\n" in other.stderr
    assert (
        "hint: compare the fingerprint with counsel's sheet; if it is right, keep" in other.stderr
    )
    assert run("verify", bundle, "--agreement", "12345").exit_code == 2


def test_json_gives_the_verdict_to_scripts(bundle: Path) -> None:
    verdict = json.loads(run("verify", "--json", bundle).stdout)
    assert verdict["verified"] is True
    assert verdict["size"] == LOG.size
    assert [caveat["code"] for caveat in verdict["caveats"]] == [
        "destroyed-early",
        "counts-not-shown",
        "unverified-releases",
        "no-pin",
        "no-log-key",
        "broker-time",
        "who-typed",
    ]


def test_a_bundle_of_another_version_is_refused_by_its_name(tmp_path: Path) -> None:
    parts = LOG.parts()
    raw = parts.entries[7].replace(b"blindlink/entry/2", b"blindlink/entry/1")
    parts.entries[7], parts.leaf_hashes[7] = raw, hash_leaf(raw)
    path = tmp_path / "log.tar"
    path.write_bytes(parts.pack())
    result = run("verify", path)
    assert result.exit_code == MalformedError.exit_code
    assert (
        "blindlink/entry/1 is of an earlier version of this program, which reads blindlink/entry/2"
        in (result.stderr)
    )
    assert (
        "code: other-version\nhint: no state of an earlier version is taken over" in result.stderr
    )


def test_a_changed_entry_gives_status_1_the_index_and_the_evidence(tmp_path: Path) -> None:
    parts = LOG.parts()
    parts.leaf_hashes[7] = bytes(32)
    path = tmp_path / "log.tar"
    path.write_bytes(parts.pack())
    result = run("verify", path)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("blindlink-audit: error: entry 7 is not the one")
    assert "first bad entry: 7\n" in result.stderr
    assert "code: leaf-changed\n" in result.stderr
    assert result.stderr.endswith(
        "hint: keep the bundle, your pins and this output: they are the evidence\n"
    )
    failure = json.loads(run("verify", "--json", path).stdout)
    assert failure["verified"] is False
    assert failure["error"]["index"] == 7
    assert failure["error"]["evidence"]["leaf_hash"] == "00" * 32


def test_a_pin_that_somebody_sent_as_a_line_holds_the_log_as_its_file_does(
    tmp_path: Path, bundle: Path, pins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = checkpoint_line(LOG.notes[-1][1])
    # As a mail program may have broken it.
    good = run("verify", bundle, "--pin", pins, "--pin", line.replace(" ", "\n "), "--log-key", KEY)
    assert "pins         2, all part of this log\n" in good.stdout
    size = LOG.notes[-2][0]
    other = Checkpoint(signer(0).name, size, bytes(32))
    shown_to_another = checkpoint_line(sign_checkpoint(other, signer(0)))
    bad = run("verify", bundle, "--pin", shown_to_another)
    assert (bad.exit_code, "code: pin-contradicted\n" in bad.stderr) == (1, True)
    assert f"pin_signature {shown_to_another.split()[-1]}\n" in bad.stderr
    for broken in (line[:-9], line.replace(str(LOG.size), f"{LOG.size},000")):
        cut = run("verify", bundle, "--pin", broken)
        assert (cut.exit_code, "the pin that was given as a line is not whole" in cut.stderr) == (
            3,
            True,
        )
    # A file may be called as a line begins.
    monkeypatch.chdir(tmp_path)
    pins.rename(tmp_path / "county 2026 11")
    assert [is_pin_line(one) for one in (line, "county 2026 11")] == [True, False]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "given is empty, and no bundle"),
        (b"hello world\n", "given is no bundle\n"),
        (sample_story().record, "given is no bundle: it is a match record"),
        (serialise_checkpoints([LOG.notes[-1][1]]), "given is no bundle: it is a file of pins"),
        (b"<!DOCTYPE html>\n", "given is no bundle: it is a page"),
        (LOG.bundle()[:50], "the bundle is cut off"),
    ],
    ids=["empty", "text", "record", "pins", "page", "cut"],
)
def test_what_is_no_bundle_is_said_to_be_what_it_is(tmp_path: Path, raw: bytes, says: str) -> None:
    (tmp_path / "given").write_bytes(raw)
    result = run("verify", tmp_path / "given")
    assert result.exit_code == 3
    assert says in result.stderr


def test_hints_name_what_the_command_takes(bundle: Path, tmp_path: Path) -> None:
    missing = run("verify", bundle, "--log-key", tmp_path / "log.key")
    assert "the file log.key of the log key does not exist" in missing.stderr
    assert run("verify", tmp_path).stderr.startswith(
        f"blindlink-audit: error: {tmp_path.name} is a folder"
    )
    (tmp_path / "report").write_text("x", encoding="utf-8")
    assert "key prints" in run("check", tmp_path / "report", "--key", "x").stderr
    assert "--project" not in str(NotAuthorisedError.hint)


def test_a_file_that_is_no_pin_gives_status_3(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "pin").write_text("hello", encoding="utf-8")
    assert run("verify", bundle, "--pin", tmp_path / "pin").exit_code == 3


def test_what_is_printed_of_an_error_cannot_steer_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended, failures():
        raise MalformedError("entry 3: \x1b[2Kx", index=3, evidence={"name": "\u202ey\nhint: z"})
    assert ended.value.code == 3
    first, _, evidence, *_ = capsys.readouterr().err.splitlines()
    assert first == "blindlink-audit: error: entry 3: \\x1b[2Kx"
    assert evidence == "evidence: name \\u202ey\\nhint: z"


@pytest.mark.parametrize("arguments", [["verify"], ["verify", "a", "--pin"], ["x"]])
def test_wrong_usage_gives_status_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        "verify log.tar --pin",
        "verify http://127.0.0.1:9 --token-file",
        "verify http://127.0.0.1:9 --ca-file",
        "page-link http://127.0.0.1:9 --token-file",
        "check --log-key x+0",
        "report log.tar --json --key-file",
        "key",
        "sample 1 --log log.tar --seed s",
    ],
)
def test_a_file_that_is_not_there_is_named_with_status_3(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.chdir(bundle.parent)
    (bundle.parent / "folder").mkdir()
    words = words.replace("x+0", KEY)
    for name, says in (("no.file", "no.file does not exist"), ("folder", "folder is a folder")):
        result = run(*words.split(), name)
        assert (result.exit_code, result.stdout) == (3, "")
        assert says in result.stderr


def test_a_bundle_may_come_through_standard_input() -> None:
    result = CliRunner().invoke(main, ["verify", "-"], input=io.BytesIO(LOG.bundle()))
    assert result.exit_code == 0


def test_show_prints_a_line_for_each_entry(bundle: Path) -> None:
    result = run("show", bundle)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == LOG.size
    assert lines[0].endswith("#0      the log broker.example/log began, written by blindlink-0.1.0")
    assert f"verified {LOG.size} entries of broker.example/log" in result.stderr


def test_show_narrows_to_a_project_a_party_or_a_kind(bundle: Path) -> None:
    arguments = ("--project", "health", "--party", "county-cw", "--kind", "upload-received")
    lines = run("show", bundle, *arguments).stdout.splitlines()
    mine = [e for e in LOG.entries if e.project == "health" and e.actor.party == "county-cw"]
    assert len(lines) == sum(entry.kind == "upload-received" for entry in mine) >= 2
    assert all("health: county-cw (agency) uploaded 2,000 records" in line for line in lines)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show", "--kind", "nope"), "there are no entries of kind nope"),
        (("show", "--project", "nope"), "no entry that is shown is of a project nope"),
        (("show", "--party", "nope"), "no entry that is shown knows a party nope"),
        (("verify", "--project", "foster"), "give --project with the URL of a broker"),
    ],
)
def test_what_narrows_to_nothing_is_wrong_usage(
    bundle: Path, words: tuple[str, ...], says: str
) -> None:
    result = run(*words, bundle)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stdout == ""


def test_show_prints_entries_as_they_stand_for_scripts(bundle: Path) -> None:
    result = run("show", bundle, "--json")
    assert result.stdout.encode().splitlines() == LOG.raw


def test_show_of_a_bent_log_ends_with_status_1(tmp_path: Path) -> None:
    parts = LOG.parts()
    parts.leaf_hashes[9] = bytes(32)
    path = tmp_path / "log.tar"
    path.write_bytes(parts.pack())
    result = run("show", path)
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 9


def test_every_kind_has_its_words() -> None:
    assert set(SENTENCES) == set(KINDS)
    said = {entry.kind: sentence(entry) for entry in LOG.entries}
    assert set(said) == set(KINDS)
    assert all(text[0].islower() or text.startswith("foster: ") for text in said.values())


def test_counts_that_are_not_in_the_log_are_left_out() -> None:
    finished = next(entry for entry in LOG.entries if entry.kind == "run-finished")
    for shown, said in (
        ({}, "how much it linked is not shown"),
        ({"auto_pairs": 12}, "12 pairs linked"),
        (
            {"auto_pairs": 1_200, "expected_false": 210},
            "1,200 pairs linked, of these 0 to 11 wrong",
        ),
    ):
        counts = {"auto_pairs": None, "expected_false": None, **shown}
        body = finished.body.model_copy(update=counts)
        assert sentence(finished.model_copy(update={"body": body})).endswith(f"finished: {said}")


def test_what_was_refused_is_said_to_be() -> None:
    log = story(61, n_weeks=1)
    asked = next(entry for entry in log.entries if entry.kind == "run-asked")
    refused = asked.model_copy(update={"outcome": "refused"})
    assert sentence(refused).startswith("foster: refused: ")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from app.auditor.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = {'pydantic', 'cryptography', 'httpx2', 'numpy', 'sqlalchemy'}\n"
        "sys.exit(bool(heavy & set(sys.modules)))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
