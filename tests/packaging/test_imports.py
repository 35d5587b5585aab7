"""Who may import whom, and what: read from the source, so that a lazy import counts too.

Foreign keys are held to the same order.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db import Base
from app.migrations.tables import ALL_TABLES

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

# The import names of distributions whose own name differs.
IMPORT_NAMES = {
    "prometheus-client": "prometheus_client",
    "psycopg": "psycopg",
    "pydantic-settings": "pydantic_settings",
    "python-calamine": "python_calamine",
    "python-multipart": "python_multipart",
    "setuptools": "pkg_resources",
}


def third_party(*requirement_lists: list[str]) -> set[str]:
    """Return the import names of requirements such as `httpx2>=2,<3`."""
    names = [re.split(r"[\[<>=!~; ]", one)[0] for listed in requirement_lists for one in listed]
    return {IMPORT_NAMES.get(name, name) for name in names}


CONTRACTS = PROJECT["tool"]["importlinter"]["contracts"]
OPTIONAL = PROJECT["project"]["optional-dependencies"]
BASE = third_party(PROJECT["project"]["dependencies"])
READERS = third_party(OPTIONAL["parquet"], OPTIONAL["xlsx"])
# starlette is part of what fastapi offers its users, markupsafe of what jinja2 does.
BROKER = third_party(OPTIONAL["broker"], OPTIONAL["postgres"]) | {"starlette", "markupsafe"}

# What each part may import beyond the standard library and itself.
MAY_IMPORT = {
    # pydantic_core is the part of pydantic that reads and writes JSON.
    "schemas": {"pydantic", "pydantic_core", "cryptography"},
    "encoding": BASE | READERS | {"schemas", "app.matching.exhaustive"},
    "app/auditor": BASE - {"clkhash", "anyascii", "jellyfish"} | {"schemas"},
    "app/matching/exhaustive": {"numpy", "schemas"},
    "app": BASE - {"clkhash", "anyascii", "jellyfish", "pkg_resources"} | BROKER | {"schemas"},
}


def imported_names(source: Path) -> Iterator[str]:
    """Yield the full names of what a file imports, and of the modules it is in; none of them is relative."""
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}: a relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_a_part_imports_nothing_but_what_it_may(part: str) -> None:
    allowed = {*MAY_IMPORT[part], part.replace("/", "."), *sys.stdlib_module_names}
    strangers = {
        f"{source.relative_to(ROOT)}: {name}"
        for source in (ROOT / part).rglob("*.py")
        for name in imported_names(source)
        if not any(name == one or name.startswith(f"{one}.") for one in allowed)
    }
    assert strangers == set()


def test_a_slice_asks_the_service_of_another_and_never_its_repository() -> None:
    repositories = {source.parent.name for source in (ROOT / "app").glob("*/repository.py")}
    assert len(repositories) > 8
    strangers = {
        f"{source.relative_to(ROOT)}: {name}"
        for source in (ROOT / "app").rglob("*.py")
        for name in imported_names(source)
        for owner in repositories - {source.relative_to(ROOT / "app").parts[0]}
        if f"{name}.".startswith(f"app.{owner}.repository.")
    }
    assert strangers == set()


def test_foreign_keys_point_the_same_way_as_imports() -> None:
    lines = next(one["layers"] for one in CONTRACTS if one["id"] == "broker-layers")
    depth = {name: place for place, line in enumerate(lines) for name in re.findall(r"\w+", line)}
    slice_of = {
        mapper.local_table.name: mapper.class_.__module__.split(".")[1]
        for mapper in Base.registry.mappers
    }
    assert slice_of.keys() == ALL_TABLES.tables.keys()
    crossing = [
        (slice_of[table.name], slice_of[key.column.table.name])
        for table in ALL_TABLES.tables.values()
        for key in table.foreign_keys
        if slice_of[table.name] != slice_of[key.column.table.name]
    ]
    assert len(crossing) > 10
    assert [(own, other) for own, other in crossing if depth[own] >= depth[other]] == []


def test_the_contracts_between_the_packages_hold() -> None:
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


def test_app_has_an_empty_init() -> None:
    assert (ROOT / "app" / "__init__.py").read_text() == ""
