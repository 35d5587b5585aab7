"""The lock files pin everything that make installs, agree with each other, and fit pyproject.toml."""

from __future__ import annotations

import tomllib
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement

from install.wheelhouse import pins_of

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BASE: list[str] = PROJECT["project"]["dependencies"]
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
GROUPS: dict[str, list[str]] = PROJECT["dependency-groups"]

BESIDES = ("parquet", "review", "store", "tables", "hsm", "traces")
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


def test_every_pin_has_a_digest() -> None:
    assert {file.stem for file in (ROOT / "requirements").iterdir()} == set(ASKED_FOR)
    for lock, asked_for in ASKED_FOR.items():
        assert [pin.requirement.name for pin in pins_of(lock) if not pin.hashes] == [], lock
        # No lock names an index, and each fits what the project asks for.
        assert "://" not in (ROOT / "requirements" / f"{lock}.txt").read_text(), lock
        versions = versions_of(lock)
        unfit = [
            asked
            for asked in map(Requirement, asked_for)
            if not all(map(asked.specifier.contains, versions.get(asked.name, {""})))
        ]
        assert unfit == [], lock


def test_what_is_tested_is_what_is_installed() -> None:
    tested = versions_of("dev")
    for lock in ("agency", *BESIDES, "broker"):
        assert {name: tested.get(name) for name in versions_of(lock)} == versions_of(lock), lock
    # What is put beside the tests changes nothing that is tested.
    for lock in ("docs", "mutants", "fuzz"):
        beside = versions_of(lock).items()
        assert [name for name, pinned in beside if tested.get(name, pinned) != pinned] == [], lock


def test_the_build_group_is_what_the_build_system_requires() -> None:
    named = {Requirement(one).name for one in PROJECT["build-system"]["requires"]}
    assert {Requirement(one).name for one in GROUPS["build"]} == named


def test_the_agency_gets_no_server_and_no_reader_of_parquet() -> None:
    server = {"fastapi", "sqlalchemy", "uvicorn", "starlette", "alembic", "psycopg"}
    assert (server | {"pyarrow", "textual", "obstore"}).isdisjoint(versions_of("agency"))
