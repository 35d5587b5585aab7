"""A report of a round is the one of its page, and its ranges are worked out as the page says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from vectors.file import naming, read_vectors

from schemas.linkage.link_quality import (
    TELLING_FIELDS,
    Concordance,
    Interval,
    missed_matches,
    shown_concordance,
    true_matches,
    wrong_links,
)
from schemas.reports.round_report import Range, RoundReport

VECTORS = read_vectors("round-report")


def test_wrong_links_are_within_the_range_of_the_page() -> None:
    for vector in VECTORS["wrong"]:
        with naming(vector):
            found = wrong_links(vector["expected_false"])
            assert (found.low, found.high) == (vector["low"], vector["high"])


def test_missed_matches_are_within_the_range_of_the_page() -> None:
    for vector in VECTORS["missed"]:
        with naming(vector):
            fields = [
                Concordance(field=name, apart=apart, other=None, missing=None)
                for name, apart in zip(TELLING_FIELDS, vector["apart"], strict=True)
            ]
            found = missed_matches(vector["linked"], vector["smaller"], fields, vector["floor"])
            assert (found.low, found.high) == (vector["low"], vector["high"])


def test_matches_of_a_group_are_within_the_range_of_the_page() -> None:
    for vector in VECTORS["matched"]:
        with naming(vector):
            whole = vector["all"]["linked"], vector["all"]["records"]
            wrong, missed = Interval(0, vector["wrong"]), Interval(0, vector["missed"])
            found = true_matches(vector["linked"], vector["records"], whole, wrong, missed)
            assert (found.low, found.high) == (vector["low"], vector["high"])


def test_what_reviewers_have_linked_is_not_missed_any_more_and_what_is_hidden_has_no_range() -> (
    None
):
    report = RoundReport.from_canonical(VECTORS["good"][0]["text"].encode())
    now = report.now.model_copy(update={"missed": Range(low=4, high=70)})
    report = report.model_copy(update={"now": now})
    shown, hidden = report.subgroups[0].groups
    assert report.true_matches(hidden) is None
    before, after = (
        report.model_copy(
            update={"pairs": (report.pairs[0].model_copy(update={"linked": now.linked - n}),)}
        ).true_matches(shown)
        for n in (0, 30)
    )
    assert before is not None
    assert after is not None
    assert before.low == after.low
    assert before.high > after.high > (shown.linked or 0)
    no_run = report.model_copy(update={"now": now.model_copy(update={"wrong": None})})
    assert no_run.true_matches(shown) is None


def test_of_a_profile_without_names_only_the_bound_is_known() -> None:
    sex = Concordance(field="sex", apart=5, other=None, missing=None)
    found = missed_matches(60, 100, [sex], 10)
    assert (found.low, found.high) == (0, 40)


class Field:
    """How linked pairs agree on a field, as it is."""

    field = "birth-date"

    def __init__(self, apart: int, other: int, missing: int) -> None:
        self.apart, self.other, self.missing = apart, other, missing


FIELDS = st.tuples(*(st.integers(0, 9),) * 4).map(
    # Those that agree exactly, in part, in nothing, and of which one lacks the value.
    lambda n: (sum(n), Field(apart=n[1] + n[2], other=n[2], missing=n[3]))
)


@given(FIELDS, st.integers(0, 4))
def test_no_count_below_the_floor_follows_from_those_that_are_shown(
    linked: tuple[int, Field], floor: int
) -> None:
    n_linked, field = linked
    (shown,) = shown_concordance(n_linked, [field], floor)
    fitting = [
        (same, part, other, missing)
        for same in range(n_linked + 1)
        for part in range(n_linked + 1 - same)
        for other in range(n_linked + 1 - same - part)
        for missing in [n_linked - same - part - other]
        if shown.apart in (None, part + other)
        and shown.other in (None, other)
        and shown.missing in (None, missing)
    ]
    truth = (
        n_linked - field.apart - field.missing,
        field.apart - field.other,
        field.other,
        field.missing,
    )
    assert truth in fitting
    for at, count in enumerate(truth):
        possible = {one[at] for one in fitting}
        assert len(possible) > 1 or count >= floor or n_linked < floor
