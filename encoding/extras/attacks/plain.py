"""The same records as plain CLKs, one key for the whole file: what the classic attacks make of them.

They stand beside every result, so that the difference is seen. Plain CLKs are for exchange with clkhash and
anonlink; no project takes them.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from encoding.extras.attacks.graph_matching import GraphMatchingResult, attack_by_resemblance
from encoding.extras.attacks.known_pairs import (
    KnownPairsResult,
    attack_known_pairs,
    person_tokens,
    signs,
)
from encoding.extras.plain_clks.encoder import Encoder
from encoding.privacy_audit.files import ClearFile, Numbers
from encoding.privacy_audit.row_bytes import near_pairs

CLK_BITS: Final = 1024
_COLUMNS: Final = {"first_name": 200, "surname_1": 200, "birth_date": 160, "sex": 40}
_MOST_COMPARED: Final = 2_000


@dataclass(frozen=True, slots=True)
class PlainResult:
    """What attacks on plain CLKs of the same records found.

    Attributes:
        n_records: records that were attacked.
        n_alike: pairs of CLKs that look alike, among at most 2,000.
        known_pairs: one result for each number of known people.
        resemblance: what somebody finds who knows nobody, but has a list of all; None: not tried.
    """

    n_records: int
    n_alike: int
    known_pairs: tuple[KnownPairsResult, ...]
    resemblance: GraphMatchingResult | None


def linkage_schema() -> Mapping[str, Any]:
    """Return a linkage schema for derived columns, as clkhash users write them."""
    features = [
        {
            "identifier": name,
            "format": {"type": "string", "encoding": "utf-8", "case": "mixed"},
            "hashing": {
                "comparison": {"type": "ngram", "n": 2, "positional": name == "birth_date"},
                "strategy": {"bitsPerFeature": bits},
                "hash": {"type": "blakeHash"},
            },
        }
        for name, bits in _COLUMNS.items()
    ]
    kdf = {"type": "HKDF", "hash": "SHA256", "salt": "", "info": "", "keySize": 64}
    return {"version": 3, "clkConfig": {"l": CLK_BITS, "kdf": kdf}, "features": features}


def plain_clks(file: ClearFile, records: Numbers, key: str | None = None) -> NDArray[np.uint8]:
    """Return the plain CLK of each record's main spelling, under a key that is thrown away."""
    main = file.main[records].tolist()
    columns = {name: [file.columns[name][at] for at in main] for name in _COLUMNS}
    with Encoder(linkage_schema(), key or secrets.token_hex(32)) as encoder:
        return encoder.encode(columns).filters


def attack_plain(
    file: ClearFile, n_records: int, n_known: tuple[int, ...], n_matched: int, seed: int = 1
) -> PlainResult:
    """Attack plain CLKs of some records of a file."""
    drawn = np.random.default_rng(seed).permutation(file.n_records)
    chosen = np.sort(drawn[:n_records]).astype(np.int64)
    clks, tokens = plain_clks(file, chosen), person_tokens(file, chosen)
    found = [
        attack_known_pairs(signs(clks), tokens, known, seed)
        for known in n_known
        if known + _fewest_left(known) <= len(chosen)
    ]
    matched = None
    if n_matched:
        some = chosen[:n_matched]
        theirs = plain_clks(file, some)
        matched = attack_by_resemblance(clks[: len(some)], theirs, np.arange(len(some)), seed)
    n_alike = len(near_pairs(clks[:_MOST_COMPARED])[0])
    return PlainResult(len(chosen), n_alike, tuple(found), matched)


def _fewest_left(n_known: int) -> int:
    return min(250, n_known)
