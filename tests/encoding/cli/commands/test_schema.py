"""`blindlink schema`: what is shown, checked, and compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from encoding.cli.main import main
from encoding.profiles.catalog import SHIPPED, shipped_profile
from schemas.linkage.profile import EncodingProfile


def schema(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["schema", *map(str, words)])


def write(folder: Path, raw: dict[str, Any]) -> Path:
    path = folder / "profile.json"
    path.write_text(json.dumps(raw, indent=1), "utf-8")
    return path


@pytest.fixture
def raw() -> dict[str, Any]:
    """The shipped profile of children, to be changed."""
    return dict(shipped_profile("children").to_json())


def test_every_shipped_profile_is_in_order() -> None:
    for name in SHIPPED:
        result = schema("--check", name)
        assert result.exit_code == 0, result.output
        assert "in order" in result.stdout
        assert shipped_profile(name).digest() in result.stdout
    result = schema("--check", "grown-ups")
    assert result.exit_code == 1
    assert all(name in result.stderr for name in SHIPPED)


def test_what_schema_show_prints_is_read_as_the_same(tmp_path: Path) -> None:
    path = tmp_path / "shown.json"
    for said in ("", "--no-zip", "--no-sex", "--size nation", "--number ssn"):
        words = said.split()
        path.write_text(schema("children", *words).stdout, "utf-8")
        read = EncodingProfile.from_json(json.loads(path.read_text("utf-8")))
        # ZIP codes are compared unless counsel says otherwise.
        assert any(one.name == "zip" for one in read.fields) == (said != "--no-zip"), said
        assert schema("children", *words, "--digest").stdout.strip() == read.digest()
        assert schema("children", path).exit_code == int(bool(words)), said


def test_what_contradicts_a_known_number_is_said(tmp_path: Path) -> None:
    path = tmp_path / "shown.json"
    path.write_text(schema("children", "--number", "student-id").stdout, "utf-8")
    said = schema("--check", path).stdout
    assert "contradicted by first-name: near-26, far" in said
    assert "brings together by known-number: number" in said


def test_a_filter_that_is_not_half_full_is_weak(tmp_path: Path, raw: dict[str, Any]) -> None:
    lane = raw["fields"][0]["lanes"][0]
    feature = json.loads(lane["linkage"])
    feature["hashing"]["strategy"]["bitsPerFeature"] = 12
    lane["linkage"] = json.dumps(feature, separators=(",", ":"))
    result = schema("--check", write(tmp_path, raw), "--json")
    assert result.exit_code == 1
    assert [one["rule"] for one in json.loads(result.stdout)["findings"]] == ["filter-fill"]


def test_a_single_pass_is_weak(tmp_path: Path, raw: dict[str, Any]) -> None:
    result = schema("--check", write(tmp_path, raw | {"passes": raw["passes"][:1]}))
    assert result.exit_code == 1
    assert "a mistake in one value of its key loses the match" in result.stdout


def test_what_is_no_profile_is_refused_in_a_sentence(tmp_path: Path, raw: dict[str, Any]) -> None:
    path = tmp_path / "profile.json"
    strange = json.dumps(raw).replace('"sex"', '"shoesize"')
    for text in ("", "[]", "{}", "nothing", '{"version": "blindlink/profile/1"}', strange):
        path.write_text(text)
        result = schema("--check", path)
        assert result.exit_code == 1, text
        assert result.stderr.startswith("blindlink: error: "), text
        assert "internal" not in result.stderr, text
    # A column that the recipe does not make.
    assert "shoesize" in result.stderr


def test_differences_are_named_by_place_and_what_one_lacks(
    tmp_path: Path, raw: dict[str, Any]
) -> None:
    result = schema("children", write(tmp_path, raw | {"block_cap": 3}), "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == [
        {"place": "block_cap", "left": str(raw["block_cap"]), "right": "3"}
    ]
    path = write(tmp_path, raw | {"passes": raw["passes"][:2]})
    assert "not there" in schema("children", path).stdout
