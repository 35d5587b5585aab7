"""Writes what anonlink 0.15.3 finds, for tests/app/extras/exhaustive/test_anonlink.py.

    python write_anonlink_vectors.py ENCODINGS.npz FOLDER

Runs in an environment with anonlink and numpy, never with Blindlink. ENCODINGS.npz holds two files as
packed bytes, "a" and "b"; tests/samples/febrl_encodings.py writes it.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
from array import array
from pathlib import Path

THRESHOLDS = ("0.6", "0.7", "0.75", "0.8", "0.9")


def digest(rows) -> str:
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def febrl4(path: str) -> dict:
    import anonlink
    import numpy as np
    from bitarray import bitarray

    def rows(file) -> list:
        encodings = []
        for row in file:
            bits = bitarray()
            bits.frombytes(row.tobytes())
            encodings.append(bits)
        return encodings

    files = np.load(path)
    datasets = [rows(files["a"]), rows(files["b"])]
    results = {}
    for threshold in THRESHOLDS:
        candidates = anonlink.candidate_generation.find_candidate_pairs(
            datasets, anonlink.similarities.dice_coefficient, float(threshold)
        )
        scores, _, (left, right) = candidates
        groups = sorted(sorted(group) for group in anonlink.solving.greedy_solve(candidates))
        results[threshold] = {
            "n_pairs": len(scores),
            "pairs": digest(f"{i} {j} {s!r}" for i, j, s in zip(left, right, scores, strict=True)),
            "n_groups": len(groups),
            "groups": digest(str(group) for group in groups),
        }
    encodings = hashlib.sha256(files["a"].tobytes() + files["b"].tobytes()).hexdigest()
    return {"encodings": encodings, "thresholds": results}


def random_groups(seed: int) -> dict:
    """Random pairs of a few files, with ties and with pairs within files, and their groups."""
    import anonlink

    rng = random.Random(seed)
    n_records = [rng.randint(1, 8) for _ in range(rng.randint(2, 5))]
    records = [(file, record) for file, n in enumerate(n_records) for record in range(n)]
    is_within = rng.random() < 0.3
    every = [
        (x, y) for i, x in enumerate(records) for y in records[i + 1 :] if is_within or x[0] != y[0]
    ]
    chosen = rng.sample(every, min(len(every), rng.randint(0, 60)))
    pairs = sorted((-rng.randint(80, 90), x[0], y[0], x[1], y[1]) for x, y in chosen)
    candidates = (
        array("d", [-pair[0] / 100 for pair in pairs]),
        tuple(array("I", [pair[i] for pair in pairs]) for i in (1, 2)),
        tuple(array("I", [pair[i] for pair in pairs]) for i in (3, 4)),
    )
    groups = sorted(sorted(group) for group in anonlink.solving.greedy_solve(candidates))
    return {
        "n_records": n_records,
        "pairs": [[[a, x], [b, y], -score] for score, a, b, x, y in pairs],
        "groups": groups,
    }


def main() -> None:
    folder = Path(sys.argv[2])
    cases = [random_groups(seed) for seed in range(60)]
    (folder / "anonlink_groups.json").write_text(
        "[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n"
    )
    (folder / "anonlink_febrl4.json").write_text(json.dumps(febrl4(sys.argv[1]), indent=2) + "\n")


if __name__ == "__main__":
    main()
