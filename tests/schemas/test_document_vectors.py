"""All vectors of documents: whoever reads these formats must agree on every one of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from vectors.documents import FORMATS, document_vectors
from vectors.file import VECTORS, read_vectors

import schemas
from schemas.agreement import ProjectTerms
from schemas.document import Document
from schemas.errors import DocumentError
from schemas.overdue import OverdueMessage
from schemas.problem import Problem
from schemas.profile import EncodingProfile
from schemas.rounds import NonceOffer
from schemas.run import RunSpecification
from schemas.upload import Manifest, Receipt

KINDS: dict[str, type[Document]] = {
    "encoding-profile": EncodingProfile,
    "project-terms": ProjectTerms,
    "run-specification": RunSpecification,
    "manifest": Manifest,
    "rounds": NonceOffer,
    "receipt": Receipt,
    "problem": Problem,
    "overdue": OverdueMessage,
}


def cases(which: str) -> list[Any]:
    return [
        pytest.param(KINDS[name], vector, id=f"{name}: {vector['name']}")
        for name in KINDS
        for vector in read_vectors(name)[which]
    ]


@pytest.mark.parametrize(("kind", "vector"), cases("good"))
def test_a_good_document_is_read_and_written_to_the_byte(
    kind: type[Document], vector: dict[str, str]
) -> None:
    raw = vector["document"].encode()
    document = kind.from_canonical(raw)
    assert document.to_canonical() == raw
    assert document.digest() == vector["sha256"]
    assert rfc8785.dumps(json.loads(raw)) == raw


@pytest.mark.parametrize(("kind", "vector"), cases("bad"))
def test_a_bad_document_is_refused(kind: type[Document], vector: dict[str, str]) -> None:
    with pytest.raises(DocumentError) as caught:
        kind.from_canonical(vector["document"].encode())
    assert str(caught.value).startswith(f"{kind.KIND}: ")


@pytest.mark.parametrize("name", KINDS)
def test_the_stored_vectors_are_those_that_are_written(name: str) -> None:
    assert read_vectors(name) == document_vectors(name)


def test_every_written_format_is_read_here() -> None:
    assert FORMATS.keys() == KINDS.keys()


def test_every_vector_file_has_its_spec_page_and_names_it() -> None:
    formats, docs = VECTORS.parent / "spec", VECTORS.parents[1] / "docs"
    for file in sorted(VECTORS.glob("*.json")):
        spec = json.loads(file.read_text(encoding="utf-8"))["spec"]
        pages = [folder / f"{spec}.md" for folder in (formats, docs)]
        page = next((page for page in pages if page.exists()), None)
        assert page is not None, file.name
        assert file.name in page.read_text(encoding="utf-8"), file.name


def test_vectors_lie_beside_the_formats() -> None:
    assert str(VECTORS).startswith(schemas.__path__[0])
