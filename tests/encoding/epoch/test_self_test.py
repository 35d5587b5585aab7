"""The self-test: what it digests, and that a difference is told by its cause."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from twins import bsf1
from twins.bsf1_file import slow_file

import encoding.epoch.self_test as self_test_module
from encoding.blocks.keys import CellKeys
from encoding.epoch.self_test import compare_self_tests, rules_of, run_self_test
from encoding.profiles.catalog import SHIPPED, SIZES, Size, shipped_profile
from encoding.recipe import Recipe
from encoding.secret.secret import Marks, Secret
from schemas.linkage.profile import SIDES, EncodingProfile, Side, memory_columns
from schemas.signing.secret_share import StepTest

SECRET = Secret(bytes(range(32)))
PROJECT = "foster-pupils"
MARKS = Marks.of(SECRET, PROJECT, 1)
PEOPLE = self_test_module._people()
CHILDREN = shipped_profile("children")
FOUND = (
    "aa1c1cf810dc96e9e9ce347129dda140b864f486a98181db45d43f7f17800cd2",
    "ea3a35d1b7da94fcbd7a91aa85f880f5bb3f915802050d259f7acfe57581da50",
)
ZIPS = ("00213", "69541-1234", "698770001", "99999", "2139", "", "Unknown")


def people_of(first_year: int, last_year: int) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {name: [] for name in (*PEOPLE["columns"], "zip")}
    for number, cells in enumerate(PEOPLE["people"]):
        for name, cell in zip(PEOPLE["columns"], cells, strict=True):
            columns[name].append(cell)
        year = first_year + 7 * number % (last_year - first_year + 1)
        columns["day"][-1] += f"/{year}"
        columns["zip"].append(ZIPS[number % 7])
    columns["birth_date"] = columns.pop("day")
    return columns


def slow_people(profile: EncodingProfile) -> tuple[str, list[list[bsf1.Columns]]]:
    """Return the digest of what the recipe makes of the people, and the spellings of each."""
    recipe = Recipe.load(profile.recipe)
    inputs = people_of(*recipe.spec.birth_years)
    derived = recipe.derive(inputs, date_format="MM/DD/YYYY", first_row=0)
    document = {
        "columns": dict(derived.columns),
        "rows": derived.row_of,
        "refused": [[problem.row, problem.column] for problem in derived.problems],
    }
    spellings: dict[int, list[bsf1.Columns]] = {}
    for at, row in enumerate(derived.row_of):
        columns = {name: cells[at] for name, cells in derived.columns.items()}
        own = spellings.setdefault(row, [])
        remembered = f"{len(spellings) - 1:032x}"
        own.append(columns | dict.fromkeys(memory_columns(profile), remembered))
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest(), [*spellings.values()]


def slow_rows(
    profile: EncodingProfile, key: bytes, side: Side, spellings: list[list[bsf1.Columns]]
) -> bytes:
    """Return all rows of a file in their order, padding included, as the slow twin makes them."""
    rows = slow_file(profile.to_json(), key, side, spellings, order=key, fill=key).rows
    stream = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor()
    made = Counter(record for _, record, _ in rows)
    for record in range(len(spellings)):
        for _ in range(profile.rows(side) - made[record]):
            drawn = stream.update(bytes(80))
            rows.append((drawn[:16], record, drawn[16:]))
    return b"".join(
        token + record.to_bytes(4, "little") + sealed for token, record, sealed in sorted(rows)
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_the_results_are_those_of_the_slow_twin(name: str) -> None:
    profile = shipped_profile(name)
    made = run_self_test(profile, Marks.of(SECRET, PROJECT, 2))
    digest, spellings = slow_people(profile)
    key = Secret(SECRET.sub_key("canary", project=PROJECT, epoch=2)).sub_key("canary")
    rows = b"".join(slow_rows(profile, key, side, spellings) for side in SIDES)
    assert (made.recipe.result, made.rows.result) == (digest, hashlib.sha256(rows).hexdigest())


def test_the_results_of_the_shipped_profile_never_change() -> None:
    """What every version on every machine must find."""
    test = run_self_test(CHILDREN, MARKS)
    assert (test.recipe.result, test.rows.result) == FOUND


def test_the_32_people_never_change_and_no_two_are_alike() -> None:
    fixed = {name: PEOPLE[name] for name in ("columns", "people", "cells")}
    expected = "e352311a42a610b930cbd64f8d182c37db894c7b9e420b00c98f6e310098f3a0"
    assert hashlib.sha256(rfc8785.dumps(fixed)).hexdigest() == expected
    assert len({tuple(person) for person in PEOPLE["people"]}) == 32


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SHIPPED)
def test_nearly_all_people_are_encoded_under_every_shipped_profile(name: str, size: Size) -> None:
    _, spellings = slow_people(shipped_profile(name, size=size))
    assert len(spellings) >= 31


def test_the_live_secret_encodes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[bytes] = []
    monkeypatch.setattr(self_test_module, "CellKeys", lambda key: used.append(key) or CellKeys(key))
    run_self_test(CHILDREN, MARKS)
    canary = Secret(SECRET.sub_key("canary", project=PROJECT, epoch=1))
    assert set(used) == {canary.sub_key("canary")}
    assert SECRET.to_bytes() not in used


def test_every_project_and_epoch_has_its_own_encodings() -> None:
    tests = [
        run_self_test(CHILDREN, Marks.of(SECRET, project, epoch))
        for project, epoch in ((PROJECT, 1), (PROJECT, 2), ("other", 1))
    ]
    assert len({test.rows.result for test in tests}) == 3
    assert len({test.recipe.result for test in tests}) == 1


def test_alike_means_no_difference() -> None:
    test = run_self_test(CHILDREN, MARKS)
    assert compare_self_tests(test, test, "schools", is_same_secret=True) == ()


OTHERS: dict[str, dict[str, Any]] = {
    "recipe": {"recipe": {**CHILDREN.recipe, "birth_years": [1990, 2060]}},
    "fields and passes": {"block_cap": CHILDREN.block_cap + 1},
}


@pytest.mark.parametrize(
    ("what", "said"),
    [("recipe", "a different recipe"), ("fields and passes", "different fields and passes")],
)
def test_another_rule_is_named(what: str, said: str) -> None:
    other = CHILDREN.model_copy(update=OTHERS[what])
    ours, theirs = (run_self_test(one, MARKS) for one in (CHILDREN, other))
    found = compare_self_tests(ours, theirs, "schools", is_same_secret=True)
    assert [difference.what for difference in found] == [what]
    assert found[0].sentence == f"schools encodes with {said} from yours"


@pytest.mark.parametrize(
    ("changes", "expected"), [({}, ["secret"]), (OTHERS["recipe"], ["secret", "recipe"])]
)
def test_another_secret_is_named_and_nothing_that_follows_from_it(
    changes: dict[str, Any], expected: list[str]
) -> None:
    ours = run_self_test(CHILDREN, MARKS)
    other = Secret(bytes(range(1, 33)))
    theirs = run_self_test(CHILDREN.model_copy(update=changes), Marks.of(other, PROJECT, 1))
    found = compare_self_tests(ours, theirs, "schools", is_same_secret=False)
    assert [difference.what for difference in found] == expected


@pytest.mark.parametrize(("step", "said"), [("recipe", "recipe"), ("rows", "fields and passes")])
def test_other_results_of_the_same_rules_are_a_matter_of_the_program(step: str, said: str) -> None:
    ours = run_self_test(CHILDREN, MARKS)
    drifted = StepTest(rules=getattr(ours, step).rules, result="0" * 64)
    theirs = ours.model_copy(update={step: drifted, "software": "blindlink-9.9"})
    (found,) = compare_self_tests(ours, theirs, "schools", is_same_secret=True)
    assert found.what == "version"
    assert f"with the same {said}" in found.sentence
    assert "blindlink-9.9 there" in found.sentence


def test_the_rules_are_parts_of_the_profile() -> None:
    own = rules_of(CHILDREN)
    assert own["recipe"] == hashlib.sha256(rfc8785.dumps(CHILDREN.recipe)).hexdigest()
    for change in OTHERS.values():
        other = rules_of(CHILDREN.model_copy(update=change))
        assert len([step for step, digest in own.items() if other[step] != digest]) == 1
    assert rules_of(CHILDREN.model_copy(update={"name": "renamed"})) == own
