"""Rates: a token bucket for each client and class of route, in memory, bounded however many clients come."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from app.security.policy import RateClass
from app.settings import Settings

# Beyond this the longest unseen bucket is forgotten: it has most likely filled up again.
MAX_BUCKETS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Rate:
    """How often: `per_s` on average, and `burst` at once after a pause."""

    per_s: float
    burst: int


class RateLimiter:
    """Buckets by client and class; safe to call from any thread."""

    def __init__(self, rates: Mapping[RateClass, Rate], monotonic_s: Callable[[], float]) -> None:
        """Take the rate of each class and a clock in seconds that never goes back."""
        self._rates = rates
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        # (client, class) -> tokens left, and when that was.
        self._buckets: OrderedDict[tuple[str, RateClass], tuple[float, float]] = OrderedDict()

    def spend(self, client: str, rate_class: RateClass) -> int:
        """Take one token and return 0, or return after how many whole seconds there will be one."""
        rate = self._rates[rate_class]
        now = self._monotonic_s()
        with self._lock:
            left, then = self._buckets.pop((client, rate_class), (float(rate.burst), now))
            left = min(float(rate.burst), left + (now - then) * rate.per_s)
            wait_s = 0 if left >= 1 else math.ceil((1 - left) / rate.per_s)
            self._buckets[client, rate_class] = (left if wait_s else left - 1, now)
            if len(self._buckets) > MAX_BUCKETS:
                self._buckets.popitem(last=False)
        return wait_s


def rates_of(settings: Settings) -> dict[RateClass, Rate]:
    """Return the rates that the settings ask for; a burst is a quarter of a minute's worth."""
    per_minute: dict[RateClass, int] = {
        "read": settings.reads_per_minute,
        "write": settings.writes_per_minute,
        "part": settings.parts_per_minute,
        "sign-in": settings.sign_ins_per_minute,
        "probe": settings.reads_per_minute,
    }
    rates: dict[RateClass, Rate] = {
        name: Rate(per_s=number / 60, burst=math.ceil(number / 4))
        for name, number in per_minute.items()
    }
    # Each stays in the match log for good: as many at once as others in a minute, and ten times as many a day.
    n_at_once = settings.writes_per_minute
    return rates | {"lasting": Rate(per_s=10 * n_at_once / 86_400, burst=n_at_once)}
