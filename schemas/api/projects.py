"""The bodies of the HTTP API that are about projects."""

from __future__ import annotations

from typing import ClassVar

from schemas.agreement.agreement import ProjectTerms
from schemas.documents.document import Document
from schemas.documents.ids import Name, Sha256Hex
from schemas.linkage.profile import EncodingProfile


class ProjectView(Document):
    """A project as one of its parties sees it: the terms in force and what they are checked against."""

    KIND: ClassVar[str] = "project"

    project: Name
    agreement: Sha256Hex
    terms: ProjectTerms
    profile: EncodingProfile
    in_force: bool


class ProjectList(Document):
    """The projects that name the caller's party."""

    KIND: ClassVar[str] = "project list"

    projects: tuple[ProjectView, ...]
