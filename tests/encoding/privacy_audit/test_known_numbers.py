"""Two rehearsed files that hold a known number: whose it is, and that an audit sees what it brings together."""

from __future__ import annotations

import numpy as np
import pytest
from samples.strangers import strangers

from encoding.privacy_audit.files import ClearFile
from encoding.privacy_audit.scene import Pair, Scene, rehearse_partner
from encoding.profiles.catalog import shipped_profile

NUMBERED = shipped_profile("children", number="student-id")


@pytest.fixture(scope="module")
def pair() -> Pair:
    return rehearse_partner(strangers(NUMBERED, 1_500, seed=5), "larger", 500, seed=3)


def numbers_of(file: ClearFile) -> list[str]:
    return [file.columns["number"][at] for at in file.main.tolist()]


def test_everybody_has_a_number_of_their_own(pair: Pair) -> None:
    assert len(set(numbers_of(pair.larger))) == pair.larger.n_records
    other = numbers_of(strangers(NUMBERED, 500, seed=6))
    assert not set(other) & set(numbers_of(pair.larger))


def test_the_partner_holds_four_numbers_in_five_and_few_wrong_ones(pair: Pair) -> None:
    own = dict(zip(pair.who_larger.tolist(), numbers_of(pair.larger), strict=True))
    held = [
        (number, own[who])
        for who, number in zip(pair.who_smaller.tolist(), numbers_of(pair.smaller), strict=True)
        if who in own
    ]
    assert 0.7 < sum(number == true for number, true in held) / len(held) < 0.9
    assert sum(number not in ("", true) for number, true in held) < 0.05 * len(held)


def test_by_a_number_more_of_those_in_both_files_meet(pair: Pair) -> None:
    met = {}
    for profile in (NUMBERED, shipped_profile("children")):
        between = Scene(profile, pair).shared_cells().between
        same = pair.who_smaller[between.left] == pair.who_larger[between.right]
        met[profile.name] = (len(np.unique(between.left[same])), int(between.n_cells[same].sum()))
    assert met["children-student-id"] > met["children"]
