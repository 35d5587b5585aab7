"""Where the shared vectors lie, how they are read, and the one way they are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
