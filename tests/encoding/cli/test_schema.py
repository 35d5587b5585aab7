"""`blindlink schema check` and `schema diff`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from oracles import febrl
from oracles.linkage_schemas import feature
from oracles.linkage_schemas import schema as make_schema

from encoding.cli.main import main
from encoding.linkage import NO_HARDENING, SHIPPED, load_shipped
from schemas.profile import EncodingProfile, Hardening


def schema(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["schema", *map(str, words)])


def write(folder: Path, profile: EncodingProfile, name: str = "profile.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(profile.to_json(), indent=1), "utf-8")
    return path


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_profile_is_weak_only_since_its_hardening_is_broken(name: str) -> None:
    result = schema("check", name, "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert [one["rule"] for one in found["findings"]] == ["broken-hardening"]
    assert found["fingerprint"] == load_shipped(name).digest()
    assert "can find out who is in them" in result.stderr


def test_what_schema_show_prints_is_read_as_the_same(tmp_path: Path) -> None:
    path = tmp_path / "shown.json"
    path.write_text(schema("show", "children").stdout, "utf-8")
    result = schema("diff", "children", path)
    assert (result.exit_code, result.stdout) == (0, "the same\n")


def test_too_weak_a_hardening_is_refused(tmp_path: Path) -> None:
    weak = load_shipped("children", hardening=Hardening(kind="eld1", taps=2, output_bits=1024))
    result = schema("check", write(tmp_path, weak), "--json")
    assert result.exit_code == 1
    rules = [one["rule"] for one in json.loads(result.stdout)["findings"]]
    assert rules == ["broken-hardening", "structure-variance"]


def test_without_hardening_the_same_is_a_warning(tmp_path: Path) -> None:
    plain = load_shipped("children", hardening=NO_HARDENING)
    result = schema("check", write(tmp_path, plain))
    assert result.exit_code == 0
    assert "resembles" in result.stdout


def test_a_profile_that_says_the_wrong_fill_is_refused(tmp_path: Path) -> None:
    wrong = load_shipped("children").model_copy(update={"nominal_fill": "0.4"})
    result = schema("check", write(tmp_path, wrong))
    assert result.exit_code == 1
    assert "thresholds" in result.stderr


def test_a_bare_linkage_schema_is_checked_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(make_schema(feature("a"), feature("b"))))
    result = schema("check", path)
    assert result.exit_code == 0
    assert "2 fields" in result.stdout
    path.write_text(json.dumps(febrl.linkage_schema()))
    assert "in order" in schema("check", path).stdout


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "nothing",
        '{"clkConfig": {"l": 1024}}',
        '{"clkConfig": {"l": "x"}, "features": []}',
    ],
)
def test_what_is_no_profile_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "profile.json"
    path.write_text(text)
    result = schema("check", path)
    assert result.exit_code == 1
    assert result.stderr.startswith("blindlink: error: ")
    assert "internal" not in result.stderr


def test_no_such_profile_names_the_shipped_ones() -> None:
    result = schema("check", "grown-ups")
    assert result.exit_code == 1
    assert "children-strict" in result.stderr


def test_differences_are_named_by_place(tmp_path: Path) -> None:
    other = load_shipped("children")
    changed = json.loads(other.linkage_schema)
    changed["features"][1]["hashing"]["strategy"]["bitsPerFeature"] = 99
    path = write(
        tmp_path,
        other.model_copy(update={"linkage_schema": json.dumps(changed), "nominal_fill": "0.47"}),
    )
    result = schema("diff", "children", path, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == [
        {
            "place": "linkage_schema.feature 2 surname.hashing.strategy.bitsPerFeature",
            "left": "130",
            "right": "99",
        },
        {"place": "nominal_fill", "left": '"0.48"', "right": '"0.47"'},
    ]


def test_what_one_profile_lacks_is_said() -> None:
    result = schema("diff", "children", "children-strict")
    assert result.exit_code == 1
    assert "not there" in result.stdout
