"""FEBRL4 as plain CLKs of a fixed key, row by row, for comparisons with anonlink.

python tests/samples/febrl_encodings.py ENCODINGS.npz
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
from samples.febrl import FIELDS, FILES, FOLDER, linkage_schema

from encoding.extras.plain_clks.encoder import Encoder

KEY = "ab" * 32


def febrl4_encodings(folder: Path = FOLDER) -> list[np.ndarray]:
    """Return both files of a folder as packed bytes, in the order of their rows."""
    files = []
    with Encoder(linkage_schema(), KEY) as encoder:
        for name in FILES:
            with (folder / name).open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file, skipinitialspace=True))
            columns = {field: [row[field].strip() for row in rows] for field in FIELDS}
            files.append(encoder.encode(columns).filters)
    return files


if __name__ == "__main__":
    left, right = febrl4_encodings()
    np.savez(sys.argv[1], a=left, b=right)
