"""All errors of the broker: each can be told as a problem, and a code means one thing."""

from __future__ import annotations

import importlib
import sys

from app.errors import BrokerError, RefusedError, Rule
from app.problem_details import problem_of
from schemas.documents.problem import TYPE_PREFIX, Problem

# Where errors are defined beside what raises them.
ELSEWHERE = ("app.uploads.errors", "app.http.protocol", "app.migrations.steps", "app.worker")


def all_errors() -> list[type[BrokerError]]:
    for module in ELSEWHERE:
        importlib.import_module(module)
    found: list[type[BrokerError]] = []
    waiting: list[type[BrokerError]] = [BrokerError]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += one.__subclasses__()
    # What is refused by a row has the row's code.
    return [
        one
        for one in found
        if one.__module__.startswith("app.") and not issubclass(one, RefusedError)
    ]


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


def all_rules() -> list[Rule]:
    """Return the rows of every slice's table, read from whichever modules are loaded."""
    all_errors()
    loaded = [module for name, module in sys.modules.items() if name.startswith("app.")]
    return [one for module in loaded for one in vars(module).values() if isinstance(one, Rule)]


def test_every_rule_can_be_told_as_a_problem() -> None:
    rules = all_rules()
    assert len({rule.code for rule in rules}) > 50
    for rule in rules:
        problem = problem_of(RefusedError(rule, "No.", clause="files", hint="ask"), "request")
        assert problem.type == f"{TYPE_PREFIX}{rule.code}"
        assert (problem.title, problem.status) == (rule.title, rule.status)
        assert 400 <= rule.status < 500


def test_a_code_means_one_title_and_status() -> None:
    meanings: dict[str, tuple[str, int]] = {}
    for one in [*all_errors(), *all_rules()]:
        meaning = (one.title, one.status)
        assert meanings.setdefault(one.code, meaning) == meaning, one.code


def test_a_code_stands_in_one_row() -> None:
    rows = {id(rule): rule.code for rule in all_rules()}
    assert len(set(rows.values())) == len(rows)
