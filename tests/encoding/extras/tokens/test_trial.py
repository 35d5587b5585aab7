"""`blindlink trial` on two files of exact tokens, as OpenLinkToken writes them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import Result
from rigs.rehearsal import read_rows
from rigs.trial import try_here
from samples.openlinktoken import Person, rehearsed, token, token_rows, write_rows, write_tokens

from encoding.extras.tokens.trial import KEYLESS, LIMITS
from encoding.synth import write_rehearsal
from encoding.trial.words import UNPROTECTED

WRITTEN = ("README.txt", "pairs.csv", "trial.html", "unmatched-a.csv", "unmatched-b.csv")
ANA = {"first": "Ana", "last": "Ortiz", "born": "2012-03-14", "sex": "F", "zip": "27601"}
BO = {"first": "Bo", "last": "Nguyen", "born": "2011-04-19", "sex": "M", "zip": "27601"}
ZOE = {"first": "Zoe", "last": "Zinn", "born": "2010-12-31", "sex": "F", "zip": "28801"}


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A folder with two small files of tokens; of the third person one has nothing."""
    write_tokens(tmp_path / "a.csv", [("K1", ANA), ("K2", BO), ("K3", {})])
    write_tokens(tmp_path / "b.csv", [("P1", ANA), ("P2", BO), ("P3", ZOE)])
    return tmp_path


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tokens of two rehearsed files, and the truth."""
    folder = tmp_path_factory.mktemp("tokens")
    files = write_rehearsal(folder / "files", seed=7, n_children=400, n_students=2400)
    sides: Sequence[list[tuple[str, Person]]] = rehearsed(files)
    for name, people in zip(("a.csv", "b.csv"), sides, strict=True):
        write_tokens(folder / name, people)
    truth = [(one["client_id"], one["state_student_id"]) for one in read_rows(files.truth)]
    write_rows(folder / "truth.csv", truth, ("client", "pupil"))
    return folder


@pytest.fixture(scope="module")
def tried(rehearsal: Path) -> Result:
    """The trial of these two files."""
    return try_here(rehearsal, "a.csv", "b.csv", "--yes", "--truth", "truth.csv", "--out", "out")


def test_tokens_are_told_and_linked_and_every_record_is_linked_or_has_a_reason(
    rehearsal: Path, tried: Result
) -> None:
    assert tried.exit_code == 0, tried.stderr
    assert sorted(os.listdir(rehearsal / "out")) == sorted(WRITTEN)
    assert "a.csv: tokens of OpenLinkToken for " in tried.stderr
    pairs = read_rows(rehearsal / "out/pairs.csv")
    linked = {(one["record_id_a"], one["record_id_b"]) for one in pairs if one["band"] == "linked"}
    truth = {(one["client"], one["pupil"]) for one in read_rows(rehearsal / "truth.csv")}
    right = len(linked & truth)
    assert right >= 0.98 * len(linked)
    assert right >= 0.7 * len(truth)
    assert f"precision {right / len(linked):.2%}, recall {right / len(truth):.2%}" in tried.stdout
    (most_missed,) = re.findall(r"not linked: at most ([\d,]+) people", tried.stdout)
    assert int(most_missed) >= len(truth) - right
    missed = [int(n) for n in re.findall(r"missed (\d+): ", tried.stdout)]
    assert sum(missed) == len(truth) - right
    for which in ("a", "b"):
        everybody = {one["RecordId"] for one in read_rows(rehearsal / f"{which}.csv")}
        listed = read_rows(rehearsal / f"out/unmatched-{which}.csv")
        assert all(one["reasons"] and one["explanation"] for one in listed)
        own = {pair["ab".index(which)] for pair in linked}
        assert {one["record_id"] for one in listed} == everybody - own


def test_the_page_says_what_tokens_cannot_do_and_names_nobody(
    rehearsal: Path, tried: Result
) -> None:
    page = (rehearsal / "out/trial.html").read_text("utf-8")
    for heading in (
        "Match rate", "Against the truth", "Records without a link", "How a pair is weighed",
        "What tokens cannot do", "The same with a broker",
    ):  # fmt: skip
        assert f"<h2>{heading}</h2>" in page
    assert all(one in page for one in LIMITS)
    assert not re.search(r"<script|https?:|url\(", page)
    readme = (rehearsal / "out/README.txt").read_text()
    for text in (page, readme, tried.stderr):
        assert UNPROTECTED in text
    assert "layout" not in readme
    told = [page, readme, tried.output, tried.stderr]
    listed = [(rehearsal / f"out/{name}").read_text("utf-8") for name in WRITTEN]
    for one in read_rows(rehearsal / "a.csv"):
        assert not any(one["RecordId"] in text for text in told)
        assert not any(one["Token"] in text for text in (*told, *listed))


def test_what_two_records_agree_on_decides_and_nothing_is_no_match(two: Path) -> None:
    result = try_here(two, "a.csv", "b.csv", "--yes", "--json", "-q")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["linked"], found["review"]) == (2, 0)
    assert found["rules"] == ["T1", "T2", "T3", "T4", "T5"]
    assert found["files"][0]["rules"]["T4"] == 0
    pairs = {(one["record_id_a"], one["record_id_b"]) for one in read_rows(two / "trial/pairs.csv")}
    assert pairs == {("K1", "P1"), ("K2", "P2")}
    (nothing,) = read_rows(two / "trial/unmatched-a.csv")
    assert (nothing["record_id"], nothing["reasons"]) == ("K3", "no-key")
    assert nothing["compared_by"] == "0 of 5 passes"


def test_equal_records_are_told_and_links_that_nothing_makes_sure(two: Path) -> None:
    write_tokens(two / "b.csv", [("P1", ANA), ("P2", BO), ("P3", ZOE), ("P4", ZOE)])
    found = json.loads(try_here(two, "a.csv", "b.csv", "--yes", "--json").stdout)
    assert [one["repeated_records"] for one in found["files"]] == [0, 1]
    assert found["likely_wrong"] is None
    assert found["likely_missed"] == [0, 3]
    done = try_here(two, "a.csv", "b.csv", "--yes", "--force")
    for text in (done.stdout, (two / "trial/trial.html").read_text("utf-8")):
        assert "Records of b.csv with the same tokens as another one: 1, " in text
        assert "How many links are wrong is not known. b.csv has too few records" in text


def test_whichever_file_is_larger_pairs_name_the_first_one_first(two: Path) -> None:
    write_tokens(two / "a.csv", [("K2", BO)])
    for first, second, expected in (("a", "b", ("K2", "P2")), ("b", "a", ("P2", "K2"))):
        done = try_here(two, f"{first}.csv", f"{second}.csv", "--yes", "--force")
        assert done.exit_code == 0, done.stderr
        (pair,) = read_rows(two / "trial/pairs.csv")
        assert (pair["record_id_a"], pair["record_id_b"]) == expected


def test_a_rule_of_one_file_is_left_out_and_tokens_without_a_secret_are_warned_of(
    two: Path,
) -> None:
    rows = [row for row in token_rows([("P1", ANA), ("P2", BO)]) if row[0] != "T2"]
    write_rows(two / "b.csv", rows)
    result = try_here(two, "a.csv", "b.csv", "--yes")
    assert result.exit_code == 0
    assert "not compared, since only one file has it: T2" in result.stderr
    assert len(read_rows(two / "trial/pairs.csv")) == 2
    for name in ("a.csv", "b.csv"):
        write_rows(two / name, [("T3", "8d0f" * 16, name), ("T1", "70c1" * 16, name)])
    result = try_here(two, "a.csv", "b.csv", "--yes", "--force")
    assert result.exit_code == 0, result.stderr
    assert KEYLESS in result.stderr
    assert KEYLESS in (two / "trial/trial.html").read_text("utf-8")


def test_the_guess_is_asked_about(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert try_here(two, "a.csv", "b.csv").exit_code == 2
    monkeypatch.setattr("encoding.cli.terminal.trial_questions.is_interactive", lambda: True)
    declined = try_here(two, "a.csv", "b.csv", answers="n\n")
    assert declined.exit_code == 1
    assert "rename the columns RuleId, Token and RecordId" in declined.stderr
    assert not (two / "trial").exists()
    assert try_here(two, "a.csv", "b.csv", answers="\n").exit_code == 0


REFUSED = (
    ("a.csv people.csv", "trial-files", "a.csv holds tokens, and people.csv does not"),
    ("people.csv a.csv", "trial-files", "a.csv holds tokens, and people.csv does not"),
    ("a.csv a.csv", "trial-files", "are the same file"),
    ("a.csv nocolumn.csv", "missing-column", "nocolumn.csv looks like a file of tokens"),
    ("a.csv encrypted.csv", "tokens", "encrypted.csv holds encrypted tokens"),
    ("a.csv othersecret.csv", "tokens", "not one token of a.csv is in othersecret.csv"),
    ("a.csv otherrule.csv", "tokens", "no rule is in both"),
    ("a.csv twice.csv", "tokens", "twice.csv, row 6: an earlier row has this record's"),
    ("a.csv b.csv --truth bad.csv", "truth", "1 record IDs that a.csv does not"),
)


def test_what_cannot_be_linked_is_refused_in_one_sentence(two: Path) -> None:
    write_rows(two / "people.csv", [("1", "Ana", "Ortiz", "3/14/2012")], ("ID", "A", "B", "DOB"))
    write_rows(two / "nocolumn.csv", [("T1", token("T1", ANA))], ("RuleId", "Token"))
    write_rows(two / "encrypted.csv", [("T1", "olt.V1.eyJhbGciOiJkaXIifQ..a.b.c", "P1")])
    write_tokens(two / "othersecret.csv", [("P1", ANA)], b"another")
    write_rows(two / "otherrule.csv", [("T6", token("T1", ANA), "P1")])
    write_tokens(two / "twice.csv", [("P1", ANA), ("P1", BO)])
    write_rows(two / "bad.csv", [("K9", "P1")], ("a", "b"))
    before = set(os.listdir(two))
    for words, code, said in REFUSED:
        result = try_here(two, *words.split(), "--yes", "--json")
        assert result.exit_code == 3, (words, result.output)
        assert json.loads(result.stdout)["error"]["code"] == code, words
        assert said in result.stderr, words
        assert set(os.listdir(two)) == before, words
