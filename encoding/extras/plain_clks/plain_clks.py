"""Plain CLKs of whole records, as clkhash makes them: for exchange with users of clkhash and anonlink.

One key serves the whole file. Published attacks re-identify nearly everybody in such a file by its
encodings alone, so no project of the broker takes them.
"""

from __future__ import annotations

import base64
import contextlib
import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final

from encoding.errors import InvalidRowsError, LinkageSchemaError, MissingColumnError
from encoding.extras.plain_clks.encoder import EncodedChunk, Encoder
from encoding.files import replacing, why_unread
from encoding.problems import RowProblem
from encoding.progress import Progress, silent
from encoding.records import Chunk, Table
from encoding.records.problem_log import SHOWN
from encoding.secret.secret import FIRST_LINE, AnySecret, read_secret, read_text_secret

CLKS_START: Final = b'{"clks": ['
LIST_HEADER: Final = ("row", "record_id")
LIST_START: Final = f"{','.join(LIST_HEADER)}\n".encode()


def read_schema(path: Path) -> dict[str, Any]:
    """Read a linkage schema of clkhash."""
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as exc:
        otherwise = f"{path} is not a linkage schema"
        raise LinkageSchemaError(why_unread(exc, path, otherwise)) from None
    if not isinstance(document, dict):
        raise LinkageSchemaError(f"{path} is not a linkage schema")
    return document


def read_any_secret(path: Path) -> AnySecret:
    """Read a secret file of this program, or the text secret of clkhash users."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        if file.read(len(FIRST_LINE)) == FIRST_LINE.encode():
            return read_secret(path)
    return read_text_secret(path)


def write_plain_clks(
    table: Table,
    encoder: Encoder,
    clks: Path,
    record_list: Path,
    *,
    columns: Mapping[str, str],
    id_column: str | None,
    progress: Progress = silent,
) -> int:
    """Write anonlink's JSON of CLKs, and the list of records in the same order; return how many rows.

    Both files are written whole or not at all, and only their owner may read them.
    """
    header_of = _headers(encoder, columns, table)
    chosen = [*header_of.values(), *([id_column] if id_column else [])]
    with replacing(record_list) as listed, replacing(clks) as written:
        rows = _Rows(written, listed)
        for chunk in table.select(chosen).chunks():
            cells = {name: chunk.columns[header] for name, header in header_of.items()}
            rows.add(encoder.encode(cells, chunk.first_row), chunk, id_column)
            progress("encoding", chunk.share, rows.n_rows, "rows")
        rows.end(header_of)
    return rows.n_rows


class _Rows:
    """Writes encoded rows as they come; collects what is wrong with any."""

    def __init__(self, clks: IO[bytes], record_list: IO[bytes]) -> None:
        self._clks, self._list = clks, record_list
        self._clks.write(CLKS_START)
        self._list.write(LIST_START)
        self._problems: list[RowProblem] = []
        self._n_problems = self.n_rows = 0

    def add(self, encoded: EncodedChunk, chunk: Chunk, id_column: str | None) -> None:
        """Write the rows of a chunk."""
        self._n_problems += len(encoded.problems)
        self._problems += encoded.problems[: SHOWN - len(self._problems)]
        texts = (f'"{base64.b64encode(row.tobytes()).decode()}"' for row in encoded.filters)
        start = ", " if self.n_rows else ""
        self._clks.write((start + ", ".join(texts)).encode())
        ids = chunk.columns[id_column] if id_column else [""] * chunk.n_rows
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(enumerate(ids, start=chunk.first_row))
        self._list.write(text.getvalue().encode())
        self.n_rows += chunk.n_rows

    def end(self, header_of: Mapping[str, str]) -> None:
        """Write the end, unless a row could not be encoded."""
        if self._n_problems:
            named = [RowProblem(one.row, header_of[one.column], one.rule) for one in self._problems]
            raise InvalidRowsError(
                named, n_problems=self._n_problems, hint="correct these rows; nothing was written"
            )
        self._clks.write(b"]}")


def _headers(encoder: Encoder, columns: Mapping[str, str], table: Table) -> dict[str, str]:
    """Return the file's header of each column of the schema."""
    unknown = sorted(set(columns) - set(encoder.columns))
    if unknown:
        raise LinkageSchemaError(f"the linkage schema encodes no column {unknown[0]}")
    header_of = {name: columns.get(name, name) for name in encoder.columns}
    for name, header in header_of.items():
        if header not in table.columns:
            raise MissingColumnError(
                f"the file has no column {header}, which the linkage schema encodes",
                hint=f"say what your file calls it: --column {name}=HEADER",
            )
    return header_of
