"""What Blindlink uses of clkhash 0.17, loaded without setuptools: docs/adr/0002.

clkhash asks `pkg_resources` for its own version, once, and uses nothing else of setuptools. Here
`importlib.metadata` answers in its place.
"""

from __future__ import annotations

import importlib.metadata
import sys
from types import ModuleType
from typing import Any


def _load_clkhash() -> None:
    stand_in: Any = ModuleType("pkg_resources")
    stand_in.get_distribution = importlib.metadata.distribution
    stand_in.DistributionNotFound = importlib.metadata.PackageNotFoundError
    before = sys.modules.get("pkg_resources")
    sys.modules["pkg_resources"] = stand_in
    try:
        import clkhash  # noqa: F401, PLC0415 - with the stand-in in its place
    finally:
        del sys.modules["pkg_resources"]
        if before is not None:
            sys.modules["pkg_resources"] = before


_load_clkhash()

from clkhash import schema as clkhash_schema  # noqa: E402 - as above
from clkhash.comparators import (  # noqa: E402
    ExactComparison,
    NgramComparison,
    NumericComparison,
)
from clkhash.field_formats import (  # noqa: E402
    DateSpec,
    EnumSpec,
    IntegerSpec,
    InvalidSchemaError,
    StringSpec,
)
from clkhash.key_derivation import generate_key_lists  # noqa: E402

__all__ = [
    "DateSpec",
    "EnumSpec",
    "ExactComparison",
    "IntegerSpec",
    "InvalidSchemaError",
    "NgramComparison",
    "NumericComparison",
    "StringSpec",
    "clkhash_schema",
    "generate_key_lists",
]
