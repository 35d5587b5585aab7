"""Groups as they are shown, held against a reader who tries out everything that may be true."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from encoding.sharing.small_cells import Group, shown_groups
from schemas.reports.round_report import GroupRate

FLOOR = 3


def group(label: str, records: int, linked: int) -> Group:
    return Group(label, records, linked)


GROUPS = st.lists(
    st.integers(0, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    min_size=1,
    max_size=5,
).map(lambda pairs: [group(f"g{at}", *pair) for at, pair in enumerate(pairs)])


def rate(label: str, records: int, linked: int) -> GroupRate:
    return GroupRate(label=label, groups=1, records=records, linked=linked, least=0, most=100)


def told(groups: list[Group], floor: int = FLOOR) -> tuple[GroupRate, ...]:
    return shown_groups(groups, floor, others="others")


def possible(shown: tuple[GroupRate, ...], linked: int) -> list[set[int]]:
    """Return what the number of links of each row may be, to a reader who knows how many there are in all."""
    choices = [range(row.records + 1) if row.linked is None else [row.linked] for row in shown]
    fitting = [
        one
        for one in product(*choices)
        if sum(one) == linked
        and all(
            row.linked is not None or row.least * row.records <= 100 * n <= row.most * row.records
            for row, n in zip(shown, one, strict=True)
        )
    ]
    return [{one[at] for one in fitting} for at in range(len(shown))]


@given(GROUPS)
def test_no_number_that_is_left_out_can_be_computed(groups: list[Group]) -> None:
    shown = told(groups)
    of = dict(zip([one.label for one in groups], groups, strict=True))
    found = possible(shown, sum(one.linked for one in groups))
    for row, known in zip(shown, found, strict=True):
        is_small = row.linked is None and (
            row.groups > 1 or min(of[row.label].linked, row.records - of[row.label].linked) < FLOOR
        )
        if is_small and any(one.linked is not None for one in shown):
            assert max(known) - min(known) >= FLOOR


@given(GROUPS)
def test_a_number_that_is_shown_is_true_and_has_the_floor_on_either_side(
    groups: list[Group],
) -> None:
    shown, of = told(groups), {one.label: one for one in groups}
    for row in shown:
        assert row.records >= FLOOR
        if row.linked is not None:
            assert FLOOR <= row.linked <= row.records - FLOOR
            if row.groups == 1:
                assert (row.records, row.linked) == (of[row.label].records, of[row.label].linked)
    if shown:
        assert sum(row.records for row in shown) == sum(one.records for one in groups)


@given(GROUPS)
def test_no_group_below_the_floor_stands_alone_or_is_the_only_one_left_out(
    groups: list[Group],
) -> None:
    shown = told(groups)
    small = {one.label for one in groups if 0 < one.records < FLOOR}
    assert not small & {row.label for row in shown}
    if shown and small:
        assert shown[-1].groups >= 2


def test_plain_groups_are_shown_as_they_are_the_largest_first() -> None:
    assert told([group("a", 20, 10), group("b", 40, 30)]) == (rate("b", 40, 30), rate("a", 20, 10))


def test_of_a_group_that_is_nearly_all_linked_only_a_bound_is_told_where_it_is_large() -> None:
    shown = told([group("all", 100, 99), group("most", 50, 40), group("half", 40, 20)])
    assert [(row.linked, row.least) for row in shown] == [(None, 95), (40, 0), (None, 0)]
    small = told([group("all", 20, 20), group("most", 50, 40), group("half", 40, 20)])
    assert [(row.linked, row.least) for row in small] == [(40, 0), (None, 0), (None, 0)]


def test_one_group_alone_is_no_table() -> None:
    assert told([group("only", 20, 10), group("nobody", 0, 0)]) == ()
    assert told([group("one", 20, 10), group("two", 2, 1)]) == ()


def test_whoever_runs_the_choice_on_other_numbers_finds_what_the_spec_says() -> None:
    records = {"a": 12, "b": 10, "c": 8}
    alike = defaultdict(list)
    for linked in product(*(range(n + 1) for n in records.values())):
        shown = told([group(*one) for one in zip(records, records.values(), linked, strict=True)])
        hidden = frozenset(row.label for row in shown if row.linked is None)
        alike[sum(linked), shown].append((dict(zip(records, linked, strict=True)), hidden))
    widths = []
    for tables in alike.values():
        for linked_of, hidden in tables:
            small = {at for at in hidden if not FLOOR <= linked_of[at] <= records[at] - FLOOR}
            known = {at: {other[at] for other, _ in tables} for at in small}
            widths += [max(one) - min(one) for one in known.values()]
    assert (len(widths), widths.count(0), sum(one < FLOOR for one in widths)) == (2154, 34, 244)
