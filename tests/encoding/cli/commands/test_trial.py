"""`blindlink trial`: from two files to pairs, reasons and a page, with nothing set up."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from rigs.rehearsal import read_rows
from rigs.trial import try_here

from encoding.synth import CHILD_WELFARE_LAYOUT, K12_LAYOUT, write_rehearsal
from encoding.trial.words import UNPROTECTED

WRITTEN = (
    "README.txt", "layout-a.toml", "layout-b.toml", "pairs.csv", "trial.html", "unmatched-a.csv",
    "unmatched-b.csv",
)  # fmt: skip
# What someone else's system might call the columns of the rehearsal's files.
ODD_A = {
    "client_id": "Kid #", "first_name": "Given", "middle_name": "M.I.", "last_name": "Fam. Name",
    "birth_date": "Born On", "sex": "M/F", "placement_zip": "Home Zip",
}  # fmt: skip
ODD_B = {
    "state_student_id": "Pupil No.", "first_name": "FNAME", "middle_name": "MiddleInitial",
    "last_surname": "LNAME", "birthdate": "B'day", "sex": "Gender Code", "zip": "PostalCode",
}  # fmt: skip
N_UNREADABLE = 40
HEADER = ("ID", "First", "Last", "DOB", "Sex")
PEOPLE = [
    ("K1", "Ana", "Ortiz", "3/14/2012", "F"),
    ("K2", "Bo", "Nguyen", "4/19/2011", "M"),
    ("K3", "Zoe", "Zinn", "12/31/2010", "F"),
    ("K4", "Dee", "Lee", "1/15/2015", "M"),
]
OTHERS = [("P1", *PEOPLE[0][1:]), ("P2", *PEOPLE[1][1:]), ("P3", "Gus", "Moe", "7/17/2013", "M")]


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]], **how: Any) -> Path:
    with path.open("w", encoding=how.pop("encoding", "utf-8"), newline="") as file:
        csv.writer(file, **how).writerows([header, *rows])
    return path


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A folder with two small files."""
    write(tmp_path / "a.csv", HEADER, PEOPLE)
    write(tmp_path / "b.csv", HEADER, OTHERS)
    return tmp_path


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rehearsal whose files have odd headers, delimiters, text encodings and orders of dates."""
    folder = tmp_path_factory.mktemp("odd")
    files = write_rehearsal(folder / "files", seed=7, n_children=600, n_students=3000)
    with files.child_welfare.open(encoding=CHILD_WELFARE_LAYOUT.text_encoding, newline="") as file:
        clients = list(csv.DictReader(file))
    with files.k12.open(encoding=K12_LAYOUT.text_encoding, newline="") as file:
        pupils = list(csv.DictReader(file))
    for client in clients:
        month, day, year = re.fullmatch(r"(\d*)/?(\d*)/?(\d*)", client["birth_date"]).groups()  # type: ignore[union-attr]
        client["birth_date"] = f"{day}.{month}.{year}" if year else ""
    for client in clients[:N_UNREADABLE]:
        client["birth_date"] = "31.02.2012"
    write(
        folder / "a.csv",
        [*ODD_A.values(), "Worker", "Episode"],
        [[*(one[name] for name in ODD_A), "W7", one["episode_start"]] for one in clients],
        encoding="cp1252",
        delimiter=";",
    )
    write(folder / "b.csv", list(ODD_B.values()), [[one[name] for name in ODD_B] for one in pupils])
    truth = [(one["client_id"], one["state_student_id"]) for one in read_rows(files.truth)]
    write(folder / "truth.csv", ("client", "pupil"), truth)
    return folder


@pytest.fixture(scope="module")
def tried(odd: Path) -> Result:
    """The trial of these two files."""
    return try_here(odd, "a.csv", "b.csv", "--yes", "--truth", "truth.csv", "--out", "out")


def test_files_with_odd_headers_are_linked_and_the_numbers_that_are_told_are_theirs(
    odd: Path, tried: Result
) -> None:
    assert tried.exit_code == 0, tried.stderr
    assert sorted(os.listdir(odd / "out")) == sorted(WRITTEN)
    assert "Born On    date of birth, as DD.MM.YYYY" in tried.stderr
    assert "B'day          date of birth, as YYYY-MM-DD" in tried.stderr
    pairs = read_rows(odd / "out/pairs.csv")
    linked = {(one["record_id_a"], one["record_id_b"]) for one in pairs if one["band"] == "linked"}
    truth = {(one["client"], one["pupil"]) for one in read_rows(odd / "truth.csv")}
    right = len(linked & truth)
    assert right >= max(0.98 * len(linked), 0.9 * (len(truth) - N_UNREADABLE))
    # What cannot be compared is told first, and may be in both files.
    first, *_ = tried.stdout.splitlines()
    n_clients = len(read_rows(odd / "out/unmatched-a.csv")) + len(linked)
    unread = f"{N_UNREADABLE} of {n_clients:,} records of a.csv cannot be compared"
    assert first == f"{unread}; unmatched-a.csv says why"
    assert unread in (odd / "out/trial.html").read_text("utf-8")
    ((low, high),) = re.findall(
        r"not linked: (?:([\d,]+) to|at most) ([\d,]+) people", tried.stdout
    )
    missed_true = len(truth) - right
    assert int(low or 0) <= missed_true <= int(high)
    assert f"{len(linked):,} pairs are linked" in tried.stdout
    assert f"{right:,} of {len(linked):,} links are right, of {len(truth):,} true pairs" in (
        tried.stdout
    )
    assert f"precision {right / len(linked):.2%}, recall {right / len(truth):.2%}" in tried.stdout
    missed = [int(n.replace(",", "")) for n in re.findall(r"missed ([\d,]+): ", tried.stdout)]
    assert sum(missed) == len(truth) - right


def test_pairs_are_sorted_and_every_record_is_linked_or_has_a_reason(
    odd: Path, tried: Result
) -> None:
    pairs = [one for one in read_rows(odd / "out/pairs.csv") if one["band"] == "linked"]
    for which, column, header in (("a", "Kid #", "record_id_a"), ("b", "Pupil No.", "record_id_b")):
        how = {"encoding": "cp1252", "delimiter": ";"} if which == "a" else {"encoding": "utf-8"}
        text_encoding = how.pop("encoding")
        with (odd / f"{which}.csv").open(encoding=text_encoding, newline="") as file:
            everybody = {one[column] for one in csv.DictReader(file, **how)}  # type: ignore[call-overload]
        listed = read_rows(odd / f"out/unmatched-{which}.csv")
        assert all(one["reasons"] and one["explanation"] for one in listed)
        unlinked = {one["record_id"] for one in listed}
        assert unlinked | {one[header] for one in pairs} == everybody
        assert unlinked.isdisjoint(one[header] for one in pairs)
    pairs = read_rows(odd / "out/pairs.csv")
    # One that stands behind a pair which was taken otherwise may be likely, and waits for review.
    for band, least in (("linked", 0.9), ("review", 0.05)):
        chances = [float(one["match_probability"]) for one in pairs if one["band"] == band]
        assert chances == sorted(chances, reverse=True)
        assert all(least <= chance <= 1 for chance in chances)
    weights = [float(one["match_weight"]) for one in pairs if one["band"] == "linked"]
    assert weights == sorted(weights, reverse=True)


def test_the_page_has_its_parts_and_says_that_nothing_was_protected(
    odd: Path, tried: Result
) -> None:
    page = (odd / "out/trial.html").read_text("utf-8")
    for heading in (
        "Match rate", "Against the truth", "Records without a link", "What to mend in the files first",
        "How a pair is weighed", "The same with a broker",
    ):  # fmt: skip
        assert f"<h2>{heading}</h2>" in page
    assert page.count("<svg") == 4
    assert not re.search(r"<script|https?:|url\(", page)
    for text in (page, (odd / "out/README.txt").read_text(), tried.stderr):
        assert UNPROTECTED in text
    assert UNPROTECTED in (odd / "out/layout-a.toml").read_text()
    if os.name != "nt":
        written = [odd / "out", *(odd / "out").iterdir()]
        assert {path.stat().st_mode & 0o077 for path in written} == {0}


def test_json_is_one_document_without_a_record_and_an_earlier_trial_stays_without_force(
    two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = try_here(two, "a.csv", "b.csv")
    assert (result.exit_code, "--yes" in result.stderr) == (2, True)
    (two / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(two / "tmp"))
    result = try_here(two, "a.csv", "b.csv", "--yes", "--json", "-q")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["linked"], found["review"]) == (2, 0)
    assert [one["records"] for one in found["files"]] == [4, 3]
    assert found["files"][0]["columns"]["birth_date"] == "DOB"
    assert found["truth"] is None
    assert found["written"] == [f"trial/{name}" for name in (
        "trial.html", "pairs.csv", "unmatched-a.csv", "unmatched-b.csv", "README.txt",
        "layout-a.toml", "layout-b.toml",
    )]  # fmt: skip
    assert result.stderr == f""  # noqa: F541 - quiet
    # Nothing is left in the temporary folder.
    assert os.listdir(two / "tmp") == []
    assert sorted(os.listdir(two)) == ["a.csv", "b.csv", "tmp", "trial"]
    before = (two / "trial/pairs.csv").read_bytes()
    write(two / "b.csv", HEADER, OTHERS[:1])
    again = try_here(two, "a.csv", "b.csv", "--yes")
    assert (again.exit_code, "is there already" in again.stderr) == (1, True)
    assert (two / "trial/pairs.csv").read_bytes() == before
    assert try_here(two, "a.csv", "b.csv", "--yes", "--force").exit_code == 0
    assert (two / "trial/pairs.csv").read_bytes() != before


CANARIES = (
    "Canaryfirst",
    "Canarylast",
    "Canarymiddle",
    "27599",
    "7/17/2013",
    "CANARYCASE",
    "Canaryother",
)
RECORD_IDS = ("CANARYIDA", "CANARYIDB", "CANARYIDC")


def test_no_cell_is_written_or_printed_but_record_ids_in_the_lists(tmp_path: Path) -> None:
    header = (*HEADER, "Middle", "Zip", "Case ID", "Maiden Name")
    more = ("Canarymiddle", "27599", "CANARYCASE", "Canaryother")
    one = ("Canaryfirst", "Canarylast", "7/17/2013", "F", *more)
    unread = ("CANARYIDC", "Canaryfirst", "Canarylast", "CANARYDATE", "CANARYSEX", *more)
    plain = [(*person, "", "", "", "") for person in PEOPLE]
    write(tmp_path / "a.csv", header, [*plain, ("CANARYIDA", *one), unread])
    write(tmp_path / "b.csv", header, [*plain, ("CANARYIDB", *one)])
    write(tmp_path / "truth.csv", ("a", "b"), [("CANARYIDA", "CANARYIDB"), ("CANARYIDC", "K1")])
    write(tmp_path / "bad.csv", ("a", "b"), [("CANARYIDX", "CANARYIDB")])
    done = [
        try_here(tmp_path, "a.csv", "b.csv", "--yes", "--truth", "truth.csv"),
        try_here(tmp_path, "a.csv", "b.csv", "--yes", "--json", "--force"),
        try_here(tmp_path, "a.csv", "b.csv", "--yes", "--truth", "bad.csv", "--force"),
    ]
    assert [one.exit_code for one in done] == [0, 0, 3]
    said = "".join(one.output + one.stderr for one in done)
    files = {path.name: path.read_text("utf-8") for path in (tmp_path / "trial").iterdir()}
    assert len(files) == len(WRITTEN)
    for cell in (*CANARIES, "CANARYDATE", "CANARYSEX"):
        for name, text in [*files.items(), ("said", said)]:
            assert cell.lower() not in text.lower(), (cell, name)
    lists = {name for name, text in files.items() if any(one in text for one in RECORD_IDS)}
    assert lists == {"pairs.csv", "unmatched-a.csv"}
    assert not any(one in said for one in (*RECORD_IDS, "CANARYIDX"))
    assert "CANARYIDA,CANARYIDB,0.99" in files["pairs.csv"]
    (listed,) = (
        one
        for one in read_rows(tmp_path / "trial/unmatched-a.csv")
        if one["record_id"] == "CANARYIDC"
    )
    assert listed["reasons"] == "unreadable-birth-date unreadable-sex"


def pairs_of(folder: Path) -> set[tuple[str, str]]:
    return {
        (one["record_id_a"], one["record_id_b"]) for one in read_rows(folder / "trial/pairs.csv")
    }


def test_files_are_linked_whatever_they_have_and_lack(two: Path) -> None:
    def linked(*words: str, a: str = "a.csv", b: str = "b.csv") -> Result:
        done = try_here(two, a, b, "--yes", "--force", *words)
        assert done.exit_code == 0, done.stderr
        return done

    write(two / "truth.csv", ("a", "b"), [("K1", "P1"), ("K2", "P2")], delimiter=";")
    said = linked("--truth", "truth.csv").stdout
    assert "precision 100.00%, recall 100.00%, F1 100.00%" in said
    # Whichever file is larger, pairs name the first one first.
    linked(a="b.csv", b="a.csv")
    assert pairs_of(two) == {("P1", "K1"), ("P2", "K2")}
    write(two / "turned.csv", ("b", "a"), [("P1", "K1")])
    refused = try_here(two, "a.csv", "b.csv", "--yes", "--force", "--truth", "turned.csv")
    assert "are in the opposite order" in refused.stderr
    # A record ID that a spreadsheet would compute is made inert.
    write(two / "b.csv", HEADER, [("=1+A1", *OTHERS[0][1:]), *OTHERS[1:]])
    linked()
    assert "K1,'=1+A1," in (two / "trial/pairs.csv").read_text("utf-8")
    write(two / "b.csv", HEADER, OTHERS[2:])
    said = linked().stdout
    assert "0 pairs are linked, and 0 more are for a person to decide." in said
    assert "of two different people: 0 of the links" in said
    assert pairs_of(two) == set()
    assert len(read_rows(two / "trial/unmatched-a.csv")) == len(PEOPLE)
    write(two / "b.csv", HEADER, OTHERS)
    # Rows with one record ID are one record.
    twice = [*PEOPLE, ("K1", "Ana", "Castro", "3/14/2012", "F"), ("", *PEOPLE[0][1:])]
    write(two / "a.csv", HEADER, twice)
    found = json.loads(linked("--json").stdout)["files"][0]
    assert (found["rows"], found["records"], found["rows_without_record_id"]) == (6, 4, 1)
    page = (two / "trial/trial.html").read_text("utf-8")
    assert "taken for spellings of one person: 1" in page
    # Without record IDs they are the numbers of rows.
    write(two / "a.csv", HEADER[1:], [one[1:] for one in PEOPLE])
    assert "a record ID is the number of its row" in linked().stderr
    assert pairs_of(two) == {("1", "P1"), ("2", "P2")}
    write(two / "a.csv", HEADER[:4], [one[:4] for one in PEOPLE])
    done = linked("--json")
    assert "the sex is not in both files" in done.stderr
    found = json.loads(done.stdout)
    assert (found["profile"], found["linked"]) == ("children-no-sex", 2)
    # Adults need the profile for them.
    for name, rows in (("a.csv", PEOPLE), ("b.csv", OTHERS)):
        write(two / name, HEADER, [(*one[:3], f"{one[3][:-4]}1971", one[4]) for one in rows])
    refused = try_here(two, "a.csv", "b.csv", "--yes", "--force")
    assert (refused.exit_code, "outside 1995 to" in refused.stderr) == (3, True)
    assert "hint: for people of any age: --profile generic-person\n" in refused.stderr
    linked("--profile", "generic-person")
    assert len(pairs_of(two)) == 2


def test_workbooks_and_dates_in_them_are_read_and_too_many_rows_refused(
    two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append((*HEADER, "sum"))
    for row, (*person, born, sex) in enumerate(OTHERS, start=2):
        month, day, year = map(int, born.split("/"))
        book.active.append((*person, date(year, month, day), sex, f"=A{row}"))
    book.save(two / "b.xlsx")
    result = try_here(two, "a.csv", "b.xlsx", "--yes")
    assert result.exit_code == 0, result.stderr
    assert len(pairs_of(two)) == 2
    monkeypatch.setattr("encoding.trial.records.MOST_ROWS", 3)
    refused = try_here(two, "a.csv", "b.csv", "--yes", "--force")
    assert (refused.exit_code, "a.csv has more than 3 rows" in refused.stderr) == (3, True)


def test_a_wrong_or_incomplete_guess_is_put_right_by_a_layout(two: Path) -> None:
    header = ("ID", "Last", "First", "DOB", "Sex")  # first and last names the wrong way round
    write(two / "b.csv", header, OTHERS)
    assert try_here(two, "a.csv", "b.csv", "--yes").exit_code == 0
    layout, mine = two / "trial/layout-b.toml", two / "mine.toml"
    text = layout.read_text("utf-8")
    assert tomllib.loads(text)["columns"]["first_name"] == "First"
    text = text.replace('first_name = "First"', 'first_name = "Last"')
    mine.write_text(text.replace('last_name = "Last"', 'last_name = "First"'), "utf-8")
    words = ("a.csv", "b.csv", "--yes", "--layout-b", "mine.toml", "--out", "again")
    assert try_here(two, *words).exit_code == 0
    assert "layout-b.toml" not in os.listdir(two / "again")
    assert {one["record_id_a"] for one in read_rows(two / "again/pairs.csv")} == {"K1", "K2"}
    # A column may be a last name and its suffix.
    write(two / "b.csv", HEADER, [*OTHERS, ("P4", "", "", "7/17/2013", "M")])
    assert try_here(two, "a.csv", "b.csv", "--yes", "--force").exit_code == 0
    text = layout.read_text("utf-8")
    mine.write_text(text.replace('last_name = "Last"', 'last_name = "Last"\nsuffix = "Last"'))
    result = try_here(two, *words, "--force")
    assert result.exit_code == 0, result.stderr
    (nameless,) = (o for o in read_rows(two / "again/unmatched-b.csv") if o["record_id"] == "P4")
    assert nameless["reasons"] == "no-name"
    # An incomplete guess leaves a layout to edit.
    write(two / "b.csv", ("ID", "First", "Nom de plume", "DOB", "Sex"), OTHERS)
    result = try_here(two, "a.csv", "b.csv", "--yes", "--out", "third")
    assert result.exit_code == 3
    assert os.listdir(two / "third") == ["layout-b.toml"]
    assert "then: blindlink trial a.csv b.csv --layout-b" in result.stderr
    layout, named = two / "third/layout-b.toml", 'last_name = "Nom de plume"'
    text = layout.read_text("utf-8").replace('# last_name = "Last Name"', named)
    layout.write_text(text, "utf-8")
    done = try_here(two, *words[:3], "--layout-b", str(layout), "--out", "third")
    assert done.exit_code == 0, done.stderr
    assert layout.read_text("utf-8") == text


REFUSED = (
    ("a.csv a.csv", "trial-files", 3, "are the same file"),
    ("a.csv copy.csv", "trial-files", 3, "are the same file"),
    ("a.csv nothere.csv", "file-missing", 3, "there is no file"),
    ("a.csv empty.csv", "file-empty", 3, "is empty"),
    ("a.csv head.csv", "file-empty", 3, "no rows"),
    ("a.csv one.csv", "too-few-columns", 3, "only one column"),
    ("a.csv ragged.csv", "ragged-row", 3, "ragged.csv: row 2 has 6 cells"),
    ("a.csv noids.csv", "guess", 3, "years of birth alone"),
    ("a.csv b.xlsx", "file-kind", 3, "not a workbook"),
    ("a.csv b.csv --truth turned.csv", "truth", 3, "2 record IDs that a.csv does not"),
    ("a.csv b.csv --truth one.csv", "truth", 3, "needs two columns"),
    ("a.csv b.csv --truth nothere.csv", "file-missing", 3, "there is no file"),
    ("a.csv b.csv --layout-a nothere.toml", "config", 2, "there is no file"),
    ("a.csv b.csv --out a.csv/x", "output-blocked", 1, "cannot be made"),
)


def test_what_cannot_be_linked_is_refused_in_one_sentence(two: Path) -> None:
    write(two / "copy.csv", HEADER, PEOPLE)
    (two / "empty.csv").write_text("")
    write(two / "head.csv", HEADER, [])
    write(two / "one.csv", ("name",), [("Ana",)])
    write(two / "ragged.csv", HEADER, [PEOPLE[0], (*PEOPLE[1], "x")])
    write(two / "noids.csv", HEADER, [(*one[:3], "2011", one[4]) for one in PEOPLE])
    (two / "b.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    write(two / "turned.csv", ("b", "a"), [("P1", "K1"), ("P2", "K2")])
    before = set(os.listdir(two))
    for words, code, status, said in REFUSED:
        result = try_here(two, *words.split(), "--yes", "--json")
        assert result.exit_code == status, (words, result.output)
        assert json.loads(result.stdout)["error"]["code"] == code, words
        assert said in result.stderr, words
        assert set(os.listdir(two)) == before, words


@pytest.mark.needs("process")
def test_at_a_terminal_the_guess_is_asked_about(two: Path) -> None:
    pytest.importorskip("fcntl", reason="a terminal is a POSIX thing")
    from rigs.terminal import Terminal

    terminal = Terminal(two, {"Is this right": "n"})
    shown = terminal.type(f"{sys.executable} -W ignore -c '{SCRIPT}' a.csv b.csv").end(1)
    assert "DOB    date of birth, as MM/DD/YYYY     100.0%" in shown
    assert "correct trial/layout-a.toml and trial/layout-b.toml, then:" in shown
    assert sorted(os.listdir(two / "trial")) == ["layout-a.toml", "layout-b.toml"]
    terminal.answers = {"Is this right": ""}
    layouts = "--layout-a trial/layout-a.toml"
    shown = terminal.type(
        f"{sys.executable} -W ignore -c '{SCRIPT}' a.csv b.csv --out o {layouts}"
    ).end()
    assert "2 pairs are linked" in shown


SCRIPT = 'import sys; from blindlink.programs import agency; sys.argv[1:1] = ["trial"]; agency()'


def test_a_process_of_its_own_ends_with_the_right_code(two: Path) -> None:
    for words, status in ((["a.csv", "b.csv", "--yes"], 0), (["a.csv", "a.csv", "--yes"], 3)):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", SCRIPT, *words],
            cwd=two,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr
        assert ("hint: " in done.stderr) == bool(status)
