"""Records in the clear as plain CLKs, one key for a whole file, as users of clkhash make them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from encoding.extras.plain_clks.encoder import Encoder
from encoding.privacy_audit.files import ClearFile, Numbers

CLK_BITS: Final = 1024
_COLUMNS: Final = {"first_name": 200, "surname_1": 200, "birth_date": 160, "sex": 40}


def linkage_schema() -> Mapping[str, Any]:
    """Return a linkage schema for derived columns, as clkhash users write them."""
    features = [
        {
            "identifier": name,
            "format": {"type": "string", "encoding": "utf-8", "case": "mixed"},
            "hashing": {
                "comparison": {"type": "ngram", "n": 2, "positional": name == "birth_date"},
                "strategy": {"bitsPerFeature": bits},
                "hash": {"type": "blakeHash"},
            },
        }
        for name, bits in _COLUMNS.items()
    ]
    kdf = {"type": "HKDF", "hash": "SHA256", "salt": "", "info": "", "keySize": 64}
    return {"version": 3, "clkConfig": {"l": CLK_BITS, "kdf": kdf}, "features": features}


def plain_clks(file: ClearFile, records: Numbers, key: str | None = None) -> NDArray[np.uint8]:
    """Return the plain CLK of each record's main spelling, under a key that is thrown away."""
    main = file.main[records].tolist()
    columns = {name: [file.columns[name][at] for at in main] for name in _COLUMNS}
    with Encoder(linkage_schema(), key or secrets.token_hex(32)) as encoder:
        return encoder.encode(columns).filters
