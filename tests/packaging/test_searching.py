"""Planted texts are found wherever they are, however many are looked for."""

from __future__ import annotations

import random

import pytest
from rigs import searching
from rigs.searching import found_in, spellings


def test_many_texts_at_once_are_found_as_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = random.Random(5)
    planted = {f"text {n}": rng.randbytes(rng.randrange(7, 12)) for n in range(60)}
    places = [("nothing", b""), ("short", b"abc")]
    for number in range(40):
        content = bytearray(rng.randbytes(3_000))
        if number % 3 == 0:
            text = rng.choice(list(spellings(rng.choice(list(planted.values())))))
            # At the beginning, at the end, and in between.
            at = rng.choice([0, len(content) - len(text), rng.randrange(2_900)])
            content[at : at + len(text)] = text
        places.append((f"place {number}", bytes(content)))
    at_once = found_in(places, planted)
    monkeypatch.setattr(searching, "_MANY", 10**6)
    assert sorted(at_once) == sorted(found_in(places, planted))
    assert len({one.partition(" in ")[2] for one in at_once}) == 14
