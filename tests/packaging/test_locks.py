"""The lock files pin everything that make installs, agree with each other, and fit pyproject.toml."""

from __future__ import annotations

import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from install.wheelhouse import pins_of

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BASE: list[str] = PROJECT["project"]["dependencies"]
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
GROUPS: dict[str, list[str]] = PROJECT["dependency-groups"]

BESIDES = ("parquet", "xlsx", "review", "store", "tables", "hsm", "cluster", "traces")
ASKED_FOR = {
    "agency": BASE,
    **{name: EXTRAS[name] for name in BESIDES},
    "broker": [*BASE, *EXTRAS["broker"], *EXTRAS["postgres"], *EXTRAS["sso"]],
    "build": GROUPS["build"],
    "dev": [*BASE, *chain.from_iterable(EXTRAS.values()), *GROUPS["dev"]],
    "lock": GROUPS["lock"],
    "docs": GROUPS["docs"],
    "mutants": GROUPS["mutants"],
    "fuzz": GROUPS["fuzz"],
}


def versions_of(lock: str) -> dict[str, set[str]]:
    """Return the versions that a lock pins of each package; more than one where markers choose."""
    versions: dict[str, set[str]] = {}
    for pin in pins_of(lock):
        (specifier,) = pin.requirement.specifier
        assert specifier.operator == "=="
        versions.setdefault(pin.requirement.name, set()).add(specifier.version)
    return versions


def test_every_lock_is_known_here() -> None:
    assert {file.stem for file in (ROOT / "requirements").iterdir()} == set(ASKED_FOR)


@pytest.mark.parametrize("lock", ASKED_FOR)
def test_every_pin_has_a_digest(lock: str) -> None:
    assert [pin.requirement.name for pin in pins_of(lock) if not pin.hashes] == []


@pytest.mark.parametrize("lock", ASKED_FOR)
def test_a_lock_names_no_index(lock: str) -> None:
    assert "://" not in (ROOT / "requirements" / f"{lock}.txt").read_text()


@pytest.mark.parametrize("lock", ASKED_FOR)
def test_a_lock_fits_what_the_project_asks_for(lock: str) -> None:
    versions = versions_of(lock)
    unfit = [
        asked
        for asked in map(Requirement, ASKED_FOR[lock])
        if not all(asked.specifier.contains(version) for version in versions.get(asked.name, {""}))
    ]
    assert unfit == []


@pytest.mark.parametrize("lock", ["agency", *BESIDES, "broker"])
def test_what_is_tested_is_what_is_installed(lock: str) -> None:
    tested = versions_of("dev")
    assert {name: tested.get(name) for name in versions_of(lock)} == versions_of(lock)


@pytest.mark.parametrize("lock", ["docs", "mutants", "fuzz"])
def test_what_is_put_beside_the_tests_changes_nothing_that_is_tested(lock: str) -> None:
    tested = versions_of("dev")
    differ = [
        name for name, pinned in versions_of(lock).items() if tested.get(name, pinned) != pinned
    ]
    assert differ == []


def test_the_build_group_is_what_the_build_system_requires() -> None:
    named = {Requirement(one).name for one in PROJECT["build-system"]["requires"]}
    assert {Requirement(one).name for one in GROUPS["build"]} == named


def test_the_agency_gets_no_server_and_no_reader_of_other_files_than_text() -> None:
    server = {"fastapi", "sqlalchemy", "uvicorn", "starlette", "alembic", "psycopg"}
    assert (server | {"pyarrow", "python-calamine", "textual", "obstore"}).isdisjoint(
        versions_of("agency")
    )
