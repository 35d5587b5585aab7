"""Token files as OpenLinkToken writes them, of invented people, under a secret that is thrown away.

Written anew by its published pages (token rules, normalization, tokenize): a rule's attributes, normalized and
joined by a stroke, are hashed by SHA-256, and the hexadecimal digits by HMAC-SHA-256 under the shared secret; a
rule of which an attribute is missing gives 64 zeros.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from encoding.recipe.dates import read_date_format
from encoding.synth import CHILD_WELFARE_LAYOUT, K12_LAYOUT
from encoding.synth.files import Layout, RehearsalFiles

HEADER = ("RuleId", "Token", "RecordId")
BLANK = "0" * 64
SECRET = b"invented for a test"

Person = Mapping[str, str]
"""first, last, born as YYYY-MM-DD, sex as M or F, zip, ssn; what is missing is empty."""

# What of which attribute; None takes the whole.
RULES: Mapping[str, tuple[tuple[str, int | None], ...]] = {
    "T1": (("last", None), ("first", 1), ("sex", None), ("born", None)),
    "T2": (("last", None), ("first", None), ("born", None), ("zip", 3)),
    "T3": (("last", None), ("first", None), ("sex", None), ("born", None)),
    "T4": (("ssn", None), ("sex", None), ("born", None)),
    "T5": (("last", None), ("first", 3), ("sex", None)),
}


def token(rule: str, person: Person, secret: bytes = SECRET) -> str:
    """Return the token of one rule, in its hashed form."""
    parts = [_normal(name, person.get(name, ""))[:length] for name, length in RULES[rule]]
    if not all(parts):
        return BLANK
    signature = hashlib.sha256("|".join(parts).encode()).hexdigest()
    return b64encode(hmac.digest(secret, signature.encode(), "sha256")).decode()


def token_rows(
    people: Iterable[tuple[str, Person]], secret: bytes = SECRET
) -> Iterator[tuple[str, str, str]]:
    """Yield the rows of a token file, a row a record and rule."""
    for record_id, person in people:
        for rule in RULES:
            yield rule, token(rule, person, secret), record_id


def write_tokens(path: Path, people: Iterable[tuple[str, Person]], secret: bytes = SECRET) -> Path:
    """Write a token file of people by their record IDs."""
    return write_rows(path, token_rows(people, secret))


def write_rows(
    path: Path, rows: Iterable[tuple[str, ...]], header: tuple[str, ...] = HEADER
) -> Path:
    """Write rows as they are."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def rehearsed(files: RehearsalFiles) -> tuple[list[tuple[str, Person]], list[tuple[str, Person]]]:
    """Return the people of a rehearsal's two files, the first row of each record ID.

    The school file has no Social Security numbers; those of the other one start with 9, and are taken here.
    """
    return (
        _first_rows(files.child_welfare, CHILD_WELFARE_LAYOUT),
        _first_rows(files.k12, K12_LAYOUT),
    )


def _first_rows(path: Path, layout: Layout) -> list[tuple[str, Person]]:
    columns = layout.inputs
    found: dict[str, Person] = {}
    date_format = read_date_format(layout.date_format)
    with path.open(encoding=layout.text_encoding, newline="") as file:
        for row in csv.DictReader(file):
            born = date_format.parse(row[columns["birth_date"]])
            found.setdefault(
                row[layout.id_column],
                {
                    "first": row[columns["first_name"]],
                    "last": row[columns["last_name"]],
                    "born": born.isoformat() if born else "",
                    "sex": row["sex"][:1].upper(),
                    "zip": row[columns["zip"]].replace("99999", ""),
                    "ssn": row.get("ssn", ""),
                },
            )
    return list(found.items())


def _normal(name: str, text: str) -> str:
    if name in ("first", "last"):
        plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().upper()
        return re.sub("[^A-Z]", "", plain)
    if name == "sex":
        return {"M": "MALE", "F": "FEMALE"}.get(text, "")
    return re.sub("[^0-9]", "", text) if name == "ssn" else text
