"""The keys of a round: from the secret to the cell, from the cell to the row.

`cell_key` is the one function that an oblivious PRF could replace. Spec page: `schemas/spec/bsf1.md`.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from encoding.errors import RowTooLongError
from encoding.secret.secret import Secret
from schemas.linkage.profile import TOKEN_BYTES

KEY_BYTES: Final = 32
ROW_KEY_BYTES: Final = 16
NONCE_BYTES: Final = 32
# BLAKE2b takes 16 bytes of personalisation: one purpose can never give the output of another.
_CELL: Final = b"bsf1 cell"
_INDEX: Final = b"bsf1 index"
_VALUE: Final = b"bsf1 value"
_TWO_BYTES: Final = struct.Struct(">H").pack


@dataclass(frozen=True, slots=True)
class RoundName:
    """What a round's keys are bound to; equal at both agencies.

    Attributes:
        project: the project's name.
        epoch: which secret.
        larger: the party whose file is the larger of the pair, by the agreement.
        smaller: the other party.
        profile: SHA-256 of the encoding profile, lower-case hex.
        number: the round.
        nonce_larger: the 32 bytes that the larger file's party drew for it.
        nonce_smaller: those of the other party.
    """

    project: str
    epoch: int
    larger: str
    smaller: str
    profile: str
    number: int
    nonce_larger: bytes
    nonce_smaller: bytes


def packed(*parts: str | bytes) -> bytes:
    """Return parts one after the other, each with its length in two bytes before it.

    No two lists of parts give the same bytes.

    Raises:
        RowTooLongError: a part has more than 65,535 bytes.
    """
    raws = [part.encode() if isinstance(part, str) else part for part in parts]
    try:
        return b"".join([piece for raw in raws for piece in (_TWO_BYTES(len(raw)), raw)])
    except struct.error:
        raise RowTooLongError("a value is longer than 65,535 bytes") from None


def round_key(secret: Secret, name: RoundName) -> bytes:
    """Return the key of one pair's round, 32 bytes.

    Raises:
        ValueError: a nonce is not 32 bytes long.
    """
    if {len(name.nonce_larger), len(name.nonce_smaller)} != {NONCE_BYTES}:
        raise ValueError(f"a nonce has {NONCE_BYTES} bytes")
    info = packed(
        "blindlink/v1/bsf1/round",
        name.project,
        str(name.epoch),
        name.larger,
        name.smaller,
        bytes.fromhex(name.profile),
        str(name.number),
        name.nonce_larger,
        name.nonce_smaller,
    )
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(
        secret.to_bytes()
    )


class CellKeys:
    """Makes the keys of cells from blocking keys; the state of the keyed hash is made once."""

    def __init__(self, key_of_round: bytes) -> None:
        self._start = hashlib.blake2b(digest_size=KEY_BYTES, key=key_of_round, person=_CELL)

    def __call__(self, name: str, occurrence: int, parts: Sequence[str]) -> bytes:
        """Return the key of a cell, 32 bytes."""
        return self.of_packed([packed(name, str(occurrence), *parts)])[0]

    def of_packed(self, names: Iterable[bytes]) -> list[bytes]:
        """Return the keys of many cells, each named by its packed pass, occurrence and values."""
        cells: list[bytes] = []
        for name in names:
            state = self._start.copy()
            state.update(name)
            cells.append(state.digest())
        return cells


def index_rows(cells: bytes, places: Sequence[int]) -> bytes:
    """Return token (16 bytes) and row key (16 bytes) of some places of blocks, joined."""
    size = TOKEN_BYTES + ROW_KEY_BYTES
    return b"".join(
        hashlib.blake2b(
            _TWO_BYTES(place), digest_size=size, key=cells[at : at + KEY_BYTES], person=_INDEX
        ).digest()
        for at, place in zip(range(0, len(cells), KEY_BYTES), places, strict=True)
    )


def value_word(*parts: str) -> int:
    """Return the number by which a value is hashed: 64 bits, of which the lowest 8 are zero.

    Two values have the same number once in 2^56; the lowest byte counts the calls for one value.
    """
    digest = hashlib.blake2b(packed(*parts), digest_size=8, person=_VALUE).digest()
    return int.from_bytes(digest, "little") & ~0xFF
