"""What each record of a container was like: whether it was edited since, and why it may not match.

Kept in the workspace for the rounds whose links are in force or come next, and nowhere else. Of a record there
are the first 8 bytes of its record key, which no two of a few million records share; a digest of its derived
rows under a sub-key of the workspace key, the same as long as nothing is edited that is compared; its faults;
and which passes have a key of it, and which of these a row that was sent.

File: sealed as `encoding.workspace.sealed_record` says; within, a line of canonical JSON, then 21 bytes a
record, big-endian, in the order of keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, ClassVar, Final, Literal

import numpy as np
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray
from pydantic import Field

from encoding.blocks.assembly import MetPasses
from encoding.errors import WorkspaceError
from encoding.packing.handles import HandleMap, MapName, RecordKeys
from encoding.recipe.record_faults import RecordFaults
from encoding.workspace.sealed_record import SealedRecord
from encoding.workspace.workspace import Workspace
from schemas.documents.document import Document
from schemas.documents.errors import FormatError
from schemas.documents.ids import Sha256Hex
from schemas.linkage.profile import EncodingProfile, Side

_DIGEST_BYTES: Final = 8
_RECORD: Final = np.dtype(
    [("key", ">u8"), ("digest", ">u8"), ("faults", "u1"), ("keyed", ">u2"), ("sent", ">u2")]
)

Numbers = NDArray[np.uint64]


class _Head(Document):
    """Under which profile the records were encoded, on which side of the pair, and how many there are."""

    KIND: ClassVar[str] = "snapshot"

    version: Literal["blindlink/snapshot/1"] = "blindlink/snapshot/1"
    profile: Sha256Hex
    side: Side
    records: Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class Look:
    """One record in a container.

    Attributes:
        digest: of its derived rows; 0 if none of its rows could be encoded.
        faults: as `encoding.recipe.record_faults.Fault` has them.
        n_keyed: how many passes have a key of it.
        n_sent: how many of these have a row of it; the others had too many rows in its block.
    """

    digest: int
    faults: int
    n_keyed: int
    n_sent: int

    @property
    def is_encoded(self) -> bool:
        """Whether a row of the record could be encoded at all."""
        return self.digest != 0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Snapshot:
    """All records of one container; `profile` is the digest of the encoding profile."""

    profile: str
    side: Side
    _records: NDArray[np.void]
    # In the machine's own order of bytes, else every look would copy them all.
    _keys: Numbers = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_keys", self._records["key"].astype(np.uint64))

    def __len__(self) -> int:
        return len(self._records)

    def look(self, record: str) -> Look | None:
        """Return what a record was like, by its key as 32 hexadecimal digits; None if it was not there."""
        prefix = np.uint64(int(record[:16], 16))
        place = int(np.searchsorted(self._keys, prefix))
        if place == len(self._keys) or self._keys[place] != prefix:
            return None
        _, digest, faults, keyed, sent = self._records[place].item()
        return Look(digest, faults, int(keyed).bit_count(), int(sent).bit_count())

    def places(self, keys: RecordKeys) -> NDArray[np.intp]:
        """Return where each of these records stands in the order of keys; -1: nowhere. Shape (n,)."""
        if not len(self):
            return np.full(len(keys.high), -1, dtype=np.intp)
        place = np.minimum(np.searchsorted(self._keys, keys.high), len(self) - 1)
        return np.where(self._keys[place] == keys.high, place, -1)

    def marked(self, records: Collection[str]) -> NDArray[np.bool_]:
        """Tell which records are among these, by their keys as 32 hexadecimal digits; in order of keys."""
        prefixes = np.fromiter((int(one[:16], 16) for one in records), dtype=np.uint64)
        marked: NDArray[np.bool_] = np.isin(self._keys, prefixes)
        return marked

    def have(self, fault: int) -> NDArray[np.bool_]:
        """Tell which records have any of these faults, in order of keys."""
        found: NDArray[np.bool_] = (self._records["faults"] & fault) != 0
        return found

    def are_encoded(self) -> NDArray[np.bool_]:
        """Tell of which records a row could be encoded, in order of keys."""
        found: NDArray[np.bool_] = self._records["digest"] != 0
        return found

    def have_no_key(self) -> NDArray[np.bool_]:
        """Tell which encoded records no pass has a key of, in order of keys."""
        found: NDArray[np.bool_] = self.are_encoded() & (self._records["keyed"] == 0)
        return found

    def were_mostly_dropped(self) -> NDArray[np.bool_]:
        """Tell which encoded records had too many rows in most of their blocks, in order of keys."""
        n_keyed, n_sent = (np.bitwise_count(self._records[name]) for name in ("keyed", "sent"))
        found: NDArray[np.bool_] = self.are_encoded() & is_mostly_dropped(n_keyed, n_sent)
        return found

    def are_plain(self, keys: RecordKeys) -> NDArray[np.bool_]:
        """Tell which records were encoded, have no fault, and were compared by most passes; shape (n,)."""
        if not len(self):
            return np.zeros(len(keys.high), dtype=np.bool_)
        place = np.minimum(np.searchsorted(self._keys, keys.high), len(self) - 1)
        found = self._records[place]
        n_keyed, n_sent = (np.bitwise_count(found[name]) for name in ("keyed", "sent"))
        plain: NDArray[np.bool_] = (
            (self._keys[place] == keys.high)
            & (found["digest"] != 0)
            & (found["faults"] == 0)
            & (n_keyed > 0)
            & ~is_mostly_dropped(n_keyed, n_sent)
        )
        return plain


def is_mostly_dropped(n_keyed: Any, n_sent: Any) -> Any:
    """Tell of a record, or of an array of them, whether most of its keys had too many rows in their blocks."""
    # A count of bits has 8 of them.
    return n_sent < n_keyed - n_sent


class SnapshotMaker:
    """Takes the derived rows of a container as they are encoded."""

    def __init__(
        self,
        workspace_key: bytes,
        project: str,
        profile: EncodingProfile,
        as_of: date,
        n_records: int,
    ) -> None:
        info = f"blindlink/v1/workspace/snapshot/{project}".encode("ascii")
        self._key = HKDF(SHA256(), 32, salt=None, info=info).derive(workspace_key)
        self._profile = profile.digest()
        self._faults_of = RecordFaults(profile, as_of)
        self._digests = np.zeros(n_records, dtype=np.uint64)
        self._faults = np.zeros(n_records, dtype=np.uint8)
        self._has_main = np.zeros(n_records, dtype=bool)

    def add(self, columns: Mapping[str, Sequence[str]], records: NDArray[np.uint32]) -> None:
        """Take derived rows; the first one of a record is its main spelling.

        The digests of a record's rows are summed, since they may come in several calls.
        """
        met, first = np.unique(records, return_index=True)
        mains = first[~self._has_main[met]]
        is_main = np.zeros(len(records), dtype=bool)
        is_main[mains] = True
        self._has_main[met] = True
        np.add.at(self._digests, records, self._digested(columns, is_main.tolist()))
        self._faults[records[mains]] = self._faults_of.of(columns, mains.tolist())

    def _digested(self, columns: Mapping[str, Sequence[str]], is_main: Sequence[bool]) -> Numbers:
        # Derived values are letters and digits, so that a line end parts them.
        lines = zip(*(columns[name] for name in sorted(columns)), strict=True)
        raw = b"".join(
            hashlib.blake2b(
                f"{int(main)}\n{chr(10).join(line)}".encode(),
                digest_size=_DIGEST_BYTES,
                key=self._key,
            ).digest()
            for main, line in zip(is_main, lines, strict=True)
        )
        return np.frombuffer(raw, dtype=">u8").astype(np.uint64)

    def snapshot(self, handles: HandleMap, side: Side, passes: MetPasses) -> Snapshot:
        """Return the snapshot once all rows were taken, in the order of record keys."""
        numbers = handles.numbers()
        records = np.empty(len(handles), dtype=_RECORD)
        records["key"] = handles.keys.high
        records["digest"] = self._digests[numbers]
        records["faults"] = self._faults[numbers]
        records["keyed"], records["sent"] = passes.keyed[numbers], passes.sent[numbers]
        return Snapshot(self._profile, side, records)


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The snapshots of one project in a workspace; use it under the workspace's lock."""

    workspace: Workspace
    project: str

    def keep(self, name: MapName, snapshot: Snapshot) -> None:
        """Keep the snapshot of a container, durably."""
        head = _Head(profile=snapshot.profile, side=snapshot.side, records=len(snapshot))
        body = snapshot._records.tobytes()
        self._record(name.round, name.partner).write(head.to_canonical() + b"\n" + body)

    def of_round(self, number: int) -> dict[str, Snapshot]:
        """Return the snapshots of a round, by partner; none where they were not kept, or not yet made.

        Raises:
            WorkspaceError: one is damaged.
        """
        return {
            partner: self._read(number, partner)
            for of, partner in self.workspace.snapshots(self.project)
            if of == number
        }

    def forget_before(self, number: int) -> None:
        """Remove the snapshots of rounds before this one."""
        for of, partner in self.workspace.snapshots(self.project):
            if of < number:
                self.workspace.snapshot(self.project, of, partner).unlink(missing_ok=True)

    def _read(self, number: int, partner: str) -> Snapshot:
        raw = self._record(number, partner).read() or b""
        line, _, body = raw.partition(b"\n")
        try:
            head = _Head.from_canonical(line)
        except FormatError:
            raise _damaged() from None
        if len(body) != head.records * _RECORD.itemsize:
            raise _damaged()
        return Snapshot(head.profile, head.side, np.frombuffer(body, dtype=_RECORD))

    def _record(self, number: int, partner: str) -> SealedRecord:
        path = self.workspace.snapshot(self.project, number, partner)
        name = f"snapshot/{self.project}.{number}.{partner}"
        return SealedRecord(path, name, self.workspace.key())


def _damaged() -> WorkspaceError:
    return WorkspaceError(
        "what was kept of the records of the last rounds is damaged in the workspace",
        hint="remove the folder snapshots from the workspace: reasons of this round are lost, links are not",
    )
