"""Invented students and a rehearsed partner, made once: fixtures of the tests of attacks."""

from __future__ import annotations

import pytest
from samples.strangers import strangers

from encoding.privacy_audit.files import ClearFile
from encoding.privacy_audit.scene import Pair, Scene, rehearse_partner
from encoding.profiles.catalog import shipped_profile
from schemas.linkage.profile import EncodingProfile


@pytest.fixture(scope="session")
def children() -> EncodingProfile:
    """The shipped profile."""
    return shipped_profile("children")


@pytest.fixture(scope="session")
def students(children: EncodingProfile) -> ClearFile:
    """Some 4,000 students in the clear."""
    return strangers(children, 4_000, seed=5)


@pytest.fixture(scope="session")
def pair(children: EncodingProfile, students: ClearFile) -> Pair:
    """The students, and 1,000 children in care of whom 600 are among them."""
    return rehearse_partner(students, "larger", 1_000, seed=3)


@pytest.fixture(scope="session")
def scene(children: EncodingProfile, pair: Pair) -> Scene:
    """What is worked out of both."""
    return Scene(children, pair)
