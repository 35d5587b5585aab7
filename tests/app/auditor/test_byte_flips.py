"""One byte of a bundle of some 90 KiB is changed: always found, and where it was in an entry, that one named.

500 bytes here, by a fixed seed; all of them in the full campaign.
"""

from __future__ import annotations

import io
import random

import pytest
from campaign.reports import Tally
from campaign.size import times
from samples.log import story
from samples.refusals import is_one

from app.auditor.errors import AuditError, LeafChangedError
from app.auditor.verify import verify_bundle


def _bundle() -> bytes:
    log = story(31, n_weeks=1, projects=("foster",))
    log.cosign(0)
    log.week("foster")
    log.export("foster")
    log.cosign(1)
    return log.bundle("foster")


BUNDLE = _bundle()


def entry_of_each_byte() -> dict[int, int]:
    """For each offset inside an entry's bytes, that entry's index."""
    name = BUNDLE.index(b"tile/entries/000")
    at, index = name + 512, 0
    end = at + int(BUNDLE[name + 124 : name + 135], 8)
    found = {}
    while at < end:
        length = int.from_bytes(BUNDLE[at : at + 2], "big")
        found.update(dict.fromkeys(range(at + 2, at + 2 + length), index))
        at, index = at + 2 + length, index + 1
    return found


ENTRY_AT = entry_of_each_byte()


def check_flip(offset: int, change: int) -> None:
    bent = bytearray(BUNDLE)
    bent[offset] ^= change
    with pytest.raises(AuditError) as caught:
        verify_bundle(io.BytesIO(bytes(bent)))
    if offset in ENTRY_AT:
        assert is_one(caught.value, LeafChangedError)
        assert caught.value.index == ENTRY_AT[offset]


def test_the_bundle_is_about_90_kib_and_verifies() -> None:
    assert 64 * 1024 < len(BUNDLE) < 112 * 1024
    verify_bundle(io.BytesIO(BUNDLE))


@pytest.mark.long
@pytest.mark.campaign("forged-bytes")
def test_flipped_bytes_are_found(tally: Tally) -> None:
    chooser = random.Random(2026)
    offsets = chooser.sample(range(len(BUNDLE)), times(quick=500, full=len(BUNDLE)))
    for offset in offsets:
        check_flip(offset, chooser.randrange(1, 256))
    tally.tried(len(offsets))
