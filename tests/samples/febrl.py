"""FEBRL4 as two agencies have it: nine fields to compare, and who is really the same person."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "data"
FILES = ("febrl4a.csv", "febrl4b.csv")
FIELDS = (
    "given_name",
    "surname",
    "street_number",
    "address_1",
    "address_2",
    "suburb",
    "postcode",
    "state",
    "date_of_birth",
)


def linkage_schema() -> dict[str, Any]:
    """Return a plain clkhash schema: bigrams of each field, 60 bits each, 1,024 in all.

    The date of birth is text, since the files hold days that do not exist.
    """
    features = [
        {
            "identifier": name,
            "format": {"type": "string", "encoding": "utf-8"},
            "hashing": {
                "comparison": {"type": "ngram", "n": 2},
                "strategy": {"bitsPerFeature": 60},
                "hash": {"type": "blakeHash"},
            },
        }
        for name in FIELDS
    ]
    kdf = {"type": "HKDF", "hash": "SHA256", "info": "", "salt": "", "keySize": 64}
    return {"version": 3, "clkConfig": {"l": 1024, "kdf": kdf}, "features": features}


def read_rows(name: str) -> list[dict[str, str]]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), skipinitialspace=True))


def person(record_id: str) -> str:
    """Return the number that both records of a person share: rec-77-org and rec-77-dup-0."""
    return record_id.split("-")[1]


def write_halves(folder: Path, seed: int = 4) -> tuple[Path, Path]:
    """Write both files with half of the partners removed, a quarter on each side, as they are shipped."""
    people = sorted({person(row["rec_id"]) for row in read_rows(FILES[0])}, key=int)
    random.Random(seed).shuffle(people)
    quarter = len(people) // 4
    removed = {FILES[0]: set(people[:quarter]), FILES[1]: set(people[quarter : 2 * quarter])}
    for name in FILES:
        header, *lines = (FOLDER / name).read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if person(line.partition(",")[0]) not in removed[name]]
        (folder / name).write_text("".join([header, *kept]), encoding="utf-8")
    return folder / FILES[0], folder / FILES[1]
