"""Tables of parties, persons, tokens and page sessions."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

# Times are `clock.utc_text`: they compare as text, alike on both databases.
TIME = String(20)
RANDOM_ID = String(36)
DIGEST = String(64)
PARTY_NAME = String(40)


class Party(Base):
    """An organisation that takes part: agency, recipient, auditor or operator."""

    __tablename__ = "party"

    name: Mapped[str] = mapped_column(PARTY_NAME, primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    created: Mapped[str] = mapped_column(TIME)


class Person(Base):
    """A named human of a party, or its unattended job; the log knows it by `id` alone."""

    __tablename__ = "person"

    id: Mapped[str] = mapped_column(RANDOM_ID, primary_key=True)
    party: Mapped[str] = mapped_column(ForeignKey("party.name"), index=True)
    label: Mapped[str] = mapped_column(String(200))
    created: Mapped[str] = mapped_column(TIME)


class Token(Base):
    """A bearer token by its digest; `revoked` is null while it holds, `expires` null where it never ends."""

    __tablename__ = "token"

    id: Mapped[str] = mapped_column(RANDOM_ID, primary_key=True)
    digest: Mapped[str] = mapped_column(DIGEST, unique=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    created: Mapped[str] = mapped_column(TIME)
    expires: Mapped[str | None] = mapped_column(TIME)
    revoked: Mapped[str | None] = mapped_column(TIME)


class SessionCode(Base):
    """A one-time code for the pages, by its digest; the row goes when it is used."""

    __tablename__ = "session_code"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    token: Mapped[str] = mapped_column(ForeignKey("token.id"), index=True)
    expires: Mapped[str] = mapped_column(TIME)


class PageSession(Base):
    """A browser's session, by the digest of its cookie; it ends with the token that it came from."""

    __tablename__ = "page_session"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    token: Mapped[str] = mapped_column(ForeignKey("token.id"), index=True)
    expires: Mapped[str] = mapped_column(TIME)
