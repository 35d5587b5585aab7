"""All errors of the broker: each can be told as a problem, and a code means one thing."""

from __future__ import annotations

import importlib
from pathlib import Path

import app
from app.errors import BrokerError
from schemas.problem import TYPE_PREFIX, Problem

# Where errors are defined beside what raises them.
ELSEWHERE = ("app.http.protocol", "app.migrations.steps", "app.worker")


def all_errors() -> list[type[BrokerError]]:
    root = Path(app.__file__).parent
    for file in [*root.glob("*/errors.py")]:
        importlib.import_module(f"app.{file.parent.name}.errors")
    for module in ELSEWHERE:
        importlib.import_module(module)
    found: list[type[BrokerError]] = []
    waiting: list[type[BrokerError]] = [BrokerError]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += one.__subclasses__()
    return [one for one in found if one.__module__.startswith("app.")]


def test_every_error_can_be_told_as_a_problem() -> None:
    errors = all_errors()
    assert len(errors) > 30
    for error in errors:
        Problem(
            type=f"{TYPE_PREFIX}{error.code}",
            title=error.title,
            status=error.status,
            detail="",
            request="",
        )


def test_a_code_means_one_title_and_status() -> None:
    meanings: dict[str, tuple[str, int]] = {}
    for error in all_errors():
        meaning = (error.title, error.status)
        assert meanings.setdefault(error.code, meaning) == meaning, error.__name__
