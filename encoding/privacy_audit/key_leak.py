"""Drill A4: what whoever has the secret can do, whatever the hardening."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from encoding.secret import new_secret
from encoding.specimen import Cleaned, encode_cleaned
from schemas.profile import EncodingProfile

REGISTER_PEOPLE = 10_000_000


@dataclass(frozen=True, slots=True)
class KeyLeak:
    """How fast a register could be encoded on one processor core of this computer.

    Attributes:
        rows_per_s: encodings a second, cleaning not counted.
        register_minutes: minutes for a register of ten million people, one encoding each.
    """

    rows_per_s: int
    register_minutes: int


def drill_key_leak(
    cleaned: Cleaned, profile: EncodingProfile, clock: Callable[[], float] = time.process_time
) -> KeyLeak:
    """Encode the cleaned rows once and measure the time of the processor."""
    started = clock()
    encode_cleaned(cleaned, profile, new_secret())
    spent_s = max(clock() - started, 1e-9)
    rate = len(cleaned) / spent_s
    return KeyLeak(int(rate), int(REGISTER_PEOPLE / max(rate, 1) / 60) + 1)
