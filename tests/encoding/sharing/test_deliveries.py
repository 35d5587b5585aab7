"""A delivery is opened as it was sealed, tells its size in steps, and is refused where anything differs."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from encoding.errors import DeliveryUnusableError
from encoding.people.identity import new_identity
from encoding.people.sealed_file import open_pieces
from encoding.sharing.deliveries import (
    DeliveryOf,
    join_tables,
    open_delivery,
    seal_delivery,
    split_tables,
)
from schemas.rounds.delivery import STEP_BYTES, SignedDelivery, delivery_head, padding_of

NOW = datetime(2026, 11, 20, tzinfo=UTC)
KIM = new_identity("k12", ("analyst",), NOW)
ANN = new_identity("child-welfare", ("recipient",), NOW)
OF = DeliveryOf("foster", 3, 1, "k12", "child-welfare", "support", "ab" * 32)
AGREED = ("grade", "home school")


def sealed(folder: Path, rows: bytes = b"link_id,Grade\n", **changes: Any) -> bytes:
    """Return the content of a delivery of these rows, as its recipient opens it."""
    (folder / "rows").write_bytes(rows)
    columns = changes.pop("columns", ("Grade",))
    seal_delivery(
        folder / "rows",
        folder / "sealed",
        replace(OF, **changes),
        columns,
        own=KIM,
        receivers=(ANN.public,),
        at="2026-11-20T00:00:00Z",
    )
    with (folder / "sealed").open("rb") as file:
        return b"".join(open_pieces(file, ANN))


def opened(content: bytes, folder: Path, signers: Any = (KIM.public,)) -> tuple[str, ...]:
    return open_delivery(io.BytesIO(content), OF, [*signers], AGREED, folder / "opened")


def refused(act: Callable[[], object]) -> DeliveryUnusableError:
    with pytest.raises(DeliveryUnusableError) as caught:
        act()
    return caught.value


def test_it_is_opened_as_it_was_sealed_and_as_long_as_many_others(tmp_path: Path) -> None:
    for n_rows in (0, 1, 2000, 5000):
        rows = b"link_id,Grade\n" + b"0" * 32 + b",9\n" * n_rows
        content = sealed(tmp_path, rows)
        assert len(content) % STEP_BYTES == 0
        assert opened(content, tmp_path) == ("Grade",)
        assert (tmp_path / "opened").read_bytes() == rows, n_rows
    # Names of columns are compared as people read them.
    columns = ("GRADE", "home-school")
    assert opened(sealed(tmp_path, columns=columns), tmp_path) == columns


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"round": 2}, "not-as-stated"),
        ({"number": 2}, "not-as-stated"),
        ({"project": "other"}, "not-as-stated"),
        ({"recipient": "health"}, "not-as-stated"),
        ({"agreement": "cd" * 32}, "not-agreed"),
        ({"purpose": "else"}, "not-agreed"),
        ({"columns": ("Grade", "Name")}, "not-agreed"),
    ],
    ids=str,
)
def test_what_was_meant_otherwise_is_refused(
    tmp_path: Path, change: dict[str, Any], fault: str
) -> None:
    found = refused(lambda: opened(sealed(tmp_path, **change), tmp_path))
    assert (found.fault, found.exit_code) == (fault, 9 if fault == "not-as-stated" else 1)


def test_other_rows_or_zeros_than_were_stated_are_refused(tmp_path: Path) -> None:
    rows = b"link_id,Grade\n" + b"0" * 32 + b",9\n"
    head = delivery_head(SignedDelivery.from_canonical(sealed(tmp_path, rows).partition(b"\n")[0]))
    n_zeros = padding_of(len(head + rows))
    for name, content in {
        "no zeros": head + rows,
        "one zero too few": head + rows + bytes(n_zeros - 1),
        "a step too many": head + rows + bytes(n_zeros + STEP_BYTES),
        "a line in place of a zero": head + rows + b"\n" + bytes(n_zeros - 1),
        "other rows": head + rows[:-2] + b"8\n" + bytes(n_zeros),
        "no rows": head,
        "half a head": head[:-1],
        "no head": rows,
    }.items():
        found = refused(partial(opened, content, tmp_path))
        assert found.fault == "not-as-stated", name


def test_by_somebody_else_it_is_refused(tmp_path: Path) -> None:
    content = sealed(tmp_path)
    other = new_identity("k12", ("analyst",), NOW).public
    for signers in ((), (other,), (other.model_copy(update={"person": KIM.public.person}),)):
        assert refused(partial(opened, content, tmp_path, signers)).fault == "not-signed", signers


def test_tables_come_out_as_they_went_in(tmp_path: Path) -> None:
    tables = [b"a\n2\n", b"\n"]
    paths = [tmp_path / str(number) for number in range(len(tables))]
    for path, table in zip(paths, tables, strict=True):
        path.write_bytes(table)
    join_tables(paths, tmp_path / "rows")
    assert [path.read_bytes() for path in split_tables(tmp_path / "rows", 2)] == tables


def test_what_are_no_tables_or_too_many_is_refused_before_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    for rows in (b"link_id\n", b"9\nshort", b"1\n\nmore", b"0\n"):
        path.write_bytes(rows)
        assert refused(lambda: split_tables(path, 2)).fault == "not-agreed", rows
    for left in tmp_path.iterdir():
        left.unlink()
    path.write_bytes(b"1\n\n" * 1000)
    assert refused(lambda: split_tables(path, 2)).fault == "not-as-stated"
    assert len(list(tmp_path.iterdir())) == 3
