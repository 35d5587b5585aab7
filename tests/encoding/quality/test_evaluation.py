"""Links measured against the truth. People who are in a file twice, and twins, who are not."""

from __future__ import annotations

import csv
import json
import stat
from collections import defaultdict
from datetime import date
from itertools import combinations
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from samples.refusals import raises

from encoding.cli.commands.evaluate import evaluate as command
from encoding.errors import MissingColumnError, TruthError
from encoding.profiles.catalog import load_preset, shipped_profile
from encoding.project.session import Session
from encoding.quality import Ask, count_file
from encoding.quality.duplicates import write_duplicates
from encoding.quality.evaluation import (
    MIN_SUBGROUP,
    Pair,
    Truth,
    evaluate,
    read_links,
    read_look_alikes,
    read_truth,
    share,
)
from encoding.quality.key_sample import KeySampler
from encoding.quality.tally import Counted
from encoding.records.agency_file import AgencyFile
from encoding.synth import RehearsalFiles, write_rehearsal

PAIRS = st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("vwxyz")), max_size=12)


def truth_of(*pairs: Pair, **columns: tuple[str, ...]) -> Truth:
    return Truth(pairs, columns)


@given(PAIRS, PAIRS)
def test_counts_are_those_of_a_walk_over_all_pairs_and_f1_is_their_harmonic_mean(
    links: list[Pair], true: list[Pair]
) -> None:
    found = evaluate(links, truth_of(*true))
    n_correct = sum((a, b) in links and (a, b) in true for a in "abcde" for b in "vwxyz")
    expected = (len(set(links)), len(set(true)), n_correct)
    assert (found.n_links, found.n_true, found.n_correct) == expected
    p, r = found.precision.value, found.recall.value
    assert found.f1.value == pytest.approx(2 * p * r / (p + r) if p + r else 0.0)


@given(st.integers(0, 500), st.integers(0, 500))
def test_interval_holds_the_share(n_yes: int, n_no: int) -> None:
    found = share(n_yes, n_yes + n_no)
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value <= found.high + 1e-12 <= 1 + 1e-12


def test_interval_is_that_of_wilson() -> None:
    # Newcombe (1998), "Two-sided confidence intervals for the single proportion", method 3, 81 of 263.
    found = share(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)


def test_nothing_linked_says_nothing_about_precision() -> None:
    found = evaluate([], truth_of(("a", "x")))
    assert (found.precision.n, found.precision.low, found.precision.high) == (0, 0.0, 1.0)
    assert found.recall.value == 0


def test_a_child_entered_twice_is_one_person() -> None:
    true = truth_of(("a", "x"), ("b", "x"), ("c", "y"))
    found = evaluate([("b", "x")], true)
    assert (found.people.value, found.people.n) == (0.5, 2)
    assert found.recall.n == 3


def test_largest_gap_is_between_groups_that_are_large_enough() -> None:
    n = MIN_SUBGROUP
    groups = ["big"] * n + ["other"] * n + ["tiny"]
    pairs = [(f"l{i}", f"r{i}") for i in range(len(groups))]
    links = pairs[:n] + pairs[n : n + n // 2]
    found = evaluate(links, Truth(tuple(pairs), {"group": tuple(groups)}), by=["group"])
    assert found.subgroups[0].largest_gap == pytest.approx(1 - (n // 2) / n)
    assert found.subgroups[0].recall["tiny"].value == 0


def test_subgroup_that_the_truth_does_not_know_is_refused() -> None:
    with raises(MissingColumnError, match="county"):
        evaluate([], truth_of(("a", "x")), by=["county"])


def test_twins_wrongly_joined_are_counted_first() -> None:
    look_alikes = {("a", "x"): "sibling", ("a", "y"): "twin", ("b", "x"): "twin"}
    found = evaluate([("a", "y"), ("c", "z")], truth_of(("c", "z")), look_alikes=look_alikes)
    assert [(w.relation, w.n_linked, w.n_pairs) for w in found.wrongly_joined] == [
        ("twin", 1, 2),
        ("sibling", 0, 1),
    ]


@pytest.fixture
def linked(tmp_path: Path) -> list[str]:
    files = {
        "left": "record_id,link_id\na,1\nb,2\nc,3\n",
        "right": "record_id,link_id\nx,1\ny,3\nz,3\n",
        "truth": "client_id,state_student_id,group\na,x,one\nb,y,two\n",
        "look-alikes": "client_id,state_student_id,relation\nc,y,twin\n",
    }
    arguments = []
    for name, text in files.items():
        path = tmp_path / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        arguments += [f"--{name}", str(path)]
    return arguments


def test_records_with_one_link_id_are_linked(linked: list[str]) -> None:
    left, right = Path(linked[1]), Path(linked[3])
    assert set(read_links(left, right)) == {("a", "x"), ("c", "y"), ("c", "z")}


def test_truth_and_look_alikes_are_read_by_position(linked: list[str]) -> None:
    truth = read_truth(Path(linked[5]))
    assert truth.pairs == (("a", "x"), ("b", "y"))
    assert truth.columns == {"group": ("one", "two")}
    assert read_look_alikes(Path(linked[7])) == {("c", "y"): "twin"}


@pytest.mark.parametrize(
    ("at", "text", "needed"), [(5, "client_id\na\n", "two"), (7, "one,other\na,x\n", "three")]
)
def test_a_file_of_too_few_columns_is_refused(
    linked: list[str], at: int, text: str, needed: str
) -> None:
    Path(linked[at]).write_text(text, encoding="utf-8")
    with raises(TruthError, match=f"needs {needed} columns"):
        CliRunner().invoke(command, linked, obj=Session(), catch_exceptions=False)


def test_command_reports_as_json_and_in_words(linked: list[str]) -> None:
    words = [*linked, "--by", "group"]
    report = json.loads(CliRunner().invoke(command, [*words, "--json"], obj=Session()).stdout)
    assert report["n_correct"] == 1
    assert report["precision"]["value"] == pytest.approx(1 / 3)
    assert report["wrongly_joined"] == [{"relation": "twin", "n_linked": 1, "n_pairs": 1}]
    said = CliRunner().invoke(command, words, obj=Session()).stdout
    assert "recall by group, largest gap" in said
    assert "wrongly joined twins: 1 of 1" in said


PRESET = load_preset("rehearsal-child-welfare")
HEADER = ("ID", "first_name", "last_name", "birth_date", "sex", "zip")


def ask_of(files: RehearsalFiles) -> Ask:
    file = AgencyFile(files.child_welfare, PRESET.id_column, encoding="cp1252")
    available = file.open().columns
    columns = {name: header for name, header in PRESET.columns.items() if header in available}
    return Ask(
        shipped_profile("children"), file, columns, PRESET.date_format, date(2025, 10, 1), True
    )


def listed_pairs(found: Counted, path: Path, least: float) -> set[tuple[str, str]]:
    with path.open(encoding="cp1252") as file:
        ids = [row["client_id"] for row in csv.DictReader(file)]
    return {
        (min(pair), max(pair))
        for one in found.duplicates
        if one.step >= least
        for pair in [(ids[one.row - 1], ids[one.other_row - 1])]
    }


def true_pairs(files: RehearsalFiles) -> set[tuple[str, str]]:
    clients = defaultdict(set)
    with files.truth.open() as file:
        for row in csv.DictReader(file):
            clients[row["state_student_id"]].add(row["client_id"])
    return {pair for own in clients.values() for pair in combinations(sorted(own), 2)}


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> RehearsalFiles:
    # All children are pupils, so that the truth names every client who was entered twice.
    return write_rehearsal(
        tmp_path_factory.mktemp("rehearsal"), seed=4, n_children=3000, n_students=4000, overlap=1.0
    )


@pytest.fixture(scope="module")
def found(rehearsal: RehearsalFiles) -> Counted:
    return count_file(ask_of(rehearsal))


def test_clients_entered_twice_are_found_and_twins_are_not(
    rehearsal: RehearsalFiles, found: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = true_pairs(rehearsal)
    sure = listed_pairs(found, rehearsal.child_welfare, 0.99)
    assert len(sure & truth) / len(sure) >= 0.95
    assert len(sure & truth) / len(truth) >= 0.8
    likely = listed_pairs(found, rehearsal.child_welfare, 0.5)
    assert len(likely & truth) / len(truth) >= 0.85
    assert found.counts.duplicates == pytest.approx(len(truth), rel=0.25)
    assert count_file(ask_of(rehearsal)) == found

    def few(profile, _):
        return KeySampler(profile, 5_000)

    # A sample of keys expects about as many.
    monkeypatch.setattr("encoding.quality.tally.KeySampler", few)
    sampled = count_file(ask_of(rehearsal)).counts
    assert sampled.blocks.one_in >= 4
    assert sampled.duplicates == pytest.approx(found.counts.duplicates, rel=0.4)


def count(path: Path, rows: list[tuple[str, ...]]) -> Counted:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    file_ = AgencyFile(path, "ID")
    return count_file(
        Ask(shipped_profile("children"), file_, {}, "YYYY-MM-DD", date(2025, 10, 1), True)
    )


FIRST = ("Ana", "Boris", "Chloe", "Dmitri", "Esther", "Frank", "Gloria", "Hugo", "Irene", "Jasper")
LAST = ("Underhill", "Vance", "Whitlock", "Xiong", "Yancey", "Zapata", "Abbott", "Beltran", "Cruz")
CROWD = [
    (
        f"c{n}",
        FIRST[n % 10],
        LAST[n % 9],
        f"{2008 + n % 7}-{n % 12 + 1:02}-{n % 28 + 1:02}",
        "F",
        "",
    )
    for n in range(84)
]
TWINS = [
    ("t1", "Maribel", "Quintanilla", "2012-03-04", "F", "69541"),
    ("t2", "Esperanza", "Quintanilla", "2012-03-04", "F", "69541"),
]
TWICE = [
    ("d1", "Maribel", "Quintanilla", "2012-03-04", "F", "69541"),
    ("d2", "Maribell", "Quintanilla", "2012-03-04", "F", "69541"),
]


def test_twins_rows_of_one_record_or_of_none_and_one_person_are_no_duplicates(
    tmp_path: Path,
) -> None:
    one_record = [(row[0].replace("d2", "d1"), *row[1:]) for row in TWICE]
    for rows in (
        *(CROWD + TWINS, CROWD + one_record, CROWD + [("", *row[1:]) for row in TWICE]),
        TWICE[:1],
    ):
        assert count(tmp_path / "people.csv", rows).duplicates == (), rows[-1]
    assert count(tmp_path / "people.csv", CROWD + one_record).counts.duplicates == 0


def test_the_list_holds_record_ids_and_names_of_fields_that_differ_alone(tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    found = count(people, CROWD + TWICE)
    (pair,) = found.duplicates
    assert (pair.row, pair.other_row, pair.differs) == (85, 86, ("first-name",))
    path = tmp_path / "duplicates.csv"
    write_duplicates(path, AgencyFile(people, "ID"), found.duplicates)
    header, row = path.read_text().splitlines()
    assert header == "record_id,other_record_id,probability,differs"
    assert row.startswith("d1,d2,at least 0.")
    assert row.endswith(",first-name")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
