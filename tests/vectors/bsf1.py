"""Writes the vectors of bsf1 with the slow twin of its spec page; run by hand when the format changes.

The outputs of SipHash are those of its authors' reference code (vectors.h), for the key 00 01 ... 0f and
messages 00 01 ... of 0 to 15 bytes, of which the paper prints the last.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from samples.block_profiles import FURTHER, PROFILE, feature, field, spelling, tag_of
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
            "further": [
                _record(name, side, [one, spelling("EVA", sex="")], **FURTHER)
                for name, one in (
                    ("names exchanged", spelling()),
                    ("no sex", spelling(sex="")),
                    ("two surnames", spelling(surnames=("GARCIA", "LOPEZ"), sex="")),
                )
                for side in ("larger", "smaller")
            ],
        },
        "bad": {
            "linkage": [{"name": name, "linkage": linkage} for name, linkage in bad_features()]
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


def _record(
    name: str, side: str, spellings: list[dict[str, str]], **changes: Any
) -> dict[str, Any]:
    found = bsf1.cells({**PROFILE, **changes}, KEY, side, spellings)
    return {
        "name": f"{name}, {side} file",
        "key_hex": KEY.hex(),
        "side": side,
        **({"profile_changes": changes} if changes else {}),
        "spellings": spellings,
        "cells": [
            {"spelling": number, "pass": pass_name, "cell_hex": cell.hex()}
            for number, pass_name, cell in found
        ],
    }


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


if __name__ == "__main__":
    write_vectors("bsf1", bsf1_vectors())
