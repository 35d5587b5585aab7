"""The encoding profile: all that two agencies must do alike, under one digest; and what it does to thresholds.

Its digest is in every manifest, so that encodings made by different rules are refused, not compared.
Spec page: `schemas/spec/encoding-profile.md`.
"""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal, NoReturn, Self

from pydantic import Field, JsonValue, model_validator

from schemas.canonical import unique_object
from schemas.document import Document, Model
from schemas.errors import CanonicalError, PolicyError
from schemas.ids import Code, DecimalText

MAX_ENCODING_BITS = 512 * 8


class Hardening(Model):
    """What is done to a CLK before it leaves the agency.

    `none` leaves the CLK as clkhash made it: published attacks re-identify such encodings at 97 to 100 %.
    `eld1` XORs `taps` keyed filter positions into each of `output_bits` bits (`schemas/spec/eld1.md`). It is
    broken: the filters are recovered from the encodings alone, in seconds (ADR 0029).
    """

    kind: Literal["none", "eld1"]
    taps: Annotated[int, Field(ge=2, le=16)] | None = None
    output_bits: Annotated[int, Field(ge=64, le=MAX_ENCODING_BITS, multiple_of=8)] | None = None
    salt: Literal["none", "birth-year"] = "none"

    @model_validator(mode="after")
    def _parameters_belong_to_kind(self) -> Self:
        given = (self.taps is not None, self.output_bits is not None)
        if given != ((True, True) if self.kind == "eld1" else (False, False)):
            raise ValueError("taps and output_bits go with eld1, and only with it")
        return self

    @property
    def protects(self) -> bool:
        """Whether encodings withstand whoever holds them. Nothing here does: `eld1` is broken."""
        return False


class EncodingProfile(Document):
    """Recipe, linkage schema and hardening, as both agencies must apply them.

    `linkage_schema` is the schema's JSON text as the encoder reads it: clkhash schemas may hold fractions,
    which canonical JSON does not, and a text has one digest. `recipe` is null where the schema describes
    the agency's own columns. `nominal_fill` is the expected share of set bits of the CLK before hardening.
    """

    KIND: ClassVar[str] = "encoding profile"

    version: Literal["blindlink/encoding-profile/1"] = "blindlink/encoding-profile/1"
    name: Code
    recipe: dict[str, JsonValue] | None
    linkage_schema: Annotated[str, Field(min_length=2, max_length=200_000)]
    hardening: Hardening
    nominal_fill: DecimalText

    @model_validator(mode="after")
    def _schema_is_json_object(self) -> Self:
        try:
            bits = _read_schema(self.linkage_schema)["clkConfig"]["l"]
        except (CanonicalError, ValueError, KeyError, TypeError, RecursionError):
            raise ValueError("linkage_schema is not the JSON text of a linkage schema") from None
        if type(bits) is not int or not 8 <= bits <= MAX_ENCODING_BITS:
            raise ValueError(f"the CLK length must lie between 8 and {MAX_ENCODING_BITS} bits")
        if not 0 < Fraction(self.nominal_fill) < 1:
            raise ValueError("nominal_fill must lie between 0 and 1")
        return self

    @property
    def clk_bits(self) -> int:
        """Length of the CLK before hardening, in bits."""
        return int(_read_schema(self.linkage_schema)["clkConfig"]["l"])

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that are encoded, in the schema's order; empty where they cannot be shown."""
        try:
            features = _read_schema(self.linkage_schema)["features"]
            names = [str(one["identifier"]) for one in features if not one.get("ignored", False)]
        except (KeyError, TypeError, AttributeError):
            return ()
        # A name is the text of whoever wrote the schema, and stands where counsel reads.
        return tuple(names) if all(map(str.isprintable, names)) else ()

    @property
    def encoding_bits(self) -> int:
        """Length of what is uploaded, in bits."""
        return self.hardening.output_bits or self.clk_bits

    @property
    def encoding_bytes(self) -> int:
        """Length of what is uploaded, in bytes; the last byte is padded with zero bits."""
        return (self.encoding_bits + 7) // 8


def _read_schema(text: str) -> Any:
    # Fractions are allowed here, unlike in signed JSON; what two readers may read differently is not.
    return json.loads(text, object_pairs_hook=unique_object, parse_constant=_refuse_constant)


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("not a number of JSON")


def encoded_similarity(profile: EncodingProfile, similarity: Fraction) -> Fraction:
    """Map a Dice similarity of plain CLKs to the expected one of this profile's encodings.

    Under eld1 a bit of the encoding differs with probability (1 - (1 - 2d)^t) / 2 where a bit of the filter
    differs with probability d = 2p(1-s); the weight of an encoding is half its length. Exact fractions, so
    that broker and auditor agree on every pair at the edge.

    Raises:
        PolicyError: 4p(1-s) >= 1, where diffusion leaves nothing of the similarity.
    Source: DESIGN §5; Armknecht, Heng and Schnell (2023), "Strengthening privacy-preserving record linkage
        using diffusion", PoPETs 2023(2).
    """
    if profile.hardening.kind == "none" or profile.hardening.taps is None:
        return similarity
    difference = 4 * Fraction(profile.nominal_fill) * (1 - similarity)
    if difference >= 1:
        raise PolicyError("the threshold is too low for this encoding profile")
    return (1 + (1 - difference) ** profile.hardening.taps) / 2


def weight_window(profile: EncodingProfile) -> tuple[int, int]:
    """Return the least and largest number of set bits that an honest encoding of this profile has.

    Under eld1 the weight is close to binomial with half the length as its mean, so 7 standard deviations
    leave out nobody and an all-ones vector, similar to everyone, is refused. Without hardening: 1 to all
    but one.
    """
    bits = profile.encoding_bits
    if profile.hardening.kind == "none":
        return 1, bits - 1
    spread = math.isqrt(
        49 * bits
    )  # 7 standard deviations of 2 x weight; integers, so all sides agree
    return (bits - spread) // 2, (bits + spread + 1) // 2
