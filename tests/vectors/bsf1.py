"""Writes the vectors of bsf1 with the slow twin of its spec page; run by hand when the format changes.

The outputs of SipHash are those of its authors' reference code (vectors.h), for the key 00 01 ... 0f and
messages 00 01 ... of 0 to 15 bytes, of which the paper prints the last.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from samples.block_profiles import PROFILE, feature, field, filter_of, spelling, tag_of
from samples.matching_profiles import memory_field
from twins import bsf1
from vectors.file import write_vectors

SIPHASH = [
    "310e0edd47db6f72",
    "fd67dc93c539f874",
    "5a4fa9d909806c0d",
    "2d7efbd796666785",
    "b7877127e09427cf",
    "8da699cd64557618",
    "cee3fe586e46c9cb",
    "37d1018bf50002ab",
    "6224939a79f5f593",
    "b0e4a90bdf82009e",
    "f3b9dd94c5bb5d7a",
    "a7ad6b22462fb3f4",
    "fbe50e86bc8f1e75",
    "903d84c02756ea14",
    "eef27a8e90ca23f7",
    "e545be4961ca29a1",
]
KEY = bytes(range(100, 132))
ROW_KEY = bytes(range(50, 66))
FILLER = bytes(range(200, 232)) * 2
SECRET = hashlib.sha256(b"bsf1 vectors").digest()
ROUND: dict[str, Any] = {
    "project": "foster-k12",
    "epoch": 1,
    "larger": "k12",
    "smaller": "child-welfare",
    "profile": hashlib.sha256(b"profile").hexdigest(),
    "number": 7,
    "nonce_larger_hex": hashlib.sha256(b"larger").hexdigest(),
    "nonce_smaller_hex": hashlib.sha256(b"smaller").hexdigest(),
}
ROUNDS: list[tuple[str, dict[str, Any]]] = [
    ("a round", {}),
    ("the next round", {"number": 8}),
    ("another epoch", {"epoch": 12}),
    ("the pair the other way round", {"larger": "child-welfare", "smaller": "k12"}),
    ("another profile", {"profile": "00" * 32}),
    ("a nonce of zeros", {"nonce_smaller_hex": "00" * 32}),
]
CELLS: list[tuple[str, str, int, list[str]]] = [
    ("one value", "names", 0, ["GARCIA"]),
    ("its second occurrence", "names", 1, ["GARCIA"]),
    ("three values", "any-head", 0, ["20110412", "GAR", "F"]),
    ("the same letters cut elsewhere", "any-head", 0, ["20110412G", "AR", "F"]),
    ("letters of two bytes", "names", 0, ["MUÑOZ"]),
    ("a letter of four bytes", "names", 0, ["𐐷"]),
    ("a NUL", "names", 0, ["A\0B"]),
]
TEXTS: list[tuple[str, dict[str, Any], str]] = [
    ("bigrams", feature("first_name"), "ROSA"),
    ("one letter", feature("first_name"), "Y"),
    ("a token twice", feature("first_name"), "ANANA"),
    ("sixty letters and more", feature("first_name"), "WOLFESCHLEGELSTEINHAUSEN" * 3),
    ("UTF-8 order", feature("first_name"), "É\uffeeZ𐐷A"),
    ("more tokens than places", feature("first_name", draws=3), "MARGARITA"),
    ("places that come out even", feature("first_name", draws=45), "ROSA"),
    (
        "letters with their numbers",
        feature("first_name", 1, comparison={"type": "ngram", "n": 1, "positional": True}),
        "ANNA",
    ),
    ("trigrams", feature("first_name", 3), "ROSA"),
    ("the whole value", feature("first_name", comparison={"type": "exact"}), "ROSA"),
    (
        "a thousand places for one token",
        feature("first_name", draws=1000, comparison={"type": "exact"}),
        "ROSA",
    ),
]
ROWS: list[tuple[str, dict[str, str]]] = [
    ("every value", spelling("ROSA", ("GARCIA", "LOPEZ"), middle="M")),
    ("a single surname in both places", spelling("ROSA", ("GARCIA",), middle="M")),
    ("some values missing", spelling("ROSA", ("GARCIA",), sex="", zip_code="")),
    ("no value at all", spelling("", (), "", "", "", "")),
]
REMEMBERING: dict[str, Any] = {
    **PROFILE,
    "fields": [
        field("sex", [tag_of("sex")]),
        memory_field("linked-before"),
        memory_field("rejected-before"),
    ],
    "dependence": None,
}
REMEMBERED: list[tuple[str, dict[str, str]]] = [
    (
        name,
        {
            "sex": "F",
            **dict.fromkeys(("linked_before_1", "linked_before_2"), link),
            **{f"rejected_before_{at}": part for at, part in enumerate(rejected, start=1)},
        },
    )
    for name, link, rejected in (
        ("a record that was linked", "0123456789abcdef0123456789abcdef", ("", "", "")),
        ("one that the other side's reviewer knows by a name", "", ("01ab", "23cd", "45ef")),
        ("one with a rejection", "", ("", "23cd", "")),
        ("nothing to remember", "", ("", "", "")),
    )
]
RECORDS: list[tuple[str, list[dict[str, str]]]] = [
    ("a single surname", [spelling()]),
    ("two surnames", [spelling(surnames=("GARCIA", "LOPEZ"))]),
    ("equal heads", [spelling("GARBO", ("GARCIA", "GARZA"))]),
    ("no sex", [spelling(sex="")]),
    ("no date", [spelling(date="")]),
    ("names exchanged", [spelling("GARCIA", ("ROSA",))]),
    ("an alias", [spelling(), spelling(surnames=("LOPEZ",))]),
    ("an alias like the main spelling", [spelling(), spelling()]),
    (
        "aliases for which there is no room",
        [spelling(), *(spelling(name, ("LOPEZ",)) for name in ("ANA", "EVA", "INES"))],
    ),
    ("an alias of a main spelling without keys", [spelling(date="", sex=""), spelling()]),
    ("nothing", [spelling("", (), "", "", "", "")]),
]


def bsf1_vectors() -> dict[str, Any]:
    """Return all vectors."""
    return {
        "spec": "bsf1",
        "good": {
            "round_key": [_round_key(name, {**ROUND, **changes}) for name, changes in ROUNDS],
            "word": [
                {"name": "/".join(parts), "parts": parts, "word_hex": f"{bsf1.word(*parts):016x}"}
                for parts in (
                    ["pad"],
                    ["present", "surname"],
                    ["value", "sex", "F"],
                    ["value", "surname_1", "GA"],
                    ["value", "surname_2", "GA"],
                    ["value", "present", "surname"],
                    ["value", "surname_1", "ÑO"],
                )
            ],
            "siphash": [
                {
                    "name": f"{n} bytes",
                    "key_hex": bytes(range(16)).hex(),
                    "message_hex": bytes(range(n)).hex(),
                    "output_hex": output,
                }
                for n, output in enumerate(SIPHASH)
            ],
            "cell": [_cell(*one) for one in CELLS],
            "index": [_index(place) for place in (0, 1, 3, 63, 256)],
            "filter": [_filter(*one) for one in TEXTS],
            "row": [_row(*one) for one in ROWS],
            "remembering_profile": REMEMBERING,
            "remembered_row": [_row(*one, REMEMBERING) for one in REMEMBERED],
            "profile": PROFILE,
            "record": [
                _record(name, side, own) for name, own in RECORDS for side in ("larger", "smaller")
            ],
        },
        "bad": {
            "profile": [{"name": name, **_difference(one)} for name, one in bad_profiles()],
            "linkage": [{"name": name, "linkage": linkage} for name, linkage in bad_features()],
        },
    }


def _round_key(name: str, one: dict[str, Any]) -> dict[str, Any]:
    key = bsf1.round_key(
        SECRET,
        one["project"],
        str(one["epoch"]),
        one["larger"],
        one["smaller"],
        bytes.fromhex(one["profile"]),
        str(one["number"]),
        bytes.fromhex(one["nonce_larger_hex"]),
        bytes.fromhex(one["nonce_smaller_hex"]),
    )
    return {"name": name, "secret_hex": SECRET.hex(), **one, "key_hex": key.hex()}


def _cell(name: str, pass_name: str, occurrence: int, values: list[str]) -> dict[str, Any]:
    cell = bsf1.b2(KEY, 32, b"bsf1 cell", bsf1.lp(pass_name, str(occurrence), *values))
    return {
        "name": name,
        "key_hex": KEY.hex(),
        "pass": pass_name,
        "occurrence": occurrence,
        "values": values,
        "cell_hex": cell.hex(),
    }


def _index(place: int) -> dict[str, Any]:
    token, row_key = bsf1.token_and_key(KEY, place)
    return {
        "name": f"place {place}",
        "cell_hex": KEY.hex(),
        "place": place,
        "token_hex": token.hex(),
        "row_key_hex": row_key.hex(),
    }


def _filter(name: str, linkage: dict[str, Any], text: str) -> dict[str, Any]:
    lane = {"column": linkage["identifier"], "linkage": json.dumps(linkage)}
    return {
        "name": name,
        "column": lane["column"],
        "linkage": lane["linkage"],
        "text": text,
        "tokens": bsf1.tokens(linkage, text),
        "row_key_hex": ROW_KEY.hex(),
        "filter_hex": bsf1.filter_lane(ROW_KEY, lane, text).hex(),
    }


def _row(name: str, columns: dict[str, str], profile: dict[str, Any] = PROFILE) -> dict[str, Any]:
    return {
        "name": name,
        "columns": columns,
        "row_key_hex": ROW_KEY.hex(),
        "filler_hex": FILLER.hex(),
        "sealed_hex": bsf1.sealed(profile, ROW_KEY, columns, FILLER).hex(),
    }


def _record(name: str, side: str, spellings: list[dict[str, str]]) -> dict[str, Any]:
    found = bsf1.cells(PROFILE, KEY, side, spellings)
    return {
        "name": f"{name}, {side} file",
        "key_hex": KEY.hex(),
        "side": side,
        "spellings": spellings,
        "cells": [
            {"spelling": number, "pass": pass_name, "cell_hex": cell.hex()}
            for number, pass_name, cell in found
        ],
    }


def _difference(document: dict[str, Any]) -> dict[str, Any]:
    """Return which members of the good profile another one lacks, and as JSON text those it has otherwise."""
    changed = {key: value for key, value in document.items() if PROFILE.get(key) != value}
    text = json.dumps(changed, separators=(",", ":"))
    return {"without": sorted(PROFILE.keys() - document.keys()), "changed": text}


def bad_features() -> list[tuple[str, str]]:
    """Return linkage features of the column first_name that must be refused."""
    good = feature("first_name")
    comparison = good["hashing"]["comparison"]

    def hashing(**changes: Any) -> str:
        return json.dumps(feature("first_name", **changes))

    def form(**changes: Any) -> str:
        return json.dumps({**good, "format": changes})

    return [
        ("no JSON", "{ "),
        ("a list", "[]"),
        ("brackets in brackets", "[" * 1000 + "]" * 1000),
        ("a key twice", json.dumps(good).replace("{", '{"identifier":"first_name",', 1)),
        ("another column", json.dumps(feature("surname_1"))),
        ("no column", json.dumps({**good, "identifier": ""})),
        ("an ignored column", json.dumps({**good, "ignored": True})),
        ("an ignored column and no more", '{"identifier":"first_name","ignored":true}'),
        ("no hashing", json.dumps({k: v for k, v in good.items() if k != "hashing"})),
        ("no format", json.dumps({k: v for k, v in good.items() if k != "format"})),
        ("a number", form(type="integer")),
        ("a date", form(type="date", format="%Y%m%d")),
        ("one of some values", form(type="enum", values=["ROSA"])),
        ("UTF-16", form(type="string", encoding="utf-16")),
        ("a missing value", hashing(missingValue={"sentinel": "NA", "replaceWith": ""})),
        ("double hashing", hashing(hash={"type": "doubleHash"})),
        ("an unknown hash", hashing(hash={"type": "sipHash"})),
        ("a number of places a token", hashing(strategy={"bitsPerToken": 5})),
        ("no strategy", hashing(strategy={})),
        ("no places", hashing(strategy={"bitsPerFeature": 0})),
        ("1,001 places", hashing(strategy={"bitsPerFeature": 1001})),
        ("half a place", hashing(strategy={"bitsPerFeature": 44.5})),
        ("a fraction of places", hashing(strategy={"bitsPerFeature": 44.0})),
        ("true places", hashing(strategy={"bitsPerFeature": True})),
        (
            "a numeric comparison",
            hashing(comparison={"type": "numeric", "thresholdDistance": 5, "resolution": 1}),
        ),
        ("n-grams of no letter", hashing(comparison={**comparison, "n": 0})),
        ("n-grams of 65 letters", hashing(comparison={**comparison, "n": 65})),
        ("an unknown comparison", hashing(comparison={"type": "soundex"})),
    ]


def bad_profiles() -> list[tuple[str, dict[str, Any]]]:
    """Return profiles that must be refused, one for each rule."""
    good = json.loads(json.dumps(PROFILE))
    sex, names = good["fields"][3], good["fields"][1]
    same, other = sex["levels"]

    def profile(**changes: Any) -> dict[str, Any]:
        return {**good, **changes}

    def sexed(**changes: Any) -> dict[str, Any]:
        return profile(fields=[*good["fields"][:3], {**sex, **changes}, *good["fields"][4:]])

    def levels(*found: dict[str, Any]) -> dict[str, Any]:
        return sexed(levels=list(found))

    def dependence(*found: dict[str, Any]) -> dict[str, Any]:
        return profile(dependence={"levels": list(found), "published": 1})

    def passes(**changes: Any) -> dict[str, Any]:
        return profile(passes=[{**good["passes"][0], **changes}])

    def lanes(*found: dict[str, Any]) -> dict[str, Any]:
        return sexed(lanes=list(found))

    no_name = {key: value for key, value in good.items() if key != "name"}
    first, second = good["dependence"]["levels"]
    many_levels = [{**same, "name": f"level-{n}", "m": 1, "u": 1} for n in range(15)]
    many_levels.append({**other, "m": 10**6 - 15, "u": 10**9 - 15})
    condition = {"lane": "sex", "within": 0}
    return [
        ("another version", profile(version="blindlink/encoding-profile/1")),
        ("no name", no_name),
        ("a name with a capital", profile(name="Children")),
        ("an unknown member", profile(surprise=1)),
        ("a recipe as text", profile(recipe="children")),
        ("no fields", profile(fields=[])),
        ("17 fields", profile(fields=[field(f"f{n}", [tag_of(f"f{n}")]) for n in range(17)])),
        (
            "a field twice",
            profile(
                fields=[
                    sex,
                    {
                        **sex,
                        "lanes": [tag_of("other")],
                        "levels": [{**same, "any_of": [[{"lane": "other", "within": 0}]]}, other],
                    },
                ]
            ),
        ),
        ("a field without lanes", lanes()),
        ("nine lanes", lanes(tag_of("sex"), *(tag_of(f"x{n}") for n in range(8)))),
        ("a lane twice in a field", lanes(tag_of("sex"), tag_of("sex"))),
        ("a lane in two fields", profile(fields=[*good["fields"], {**sex, "name": "again"}])),
        ("a filter without a feature", lanes({**filter_of("sex"), "linkage": None})),
        ("a tag with a feature", lanes({**filter_of("sex"), "kind": "tag"})),
        ("an unknown kind of lane", lanes({**tag_of("sex"), "kind": "word"})),
        ("a feature of no letters", lanes({**filter_of("sex"), "linkage": ""})),
        ("a feature of 2,001 letters", lanes({**filter_of("sex"), "linkage": " " * 2001})),
        ("a column with a capital", lanes({**tag_of("sex"), "column": "Sex"})),
        ("an unknown member of a lane", lanes({**tag_of("sex"), "surprise": 1})),
        (
            "lanes of 66 bytes",
            profile(fields=[field("long", [filter_of(f"x{n}") for n in range(8)])]),
        ),
        ("one level", levels({**other, "m": 10**6, "u": 10**9})),
        (
            "17 levels",
            levels(
                *many_levels[:-1],
                {**same, "name": "more", "m": 1, "u": 1},
                {**other, "m": 10**6 - 16, "u": 10**9 - 16},
            ),
        ),
        ("two levels of one name", levels(same, {**other, "name": "same"})),
        ("no last level", levels(same, {**same, "name": "other", "m": 100_000, "u": 990_000_000})),
        (
            "a level without a condition that is not the last",
            levels(other, {**other, "name": "more", "m": 900_000, "u": 10_000_000}),
        ),
        ("a choice without a condition", levels({**same, "any_of": [[]]}, other)),
        ("five conditions", levels({**same, "any_of": [[condition] * 5]}, other)),
        ("five choices", levels({**same, "any_of": [[condition]] * 5}, other)),
        (
            "a condition of another field's lane",
            levels({**same, "any_of": [[{"lane": "zip", "within": 0}]]}, other),
        ),
        ("a distance of 65", levels({**same, "any_of": [[{**condition, "within": 65}]]}, other)),
        ("a negative distance", levels({**same, "any_of": [[{**condition, "within": -1}]]}, other)),
        ("a distance of a tag", levels({**same, "any_of": [[{**condition, "within": 1}]]}, other)),
        ("an m of 0", levels({**same, "m": 0}, {**other, "m": 10**6})),
        ("m that do not add up", levels({**same, "m": same["m"] + 1}, other)),
        ("u that do not add up", levels({**same, "u": same["u"] + 1}, other)),
        ("an m as text", levels({**same, "m": "900000"}, other)),
        ("twins above a thousand", sexed(twins=1001)),
        ("an unknown member of a field", sexed(surprise=1)),
        (
            "levels too many to be numbered",
            profile(
                fields=[
                    {
                        **names,
                        "name": f"f{n}",
                        "lanes": [tag_of(f"x{n}")],
                        "levels": [
                            {
                                **one,
                                "any_of": [[{"lane": f"x{n}", "within": 0}]]
                                if one["any_of"]
                                else [],
                            }
                            for one in many_levels
                        ],
                    }
                    for n in range(10)
                ],
                dependence=None,
            ),
        ),
        ("no passes", profile(passes=[])),
        ("17 passes", profile(passes=[{**good["passes"][0], "name": f"p{n}"} for n in range(17)])),
        ("a pass twice", profile(passes=[good["passes"][0]] * 2)),
        ("a pass without keys", passes(keys=[])),
        ("nine keys", passes(keys=[[["sex"]]] * 9)),
        ("a key without parts", passes(keys=[[]])),
        ("a key of nine parts", passes(keys=[[["sex"]] * 9])),
        ("a part without columns", passes(keys=[[[]]])),
        (
            "a part of five columns",
            passes(keys=[[["sex", "zip", "zip3", "birth_year", "birth_day"]]]),
        ),
        ("a part with a column that is none", passes(keys=[[["birth date"]]])),
        ("alias keys below 0", profile(alias_keys={"larger": -1, "smaller": 0})),
        ("33 alias keys", profile(alias_keys={"larger": 0, "smaller": 33})),
        ("no alias keys of the smaller file", profile(alias_keys={"larger": 2})),
        ("a cap of 0", profile(block_cap=0)),
        ("a cap of 65", profile(block_cap=65)),
        ("no strength", profile(strength=0)),
        ("a strength as text", profile(strength="300")),
        ("no strength of twins", profile(twin_strength=0)),
        ("no twins", profile(twins_per_million=0)),
        ("more twins than people", profile(twins_per_million=1_000_001)),
        ("a dependence of one field", dependence(first)),
        ("a dependence of a field on itself", dependence(first, first)),
        ("a dependence of three fields", dependence(first, second, second)),
        ("a dependence of an unknown field", dependence(first, {**second, "field": "nobody"})),
        ("a dependence of an unknown level", dependence(first, {**second, "levels": ["near"]})),
        ("a dependence of no levels", dependence(first, {**second, "levels": []})),
        ("a negative dependence", profile(dependence={**good["dependence"], "published": -1})),
        (
            "a dependence above 30 bits",
            profile(dependence={**good["dependence"], "published": 30_001}),
        ),
    ]


if __name__ == "__main__":
    write_vectors("bsf1", bsf1_vectors())
