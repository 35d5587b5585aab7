"""Features that a first linkage never meets, each in a folder of `app.extras`, and what the rest knows of them.

This table is all of it: a feature is loaded when its command is typed or its setting is there, by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

HEADING: Final = "Extras"


class Feature(NamedTuple):
    """A feature: its page, what its program's `--help` says of its command, and the packages that it needs.

    `check` is what `blindlink-broker doctor` calls the check that its module `check` makes.
    """

    page: str
    program: str | None = None
    commands: Mapping[str, str] = {}
    needs: tuple[str, ...] = ()
    check: str | None = None


FEATURES: Final = {
    "anonlink": Feature(
        "docs/anonlink.md",
        "blindlink-broker",
        {"anonlink": "Serve clients of anonlink-entity-service."},
        needs=("fastapi", "sqlalchemy"),
    ),
    "exhaustive": Feature("docs/matching.md", check="kernel"),
    "incidents": Feature("docs/auditor.md"),
    "key_keepers": Feature("docs/operator.md"),
    "match": Feature(
        "docs/matching.md",
        "blindlink-broker",
        {"match": "Compare files of plain CLKs, without a broker."},
    ),
    "sampling": Feature(
        "docs/auditor.md",
        "blindlink-audit",
        {"sample": "Draw links of a run, and open them with the agencies."},
    ),
    "sign_on": Feature("docs/operator.md", needs=("joserfc",), check="sign-on"),
    "watch": Feature(
        "docs/auditor.md",
        "blindlink-audit",
        {"watch": "Hold the broker's newest checkpoint to those before."},
    ),
}


def load(name: str, module: str) -> Any:
    """Return a module of a feature, loaded now."""
    return import_module(f"app.extras.{name}.{module}")


def listed_commands(program: str) -> dict[str, Mapping[str, str]]:
    """Return the section of a program's help that lists the commands of features whose packages are here."""
    found = (one for one in FEATURES.values() if one.program == program and _is_installed(one))
    return {HEADING: {name: said for one in found for name, said in one.commands.items()}}


def command_modules(program: str) -> dict[str, str]:
    """Return where the commands of a program's features are, by name: also those that lack a package."""
    return {
        command: f"app.extras.{name}.commands"
        for name, one in FEATURES.items()
        if one.program == program
        for command in one.commands
    }


def _is_installed(feature: Feature) -> bool:
    return all(find_spec(package) is not None for package in feature.needs)
