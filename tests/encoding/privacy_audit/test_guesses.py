"""Learners find what is planted and claim nothing on random numbers."""

from __future__ import annotations

import numpy as np
import pytest

from encoding.privacy_audit.attributes import area, attributes_of, guess_attribute


def test_a_planted_feature_is_learned() -> None:
    random = np.random.default_rng(1)
    kind = random.integers(0, 2, 2_000)
    # As an unequal number of keys shows a double surname.
    features = np.column_stack([kind + random.integers(0, 2, 2_000), random.integers(0, 5, 2_000)])
    found = guess_attribute("double surname", features, np.array(["no", "yes"])[kind])
    assert found is not None
    assert found.share > 0.7


@pytest.mark.parametrize("n_kinds", [2, 13])
def test_random_features_teach_nothing(n_kinds: int) -> None:
    random = np.random.default_rng(1)
    values = random.integers(0, n_kinds, 3_000).astype(str)
    found = guess_attribute("sex", random.integers(0, 4, (3_000, 20)), values)
    assert found is not None
    assert abs(found.gain) < 0.03


def test_too_few_children_are_not_judged() -> None:
    values = np.array(["F", "M"] * 20)
    assert guess_attribute("sex", np.zeros((40, 2), dtype=np.int64), values) is None


def test_the_area_is_the_share_of_pairs_in_the_right_order() -> None:
    random = np.random.default_rng(3)
    score, is_one = random.integers(0, 9, 60).astype(float), random.random(60) < 0.4
    ones, others = score[is_one], score[~is_one]
    above = (ones[:, None] > others).mean() + (ones[:, None] == others).mean() / 2
    assert area(score, is_one)[0] == pytest.approx(above)


def test_attributes_are_those_of_the_main_spelling(students) -> None:
    found = attributes_of(students, None)
    first = found["first name"]
    assert [str(len(name)) for name in first] == found["name length"].tolist()
    assert set(found["sex"].tolist()) <= {"F", "M", ""}
