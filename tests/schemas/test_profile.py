"""What a profile does to lengths, thresholds and weights, held to slow twins."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from oracles.example_documents import PROFILE, changed

from schemas.errors import DocumentError, PolicyError
from schemas.profile import EncodingProfile, encoded_similarity, weight_window


def profile(**changes: Any) -> EncodingProfile:
    values = PROFILE
    for path, value in changes.items():
        values = changed(values, path.replace("__", "."), value)
    return EncodingProfile.from_json(values)


PLAIN = profile(hardening={"kind": "none", "taps": None, "output_bits": None, "salt": "none"})


def differs_by_sum(p: Fraction, s: Fraction, taps: int) -> Fraction:
    """The chance that an output bit differs: an odd number of its taps' filter bits do."""
    d = 2 * p * (1 - s)
    odd = range(1, taps + 1, 2)
    return sum((math.comb(taps, k) * d**k * (1 - d) ** (taps - k) for k in odd), Fraction(0))


@given(
    st.integers(2, 16),
    st.integers(1, 999).map(lambda thousandths: Fraction(thousandths, 1000)),
    st.fractions(0, 1, max_denominator=1000),
)
def test_a_similarity_is_mapped_as_the_sum_over_odd_numbers_says(
    taps: int, p: Fraction, s: Fraction
) -> None:
    assume(4 * p * (1 - s) < 1)
    hardened = profile(hardening__taps=taps, nominal_fill=f"{float(p):.3f}")
    assert encoded_similarity(hardened, s) == 1 - differs_by_sum(p, s, taps)


def test_without_hardening_a_similarity_stays() -> None:
    assert encoded_similarity(PLAIN, Fraction(17, 20)) == Fraction(17, 20)


def test_equal_filters_stay_equal() -> None:
    assert encoded_similarity(profile(), Fraction(1)) == 1


@given(st.fractions(Fraction(1, 2), 1), st.fractions(Fraction(1, 2), 1))
def test_the_order_of_similarities_stays(left: Fraction, right: Fraction) -> None:
    hardened = profile()
    mapped = encoded_similarity(hardened, left), encoded_similarity(hardened, right)
    assert (left < right) == (mapped[0] < mapped[1])


def test_a_similarity_of_which_nothing_is_left_is_refused() -> None:
    # 4 * 0.48 * (1 - s) = 1 at s = 1 - 1 / 1.92.
    edge = 1 - 1 / Fraction("1.92")
    with pytest.raises(PolicyError):
        encoded_similarity(profile(), edge)
    assert encoded_similarity(profile(), edge + Fraction(1, 10**6)) > Fraction(1, 2)


def test_the_designs_example_lies_where_it_says() -> None:
    """p = .48, s = .81, t = 4, 2,048 bits: 7.4 standard deviations above chance."""
    mapped = encoded_similarity(profile(), Fraction("0.81"))
    sigmas = 2 * math.sqrt(2048) * float(mapped - Fraction(1, 2))
    assert round(sigmas, 1) == 7.4


@given(st.integers(8, 512).map(lambda n_bytes: 8 * n_bytes))
def test_the_window_of_weights_is_seven_deviations_wide(bits: int) -> None:
    least, most = weight_window(profile(hardening__output_bits=bits))
    spread = 7 * math.sqrt(bits) / 2
    assert abs(least - (bits / 2 - spread)) <= 1
    assert abs(most - (bits / 2 + spread)) <= 1
    assert least + most in {bits, bits - 1, bits + 1}


def test_an_all_ones_encoding_is_outside_of_every_window() -> None:
    for bits in range(64, 4097, 8):
        least, most = weight_window(profile(hardening__output_bits=bits))
        assert most < bits
        assert least > 0


def test_without_hardening_only_all_and_nothing_are_outside() -> None:
    assert weight_window(PLAIN) == (1, 1023)


@pytest.mark.parametrize(("clk_bits", "n_bytes"), [(8, 1), (9, 2), (1000, 125), (1001, 126)])
def test_an_encodings_last_byte_is_padded(clk_bits: int, n_bytes: int) -> None:
    plain = profile(
        hardening=PLAIN.hardening.model_dump(),
        linkage_schema=json.dumps({"clkConfig": {"l": clk_bits}}),
    )
    assert (plain.encoding_bits, plain.encoding_bytes) == (clk_bits, n_bytes)


def test_hardening_decides_the_length_of_what_is_uploaded() -> None:
    assert (profile().clk_bits, profile().encoding_bits) == (1024, 2048)


def test_a_linkage_schema_is_kept_to_the_character() -> None:
    text = ' {"clkConfig" : {"l": 64}, "weight": 1.50} '
    assert profile(linkage_schema=text).linkage_schema == text


def test_two_spellings_of_a_schema_are_two_profiles() -> None:
    spelled = [
        profile(linkage_schema=text)
        for text in ('{"clkConfig":{"l":64}}', '{"clkConfig": {"l":64}}')
    ]
    assert spelled[0].digest() != spelled[1].digest()


def test_columns_are_those_that_the_schema_encodes_and_can_be_shown() -> None:
    def columns(features: str) -> tuple[str, ...]:
        text = f'{{"clkConfig":{{"l":64}},"features":{features}}}'
        return profile(linkage_schema=text).columns

    assert columns('[{"identifier":"b"},{"identifier":"a"}]') == ("b", "a")
    assert columns('[{"identifier":"b","ignored":true},{"identifier":"a"}]') == ("a",)
    for unclear in ("7", "[7]", "[{}]", '[{"identifier":"a\\nb"}]'):
        assert columns(unclear) == ()


def test_a_schema_longer_than_the_limit_is_refused() -> None:
    text = '{"clkConfig":{"l":64}}'
    profile(linkage_schema=text + " " * (200_000 - len(text)))
    with pytest.raises(DocumentError, match="linkage_schema"):
        profile(linkage_schema=text + " " * (200_001 - len(text)))


def test_a_schema_nested_without_end_is_refused() -> None:
    with pytest.raises(DocumentError, match="not the JSON text"):
        profile(linkage_schema="[" * 100_000)
