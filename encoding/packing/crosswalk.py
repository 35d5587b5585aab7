"""Pairs of records that an earlier programme has linked, or that both agencies assert: memory before a round.

Both agencies import the same pairs, each from its own side. A pair then has, in both workspaces, one value in
the place of a link ID, so that its two records meet; the first round that links them gives them a link ID.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, TextIO

from pydantic import Field, StringConstraints

from encoding.blocks.keys import packed
from encoding.errors import InputError
from encoding.files import why_unread
from encoding.packing.handles import MapKeys, key_text, record_keys
from encoding.records.csv_table import csv_fault
from encoding.workspace.sealed_record import SealedRecord
from schemas.documents.document import Document
from schemas.documents.ids import Name

MAX_PAIRS: Final = 1_000_000

_LABEL: Final = "blindlink/v1/known-pair"
_ENCODING: Final = "utf-8-sig"

Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class Crosswalk(Document):
    """The known pairs with one partner: this agency's record key, and the value that both sides have for it."""

    KIND: ClassVar[str] = "crosswalk"

    version: Literal["blindlink/crosswalk/1"] = "blindlink/crosswalk/1"
    partner: Name
    pairs: Annotated[tuple[tuple[Hex, Hex], ...], Field(max_length=MAX_PAIRS, repr=False)] = ()


class CrosswalkFile:
    """Where the known pairs with one partner are kept; use it under the workspace's lock."""

    def __init__(self, path: Path, project: str, partner: str, workspace_key: bytes) -> None:
        self._partner = partner
        self._record = SealedRecord(path, f"crosswalk/{project}/{partner}", workspace_key)

    def read(self) -> Mapping[str, str]:
        """Return the value of each record key; nothing where nothing was imported.

        Raises:
            WorkspaceError: it is damaged, or sealed under another workspace key.
        """
        kept = self._record.read_as(Crosswalk)
        return {} if kept is None else dict(kept.pairs)

    def write(self, values: Mapping[str, str]) -> None:
        """Keep these pairs in the place of those before, durably."""
        pairs = tuple(sorted(values.items()))
        self._record.write(Crosswalk(partner=self._partner, pairs=pairs).to_canonical())


def read_pairs(path: Path, own_column: str, other_column: str) -> dict[str, str]:
    """Return the partner's record ID of each of this agency's, from a CSV file.

    Raises:
        InputError: the file cannot be read, lacks a column, has a row without an ID, or gives a record two
            partners; the message names rows, never an ID.
    """
    pairs = dict[str, str]()
    try:
        with path.open(encoding=_ENCODING, newline="") as file:
            for number, own, other in _rows(file, path, own_column, other_column):
                if pairs.setdefault(own, other) != other:
                    raise InputError(
                        f"{path.name}, row {number}: the record of {own_column} has a different partner in"
                        " an earlier row",
                        hint="a record can be only one person; correct the file, since nothing was imported",
                    )
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(why_unread(exc, path, f"{path} is not UTF-8 text")) from exc
    if len(pairs) > MAX_PAIRS:
        raise InputError(f"{path.name} has more than {MAX_PAIRS:,} pairs")
    twice = [other for other, n in Counter(pairs.values()).items() if n > 1]
    if twice:
        raise InputError(
            f"{path.name} gives {len(twice):,} records of {other_column} more than one partner",
            hint="a record can be only one person; correct the file, since nothing was imported",
        )
    return pairs


def values_of(pairs: Mapping[str, str], keys: MapKeys, own: str, partner: str) -> dict[str, str]:
    """Return by record key the value that stands for each pair at both agencies, whenever each imports it.

    Args:
        pairs: the partner's record ID of each own one.
        keys: of this workspace and project.
        own: this agency's name.
        partner: the other one's.
    """
    found = record_keys(keys, list(pairs))
    values = {}
    for place, (own_id, other_id) in enumerate(pairs.items()):
        # By their names: an amendment may change who has the larger file.
        sides = sorted([(own, own_id), (partner, other_id)])
        named = packed(_LABEL, *(text for side in sides for text in side))
        values[key_text(found, place)] = hashlib.sha256(named).hexdigest()[:32]
    return values


def _rows(
    file: TextIO, path: Path, own_column: str, other_column: str
) -> Iterator[tuple[int, str, str]]:
    rows = csv.DictReader(file)
    try:
        for column in (own_column, other_column):
            if column not in (rows.fieldnames or ()):
                raise InputError(
                    f"{path.name} has no column {column}",
                    hint="name the columns with --own-column and --partner-column",
                )
        for number, row in enumerate(rows, start=2):
            own, other = (row[own_column] or "").strip(), (row[other_column] or "").strip()
            if not own or not other:
                raise InputError(f"{path.name}, row {number}: a record ID is missing")
            yield number, own, other
    except csv.Error as exc:
        raise csv_fault(exc, f"{path.name}, line {rows.reader.line_num},") from None
