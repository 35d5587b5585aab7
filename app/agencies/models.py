"""Tables of parties, persons, invitations, tokens and page sessions."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

# Times are `clock.utc_text`: they compare as text, alike on both databases.
TIME = String(20)
RANDOM_ID = String(36)
DIGEST = String(64)
PARTY_NAME = String(40)
# All seven duties with commas between them have 60 characters.
DUTIES = String(80)
THUMBPRINT = String(43)


class Party(Base):
    """An organisation that takes part: agency, recipient, auditor or operator."""

    __tablename__ = "party"

    name: Mapped[str] = mapped_column(PARTY_NAME, primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    created: Mapped[str] = mapped_column(TIME)


class Person(Base):
    """A named human of a party, or its unattended job; the log knows it by `id` alone.

    Who enrolled with keys has `identity`, the newest one, `history`, all of them, and `duties`, all null for
    whom the operator is in commands and on the pages. Such a person may act from `confirmed` on, and
    nobody may after `revoked`.
    """

    __tablename__ = "person"

    id: Mapped[str] = mapped_column(RANDOM_ID, primary_key=True)
    party: Mapped[str] = mapped_column(ForeignKey("party.name"), index=True)
    label: Mapped[str] = mapped_column(String(200))
    created: Mapped[str] = mapped_column(TIME)
    duties: Mapped[str | None] = mapped_column(DUTIES)
    identity: Mapped[str | None] = mapped_column(Text)
    history: Mapped[str | None] = mapped_column(Text)
    confirmed: Mapped[str | None] = mapped_column(TIME)
    revoked: Mapped[str | None] = mapped_column(TIME)


class Invitation(Base):
    """A one-time code for one person to enrol with, by its digest; `person` is who used it, null till then."""

    __tablename__ = "invitation"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    party: Mapped[str] = mapped_column(ForeignKey("party.name"), index=True)
    label: Mapped[str] = mapped_column(String(200))
    duties: Mapped[str] = mapped_column(DUTIES)
    created: Mapped[str] = mapped_column(TIME)
    expires: Mapped[str] = mapped_column(TIME)
    person: Mapped[str | None] = mapped_column(RANDOM_ID)


class Token(Base):
    """A token by its digest; `revoked` is null while it holds.

    `thumbprint` is that of the key that its holder must prove to have with each request; null: none.
    """

    __tablename__ = "token"

    id: Mapped[str] = mapped_column(RANDOM_ID, primary_key=True)
    digest: Mapped[str] = mapped_column(DIGEST, unique=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    created: Mapped[str] = mapped_column(TIME)
    expires: Mapped[str] = mapped_column(TIME)
    revoked: Mapped[str | None] = mapped_column(TIME)
    thumbprint: Mapped[str | None] = mapped_column(THUMBPRINT)


class SeenOnce(Base):
    """What was signed to be used once, by its digest, until it would be too old to be taken anyway."""

    __tablename__ = "seen_once"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    expires: Mapped[str] = mapped_column(TIME, index=True)


class RefusedSignIns(Base):
    """How many sign-ins in a party's name were refused in an hour that the match log has not summed up yet.

    `party` is empty for those in the name of nobody who is known.
    """

    __tablename__ = "refused_sign_ins"

    party: Mapped[str] = mapped_column(PARTY_NAME, primary_key=True)
    hour: Mapped[str] = mapped_column(TIME, primary_key=True)
    count: Mapped[int] = mapped_column(Integer)


class SessionCode(Base):
    """A one-time code for the pages, by its digest; the row goes when it is used."""

    __tablename__ = "session_code"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    token: Mapped[str] = mapped_column(ForeignKey("token.id"), index=True)
    expires: Mapped[str] = mapped_column(TIME)


class PageSession(Base):
    """A browser's session, by the digest of its cookie; `token` was the way in, and may have ended since.

    The other columns are of a single sign-on, and null where keys were the way in: whose it is, the provider's
    own name of its session by its digest, the duties that the provider's groups leave the person, and the ID
    token that ends the session there, sealed under the cookie.
    """

    __tablename__ = "page_session"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    token: Mapped[str] = mapped_column(ForeignKey("token.id"), index=True)
    expires: Mapped[str] = mapped_column(TIME)
    subject: Mapped[str | None] = mapped_column(DIGEST, index=True)
    provider_session: Mapped[str | None] = mapped_column(DIGEST, index=True)
    duties: Mapped[str | None] = mapped_column(DUTIES)
    id_token: Mapped[str | None] = mapped_column(Text)


class SignOn(Base):
    """Whom a person's keys have linked with them: someone at the provider, by a digest.

    `salt` opens `commitment`, by which the match log names the link.
    """

    __tablename__ = "sign_on"

    subject: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), unique=True)
    salt: Mapped[str] = mapped_column(DIGEST)
    commitment: Mapped[str] = mapped_column(DIGEST)
    created: Mapped[str] = mapped_column(TIME)
