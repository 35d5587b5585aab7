"""Looks for planted bytes in every spelling, in files, texts and database rows."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sqlalchemy import MetaData, select

from app.db import Database


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
    return [
        f"{name} in {where}"
        for where, content in places
        for name, text in wanted
        if text in content
    ]


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
