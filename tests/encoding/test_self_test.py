"""The self-test: what it digests, and that a difference is told by its cause."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
import rfc8785
from oracles import eld1
from oracles.clkhash_rows import ClkhashRows

import encoding.self_test as self_test_module
from encoding.linkage import SHIPPED, load_shipped
from encoding.recipe import Recipe
from encoding.secret import Secret
from encoding.self_test import compare_self_tests, rules_of, run_self_test
from schemas.profile import EncodingProfile, Hardening
from schemas.secret_share import SelfTest, StepTest

SECRET = Secret(bytes(range(32)))
PROJECT = "foster-pupils"
PEOPLE = self_test_module._people()
# What every version on every machine must find: the rules and results of the shipped profile.
CHILDREN = {
    "recipe": "e23426d8a95e11cc30626daceeae2f678a604c446eec95edf585fe2c55445871",
    "linkage_schema": "024db217c4544d842fee4d1a99030199ffb7a470ef0c5a22c3658a20890b80c4",
    "hardening": "923b8734c9a19c82f444714e8468dce47decb90eeb3c1c1dff1e6a043a655f24",
}


def results_of(test: SelfTest) -> dict[str, str]:
    return {step: getattr(test, step).result for step in CHILDREN}


def people_of(first_year: int, last_year: int) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {name: [] for name in PEOPLE["columns"]}
    for number, cells in enumerate(PEOPLE["people"]):
        for name, cell in zip(PEOPLE["columns"], cells, strict=True):
            columns[name].append(cell)
        year = first_year + 7 * number % (last_year - first_year + 1)
        columns["day"][-1] += f"/{year}"
    columns["birth_date"] = columns.pop("day")
    return columns


def slow_results(profile: EncodingProfile) -> dict[str, str]:
    """The steps one row at a time, by clkhash and the slow eld1."""
    recipe = Recipe.load(profile.recipe or {})
    derived = recipe.derive(people_of(*recipe.spec.birth_years), date_format="MM/DD/YYYY")
    document = {
        "columns": dict(derived.columns),
        "rows": derived.row_of,
        "refused": [[problem.row - 1, problem.column] for problem in derived.problems],
    }
    canary = Secret(SECRET.sub_key("canary", project=PROJECT, epoch=2))
    schema = json.loads(profile.linkage_schema)
    names = [feature["identifier"] for feature in schema["features"]]
    rows = list(zip(*(derived.columns[name] for name in names), strict=True))
    clks = ClkhashRows(schema, canary.clk_key).filters(rows)
    taps, bits = profile.hardening.taps, profile.hardening.output_bits
    assert taps is not None
    assert bits is not None
    every = eld1.positions(canary.sub_key("diffusion"), profile.clk_bits, bits, taps)
    encodings = [eld1.encode(clk, every) for clk in clks]
    return {
        "recipe": hashlib.sha256(rfc8785.dumps(document)).hexdigest(),
        "linkage_schema": hashlib.sha256(b"".join(clks)).hexdigest(),
        "hardening": hashlib.sha256(b"".join(encodings)).hexdigest(),
    }


@pytest.mark.parametrize("name", SHIPPED)
def test_the_results_are_those_of_the_slow_twin(name: str) -> None:
    profile = load_shipped(name)
    assert results_of(run_self_test(profile, SECRET, PROJECT, 2)) == slow_results(profile)


def test_the_results_of_the_shipped_profile_never_change() -> None:
    test = run_self_test(load_shipped("children"), SECRET, PROJECT, 1)
    assert results_of(test) == CHILDREN


def test_the_people_never_change() -> None:
    fixed = {name: PEOPLE[name] for name in ("columns", "people", "cells")}
    expected = "e352311a42a610b930cbd64f8d182c37db894c7b9e420b00c98f6e310098f3a0"
    assert hashlib.sha256(rfc8785.dumps(fixed)).hexdigest() == expected


def test_there_are_32_people_and_no_two_alike() -> None:
    assert len({tuple(person) for person in PEOPLE["people"]}) == 32


@pytest.mark.parametrize("name", SHIPPED)
def test_nearly_all_people_are_encoded_under_every_shipped_profile(name: str) -> None:
    recipe = Recipe.load(load_shipped(name).recipe or {})
    derived = recipe.derive(people_of(*recipe.spec.birth_years), date_format="MM/DD/YYYY")
    assert len(set(derived.row_of)) >= 31


def test_the_live_secret_encodes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    used = []
    encoder = self_test_module.Encoder
    monkeypatch.setattr(
        self_test_module, "Encoder", lambda schema, key: used.append(key) or encoder(schema, key)
    )
    run_self_test(load_shipped("children"), SECRET, PROJECT, 1)
    canary = Secret(SECRET.sub_key("canary", project=PROJECT, epoch=1))
    assert used == [canary.clk_key]
    assert canary.clk_key != SECRET.clk_key


def test_every_project_and_epoch_has_its_own_encodings() -> None:
    tests = [
        run_self_test(load_shipped("children"), SECRET, project, epoch)
        for project, epoch in ((PROJECT, 1), (PROJECT, 2), ("other", 1))
    ]
    assert len({test.hardening.result for test in tests}) == 3
    assert len({test.recipe.result for test in tests}) == 1


def feature(identifier: str, **format_: Any) -> dict[str, Any]:
    return {
        "identifier": identifier,
        "format": format_,
        "hashing": {
            "comparison": {"type": "ngram", "n": 2},
            "strategy": {"bitsPerFeature": 20},
            "hash": {"type": "blakeHash"},
        },
    }


def bare_profile(*more: dict[str, Any]) -> EncodingProfile:
    features = [
        feature("name", type="string", encoding="utf-8"),
        feature("born", type="date", format="%Y-%m-%d"),
        feature("age", type="integer", minimum=0),
        feature("sex", type="enum", values=["M", "F"]),
        *more,
    ]
    schema = {
        "version": 3,
        "clkConfig": {"l": 256, "kdf": {"type": "HKDF", "keySize": 64}},
        "features": features,
    }
    return EncodingProfile(
        name="bare",
        recipe=None,
        linkage_schema=json.dumps(schema),
        hardening=Hardening(kind="none"),
        nominal_fill="0.3",
    )


def test_a_schema_of_unknown_columns_is_fed_with_cells_that_it_takes() -> None:
    profile = bare_profile(feature("odd", type="string", encoding="ascii", pattern="[0-9]{9}x"))
    with self_test_module.Encoder(json.loads(profile.linkage_schema), "0" * 64) as encoder:
        columns = self_test_module._cells_that_fit(encoder)
    assert columns["born"] == ["2011-04-09"] * 32
    assert set(columns["sex"]) == {"M", "F"}
    assert set(columns["age"]) >= {"7", "2011"}
    assert len(set(columns["name"])) > 10
    assert columns["odd"] == [""] * 32


def test_a_profile_without_a_recipe_is_tested_too() -> None:
    tests = [run_self_test(bare_profile(), SECRET, PROJECT, epoch) for epoch in (1, 2)]
    assert tests[0].recipe == tests[1].recipe
    assert tests[0].linkage_schema.result != tests[1].linkage_schema.result
    assert tests[0].hardening.result == tests[0].linkage_schema.result


def test_alike_means_no_difference() -> None:
    test = run_self_test(load_shipped("children"), SECRET, PROJECT, 1)
    assert compare_self_tests(test, test, "schools", is_same_secret=True) == ()


OTHERS = {
    "recipe": {"recipe": {**(load_shipped("children").recipe or {}), "birth_years": [1990, 2060]}},
    "linkage schema": {"linkage_schema": load_shipped("generic-person").linkage_schema},
    "hardening": {"hardening": Hardening(kind="eld1", taps=5, output_bits=2048)},
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_rule_is_named(what: str) -> None:
    profile = load_shipped("children")
    other = profile.model_copy(update=OTHERS[what])
    ours, theirs = (run_self_test(one, SECRET, PROJECT, 1) for one in (profile, other))
    found = compare_self_tests(ours, theirs, "schools", is_same_secret=True)
    assert [difference.what for difference in found] == [what]
    assert f"another {what}" in found[0].sentence


def test_another_secret_is_named_and_nothing_that_follows_from_it() -> None:
    profile = load_shipped("children")
    other = Secret(bytes(range(1, 33)))
    ours, theirs = (run_self_test(profile, one, PROJECT, 1) for one in (SECRET, other))
    found = compare_self_tests(ours, theirs, "schools", is_same_secret=False)
    assert [difference.what for difference in found] == ["secret"]


def test_another_secret_and_another_recipe_are_both_named() -> None:
    profile = load_shipped("children")
    other = profile.model_copy(update=OTHERS["recipe"])
    ours, theirs = (run_self_test(one, SECRET, PROJECT, 1) for one in (profile, other))
    found = compare_self_tests(ours, theirs, "schools", is_same_secret=False)
    assert [difference.what for difference in found] == ["secret", "recipe"]


@pytest.mark.parametrize("step", CHILDREN)
def test_other_results_of_the_same_rules_are_a_matter_of_the_program(step: str) -> None:
    ours = run_self_test(load_shipped("children"), SECRET, PROJECT, 1)
    drifted = StepTest(rules=getattr(ours, step).rules, result="0" * 64)
    theirs = ours.model_copy(update={step: drifted, "software": "blindlink-9.9"})
    (found,) = compare_self_tests(ours, theirs, "schools", is_same_secret=True)
    assert found.what == "version"
    assert f"by the same {step.replace('_', ' ')}" in found.sentence
    assert "blindlink-9.9 there" in found.sentence


def test_the_rules_are_parts_of_the_profile() -> None:
    profile = load_shipped("children")
    assert rules_of(profile)["recipe"] == hashlib.sha256(rfc8785.dumps(profile.recipe)).hexdigest()
    for change in OTHERS.values():
        other = rules_of(profile.model_copy(update=change))
        differing = [step for step, digest in rules_of(profile).items() if other[step] != digest]
        assert len(differing) == 1
