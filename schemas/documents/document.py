"""The base of every JSON document: frozen, closed, canonical.

An unknown field is an error: a reader that skips what it does not know would sign or enforce less than
what the document says.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.documents.canonical import (
    JsonValue,
    canonical_bytes,
    canonical_digest,
    parse_canonical_object,
)
from schemas.documents.errors import CanonicalError, DocumentError, OtherVersionError

_VERSION: Final = re.compile(r"(?P<format>blindlink/[a-z-]{1,40})/[0-9]{1,4}", re.ASCII)

# How many, or how many bytes.
Size = Annotated[int, Field(ge=0, le=2**50)]


class Model(BaseModel):
    """A part of a document: immutable, strict, without unknown fields."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        hide_input_in_errors=True,
        # Built when first used: a command needs few of them, and building all takes most of its start.
        defer_build=True,
    )

    @classmethod
    def from_row(cls, row: object, **given: Any) -> Self:
        """Return what is given, and for other required fields the attributes of the same name of a row.

        A field with a default has it, unless it is given.
        """
        fields = cls.model_fields.items()
        rest = [name for name, field in fields if field.is_required() and name not in given]
        return cls(**{name: getattr(row, name) for name in rest}, **given)


class Document(Model):
    """A whole document with canonical bytes and a digest; `KIND` names it in errors."""

    KIND: ClassVar[str] = "document"

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document as plain JSON values, every field present."""
        return self.model_dump(mode="json", by_alias=True)

    def to_canonical(self) -> bytes:
        """Return the canonical bytes that digests and signatures cover."""
        return canonical_bytes(self.to_json())

    def digest(self) -> str:
        """Return the SHA-256 of the canonical bytes as lower-case hex."""
        return canonical_digest(self.to_json())

    @classmethod
    def from_canonical(cls, raw: bytes) -> Self:
        """Read canonical bytes with every field present, so that the document's digest is that of the bytes.

        Raises:
            DocumentError: not canonical JSON, or not a valid document of this kind; names the field
                that is wrong, never its content.
        """
        try:
            value = parse_canonical_object(raw)
        except CanonicalError as exc:
            raise DocumentError(f"{cls.KIND}: {exc}") from exc
        document = cls.from_json(value)
        if document.to_canonical() != raw:
            raise DocumentError(f"{cls.KIND}: a field that may be left out in a draft is missing")
        return document

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read plain JSON values; a field with a default may be left out.

        Raises:
            DocumentError: not a valid document of this kind; names the field, never its content.
        """
        try:
            # JSON mode, since JSON has no tuples: a strict Python-mode reader would refuse its lists.
            return cls.model_validate_json(canonical_bytes(value))
        except CanonicalError as exc:
            raise DocumentError(f"{cls.KIND}: {exc}") from exc
        except ValidationError as exc:
            refuse_other_version(cls.KIND, exc)
            raise DocumentError(f"{cls.KIND}: {describe_invalid(exc)}") from None


def refuse_other_version(kind: str, error: ValidationError) -> None:
    """Refuse by name what is of another version of a format, whatever else is wrong with it for this one.

    Raises:
        OtherVersionError: it is. What was given is told only where it is a version of the same format.
    """
    for one in error.errors(include_url=False):
        read = _VERSION.fullmatch(one.get("ctx", {}).get("expected", "").strip("'"))
        given = _VERSION.fullmatch(one["input"]) if isinstance(one["input"], str) else None
        if read and given and given["format"] == read["format"]:
            raise OtherVersionError(kind, given.string, read.string) from None


def describe_invalid(error: ValidationError) -> str:
    """Return one sentence that names the first wrong field and the rule it breaks, without its content.

    A field that we do not know is not named: on the wire its name is the sender's text, and may be anything.
    """
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        return f"field {'.'.join(place[:-1]) or 'document'}: it holds a field that is not known"
    # Its text would repeat the kind that was given.
    if first["type"].startswith("union_tag_"):
        return f"field {'.'.join(place) or 'document'}: it is of a kind that is not known"
    # The text of a value error is ours; pydantic's other texts hold limits and patterns, not input.
    said = first["msg"].removeprefix("Value error, ")
    return f"field {'.'.join(place) or 'document'}: {said}"
