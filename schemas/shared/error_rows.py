"""Errors by rows of a table: what nobody catches by itself needs a code of its own, and no class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar


class Coded(Protocol):
    """An error as a command reports it."""

    code: str
    exit_code: int
    hint: str | None


_Error = TypeVar("_Error", bound=Coded)


@dataclass(frozen=True, slots=True)
class Refusal(Generic[_Error]):
    """A row of the table of errors; called with a sentence as `base` is, it makes the error to raise.

    `hint` is that of all its errors; None leaves each the hint that it has.
    """

    base: Callable[..., _Error]
    code: str
    title: str
    exit_code: int
    hint: str | None = None

    def __call__(self, message: str, **more: Any) -> _Error:
        """Return an error with the row's codes."""
        error = self.base(message, **more)
        error.code, error.exit_code = self.code, self.exit_code
        if self.hint is not None:
            error.hint = self.hint
        return error
