"""What is explained of a record, against the slow twin of what is encoded."""

from __future__ import annotations

from dataclasses import fields
from hashlib import blake2b

from hypothesis import given, settings
from hypothesis import strategies as st
from twins import bsf1

from encoding.blocks.explanation import Explanation, explain, explanation_lines
from encoding.profiles.catalog import shipped_profile
from encoding.recipe.rows import RowCleaner
from encoding.records import Chunk
from schemas.linkage.profile import SIDES

PROFILE = shipped_profile("children")
COLUMNS = ("first_name", "last_name", "birth_date", "sex", "zip", "alias_first", "alias_last")
KEY = bytes(range(32))
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["Ana", "Bob (Rob)", ""]),
        st.sampled_from(["Ortiz", "Lee", "Lee-Ortiz", "Bobby"]),
        st.sampled_from(["2011-04-09", "2012-04-09", ""]),
        st.sampled_from(["F", ""]),
        st.sampled_from(["69541", ""]),
        st.sampled_from(["", "Anita"]),
        st.sampled_from(["", "Reyes", "Lee"]),
    ),
    min_size=1,
    max_size=3,
)
RUTH = ("Ruth", "Smith", "2011-04-09", "F", "", "", "")


CLEANER = RowCleaner(PROFILE, columns={}, available=COLUMNS, date_format="YYYY-MM-DD")


def derived(rows: list[tuple[str, ...]]) -> dict[str, list[str]]:
    cells = {name: [row[at] for row in rows] for at, name in enumerate(COLUMNS)}
    return dict(CLEANER.clean(Chunk(1, cells, 1.0)).columns)


def explained(*rows: tuple[str, ...]) -> Explanation:
    return explain(PROFILE, derived(list(rows)))


@settings(max_examples=100)
@given(ROWS)
def test_keys_and_rows_are_those_of_encoding(rows: list[tuple[str, ...]]) -> None:
    columns = derived(rows)
    spellings = [
        dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)
    ]
    found = explain(PROFILE, columns)
    further = bsf1.with_further(PROFILE.to_json(), "smaller", spellings)
    assert [dict(one.columns) for one in found.spellings] == [keyed for keyed, _ in further]
    keys = [
        (at, key.pass_name, blake2b(
            bsf1.lp(key.pass_name, str(key.occurrence), *key.parts),
            digest_size=32, key=KEY, person=b"bsf1 cell",
        ).digest())
        for at, spelling in enumerate(found.spellings)
        for key in spelling.keys
        if key.parts
    ]  # fmt: skip
    for side in SIDES:
        cells = bsf1.cells(PROFILE.to_json(), KEY, side, spellings)
        rows_of_side = found.rows[side]
        if side == "smaller":
            assert keys[: len(cells)] == cells
            assert rows_of_side.keys_without_room == len(keys) - len(cells)
        per_key = 1 if side == "larger" else PROFILE.block_cap
        assert rows_of_side.made == len(cells) * per_key
        assert rows_of_side.made + rows_of_side.padding == PROFILE.rows(side)


def test_keys_are_shown_as_values_and_rows_and_paddings_counted_for_both_sides() -> None:
    found = explained(RUTH)
    lines = list(explanation_lines(found))
    for line in (
        "  any-sound: 2011-04-09 + R300 + F",
        "  sounds-month: R300 + S530 + 2011 + 04",
        "  any-sound: 2011-04-09 + S530 + F (again, numbered 1)",
        # Six keys, and none of a link before; 9 rows in the larger file, 11 in the smaller, where names that
        # are exchanged have one key more.
        "  in the larger file of a pair: 6 from keys and 3 of padding",
        "  any-sound: 2011-04-09 + R300 + F (again, numbered 1)",
        "  in the smaller file of a pair: 7 from keys and 4 of padding",
    ):
        assert line in lines
    lanes = found.spellings[0].fields
    (first,), year = lanes["first-name"], lanes["birth-date"][0]
    assert (first.n_tokens, first.n_draws) == (5, 44)
    assert (year.n_tokens, year.n_draws) == (0, 0)
    text = "\n".join(lines)
    assert "first_name: 5 pieces, 44 draws of 64 places" in text
    assert "zip: missing, filled at random" in text


def test_another_spelling_is_shown_by_what_it_changes_and_adds() -> None:
    lines = list(explanation_lines(explained((*RUTH[:6], "Reyes"))))
    (at,) = (number for number, line in enumerate(lines) if line.startswith("spelling 3"))
    assert "surname_1 REYES" in lines[at]
    assert "first_name" not in lines[at]
    assert lines[at + 1] == "  any-sound: 2011-04-09 + R200 + F"


def test_a_known_number_of_eight_digits_is_shown_as_it_is() -> None:
    profile = shipped_profile("children", number="student-id")
    columns = {**derived([RUTH]), "number": ["72345678"]}
    lines = list(explanation_lines(explain(profile, columns)))
    assert "  known-number: 72345678" in lines
    assert sum(line.split() == ["number", "72345678"] for line in lines) == 1


def test_no_part_of_an_explanation_shows_itself_in_a_traceback() -> None:
    found = explained(RUTH)
    parts = [found, found.spellings[0], found.spellings[0].keys[0]]
    parts.append(found.spellings[0].fields["surname"][0])
    for part in parts:
        assert "SMITH" not in repr(part)
        assert fields(part)
