from __future__ import annotations

from typing import Any

import pytest
from rigs.agreed_copies import reach
from rigs.enrolled import EnrolledPerson
from rigs.linkage import (
    CHILD_WELFARE,
    SCHOOL,
    Linkage,
)


@pytest.fixture
def settings(settings: Any) -> Any:
    return settings.model_copy(update={"worker_threads": 1})


@pytest.fixture
def later_fetch() -> None:
    """What `linked` asks for, so that its broker is copied from one where all that was done already."""


@pytest.fixture
def linked(later_fetch: None, linkage: Linkage) -> Linkage:
    """Both agencies have uploaded and been linked, and one has fetched its matches."""

    def steps() -> None:
        linkage.upload_both()
        linkage.work()
        path = f"/v1/projects/{linkage.terms.project}/releases"
        for release in linkage.get(path).json()["releases"]:
            linkage.get(f"/v1/releases/{release['release']}/file")

    reach(linkage, steps)
    return linkage


@pytest.fixture
def ann(linkage: Linkage) -> EnrolledPerson:
    """The person of child welfare."""
    return linkage.person(CHILD_WELFARE)


@pytest.fixture
def kim(linkage: Linkage) -> EnrolledPerson:
    """The person of the schools."""
    return linkage.person(SCHOOL)
