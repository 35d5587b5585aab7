"""Every parser of what comes from outside is given good bytes, and the same ones bent.

`make fuzz` bends far more, led by the lines that are reached.
"""

from __future__ import annotations

import random

import pytest
from campaign.parsers import LINES_AND_FILES, Parser, parsers, seeds
from campaign.reports import Tally
from campaign.size import times

pytestmark = pytest.mark.campaign("malformed")


@pytest.mark.parametrize("name", LINES_AND_FILES)
def test_bent_bytes_are_refused_by_name_or_have_one_spelling(name: str, tally: Tally) -> None:
    tally.tried(_bent(name, LINES_AND_FILES[name]))


def test_bent_documents_are_refused_by_name(tally: Tally) -> None:
    documents = {name: one for name, one in parsers().items() if name not in LINES_AND_FILES}
    assert len(documents) > 40
    tally.tried(sum(_bent(name, one) for name, one in documents.items()))


def _bent(name: str, parser: Parser) -> int:
    """Give a parser bent bytes, and return how many."""
    good, chance = seeds(parser), random.Random(name)
    assert good
    n_tried = times(20, 2000)
    for _ in range(n_tried):
        raw = bytearray(chance.choice(good))
        for _ in range(chance.randint(1, 3)):
            _bend(raw, chance)
        parser.takes(bytes(raw))
    return n_tried


def _bend(raw: bytearray, chance: random.Random) -> None:
    at, length = chance.randrange(len(raw) + 1), chance.randint(0, 8)
    some = [
        b"",
        chance.randbytes(length),
        bytes(raw[at : at + length]) * 2,
        b"-0",
        b"9" * 5000,
        b"\\ud800",
        "\N{FULLWIDTH DIGIT ONE}".encode(),
    ]
    raw[at : at + chance.randint(0, length)] = chance.choice(some)
