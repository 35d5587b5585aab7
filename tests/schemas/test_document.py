"""What all documents have in common: one byte string, closed, and errors that repeat nothing."""

from __future__ import annotations

import json
import traceback
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from rigs.bent_documents import subclasses
from samples.documents import PROBLEM, PROFILE, RUN, TERMS

from schemas.agreement.agreement import ProjectTerms
from schemas.agreement.statement import SignedStatement
from schemas.documents.canonical import canonical_bytes
from schemas.documents.document import Document, Model, describe_invalid
from schemas.documents.errors import DocumentError
from schemas.documents.problem import Problem
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.run import RunSpecification
from schemas.rounds.destruction import SignedDestruction

CANARY = "canary-4711"
EXAMPLES: list[tuple[type[Document], dict[str, Any]]] = [
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


@given(st.sampled_from(EXAMPLES), st.data())
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
