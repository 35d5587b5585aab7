"""Two files of seeded people as encodings: plain CLKs, sparse or half full.

Names come with the frequencies that clkhash ships; half of the second file are people of the first, with
slips of the pen. Small vocabularies make strangers more alike than in real files, so the numbers are on
the careful side. Files are kept in .bench/.
"""

from __future__ import annotations

import csv
from pathlib import Path

import clkhash
import numpy as np

from encoding.extras.plain_clks.encoder import Encoder

BENCH = Path(__file__).resolve().parent.parent / ".bench"
SECRET = "a secret of the benchmark"
# Bits of each feature: about 266 of 1,024 set, and about 503.
SPARSE = {"first": 80, "last": 80, "birth": 80, "sex": 20, "zip": 50}
HALF = {"first": 200, "last": 200, "birth": 150, "sex": 50, "zip": 100}
SLIPS = {"first": 0.15, "last": 0.15, "birth": 0.05, "sex": 0.01, "zip": 0.1}
LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CHUNK = 200_000


def two_files(kind: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two files of n encodings as packed bytes.

    Args:
        kind: "sparse" or "half".
        n: rows of each file.
    """
    path = BENCH / f"matching-{kind}-{n}.npz"
    if not path.exists():
        BENCH.mkdir(exist_ok=True)
        left, right = _encode(kind, n)
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, left=left, right=right)
        partial.replace(path)
    stored = np.load(path)
    return stored["left"], stored["right"]


def _encode(kind: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(2024)
    left, right = _people(n, random), _people(n, random)
    partners = random.permutation(n)[: n // 2]
    for name, values in right.items():
        values[: n // 2] = _with_slips(left[name][partners], SLIPS[name], random)
    encoder = Encoder(_schema(SPARSE if kind == "sparse" else HALF), SECRET)
    return _filters(encoder, left), _filters(encoder, right)[random.permutation(n)]


def _filters(encoder: Encoder, people: dict[str, np.ndarray]) -> np.ndarray:
    n = len(people["first"])
    parts = []
    for start in range(0, n, _CHUNK):
        cells = {name: values[start : start + _CHUNK].tolist() for name, values in people.items()}
        parts.append(encoder.encode(cells).filters)
    return np.concatenate(parts)


def _schema(bits: dict[str, int]) -> dict:
    features = []
    for name, n_bits in bits.items():
        is_place = name in ("birth", "zip")
        comparison = {"type": "ngram", "n": 1 if is_place else 2, "positional": is_place}
        hashing = {"comparison": comparison, "strategy": {"bitsPerFeature": n_bits}}
        text = {"type": "string", "encoding": "utf-8"}
        features.append({"identifier": name, "format": text, "hashing": hashing})
    kdf = {"type": "HKDF", "hash": "SHA256", "keySize": 64}
    return {"version": 3, "clkConfig": {"l": 1024, "kdf": kdf}, "features": features}


def _people(n: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    is_girl = random.random(n) < 0.49
    firsts = [_names(f"{sex}-first-names.csv", n, random) for sex in ("female", "male")]
    days = np.datetime64("2003-09-01") + random.integers(0, 18 * 365, n).astype("timedelta64[D]")
    return {
        "first": np.where(is_girl, *firsts),
        "last": _names("last-names.csv", n, random),
        "birth": np.char.replace(np.datetime_as_string(days), "-", ""),
        "sex": np.where(is_girl, "F", "M"),
        "zip": (90001 + (random.pareto(1.0, n) * 40).astype(int) % 2600).astype(str),
    }


def _names(file: str, n: int, random: np.random.Generator) -> np.ndarray:
    path = Path(clkhash.__file__).parent / "data" / file
    rows = [row for row in csv.reader(path.open(encoding="utf-8")) if row[1].strip().isdigit()]
    counts = np.array([int(row[1]) for row in rows], dtype=float)
    return random.choice(np.array([row[0].lower() for row in rows]), n, p=counts / counts.sum())


def _with_slips(values: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """Return the values, a share of them with a letter changed, left out, added or moved."""
    wrong = values.tolist()
    for row in np.flatnonzero(random.random(len(values)) < share).tolist():
        text, kind = wrong[row], random.integers(4)
        at, letter = int(random.integers(len(text))), LETTERS[random.integers(26)]
        middle = (letter, "", letter + text[at], text[at + 1 : at + 2] + text[at])[kind]
        wrong[row] = text[:at] + middle + text[at + (2 if kind == 3 else 1) :]
    return np.array(wrong)
