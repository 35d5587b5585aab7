"""Looks for planted bytes in every spelling, in files, texts and database rows."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import MetaData, select

from app.db import Database

# Beyond so many texts, each of which has at least so many bytes, all are looked up at once.
_MANY = 200
_HEAD_BYTES = 4


def spellings(planted: bytes) -> Iterator[bytes]:
    """Yield the bytes as they are, in hex, and in base64 wherever they may begin in a longer text."""
    yield planted
    yield planted.hex().encode()
    yield planted.hex().upper().encode()
    for shift in range(3):
        # Only the characters that depend on nothing before or after the planted bytes.
        text = base64.b64encode(bytes(shift) + planted)[4 if shift else 0 :]
        whole = text[: (len(planted) - (3 - shift) % 3) // 3 * 4]
        yield whole
        yield whole.replace(b"+", b"-").replace(b"/", b"_")


def found_in(places: Iterable[tuple[str, bytes]], planted: Mapping[str, bytes]) -> list[str]:
    """Return where which planted bytes are, by their names alone."""
    wanted = [(name, text) for name, raw in planted.items() for text in set(spellings(raw))]
    if len(wanted) > _MANY and min(len(text) for _, text in wanted) >= _HEAD_BYTES:
        return list(_found_by_heads(places, wanted))
    return [
        f"{name} in {where}"
        for where, content in places
        for name, text in wanted
        if text in content
    ]


def _found_by_heads(
    places: Iterable[tuple[str, bytes]], wanted: Iterable[tuple[str, bytes]]
) -> Iterator[str]:
    """As `found_in`, where to look for one text after the other would take for ever.

    What each text begins with is looked up at every place of a content, all at once.
    """
    by_head: dict[int, list[tuple[str, bytes]]] = {}
    for name, text in wanted:
        by_head.setdefault(_heads(text[:_HEAD_BYTES])[0].item(), []).append((name, text))
    known = np.array(sorted(by_head), dtype="<u4")
    for where, content in places:
        heads = _heads(content)
        at = np.searchsorted(known, heads)
        hits = heads[known[np.minimum(at, len(known) - 1)] == heads]
        near = [pair for head in np.unique(hits).tolist() for pair in by_head[head]]
        yield from (f"{name} in {where}" for name, text in near if text in content)


def _heads(content: bytes) -> NDArray[np.uint32]:
    """Return the four bytes at every place, as numbers."""
    raw = np.frombuffer(content, dtype=np.uint8).astype(np.uint32)
    n = max(len(raw) - _HEAD_BYTES + 1, 0)
    parts = [raw[shift : shift + n] << np.uint32(8 * shift) for shift in range(_HEAD_BYTES)]
    return np.bitwise_or.reduce(parts)


def files_under(folder: Path, *, since: float = 0.0) -> Iterator[tuple[str, bytes]]:
    """Yield every file below the folder that changed since then, its name as part of its content."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_mtime >= since:
            yield str(path.relative_to(folder)), path.name.encode() + b"\n" + path.read_bytes()


def memory_of(pid: int) -> Iterator[tuple[str, bytes]]:
    """Yield the memory that a process has written to, region by region; root may read it of any process."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            start, end = (int(at, 16) for at in span.split("-"))
            # The kernel's own pages, which only look like the process's, can't be read.
            if rights.startswith("rw") and "[v" not in line:
                memory.seek(start)
                with contextlib.suppress(OSError):
                    yield f"memory of {pid} at {span}", memory.read(end - start)


def database_rows(database: Database) -> Iterator[tuple[str, bytes]]:
    """Yield every table with all that stands in it, text and bytes alike."""
    tables = MetaData()
    tables.reflect(database.engine)
    with database.read() as session:
        for table in tables.sorted_tables:
            cells = [cell for row in session.execute(select(table)) for cell in row]
            raw = [cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells]
            yield f"table {table.name}", b"\n".join(raw)
