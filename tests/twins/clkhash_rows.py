"""CLKs as clkhash itself makes them, one row at a time: slow, obvious, and what ours must equal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from clkhash.bloomfilter import stream_bloom_filters
from clkhash.key_derivation import generate_key_lists
from clkhash.schema import from_json_dict
from clkhash.validate_data import EntryError, validate_entries


class ClkhashRows:
    """clkhash with one schema and one key."""

    def __init__(self, document: Mapping[str, Any], key: str) -> None:
        self._schema = from_json_dict(json.loads(json.dumps(document)))
        self._keys = generate_key_lists(
            key,
            len(self._schema.fields),
            key_size=self._schema.kdf_key_size,
            salt=self._schema.kdf_salt,
            info=self._schema.kdf_info,
            kdf=self._schema.kdf_type,
            hash_algo=self._schema.kdf_hash,
        )

    def filters(self, rows: Sequence[Sequence[str]]) -> list[bytes]:
        """Return the CLK of each row, without checking the cells."""
        return [
            bits.tobytes() for bits, _, _ in stream_bloom_filters(rows, self._keys, self._schema)
        ]

    def filter_or_none(self, row: Sequence[str]) -> bytes | None:
        """Return the CLK of a row, or None where clkhash refuses a cell or cannot encode it."""
        try:
            validate_entries(self._schema.fields, [row])
            return self.filters([row])[0]
        except (EntryError, ValueError, OverflowError):
            return None
