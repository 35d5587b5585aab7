"""Tables of projects, their terms and encoding profiles, and of agreements with what was signed about them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

TIME = String(20)
DIGEST = String(64)
NAME = String(40)


RANDOM_ID = String(36)


class Project(Base):
    """The lasting frame of a linkage."""

    __tablename__ = "project"

    name: Mapped[str] = mapped_column(NAME, primary_key=True)
    created: Mapped[str] = mapped_column(TIME)


class StoredProfile(Base):
    """An encoding profile under its digest; `document` is its canonical JSON."""

    __tablename__ = "encoding_profile"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    document: Mapped[str] = mapped_column(Text)


class StoredTerms(Base):
    """What binds a project under one of its signed agreements; `document` is canonical JSON of the terms.

    `version` and `digest` are the agreement's number and digest.
    """

    __tablename__ = "project_terms"

    project: Mapped[str] = mapped_column(ForeignKey("project.name"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[str] = mapped_column(DIGEST, unique=True)
    profile: Mapped[str] = mapped_column(ForeignKey("encoding_profile.digest"))
    document: Mapped[str] = mapped_column(Text)
    created: Mapped[str] = mapped_column(TIME)


class ProjectParty(Base):
    """Whom the terms name, and as what: `provider`, `recipient` or `auditor`.

    A `negotiator` may propose an agreement for the project, or is named in one that was proposed.
    """

    __tablename__ = "project_party"

    project: Mapped[str] = mapped_column(ForeignKey("project.name"), primary_key=True)
    party: Mapped[str] = mapped_column(ForeignKey("party.name"), primary_key=True, index=True)
    capacity: Mapped[str] = mapped_column(String(20), primary_key=True)


class StoredAgreement(Base):
    """An agreement that was proposed; `document` is its canonical JSON.

    `completed` is null until every party has signed, `withdrawn` until a party has left it.
    """

    __tablename__ = "agreement"
    __table_args__ = (Index("ix_agreement_project", "project", "number"),)

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    project: Mapped[str] = mapped_column(ForeignKey("project.name"))
    number: Mapped[int] = mapped_column(Integer)
    profile: Mapped[str] = mapped_column(ForeignKey("encoding_profile.digest"))
    document: Mapped[str] = mapped_column(Text)
    party: Mapped[str] = mapped_column(ForeignKey("party.name"))
    proposed: Mapped[str] = mapped_column(TIME)
    completed: Mapped[str | None] = mapped_column(TIME)
    withdrawn: Mapped[str | None] = mapped_column(TIME)


class PartyWord(Base):
    """The newest of what a party's persons have signed in a project, about agreements and runs: its digest."""

    __tablename__ = "party_word"

    project: Mapped[str] = mapped_column(ForeignKey("project.name"), primary_key=True)
    party: Mapped[str] = mapped_column(ForeignKey("party.name"), primary_key=True)
    sha256: Mapped[str] = mapped_column(DIGEST)
    at: Mapped[str] = mapped_column(TIME)


class StoredConsent(Base):
    """A party's signature under an agreement, which counts; `document` is the signed statement."""

    __tablename__ = "agreement_consent"

    agreement: Mapped[str] = mapped_column(ForeignKey("agreement.digest"), primary_key=True)
    party: Mapped[str] = mapped_column(ForeignKey("party.name"), primary_key=True)
    document: Mapped[str] = mapped_column(Text)


class StoredNotice(Base):
    """What a party has said since all had signed; `at` is the statement's own time, `act` one of Notice's."""

    __tablename__ = "agreement_notice"

    project: Mapped[str] = mapped_column(ForeignKey("project.name"), primary_key=True)
    party: Mapped[str] = mapped_column(ForeignKey("party.name"), primary_key=True)
    at: Mapped[str] = mapped_column(TIME, primary_key=True)
    agreement: Mapped[str] = mapped_column(ForeignKey("agreement.digest"))
    act: Mapped[str] = mapped_column(String(10))
    document: Mapped[str] = mapped_column(Text)


class LegalHold(Base):
    """A hold on a project; it stands until `lifted`.

    `party` and `person` set it; `order` is the ground they gave. `document` is the signed statement that
    set it, `lifting` the one that lifted it; both are null where a command of the operator did.
    """

    __tablename__ = "legal_hold"

    id: Mapped[str] = mapped_column(RANDOM_ID, primary_key=True)
    project: Mapped[str] = mapped_column(ForeignKey("project.name"), index=True)
    party: Mapped[str] = mapped_column(ForeignKey("party.name"))
    person: Mapped[str] = mapped_column(RANDOM_ID)
    order: Mapped[str] = mapped_column("ground", String(200))
    made: Mapped[str] = mapped_column(TIME)
    lifted: Mapped[str | None] = mapped_column(TIME)
    document: Mapped[str | None] = mapped_column(Text)
    lifting: Mapped[str | None] = mapped_column(Text)
