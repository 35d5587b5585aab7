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
    "opentelemetry-exporter-otlp-proto-http": "requests",
    "opentelemetry-sdk": "opentelemetry",
    "python-calamine": "python_calamine",
    "python-multipart": "python_multipart",
    "python-pkcs11": "pkcs11",
}


def third_party(*requirement_lists: list[str]) -> set[str]:
    """Return the import names of requirements such as `httpx2>=2,<3`."""
    names = [re.split(r"[\[<>=!~; ]", one)[0] for listed in requirement_lists for one in listed]
    return {IMPORT_NAMES.get(name, name) for name in names}


CONTRACTS = PROJECT["tool"]["importlinter"]["contracts"]
OPTIONAL = PROJECT["project"]["optional-dependencies"]
BASE = third_party(PROJECT["project"]["dependencies"])
READERS = third_party(OPTIONAL["parquet"])
SCREEN = third_party(OPTIONAL["review"])
PROGRAMS = third_party(OPTIONAL["tables"])
# Part of what others offer their users: starlette of fastapi, markupsafe of jinja2, requests of the exporter.
BROKER_EXTRAS = ("broker", "hsm", "postgres", "sso", "store", "traces")
BROKER = third_party(*(OPTIONAL[name] for name in BROKER_EXTRAS))
BROKER |= {"starlette", "markupsafe"}

# What each part may import beyond the standard library and itself.
MAY_IMPORT = {
    # pydantic_core is the part of pydantic that reads and writes JSON; click is for the command lines alone.
    "schemas": {"pydantic", "pydantic_core", "cryptography", "click"},
    "encoding": BASE | READERS | SCREEN | PROGRAMS | {"schemas", "app.matching"},
    "app/auditor": BASE - {"clkhash", "anyascii", "jellyfish", "python_calamine"}
    | {"schemas", "app.features"},
    "app/matching": {"numpy", "schemas"},
    "blindlink_verify": {"cryptography"},
    "app": BASE - {"clkhash", "anyascii", "jellyfish", "python_calamine"} | BROKER | {"schemas"},
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


def used_names(source: Path) -> Iterator[str]:
    """Yield the full names of what a file imports and uses when it runs: not those for types alone."""
    tree = ast.parse(source.read_text("utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    full = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in froms
        for alias in node.names
    }
    for node in ast.walk(tree):
        for part in ("annotation", "returns"):
            if getattr(node, part, None) is not None:
                setattr(node, part, None)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in full:
            yield full[node.id]


def test_a_part_imports_nothing_but_what_it_may() -> None:
    strangers = set()
    for part, may in MAY_IMPORT.items():
        allowed = {*may, part.replace("/", "."), *sys.stdlib_module_names}
        strangers |= {
            f"{source.relative_to(ROOT)}: {name}"
            for source in (ROOT / part).rglob("*.py")
            for name in imported_names(source)
            if not any(name == one or name.startswith(f"{one}.") for one in allowed)
        }
    assert strangers == set()
    assert (ROOT / "app" / "__init__.py").read_text() == ""


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


def test_a_slice_knows_the_rows_of_another_as_types_alone() -> None:
    slices = {source.parent.name for source in (ROOT / "app").glob("*/models.py")}
    assert len(slices) > 8
    strangers = {
        f"{source.relative_to(ROOT)}: {name}"
        for source in (ROOT / "app").rglob("*.py")
        if "migrations" not in source.parts
        for name in used_names(source)
        for owner in slices - {source.relative_to(ROOT / "app").parts[0]}
        if re.match(rf"app\.{owner}\.(\w+_)?models\b", name)
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


# What the help of a command does without; see test_commands.py.
NOT_FOR_HELP = {"numpy", "clkhash", "sqlalchemy", "fastapi", "structlog"}


class Loads:
    """What each module loads with itself: imports in functions, and those for types alone, are left out."""

    def __init__(self) -> None:
        self._files = {
            ".".join(source.relative_to(ROOT).with_suffix("").parts).removesuffix(
                ".__init__"
            ): source
            for package in ("app", "encoding", "schemas")
            for source in (ROOT / package).rglob("*.py")
        }
        self._known: dict[str, set[str]] = {}

    def is_heavy(self, module: str) -> bool:
        """Tell whether a module loads, with itself, what help does without."""
        seen: set[str] = set()
        waiting = [module]
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += self._direct(name)
        return not NOT_FOR_HELP.isdisjoint(seen)

    def named(self, node: ast.Import | ast.ImportFrom) -> set[str]:
        """Return the modules that one import loads, their packages among them."""
        names = {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            whole = {f"{node.module}.{name}" for name in names}
            names = {node.module or ""} | (whole & self._files.keys())
        parts = [name.split(".") for name in names]
        return {".".join(each[:n]) for each in parts for n in range(1, len(each) + 1)}

    def _direct(self, module: str) -> set[str]:
        if module not in self._known:
            source = self._files.get(module)
            tree = ast.parse(source.read_text("utf-8")) if source else ast.Module([], [])
            self._known[module] = {name for node in at_top(tree) for name in self.named(node)}
        return self._known[module]


def at_top(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports that are made as soon as a module is loaded."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        elif not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from at_top(child)


@pytest.mark.parametrize("folder", ["encoding/cli/commands", "app/cli"])
def test_a_command_imports_late_only_what_its_help_does_without(folder: str) -> None:
    loads = Loads()
    assert loads.is_heavy("encoding.packing.fill")
    late = [
        (source, node)
        for source in sorted((ROOT / folder).rglob("*.py"))
        for function in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    assert len(late) > 20
    needless = [
        f"{source.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"
        for source, node in late
        if not any(map(loads.is_heavy, loads.named(node)))
    ]
    assert needless == []


def test_the_contracts_between_the_packages_hold() -> None:
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
