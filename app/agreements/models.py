"""Tables of projects, their terms and encoding profiles."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

TIME = String(20)
DIGEST = String(64)
NAME = String(40)


class Project(Base):
    """The lasting frame of a linkage; the newest version of its terms counts."""

    __tablename__ = "project"

    name: Mapped[str] = mapped_column(NAME, primary_key=True)
    created: Mapped[str] = mapped_column(TIME)


class StoredProfile(Base):
    """An encoding profile under its digest; `document` is its canonical JSON."""

    __tablename__ = "encoding_profile"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    document: Mapped[str] = mapped_column(Text)


class StoredTerms(Base):
    """One version of a project's terms, numbered from 1; `document` is its canonical JSON."""

    __tablename__ = "project_terms"

    project: Mapped[str] = mapped_column(ForeignKey("project.name"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[str] = mapped_column(DIGEST, unique=True)
    profile: Mapped[str] = mapped_column(ForeignKey("encoding_profile.digest"))
    document: Mapped[str] = mapped_column(Text)
    created: Mapped[str] = mapped_column(TIME)


class ProjectParty(Base):
    """Whom the newest terms name, and as what: `provider`, `recipient` or `auditor`."""

    __tablename__ = "project_party"

    project: Mapped[str] = mapped_column(ForeignKey("project.name"), primary_key=True)
    party: Mapped[str] = mapped_column(ForeignKey("party.name"), primary_key=True, index=True)
    capacity: Mapped[str] = mapped_column(String(20), primary_key=True)
