"""Where the shared vectors lie, how they are read, and the one way they are written.

Canonical bytes come from the rfc8785 package, not from the code under test.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rfc8785
from samples.documents import changed, without

import schemas

VECTORS = Path(schemas.__file__).parent / "vectors"


def read_vectors(name: str) -> dict[str, Any]:
    """Return one file of vectors."""
    found: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def write_vectors(name: str, vectors: dict[str, Any]) -> None:
    """Write one file of vectors, readable and with a stable order."""
    text = json.dumps(vectors, indent=1, ensure_ascii=True)
    (VECTORS / f"{name}.json").write_text(text + "\n", encoding="utf-8", newline="\n")


@contextmanager
def naming(vector: Mapping[str, Any] | str) -> Iterator[None]:
    """Name the vector in the failure of what is asked of it."""
    try:
        yield
    except BaseException as error:
        error.add_note(
            f"vector: {vector if isinstance(vector, str) else vector.get('name', vector)}"
        )
        raise


def text_of(document: Any) -> str:
    """Return the canonical text of a document."""
    return rfc8785.dumps(document).decode("utf-8")


def digest_of(document: Any) -> str:
    """Return the SHA-256 of the canonical text of a document."""
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest()


def listed(
    cases: Mapping[str, Any] | Iterable[tuple[str, Any]], held: str = "document"
) -> list[dict[str, str]]:
    """Return vectors by their names: text as it is, bytes as base64, and documents as canonical text."""
    pairs = cases.items() if isinstance(cases, Mapping) else cases
    return [{"name": name, held: _as_text(value)} for name, value in pairs]


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return value if isinstance(value, str) else text_of(value)


def bent(document: dict[str, Any], changes: Iterable[tuple[str, str, Any]]) -> dict[str, Any]:
    """Return what a document becomes by each change of a place, by its name, and one that lacks a field."""
    made = {name: changed(document, place, value) for name, place, value in changes}
    first = min(document)
    return made | {f"without {first}": without(document, first)}
