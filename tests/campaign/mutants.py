"""Which changes to the source does no test notice? What `make mutants` adds to mutmut: an order, and a report.

mutmut writes the changed functions into copies of the modules, below `mutants/`, and runs for each the tests
that reach the function, quick ones first. A test that tries to break a rule has the rule's name as a parameter:
those come first whose rule the function names. A change of nothing but a sentence for people is not tried.

`python -m campaign.mutants FOLDER` reads what mutmut found, prints each change that no test noticed, and adds a
line of counts to the campaign's reports in FOLDER.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import os
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from campaign.reports import append, report_of

ROW = "mutants"
MUTANTS = Path("mutants")
# Set by mutmut for each process that tries a change: the module's name, and the function's with a number.
VARIABLE = "MUTANT_UNDER_TEST"
NAME = re.compile(r"(?P<module>[\w.]+)\.(?P<function>(?:x_|xǁ\w+ǁ)\w+__mutmut_)\d+")
# What mutmut writes where a test failed, where none did, and where none ran. The rest took too long, or died.
FAILED, SURVIVED, NOT_RUN = {1, 3}, 0, {5, 33}
# Python reads their names in any case.
ENCODINGS = {"ascii", "utf-8"}
NOTICED, UNNOTICED, WORDING = "noticed", "that no test noticed", "of words alone"


class _WithoutWords(ast.NodeTransformer):
    """Puts None in the place of each sentence, and leaves out what only readers and type checkers look at."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if not isinstance(node.value, str):
            return node
        is_sentence = " " in node.value.strip()
        is_encoding = node.value.lower() in ENCODINGS
        value = None if is_sentence else node.value.lower() if is_encoding else node.value
        return ast.Constant(value)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "cast":
            return self.visit(node.args[1])
        # What to do next stands beside what is wrong.
        node.keywords = [one for one in node.keywords if one.arg != "hint"]
        return self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.Constant:
        return ast.Constant(None)


def without_words(source: str) -> str:
    """Return what statements do, with nothing in it for readers and type checkers alone."""
    return ast.dump(_WithoutWords().visit(ast.parse(source)))


class Change:
    """A function as it is and as it was changed.

    Args:
        name: that of the change, as mutmut gives it.
        folder: where the changed modules are.
    """

    def __init__(self, name: str, folder: Path) -> None:
        file, function = _names(name, folder)
        spans = json.loads(Path(f"{file}.spans").read_text("utf-8"))["spans"]
        lines = file.read_text("utf-8").splitlines()
        self.before, self.after = (
            _body("\n".join(lines[first - 1 : last]))
            for first, last in (spans[f"{function}orig"], spans[name.rpartition(".")[2]])
        )

    @property
    def is_wording(self) -> bool:
        """Whether it is of what only readers and type checkers look at."""
        return without_words(self.before) == without_words(self.after)

    def __str__(self) -> str:
        lines = difflib.unified_diff(
            self.before.splitlines(), self.after.splitlines(), n=0, lineterm=""
        )
        return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


def _names(name: str, folder: Path) -> tuple[Path, str]:
    """Return the file of a change's module in a folder, and how the names of its function's changes begin."""
    found = NAME.fullmatch(name)
    if not found:
        raise ValueError(f"{name} names no change")
    module = folder.joinpath(*found["module"].split("."))
    file = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
    return file, found["function"]


def _body(function: str) -> str:
    """Return a function's statements in one way of writing, whatever the function is called."""
    (node,) = ast.parse(textwrap.dedent(function)).body
    assert isinstance(node, ast.FunctionDef)
    return "\n".join(ast.unparse(one) for one in node.body)


def choose_for_change(items: list[pytest.Item]) -> None:
    """In a process that tries a change, put the nearest tests first, or run none where it is of words alone."""
    name = os.environ.get(VARIABLE, "")
    if not NAME.fullmatch(name):
        return
    # mutmut runs tests in the folder of what it changed.
    change = Change(name, Path())
    if change.is_wording:
        items.clear()
    source, _ = _names(name, Path(os.pardir))
    near, about = set(_strings(change.before)), set(_strings(source.read_text("utf-8")))
    items.sort(key=lambda item: 0 if _rule(item) in near else 1 if _rule(item) in about else 2)


def _strings(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _rule(item: pytest.Item) -> object:
    called = getattr(item, "callspec", None)
    return None if called is None else called.params.get("rule")


def results(folder: Path) -> tuple[dict[str, int | None], float]:
    """Return how each change ended, by its name: the exit code of its tests, or None; and how long all took."""
    codes: dict[str, int | None] = {}
    seconds = 0.0
    for file in sorted(folder.rglob("*.py.meta")):
        kept = json.loads(file.read_text("utf-8"))
        codes |= kept["exit_code_by_key"]
        seconds += sum(kept["durations_by_key"].values())
    return codes, seconds


def outcome(name: str, code: int, folder: Path) -> str:
    """Say in the words of the report what became of a change."""
    if code in FAILED:
        return NOTICED
    if Change(name, folder).is_wording:
        return WORDING
    if code == SURVIVED:
        return UNNOTICED
    return "that these tests do not reach" if code in NOT_RUN else "that never ended"


def counted(folder: Path) -> tuple[dict[str, str], dict[str, object]]:
    """Return what became of each change that was tried, and the line of the campaign's reports."""
    codes, seconds = results(folder)
    became = {name: outcome(name, code, folder) for name, code in codes.items() if code is not None}
    counts = Counter(became.values())
    return became, report_of(
        "mutmut",
        ROW,
        size="full" if len(became) == len(codes) else "quick",
        seconds=round(seconds, 3),
        tried=counts.total() - counts[WORDING],
        seen={f"changes {one}": n for one, n in counts.items() if one != NOTICED},
    )


def main() -> int:
    """Print what no test noticed, and report the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of reports")
    given = parser.parse_args()
    became, report = counted(MUTANTS)
    for name in sorted(name for name, one in became.items() if one == UNNOTICED):
        print(f"{name}\n{Change(name, MUTANTS)}")
    append(given.folder, report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
