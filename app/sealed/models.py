"""Tables of sealed objects and of their pieces, whatever they hold."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

DIGEST = String(64)
# Long enough for a run and one of its link-ID sets.
OBJECT_ID = String(80)
PIECE_KIND = String(80)


class SealedObject(Base):
    """What lies sealed under the key of the same name; the row stays until nothing of it is left.

    `is_ended` says that it is over: key, pieces and rows are about to go.
    """

    __tablename__ = "sealed_object"

    id: Mapped[str] = mapped_column(OBJECT_ID, primary_key=True)
    is_ended: Mapped[bool] = mapped_column(default=False, index=True)


class RetiredObject(Base):
    """An object of a project that was replaced, or never came whole; it is ended once no hold keeps it."""

    __tablename__ = "retired_object"

    object: Mapped[str] = mapped_column(ForeignKey("sealed_object.id"), primary_key=True)
    project: Mapped[str] = mapped_column(String(40), index=True)


class SealedPiece(Base):
    """One sealed piece of an object: `kind` and `number` are what it is bound to, `blob` is where it lies.

    `sha256` is the digest of an upload's part as it was sent; null for what nobody sends twice.
    """

    __tablename__ = "sealed_piece"

    object: Mapped[str] = mapped_column(ForeignKey("sealed_object.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(PIECE_KIND, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    blob: Mapped[str] = mapped_column(DIGEST, unique=True)
    sha256: Mapped[str | None] = mapped_column(DIGEST)
