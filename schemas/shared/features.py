"""Features that a first linkage never meets: a table of one side's says what the rest knows of them.

A feature is loaded when its command is typed or its setting is there, by its name.
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

    @property
    def is_installed(self) -> bool:
        """Tell whether the packages that it needs are here."""
        return all(find_spec(package) is not None for package in self.needs)


class Features(NamedTuple):
    """The features of one side, each a folder of `package`."""

    package: str
    table: Mapping[str, Feature]

    def load(self, name: str, module: str) -> Any:
        """Return a module of a feature, loaded now."""
        return import_module(f"{self.package}.{name}.{module}")

    def listed_commands(self, program: str) -> dict[str, Mapping[str, str]]:
        """Return the section of a program's help that lists commands of features whose packages are here."""
        found = (one for one in self.table.values() if one.program == program and one.is_installed)
        return {HEADING: {name: said for one in found for name, said in one.commands.items()}}

    def command_modules(self, program: str) -> dict[str, str]:
        """Return where the commands of a program's features are, by name: also those that lack a package."""
        return {
            command: f"{self.package}.{name}.commands"
            for name, one in self.table.items()
            if one.program == program
            for command in one.commands
        }
