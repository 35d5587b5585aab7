from __future__ import annotations

from typing import Any

import pytest
from rigs.enrolled import EnrolledPerson
from rigs.linkage import (
    CHILD_WELFARE,
    SCHOOL,
    Linkage,
    embedded_database,
    linkage,
    make_linkage,
)

__all__ = ["embedded_database", "linkage", "make_linkage"]


@pytest.fixture
def settings(settings: Any) -> Any:
    return settings.model_copy(update={"worker_threads": 1})


@pytest.fixture
def linked(linkage: Linkage) -> Linkage:
    """Both agencies have uploaded and been linked, and one has fetched its matches."""
    linkage.upload_both()
    linkage.work()
    for release in linkage.get(f"/v1/projects/{linkage.terms.project}/releases").json()["releases"]:
        linkage.get(f"/v1/releases/{release['release']}/file")
    return linkage


@pytest.fixture
def ann(linkage: Linkage) -> EnrolledPerson:
    """The person of child welfare."""
    return linkage.person(CHILD_WELFARE)


@pytest.fixture
def kim(linkage: Linkage) -> EnrolledPerson:
    """The person of the schools."""
    return linkage.person(SCHOOL)
