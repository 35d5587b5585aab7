"""Features at the edge: the table says all of them, and each is whole."""

from __future__ import annotations

import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from app import features
from app.auditor.cli import main as auditor
from app.features import FEATURES, command_modules, listed_commands

ROOT = Path(__file__).resolve().parents[2]


def test_each_folder_stands_in_the_table_with_its_page_tests_and_packages() -> None:
    folders = {one.parent.name for one in (ROOT / "app" / "extras").glob("*/__init__.py")}
    assert folders == set(FEATURES)
    optional = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    wanted = {one for listed in optional.values() for one in listed}
    for name, feature in FEATURES.items():
        assert (ROOT / feature.page).is_file()
        assert list((ROOT / "tests" / "app" / "extras" / name).glob("test_*.py")), name
        assert all(any(line.startswith(package) for line in wanted) for package in feature.needs)


def test_help_lists_commands_of_installed_features_and_the_rest_can_still_be_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "\nExtras:\n  sample" in CliRunner().invoke(auditor, ["--help"]).stdout
    assert listed_commands("blindlink-broker")["Extras"].keys() == {"anonlink", "match"}
    monkeypatch.setattr(features, "find_spec", lambda package: package != "sqlalchemy" or None)
    assert listed_commands("blindlink-broker")["Extras"].keys() == {"match"}
    for command, module in command_modules("blindlink-broker").items():
        assert import_module(module).__dict__[command].name == command
