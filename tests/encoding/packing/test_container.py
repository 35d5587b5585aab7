"""The container: pieces as they will be sent, and the root over them, whatever the rows came in."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rigs.agency import read_slowly

from encoding.blocks.assembly import STORED_ROW
from encoding.errors import WorkspaceError
from encoding.packing import container
from encoding.packing.container import read_container, write_body, write_container
from schemas.rounds.upload import ContainerHeader

HANDLES_EACH, ROWS_EACH = 3, 5


def some_body(n_records: int, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([n_records, n_rows])
    rows = np.zeros(n_rows, dtype=STORED_ROW)
    rows["token"] = rng.integers(0, 256, (n_rows, 16))
    rows["record"] = rng.integers(0, max(n_records, 1), n_rows)
    rows["sealed"] = rng.integers(0, 256, (n_rows, 64))
    return rng.integers(0, 256, (n_records, 16)).astype(np.uint8), rows


def cut(rows: np.ndarray, sizes: list[int]) -> Iterator[np.ndarray]:
    start = 0
    for size in sizes:
        yield rows[start : start + size]
        start += size
    yield rows[start:]


def header(n_records: int, n_rows: int, root: str = "f" * 64) -> ContainerHeader:
    return ContainerHeader(
        project="foster-pupils",
        epoch=1,
        round=2,
        party="welfare",
        partner="schools",
        side="smaller",
        profile="a" * 64,
        key_id="b" * 16,
        records=n_records,
        rows=n_rows,
        root=root,
    )


@given(st.integers(1, 10), st.integers(0, 23), st.lists(st.integers(0, 12), max_size=5))
def test_root_is_over_the_pieces_that_are_sent_however_rows_came(
    tmp_path_factory, n_records: int, n_rows: int, sizes: list[int]
) -> None:
    from twins import merkle

    handles, rows = some_body(n_records, n_rows)
    path = tmp_path_factory.mktemp("c") / "body"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(container, "HANDLES_PER_PIECE", HANDLES_EACH)
        patch.setattr(container, "ROWS_PER_PIECE", ROWS_EACH)
        body = write_body(path, handles, cut(rows, sizes))
    table, rest = handles.tobytes(), rows.tobytes()
    pieces = [table[at : at + 16 * HANDLES_EACH] for at in range(0, len(table), 16 * HANDLES_EACH)]
    pieces += [rest[at : at + 84 * ROWS_EACH] for at in range(0, len(rest), 84 * ROWS_EACH)]
    assert path.read_bytes() == table + rest
    assert body.rows == n_rows
    assert body.root == merkle.tree_hash([hashlib.sha256(one).digest() for one in pieces]).hex()


def write(folder: Path, n_records: int = 3, n_rows: int = 7) -> tuple[Path, np.ndarray]:
    handles, rows = some_body(n_records, n_rows)
    body = write_body(folder / "body", handles, [rows])
    path = folder / "c.enc"
    write_container(path, header(n_records, n_rows, body.root), body.path)
    return path, rows


def test_container_is_head_and_body_with_the_digest_of_its_head(tmp_path: Path) -> None:
    handles, rows = some_body(4, 9)
    body = write_body(tmp_path / "body", handles, [rows])
    written = write_container(tmp_path / "c.enc", header(4, 9, body.root), body.path)
    raw = (tmp_path / "c.enc").read_bytes()
    slow = read_slowly(raw)
    assert slow.header == header(4, 9, body.root).to_json()
    assert slow.root == body.root
    assert slow.handles == [handle.tobytes() for handle in handles]
    assert written.sha256 == hashlib.sha256(slow.head).hexdigest()
    assert written.size_bytes == len(raw)


def test_parts_of_a_kept_container_make_up_its_bytes(tmp_path: Path) -> None:
    path, _ = write(tmp_path)
    parts = read_container(path).parts
    assert sum(parts.length(number) for number in range(parts.n_parts)) == path.stat().st_size


def test_rows_are_read_where_they_stand_with_the_handle_of_their_record(tmp_path: Path) -> None:
    path, rows = write(tmp_path)
    kept = read_container(path)
    wanted = [6, 0, 3, 3]
    handles = read_slowly(path.read_bytes()).handles
    assert list(kept.rows(wanted)) == [
        (handles[rows["record"][at]], rows["token"][at].tobytes()) for at in wanted
    ]
    for beyond in (7, -1):
        with pytest.raises(WorkspaceError, match="did not send"):
            list(kept.rows([beyond]))


def test_a_head_that_is_damaged_or_missing_is_told(tmp_path: Path) -> None:
    path, _ = write(tmp_path)
    assert os.name == "nt" or stat.S_IMODE(path.stat().st_mode) == 0o600
    raw = path.read_bytes()
    path.unlink()
    for content in (None, raw[:30], b"x" + raw):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(WorkspaceError, match="missing or damaged"):
            read_container(path)
