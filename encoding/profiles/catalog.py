"""Shipped encoding profiles and column presets: data of `schemas/linkage/`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

from encoding.errors import ShippedNameError
from encoding.recipe.numbers import NUMBER_COLUMN
from schemas.linkage.fields import NumberKind
from schemas.linkage.profile import EncodingProfile

SHIPPED: Final = ("children", "generic-person")
"""Names of the shipped profiles; docs/encoding.md says which is for what."""

Size = Literal["state", "nation"]
SIZES: Final[tuple[Size, ...]] = ("state", "nation")
# In a larger file too many rows of a block would be left out under the cap of a state.
MOST_OF_A_STATE: Final = 1_000_000
"""How large the larger file is: up to a million records, or more; `calibrate` recommends one."""

ZIP_FIELD: Final = "zip"
SEX_FIELD: Final = "sex"
NUMBER_FIELD: Final = "known-number"


@dataclass(frozen=True, slots=True)
class ColumnPreset:
    """A file layout by name: `columns` maps the recipe's inputs to the layout's headers."""

    title: str
    id_column: str
    date_format: str
    columns: Mapping[str, str]


def size_of(most_records: int) -> Size:
    """Return for which size of the larger file a profile is taken; see docs/encoding.md."""
    return "state" if most_records <= MOST_OF_A_STATE else "nation"


def shipped_profile(
    name: str,
    *,
    size: Size = "state",
    zip_code: bool = True,
    sex: bool = True,
    number: NumberKind | None = None,
) -> EncodingProfile:
    """Return a shipped encoding profile.

    Args:
        name: one of SHIPPED.
        size: chooses passes and how many rows a block holds; the profile's name says which.
        zip_code: whether the ZIP code is compared and brings records together.
        sex: whether the sex is compared and part of blocking keys; without it a file has no key that needs it.
        number: the known number that is compared and brings records together; None: none.
    Raises:
        ShippedNameError: there is no such profile.
    """
    if name not in SHIPPED:
        raise ShippedNameError(f"there is no profile of this name; there are {', '.join(SHIPPED)}")
    shipped = dict(_read(f"{name}.json"))
    shipped |= shipped.pop("sizes")[size]
    if size != "state":
        shipped["name"] += f"-{size}"
    if not zip_code:
        shipped = _without_field(shipped, ZIP_FIELD) | {"name": f"{shipped['name']}-no-zip"}
    if not sex:
        shipped = _without_sex(shipped)
    if number is not None:
        shipped = _with_number(shipped, number)
    return EncodingProfile.from_json(shipped)


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


def _without_field(shipped: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a profile without a field, and without the passes and derived columns that need it."""
    (gone,) = (field for field in shipped["fields"] if field["name"] == name)
    columns = {lane["column"] for lane in gone["lanes"]}
    recipe = dict(shipped["recipe"])
    recipe["columns"] = [column for column in recipe["columns"] if column not in columns]
    return shipped | {
        "recipe": recipe,
        "fields": [field for field in shipped["fields"] if field is not gone],
        "passes": [one for one in shipped["passes"] if not columns & set(_columns_of(one))],
    }


def _without_sex(shipped: dict[str, Any]) -> dict[str, Any]:
    """Return a profile without the sex; a key of it and other columns is made of those alone."""
    passes = [
        one | {"keys": [[part for part in key if part != [SEX_FIELD]] for key in one["keys"]]}
        for one in shipped["passes"]
    ]
    kept = {name: value for name, value in shipped.items() if name != "either"}
    left = _without_field(kept | {"passes": passes}, SEX_FIELD)
    return left | {"name": f"{shipped['name']}-no-sex"}


def _with_number(shipped: dict[str, Any], number: NumberKind) -> dict[str, Any]:
    """Return a profile with a known number: its field before those of memory, its pass before all others."""
    added, recipe = _read("known-number.json"), shipped["recipe"]
    n_counted = sum(field["memory"] is None for field in shipped["fields"])
    return shipped | {
        "name": f"{shipped['name']}-{number}",
        "recipe": recipe | {"columns": [*recipe["columns"], NUMBER_COLUMN], "number": number},
        "fields": [
            *shipped["fields"][:n_counted],
            added["field"],
            *shipped["fields"][n_counted:],
        ],
        "passes": [added["pass"], *shipped["passes"]],
    }


def _columns_of(one_pass: Mapping[str, Any]) -> list[str]:
    return [column for key in one_pass["keys"] for part in key for column in part]


@cache
def _read(file_name: str) -> dict[str, Any]:
    text = resources.files("schemas").joinpath("linkage", file_name).read_text("utf-8")
    parsed: dict[str, Any] = json.loads(text)
    return parsed
