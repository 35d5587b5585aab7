"""Linkage schemas: small ones, and strategies for those of every version with rows that mostly fit."""

from __future__ import annotations

import base64
from datetime import date
from typing import Any

from hypothesis import strategies as st


def feature(identifier: str, **changes: Any) -> dict[str, Any]:
    """Return a feature of bigrams, with its format or parts of its hashing changed."""
    hashing = {
        "comparison": {"type": "ngram", "n": 2},
        "strategy": {"bitsPerFeature": 100},
        "hash": {"type": "blakeHash"},
    }
    hashing.update({name: value for name, value in changes.items() if name != "format"})
    text_format = changes.get("format", {"type": "string"})
    return {"identifier": identifier, "format": text_format, "hashing": hashing}


def schema(*features: dict[str, Any], **config: Any) -> dict[str, Any]:
    """Return a schema of version 3 and 1,024 bits, with parts of its configuration changed."""
    clk_config = {"l": 1024, "kdf": {"type": "HKDF"}} | config
    return {"version": 3, "clkConfig": clk_config, "features": list(features)}


_LETTERS = st.text(alphabet="abzA Z9-'", max_size=12)
_ANY_TEXT = st.text(max_size=8)
_NUMBERS = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.sampled_from(["", " 7", "+7", "007", "1_0", "٣", "1.5", "-0.25", "1e3", "nan", "inf", "x"]),
)
_DATES = {
    "%Y-%m-%d": "{0:%Y-%m-%d}",
    "%m/%d/%Y": "{0:%m/%d/%Y}",
    "%d%m%y": "{0:%d%m%y}",
    "%d %b %Y": "{0:%d %b %Y}",
}


@st.composite
def _dates(draw: st.DrawFn, date_format: str) -> str:
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(["", "0", "1/2/2015", "2015-1-2", "2015-02-30", "13/13/2015"]))
    day = draw(st.dates(date(1000, 1, 1), date(2030, 1, 1)))
    return _DATES[date_format].format(day)


@st.composite
def _formats(draw: st.DrawFn) -> tuple[dict[str, Any], st.SearchStrategy[str]]:
    """Return a format block and values that often fit it."""
    kind = draw(st.sampled_from(["text", "pattern", "integer", "date", "enum"]))
    if kind == "text":
        block: dict[str, Any] = {"type": "string"}
        optional = {
            "encoding": st.sampled_from(["ascii", "utf-8", "utf-16", "utf-32"]),
            "case": st.sampled_from(["upper", "lower", "mixed"]),
            "minLength": st.integers(0, 3),
            "maxLength": st.integers(1, 12),
        }
        for name, values in optional.items():
            if draw(st.booleans()):
                block[name] = draw(values)
        return block, st.one_of(_LETTERS, _LETTERS.map(str.lower), _ANY_TEXT)
    if kind == "pattern":
        pattern = draw(
            st.sampled_from(["[a-z]+", r"\d{3}-?\d{2}", "(ab|b)*", "(a+)+b?", "(?i)[A-C ]*"])
        )
        return {"type": "string", "pattern": pattern}, st.text(alphabet="abC 12-", max_size=6)
    if kind == "integer":
        block = {"type": "integer"}
        if draw(st.booleans()):
            block |= {"minimum": draw(st.integers(-5, 5)), "maximum": draw(st.integers(5, 10**6))}
        return block, _NUMBERS
    if kind == "date":
        date_format = draw(st.sampled_from(sorted(_DATES)))
        return {"type": "date", "format": date_format}, _dates(date_format)
    values = draw(st.lists(st.sampled_from(["F", "M", "X", "", "é"]), min_size=1, unique=True))
    return {"type": "enum", "values": values}, st.sampled_from(["F", "M", "X", "", "é"])


def _comparisons() -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("ngram"), "n": st.integers(1, 4), "positional": st.booleans()}
        ),
        st.just({"type": "ngram", "n": 2}),
        st.just({"type": "exact"}),
        st.fixed_dictionaries(
            {
                "type": st.just("numeric"),
                "thresholdDistance": st.sampled_from([1, 2.5, 10, 0.05]),
                "resolution": st.integers(1, 5),
                "fractional_precision": st.integers(2, 3),
            }
        ),
    )


def _hashes(is_power_of_two: bool) -> st.SearchStrategy[dict[str, Any]]:
    double = st.sampled_from(
        [
            {"type": "doubleHash"},
            {"type": "doubleHash", "prevent_singularity": True},
            {"type": "doubleHash", "prevent_singularity": False},
        ]
    )
    return st.just({"type": "blakeHash"}) | double if is_power_of_two else double


def _missing(values: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries(
        {"sentinel": values}, optional={"replaceWith": st.sampled_from(["", "5", "zz"])}
    )


def _kdf(draw: st.DrawFn) -> dict[str, Any]:
    text = st.binary(max_size=8).map(lambda b: base64.b64encode(b).decode())
    return draw(
        st.fixed_dictionaries(
            {"type": st.just("HKDF")},
            optional={
                "hash": st.sampled_from(["SHA256", "SHA512"]),
                "salt": text,
                "info": text,
                "keySize": st.integers(1, 64),
            },
        )
    )


@st.composite
def schemas_with_rows(draw: st.DrawFn) -> tuple[dict[str, Any], list[list[str]]]:
    """Return a schema of version 3 and rows for it, cells of ignored columns included."""
    length = draw(st.sampled_from([8, 24, 64, 100, 128, 1024]))
    folds = draw(st.integers(0, 2))
    config: dict[str, Any] = {"l": length, "kdf": _kdf(draw)}
    config |= draw(st.sampled_from([{}, {"xor_folds": folds}, {"xorFolds": folds}]))
    is_power_of_two = length & (length - 1) == 0
    features, cells = [], []
    for number in range(draw(st.integers(1, 4))):
        name = f"column_{number}"
        if number and draw(st.integers(0, 4)) == 0:
            features.append({"identifier": name, "ignored": True})
            cells.append(_ANY_TEXT)
            continue
        block, values = draw(_formats())
        hashing: dict[str, Any] = {
            "comparison": draw(_comparisons()),
            "strategy": draw(
                st.one_of(
                    st.builds(lambda k: {"bitsPerToken": k}, st.integers(1, 70)),
                    st.builds(lambda k: {"bitsPerFeature": k}, st.integers(1, 70)),
                )
            ),
            "hash": draw(_hashes(is_power_of_two)),
        }
        if draw(st.booleans()):
            hashing["missingValue"] = draw(_missing(values))
        features.append({"identifier": name, "format": block, "hashing": hashing})
        cells.append(values)
    rows = draw(st.lists(st.tuples(*cells).map(list), min_size=1, max_size=8))
    return {"version": 3, "clkConfig": config, "features": features}, rows


@st.composite
def older_schemas_with_rows(draw: st.DrawFn) -> tuple[dict[str, Any], list[list[str]]]:
    """Return a schema of version 1 or 2 and rows for it."""
    version = draw(st.sampled_from([1, 2]))
    config: dict[str, Any] = {"l": draw(st.sampled_from([64, 1024])), "kdf": _kdf(draw)}
    config |= draw(st.sampled_from([{}, {"xor_folds": 1}, {"xorFolds": 1}]))
    if version == 1:
        config |= {"k": draw(st.integers(1, 30)), "hash": draw(_hashes(is_power_of_two=True))}
    features, cells = [], []
    for number in range(draw(st.integers(1, 3))):
        block, values = draw(_formats())
        hashing: dict[str, Any] = {"ngram": draw(st.integers(1, 3))}
        if draw(st.booleans()):
            hashing["positional"] = draw(st.booleans())
        if version == 1:
            # A weight that rounds to no bit at all is refused by clkhash, since version 3 has no such.
            hashing |= draw(
                st.sampled_from([{}, {"weight": 0.5}, {"weight": 2.5}] if number else [{}])
            )
        else:
            hashing["strategy"] = draw(
                st.one_of(
                    st.builds(lambda k: {"k": k}, st.integers(1, 30)),
                    st.builds(lambda k: {"numBits": k}, st.integers(1, 90)),
                )
            )
            hashing["hash"] = draw(_hashes(is_power_of_two=True))
        if draw(st.booleans()):
            hashing["missingValue"] = draw(_missing(values))
        features.append({"identifier": f"column_{number}", "format": block, "hashing": hashing})
        cells.append(values)
    rows = draw(st.lists(st.tuples(*cells).map(list), min_size=1, max_size=6))
    return {"version": version, "clkConfig": config, "features": features}, rows
