"""Refusals on the wire: RFC 9457 problem details with a stable type and no echo of the input."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from pydantic import Field

from schemas.documents.document import Document
from schemas.documents.ids import Code

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:blindlink:problem:"


class Problem(Document):
    """One refusal. `type` is stable and ends in the rule's code; `detail` is one plain sentence.

    `clause` names the term of the agreement that forbids it, `hint` what to do; both may be null.
    `request` is the id under which the broker's own log knows this request.
    """

    KIND: ClassVar[str] = "problem"

    type: Annotated[str, Field(pattern=r"^urn:blindlink:problem:[a-z0-9-]+$")]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    request: str
    clause: Code | None = None
    hint: str | None = None

    @property
    def code(self) -> str:
        """The rule's code, the last part of the type."""
        return self.type.removeprefix(TYPE_PREFIX)
