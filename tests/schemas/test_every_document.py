"""Every kind of document by good examples of it, and each of their fields bent in every way.

The examples come from the shared vectors and from `samples.bodies`; a kind without one fails here. In
`bends_taken.txt` stand the bounds of each field, and what a reader takes although it was bent: so a bound that
is loosened is seen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from pydantic import ValidationError
from rigs.bent_documents import (
    Place,
    bends_of,
    ends_of,
    good_examples,
    last_within,
    of_size,
    places,
    put,
    read_document,
    spellings,
    subclasses,
)
from samples.bodies import BODIES, FULLER

from schemas.documents.canonical import canonical_bytes
from schemas.documents.document import Document, Model
from schemas.documents.errors import DocumentError, EntryError, FormatError
from schemas.matchlog.entry import Entry

TAKEN = Path(__file__).with_name("bends_taken.txt")
EXAMPLES = good_examples([*BODIES.items(), *FULLER])
# The errors of a value that is too large or too small, and of nothing else.
BEYOND = frozenset({
    "greater_than_equal", "less_than_equal", "too_long", "too_short", "string_too_long", "string_too_short",
})  # fmt: skip


def test_every_document_has_a_good_example() -> None:
    assert set(subclasses(Document)) == EXAMPLES.keys()


def test_every_part_of_a_document_is_in_an_example() -> None:
    bent = {model for model, _, _ in fields_of_examples()}
    assert [kind.__name__ for kind in subclasses(Model) if kind not in bent] == []


def test_a_good_document_is_read_and_written_to_the_byte() -> None:
    for kind, examples in EXAMPLES.items():
        for example in examples:
            raw = rfc8785.dumps(example)
            document = read_document(kind, raw)
            assert document.to_canonical() == raw, kind.__name__
            assert document.digest() == hashlib.sha256(raw).hexdigest(), kind.__name__


def test_no_document_has_a_second_spelling() -> None:
    for kind, (example, *_) in EXAMPLES.items():
        for what, raw in spellings(canonical_bytes(example)).items():
            with pytest.raises((DocumentError, EntryError)) as caught:
                pytest.fail(f"{kind.__name__}, {what}: {read_document(kind, raw)}")
            assert str(caught.value).startswith(f"{kind.KIND}: "), (kind.__name__, what)


def test_a_bent_field_is_refused_or_taken_as_it_is_listed() -> None:
    found: dict[str, list[str]] = {}
    for (model, name, _), (kind, example, place, way) in fields_of_examples().items():
        value = reached(place.raw, way)
        said = bounds_of(model, place.raw, way)
        for what, bend in bends_of(value).items():
            bent = bend(value)
            if bent == value and type(bent) is type(value):
                continue
            if what == "missing" and isinstance(way[-1], int):
                continue
            part = put(place.raw, way, bent)
            if what == "missing" and fills_in(model, part):
                said.append("filled in")
            if takes(model, part):
                said.append(what)
                # Alone it is good: what the rest of the document says of it is the document's to refuse.
                takes(kind, put(example, place.path, part))
        if said:
            found.setdefault(model.__name__, []).append(f"{name} {', '.join(said)}")
    lines = [f"{model}: {'; '.join(fields)}" for model, fields in found.items()]
    listed = TAKEN.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line not in listed] == []
    assert [line for line in listed if line not in lines] == []


Way = tuple[str | int, ...]
Field = tuple[type[Model], str, type]
Where = tuple[type[Document], Any, Place, Way]


@cache
def fields_of_examples() -> dict[Field, Where]:
    """Return where each field has its largest value of each type, and null only where all are."""
    found: dict[Field, Where] = {}
    for kind, examples in EXAMPLES.items():
        for example in examples:
            for place in places(read_document(kind, canonical_bytes(example)), example):
                for way in ways(place.raw):
                    value = reached(place.raw, way)
                    name = ".".join("0" if isinstance(step, int) else step for step in way)
                    field = (type(place.part), name, type(value))
                    if field not in found or size(value) > size(
                        reached(found[field][2].raw, found[field][3])
                    ):
                        found[field] = (kind, example, place, way)
    of_some_type = {(model, name) for model, name, kind in found if kind is not type(None)}
    return {
        field: where
        for field, where in sorted(
            found.items(), key=lambda item: (item[0][0].__name__, item[0][1])
        )
        if field[2] is not type(None) or field[:2] not in of_some_type
    }


def ways(raw: dict[str, Any]) -> Iterator[Way]:
    """Yield the way to each field of a model, and on to the first thing in each list that holds no models."""
    for key, value in raw.items():
        way: Way = (key,)
        inner = value
        yield way
        while isinstance(inner, list) and inner and not isinstance(inner[0], dict):
            way, inner = (*way, 0), inner[0]
            yield way


def reached(raw: Any, way: Way) -> Any:
    for step in way:
        raw = raw[step]
    return raw


def size(value: Any) -> int:
    return len(value) if isinstance(value, str | list | dict) else 0


def takes(model: type[Model], raw: Any) -> bool:
    """Tell whether a document, or a part of one, is read as it stands; it is refused with no other error."""
    try:
        if issubclass(model, Document):
            return read_document(model, canonical_bytes(raw)).to_json() == raw
        return model.model_validate_json(canonical_bytes(raw)).model_dump(mode="json") == raw
    except (FormatError, ValidationError):
        return False


def fills_in(model: type[Model], raw: Any) -> bool:
    """Tell whether a draft of a document may leave out what is missing here."""
    try:
        model.model_validate_json(canonical_bytes(raw))
    except ValidationError:
        return False
    return model is not Entry


def bounds_of(model: type[Model], raw: Any, way: Way) -> list[str]:
    """Return the bounds of a field as they are met, whatever else is wrong with a value of that size."""
    value = reached(raw, way)
    if isinstance(value, bool) or not isinstance(value, int | str | list) or value in ("", []):
        return []

    def is_within(number: int) -> bool:
        try:
            model.model_validate_json(json.dumps(put(raw, way, of_size(value, number))))
        except ValidationError as error:
            return not any(
                one["type"] in BEYOND and one["loc"][: len(way)] == way
                for one in error.errors(include_url=False, include_context=False)
            )
        return True

    now = value if isinstance(value, int) else len(value)
    ends = ends_of(value)
    least, most = (last_within(is_within, now, end) for end in ends)
    return [f"{least} to {most}"] if (least, most) != ends else []
