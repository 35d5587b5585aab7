"""The shipped profiles and column presets. Which columns of a file are what, by their headers alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from clkhash.schema import from_json_dict
from samples.refusals import raises

from encoding.errors import ShippedNameError
from encoding.profiles.catalog import (
    NUMBER_FIELD,
    SEX_FIELD,
    SHIPPED,
    SIZES,
    ZIP_FIELD,
    Size,
    load_preset,
    preset_names,
    shipped_profile,
)
from encoding.profiles.column_words import columns_by_header, record_id_columns
from encoding.recipe import INPUTS, Recipe
from encoding.synth import CHILD_WELFARE_LAYOUT, K12_LAYOUT, Layout
from schemas.linkage.counts import published_counts
from schemas.linkage.fields import NUMBER_INPUTS, NUMBER_KINDS
from schemas.linkage.profile import EncodingProfile, memory_columns

EVERY = [(name, size, zip_code) for name in SHIPPED for size in SIZES for zip_code in (True, False)]
NUMBERED = shipped_profile("children", number="student-id")
profiles = pytest.mark.parametrize(
    "profile",
    [shipped_profile(name, size=size, zip_code=zip_code) for name, size, zip_code in EVERY]
    + [shipped_profile("generic-person", size="nation", number=kind) for kind in NUMBER_KINDS]
    + [shipped_profile(name, size=size, sex=False) for name in SHIPPED for size in SIZES]
    + [shipped_profile("children", zip_code=False, sex=False, number="ssn"), NUMBERED],
    ids=lambda profile: profile.name,
)


@profiles
def test_each_lane_is_a_feature_that_clkhash_reads(profile: EncodingProfile) -> None:
    features = [
        json.loads(lane.linkage) for field in profile.fields for lane in field.lanes if lane.linkage
    ]
    kdf = {"type": "HKDF", "hash": "SHA256", "info": "", "salt": "", "keySize": 64}
    schema = {"version": 3, "clkConfig": {"l": 64, "kdf": kdf}, "features": features}
    assert len(from_json_dict(schema).fields) == len(features) >= 3
    for feature in features:
        # Bits a feature, not a token: so the number of bits does not tell how long a name is.
        assert list(feature["hashing"]["strategy"]) == ["bitsPerFeature"]


@profiles
def test_fields_and_passes_use_what_the_recipe_derives(profile: EncodingProfile) -> None:
    derived = set(Recipe.load(profile.recipe).spec.columns)
    lanes = {lane.column for field in profile.fields for lane in field.lanes}
    keyed = {
        column for one in profile.passes for key in one.keys for part in key for column in part
    }
    assert lanes | keyed == derived | {*memory_columns(profile)}


@profiles
def test_the_published_counts_fit(profile: EncodingProfile) -> None:
    assert published_counts(profile, 100).fits(profile)


def test_profiles_have_names_and_digests_of_their_own() -> None:
    made = [shipped_profile(name, size=size, zip_code=z) for name, size, z in EVERY]
    assert len({one.digest() for one in made}) == len({one.name for one in made}) == len(EVERY)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SHIPPED)
def test_without_zip_codes_or_sex_nothing_asks_for_them(name: str, size: Size) -> None:
    usual, no_zip, no_sex = (
        shipped_profile(name, size=size, **one) for one in ({}, {"zip_code": False}, {"sex": False})
    )
    fields = [{field.name for field in one.fields} for one in (usual, no_zip, no_sex)]
    assert fields[0] - fields[1] >= {ZIP_FIELD}
    assert ZIP_FIELD not in fields[1]
    assert "zip" not in json.dumps(no_zip.to_json()["passes"])
    # The same passes bring records together by the rest.
    assert [one.name for one in no_sex.passes] == [one.name for one in usual.passes]
    assert "sex" in {column for one in usual.passes for column in one.columns}
    assert "sex" not in {column for one in no_sex.passes for column in one.columns}
    assert fields[0] - fields[2] == {SEX_FIELD}
    assert no_sex.name == f"{usual.name}-no-sex"


@pytest.mark.parametrize("load", [shipped_profile, load_preset])
def test_unknown_name_is_refused_with_the_names_there_are(load: Any) -> None:
    with raises(ShippedNameError, match="there are c"):
        load("../profile")


@pytest.mark.parametrize("name", preset_names())
def test_preset_maps_inputs_of_the_recipe(name: str) -> None:
    preset = load_preset(name)
    required = {column for column, is_required in INPUTS.items() if is_required}
    assert required <= set(preset.columns) <= {*INPUTS, *NUMBER_INPUTS.values()}
    assert len(set(preset.columns.values())) == len(preset.columns)


@pytest.mark.parametrize("layout", [CHILD_WELFARE_LAYOUT, K12_LAYOUT])
def test_rehearsal_preset_names_columns_of_the_file(layout: Layout) -> None:
    assert {layout.id_column, *layout.inputs.values()} <= set(layout.columns)


def test_a_known_number_is_added_to_a_profile_that_is_the_same_otherwise() -> None:
    plain = shipped_profile("children").to_json()
    numbered = NUMBERED.to_json()
    assert numbered["name"] == "children-student-id"
    added = [field for field in numbered["fields"] if field not in plain["fields"]]
    assert [field["name"] for field in added] == [NUMBER_FIELD]
    assert [field for field in numbered["fields"] if field not in added] == plain["fields"]
    assert numbered["passes"][1:] == plain["passes"]
    assert "contradicted_by" not in json.dumps(plain)
    assert EncodingProfile.from_canonical(NUMBERED.to_canonical()) == NUMBERED
    assert (NUMBERED.number_kind, shipped_profile("children").number_kind) == ("student-id", None)


ODD = {
    "Kid's Given": "first_name",
    "FNAME": "first_name",
    "StudentLegalFirstName": "first_name",
    "Fam. Name": "last_name",
    "last_nm": "last_name",
    "apellido": "last_name",
    "Client Surname (legal)": "last_name",
    "M.I.": "middle_name",
    "Born On": "birth_date",
    "Date of Birth": "birth_date",
    "student_dob": "birth_date",
    "DOB (mm/dd)": "birth_date",
    "M/F": "sex",
    "Gender Code": "sex",
    "Home ZIP": "zip",
    "zip5": "zip",
    "PostalCode": "zip",
    "Maiden Name": "alias_last",
    "AKA First": "alias_first",
    "SASID": "student_id",
    "Soc. Sec. No.": "ssn",
    "Case No": "case_number",
    "Guardian First Name": None,
    "Place of birth": None,
    "Birth Year": None,
    "First Day": None,
    "Last Updated": None,
    "School ZIP": None,
    "Grade": None,
}


def test_an_odd_header_is_one_input_or_none() -> None:
    for header, name in ODD.items():
        assert set(columns_by_header([header])) == ({name} if name else set()), header


@pytest.mark.parametrize("preset", preset_names())
def test_the_columns_of_a_known_layout_are_all_told(preset: str) -> None:
    layout = load_preset(preset)
    found = columns_by_header([*layout.columns.values(), "grade", "district"])
    assert {name: columns[0] for name, columns in found.items()} == dict(layout.columns)
    assert (
        record_id_columns(list(layout.columns.values()))[:1] in (((layout.id_column, True),), ())
        or layout.id_column not in layout.columns.values()
    )


def test_the_surer_of_two_columns_comes_first() -> None:
    header = ["preferred first name", "first legal name", "first_name"]
    assert columns_by_header(header)["first_name"] == ("first_name", "first legal name")


@pytest.mark.parametrize(
    ("header", "is_sure"),
    [
        ("ID", True),
        ("rec_id", True),
        ("Kid #", True),
        ("Pupil No.", True),
        ("personID", True),
        ("StudentUSI", True),
        ("household id", False),
    ],
)
def test_a_record_id_is_known_by_its_name(header: str, is_sure: bool) -> None:
    assert record_id_columns(["first", header, "phone"]) == ((header, is_sure),)


def test_somebody_elses_number_is_no_record_id() -> None:
    assert record_id_columns(["school_id", "worker ID", "first", "county id"]) == ()
