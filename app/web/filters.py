"""What a page's address may say: what is chosen by, and where in a long list the page begins."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, ClassVar
from urllib.parse import urlencode

from fastapi import Query


def or_empty(pattern: str, length: int) -> Any:
    """Return a parameter of this pattern: a form sends a field that nobody filled in as an empty one."""
    return Query(pattern=f"^$|{pattern}", max_length=length)


class AddressFilter:
    """The base of a frozen dataclass whose fields are texts to choose by, empty for all, but for `PLACES`.

    Those say where the page begins, and are numbers or None.
    """

    PLACES: ClassVar[tuple[str, ...]]

    def fields(self) -> dict[str, str]:
        """Return what is chosen by."""
        names = [field.name for field in fields(self)]  # type: ignore[arg-type]
        return {name: getattr(self, name) for name in names if name not in self.PLACES}

    @property
    def is_filtered(self) -> bool:
        """Whether anything is left out."""
        return any(self.fields().values())

    def encoded(self, **places: int | str | None) -> str:
        """Return the filter as an address's query, without what is empty, at a place if one is given."""
        chosen = {name: value for name, value in self.fields().items() if value}
        return urlencode(chosen | {name: str(at) for name, at in places.items() if at is not None})
