"""From any spelling to upper-case ASCII words, the same on every platform, and how a name sounds.

Composition (NFC) is stable for all assigned characters, the transliteration is a fixed table of the
anyascii package whose digest the recipe holds, and upper-casing happens in ASCII: no locale, and no
property that differs between versions of Python.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import cache
from itertools import product
from string import ascii_uppercase

from anyascii import anyascii
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


_NOT_LETTERS = re.compile(r"[^A-Z0-9]+")
_JOINERS = str.maketrans("", "", "'`")
# "Robert (Bobby)", 'Robert "Bobby"': how the child is called.
_CALLED = re.compile(r"[(\"]([^()\"]*)[)\"]")
# As word processors and other scripts write these marks; single ones are apostrophes.
_MARKS = str.maketrans("\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02\uff08\uff09", '"' * 7 + "()")


def plain_upper(raw: str) -> str:
    """Return the text in upper-case ASCII, nothing else changed."""
    if raw.isascii():
        return raw.upper()
    return str(anyascii(unicodedata.normalize("NFC", raw))).upper()


def words(raw: str) -> tuple[str, ...]:
    """Return the words of a name: apostrophes join (O'Neal is ONEAL), all other marks part."""
    if raw.isascii() and raw.isalpha():
        return (raw.upper(),)
    return tuple(_NOT_LETTERS.sub(" ", plain_upper(raw).translate(_JOINERS)).split())


def called(raw: str) -> tuple[str, str]:
    """Return the text without its bracketed or quoted part, and that part; empty if there is none."""
    if not raw.isascii():
        raw = raw.translate(_MARKS)
    if "(" not in raw and '"' not in raw:
        return raw, ""
    found = _CALLED.search(raw)
    return (_CALLED.sub(" ", raw), found.group(1)) if found else (raw, "")


@cache
def transliteration_digest() -> str:
    """Return the SHA-256 of what anyascii makes of every character of the basic plane.

    Agencies with different tables would clean the same name differently and never match: the recipe names
    the table by this digest.
    """
    lines = "\n".join(anyascii(chr(code)) for code in range(0x80, 0xD800))
    return hashlib.sha256(lines.encode()).hexdigest()
