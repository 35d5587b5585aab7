"""The terms under which a project links: who takes part, on what, for whom, until when.

The operator writes a project's terms; they stand where a signed agreement will stand, and everything that
the broker allows or refuses is decided from them. Spec page: `schemas/spec/project-terms.md`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from schemas.document import Document
from schemas.ids import Code, IsoDate, Name, Sha256Hex
from schemas.run import IdSpace, MatchingPolicy, Recipient

DEFAULT_FLOOR = 10


class ProjectTerms(Document):
    """What a project allows; both dates are included, and times are the broker's, in UTC.

    `providers` upload, `recipients` receive, `auditors` read the log; a party may be in several lists.
    `max_records` counts handles; `max_variants` counts the encodings under one handle.
    """

    KIND: ClassVar[str] = "project terms"

    version: Literal["blindlink/project-terms/1"] = "blindlink/project-terms/1"
    project: Name
    epoch: Annotated[int, Field(ge=1, le=10**6)] = 1
    purpose: Code
    providers: Annotated[tuple[Name, ...], Field(min_length=1, max_length=64)]
    recipients: Annotated[tuple[Recipient, ...], Field(max_length=64)]
    auditors: Annotated[tuple[Name, ...], Field(max_length=64)] = ()
    spaces: Annotated[tuple[IdSpace, ...], Field(max_length=64)]
    profile: Sha256Hex
    policy: MatchingPolicy
    population: Code
    floor: Annotated[int, Field(ge=0, le=10**6)] = DEFAULT_FLOOR
    min_records: Annotated[int, Field(ge=1, le=2**40)] = 1
    max_records: Annotated[int, Field(ge=1, le=2**40)] = 20_000_000
    max_variants: Annotated[int, Field(ge=1, le=255)] = 16
    start: IsoDate
    end: IsoDate
    keep_encodings_days: Annotated[int, Field(ge=1, le=3660)] = 30
    keep_links_days: Annotated[int, Field(ge=1, le=3660)] = 400

    @model_validator(mode="after")
    def _terms_agree_with_themselves(self) -> Self:
        if self.start > self.end:
            raise ValueError("the start lies after the end")
        if self.min_records > self.max_records:
            raise ValueError("min_records lies above max_records")
        for names in (self.providers, self.auditors, tuple(r.party for r in self.recipients)):
            if list(names) != sorted(set(names)):
                raise ValueError("parties must be listed once each, in the order of their names")
        spaces = {space.name for space in self.spaces}
        if len(spaces) != len(self.spaces) or any(r.space not in spaces for r in self.recipients):
            raise ValueError("every recipient's ID space must be listed once")
        return self
