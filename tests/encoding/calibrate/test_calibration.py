"""The recommendation holds on files whose truth is known."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from oracles import febrl

from app.matching.exhaustive import Band, MatchingPolicy, match_block, plan_blocks, resolve
from encoding.calibrate import Setting, calibrate_sample
from encoding.calibrate.calibration import Calibration
from encoding.calibrate.report import document, report_lines, report_page
from encoding.calibrate.similarities import Sweep, dataset, similar_pairs
from encoding.errors import RecordCountError
from encoding.lint import fill
from encoding.sample import Sample
from encoding.secret import Secret
from encoding.specimen import clean_sample, encode_cleaned
from schemas.profile import EncodingProfile, Hardening, encoded_similarity

KEYS = Secret(bytes(range(2, 34)))
COLUMNS = {name: name for name in febrl.FIELDS}
# 2 % of a file of thousands differ by noise alone at 1,024 bits; twice the length of the CLK halves it.
PROFILE = febrl.profile().model_copy(
    update={"hardening": Hardening(kind="eld1", taps=4, output_bits=4096), "nominal_fill": "0.40"}
)


def without_partners(removed: float) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return both files with this share of the partners removed, half of them on each side."""
    rows = [febrl.read_rows(name) for name in febrl.FILES]
    people = sorted({febrl.person(row["rec_id"]) for row in rows[0]}, key=int)
    random.Random(4).shuffle(people)
    n = round(len(people) * removed / 2)
    gone = (set(people[:n]), set(people[n : 2 * n]))
    left, right = (
        [row for row in side if febrl.person(row["rec_id"]) not in absent]
        for side, absent in zip(rows, gone, strict=True)
    )
    return left, right


def sample_of(rows: list[dict[str, str]]) -> Sample:
    columns = {name: [row[name] for row in rows] for name in febrl.FIELDS}
    return Sample(np.arange(len(rows)), columns)


def calibrated(rows: list[dict[str, str]], other: int, share: float) -> Calibration:
    return calibrate_sample(
        sample_of(rows),
        PROFILE,
        Setting(len(rows), other, share),
        columns=COLUMNS,
        date_format="",
        n_decoys=50_000,
        secret=KEYS,
    )


def test_the_nominal_fill_of_these_tests_is_that_of_the_file() -> None:
    rows = sample_of(febrl.read_rows(febrl.FILES[0])[:1_000])
    specimen = encode_cleaned(clean_sample(rows, PROFILE, COLUMNS, ""), PROFILE, KEYS)
    assert fill(specimen.filters, 1024) == pytest.approx(0.4, abs=0.01)


@pytest.mark.long
@pytest.mark.parametrize(("removed", "goal"), [(0.5, 0.99), (0.8, 0.98)])
def test_febrl4_reaches_its_goal_at_the_recommended_thresholds(removed: float, goal: float) -> None:
    left, right = without_partners(removed)
    n_true = 5_000 - round(5_000 * removed)
    found = calibrated(left, len(right), n_true / len(left)).recommendation
    policy = mapped(found.auto, found.review, found.margin, PROFILE)
    datasets = [
        dataset(
            encode_cleaned(clean_sample(sample_of(rows), PROFILE, COLUMNS, ""), PROFILE, KEYS),
            len(rows),
        )
        for rows in (left, right)
    ]
    blocks = plan_blocks(datasets, block_pairs=1 << 34)
    matched = ((block, match_block(datasets, block, policy, n_threads=2)) for block in blocks)
    decisions = resolve([len(left), len(right)], matched, policy).decisions
    is_auto = decisions.band == Band.AUTO
    n_right = sum(
        febrl.person(left[i]["rec_id"]) == febrl.person(right[j]["rec_id"])
        for i, j in zip(
            decisions.left_record[is_auto].tolist(),
            decisions.right_record[is_auto].tolist(),
            strict=True,
        )
    )
    f1 = 2 * n_right / (int(is_auto.sum()) + n_true)
    assert f1 >= goal


def mapped(
    auto: Fraction, review: Fraction, margin: Fraction, profile: EncodingProfile
) -> MatchingPolicy:
    top = encoded_similarity(profile, auto)
    return MatchingPolicy(
        top,
        encoded_similarity(profile, review),
        top - encoded_similarity(profile, auto - margin),
        "one-to-one",
    )


@pytest.fixture(scope="module")
def small() -> Calibration:
    return calibrated(febrl.read_rows(febrl.FILES[0])[:600], 600, 0.5)


@pytest.mark.long
def test_a_larger_file_on_the_other_side_asks_for_higher_thresholds(small: Calibration) -> None:
    large = calibrated(febrl.read_rows(febrl.FILES[0])[:600], 100_000_000, 0.5)
    assert large.recommendation.auto > small.recommendation.auto


def test_too_few_records_are_refused() -> None:
    with pytest.raises(RecordCountError):
        calibrated(febrl.read_rows(febrl.FILES[0])[:150], 100, 0.5)


def test_the_recommendation_is_a_policy_that_an_agreement_takes(small: Calibration) -> None:
    from schemas.run import MatchingPolicy as AgreedPolicy
    from schemas.run import encoded_thresholds

    policy = AgreedPolicy.from_json(document(small)["policy"] | {"solver": "one-to-one"})
    assert encoded_thresholds(policy, PROFILE).review <= encoded_thresholds(policy, PROFILE).auto


def test_the_report_names_no_one_and_uses_plain_words(small: Calibration) -> None:
    text = report_page(small, "people.csv") + "\n".join(report_lines(small))
    surnames = {
        row["surname"] for row in febrl.read_rows(febrl.FILES[0])[:600] if len(row["surname"]) > 5
    }
    body = text.partition("</style>")[2]
    assert not [name for name in surnames if name in body]
    assert not {"clk", "bloom", "hash", "fill", "eld1", "dice"} & set(body.lower().split())


def test_levels_are_the_exact_thresholds_that_a_pair_reaches() -> None:
    rows = febrl.read_rows(febrl.FILES[0])[:80]
    specimen = encode_cleaned(clean_sample(sample_of(rows), PROFILE, COLUMNS, ""), PROFILE, KEYS)
    one = dataset(specimen, 80)
    sweep = Sweep.of(PROFILE, Fraction(3, 5))
    pairs = similar_pairs(one, one, sweep.encoded[0])
    for common, total, level in zip(
        pairs.common.tolist(), pairs.total.tolist(), sweep.levels(pairs).tolist(), strict=True
    ):
        assert level == sum(Fraction(2 * common, total) >= edge for edge in sweep.encoded)
