"""The shipped linkage schemas and column presets."""

from __future__ import annotations

import csv
import json
from typing import Any

import numpy as np
import pytest
from clkhash.schema import from_json_dict
from encoding.diffusion import diffuse, diffusion_matrix
from encoding.lint import lint_fill, lint_schema, lint_structure

from encoding.encoder import Encoder
from encoding.errors import ShippedNameError
from encoding.linkage import NO_HARDENING, SHIPPED, load_preset, load_shipped
from encoding.recipe import INPUTS, Recipe
from encoding.synth import CHILD_WELFARE_LAYOUT, K12_LAYOUT, Layout, write_rehearsal

PRESETS = ("ceds", "edfi", "calpads", "rehearsal-child-welfare", "rehearsal-k12")


@pytest.fixture(scope="module")
def pupils(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    files = write_rehearsal(
        tmp_path_factory.mktemp("pupils"), seed=9, n_children=10, n_students=1_500
    )
    rows: dict[str, dict[str, str]] = {}
    with files.k12.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["state_student_id"], row)
    return {
        name: [row[header] for row in rows.values()] for name, header in K12_LAYOUT.inputs.items()
    }


def features(name: str) -> list[dict[str, Any]]:
    schema = json.loads(load_shipped(name).linkage_schema)
    found: list[dict[str, Any]] = schema["features"]
    return found


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_schema_is_one_that_clkhash_reads(name: str) -> None:
    schema = from_json_dict(json.loads(load_shipped(name).linkage_schema))
    assert len(schema.fields) >= 4


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_schema_compares_what_its_recipe_derives(name: str) -> None:
    recipe = Recipe.load(load_shipped(name).recipe or {})
    assert recipe.spec.columns == tuple(feature["identifier"] for feature in features(name))


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_schema_hides_how_long_names_are(name: str) -> None:
    for feature in features(name):
        assert feature["hashing"]["hash"] == {"type": "blakeHash"}
        assert list(feature["hashing"]["strategy"]) == ["bitsPerFeature"]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_profile_is_hardened(name: str) -> None:
    assert load_shipped(name).hardening.kind == "eld1"


def test_strict_profile_salts_by_year_and_compares_no_year() -> None:
    profile = load_shipped("children-strict")
    assert (profile.recipe or {})["salt"] == "birth-year"
    assert not {"birth_year", "birth_year_digits"} & {
        f["identifier"] for f in features("children-strict")
    }


@pytest.mark.parametrize("name", SHIPPED)
def test_lint_finds_nothing_weak_on_rehearsal_data(name: str, pupils: dict[str, list[str]]) -> None:
    profile = load_shipped(name)
    schema = json.loads(profile.linkage_schema)
    derived = Recipe.load(profile.recipe or {}).derive(pupils, date_format=K12_LAYOUT.date_format)
    filters = Encoder(schema, "5f" * 32).encode(derived.columns).filters
    taps, output_bits = profile.hardening.taps or 0, profile.hardening.output_bits or 0
    matrix = diffusion_matrix(
        bytes(32), clk_bits=profile.clk_bits, output_bits=output_bits, taps=taps
    )
    # One encoding a record: a variant resembles its record, and must.
    own = np.flatnonzero(np.diff(derived.row_of, prepend=-1))
    findings = (
        *lint_schema(schema),
        *lint_fill(filters[own], profile.clk_bits),
        *lint_structure(diffuse(filters[own], matrix), output_bits),
    )
    assert findings == ()


def test_profiles_have_digests_of_their_own() -> None:
    assert len({load_shipped(name).digest() for name in SHIPPED}) == len(SHIPPED)


def test_hardening_can_be_taken_off_for_exchange_with_clkhash_users() -> None:
    plain, hardened = load_shipped("children", hardening=NO_HARDENING), load_shipped("children")
    assert plain.hardening.kind == "none"
    assert plain.linkage_schema == hardened.linkage_schema


@pytest.mark.parametrize("load", [load_shipped, load_preset])
def test_unknown_name_is_refused_with_the_names_there_are(load: Any) -> None:
    with pytest.raises(ShippedNameError, match="there are c"):
        load("../profile")


@pytest.mark.parametrize("name", PRESETS)
def test_preset_maps_inputs_of_the_recipe(name: str) -> None:
    preset = load_preset(name)
    required = {column for column, is_required in INPUTS.items() if is_required}
    assert required <= set(preset.columns) <= set(INPUTS)
    assert len(set(preset.columns.values())) == len(preset.columns)


@pytest.mark.parametrize("layout", [CHILD_WELFARE_LAYOUT, K12_LAYOUT])
def test_rehearsal_preset_names_columns_of_the_file(layout: Layout) -> None:
    assert {layout.id_column, *layout.inputs.values()} <= set(layout.columns)
