"""Invented pairs, weighed as the pairs of a trial."""

from __future__ import annotations

import numpy as np
import pytest

from app.matching.blocks.weights import UNIT, Model, model_of, taken_off
from encoding.profiles.catalog import SHIPPED, shipped_profile
from encoding.trial.examples import EXAMPLES, weigh_examples
from encoding.trial.page import FIELD_WORDS
from encoding.trial.trial import Trial
from schemas.linkage.counts import published_counts


def model(tried: Trial) -> Model:
    n_larger = len(tried.outcome.b.records.ids)
    return model_of(tried.profile, published_counts(tried.profile, n_larger), n_larger)


def test_the_steps_of_an_example_lead_to_its_weight(tried: Trial) -> None:
    assert len(tried.examples) == len(EXAMPLES) == 3
    for one in tried.examples:
        assert sum(step.bits for step in one.steps) == pytest.approx(one.bits)
        assert one.chance == pytest.approx(1 / (1 + 2**-one.bits))
    typo, swapped, twins = tried.examples
    assert typo.chance > 0.9 < swapped.chance
    assert twins.chance < 0.5
    levels = {step.name: step.level for step in swapped.steps}
    assert levels["birth-date"] == "swapped"


def test_examples_come_out_the_same_again(tried: Trial) -> None:
    assert weigh_examples(tried.profile, model(tried), tried.outcome.run) == tried.examples


def test_what_is_taken_off_a_pattern_is_what_the_run_took_off(tried: Trial) -> None:
    run = tried.outcome.run
    assert len(run.table.levels) >= 3
    for levels, total in zip(run.table.levels, run.weights.total, strict=True):
        added = sum(run.weights.fields[at][level] for at, level in enumerate(levels))
        assert run.weights.prior + added - sum(taken_off(model(tried), levels)) == total
    assert np.abs(run.rows()["total"]).max() > UNIT


@pytest.mark.parametrize("name", SHIPPED)
def test_every_field_of_a_shipped_profile_is_called_something(name: str) -> None:
    profile = shipped_profile(name, number="ssn").without_memory()
    assert {field.name for field in profile.fields} <= FIELD_WORDS.keys()
