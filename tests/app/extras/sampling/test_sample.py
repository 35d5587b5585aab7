"""A sample of links: drawn by the auditor, opened by the agencies, held to the log, written for the visit."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from samples.log import story
from samples.run import PARTIES, pack_of, receipt_of, sample_story
from vectors.audit_pack import drawn

from app.auditor.cli import main
from schemas.matchlog.checkpoint import serialise_checkpoints
from schemas.reports.audit_pack import Sample, pack_files

MADE = sample_story()
ROOT = json.loads(MADE.openings["county-cw"].split(b"\n")[0])["match_record"]
NUMBERS = tuple(drawn(list(range(1, 41)), 5, "autumn", ROOT))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "run.record").write_bytes(MADE.record)
    (tmp_path / "log.tar").write_bytes(MADE.log.bundle())
    for side, party in enumerate(PARTIES):
        (tmp_path / f"{party}.pack").write_bytes(pack_of(MADE, side, NUMBERS))
    return tmp_path


def run(folder: Path, *more: str, n: int = 5, seed: str = "autumn") -> Result:
    words = ["sample", str(n), str(folder / "run.record"), "--seed", seed, *more]
    return CliRunner().invoke(main, words)


def packs(folder: Path) -> list[str]:
    return [word for party in PARTIES for word in ("--pack", str(folder / f"{party}.pack"))]


def document(result: Result) -> Any:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_the_draw_is_written_for_the_agencies(folder: Path) -> None:
    out = folder / "sample.json"
    result = run(folder, "--log", str(folder / "log.tar"), "-o", str(out))
    assert result.exit_code == 0, result.stderr
    assert "0 of 5 links are open" in result.stdout
    asked = Sample.from_canonical(out.read_bytes().rstrip(b"\n"))
    assert (asked.numbers, asked.run, asked.match_record) == (NUMBERS, MADE.run, ROOT)


def test_packs_open_every_link_and_the_right_handles_come_out(folder: Path) -> None:
    found = document(run(folder, *packs(folder), "--json"))
    for link in found["links"]:
        larger, smaller = MADE.handles[link["number"] - 1]
        assert link["handles"] == {"school-district": larger.hex(), "county-cw": smaller.hex()}
    assert found["log"]["receipts"] == {"county-cw": 2, "school-district": 2}
    assert found["log"]["pins"] == 2
    said = [step["what"] for step in found["steps"]]
    number = MADE.asked.body.specification.round  # type: ignore[attr-defined]
    assert said[0] == "agreement 1 came into force, with all its signatures"
    assert said[1] == f"round {number} opened, with nonces of each pair's parties"
    assert said[2] == "school-district uploaded 2,000 records as of 2026-09-08 for county-cw"
    assert "the run finished; its match record is fixed" in said
    assert said[-1] == "county-cw fetched it"


def test_a_worksheet_for_each_agency_is_one_that_resolve_reads(folder: Path) -> None:
    result = run(folder, *packs(folder), "--worksheets", str(folder / "visit"))
    again = run(folder, *packs(folder), "--worksheets", str(folder / "visit"))
    assert again.exit_code == 3
    assert "is there already" in again.stderr
    assert result.exit_code == 0, result.stderr
    for side, party in enumerate(PARTIES):
        text = (folder / "visit" / f"worksheet-{party}.csv").read_text("utf-8")
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [row["link"] for row in rows] == list("12345")
        assert [row["handle"] for row in rows] == [
            MADE.handles[number - 1][side].hex() for number in NUMBERS
        ]
        assert {row["correct"] for row in rows} == {""}
        page = (folder / "visit" / f"worksheet-{party}.html").read_text("utf-8")
        assert "Same person? yes / no" in page
        other = MADE.handles[NUMBERS[0] - 1][1 - side].hex()
        assert other not in text + page


def test_the_page_tells_the_way_and_what_it_does_not_say(folder: Path) -> None:
    page = folder / "sample.html"
    assert run(folder, *packs(folder), "--html", str(page)).exit_code == 0
    html = page.read_text("utf-8")
    assert "5 of 5 links are open" in html
    assert "a sample of links says nothing about people who were not linked" in html


def test_what_one_agency_does_not_open_is_said(folder: Path) -> None:
    only = ["--pack", str(folder / "county-cw.pack")]
    result = run(folder, *only, "--worksheets", str(folder / "visit"))
    assert "0 of 5 links are open" in result.stdout
    assert "county-cw opened 5 of 5" in result.stdout
    assert "school-district opened 0 of 5" in result.stdout


def test_packs_and_logs_of_different_days_are_one_log(folder: Path) -> None:
    longer = sample_story()
    longer.log.export("foster")
    (folder / "longer.tar").write_bytes(longer.log.bundle())
    for log in ("log.tar", "longer.tar"):
        found = document(run(folder, *packs(folder), "--log", str(folder / log), "--json"))
        assert all(len(link["handles"]) == 2 for link in found["links"])
    (folder / "school-district.pack").write_bytes(pack_of(longer, 1, NUMBERS))
    found = document(run(folder, *packs(folder), "--log", str(folder / "log.tar"), "--json"))
    assert found["log"]["size"] == longer.log.size
    assert found["log"]["pins"] == 3


def test_a_blind_runs_recipient_may_open_by_files(folder: Path) -> None:
    words = ["--log", str(folder / "log.tar")]
    for party in PARTIES:
        (folder / party).write_bytes(MADE.openings[party])
        words += ["--openings", str(folder / party)]
    assert "5 of 5 links are open" in run(folder, *words).stdout


def test_an_opening_that_does_not_fit_is_refused(folder: Path) -> None:
    lines = MADE.openings["county-cw"].split(b"\n")
    bent = [line[:-1] + (b"0" if line[-1:] != b"0" else b"1") for line in lines[1:-1]]
    (folder / "bent").write_bytes(b"\n".join([lines[0], *bent, b""]))
    words = ["--log", str(folder / "log.tar"), "--openings", str(folder / "bent")]
    result = run(folder, *words)
    assert result.exit_code == 1
    assert "an opening of county-cw does not fit its decision" in result.stderr


def test_openings_of_another_run_are_refused(folder: Path) -> None:
    other = sample_story(6, n_auto=20)
    (folder / "other").write_bytes(other.openings["county-cw"])
    words = ["--log", str(folder / "log.tar"), "--openings", str(folder / "other")]
    assert "code: record-contradicted" in run(folder, *words).stderr


def test_a_record_that_is_not_the_logs_is_refused(folder: Path) -> None:
    bent = MADE.record.replace(b'"probability":"0.95"', b'"probability":"0.90"', 1)
    (folder / "run.record").write_bytes(bent)
    assert run(folder, "--log", str(folder / "log.tar")).exit_code == 1


def test_another_seed_draws_others_and_more_than_there_are_draws_all(folder: Path) -> None:
    log = ["--log", str(folder / "log.tar"), "--json"]
    assert document(run(folder, *log, seed="winter"))["numbers"] != list(NUMBERS)
    assert document(run(folder, *log, n=1000))["numbers"] == list(range(1, 41))


@pytest.mark.parametrize("seed", ["", "a b", "x" * 65, "é"])
def test_a_seed_that_others_could_misread_is_refused(folder: Path, seed: str) -> None:
    assert run(folder, "--log", str(folder / "log.tar"), seed=seed).exit_code == 2


# Packs by themselves.


def verify(path: Path) -> Result:
    return CliRunner().invoke(main, ["verify", str(path)])


def test_a_pack_verifies_with_the_agencys_pins_and_receipts(folder: Path) -> None:
    result = verify(folder / "county-cw.pack")
    assert result.exit_code == 0, result.stderr
    assert "receipts     2 of county-cw, all entries of this log" in result.stdout
    assert "pins         1, all part of this log" in result.stdout


def test_every_command_that_reads_a_log_reads_a_pack(folder: Path) -> None:
    for command in ("show", "disclosures"):
        result = CliRunner().invoke(main, [command, str(folder / "county-cw.pack")])
        assert result.exit_code == 0, result.stderr


def test_a_receipt_of_an_entry_that_the_log_lacks_is_an_alert(folder: Path) -> None:
    other = story(8, n_weeks=1)
    upload = next(entry for entry in other.entries if entry.kind == "upload-received")
    files = {f"receipts/{upload.object}.json": receipt_of(other, upload).to_canonical()}
    _, pieces = pack_files("foster", "county-cw", "2026-11-20T22:30:00Z", files)
    (folder / "bent.pack").write_bytes(b"".join(pieces) + MADE.log.bundle("foster"))
    result = verify(folder / "bent.pack")
    assert result.exit_code == 1
    assert "than the one that county-cw has proof of" in result.stderr


def test_a_pin_of_another_history_in_a_pack_is_an_alert(folder: Path) -> None:
    other = story(8, n_weeks=1)
    files = {"pins": serialise_checkpoints([other.notes[5][1]])}
    _, pieces = pack_files("foster", "county-cw", "2026-11-20T22:30:00Z", files)
    (folder / "bent.pack").write_bytes(b"".join(pieces) + MADE.log.bundle("foster"))
    assert verify(folder / "bent.pack").exit_code == 1


def test_a_damaged_pin_in_a_pack_is_bad_input(folder: Path) -> None:
    size, note = MADE.log.notes[3]
    bent = serialise_checkpoints([note]).replace(f"\n{size}\n".encode(), b"\n2\n")
    _, pieces = pack_files("foster", "county-cw", "2026-11-20T22:30:00Z", {"pins": bent})
    (folder / "bent.pack").write_bytes(b"".join(pieces) + MADE.log.bundle("foster"))
    result = verify(folder / "bent.pack")
    assert result.exit_code == 3
    assert "in the pack of county-cw is not signed by this log" in result.stderr


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 0.99])
def test_a_pack_that_is_cut_off_gives_status_3(folder: Path, share: float) -> None:
    raw = (folder / "county-cw.pack").read_bytes()
    (folder / "cut.pack").write_bytes(raw[: int(len(raw) * share)])
    assert verify(folder / "cut.pack").exit_code == 3
