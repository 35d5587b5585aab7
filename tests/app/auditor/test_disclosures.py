"""The register of disclosures: complete, with its legal basis, and only from a log that verifies."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from samples.log import SampleLog, story
from samples.parties import ANN, CW, K12
from samples.reviewed_log import ReviewedProject
from samples.signed_log import SignedProject

from app.auditor.cli import main
from app.auditor.register import register_csv
from app.auditor.verify import verify_bundle
from schemas.matchlog.disclosures import DisclosureBook, Wanted
from schemas.matchlog.release_kinds import BlindReleasePrepared, ReleaseFetched, ReleasePrepared
from schemas.matchlog.run_kinds import RunAsked


def told(seed: int = 71) -> SampleLog:
    """Two weeks under one agreement, then a linkage under another."""
    log = story(seed, n_weeks=2)
    project = SignedProject(log).agree()
    asked = project.ask()
    for who in (ANN, K12):
        project.approve(who, asked)
    prepared = project.finish(asked)
    log.fetch(prepared[0], CW)
    log.fetch(prepared[1], K12)
    return log


LOG = told()


def book() -> DisclosureBook:
    made = DisclosureBook()
    for entry in LOG.entries:
        made.take(entry)
    return made


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["disclosures", *map(str, arguments)])


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "log.tar"
    path.write_bytes(LOG.bundle())
    return path


def lines(**wanted: Any) -> list[Any]:
    return list(book().select(Wanted(**wanted)))


def test_every_upload_and_every_fetch_is_a_line() -> None:
    kinds = {"upload-received", "release-fetched"}
    assert [line.entry for line in lines()] == [e.seq for e in LOG.entries if e.kind in kinds]


def test_a_line_under_an_agreement_has_basis_interest_and_titles() -> None:
    upload = next(line for line in lines(project="accord") if line.giver == "county-cw")
    assert (upload.what, upload.records, upload.receiver) == ("encodings", 2000, "data-center")
    assert upload.giver_title == "Department of Children and Families"
    assert upload.interest.startswith("Know each week which pupils are in foster care")
    assert (upload.basis, upload.citation) == (
        "another law",
        "Example Code § 12.3, foster care data",
    )
    assert upload.agreement_number == 1
    fetched = lines(project="accord", party="school-district")[-1]
    assert (fetched.giver, fetched.receiver, fetched.what) == (
        "county-cw",
        "school-district",
        "match-ids",
    )
    assert fetched.records == 1650
    assert fetched.citation == "Example Code § 12.4, school stability"
    assert fetched.person == K12.person


def test_a_refused_request_is_a_line_without_a_count() -> None:
    log = story(71, n_weeks=1)
    prepared = [entry for entry in log.entries if entry.kind == "release-prepared"]
    made = DisclosureBook()
    for entry in log.entries:
        made.take(entry)
    fetch = log.fetch(prepared[0], CW)
    made.take(fetch.model_copy(update={"outcome": "refused"}))
    assert (made.lines[-1].outcome, made.lines[-1].records) == ("refused", None)


def test_a_blind_release_is_disclosed_to_its_recipient_with_every_record() -> None:
    log = story(72, n_weeks=1)
    log.create_blind_project("hidden")
    prepared = log.release_blind(log.finish_blind("hidden"), "school-district")
    assert isinstance(prepared.body, BlindReleasePrepared)
    body = ReleaseFetched(recipient="school-district", sha256=prepared.body.sha256)
    log.append(body, project="hidden", object=prepared.object, actor=K12)
    made = DisclosureBook()
    for entry in log.entries:
        made.take(entry)
    line = made.lines[-1]
    assert (line.giver, line.receiver) == ("school-district", "county-cw")
    assert (line.what, line.records) == ("sealed-match-ids", 2000)


def test_questions_and_cards_are_disclosed_to_the_reviewers_and_buckets_say_nothing() -> None:
    log = story(73, n_weeks=0)
    project = ReviewedProject(log)
    project.linked()
    project.fetch("buckets", K12)
    project.answer()
    entries = [project.fetch("questions"), project.fetch("cards")]
    made = DisclosureBook()
    for entry in log.entries:
        made.take(entry)
    lines = [line for line in made.lines if line.what != "encodings"]
    assert [(line.entry, line.what) for line in lines] == [
        (entry.seq, what) for entry, what in zip(entries, ("questions", "cards"), strict=True)
    ]
    assert {(line.giver, line.receiver, line.records) for line in lines} == {
        ("school-district", "county-cw", None)
    }


def test_project_party_and_period_narrow_it() -> None:
    assert {line.project for line in lines(project="foster")} == {"foster"}
    k12 = lines(party=K12.party)
    assert all(K12.party in (line.giver, line.receiver) for line in k12)
    assert len(k12) < len(lines())
    day = lines()[0].time[:10]
    assert {line.time[:10] for line in lines(since=day, until=day)} == {day}
    assert lines(since="2031-01-01") == []


def test_csv_is_printed_with_a_line_for_each(bundle: Path) -> None:
    result = run(bundle)
    assert result.exit_code == 0
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert len(rows) == len(lines())
    assert rows[0]["giver"] == "county-cw"
    assert f"{len(rows)} disclosures and refused requests" in result.stderr
    assert "not shown: no pin was given" in result.stderr


def test_page_and_csv_are_written_and_json_is_printed(bundle: Path, tmp_path: Path) -> None:
    page, table = tmp_path / "register.html", tmp_path / "register.csv"
    result = run(bundle, "--project", "accord", "--html", page, "--csv", table, "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["log"]["verified"] is True
    assert len(document["disclosures"]) == len(lines(project="accord"))
    assert table.read_bytes().count(b"\r\n") == len(lines(project="accord")) + 1
    html = page.read_text("utf-8")
    assert "Department of Children and Families (county-cw)" in html
    assert "not detectable without a pin" in html
    assert "<script" not in html


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        (("--project", "nope"), "no entry that is shown is of a project nope"),
        (("--party", "nope"), "no entry that is shown knows a party nope"),
        (("--since", "2026-02-01", "--until", "2026-01-31"), "--until is before --since"),
    ],
)
def test_a_register_of_what_the_log_does_not_know_is_not_written(
    bundle: Path, tmp_path: Path, filters: tuple[str, ...], says: str
) -> None:
    result = run(bundle, *filters, "--html", tmp_path / "register.html")
    assert result.exit_code == 2
    assert says in result.stderr
    assert not (tmp_path / "register.html").exists()


def test_a_party_that_the_log_knows_may_have_received_nothing(bundle: Path) -> None:
    result = run(bundle, "--project", "foster", "--party", "broker", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["disclosures"] == []


def test_nothing_is_written_of_a_log_that_does_not_verify(tmp_path: Path) -> None:
    parts = LOG.parts()
    parts.leaf_hashes[9] = bytes(32)
    (tmp_path / "log.tar").write_bytes(parts.pack())
    page = tmp_path / "register.html"
    result = run(tmp_path / "log.tar", "--html", page)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert not page.exists()


def test_a_file_that_cannot_be_written_is_named(bundle: Path, tmp_path: Path) -> None:
    result = run(bundle, "--csv", tmp_path / "nowhere" / "register.csv")
    assert result.exit_code == 3
    assert "the file register.csv cannot be written" in result.stderr


def test_no_cell_begins_a_formula() -> None:
    import dataclasses

    evil = dataclasses.replace(lines()[0], giver_title="=cmd|'/c calc'!A0", onward="@sum")
    text = register_csv([evil])
    assert ",'=cmd" in text
    assert ",'@sum" in text


def test_a_refused_request_for_a_run_changes_no_line_of_that_run() -> None:
    """Nobody signs a refused request, so that a broker may write any into a log that verifies."""
    log = story(71, n_weeks=1)
    asked = next(e for e in log.entries if e.kind == "run-asked" and e.outcome == "done")
    assert isinstance(asked.body, RunAsked)
    before = asked.body.specification
    larger, smaller = before.uploads
    other = before.model_copy(
        update={"uploads": (larger, smaller.model_copy(update={"party": "data-center"}))}
    )
    body = RunAsked(specification_sha256=other.digest(), specification=other)
    log.append(body, project=asked.project, object=asked.object, actor=CW, outcome="refused")
    prepared = [e for e in log.entries if isinstance(e.body, ReleasePrepared)]
    fetches = [log.fetch(prepared[0], CW), log.fetch(prepared[1], K12)]
    made = DisclosureBook()
    verify_bundle(io.BytesIO(log.bundle()), on_entry=made.take)
    told = {line.entry: (line.giver, line.receiver) for line in made.lines}
    assert [told[fetch.seq] for fetch in fetches] == [
        ("school-district", "county-cw"),
        ("county-cw", "school-district"),
    ]
