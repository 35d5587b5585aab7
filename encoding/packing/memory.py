"""What an agency remembers of its records from earlier rounds, as columns beside the derived ones.

A record that is linked brings its link ID, so that it meets its partner again however it was edited. A record
that the reviewer's party rejected is known to that party by a name alone, which its own agency gives it: the
same in every round, until the record changes. Spec page: `schemas/spec/bsf1.md`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from encoding.blocks.keys import packed
from encoding.packing.handles import HandleMap, key_text, keys_of_texts
from schemas.linkage.fields import MEMORY_COLUMNS
from schemas.linkage.profile import EncodingProfile

NAME_HEX: Final = 12
DIGEST_BYTES: Final = 16
_DIGEST: Final = b"record digest"
_NAME: Final = b"record name"
# Each column has its own part of a name: a file may have millions of names, and a table has each value.
_PART_HEX: Final = NAME_HEX // len(MEMORY_COLUMNS["rejected-before"])

T = TypeVar("T")
Columns = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Rejections:
    """What the reviewer rejected as this record: names of the other agency's records, the newest last.

    `digest` is that of the own record when it was looked at; once it has changed, the names do not count.
    """

    digest: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Memory:
    """What is remembered, by record key (32 hexadecimal digits).

    Attributes:
        key: 32 bytes, of the workspace and project: makes digests and names.
        linked: link IDs in hexadecimal, of records that are linked with the partner's agency or another one of
            the link-ID set.
        rejected: of records of the reviewer's party.
        is_named: whether the records are given names, for a reviewer of the partner's agency.
    """

    key: bytes
    linked: Mapping[str, str] = field(default_factory=dict)
    rejected: Mapping[str, Rejections] = field(default_factory=dict)
    is_named: bool = False


def memory_key(workspace_key: bytes, project: str) -> bytes:
    """Return the key of digests and names: it stays the same as long as the workspace's key does."""
    info = f"blindlink/v1/workspace/memory/{project}".encode("ascii")
    return HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(workspace_key)


def record_digest(key: bytes, columns: Columns, rows: Iterable[int]) -> str:
    """Return the digest of a record's derived rows, which tells whether it has changed; 32 digits."""
    names = sorted(columns)
    lines = (packed(*(columns[name][row] for name in names)) for row in rows)
    joined = b"".join(len(line).to_bytes(4, "big") + line for line in lines)
    return hashlib.blake2b(joined, digest_size=DIGEST_BYTES, key=key, person=_DIGEST).hexdigest()


def record_name(key: bytes, record_key: str, digest: str) -> str:
    """Return the name that an agency gives a record for the other side's reviewer; 12 digits."""
    named = packed(record_key, digest)
    return hashlib.blake2b(named, digest_size=NAME_HEX // 2, key=key, person=_NAME).hexdigest()


class MemoryColumns:
    """Makes the columns of one file; rows of a record may come in several calls."""

    def __init__(
        self,
        profile: EncodingProfile,
        memory: Memory,
        handles: HandleMap,
        repeated: NDArray[np.bool_],
    ) -> None:
        self._kinds = {one.memory for one in profile.fields if one.memory is not None}
        self._memory, self._handles, self._repeated = memory, handles, repeated
        self._places = handles.by_handle()
        self._linked = dict(self._by_number(memory.linked))
        self._rejected = dict(self._by_number(memory.rejected))
        # Of records whose rows are not all in one call: what stands in each of its rows.
        self._known: dict[int, tuple[str, ...]] = {}

    def of(self, columns: Columns, numbers: NDArray[np.uint32]) -> dict[str, list[str]]:
        """Return the columns of derived rows, by their records' numbers."""
        found: dict[str, list[str]] = {}
        if "linked-before" in self._kinds:
            links = [self._linked.get(number, "") for number in numbers.tolist()]
            found |= dict.fromkeys(MEMORY_COLUMNS["linked-before"], links)
        if "rejected-before" in self._kinds:
            parts = self._parts(columns, numbers)
            for place, name in enumerate(MEMORY_COLUMNS["rejected-before"]):
                found[name] = [of_row[place] for of_row in parts]
        return found

    def _parts(self, columns: Columns, numbers: NDArray[np.uint32]) -> list[tuple[str, ...]]:
        empty = ("",) * len(MEMORY_COLUMNS["rejected-before"])
        rows: dict[int, list[int]] = {}
        for row, number in enumerate(numbers.tolist()):
            if self._memory.is_named or number in self._rejected:
                rows.setdefault(number, []).append(row)
        parts = [empty] * len(numbers)
        for number, own in rows.items():
            found = self._known.get(number) or self._of_record(number, columns, own)
            if self._repeated[number]:
                self._known[number] = found
            for row in own:
                parts[row] = found
        return parts

    def _of_record(self, number: int, columns: Columns, rows: Sequence[int]) -> tuple[str, ...]:
        n_slots = len(MEMORY_COLUMNS["rejected-before"])
        digest = record_digest(self._memory.key, columns, rows)
        if self._memory.is_named:
            record_key = key_text(self._handles.keys, int(self._places[number]))
            names = (record_name(self._memory.key, record_key, digest),) * n_slots
        else:
            rejected = self._rejected[number]
            names = rejected.names[-n_slots:] if rejected.digest == digest else ()
        return tuple(
            names[slot][slot * _PART_HEX : (slot + 1) * _PART_HEX] if slot < len(names) else ""
            for slot in range(n_slots)
        )

    def _by_number(self, of_keys: Mapping[str, T]) -> Iterator[tuple[int, T]]:
        """Yield what is remembered of records that are in the file, by number."""
        numbers = self._handles.numbers()
        places, known = self._handles.places(keys_of_texts(list(of_keys)))
        for place, is_here, value in zip(places, known, of_keys.values(), strict=True):
            if is_here:
                yield int(numbers[place]), value
