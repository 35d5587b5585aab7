"""The signed audit report: says what it proves and does not, agrees with the log, and cannot be changed."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import stat
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from breaks.destruction import everything_destroyed
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from samples.delivered_log import DeliveringProject
from samples.log import SampleLog, everything_else, signer, story
from samples.parties import CW, K12
from samples.reviewed_log import everything_reviewed
from samples.signed_log import everything_signed

from app.auditor.cli import main
from app.auditor.findings import FindingsBook
from app.auditor.report_document import Making, report_of
from app.auditor.verdict import TIMES, WHO_TYPED, held_late, new_stewards
from app.auditor.verify import verify_bundle
from schemas.matchlog.checkpoint import serialise_checkpoints
from schemas.reports.audit_report import AuditReport, open_page, open_report
from schemas.rules.lateness import HeldLate

LOG = story(91, n_weeks=2, projects=("foster", "health"))
everything_reviewed(LOG)
everything_else(LOG)
everything_destroyed(LOG)
everything_signed(LOG)
LOG.cosign(0)
WORDS = "several words that nobody guesses"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """The auditor's folder: a log, its key, a pin, and a key of the auditor's own."""
    (tmp_path / "log.bundle").write_bytes(LOG.bundle())
    (tmp_path / "log.key").write_text(signer(0).verifier_key.text + "\n", encoding="utf-8")
    (tmp_path / "county.pin").write_bytes(serialise_checkpoints([LOG.notes[-1][1]]))
    (tmp_path / "words").write_text(WORDS + "\n", encoding="utf-8")
    made = run(tmp_path, "key", "auditor.key", "--new", "--passphrase-file", "words")
    assert made.exit_code == 0, made.stderr
    (tmp_path / "auditor.pub").write_text(made.stdout, encoding="utf-8")
    return tmp_path


def run(folder: Path, *words: str, typed: str | None = None) -> Result:
    before = Path.cwd()
    os.chdir(folder)
    try:
        return CliRunner().invoke(main, list(words), input=typed)
    finally:
        os.chdir(before)


SIGNING = ("--key-file", "auditor.key", "--passphrase-file", "words")
HELD = ("--log-key", "log.key", "--pin", "county.pin")


def report(desk: Path, *more: str) -> Any:
    done = run(desk, "report", "log.bundle", *SIGNING, "-o", "report.json", *more)
    assert done.exit_code == 0, done.stderr
    return open_report((desk / "report.json").read_bytes()).report.to_json()


def test_the_report_opens_with_what_it_proves_and_says_that_times_are_the_brokers(
    desk: Path,
) -> None:
    made = report(desk, *HELD, "--html", "report.html", "--name", "State Office of Audits")
    assert made["proves_not"][0].startswith("Times are the broker's own")
    assert "not detectable without a pin" not in " ".join(made["proves_not"])
    page = (desk / "report.html").read_text(encoding="utf-8")
    places = [
        page.index(escape(text))
        for text in (
            "What this proves",
            made["proves"][0],
            "What this does not prove",
            "Times are the broker's own",
            "one at the end of each batch",
        )
    ]
    assert places == sorted(places)
    assert "by State Office of Audits" in page
    root = bytes.fromhex(made["log"]["root"])
    assert escape(base64.b64encode(root).decode()) in page
    assert "<script" not in page


def test_without_a_pin_the_report_says_what_is_not_detectable(desk: Path) -> None:
    assert "not detectable without a pin" in " ".join(report(desk)["proves_not"])


def test_what_it_counts_is_what_the_log_has(desk: Path) -> None:
    made = report(desk, *HELD)
    assert made["source"] == hashlib.sha256(LOG.bundle()).hexdigest()
    assert (made["log"]["size"], made["log"]["pins"]) == (LOG.size, 1)
    assert made["log"]["witnesses"] == [
        {"witness": "county-cw.example/witness", "size": LOG.size},
        *made["log"]["witnesses"][1:],
    ]
    expected = Counter((e.project, e.kind, e.outcome) for e in LOG.entries)
    assert expected == {
        (a["project"], a["kind"], a["outcome"]): a["count"] for a in made["activity"]
    }
    numbers = {(a["project"], a["number"]) for a in made["agreements"]}
    agreed = {(project, 1) for project in {e.project for e in LOG.entries} - {None}}
    assert numbers == agreed | {("accord", 2)}
    withdrawn = next(e.seq for e in LOG.entries if e.kind == "agreement-withdrawn")
    assert [a["ended"] for a in made["agreements"] if a["project"] == "accord"] == [withdrawn] * 2


def test_rounds_are_counted_by_project(desk: Path) -> None:
    made = {one["project"]: one for one in report(desk)["rounds"]}
    for project, counted in made.items():
        mine: list[Any] = [e for e in LOG.entries if e.project == project]
        opened = [e.body.round for e in mine if e.kind == "round-opened"]
        gone = [e.body.round for e in mine if e.kind == "round-superseded"]
        closed = [e.body.round for e in mine if e.kind == "round-closed"]
        assert (counted["opened"], counted["corrected"]) == (len(opened), len(gone))
        assert counted["closed"] == len(closed)
        left = set(opened) - set(gone) - set(closed)
        assert counted["open"] == (left.pop() if left else None)
    assert made["foster"]["linked"] == 3


def test_of_each_run_it_says_what_the_log_says_of_its_links(desk: Path) -> None:
    bodies: list[Any] = [e.body for e in LOG.entries if e.kind == "run-finished"]
    made = report(desk)["runs"]
    assert Counter((run["matches"], run["expected_false"]) for run in made) == Counter(
        (body.auto_pairs, body.expected_false) for body in bodies
    )
    assert any(run["matches"] for run in made)
    assert all((run["matches"] is None) == (run["concordance"] is None) for run in made)


def test_disclosures_and_what_is_left_add_up(desk: Path) -> None:
    made = report(desk)
    fetched = sum(e.kind == "release-fetched" and e.outcome == "done" for e in LOG.entries)
    received = sum(e.kind == "upload-received" for e in LOG.entries)
    times: Counter[str] = Counter()
    for line in made["disclosures"]:
        times[line["what"]] += line["times"]
    assert times["encodings"] == received
    reviews = Counter(e.body.what for e in LOG.entries if e.kind == "review-fetched")  # type: ignore[attr-defined]
    assert {what: times.pop(what) for what in ("questions", "cards")} == {
        what: n for what, n in reviews.items() if what != "buckets"
    }
    assert sum(times.values()) - received == fetched
    for left in made["left"]:
        mine = [e for e in LOG.entries if e.project == left["project"]]
        gone = {e.object for e in mine if e.kind in {"upload-destroyed", "release-destroyed"}}
        there = [e for e in mine if e.object not in gone]
        assert left["uploads"] == sum(e.kind == "upload-received" for e in there)
        assert left["releases"] == sum(e.kind.endswith("release-prepared") for e in there)


def test_json_prints_the_signed_report(desk: Path) -> None:
    done = run(desk, "report", "log.bundle", *SIGNING, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["key"] == (desk / "auditor.pub").read_text().strip()


def test_a_log_that_does_not_verify_gets_a_report_that_says_where(desk: Path) -> None:
    parts = LOG.parts()
    parts.leaf_hashes[7] = bytes(32)
    bent = parts.pack()
    (desk / "log.bundle").write_bytes(bent)
    done = run(desk, "report", "log.bundle", *SIGNING, "-o", "report.json", "--html", "report.html")
    assert done.exit_code == 1
    assert "first bad entry: 7\n" in done.stderr
    made = open_report((desk / "report.json").read_bytes()).report
    assert made.log is None
    assert made.fault is not None
    assert (made.fault.code, made.fault.index) == ("leaf-changed", 7)
    assert made.source == hashlib.sha256(bent).hexdigest()
    page = (desk / "report.html").read_bytes()
    assert b"the match log does not verify" in page
    assert open_page(page).report_sha256 == made.digest()


def test_a_report_on_a_contradiction_carries_the_pin_and_one_on_a_damaged_pin_is_not_made(
    desk: Path,
) -> None:
    held = ("--pin", "county.pin", "-o", "report.json", "--html", "report.html")
    good = (desk / "county.pin").read_bytes()
    (desk / "county.pin").write_bytes(good.replace(f"\n{LOG.size}\n".encode(), b"\n9999\n"))
    done = run(desk, "report", "log.bundle", *SIGNING, *held)
    assert done.exit_code == 3
    assert "in county.pin is not signed by this log" in done.stderr
    assert not (desk / "report.json").exists()
    other = story(92, n_weeks=2)
    (desk / "county.pin").write_bytes(serialise_checkpoints([other.notes[5][1]]))
    done = run(desk, "report", "log.bundle", *SIGNING, *held)
    assert done.exit_code == 1
    found = open_report((desk / "report.json").read_bytes()).report
    assert "contradicts a pin" in found.proves[0]
    assert found.fault is not None
    signature = {item.name: item.value for item in found.fault.evidence}["pin_signature"]
    assert signature in other.notes[5][1].decode()
    page = (desk / "report.html").read_text(encoding="utf-8")
    assert "the match log contradicts a pin" in page
    assert escape(signature) in page


def test_a_file_that_is_no_bundle_gets_a_report_and_one_that_is_not_there_none(desk: Path) -> None:
    (desk / "log.bundle").write_bytes(b"something else")
    done = run(desk, "report", "log.bundle", *SIGNING, "-o", "report.json")
    assert done.exit_code == 3
    found = open_report((desk / "report.json").read_bytes()).report.fault
    assert found is not None
    assert found.code == "malformed"
    (desk / "log.bundle").unlink()
    done = run(desk, "report", "log.bundle", *SIGNING, "-o", "second.json")
    assert done.exit_code == 3
    assert not (desk / "second.json").exists()


def test_a_report_and_its_page_are_checked_and_every_change_is_found(desk: Path) -> None:
    made = report(desk, "--html", "report.html")
    key = ("--key", "auditor.pub")
    for name in ("report.json", "report.html"):
        done = run(desk, "check", name, *key, "--json")
        assert done.exit_code == 0, done.stderr
        digest = hashlib.sha256(rfc8785.dumps(made)).hexdigest()
        assert json.loads(done.stdout)["report_sha256"] == digest
        raw = (desk / name).read_bytes()
        (desk / name).write_bytes(raw.replace(b"health", b"wealth", 1))
        done = run(desk, "check", name, *key)
        assert done.exit_code == 1
        assert "changed after it was signed" in done.stderr


def test_a_report_by_another_key_is_refused_where_one_is_given(desk: Path) -> None:
    report(desk)
    other = run(desk, "key", "other.key", "--new", "--passphrase-file", "words").stdout.strip()
    done = run(desk, "check", "report.json", "--key", other)
    assert done.exit_code == 1
    assert "signed by another key" in done.stderr
    done = run(desk, "check", "report.json")
    assert done.exit_code == 0
    assert "compare the fingerprint" in done.stderr


def test_what_is_no_report_gives_status_3(desk: Path) -> None:
    assert run(desk, "check", "log.bundle").exit_code == 3
    assert run(desk, "check", "log.key").exit_code == 3
    report(desk)
    assert run(desk, "check", "report.json", "--key", "x").exit_code == 3


def test_an_incident_stands_in_report_page_and_terminal(desk: Path) -> None:
    upload = next(e for e in LOG.entries if e.kind == "upload-received")
    done = run(
        desk,
        "report",
        "log.bundle",
        *SIGNING,
        "--incident",
        upload.object or "",
        "-o",
        "report.json",
        "--html",
        "incident.html",
    )
    assert done.exit_code == 0, done.stderr
    assert (
        f"since        {upload.time[:10]} {upload.time[11:19]}, entry {upload.seq}" in done.stderr
    )
    incident = open_report((desk / "report.json").read_bytes()).report.incident
    assert incident is not None
    assert incident.id == upload.object
    page = (desk / "incident.html").read_text(encoding="utf-8")
    assert "Audit report on an incident" in page
    assert all(release.release in page for release in incident.releases)


def test_a_name_is_kept_in_one_spelling(desk: Path) -> None:
    """As macOS writes it, the accent is a character of its own."""
    assert report(desk, "--name", "Cafe\u0301 audits ")["auditor"] == "Caf\u00e9 audits"


def test_an_incident_that_the_log_does_not_know_leaves_no_report(desk: Path) -> None:
    unknown = ("--incident", "upl-" + "9" * 32)
    done = run(desk, "report", "log.bundle", *SIGNING, "-o", "report.json", *unknown)
    assert done.exit_code == 2
    assert "code: subject-unknown" in done.stderr
    assert not (desk / "report.json").exists()


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("-o", "r.json", "--incident", "Maria"),
        ("-o", "r.json", "--name", " "),
        ("-o", "r.json", "--name", "a\nb"),
        ("-o", "r.json", "--project", "foster"),
    ],
    ids=["no-output", "no-subject", "blank", "two-lines", "project-of-a-file"],
)
def test_wrong_usage_gives_status_2(desk: Path, more: tuple[str, ...]) -> None:
    assert run(desk, "report", "log.bundle", *SIGNING, *more).exit_code == 2


# The auditor's key.


def test_a_key_file_is_for_its_owner_alone_and_is_never_replaced(desk: Path) -> None:
    path = desk / "auditor.key"
    raw = path.read_bytes()
    assert b"ENCRYPTED" in raw
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = run(desk, "key", "auditor.key", "--new", "--passphrase-file", "words")
    assert again.exit_code == 3
    assert "is there already" in again.stderr
    assert path.read_bytes() == raw


def test_a_passphrase_is_asked_for_twice_and_then_once(desk: Path) -> None:
    made = run(desk, "key", "mine.key", "--new", typed=f"{WORDS}\n{WORDS}\n")
    assert made.exit_code == 0
    assert WORDS not in made.output
    shown = run(desk, "key", "mine.key", typed=f"{WORDS}\n")
    assert shown.stdout.splitlines()[-1] == made.stdout.splitlines()[-1]
    assert "fingerprint: " in shown.stderr


@pytest.mark.parametrize("words", ["too short", "another phrase altogether", ""])
def test_a_wrong_passphrase_opens_nothing_and_is_not_repeated(desk: Path, words: str) -> None:
    (desk / "wrong").write_text(words + "\n", encoding="utf-8")
    done = run(desk, "key", "auditor.key", "--passphrase-file", "wrong")
    assert done.exit_code == 3
    assert "does not open" in done.stderr
    assert not words or words not in done.stderr


def test_a_key_is_shown_to_scripts(desk: Path) -> None:
    words = ("--passphrase-file", "words", "--json")
    made = json.loads(run(desk, "key", "mine.key", "--new", *words).stdout)
    assert made == json.loads(run(desk, "key", "mine.key", *words).stdout)
    assert len(made["fingerprint"].split()) == 12


def test_a_short_passphrase_makes_no_key(desk: Path) -> None:
    (desk / "short").write_text("short\n", encoding="utf-8")
    done = run(desk, "key", "mine.key", "--new", "--passphrase-file", "short")
    assert done.exit_code == 3
    assert not (desk / "mine.key").exists()


def test_a_key_made_with_other_tools_will_do_if_it_is_ed25519(desk: Path) -> None:
    for key, status in ((Ed25519PrivateKey.generate(), 0), (generate_private_key(SECP256R1()), 3)):
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (desk / "other.pem").write_bytes(pem)
        assert run(desk, "key", "other.pem").exit_code == status


# What the report says of a verdict.


def said_of(**changes: Any) -> AuditReport:
    verdict = replace(verify_bundle(io.BytesIO(LOG.bundle())), **changes)
    making = Making(datetime(2026, 12, 1, tzinfo=UTC), None, "0" * 64)
    return report_of(making, verdict, FindingsBook(), None)


def test_a_witness_is_proved_only_by_keys_that_an_agreement_lists() -> None:
    """Any other key is the broker's word, who may give one of its own the name of an agency."""
    made = said_of(
        cosigned={"county-cw": 9, "school-district": 9}, vouched=frozenset({"county-cw"})
    )
    assert "county-cw has signed" in " ".join(made.proves)
    assert "school-district" not in " ".join(made.proves)
    assert "school-district has signed as a witness" in " ".join(made.proves_not)


def test_what_a_hold_keeps_that_came_too_late_is_told_as_what_was_destroyed_late_is() -> None:
    late = HeldLate("upload", "upl-" + "0" * 32, 5, "2026-09-01", "2026-09-09", "county-cw", 30)
    for caveats in ((held_late([late]),), (held_late([late]), TIMES, WHO_TYPED)):
        made = said_of(caveats=caveats)
        assert "left that should have been destroyed" in " ".join(made.proves)
        assert "kept longer than agreed" not in " ".join(made.proves)
        assert "left that should have been destroyed" not in " ".join(made.proves_not)


@pytest.mark.parametrize("are_vouched", [True, False])
def test_a_log_of_many_witnesses_and_new_stewards_gets_a_report(are_vouched: bool) -> None:
    names = {f"agency-{number}": 9 for number in range(60)}
    caveats = tuple(new_stewards("foster", number, "county-cw") for number in range(2, 42))
    made = said_of(cosigned=names, vouched=frozenset(names if are_vouched else ()), caveats=caveats)
    assert "more like the last" in made.proves_not[-5]
    assert ("more like the last" in made.proves[-1]) is are_vouched
    assert made.proves_not[1] == WHO_TYPED.text[0].upper() + WHO_TYPED.text[1:] + "."


# Files that cannot be read.


def test_a_report_on_what_cannot_be_read_does_not_call_it_a_log_that_fails(desk: Path) -> None:
    newer = LOG.bundle().replace(b"blindlink/bundle/1", b"blindlink/bundle/2", 1)
    (desk / "log.bundle").write_bytes(newer)
    done = run(desk, "report", "log.bundle", *SIGNING, "-o", "r.json", "--html", "r.html")
    assert done.exit_code == 3
    found = open_report((desk / "r.json").read_bytes()).report
    assert "of a newer version" in found.proves[0]
    assert "anyone who repeats it" not in found.proves[0]
    assert "cannot be read" in (desk / "r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["Pru\u0308fung.tar", "a\u200bb.tar", " log.tar"])
def test_a_report_names_a_file_whatever_its_name(desk: Path, name: str) -> None:
    (desk / name).write_bytes(b"something else")
    done = run(desk, "report", name, *SIGNING, "-o", "r.json")
    assert done.exit_code == 3, done.exception
    assert open_report((desk / "r.json").read_bytes()).report.fault is not None


@pytest.mark.parametrize("words", ["x" * 1024, "\u00fc" * 512])
def test_a_passphrase_that_is_too_long_is_said_to_be(desk: Path, words: str) -> None:
    (desk / "long").write_text(words, encoding="utf-8")
    done = run(desk, "key", "long.key", "--new", "--passphrase-file", "long")
    assert done.exit_code == 3, done.exception
    assert "1023" in done.stderr


def test_the_page_does_not_say_that_uploads_and_releases_are_all_that_is_left(desk: Path) -> None:
    log = SampleLog(1)
    log.enrol(CW, K12)
    project = DeliveringProject(log)
    project.deliver()
    (desk / "log.bundle").write_bytes(log.bundle())
    done = run(desk, "report", "log.bundle", *SIGNING, "--html", "r.html")
    assert done.exit_code == 0, done.stderr
    page = (desk / "r.html").read_text(encoding="utf-8")
    assert "delivered columns are not counted" in page
