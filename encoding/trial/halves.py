"""The two halves of a linkage apart, with the bytes between them that an agency would upload.

The key never leaves the process: agencies that may not show each other their files have a project for that.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from pydantic import ValidationError

from app.matching.blocks.decisions import Band
from app.matching.blocks.resolution import Resolution
from app.matching.blocks.rows import Rows, read_rows
from app.matching.blocks.weights import UNIT, probability
from encoding.blocks.assembly import MetPasses
from encoding.blocks.keys import KEY_BYTES
from encoding.errors import HalvesError
from encoding.packing.container import write_body
from encoding.progress import Progress, silent
from encoding.records.read_once import Readings, reading_once
from encoding.trial.layout import Source, about_file
from encoding.trial.linkage import Encoded, encode, link
from encoding.trial.outcome import BANDS
from encoding.trial.records import Looks, cleaned_rows, read_record_ids
from encoding.trial.records import read_rows as read_table
from schemas.documents.canonical import canonical_bytes
from schemas.documents.ids import HANDLE_BYTES
from schemas.linkage.counts import FileCounts
from schemas.linkage.profile import EncodingProfile, Side
from schemas.rounds.upload import ContainerHeader, parse_header, serialise_header

CONTAINER: Final = "container"
COUNTS: Final = "counts"
_NAME: Final = "rehearsal"


@dataclass(slots=True, eq=False)
class RoundKey:
    """The key of one rehearsed round, drawn when it is made: each side is encoded once under it."""

    profile: EncodingProfile = field(repr=False)
    key_id: str = field(default_factory=lambda: secrets.token_hex(8), init=False)
    _key: bytes = field(
        default_factory=lambda: secrets.token_bytes(KEY_BYTES), init=False, repr=False
    )
    _used: set[Side] = field(default_factory=set, init=False, repr=False)

    def use(self, side: Side) -> bytes:
        """Return the key for a side.

        Raises:
            HalvesError: this side was encoded under it before.
        """
        if side in self._used:
            raise HalvesError(
                f"the {side} side was encoded under this key before, and no key serves twice",
                hint="make a new rehearsal, and encode both sides anew",
            )
        self._used.add(side)
        return self._key


class Half(NamedTuple):
    """One side, encoded: what goes over the line by name, and what stays: the record of each handle."""

    sent: dict[str, bytes]
    record_ids: dict[str, str]
    n_not_compared: int


def encode_half(
    key: RoundKey, side: Side, source: Source, as_of: date, progress: Progress = silent
) -> Half:
    """Encode one side into a container, with handles that are drawn anew."""
    profile = key.profile
    with about_file(source.path):
        table = read_table(source, progress)
        with reading_once(Readings({source.file.reading: table})):
            records = read_record_ids(source, profile)
            n_records, looks = len(records.ids), Looks.of(len(records.ids))
            # A record's number is the place of its handle, and handles are random.
            handles = np.sort(
                np.frombuffer(secrets.token_bytes(HANDLE_BYTES * n_records), f"S{HANDLE_BYTES}")
            )
            number = np.argsort(np.frombuffer(secrets.token_bytes(8 * n_records), "<u8"))
            rows = cleaned_rows(source, profile, records, looks, as_of=as_of, progress=progress)
            found = encode(
                profile,
                key.use(side),
                side,
                ((columns, number[some].astype(np.uint32)) for columns, some in rows),
                repeated=records.repeated[np.argsort(number)],
                progress=progress,
            )
    raw = handles.view("u1").reshape(n_records, HANDLE_BYTES)
    names = [raw[at].tobytes().hex() for at in number.tolist()]
    sent = {CONTAINER: _container(key, side, raw.tobytes(), found)}
    if side == "larger":
        sent[COUNTS] = canonical_bytes(found.counts.model_dump(mode="json"))
    ids = dict(zip(names, records.ids, strict=True))
    return Half(sent, ids, looks.n_not_compared)


class HandlePair(NamedTuple):
    """Two records by their handles, as a broker sees them."""

    smaller: str
    larger: str
    weight: float
    probability: float
    band: str


def match_halves(
    profile: EncodingProfile, smaller: Mapping[str, bytes], larger: Mapping[str, bytes]
) -> tuple[list[HandlePair], Resolution]:
    """Compare two containers as a broker does, by what was sent alone.

    Raises:
        FormatError: the bytes are none of a container.
        HalvesError: they are of another side, round, or profile, or a part is missing.
    """
    a, b = (_read(_part(sent, CONTAINER)) for sent in (smaller, larger))
    if (a.header.side, b.header.side) != ("smaller", "larger"):
        raise HalvesError("one container must be of the smaller side, the other of the larger")
    if a.header.key_id != b.header.key_id or profile.digest() != a.header.profile:
        raise HalvesError("the containers are of different rehearsals, or of another profile")
    counts = _read_counts(_part(larger, COUNTS))
    run = link(profile, a.encoded(counts), b.encoded(counts))
    rows = run.rows()
    rows = rows[rows["band"] != Band.REJECT]
    rows = rows[np.lexsort((rows["larger"], rows["smaller"], -rows["total"]))]
    return [
        HandlePair(
            a.handle(int(row["smaller"])),
            b.handle(int(row["larger"])),
            int(row["total"]) / UNIT,
            probability(int(row["total"])),
            BANDS[int(row["band"])],
        )
        for row in rows
    ], run


class _Read(NamedTuple):
    header: ContainerHeader
    handles: bytes
    rows: Rows

    def handle(self, number: int) -> str:
        return self.handles[number * HANDLE_BYTES : (number + 1) * HANDLE_BYTES].hex()

    def encoded(self, counts: FileCounts) -> Encoded:
        none = np.zeros(0, dtype=np.uint16)
        return Encoded(self.rows, self.header.records, counts, MetPasses(none, none))


def _part(sent: Mapping[str, bytes], name: str) -> bytes:
    if name not in sent:
        raise HalvesError(f"what was sent lacks its {name}")
    return sent[name]


def _read(raw: bytes) -> _Read:
    parsed = parse_header(raw)
    start, header = parsed.body_offset, parsed.header
    end = start + header.records * HANDLE_BYTES
    rows = read_rows(raw[end:])
    if len(rows) != header.rows or (rows["record"] >= header.records).any():
        raise HalvesError("a container is cut off, or was changed")
    return _Read(header, raw[start:end], rows)


def _read_counts(raw: bytes) -> FileCounts:
    try:
        return FileCounts.model_validate_json(raw)
    except ValidationError:
        raise HalvesError("the counts are none of a file") from None


def _container(key: RoundKey, side: Side, handles: bytes, found: Encoded) -> bytes:
    table = np.frombuffer(handles, "u1").reshape(-1, HANDLE_BYTES)
    with tempfile.TemporaryDirectory() as folder:
        body = write_body(Path(folder) / "body", table, [found.rows])
        content = body.path.read_bytes()
    other: Side = "larger" if side == "smaller" else "smaller"
    header = ContainerHeader(
        project=_NAME,
        epoch=1,
        round=1,
        party=side,
        partner=other,
        side=side,
        profile=key.profile.digest(),
        key_id=key.key_id,
        records=found.n_records,
        rows=body.rows,
        root=body.root,
    )
    return serialise_header(header) + content
