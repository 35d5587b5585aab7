from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http import limits
from app.http.limits import Rate, RateLimiter, rates_of
from app.settings import Settings

RATES = {"read": Rate(per_s=2, burst=4), "write": Rate(per_s=1, burst=1)}


class HandClock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def limiter(clock: HandClock) -> RateLimiter:
    return RateLimiter(RATES, clock)  # type: ignore[arg-type]


def test_a_burst_passes_and_the_next_request_waits_as_it_was_told(
    limiter: RateLimiter, clock: HandClock
) -> None:
    assert [limiter.spend("a", "read") for _ in range(5)] == [0, 0, 0, 0, 1]
    # Waiting as told is enough.
    limiter.spend("b", "write")
    clock.now_s = float(limiter.spend("b", "write"))
    assert limiter.spend("b", "write") == 0
    # Clients and classes do not share buckets.
    limiter.spend("c", "write")
    assert limiter.spend("d", "write") == 0
    assert limiter.spend("c", "read") == 0


def test_a_refused_request_costs_nothing(limiter: RateLimiter, clock: HandClock) -> None:
    for _ in range(100):
        limiter.spend("a", "read")
    clock.now_s = 0.5
    assert limiter.spend("a", "read") == 0


def test_memory_is_bounded(limiter: RateLimiter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BUCKETS", 10)
    for number in range(1000):
        limiter.spend(str(number), "read")
    assert len(limiter._buckets) == 10


@given(st.lists(st.floats(0, 5), max_size=60))
def test_no_more_pass_than_burst_and_rate_allow(pauses_s: list[float]) -> None:
    clock = HandClock()
    limiter = RateLimiter(RATES, clock)  # type: ignore[arg-type]
    passed = 0
    for pause_s in pauses_s:
        clock.now_s += pause_s
        passed += limiter.spend("a", "read") == 0
        assert passed <= RATES["read"].burst + clock.now_s * RATES["read"].per_s + 1e-6


def test_the_settings_name_a_rate_for_every_class() -> None:
    rates = rates_of(Settings())
    assert rates["sign-in"].per_s == 0.5
    assert rates["lasting"].per_s * 86_400 == 2400
    assert all(rate.burst >= 1 for rate in rates.values())
