"""Encoding profiles as files: read, checked, compared."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from encoding.encoder.linkage_schema import read_linkage_schema
from encoding.errors import LinkageSchemaError
from encoding.linkage import NO_HARDENING, SHIPPED, load_shipped
from encoding.lint import Finding, fill, lint_hardening, lint_people, lint_schema
from encoding.recipe import Recipe
from encoding.records import open_table
from encoding.sample import RecordSampler
from encoding.secret import new_secret
from encoding.specimen import clean_sample, encode_cleaned
from encoding.synth import K12_LAYOUT, write_rehearsal
from schemas.canonical import parse_json
from schemas.errors import FormatError
from schemas.profile import EncodingProfile

# Any key will do to see whether a linkage schema can be used.
_NO_KEY = "0" * 64
_REHEARSED = 1_500
# A profile whose filters are fuller or emptier than it says maps thresholds wrongly: by 0.01 at this distance.
_NOMINAL_FILL_DISTANCE = 0.02


@dataclass(frozen=True, slots=True)
class Difference:
    """One place at which two profiles differ; None: that profile does not have it."""

    place: str
    left: str | None
    right: str | None


def read_profile(name_or_path: str) -> EncodingProfile:
    """Return a shipped profile by name, or that of a file.

    A file holds an encoding profile, or a bare linkage schema of clkhash, which has no recipe and no hardening.

    Raises:
        LinkageSchemaError: it is neither, or cannot be used.
    """
    if name_or_path in SHIPPED:
        return load_shipped(name_or_path)
    path = Path(name_or_path)
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise LinkageSchemaError(
            f"there is no shipped profile and no file {name_or_path}",
            hint=f"the shipped ones are {', '.join(SHIPPED)}",
        ) from exc
    profile = _bare_schema(path, raw) or _profile(path, raw)
    if profile.recipe is not None:
        Recipe.load(profile.recipe)
    read_linkage_schema(json.loads(profile.linkage_schema), _NO_KEY)
    return profile


def lint_profile(profile: EncodingProfile) -> tuple[Finding, ...]:
    """Return what is weak in a profile: by itself, and on rehearsal students where it has a recipe."""
    by_itself = (
        *lint_hardening(profile.hardening.kind),
        *lint_schema(json.loads(profile.linkage_schema)),
    )
    return by_itself if profile.recipe is None else (*by_itself, *_rehearse(profile))


def compare_profiles(left: EncodingProfile, right: EncodingProfile) -> tuple[Difference, ...]:
    """Return every place at which two profiles differ, in the order of the places."""
    one, other = dict(_places(_whole(left))), dict(_places(_whole(right)))
    return tuple(
        Difference(place, one.get(place), other.get(place))
        for place in sorted(one.keys() | other.keys())
        if one.get(place) != other.get(place)
    )


def _bare_schema(path: Path, raw: bytes) -> EncodingProfile | None:
    """Return a linkage schema of clkhash as a profile; None if the file is none."""
    try:
        text = raw.decode("utf-8-sig")
        document = json.loads(text)
    except ValueError as exc:
        raise LinkageSchemaError(f"{path} is not JSON") from exc
    if not isinstance(document, dict) or "clkConfig" not in document:
        return None
    try:
        return EncodingProfile(
            name="linkage-schema",
            recipe=None,
            linkage_schema=text,
            hardening=NO_HARDENING,
            nominal_fill="0.5",
        )
    except ValueError as exc:
        raise LinkageSchemaError(f"{path} is not a linkage schema that can be used") from exc


def _profile(path: Path, raw: bytes) -> EncodingProfile:
    try:
        return EncodingProfile.from_json(parse_json(raw.removeprefix(b"\xef\xbb\xbf")))
    except FormatError as exc:
        raise LinkageSchemaError(f"{path}: {exc}") from exc


def _rehearse(profile: EncodingProfile) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory() as folder:
        files = write_rehearsal(
            Path(folder),
            seed=1,
            n_children=100,
            n_students=_REHEARSED,
            overlap=0.5,
            error_level="mid",
        )
        table = open_table(files.k12, encoding=K12_LAYOUT.text_encoding)
        sampler = RecordSampler(_REHEARSED, tuple(K12_LAYOUT.inputs.values()), "schema check")
        for chunk in table.chunks():
            sampler.add(chunk.columns[K12_LAYOUT.id_column], chunk.columns)
    cleaned = clean_sample(sampler.sample(), profile, K12_LAYOUT.inputs, K12_LAYOUT.date_format)
    specimen = encode_cleaned(cleaned, profile, new_secret())
    first = np.flatnonzero(specimen.cleaned.is_first)
    yield from lint_people(
        specimen.filters[first],
        specimen.encodings[first],
        clk_bits=profile.clk_bits,
        bits=profile.encoding_bits,
    )
    found = fill(specimen.filters[first], profile.clk_bits)
    if abs(found - float(profile.nominal_fill)) > _NOMINAL_FILL_DISTANCE:
        yield Finding(
            "nominal-fill",
            f"the profile says that {float(profile.nominal_fill):.0%} of the bits are set, and {found:.1%} are:"
            " its thresholds would not mean what they say",
        )


def _whole(profile: EncodingProfile) -> dict[str, Any]:
    """Return the profile with its linkage schema taken apart, features by name."""
    whole: dict[str, Any] = profile.to_json()
    schema = json.loads(profile.linkage_schema)
    for number, feature in enumerate(schema.pop("features", ())):
        name = feature.get("identifier", "") if isinstance(feature, dict) else ""
        schema[f"feature {number + 1} {name}".rstrip()] = feature
    whole["linkage_schema"] = schema
    return whole


def _places(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from _places(part, f"{place}.{name}" if place else name)
    else:
        yield place, json.dumps(value, ensure_ascii=False)
