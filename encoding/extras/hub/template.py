"""The template of a hub's agreements: answers in which {COLUMN} stands for what the list says of a spoke."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from encoding.errors import SpokesError

_PLACE: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_NUMBER: Final = re.compile(r"[0-9]{1,12}")


def answers_for(template: Mapping[str, Any], answers: Mapping[str, str]) -> dict[str, Any]:
    """Return the answers of one spoke."""
    filled: dict[str, Any] = {
        key: _filled(value, answers, key) for key, value in template.items() if key != "project"
    }
    return {"project": answers["project"], **filled}


def named_columns(template: Any) -> set[str]:
    """Return the columns that a template names."""
    if isinstance(template, Mapping):
        return {name for value in template.values() for name in named_columns(value)}
    if isinstance(template, list):
        return {name for value in template for name in named_columns(value)}
    return set(_PLACE.findall(template)) if isinstance(template, str) else set()


def _filled(value: Any, answers: Mapping[str, str], place: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(one, answers, f"{place}.{key}") for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, answers, place) for one in value]
    if not isinstance(value, str):
        return value

    def cell(found: re.Match[str]) -> str:
        known = answers.get(found[1], "")
        if not known:
            raise SpokesError(
                f"the template asks for {found[1]} in {place}, but the list does not have it"
                f" for {answers['project']}",
                hint=f"add the column {found[1]} to the list of spokes",
            )
        return known

    whole = _PLACE.fullmatch(value)
    if whole is not None and _NUMBER.fullmatch(cell(whole)):
        return int(cell(whole))
    return _PLACE.sub(cell, value)
