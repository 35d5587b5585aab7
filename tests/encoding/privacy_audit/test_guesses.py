"""Learners find what is planted and claim nothing on random numbers; regressions open plain CLKs only."""

from __future__ import annotations

import numpy as np
import pytest

from encoding.privacy_audit.attributes import area, attributes_of, guess_attribute
from encoding.privacy_audit.distances import guess_name_pairs
from encoding.privacy_audit.insiders import ask_as_agency, forge_links
from encoding.privacy_audit.known_pairs import attack_known_pairs, person_tokens, signs
from encoding.privacy_audit.partner import strangers
from encoding.privacy_audit.plain import plain_clks


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


def test_plain_clks_are_open_to_regression_and_random_bits_are_not(students) -> None:
    people = np.arange(1_200)
    tokens = person_tokens(students, people)
    plain = attack_known_pairs(signs(plain_clks(students, people)), tokens, 300)
    assert plain.share > 0.9
    random = np.random.default_rng(1).integers(0, 256, (1_200, 128), dtype=np.uint8)
    assert attack_known_pairs(signs(random), tokens, 300).n_right <= 8


def test_the_mean_of_several_meetings_is_sharper_than_one(scene, pair) -> None:
    found = guess_name_pairs(scene.shared_cells(), scene.labels, pair.smaller, pair.larger)
    if found is not None:
        assert found.error_mean < found.error_once


def test_whoever_may_link_may_ask(scene, children) -> None:
    found = ask_as_agency(scene, strangers(children, 200, seed=77), 200)
    assert found.n_told > 0.9 * found.n_probes
    assert found.n_dates_found > 0.5 * found.n_dates


def test_links_that_are_made_up_do_not_pass(scene) -> None:
    assert forge_links(scene, 200).n_accepted == 0
