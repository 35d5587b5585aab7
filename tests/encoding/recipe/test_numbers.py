"""Known numbers in normal form, and those that several records hold."""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twins.recipe import known_number

from encoding.recipe.numbers import is_number_placeholder, read_number
from encoding.recipe.shared_numbers import SharedNumbers, hashes, without_shared
from schemas.linkage.fields import NUMBER_KINDS, NumberKind


def test_one_student_id_written_in_many_ways_is_one() -> None:
    for cell in (
        *("0072345678", "72345678", "'0072345678", "72-345 678", " 72345678 ", "72345678.0"),
        *("７２３４５６７８", "7234/5678"),
    ):
        assert read_number(cell, "student-id") == "72345678", cell
    others: tuple[tuple[str, NumberKind, str], ...] = (
        ("ca-0012345x", "case-number", "CA0012345X"),
        ("000A0017", "student-id", "A0017"),
        ("A00172", "student-id", "A00172"),
        ("12E45678", "student-id", "12E45678"),
        ("219-12-3456", "ssn", "219123456"),
        ("19123456", "ssn", "019123456"),
        ("1917345", "ssn", "001917345"),
    )
    for cell, kind, number in others:
        assert read_number(cell, kind) == number, cell


def test_made_up_digits_are_placeholders_of_every_kind_and_what_is_no_number_is_nothing() -> None:
    made_up = (
        *("000000000", "111111111", "999999999", "99999", "123456789", "0123456789", "1234567890"),
        *("987654321", "123-45-6789", "0000012345"),
    )
    nothing = (
        *("", "-", "UNKNOWN", "Ñ7234567", "1.23457E+09", "7234", "see the file of 7 May 2021"),
    )
    for cells, is_made_up in ((made_up, True), (nothing, False)):
        for cell in cells:
            assert {read_number(cell, kind) for kind in NUMBER_KINDS} == {""}, cell
            assert is_number_placeholder(cell) is is_made_up, cell


def test_what_was_never_issued_is_no_social_security_number() -> None:
    for cell in (
        *("000-12-3456", "666-12-3456", "900-12-3456", "912-71-3456", "219-00-3456", "219-12-0000"),
        *("078-05-1120", "219-09-9999", "2191234567", "219-12-345A", "SSN 219-12-3456", "191234"),
    ):
        assert read_number(cell, "ssn") == "", cell


@given(st.text(alphabet="0123456789-A ", max_size=24), st.sampled_from(NUMBER_KINDS))
def test_a_number_in_normal_form_stays_as_it_is_with_or_without_its_zeros(
    cell: str, kind: NumberKind
) -> None:
    number = read_number(cell, kind)
    assert read_number(number, kind) == number
    assert re.fullmatch("([1-9A][0-9A]{4,19})?" if kind != "ssn" else "([0-9]{9})?", number)
    if number:
        assert read_number(f"00{number}" if kind != "ssn" else number.lstrip("0"), kind) == number


CELLS = st.one_of(
    st.text(alphabet="0123456789-.+E A\u00d1\uff17", max_size=14),
    st.from_regex(r"[0-9]{3}-?[0-9]{2}-?[0-9]{4}", fullmatch=True),
    st.from_regex(r"0{0,2}[0-9]{5,9}(\.0{1,2})?", fullmatch=True),
    st.sampled_from(["078-05-1120", "219099999", "666-12-3456", "1.2E+09", "12E+9", "12E-9"]),
)


@given(CELLS, st.sampled_from(NUMBER_KINDS))
def test_a_number_is_the_slow_twins(cell: str, kind: NumberKind) -> None:
    assert read_number(cell, kind) == known_number(cell, kind)


HELD = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["", "a1", "b2", "c3"])), max_size=12)


@given(HELD)
def test_numbers_of_several_records_are_blanked_for_all_of_them(
    held: list[tuple[int, str]],
) -> None:
    holders: dict[str, set[int]] = defaultdict(set)
    for record, number in held:
        if number:
            holders[number].add(record)
    shared = {number for number, records in holders.items() if len(records) > 1}
    records = np.array([record for record, _ in held], dtype=np.int64)
    numbers = [number for _, number in held]
    found = SharedNumbers.among(hashes(numbers), records)
    assert len(found) == len(shared)
    assert found.n_records == len(set().union(*(holders[one] for one in shared)))
    assert found.n_holders == len(set().union(*holders.values()))
    kept = without_shared({"number": numbers, "sex": numbers}, records)
    assert kept["number"] == ["" if one in shared else one for one in numbers]
    assert kept["sex"] == numbers
