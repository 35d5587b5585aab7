"""Match records as an auditor sees them: counted, filtered, held to the log, refused if they are others."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner, Result
from samples.log import story
from samples.reviewed_log import ReviewedProject
from samples.run import sample_story

from app.auditor.cli import main
from app.auditor.errors import MalformedError, NotAuthorisedError
from app.auditor.match_records import MatchRecordBook, fetch_record, read_record
from app.auditor.matches import RULES
from schemas.api.bodies import MatchRecordPage
from schemas.rounds.match_record import DecisionRule, MatchRecordReader

MADE = sample_story()


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "run.record"
    path.write_bytes(MADE.record)
    return path


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "log.tar"
    path.write_bytes(MADE.log.bundle())
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["matches", *map(str, arguments)])


def test_kinds_are_counted_and_the_histogram_is_drawn(record: Path) -> None:
    result = run(record)
    assert result.exit_code == 0, result.stderr
    assert "rows         53, of which 3 are withheld" in result.stdout
    assert "auto                40  match-probability" in result.stdout
    assert "review  0.40         10  ####################" in result.stdout
    assert "weight       " in result.stdout
    # Twenty from .95 on and twenty from .99 on: 20 * .05 + 20 * .01.
    assert (
        "at most 1.2 of the 40 linked pairs that are shown are expected to be wrong"
        in result.stdout
    )
    assert "not held to a match log" in result.stderr


def test_a_record_is_held_to_its_root_in_the_log(record: Path, bundle: Path) -> None:
    document = json.loads(run(record, "--log", bundle, "--json").stdout)
    assert document["log"]["verified"] is True
    assert sum(kind["decisions"] for kind in document["counts"]) == 50
    record.write_bytes(MADE.record.replace(b'"probability":"0.40"', b'"probability":"0.50"', 1))
    refused = run(record, "--log", bundle)
    assert refused.exit_code == 1
    assert "code: record-contradicted" in refused.stderr


def test_filters_narrow_the_list_and_not_the_counts(record: Path, tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    result = run(record, "--band", "auto", "--from", "0.99", "--csv", table, "--json")
    assert json.loads(result.stdout)["listed"] == 20
    rows = list(csv.DictReader(io.StringIO(table.read_text("utf-8"))))
    assert len(rows) == 20
    assert {row["probability"] for row in rows} == {"0.99"}
    assert rows[0]["larger_party"] == "school-district"
    assert rows[0]["lead"] == "10"
    assert json.loads(run(record, "--rule", "review-band", "--json").stdout)["listed"] == 10


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        (("--rule", "nope"), "lead-too-small"),
        (("--from", "0.96"), "invalid value for '--from'"),
        (("--from", "0.90", "--to", "0.10"), "--to is below --from"),
    ],
)
def test_a_filter_that_nothing_can_pass_is_wrong_usage(
    record: Path, tmp_path: Path, filters: tuple[str, ...], says: str
) -> None:
    result = run(record, *filters, "--csv", tmp_path / "rows.csv")
    assert result.exit_code == 2
    assert says in result.stderr
    assert not (tmp_path / "rows.csv").exists()


def test_the_page_has_counts_chart_and_decisions(
    record: Path, bundle: Path, tmp_path: Path
) -> None:
    page = tmp_path / "run.html"
    assert run(record, "--log", bundle, "--html", page).exit_code == 0
    html = page.read_text("utf-8")
    assert "its root is in the match log broker.example/log" in html
    assert html.count("<svg") == 2
    assert "50 decisions" in html
    assert "+9.400" in html
    assert "before anything is compared" in html
    assert not any(pair[0].hex() in html for pair in MADE.handles)


@pytest.mark.parametrize(
    "raw", [b"", b"hello\n", MADE.record[:-1], MADE.record + b"{}\n", b"[" * 20_000 + b"\n"]
)
def test_what_is_no_match_record_gives_status_3(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "x").write_bytes(raw)
    result = run(tmp_path / "x", "--csv", tmp_path / "rows.csv")
    assert result.exit_code == 3
    assert not (tmp_path / "rows.csv").exists()


def test_a_line_without_end_is_read_in_little_memory() -> None:
    class Endless:
        given = 0

        def readline(self, size: int, /) -> bytes:
            self.given += size
            return b"x" * size

    source = Endless()
    with pytest.raises(MalformedError):
        read_record(source, lambda *_: None)
    assert source.given < 100_000


def test_a_run_is_named_with_a_url_and_only_then(record: Path) -> None:
    assert run(record, "--run", MADE.run).exit_code == 2
    assert run("https://broker.example").exit_code == 2
    assert run(record, "--save", str(record.with_name("copy"))).exit_code == 2
    assert run(record, "--release", "2").exit_code == 2
    assert run("/no/such/file").exit_code == 3


class Pages:
    """A broker that hands the record out a few rows a page."""

    def __init__(self, per_page: int = 7) -> None:
        self.per_page = per_page

    def match_record(self, run: str, first: int, release: int = 1) -> MatchRecordPage | None:
        if run != MADE.run:
            return None
        reader = MatchRecordReader(io.BytesIO(MADE.record))
        rows = [row.decision or row.leaf_hash.hex() for row in reader.rows()]
        some = rows[first - 1 : first - 1 + self.per_page]
        ends = first + len(some)
        return MatchRecordPage(
            header=reader.header,
            root=reader.root(),
            first=first,
            rows=tuple(some),
            next=ends if ends <= len(rows) else None,
        )


@pytest.mark.parametrize("per_page", [1, 7, 53, 100])
def test_pages_add_up_to_the_record(per_page: int) -> None:
    fetched = io.BytesIO()
    fetch_record(Pages(per_page), MADE.run, fetched)
    assert fetched.getvalue() == MADE.record


def test_the_record_of_a_supplement_is_asked_for_by_its_number() -> None:
    class Numbered(Pages):
        def match_record(self, run: str, first: int, release: int = 1) -> MatchRecordPage | None:
            return super().match_record(run, first) if release == 2 else None

    fetched = io.BytesIO()
    fetch_record(Numbered(), MADE.run, fetched, 2)
    assert fetched.getvalue() == MADE.record
    with pytest.raises(NotAuthorisedError):
        fetch_record(Numbered(), MADE.run, io.BytesIO())


def test_the_end_of_a_review_states_a_root_of_its_own() -> None:
    log = story(62, n_weeks=0)
    project = ReviewedProject(log)
    project.linked()
    ended = project.end()
    book = MatchRecordBook()
    for entry in log.entries:
        book.take(entry)
    assert book.roots[project.run, 2] == ended.body.match_record_root  # type: ignore[attr-defined]
    assert book.roots[project.run, 1] != book.roots[project.run, 2]


def test_pages_that_do_not_fit_or_end_are_refused() -> None:
    class Stuck(Pages):
        def match_record(self, run: str, first: int, release: int = 1) -> MatchRecordPage | None:
            page = super().match_record(run, 1)
            return None if page is None else page.model_copy(update={"rows": (), "next": 1})

    class Skipping(Pages):
        def match_record(self, run: str, first: int, release: int = 1) -> MatchRecordPage | None:
            page = super().match_record(run, first)
            return None if page is None else page.model_copy(update={"next": first + 9})

    for broker in (Stuck(), Skipping()):
        with pytest.raises(MalformedError):
            fetch_record(broker, MADE.run, io.BytesIO())
    with pytest.raises(NotAuthorisedError):
        fetch_record(Pages(), "run-" + "0" * 32, io.BytesIO())


def test_the_record_of_what_reviewers_accepted_is_shown_in_words(tmp_path: Path) -> None:
    accepted = MADE.record.replace(b'"rule":"match-probability"', b'"rule":"reviewed"')
    (tmp_path / "run.record").write_bytes(accepted)
    result = run(tmp_path / "run.record", "--rule", "reviewed", "--html", tmp_path / "run.html")
    assert result.exit_code == 0, result.exception
    assert "auto                40  reviewed: reviewers accepted it" in result.stdout
    assert "reviewers accepted it" in (tmp_path / "run.html").read_text("utf-8")


def test_every_rule_has_words() -> None:
    assert RULES.keys() == set(get_args(DecisionRule))
