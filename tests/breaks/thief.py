"""Someone who has every copy that was ever made and every key that still lives, and looks for encodings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rigs.searching import spellings

from app.blobs import FileBlobs
from app.errors import SealBrokenError
from app.security.at_rest import unseal
from app.security.keystore import DataKey
from app.uploads.service import PART_KIND

MOST_PARTS = 16


class Encodings:
    """Encodings to look for: each is found by the first 8 bytes of any spelling of it."""

    def __init__(self, wanted: Iterable[bytes]) -> None:
        self._of = {
            int.from_bytes(text[:8], "little"): encoding
            for encoding in wanted
            for text in spellings(encoding)
        }
        self._prefixes: NDArray[np.uint64] = np.array(sorted(self._of), dtype=np.uint64)

    def found_in(self, content: bytes) -> set[bytes]:
        """Return those that stand somewhere in these bytes, as they are, in hex or in base64."""
        hits: set[bytes] = set()
        for shift in range(8):
            n_words = (len(content) - shift) // 8
            if n_words < 1:
                break
            words = np.frombuffer(content, dtype="<u8", count=n_words, offset=shift)
            # Sorted prefixes: a search of each word in them, without a copy of the words.
            place = np.minimum(np.searchsorted(self._prefixes, words), len(self._prefixes) - 1)
            same = self._prefixes[place] == words
            hits |= {self._of[int(word)] for word in words[same]}
        return hits


@dataclass
class Thief:
    """`uploads` are the ids of uploads, which the match log tells anybody."""

    uploads: tuple[str, ...]
    blobs: dict[str, bytes] = field(default_factory=dict)

    def take_blobs(self, folder: Path) -> None:
        """Copy every sealed piece below a folder of blobs."""
        store = FileBlobs(folder)
        self.blobs |= {digest: store.get(digest) for digest in store.digests()}

    def opened(self, keys: Iterable[DataKey]) -> Iterator[bytes]:
        """Yield each upload that these keys open, its parts put together in order.

        Every key is tried on every piece, as every part of every upload.
        """
        living = list(keys)
        for upload in self.uploads:
            parts = [self._part(upload, number, living) for number in range(MOST_PARTS)]
            yield b"".join(part for part in parts if part is not None)

    def _part(self, upload: str, number: int, keys: list[DataKey]) -> bytes | None:
        for sealed in self.blobs.values():
            for key in keys:
                try:
                    return unseal(key, PART_KIND, upload, number, sealed)
                except SealBrokenError:
                    continue
        return None
