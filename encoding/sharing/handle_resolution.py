"""Puts the agency's own record IDs in place of handles, in a table that names records by handle."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from encoding.errors import HandleMapError, LinksFileError, NotReadyError
from encoding.files import write_csv
from encoding.packing.handles import MapName
from encoding.records import open_table
from encoding.records.agency_file import AgencyFile
from encoding.transfers.matches import record_ids_of
from encoding.workspace.workspace import Workspace
from schemas.documents.ids import HANDLE_BYTES, Handle
from schemas.documents.printable import inert

HANDLE: Final = "handle"
RECORD_ID: Final = "record_id"
UNKNOWN_HANDLE: Final = "unknown_handle"
_HANDLE_PATTERN: Final = re.compile(rf"[0-9a-f]{{{2 * HANDLE_BYTES}}}")


@dataclass(frozen=True, slots=True)
class Resolved:
    """How many rows were written, and how many of them without a record ID."""

    n_rows: int
    n_unknown: int


def resolve_handles(workspace: Workspace, file: AgencyFile, listed: Path, output: Path) -> Resolved:
    """Write the rows of `listed` with the record IDs of `file` for which their handles stand.

    A row whose handle stands for no record of the file is kept, or a record that an auditor asks about would
    be gone without a trace: its record ID is empty, and the handle stands in a column of its own.

    Args:
        listed: a CSV file with a column `handle`; its other columns are kept.
        output: gets record ID and unknown handle, one of them empty, in place of the handle, in the order
            of `listed`; what else someone has put into that file is written so that a spreadsheet computes
            nothing.
    """
    view = workspace.project()
    if view is None:
        raise NotReadyError("nothing has been encoded here yet", hint="see: blindlink status")
    table = open_table(listed, encoding="utf-8")
    if HANDLE not in table.columns:
        raise LinksFileError(f"{listed.name} has no column {HANDLE}")
    others = tuple(column for column in table.columns if column != HANDLE)
    rows: list[tuple[Handle, tuple[str, ...]]] = []
    for chunk in table.select(list(table.columns)).chunks():
        cells = zip(*(chunk.columns[column] for column in others), strict=True) if others else ()
        texts = chunk.columns[HANDLE]
        for offset, (text, kept) in enumerate(zip(texts, cells or [()] * len(texts), strict=True)):
            rows.append((_handle(text, listed.name, chunk.first_row + offset), tuple(kept)))
    wanted = {handle for handle, _ in rows}
    record_ids: dict[Handle, str] = {}
    for number, partner in workspace.handle_maps(view.project):
        missing = wanted - record_ids.keys()
        if missing:
            record_ids |= record_ids_of(
                workspace, MapName(view.project, number, partner), file, missing
            )
    if wanted and not record_ids:
        raise HandleMapError(
            f"none of the {len(wanted):,} handles in {listed.name} stands for a record of {file.path.name}",
            hint="check that it is the right file, and the workspace that encoded it",
        )
    found = [
        (
            record_ids.get(handle, ""),
            "" if handle in record_ids else handle.hex(),
            *map(inert, kept),
        )
        for handle, kept in rows
    ]
    write_csv(output, (RECORD_ID, UNKNOWN_HANDLE, *map(inert, others)), found)
    return Resolved(len(rows), sum(handle not in record_ids for handle, _ in rows))


def _handle(text: str, name: str, row: int) -> Handle:
    if not _HANDLE_PATTERN.fullmatch(text):
        raise LinksFileError(f"{name}, row {row}: not a handle")
    return Handle(bytes.fromhex(text))
