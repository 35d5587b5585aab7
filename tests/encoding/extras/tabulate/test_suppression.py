"""What is not shown of a table is found by no reader, and no more is left out than that takes."""

from __future__ import annotations

import random
from datetime import date
from itertools import combinations, cycle, product
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from samples.refusals import is_one, raises

from encoding.errors import InputError, TableError

pytest.importorskip("highspy", reason="the extra tables is not installed")
from twins.table_reader import TOTAL, TableReader

from encoding.extras.tabulate import attack
from encoding.extras.tabulate.attack import small_cells, weaknesses
from encoding.extras.tabulate.programs import Answer
from encoding.extras.tabulate.suppression import suppress
from encoding.extras.tabulate.table import Cell, Table, count_people
from encoding.extras.tabulate.tabulation import Tabulation, Terms, tabulate
from encoding.files import write_csv

FLOOR = 10


def terms(floor: int = FLOOR) -> Terms:
    return Terms("foster-pupils", "welfare", "0" * 64, 1, "stability", 3, date(2026, 11, 20), floor)


def random_table(seed: int) -> Table:
    """Return a table of 1 to 3 dimensions, some with totals between, with few and many people."""
    draw = random.Random(seed)
    n_sides = draw.choice([1, 2, 2, 2, 3])
    sizes = [draw.randint(2, {1: 12, 2: 6, 3: 3}[n_sides]) for _ in range(n_sides)]
    is_nested = draw.random() < 0.4
    weights = [[draw.random() ** 2 for _ in range(size)] for size in sizes]
    people: list[Cell] = []
    for _ in range(draw.choice([30, 100, 400, 2000])):
        drawn = [draw.choices(range(len(one)), one)[0] for one in weights]
        cell = [(f"v{value}",) for value in drawn]
        if is_nested:
            cell[0] = (f"d{drawn[0] % 3}", f"v{drawn[0]}")
        people.append(tuple(cell))
    names = [(f"side{side}",) for side in range(n_sides)]
    return count_people([("district", "school"), *names[1:]] if is_nested else names, people)


def written(made: Tabulation, folder: Path) -> TableReader:
    path = folder / "table.csv"
    write_csv(path, made.header, made.rows())
    return TableReader(path)


def recovered(made: Tabulation, folder: Path, floor: int = FLOOR) -> int:
    """Return how many counts a reader finds to within less than the floor; who knows empty groups, too."""
    reader = written(made, folder)
    truth = {made.table.row(at): int(n) for at, n in enumerate(made.table.counts)}
    empty = [labels for labels, n in truth.items() if n == 0 and TOTAL not in labels]
    n_found = 0
    for labels in reader.not_shown:
        least, most = reader.range(labels, empty if 0 < truth[labels] < floor else None)
        assert least <= truth[labels] <= most
        n_found += most - least < floor
    shown = [n for n in reader.counts.values() if n is not None]
    assert not any(0 < n < floor for n in shown)
    return n_found


@pytest.mark.parametrize("seed", [0, 2, 9, 33, 38])
def test_a_reader_with_integer_programs_recovers_no_count(seed: int, tmp_path: Path) -> None:
    assert recovered(tabulate(terms(), random_table(seed)), tmp_path) == 0


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_of_200_tables_no_count_is_recovered(tmp_path: Path) -> None:
    tables = [random_table(seed) for seed in range(1000, 1200)]
    made = [tabulate(terms(), table) for table in tables]
    assert sum(recovered(one, tmp_path) for one in made) == 0
    assert sum(one.n_hidden for one in made) > 2000


def square(*rows: tuple[int, ...]) -> Table:
    """Return a table of two sides with these inner counts."""
    cells = [
        ((f"r{row}",), (f"c{column}",))
        for row, counts in enumerate(rows)
        for column, n in enumerate(counts)
        for _ in range(n)
    ]
    return count_people([("row",), ("column",)], cells)


def column(*counts: int) -> Table:
    """Return a table of one side with these counts."""
    return count_people(
        [("school",)], [((f"s{at}",),) for at, n in enumerate(counts) for _ in range(n)]
    )


def test_ten_groups_that_share_ten_people_are_not_found_to_have_one_each(tmp_path: Path) -> None:
    schools = tabulate(terms(), column(*[1] * 10, 40, 60))
    assert recovered(schools, tmp_path) == 0
    assert ("s11",) not in written(schools, tmp_path).not_shown
    # Each grade of a school, whose total is large enough to be shown; who knows that no grade is empty.
    grades = tabulate(terms(), square([1] * 10, [30] * 10))
    assert recovered(grades, tmp_path) == 0


def test_two_small_groups_are_left_out_alone_only_if_together_they_have_the_floor_and_two() -> None:
    # Of 12 people in two groups that are not empty, 1 to 11 are in either.
    assert suppress(column(6, 6, 40), FLOOR).hidden.tolist() == [False, True, True, False]
    table, both = column(6, 5, 40), np.array([False, True, True, False])
    assert suppress(table, FLOOR).hidden.tolist() == [False, True, True, True]
    # Of 11 people, 1 to 10; the program that chooses is told exactly that.
    for one in weaknesses(table, both, FLOOR):
        assert one.gains is not None
        assert one.gains[both].sum() == pytest.approx(9)


@pytest.mark.parametrize(("n", "most"), [(10, 9), (11, 10)])
def test_an_empty_group_is_not_thought_to_have_all_of_a_category_that_is_listed(
    n: int, most: int, tmp_path: Path
) -> None:
    table = square((n, 0), (0, 50))
    labels = [table.row(at) for at in range(len(table.cells))]
    hidden = [row != "r1" and column != TOTAL for row, column in labels]
    made = Tabulation(terms(), table, tuple(hidden), is_least=True)
    # Nobody of r1 is in c0, which is listed. So someone of r0 is.
    assert written(made, tmp_path).range(("r0", "c1")) == (0, most)
    weak = [labels[one.cell] for one in weaknesses(table, np.array(hidden), FLOOR)]
    assert (("r0", "c1") in weak) == (most < FLOOR)


def test_a_district_is_known_to_have_somebody_in_each_of_its_schools(tmp_path: Path) -> None:
    schools = {("d0", f"s{at}"): 2 for at in range(6)} | {("d1", "s6"): 30, ("d1", "s7"): 40}
    people: list[Cell] = [(school,) for school, n in schools.items() for _ in range(n)]
    made = tabulate(terms(), count_people([("district", "school")], people))
    # A total of 12 would leave 1 to 7 for each of six.
    assert ("d0", TOTAL) in written(made, tmp_path).not_shown
    assert recovered(made, tmp_path) == 0


def test_so_few_people_in_so_many_groups_that_the_total_tells_too_much_are_refused() -> None:
    # With nothing shown but the total, 1 to 10 people would be in each of ten schools; or 1 to 11.
    with raises(TableError, "19 people in 10 groups are too few"):
        suppress(column(*[1] * 9, 10), FLOOR)
    assert suppress(column(*[1] * 9, 11), FLOOR).hidden[1:].all()
    # Where no count is small nothing has to be left out.
    assert not suppress(column(10, 10), 10).hidden.any()


SIDES = st.sampled_from([(6,), (2, 3), (3, 3), (2, 2, 2)])
SPARSE = SIDES.flatmap(
    lambda sides: st.tuples(
        st.just(sides), st.lists(st.integers(0, 5), min_size=prod(sides), max_size=prod(sides))
    )
)


@settings(max_examples=20)
@given(SPARSE, st.booleans(), st.integers(2, 4))
def test_of_few_people_in_many_groups_no_count_is_recovered_and_none_refused_without_need(
    drawn: tuple[tuple[int, ...], list[int]], is_nested: bool, floor: int
) -> None:
    sides, counts = drawn
    people: list[Cell] = []
    for at, n in zip(product(*map(range, sides)), counts, strict=True):
        cell = [(f"v{value}",) for value in at]
        if is_nested:
            cell[0] = (f"d{at[0] % 2}", f"v{at[0]}")
        people += [tuple(cell)] * n
    assume(len(people) >= floor)
    names = [(f"side{at}",) for at in range(len(sides))]
    table = count_people([("district", "school"), *names[1:]] if is_nested else names, people)
    with TemporaryDirectory() as folder:
        try:
            made = tabulate(terms(floor), table)
        except InputError as refused:
            assert is_one(refused, TableError)  # noqa: PT017 - most tables are not refused
            nothing = tuple((~table.same_as_total).tolist())
            alone = Tabulation(terms(floor), table, nothing, is_least=True)
            assert recovered(alone, Path(folder), floor) > 0
        else:
            assert recovered(made, Path(folder), floor) == 0


def test_the_twin_finds_what_only_the_small_counts_left_out_would_give_away(tmp_path: Path) -> None:
    table = square((3, 40, 50), (60, 70, 80))
    hidden = small_cells(table, FLOOR)
    alone = Tabulation(terms(), table, tuple(hidden.tolist()), is_least=True)
    assert written(alone, tmp_path).range(("r0", "c0")) == (3, 3)
    assert [one.cell for one in weaknesses(table, hidden, FLOOR)] == np.flatnonzero(hidden).tolist()


def test_a_count_of_the_floor_is_shown_and_one_less_is_not() -> None:
    assert not suppress(square((10, 40), (60, 70)), FLOOR).hidden.any()
    hidden = suppress(square((9, 40), (60, 70)), FLOOR).hidden
    assert np.flatnonzero(hidden).tolist() == [4, 5, 7, 8]


def test_a_floor_of_one_leaves_nothing_out() -> None:
    assert not suppress(square((1, 40), (60, 0)), 1).hidden.any()


def test_where_all_of_a_group_have_one_value_an_empty_count_beside_it_is_left_out(
    tmp_path: Path,
) -> None:
    made = tabulate(terms(), square((40, 0), (60, 70)))
    reader = written(made, tmp_path)
    assert ("r0", "c1") in reader.not_shown
    least, most = reader.range(("r0", "c1"))
    assert least == 0
    assert most >= FLOOR


def test_a_total_of_a_few_people_is_left_out(tmp_path: Path) -> None:
    made = tabulate(terms(), square((2, 3), (60, 70), (80, 90)))
    assert ("r0", TOTAL) in written(made, tmp_path).not_shown
    assert recovered(made, tmp_path) == 0


@pytest.mark.parametrize("rows", [((9, 40), (60, 70)), ((4, 12, 30), (25, 14, 3))])
def test_no_other_choice_leaves_out_less(rows: tuple[tuple[int, ...], ...], tmp_path: Path) -> None:
    """Every choice that costs less is tried out, and gives a count away to the twin."""
    table = square(*rows)
    chosen = suppress(table, FLOOR)
    assert chosen.is_least
    costs = 1 + table.counts
    cost = int(costs[chosen.hidden].sum())
    must = np.flatnonzero(small_cells(table, FLOOR)).tolist()
    free = [at for at in range(1, len(table.cells)) if at not in must]
    free = [at for at in free if costs[at] < cost]
    tried = 0
    for n in range(len(free) + 1):
        for others in combinations(free, n):
            hidden = np.zeros(len(table.cells), dtype=bool)
            hidden[[*must, *others]] = True
            if int(costs[hidden].sum()) < cost:
                tried += 1
                other = Tabulation(terms(), table, tuple(hidden.tolist()), is_least=True)
                assert recovered(other, tmp_path) > 0
    assert tried > 3


def test_too_few_people_too_many_cells_and_a_value_called_total_are_refused() -> None:
    with raises(TableError, "fewer than 10 people are counted"):
        suppress(square((4, 5)), FLOOR)
    many = [((f"r{n}",), (f"c{n}",)) for n in range(40)]
    with raises(TableError, "1,681 cells, and at most 1,000"):
        count_people([("row",), ("column",)], many)
    with raises(TableError, "the table uses for totals"):
        count_people([("row",)], [((TOTAL,),)])
    with raises(TableError, "the column count would be there twice"):
        tabulate(terms(), count_people([("count",)], [(("a",),)] * 20))


def corners(table: Table) -> np.ndarray:
    """Return that the four counts of the first two rows and columns are hidden."""
    labels = [table.row(at) for at in range(len(table.cells))]
    return np.array([row in ("r0", "r1") and column in ("c0", "c1") for row, column in labels])


def test_an_interval_of_the_floor_is_enough_and_one_less_is_not() -> None:
    def weak(n: int) -> list[int]:
        table = square((5, n, 90), (60, 50, 90), (90, 90, 90))
        assert np.flatnonzero(corners(table)).tolist() == [5, 6, 9, 10]
        return sorted(one.cell for one in weaknesses(table, corners(table), FLOOR))

    # 5 can fall by 5, and rise by what stands beside it.
    assert weak(4) == [5, 6, 9, 10]
    # To who knows which groups are empty, neither can fall to 0: small counts are protected from them, too.
    assert weak(5) == weak(6) == [5, 6]
    assert weak(7) == []


def test_a_small_count_is_not_protected_by_an_empty_one_that_readers_may_know() -> None:
    # It can rise by 6. It can fall by 4 where the empty one rises by 3, else by one of the 2 in the corner.
    leaning = square((5, 0, 20, 90), (7, 50, 2, 90), (90, 90, 90, 90))
    free = square((5, 0, 20, 90), (7, 50, 12, 90), (90, 90, 90, 90))
    labels = [leaning.row(at) for at in range(len(leaning.cells))]
    hidden = np.array(
        [row in ("r0", "r1") and column in ("c0", "c1", "c2") for row, column in labels]
    )
    small = labels.index(("r0", "c0"))
    assert small in {one.cell for one in weaknesses(leaning, hidden, FLOOR)}
    assert small not in {one.cell for one in weaknesses(free, hidden, FLOOR)}


def test_a_solver_that_lies_gives_no_count_away(monkeypatch: pytest.MonkeyPatch) -> None:
    table = square((5, 4, 90), (60, 50, 90), (90, 90, 90))
    hidden = corners(table)
    true = table.counts[hidden].astype(float)
    for lie in (np.array([50.0, -50.0, -50.0, 50.0]), np.array([50.0, 0.0, 0.0, 0.0])):
        answer = Answer(true + lie, np.zeros(100), is_best=True)
        monkeypatch.setattr(attack.Program, "least", lambda *_, answer=answer: answer)
        monkeypatch.setattr(attack._Reader, "_gains", lambda *_: np.zeros(len(hidden)))
        found = {one.cell for one in weaknesses(table, hidden, FLOOR)}
        assert found == {*np.flatnonzero(hidden).tolist()}


def test_two_tables_with_empty_groups_protect_nothing_from_who_knows_that_somebody_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = square((5, 5, 90), (60, 50, 90), (90, 90, 90))
    hidden = corners(table)
    moves = cycle([np.array([5.0, -5.0, -5.0, 5.0]), np.array([-5.0, 5.0, 5.0, -5.0])])

    def least(*_: object) -> Answer:
        return Answer(table.counts[hidden] + next(moves), np.zeros(100), is_best=True)

    monkeypatch.setattr(attack.Program, "least", least)
    monkeypatch.setattr(attack._Reader, "_gains", lambda *_: np.zeros(len(hidden)))
    assert [one.cell for one in weaknesses(table, hidden, FLOOR)] == [5, 6]


def test_a_solver_that_finds_nothing_ends_in_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attack.Program, "least", lambda *_: None)
    with raises(TableError, "no table of them is written"):
        suppress(square((5, 40), (60, 70)), FLOOR)
