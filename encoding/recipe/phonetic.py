"""How a name sounds: American Soundex, by the library jellyfish."""

from __future__ import annotations

import hashlib
from functools import cache
from itertools import product
from string import ascii_uppercase

from jellyfish import soundex

# Names on which implementations of Soundex are known to differ: H and W between letters of one code, a first
# letter of the code of the second, vowels between, more than three codes, none at all.
_NAMES = (
    "ASHCRAFT", "ASHCROFT", "BURROUGHS", "CZARKOWSKA", "GUTIERREZ", "HONEYMAN", "JACKSON", "LEE", "LLOYD",
    "MCCABE", "NGUYEN", "OHARA", "PFISTER", "RUBIN", "SCHWARZENEGGER", "TYMCZAK", "WOJCIECHOWSKI", "YUH",
)  # fmt: skip


def phonetic_code(name: str) -> str:
    """Return the four characters of a name in upper-case ASCII; nothing for no name."""
    return soundex(name) if name else ""


@cache
def phonetic_digest() -> str:
    """Return the SHA-256 of the codes of a fixed list of names.

    The list is some names that are known to be coded differently, then every word of three letters, then
    each of these after an A: together they try each letter first and each pair and triple of letters
    within. Agencies whose library codes otherwise would never meet: the recipe names the codes by this digest.
    """
    triples = ["".join(letters) for letters in product(ascii_uppercase, repeat=3)]
    names = (*_NAMES, *triples, *(f"A{letters}" for letters in triples))
    return hashlib.sha256("\n".join(map(phonetic_code, names)).encode()).hexdigest()
