"""Codes that people write down and type: 18 random bytes as eight groups of four letters and digits.

Two further bytes are a checksum, so that a slip of the pen is found before the code is sent or tried. Spec
page: `schemas/spec/identity.md`.
"""

from __future__ import annotations

import hashlib
from typing import Final

from schemas.documents.errors import CodeError

CODE_BYTES: Final = 18
CHECK_BYTES: Final = 2
GROUP: Final = 4
GROUPS: Final = 8
# Crockford's base 32: no I, L, O and U, which are misread or make words.
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD: Final = str.maketrans("ILO", "110")
_LABEL: Final = b"blindlink/v1/code\n"
_SEPARATORS: Final = frozenset(" -\t\r\n")


def write_code(raw: bytes) -> str:
    """Return 18 random bytes as people write them: `0123-4567-...`, eight groups."""
    if len(raw) != CODE_BYTES:
        raise ValueError("a code has 18 bytes")
    number = int.from_bytes(raw + _check(raw), "big")
    letters = [ALPHABET[number >> 5 * i & 31] for i in reversed(range(GROUP * GROUPS))]
    return "-".join("".join(letters[i : i + GROUP]) for i in range(0, len(letters), GROUP))


def read_code(text: str) -> bytes:
    """Return the 18 bytes of a code as someone typed it: in any case, with or without its hyphens.

    I and L are read as 1, and O as 0.

    Raises:
        CodeError: letters are missing, too many or wrong; nothing of the text is in the message.
    """
    letters = [letter for letter in text.upper() if letter not in _SEPARATORS]
    typed = "".join(letters).translate(_MISREAD)
    if len(typed) != GROUP * GROUPS:
        raise CodeError(f"a code has {GROUP * GROUPS} letters and digits")
    if not set(typed) <= set(ALPHABET):
        raise CodeError("a code has no letter U and no sign but letters, digits and hyphens")
    number = 0
    for letter in typed:
        number = number << 5 | ALPHABET.index(letter)
    whole = number.to_bytes(CODE_BYTES + CHECK_BYTES, "big")
    raw = whole[:CODE_BYTES]
    if whole[CODE_BYTES:] != _check(raw):
        raise CodeError("a letter of the code is wrong")
    return raw


def _check(raw: bytes) -> bytes:
    return hashlib.sha256(_LABEL + raw).digest()[:CHECK_BYTES]
