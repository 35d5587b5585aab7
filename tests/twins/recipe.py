"""Version 2 of the recipe, one row at a time and step by step, as docs/recipe.md tells it: the slow twin."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from anyascii import anyascii

from encoding.recipe.tables import load_tables

TABLES = load_tables()
YEARS = range(1995, 2061)
CAP = 8
CALLED = r"""[("“”„‟«»＂（]([^()"“”„‟«»＂（）]*)[)"“”„‟«»＂）]"""
PARTICLES = TABLES.particles - {"MC", "MAC", "O", "D", "FITZ"}


def derive_row(cells: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yield the derived columns of the main spelling of a row, then of each alias; nothing if it is refused."""
    first, rest, called = given(cells["first_name"])
    last = surname(cells["last_name"])
    if not is_usable(cells) or not (first or last):
        return
    alias_first, alias_last = given(cells["alias_first"])[0], surname(cells["alias_last"])
    others = [name for name in (alias_first, called) if name]
    spellings = [(first, last)]
    if alias_last:
        spellings.append((first, alias_last))
    spellings += [(other, last) for other in others]
    if alias_last:
        spellings += [(other, alias_last) for other in others]
    if is_transposed(first, last):
        spellings.append((last[0], [unglue(first)]))
    common = {
        **birth_columns(cells["birth_date"]),
        **zip_columns(cells["zip"]),
        "sex": {"F": "F", "male": "M"}.get(cells["sex"], ""),
        "middle_initial": (rest or middle(cells["middle_name"]) or [""])[0][:1],
        "suffix": suffix_of(cells),
    }
    made: list[dict[str, str]] = []
    for one, other in spellings:
        columns = {**first_columns(one), **surname_columns(other), **common}
        if (one or other) and columns not in made:
            made.append(columns)
    yield from made[:CAP]


def is_usable(cells: dict[str, str]) -> bool:
    """Return whether sex code and date break no rule."""
    if cells["sex"] == "Q":
        return False
    raw = cells["birth_date"]
    if raw in ("", "1/1/1900", "Unknown", "00/00/0000"):
        return True
    found = re.fullmatch(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", raw)
    try:
        return found is not None and date(int(found[3]), int(found[1]), int(found[2])).year in YEARS
    except ValueError:
        return False


def birth_columns(raw: str) -> dict[str, str]:
    """Return the columns of a date that breaks no rule."""
    if raw in ("", "1/1/1900", "Unknown", "00/00/0000"):
        return dict.fromkeys(
            ("birth_date", "birth_year", "birth_month", "birth_day", "birth_day_month"), ""
        )
    month, day, year = (part.zfill(2) for part in raw.split("/"))
    return {
        "birth_date": year + month + day, "birth_year": year, "birth_month": month, "birth_day": day,
        "birth_day_month": min(month, day) + max(month, day),
    }  # fmt: skip


def zip_columns(raw: str) -> dict[str, str]:
    """Return the columns of a ZIP code."""
    digits = raw.strip().replace("-", "").replace(" ", "")
    is_zip = bool(re.fullmatch("[0-9]{5}([0-9]{4})?", digits))
    code = digits[:5] if is_zip else ""
    code = "" if code in ("00000", "99999", "11111", "12345") else code
    return {"zip": code, "zip3": code[:3]}


def known_number(raw: str, kind: str) -> str:
    """Return a known number in normal form."""
    text = unicodedata.normalize("NFKC", raw).strip().upper()
    if re.fullmatch(r"[0-9]+[.]0+", text):
        text = text.split(".")[0]
    found = re.fullmatch(r"[0-9]+([.,]?)[0-9]*E([+-]?)[0-9]+", text)
    if found is not None and (found[1] or found[2] == "+"):
        return ""
    signs = [sign for sign in text if sign.isalnum()]
    if any(sign not in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" for sign in signs):
        return ""
    while signs and signs[0] == "0":
        signs = signs[1:]
    digits = [int(sign) for sign in signs if sign.isdigit()]
    for step in (0, 1, -1):
        if all(after == (before + step) % 10 for before, after in pairwise(digits)):
            return ""
    number = "".join(signs)
    if kind != "ssn":
        is_one = 5 <= len(number) <= 20 and 4 <= len(digits) >= len(number) - len(digits)
        return number if is_one else ""
    # Its zeros: up to two may be lost.
    n_signs = sum(sign.isalnum() for sign in text)
    if len(digits) < len(number) or not 7 <= n_signs <= 9:
        return ""
    number = number.rjust(9, "0")
    area, group, serial = int(number[:3]), int(number[3:5]), int(number[5:])
    advertised = ("078051120", "219099999", "457555462", "111223333", "123121234")
    is_issued = 0 < area < 900 and area != 666 and group > 0 and serial > 0
    return number if is_issued and number not in advertised else ""


def first_columns(first: str) -> dict[str, str]:
    """Return the columns of a first name."""
    formal = {name for names in TABLES.nicknames.values() for name in names}
    canonical = first
    if first in TABLES.nicknames and first not in formal:
        canonical = TABLES.nicknames[first][0]
    return {
        "first_name": first, "first_name_canonical": canonical, "first_name_head": canonical[:3],
        "first_name_soundex": soundex(canonical),
    }  # fmt: skip


def surname_columns(parts: list[str]) -> dict[str, str]:
    """Return the columns of a surname."""
    two = sorted(parts[:2]) or ["", ""]
    one, other = two[0], two[-1]
    return {
        "surname_1": one, "surname_2": other, "surname_double": "2" if one != other else "",
        "surname_1_head": one[:3], "surname_2_head": other[:3],
        "surname_1_soundex": soundex(one), "surname_2_soundex": soundex(other),
    }  # fmt: skip


def soundex(name: str) -> str:
    """Return the code by the rules of the National Archives."""
    if not name:
        return ""
    digit_of = {
        letter: digit
        for digit, letters in enumerate(("BFPV", "CGJKQSXZ", "DT", "L", "MN", "R"), start=1)
        for letter in letters
    }
    code, before = name[0], digit_of.get(name[0])
    for letter in name[1:]:
        if letter in "HW":
            continue
        digit = digit_of.get(letter)
        if digit and digit != before:
            code += str(digit)
        before = digit
    return (code + "000")[:4]


def is_transposed(first: str, last: list[str]) -> bool:
    """Return whether first and last name look swapped."""
    if not first or not last:
        return False
    if len(last) == 1 and last[0] in TABLES.given_names and first not in TABLES.given_names:
        return True
    return first in TABLES.family_first and last[-1] not in TABLES.family_first


def given(raw: str) -> tuple[str, list[str], str]:
    """Return first name, the words after it, and how the child is called."""
    called = split((re.findall(CALLED, raw) or [""])[0])
    found = strip_suffixes(split(re.sub(CALLED, " ", raw)))
    while found and found[0] in TABLES.titles:
        found = found[1:]
    if is_placeholder(found):
        found = []
    if len(found) > 1 and found[0] in TABLES.given_heads:
        found = [found[0] + found[1], *found[2:]]
    if len(found) > 1 and len(found[0]) == 1:
        found = [found[1], found[0], *found[2:]]
    return (found[0] if found else ""), found[1:], (called[0] if called else "")


def middle(raw: str) -> list[str]:
    """Return the middle names."""
    found = strip_suffixes(split(raw))
    return [] if is_placeholder(found) else found


def surname(raw: str) -> list[str]:
    """Return the surname's words: without particles, some heads joined to the word after them."""
    found = strip_suffixes(split(raw))
    if is_placeholder(found):
        return []
    while True:
        inner = [i for i, w in enumerate(found[1:-1], start=1) if w in TABLES.conjunctions]
        if not inner:
            break
        del found[inner[0]]
    # From the end: the last word stays, whatever it is.
    kept = found[-1:]
    attaches = True
    for word in reversed(found[:-1]):
        if word in PARTICLES:
            continue
        if word in TABLES.particles:
            if attaches:
                kept[0] = word + kept[0]
                attaches = False
            continue
        kept.insert(0, word)
        attaches = True
    return [unglue(word) for word in kept]


def unglue(word: str) -> str:
    """Return the word without the particle that it begins with."""
    found = re.fullmatch("(DELOS|DELA|VANDER)(.{3,})", word)
    return found.group(2) if found else word


def suffix_of(cells: dict[str, str]) -> str:
    """Return the suffix, of its own column or at the end of the last name, or of the first name."""
    own = split(cells["suffix"])
    if own and own[-1] in TABLES.suffixes:
        return TABLES.suffixes[own[-1]]
    for name in (cells["last_name"], re.sub(CALLED, " ", cells["first_name"])):
        found, suffix = split(name), ""
        while len(found) > 1 and found[-1] in TABLES.suffixes:
            suffix, found = TABLES.suffixes[found[-1]], found[:-1]
        if suffix:
            return suffix
    return ""


def split(raw: str) -> list[str]:
    """Return the words in upper-case ASCII."""
    text = anyascii(unicodedata.normalize("NFC", raw)).upper().replace("'", "").replace("`", "")
    return re.findall(r"[A-Z0-9]+", text)


def strip_suffixes(found: list[str]) -> list[str]:
    """Return the words without the generation suffixes at their end."""
    while len(found) > 1 and found[-1] in TABLES.suffixes:
        found = found[:-1]
    return [letters for word in found if (letters := re.sub(r"[0-9]", "", word))]


def is_placeholder(found: list[str]) -> bool:
    """Return whether the words stand for an unknown name."""
    return bool(found) and (
        (found[0] in TABLES.infant_heads and set(found) <= TABLES.infant_words)
        or set(found) <= TABLES.name_placeholders
        or "".join(found) in TABLES.name_placeholders
    )
