"""The two agencies' rehearsal files and the truth about them."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from anyascii import anyascii
from samples.refusals import raises
from vectors.recipe import SPEC

from encoding.errors import RehearsalError
from encoding.profiles.catalog import shipped_profile
from encoding.recipe import Recipe
from encoding.synth import (
    CHILD_WELFARE_LAYOUT,
    ERROR_LEVELS,
    K12_LAYOUT,
    SIZES,
    Layout,
    RehearsalFiles,
    write_rehearsal,
)
from encoding.synth.zips import load_zip_table

Rows = Sequence[Mapping[str, str]]


def digest(files: RehearsalFiles) -> str:
    paths = (files.child_welfare, files.k12, files.truth, files.look_alikes)
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def small(folder: Path, **change: object) -> RehearsalFiles:
    arguments: dict[str, object] = {"seed": 7, "n_children": 60, "n_students": 300, **change}
    return write_rehearsal(folder, **arguments)  # type: ignore[arg-type]


def test_same_seed_writes_the_same_bytes_on_every_platform(tmp_path: Path) -> None:
    # A change of the people or of their mistakes changes this digest on purpose, a platform must not.
    assert digest(small(tmp_path)) == (
        "a679a60d056739170485097e33aed8631e499ff150ba6b394246cc31b3b896e8"
    )


def test_another_seed_writes_other_people(tmp_path: Path) -> None:
    assert digest(small(tmp_path / "a")) != digest(small(tmp_path / "b", seed=8))


def test_exactly_the_overlap_is_in_both_files(tmp_path: Path) -> None:
    sizes: tuple[dict[str, object], ...] = (
        *({"overlap": overlap} for overlap in (0.0, 0.05, 0.6, 1.0)),
        {"n_students": 60, "overlap": 1.0},
    )
    for at, size in enumerate(sizes):
        files = small(tmp_path / str(at), **size)
        with files.truth.open(encoding="utf-8", newline="") as file:
            pairs = [(row["client_id"], row["state_student_id"]) for row in csv.DictReader(file)]
        assert people(pairs) == round(60 * float(str(size["overlap"]))), size


def people(pairs: Sequence[tuple[str, str]]) -> int:
    person: dict[str, str] = {}
    for left, right in pairs:
        owner = person.get(left) or person.get(right) or left
        person[left] = person[right] = owner
    return len(set(person.values()))


def test_impossible_rehearsal_is_refused(tmp_path: Path) -> None:
    for change in (
        {"error_level": "none"},
        {"overlap": 1.5},
        {"n_children": 0},
        {"n_children": 301},
    ):
        with raises(RehearsalError):
            small(tmp_path / "none", **change)
        assert not (tmp_path / "none").exists()


def test_true_pairs_are_in_both_files_and_hardly_any_is_below_school_age(
    truth: Rows, clients: Rows, students: Rows
) -> None:
    paired = {row["client_id"] for row in truth}
    assert paired <= {row["client_id"] for row in clients}
    in_school = {row["state_student_id"] for row in students}
    assert {row["state_student_id"] for row in truth} <= in_school
    young = [row for row in clients if row["birth_date"].rpartition("/")[2] >= "2022"]
    assert len(young) > 300
    assert sum(row["client_id"] in paired for row in young) < 0.03 * len(young)


def test_child_welfare_file_is_a_windows_export_and_the_schools_utf8_with_iso_dates(
    files: RehearsalFiles, clients: Rows, students: Rows
) -> None:
    raw = files.child_welfare.read_bytes()
    assert raw.count(b"\r\n") == raw.count(b"\n") == len(clients) + 1
    assert "é".encode("cp1252") in raw
    assert all(re.fullmatch(r"[1-9]\d?/[1-9]\d?/\d{4}", row["birth_date"]) for row in clients)
    assert b"\r" not in files.k12.read_bytes()
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", row["birthdate"]) for row in students)


def test_some_have_several_rows_or_stand_in_a_file_twice_and_namesakes_are_as_in_a_state(
    clients: Rows, truth: Rows, students: Rows
) -> None:
    enrolments = Counter(row["state_student_id"] for row in students)
    assert 0.1 < sum(n > 1 for n in enrolments.values()) / len(enrolments) < 0.35
    assert 1.01 < len(clients) / 3_000 < 1.03
    repeated = Counter(row["state_student_id"] for row in truth)
    assert sum(n > 1 for n in repeated.values()) > 10
    names = Counter((row["first_name"].upper(), row["last_surname"].upper()) for row in students)
    assert sum(n > 1 for n in names.values()) > 50
    assert len({row["last_surname"].upper() for row in students}) > 2_000


def test_siblings_and_twins_stand_across_the_files(look_alikes: Rows, truth: Rows) -> None:
    relations = Counter(row["relation"] for row in look_alikes)
    assert relations["sibling"] > relations["twin"] > 50
    true_pairs = {(row["client_id"], row["state_student_id"]) for row in truth}
    assert not true_pairs & {(row["client_id"], row["state_student_id"]) for row in look_alikes}


def test_discrepancies_are_as_frequent_as_in_the_literature_and_come_together(truth: Rows) -> None:
    found = [row["discrepancies"] for row in truth]

    def share(kind: str, among: Sequence[str] = found) -> float:
        return sum(f" {kind}" in f" {one}" for one in among) / len(among)

    for kind, low, high in (
        *(("last-", 0.10, 0.20), ("first-", 0.06, 0.14), ("birth-", 0.012, 0.04)),
        *(("sex", 0.002, 0.014), ("zip-missing", 0.02, 0.07)),
    ):
        assert low < share(kind) < high, kind
    # About three quarters are clean.
    untouched = sum(not one.replace("middle-differs", "").strip() for one in found)
    assert 0.7 < untouched / len(found) < 0.8
    assert share("first-", [one for one in found if "last-" in one]) > 1.5 * share("first-")
    assert share("last-", [one for one in found if "zip-missing" in one]) > 1.3 * share("last-")


def test_error_levels_are_ordered() -> None:
    rates = [ERROR_LEVELS[level] for level in ("low", "mid", "high")]
    for name in rates[0].__dataclass_fields__:
        low, mid, high = (getattr(rate, name) for rate in rates)
        assert low < mid < high


def test_no_social_security_number_could_be_real(clients: Rows) -> None:
    held = [row["ssn"] for row in clients if row["ssn"]]
    assert all(ssn.startswith("9") for ssn in held)
    assert 0.6 < len(held) / len(clients) < 0.8


@pytest.mark.parametrize("layout", [CHILD_WELFARE_LAYOUT, K12_LAYOUT])
@pytest.mark.parametrize("spec", [SPEC, shipped_profile("children").recipe])
def test_every_row_can_be_encoded(
    layout: Layout, spec: dict[str, Any], clients: Rows, students: Rows
) -> None:
    rows = clients if layout is CHILD_WELFARE_LAYOUT else students
    columns = {name: [row[header] for row in rows] for name, header in layout.inputs.items()}
    recipe = Recipe.load(spec)
    assert recipe.derive(columns, date_format=layout.date_format).problems == ()


def test_child_in_care_is_placed_at_home_nearby_or_elsewhere(
    truth: Rows, clients: Rows, students: Rows
) -> None:
    placed = {row["client_id"]: row["placement_zip"] for row in clients}
    at_school = {row["state_student_id"]: row["zip"] for row in students}
    pairs = [(placed[row["client_id"]], at_school[row["state_student_id"]]) for row in truth]
    known = [pair for pair in pairs if not {"", "99999"} & set(pair)]
    same = sum(one == other for one, other in known) / len(known)
    same_area = sum(one[:3] == other[:3] for one, other in known) / len(known)
    assert 0.46 < same < 0.54
    assert 0.81 < same_area < 0.89


def test_siblings_have_one_home_and_county_goes_with_it(clients: Rows) -> None:
    homes: dict[str, set[tuple[str, str]]] = {}
    for row in clients:
        homes.setdefault(row["case_id"], set()).add((row["removal_zip"], row["county"]))
    assert {len(home) for home in homes.values()} == {1}
    areas: dict[str, set[str]] = {}
    for row in clients:
        areas.setdefault(row["county"], set()).add(row["removal_zip"][:3])
    assert {len(area) for area in areas.values()} == {1}


def test_rows_of_one_student_id_are_spellings_of_one_record(students: Rows) -> None:
    records: dict[str, list[Mapping[str, str]]] = {}
    for row in students:
        records.setdefault(row["state_student_id"], []).append(row)
    several = [rows for rows in records.values() if len(rows) > 1]
    for name in ("birthdate", "sex", "zip", "race_ethnicity", "birth_state", "guardian_name"):
        assert all(len({row[name] for row in rows}) == 1 for rows in several)
    names = ("first_name", "last_surname")
    not_letters = re.compile("[^a-z]")
    spelled = [
        {tuple(not_letters.sub("", plain(row[name])) for name in names) for row in rows}
        for rows in several
    ]
    assert 0.01 < sum(len(spellings) > 1 for spellings in spelled) / len(several) < 0.12


def plain(text: str) -> str:
    return str(anyascii(text)).lower()


def test_zip_code_tells_as_much_as_in_a_state(students: Rows) -> None:
    codes = Counter(row["zip"] for row in students if row["zip"] not in ("", "99999"))
    n_rows = sum(codes.values())
    assert 0.003 < sum((n / n_rows) ** 2 for n in codes.values()) < 0.01
    assert len(codes) > 400


def test_zip_codes_are_unequal_and_of_an_invented_state() -> None:
    table = load_zip_table()
    assert len(table.codes) == len(set(table.codes)) == 600
    assert {code[:3] for code in table.codes} == {
        "001", "002", "003", "004", "694", "695", "696", "697", "698", "699", "867", "868",
    }  # fmt: skip
    assert set(table.county_of.values()) == set(range(len(table.counties)))
    rng = Random(1)
    drawn = Counter(table.draw(rng) for _ in range(20_000))
    assert sum(n for _, n in drawn.most_common(60)) > 0.3 * 20_000


def test_another_zip_code_is_near_or_far() -> None:
    table, rng = load_zip_table(), Random(1)
    for home in ("00101", "86801"):
        near = {table.draw_near(rng, home) for _ in range(50)}
        assert home not in near
        assert {code[:3] for code in near} == {home[:3]}
        assert home[:3] not in {table.draw_far(rng, home)[:3] for _ in range(50)}


def test_sizes_are_those_of_agencies() -> None:
    assert list(SIZES) == ["district", "small-state", "mid-state", "large-state"]
    assert SIZES["large-state"].n_students == 6_000_000


def read_rows(path: Path, encoding: str) -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def test_known_numbers_change_nothing_but_the_student_ids_of_clients(tmp_path: Path) -> None:
    size = {"n_children": 1_500, "n_students": 2_000}
    plain = small(tmp_path / "plain", **size)
    numbered = small(tmp_path / "numbered", known_numbers=True, **size)
    for one in ("k12", "truth", "look_alikes"):
        assert getattr(plain, one).read_bytes() == getattr(numbered, one).read_bytes()
    before, after = (read_rows(files.child_welfare, "cp1252") for files in (plain, numbered))
    name = "state_student_id"
    assert [{**row, name: ""} for row in before] == [{**row, name: ""} for row in after]
    assert 0.77 < sum(row[name] != "" for row in after) / len(after) < 0.83
    true: dict[str, set[str]] = {}
    for row in read_rows(numbered.truth, "utf-8"):
        true.setdefault(row["client_id"], set()).add(row[name])
    students = {row[name] for row in read_rows(numbered.k12, "utf-8")}
    held = [
        (row[name], true[row["client_id"]])
        for row in after
        if row[name] and row["client_id"] in true
    ]
    wrong = [number for number, own in held if number not in own]
    assert 0.004 < len(wrong) / len(held) < 0.02
    # Some are other pupils', some are nobody's.
    assert 0 < sum(number in students for number in wrong) < len(wrong)
