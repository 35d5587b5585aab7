"""What settles a question and ends a review, and how far two persons agree, against slow words for it."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import combinations, product
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.review.results import LEAST_COMMON, agreements_of, rejected_for_log, results_of
from app.review.settlement import VERDICTS, Agreed, agreements, count_verdicts, is_decided, settled
from schemas.rounds.review import Verdict

PERSONS = ("per-a", "per-b", "per-c")
GIVEN = st.lists(st.sampled_from(VERDICTS), max_size=3).map(
    lambda verdicts: dict(zip(PERSONS, verdicts, strict=False))
)


@given(GIVEN, st.integers(1, 2))
def test_a_question_is_settled_by_the_first_verdict_that_so_many_share(
    given_: dict[str, Verdict], persons: int
) -> None:
    verdicts = [one for one in given_.values() if one != "unsure"]
    # The slow words: look at the verdicts up to each one, and stop where so many are alike.
    expected = next(
        (
            last
            for n in range(1, len(verdicts) + 1)
            for last in [verdicts[n - 1]]
            if verdicts[:n].count(last) >= persons
        ),
        None,
    )
    assert settled(given_, persons) == expected


@pytest.mark.parametrize(
    ("verdicts", "persons", "expected"),
    [
        ((), 1, None),
        (("unsure",), 1, None),
        (("unsure", "unsure"), 2, None),
        (("reject", "accept"), 1, "reject"),
        (("reject", "accept"), 2, None),
        (("reject", "accept", "accept"), 2, "accept"),
        (("accept", "unsure", "accept"), 2, "accept"),
        (("accept", "accept", "reject"), 2, "accept"),
    ],
)
def test_unequal_verdicts_leave_a_question_open(
    verdicts: tuple[Verdict, ...], persons: int, expected: Verdict | None
) -> None:
    assert settled(dict(zip(PERSONS, verdicts, strict=False)), persons) == expected


def test_a_review_is_decided_when_every_question_is_settled_or_nobody_goes_on() -> None:
    accept: dict[str, Verdict] = {"per-a": "accept"}
    assert is_decided(["q1", "q2"], {"q1": accept, "q2": accept}, {"per-a": False}, 1)
    assert not is_decided(["q1", "q2"], {"q1": accept}, {"per-a": False}, 1)
    assert is_decided(["q1", "q2"], {"q1": accept}, {"per-a": True}, 1)
    # As many as must agree have sent their last statement.
    assert not is_decided(["q1", "q2"], {"q1": accept}, {"per-a": True}, 2)
    # Another one has one that is not the last.
    assert not is_decided(["q1", "q2"], {"q1": accept}, {"per-a": True, "per-b": False}, 1)
    assert not is_decided(["q1"], {}, {}, 1)


@given(st.dictionaries(st.sampled_from("pqrstuvw"), GIVEN, max_size=8))
def test_agreement_counts_what_each_two_persons_said_of_the_same_questions(
    given_: dict[str, dict[str, Verdict]],
) -> None:
    found = {(one.first, one.second): one for one in agreements(given_)}
    for first, second in combinations(PERSONS, 2):
        both = [
            (verdicts[first], verdicts[second])
            for verdicts in given_.values()
            if {first, second} <= set(verdicts)
        ]
        assert ((first, second) in found) == bool(both)
        for (row, one), (column, other) in product(enumerate(VERDICTS), repeat=2):
            if both:
                table = found[first, second].table
                assert table[row][column] == both.count((one, other))


@given(st.lists(st.tuples(st.sampled_from(VERDICTS), st.sampled_from(VERDICTS)), min_size=1))
def test_kappa_is_how_far_two_agree_beyond_chance(both: list[tuple[Verdict, Verdict]]) -> None:
    table = tuple(tuple(both.count((one, other)) for other in VERDICTS) for one in VERDICTS)
    n = len(both)
    observed = Fraction(sum(one == other for one, other in both), n)
    by_chance = sum(
        Fraction(sum(one == verdict for one, _ in both), n)
        * Fraction(sum(other == verdict for _, other in both), n)
        for verdict in VERDICTS
    )
    kappa = Agreed("per-a", "per-b", table).kappa()
    if by_chance == 1:
        assert kappa is None
    else:
        assert kappa == pytest.approx(float((observed - by_chance) / (1 - by_chance)))


def test_kappa_of_a_known_table() -> None:
    # Twenty and fifteen times alike, five and ten times not: 0.7 observed, 0.5 by chance.
    table = ((20, 5, 0), (10, 15, 0), (0, 0, 0))
    assert Agreed("per-a", "per-b", table).kappa() == pytest.approx(0.4)


def test_verdicts_are_counted() -> None:
    assert count_verdicts(["accept", "accept", "unsure"]) == {"accept": 2, "reject": 0, "unsure": 1}


@pytest.mark.parametrize(
    ("n_accepted", "n_rejected", "expected"),
    [
        # Two pairs are below the floor, and so is what hides them alone.
        (2, 6, (None, 6, None, None)),
        (2, 1, (None, None, 9, None)),
        # That nothing is left open tells of nobody.
        (0, 12, (None, None, 0, None)),
        (7, 5, (7, 5, 0, 58)),
        (4, 4, (4, 4, 4, 50)),
        # 5 of 8 are 62.5 of 100.
        (5, 3, (5, 3, 4, 63)),
    ],
)
def test_counts_below_the_floor_are_hidden_and_those_that_would_reveal_them(
    n_accepted: int, n_rejected: int, expected: tuple[int | None, ...]
) -> None:
    review: Any = SimpleNamespace(accepted=n_accepted, rejected=n_rejected, questions=12, floor=3)
    found = results_of(review)
    assert (found.accepted, found.rejected, found.open, found.accept_rate) == expected
    for few in ({"floor": 13}, {"accepted": None}, {"rejected": None}):
        none = results_of(SimpleNamespace(**vars(review) | few))  # type: ignore[arg-type]
        assert (none.accepted, none.rejected, none.open, none.accept_rate) == (None,) * 4, few


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 8))
def test_what_is_hidden_of_a_review_is_no_small_sum(
    n_accepted: int, n_rejected: int, floor: int
) -> None:
    n_rejected = min(n_rejected, 12 - n_accepted)
    review: Any = SimpleNamespace(
        accepted=n_accepted, rejected=n_rejected, questions=12, floor=floor
    )
    found = results_of(review)
    counts = (n_accepted, n_rejected, 12 - n_accepted - n_rejected)
    shown = (found.accepted, found.rejected, found.open)
    hidden = [count for count, told in zip(counts, shown, strict=True) if told is None]
    assert not hidden or sum(hidden) >= floor
    # The log: what was charged, matches from the floor on, and what is rejected.
    rejected, accepted = rejected_for_log(review), n_accepted if n_accepted >= floor else None
    if rejected is not None and floor <= 12:
        assert rejected == n_rejected >= floor
        left = 12 - rejected - (accepted or 0)
        assert left == 0 or left >= floor


@pytest.mark.parametrize(
    ("n_common", "floor", "is_shown"),
    [(LEAST_COMMON - 1, 3, False), (LEAST_COMMON, 3, True), (32, 11, False), (33, 11, True)],
)
def test_two_reviewers_are_compared_where_they_decided_enough_in_common(
    n_common: int, floor: int, is_shown: bool
) -> None:
    # All but six alike, three of these each way.
    table = [[12, 3, 0], [3, n_common - 18, 0], [0, 0, 0]]
    agreed = json.dumps([["per-a", "per-b", table]])
    (found,) = agreements_of(SimpleNamespace(agreed=agreed, floor=floor))  # type: ignore[arg-type]
    assert (found.first, found.second) == ("per-a", "per-b")
    kappa = Agreed("per-a", "per-b", tuple(map(tuple, table))).kappa()  # type: ignore[arg-type]
    assert kappa is not None
    assert found.kappa == (f"{kappa:.1f}" if is_shown else None)
