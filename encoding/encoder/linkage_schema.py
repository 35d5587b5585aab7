"""Read a clkhash linkage schema, version 1 to 3, and refuse what cannot be encoded with it.

clkhash parses, validates, converts and derives the keys. What it would only meet at the first row, or
never notice, is refused here with one sentence.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from encoding.clkhash_names import (
    InvalidSchemaError,
    NgramComparison,
    NumericComparison,
    clkhash_schema,
    generate_key_lists,
)
from encoding.encoder.formats import Format, format_of
from encoding.encoder.hashing import TokenHash, blake_hash, double_hash
from encoding.encoder.tokens import Tokeniser, tokeniser
from encoding.errors import LinkageSchemaError

# Far above any schema in use; they keep a mistyped number from filling the memory.
MAX_HASH_BITS = 1 << 17
MAX_FOLDS = 10
MAX_NGRAM = 64
MAX_RESOLUTION = 10_000
MAX_FRACTIONAL_PRECISION = 300
MAX_BITS_PER_TOKEN = 1 << 16

FOLD_KEY_IGNORED = (
    'the linkage schema sets "xorFolds", which clkhash ignores: nothing is folded, so that the encodings'
    ' stay equal to those of clkhash; only "xor_folds" folds'
)


@dataclass(frozen=True, slots=True)
class Field:
    """One encoded column: how its values are read, cut into tokens and hashed.

    Attributes:
        identifier: the column's name.
        format: turns a cell into the text that is encoded.
        tokeniser: cuts that text into tokens.
        bits_per_token: the number of hash positions of each of `n` tokens, in token order.
        token_hash: turns tokens into positions in the filter.
        encoding: the text encoding in which tokens are hashed.
    """

    identifier: str
    format: Format
    tokeniser: Tokeniser
    bits_per_token: Callable[[int], list[int]]
    token_hash: TokenHash
    encoding: str


@dataclass(frozen=True, slots=True)
class LinkageSchema:
    """A linkage schema ready to encode with.

    Attributes:
        fields: the encoded fields, in order.
        ignored: the identifiers that the schema names and does not encode.
        clk_bits: length of a CLK, after folding.
        n_folds: how often the filter is folded.
        warnings: sentences that the agency must see before it encodes; empty if there are none.
    """

    fields: tuple[Field, ...]
    ignored: tuple[str, ...]
    clk_bits: int
    n_folds: int
    warnings: tuple[str, ...]

    @property
    def hash_bits(self) -> int:
        """Length of the filter before folding."""
        return self.clk_bits << self.n_folds


def read_linkage_schema(document: Mapping[str, object], clk_key: str) -> LinkageSchema:
    """Return the schema that `document` describes, with the keys that `clk_key` gives its fields."""
    schema = parse_linkage_schema(document)
    _check_sizes(schema)
    keys = _derive_keys(schema, clk_key)
    hash_bits = schema.l << schema.xor_folds
    return LinkageSchema(
        fields=tuple(
            _field(spec, key, hash_bits)
            for spec, key in zip(schema.fields, keys, strict=True)
            if spec.hashing_properties
        ),
        ignored=tuple(s.identifier for s in schema.fields if not s.hashing_properties),
        clk_bits=schema.l,
        n_folds=schema.xor_folds,
        warnings=_warnings(document),
    )


def parse_linkage_schema(document: Mapping[str, object]) -> Any:
    """Return clkhash's own Schema of a document of version 1, 2 or 3.

    Raises:
        LinkageSchemaError: clkhash refuses the document.
    """
    try:
        # A copy, since clkhash writes defaults into what it reads.
        return clkhash_schema.from_json_dict(json.loads(json.dumps(document)), validate=True)
    except clkhash_schema.SchemaError as error:
        raise LinkageSchemaError(_reason(error)) from None
    except InvalidSchemaError:
        raise LinkageSchemaError("the linkage schema has a feature that is not complete") from None
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        raise LinkageSchemaError("the linkage schema holds a value that cannot be used") from None


def _reason(error: clkhash_schema.SchemaError) -> str:
    # The message of jsonschema would quote the schema at length; its path is enough to find the place.
    place = getattr(error.__cause__, "json_path", None)
    if place is not None:
        return f"the linkage schema is not valid at {place}"
    if error.errors:
        return f"the linkage schema is not valid in feature {error.errors[0].field_spec_index + 1}"
    return "the linkage schema has no version of 1, 2 or 3, or is not a JSON object"


def _check_sizes(schema: Any) -> None:
    folds = schema.xor_folds
    if type(folds) is not int or not 0 <= folds <= MAX_FOLDS:
        raise LinkageSchemaError(f'"xor_folds" must be a whole number from 0 to {MAX_FOLDS}')
    if schema.l << folds > MAX_HASH_BITS:
        raise LinkageSchemaError(
            f"the filter must not be longer than {MAX_HASH_BITS} bits before folding"
        )
    if not any(spec.hashing_properties for spec in schema.fields):
        raise LinkageSchemaError("the linkage schema encodes no column")


def _derive_keys(schema: Any, clk_key: str) -> tuple[tuple[bytes, ...], ...]:
    try:
        keys: tuple[tuple[bytes, ...], ...] = generate_key_lists(
            clk_key,
            len(schema.fields),
            key_size=schema.kdf_key_size,
            salt=schema.kdf_salt,
            info=schema.kdf_info,
            kdf=schema.kdf_type,
            hash_algo=schema.kdf_hash,
        )
    except ValueError:
        # RFC 5869 §2.3: HKDF gives at most 255 digests of key; clkhash takes two keys a feature.
        raise LinkageSchemaError(
            "the linkage schema has more features than its key derivation can give keys for"
        ) from None
    return keys


def _field(spec: Any, keys: tuple[bytes, ...], hash_bits: int) -> Field:
    hashing = spec.hashing_properties
    _check_field(spec)
    return Field(
        identifier=spec.identifier,
        format=format_of(spec),
        tokeniser=tokeniser(hashing.comparator),
        bits_per_token=hashing.strategy.bits_per_token,
        token_hash=_token_hash(spec, keys, hash_bits),
        encoding=hashing.encoding,
    )


def _check_field(spec: Any) -> None:
    hashing = spec.hashing_properties
    comparator = hashing.comparator
    if isinstance(comparator, NgramComparison) and not 1 <= comparator.n <= MAX_NGRAM:
        raise _refusal(spec, f"n must be from 1 to {MAX_NGRAM}")
    if isinstance(comparator, NumericComparison):
        if comparator.resolution > MAX_RESOLUTION:
            raise _refusal(spec, f"the resolution must not be above {MAX_RESOLUTION}")
        if comparator.fractional_precision > MAX_FRACTIONAL_PRECISION:
            raise _refusal(
                spec, f"the fractional precision must not be above {MAX_FRACTIONAL_PRECISION}"
            )
    if hashing.strategy.bits_per_token(1)[0] > MAX_BITS_PER_TOKEN:
        raise _refusal(spec, f"more than {MAX_BITS_PER_TOKEN} bits for a token")


def _token_hash(spec: Any, keys: tuple[bytes, ...], hash_bits: int) -> TokenHash:
    hashing = spec.hashing_properties
    if hashing.hash_type == "doubleHash":
        if hashing.prevent_singularity and hash_bits == 1:
            raise _refusal(spec, "a filter of 1 bit cannot prevent singularity")
        return double_hash(keys, hash_bits, prevent_singularity=bool(hashing.prevent_singularity))
    if hash_bits & (hash_bits - 1):
        raise _refusal(spec, "blakeHash needs a filter length that is a power of two")
    if len(keys[0]) > 64:
        raise _refusal(spec, "blakeHash needs a keySize of at most 64 bytes")
    return blake_hash(keys[0], hash_bits)


def _refusal(spec: Any, reason: str) -> LinkageSchemaError:
    return LinkageSchemaError(f"the linkage schema, feature {spec.identifier}: {reason}")


def _warnings(document: Mapping[str, object]) -> tuple[str, ...]:
    config = document.get("clkConfig")
    is_ignored_key_set = isinstance(config, Mapping) and bool(config.get("xorFolds"))
    return (FOLD_KEY_IGNORED,) if is_ignored_key_set else ()
