"""Changes to the source are tried by the nearest tests first, and counted for what became of them."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from campaign import mutants
from campaign.mutants import Change, choose_for_change, counted, without_words

FUNCTION = """
def {name}(age):
    if {condition}:
        refuse({text})
"""
ORIGINAL = {"name": "check", "condition": "age < 3", "text": '"too-young", "nobody is so young"'}
VARIANTS = {
    "x_check__mutmut_orig": ORIGINAL,
    "x_check__mutmut_1": ORIGINAL | {"condition": "age <= 3"},
    "x_check__mutmut_2": ORIGINAL | {"text": '"too-young", "XXnobody is so youngXX"'},
    "x_check__mutmut_3": ORIGINAL | {"text": '"too-young", None'},
    "x_check__mutmut_4": ORIGINAL | {"text": '"XXtoo-youngXX", "nobody is so young"'},
    "x_check__mutmut_5": ORIGINAL | {"text": '"nobody is so young"'},
}
CODES = {"1": 0, "2": 5, "3": 5, "4": 1, "5": -24, "6": None}


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A folder with a module of two functions, and `mutants` in it as mutmut leaves it."""
    (tmp_path / "rooms").mkdir()
    other = FUNCTION.format(name="other", condition="age", text='"too-old"')
    (tmp_path / "rooms" / "doors.py").write_text(FUNCTION.format_map(ORIGINAL) + other, "utf-8")
    lines: list[str] = []
    spans = {}
    for name, variant in VARIANTS.items():
        made = FUNCTION.format_map(variant | {"name": name}).strip().splitlines()
        spans[name] = [len(lines) + 1, len(lines) + len(made)]
        lines += made
    folder = tmp_path / "mutants"
    (folder / "rooms").mkdir(parents=True)
    file = folder / "rooms" / "doors.py"
    file.write_text("\n".join(lines), "utf-8")
    Path(f"{file}.spans").write_text(json.dumps({"version": 1, "spans": spans}), "utf-8")
    names = {f"rooms.doors.x_check__mutmut_{n}": code for n, code in CODES.items()}
    kept = {"exit_code_by_key": names, "durations_by_key": {next(iter(names)): 1.5}}
    Path(f"{file}.meta").write_text(json.dumps(kept), "utf-8")
    return folder


def item(name: str, rule: str | None = None) -> pytest.Item:
    parameters = {} if rule is None else {"callspec": SimpleNamespace(params={"rule": rule})}
    return cast(pytest.Item, SimpleNamespace(name=name, **parameters))


def test_a_change_of_words_is_told_from_a_change_of_what_is_done(changed: Path) -> None:
    found = {n: Change(f"rooms.doors.x_check__mutmut_{n}", changed) for n in range(1, 6)}
    assert [n for n, one in found.items() if one.is_wording] == [2, 3]
    assert str(found[1]) == textwrap.dedent("""\
        -if age < 3:
        +if age <= 3:""")


def test_what_readers_and_type_checkers_alone_see_is_wording() -> None:
    for one, other, is_wording in (
        ("raw.decode('utf-8')", "raw.decode('UTF-8')", True),
        ("raw.decode('utf-8')", "raw.decode('latin-1')", False),
        ("fail(rule, hint='do this')", "fail(rule)", True),
        ("fail(rule, hint='do this')", "fail(None, hint='do this')", False),
        ("cast(Name, entry.name)", "cast(None, entry.name)", True),
        ("cast(Name, entry.name)", "cast(Name, None)", False),
    ):
        assert (without_words(one) == without_words(other)) == is_wording, other


def test_the_nearest_tests_run_first_and_none_for_words(
    changed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(changed)
    every = [item("a"), item("b", "never"), item("c", "too-old"), item("d", "too-young")]
    expected = {"": "abcd", "stats": "abcd", "1": "dcab", "2": ""}
    for number, order in expected.items():
        name = f"rooms.doors.x_check__mutmut_{number}" if number.isdecimal() else number
        monkeypatch.setenv(mutants.VARIABLE, name)
        items = list(every)
        choose_for_change(items)
        assert "".join(one.name for one in items) == order


def test_each_change_counts_for_what_became_of_it(changed: Path) -> None:
    became, report = counted(changed)
    assert len(became) == 5
    assert (report["tried"], report["size"], report["seconds"]) == (3, "quick", 1.5)
    assert report["seen"] == {
        "changes that no test noticed": 1,
        "changes of words alone": 2,
        "changes that never ended": 1,
    }
