"""What was kept once opens, or is refused by the name of its version; what is kept here never changes.

`tests/data/kept-formats.jsonl` has a document of each format on a line of its own, of entries one of each
kind. Where this test fails, a format has changed: raise its version, and append a document of the new one.
"""

from __future__ import annotations

import json
import re
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

from schemas.documents.document import Document
from schemas.documents.errors import OtherVersionError
from schemas.matchlog.entry import Entry, parse_entry
from schemas.matchlog.kinds import KINDS

ROOT = Path(__file__).parents[2]
STATED = re.compile(r'^    version: Literal\["blindlink/', re.MULTILINE)


def versioned(kind: type[Document] = Document) -> dict[str, type[Document]]:
    """Return all kinds of documents that are imported and state a version, by it."""
    found = (
        {}
        if "version" not in kind.model_fields
        else {kind.model_fields["version"].annotation: kind}
    )
    own = {literal.__args__[0]: one for literal, one in found.items() if literal is not None}
    return own | {
        name: one for sub in kind.__subclasses__() for name, one in versioned(sub).items()
    }


def test_a_kept_document_of_each_format_opens_or_is_refused_by_the_name_of_its_version() -> None:
    for path in (
        path for room in ("schemas", "encoding", "app") for path in (ROOT / room).rglob("*.py")
    ):
        if STATED.search(path.read_text("utf-8")):
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    read = versioned()
    formats = {version.rpartition("/")[0]: kind for version, kind in read.items()}
    opened = set()
    for raw in (ROOT / "tests" / "data" / "kept-formats.jsonl").read_bytes().splitlines():
        stated = json.loads(raw)
        version = stated["version"]
        kind = formats[version.rpartition("/")[0]]
        take = partial(parse_entry, kinds=KINDS) if kind is Entry else kind.from_canonical
        if version in read:
            assert take(raw).to_canonical() == raw
            opened.add((version, stated["kind"] if kind is Entry else None))
        other = f"{version}999".encode() if version in read else version.encode()
        with pytest.raises(
            OtherVersionError, match=rf"{other.decode()} is of .* which reads blindlink/"
        ):
            take(raw.replace(version.encode(), other))
    rest = {(version, None) for version, kind in read.items() if kind is not Entry}
    assert opened == rest | {
        (version, kind) for version in read if read[version] is Entry for kind in KINDS
    }
