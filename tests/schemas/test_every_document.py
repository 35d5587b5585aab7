"""Every kind of document by good examples of it, and each of their fields bent in every way.

The examples come from the shared vectors and from `samples.bodies`; a kind without one fails here. In
`bends_taken.txt` stand the bounds of each field, and what a reader takes although it was bent: so a bound that
is loosened is seen.
What all documents have in common: one byte string, closed, and errors that repeat nothing.
"""

from __future__ import annotations

import hashlib
import json
import traceback
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
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
from samples.documents import PROBLEM, PROFILE, RUN, TERMS

from schemas.agreement.agreement import ProjectTerms
from schemas.agreement.statement import SignedStatement
from schemas.documents.canonical import canonical_bytes
from schemas.documents.document import Document, Model, describe_invalid
from schemas.documents.errors import DocumentError, EntryError, FormatError
from schemas.documents.problem import Problem
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.run import RunSpecification
from schemas.matchlog.entry import Entry
from schemas.rounds.destruction import SignedDestruction

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


CANARY = "canary-4711"
EXAMPLES_OF_DOCUMENT: list[tuple[type[Document], dict[str, Any]]] = [
    (EncodingProfile, PROFILE),
    (ProjectTerms, TERMS),
    (RunSpecification, RUN),
    (Problem, PROBLEM),
]


class Inner(Model):
    number: int


class Note(Document):
    KIND: ClassVar[str] = "note"

    text: str
    inner: Inner
    lines: tuple[str, ...] = ()


@given(st.text(), st.integers(-(2**53) + 1, 2**53 - 1), st.lists(st.text()))
def test_a_document_is_read_back_from_its_bytes(text: str, number: int, lines: list[str]) -> None:
    note = Note(text=text, inner=Inner(number=number), lines=tuple(lines))
    assert Note.from_canonical(note.to_canonical()) == note


def test_a_field_with_a_default_may_be_missing_in_a_draft_only() -> None:
    draft = {"text": "a", "inner": {"number": 1}}
    note = Note.from_json(draft)
    assert note.lines == ()
    with pytest.raises(DocumentError, match="note: a field that may be left out in a draft"):
        Note.from_canonical(canonical_bytes(draft))


def test_a_document_cannot_be_changed() -> None:
    note = Note(text="a", inner=Inner(number=1))
    with pytest.raises(ValidationError, match="frozen"):
        note.text = "b"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        note.inner.number = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"text": CANARY, "inner": {"number": 1}, CANARY: 1}, "document: it holds a field"),
        ({"text": CANARY, "inner": {"number": 1, CANARY: 1}}, "inner: it holds a field"),
        ({"text": CANARY, "inner": {"number": CANARY}}, "inner.number: "),
        ({"text": CANARY, "inner": CANARY}, "inner: "),
        ({"text": [CANARY], "inner": {"number": 1}}, "text: "),
        ({"text": "a", "inner": {"number": 1}, "lines": [CANARY, 1]}, "lines.1: "),
        ({CANARY: CANARY}, "text: "),
        ([CANARY], "document: "),
        (CANARY, "document: "),
    ],
)
def test_an_error_names_the_field_never_what_it_holds(value: Any, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        Note.from_json(value)
    assert str(caught.value).startswith(f"note: field {message}")
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("given", [CANARY, 1, None, [CANARY], {CANARY: 1}])
@pytest.mark.parametrize(
    ("kind", "field"), [(SignedStatement, "statement"), (SignedDestruction, "said")]
)
def test_a_kind_that_is_not_known_is_not_repeated(
    kind: type[Document], field: str, given: Any
) -> None:
    for value in ({"version": given}, {CANARY: given}, given):
        with pytest.raises(DocumentError) as caught:
            kind.from_json({field: value, "signature": "A" * 88})
        assert str(caught.value).startswith(f"{kind.KIND}: field {field}: ")
        assert CANARY not in str(caught.value)


def test_an_unknown_field_is_not_named() -> None:
    with pytest.raises(ValidationError) as caught:
        Note.model_validate({"text": "a", "inner": {"number": 1, "nubmer": 1}})
    assert "nubmer" not in describe_invalid(caught.value)


mutations = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.just(CANARY),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just(CANARY), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(EXAMPLES_OF_DOCUMENT), st.data())
def test_no_document_repeats_its_input_in_an_error(
    example: tuple[type[Document], dict[str, Any]], data: st.DataObject
) -> None:
    kind, values = example
    values = json.loads(json.dumps(values))
    name = data.draw(st.sampled_from([*values, CANARY]))
    values[name] = data.draw(mutations)
    assert CANARY not in error_of(kind, values)


def error_of(kind: type[Document], values: Any) -> str:
    """Return what a reader's error says, its causes too; nothing where the document is good."""
    try:
        kind.from_json(values)
    except DocumentError as exc:
        return "".join(traceback.format_exception(exc))
    return ""


def test_every_document_names_its_kind_and_no_two_alike() -> None:
    kinds = {kind: kind.KIND for kind in subclasses(Document)}
    assert Document.KIND not in kinds.values()
    assert len(set(kinds.values())) == len(kinds)


def test_every_model_is_closed_frozen_and_strict() -> None:
    for kind in subclasses(Model):
        config = kind.model_config
        assert (config["extra"], config["frozen"], config["strict"]) == ("forbid", True, True)
        assert config["hide_input_in_errors"]


def test_no_document_has_a_field_for_a_fraction() -> None:
    for kind in subclasses(Document):
        assert '"type": "number"' not in json.dumps(kind.model_json_schema()), kind.__name__
