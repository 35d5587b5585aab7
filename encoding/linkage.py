"""The shipped linkage schemas and column presets: data of `schemas/linkage/`, read as encoding profiles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from encoding.errors import ShippedNameError
from schemas.profile import EncodingProfile, Hardening

SHIPPED: Final = ("children", "children-strict", "generic-person")
"""Names of the shipped linkage schemas; docs/recipe.md says which is for what."""

NO_HARDENING: Final = Hardening(kind="none")


@dataclass(frozen=True, slots=True)
class ColumnPreset:
    """A file layout by name: `columns` maps the recipe's inputs to the layout's headers."""

    title: str
    id_column: str
    date_format: str
    columns: Mapping[str, str]


def load_shipped(name: str, *, hardening: Hardening | None = None) -> EncodingProfile:
    """Return a shipped linkage schema as an encoding profile.

    Args:
        name: one of SHIPPED.
        hardening: in place of the shipped one; None keeps it.
    Raises:
        ShippedNameError: there is no such linkage schema.
    """
    if name not in SHIPPED:
        raise ShippedNameError(
            f"there is no linkage schema of this name; there are {', '.join(SHIPPED)}"
        )
    shipped = _read(f"{name}.json")
    # One text, one digest: the schema is written the same way whatever the file's layout.
    schema = json.dumps(shipped["linkage_schema"], sort_keys=True, separators=(",", ":"))
    return EncodingProfile(
        name=shipped["name"],
        recipe=shipped["recipe"],
        linkage_schema=schema,
        hardening=hardening or Hardening.model_validate(shipped["hardening"]),
        nominal_fill=shipped["nominal_fill"],
    )


def load_preset(name: str) -> ColumnPreset:
    """Return the preset of a well-known file layout.

    Raises:
        ShippedNameError: there is no such preset.
    """
    presets = _read("presets.json")
    if name not in presets:
        raise ShippedNameError(
            f"there is no column preset of this name; there are {', '.join(presets)}"
        )
    preset = presets[name]
    return ColumnPreset(
        preset["title"], preset["id_column"], preset["date_format"], preset["columns"]
    )


def preset_names() -> tuple[str, ...]:
    """Return the names of the column presets."""
    return tuple(_read("presets.json"))


@cache
def _read(file_name: str) -> dict[str, Any]:
    text = resources.files("schemas").joinpath("linkage", file_name).read_text("utf-8")
    parsed: dict[str, Any] = json.loads(text)
    return parsed
