"""Who may import whom, and what: read from the source, so that a lazy import counts too."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

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


OPTIONAL = PROJECT["project"]["optional-dependencies"]
BASE = third_party(PROJECT["project"]["dependencies"])
READERS = third_party(OPTIONAL["parquet"], OPTIONAL["xlsx"])
# starlette is part of what fastapi offers its users, markupsafe of what jinja2 does.
BROKER = third_party(OPTIONAL["broker"], OPTIONAL["postgres"]) | {"starlette", "markupsafe"}

# What each part may import beyond the standard library and itself.
MAY_IMPORT = {
    # pydantic_core is the part of pydantic that reads and writes JSON.
    "schemas": {"pydantic", "pydantic_core", "cryptography"},
    "encoding": BASE | READERS | {"schemas", "app.matching"},
    "app/auditor": BASE - {"clkhash", "anyascii"} | {"schemas"},
    "app/matching": {"numpy", "schemas"},
    "app": BASE - {"clkhash", "anyascii", "pkg_resources"} | BROKER | {"schemas"},
}


def imported_names(source: Path) -> Iterator[str]:
    """Yield the full names of the modules that a file imports; none of them is relative."""
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}: a relative import"
            yield node.module or ""


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
