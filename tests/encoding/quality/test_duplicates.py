"""People who are in a file twice, and twins, who are not."""

from __future__ import annotations

import csv
import stat
from collections import defaultdict
from datetime import date
from itertools import combinations
from pathlib import Path

import pytest

from encoding.profiles.catalog import load_preset, shipped_profile
from encoding.quality import Ask, count_file
from encoding.quality.duplicates import write_duplicates
from encoding.quality.key_sample import KeySampler
from encoding.quality.tally import Counted
from encoding.records.agency_file import AgencyFile
from encoding.synth import RehearsalFiles, write_rehearsal

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
