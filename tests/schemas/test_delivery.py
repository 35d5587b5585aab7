"""Deliveries by their vectors: what is read, what is signed, what is refused."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from vectors.file import read_vectors

from schemas.documents.errors import DocumentError
from schemas.rounds.delivery import (
    BASE_BYTES,
    ROW_BYTES,
    SignedDelivery,
    delivery_head,
    most_bytes,
    padding_of,
    read_delivery_head,
    read_table_head,
    table_head,
)
from schemas.signing.identity import PublicIdentity

VECTORS = read_vectors("delivery")
PERSON = PublicIdentity.from_json(VECTORS["identity"])


def of(kind: str, which: str) -> Any:
    found = VECTORS[kind][which]
    return pytest.mark.parametrize("given", found.values(), ids=found)


def read(text: str) -> SignedDelivery:
    return read_delivery_head(io.BytesIO(text.encode()))


@of("head", "good")
def test_a_good_head_is_read_verified_and_written_to_the_byte(given: str) -> None:
    content = io.BytesIO((given + VECTORS["rows"]).encode())
    found = read_delivery_head(content)
    found.verify(PERSON)
    assert delivery_head(found).decode() == given
    assert hashlib.sha256(content.read()).hexdigest() == found.statement.sha256


def test_what_is_missing_to_a_step_is_filled_up() -> None:
    assert {size: padding_of(int(size)) for size in VECTORS["padding"]} == VECTORS["padding"]


def test_a_delivery_may_be_as_large_as_the_page_says() -> None:
    assert (BASE_BYTES, ROW_BYTES) == (262_144, 1_024)
    assert most_bytes(1000, 1) == 262_144 + 1_024_000
    assert most_bytes(1000, 3) == 262_144 + 3 * 1_024_000


def tables(text: str) -> list[str]:
    content, found = io.BytesIO(text.encode()), []
    while (size := read_table_head(content)) is not None:
        found.append(content.read(size).decode())
    return found


@of("tables", "good")
def test_tables_are_read_by_their_lengths_and_written_again(given: dict[str, Any]) -> None:
    assert tables(given["content"]) == given["tables"]
    written = b"".join(table_head(len(one.encode())) + one.encode() for one in given["tables"])
    assert written.decode() == given["content"]


@of("tables", "bad")
def test_a_table_without_its_length_is_refused(given: str) -> None:
    with pytest.raises(DocumentError):
        tables(given)
