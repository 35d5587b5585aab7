"""Features at the edge: a table of each side says all of them, and each is whole."""

from __future__ import annotations

import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.auditor.cli import main as auditor
from app.features import FEATURES as OF_BROKER
from encoding.cli.main import main as agency
from encoding.features import FEATURES as OF_AGENCY
from schemas.shared import features
from schemas.shared.features import Features

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("side", [OF_BROKER, OF_AGENCY], ids=["app", "encoding"])
def test_each_folder_stands_in_the_table_with_its_page_tests_and_packages(side: Features) -> None:
    folder = Path(*side.package.split("."))
    folders = {one.parent.name for one in (ROOT / folder).glob("*/__init__.py")}
    assert folders == set(side.table)
    optional = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    wanted = {one for listed in optional.values() for one in listed}
    for name, feature in side.table.items():
        assert (ROOT / feature.page).is_file()
        assert list((ROOT / "tests" / folder / name).glob("test_*.py")), name
        assert all(any(line.startswith(package) for line in wanted) for package in feature.needs)


def test_help_lists_commands_of_installed_features_and_the_rest_can_still_be_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "\nExtras:\n  sample" in CliRunner().invoke(auditor, ["--help"]).stdout
    assert "\nExtras:\n  hub" in CliRunner().invoke(agency, ["--help"]).stdout
    for side, program, package, all_of_them in (
        (OF_BROKER, "blindlink-broker", "sqlalchemy", {"anonlink", "match"}),
        (OF_AGENCY, "blindlink", "highspy", {"clk", "export", "freeze", "hub", "tabulate"}),
    ):
        assert side.listed_commands(program)["Extras"].keys() == all_of_them
        with monkeypatch.context() as without:
            without.setattr(features, "find_spec", lambda one, gone=package: one != gone or None)
            missing = all_of_them - side.listed_commands(program)["Extras"].keys()
        assert missing == {"anonlink" if side is OF_BROKER else "tabulate"}
        for command, module in side.command_modules(program).items():
            assert import_module(module).__dict__[command].name == command
