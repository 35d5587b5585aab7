"""Deliveries as their sender makes them and their recipient checks them; the broker sees a sealed file.

Spec page: `schemas/spec/deliveries.md`.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from encoding.errors import DeliveryUnusableError
from encoding.files import replacing
from encoding.people.identity import Identity
from encoding.people.sealed_file import Address, seal_pieces
from encoding.sharing.columns import not_agreed
from schemas.documents.errors import DocumentError, SignatureError
from schemas.rounds.delivery import (
    STEP_BYTES,
    DeliveryStatement,
    SignedDelivery,
    delivery_head,
    padding_of,
    read_delivery_head,
    read_table_head,
    table_head,
)
from schemas.shared.amounts import counted
from schemas.signing.identity import PublicIdentity

_PIECE_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class DeliveryOf:
    """Which delivery: of what project and round, from whom to whom, and under which agreement."""

    project: str
    round: int
    number: int
    sender: str
    recipient: str
    purpose: str
    agreement: str


def seal_delivery(
    rows: Path,
    target: Path,
    of: DeliveryOf,
    columns: Sequence[str],
    *,
    own: Identity,
    receivers: tuple[PublicIdentity, ...],
    at: str,
) -> None:
    """Write `target`: rows as `extract` or `extract_blind` made them, stated, signed and sealed."""
    digest, size_bytes = hashlib.sha256(), 0
    with rows.open("rb") as file:
        for piece in _pieces(file):
            digest.update(piece)
            size_bytes += len(piece)
    statement = DeliveryStatement.from_row(
        of,
        person=own.public.person,
        columns=tuple(columns),
        size_bytes=size_bytes,
        sha256=digest.hexdigest(),
        at=at,
    )
    signed = SignedDelivery.of(statement, own.keys.signing_key)
    address = Address(of.sender, of.recipient, receivers, at)
    with rows.open("rb") as file, replacing(target) as written:
        written.writelines(seal_pieces(_content(signed, file), address))


def join_tables(tables: Sequence[Path], target: Path) -> None:
    """Write the rows of a delivery that has several tables: each after the line of its length."""
    with replacing(target) as written:
        for table in tables:
            written.write(table_head(table.stat().st_size))
            with table.open("rb") as file:
                shutil.copyfileobj(file, written)


def split_tables(rows: Path, most: int) -> tuple[Path, ...]:
    """Write each table of the rows of a delivery into a file of its own, beside them.

    Args:
        most: of how many runs there may be a table.
    """
    found: list[Path] = []
    with rows.open("rb") as file:
        while (left := _next_table(file)) is not None:
            # Each becomes a durable file, and a sender may put millions of tables into one delivery.
            if len(found) == most:
                raise DeliveryUnusableError(
                    "not-as-stated",
                    f"it holds the rows of other runs: more than {counted(most, 'table')}",
                )
            found.append(rows.with_name(f"{rows.name}.{len(found)}"))
            with replacing(found[-1]) as table:
                while left and (piece := file.read(min(left, _PIECE_BYTES))):
                    table.write(piece)
                    left -= len(piece)
            if left:
                raise DeliveryUnusableError("not-agreed", "the last of its tables is cut off")
    return tuple(found)


def open_delivery(
    content: IO[bytes],
    of: DeliveryOf,
    signers: Sequence[PublicIdentity],
    agreed: Sequence[str],
    target: Path,
) -> tuple[str, ...]:
    """Write the rows of a delivery to `target` once all that it states is right; returns its columns.

    Args:
        content: what was in the sealed file.
        of: which delivery it must be.
        signers: persons of the sender whom this agency trusts, with their newest keys.
        agreed: the columns that the agreement lets the sender hand over to this party.
    """
    signed = _signed_head(content)
    _refuse_unsigned(signed, signers, of.sender)
    statement = signed.statement
    _refuse_other(statement, of)
    extra = not_agreed(statement.columns, agreed)
    if extra:
        raise DeliveryUnusableError(
            "not-agreed",
            f"{of.sender} has delivered {len(extra)} columns that the agreement does not let it hand over",
            hint=f"nothing was written; {of.sender} lists too much in [share] columns",
        )
    digest, left = hashlib.sha256(), statement.size_bytes
    with replacing(target) as written:
        while left and (piece := content.read(min(left, _PIECE_BYTES))):
            digest.update(piece)
            written.write(piece)
            left -= len(piece)
    padding = content.read(STEP_BYTES)
    size_bytes = len(delivery_head(signed)) + statement.size_bytes
    is_padded = padding == bytes(padding_of(size_bytes)) and not content.read(1)
    if digest.hexdigest() != statement.sha256 or not is_padded:
        raise DeliveryUnusableError(
            "not-as-stated", f"the rows are not those that {of.sender} has signed"
        )
    return statement.columns


def _next_table(rows: IO[bytes]) -> int | None:
    try:
        return read_table_head(rows)
    except DocumentError as exc:
        raise DeliveryUnusableError("not-agreed", f"its rows cannot be read: {exc}") from None


def _signed_head(content: IO[bytes]) -> SignedDelivery:
    try:
        return read_delivery_head(content)
    except DocumentError as exc:
        raise DeliveryUnusableError("not-as-stated", f"it is no delivery: {exc}") from None


def _refuse_unsigned(
    signed: SignedDelivery, signers: Sequence[PublicIdentity], sender: str
) -> None:
    for signer in signers:
        if signer.person == signed.statement.person and signer.party == sender:
            try:
                signed.verify(signer)
            except SignatureError:
                break
            return
    raise DeliveryUnusableError(
        "not-signed",
        f"no person of {sender} whom you trust has signed what was delivered",
        hint=f"have {sender} read its fingerprint to you, then: blindlink people trust {sender}",
    )


def _refuse_other(statement: DeliveryStatement, of: DeliveryOf) -> None:
    """Refuse what is signed, but was meant for another time, place or agreement."""
    stated = (statement.project, statement.sender, statement.recipient)
    if stated != (of.project, of.sender, of.recipient):
        raise DeliveryUnusableError(
            "not-as-stated", "it was delivered to another party, or in another project"
        )
    if (statement.round, statement.number) != (of.round, of.number):
        raise DeliveryUnusableError(
            "not-as-stated",
            f"it is delivery {statement.number} of round {statement.round}, and the broker hands it out as"
            f" delivery {of.number} of round {of.round}",
            hint="someone sends an old file again: keep it, and call your security officer",
        )
    if (statement.agreement, statement.purpose) != (of.agreement, of.purpose):
        raise DeliveryUnusableError(
            "not-agreed",
            f"{of.sender} has delivered it under a different agreement from the one in force",
            hint=f"{of.sender} delivers again with its next job",
        )


def _content(signed: SignedDelivery, rows: IO[bytes]) -> Iterator[bytes]:
    head = delivery_head(signed)
    yield head
    yield from _pieces(rows)
    yield bytes(padding_of(len(head) + signed.statement.size_bytes))


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE_BYTES):
        yield piece
