"""How many decisions of each kind a match record shows, so that nobody has to read all of it to know."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from schemas.documents.document import Document, Model
from schemas.linkage.decision_steps import LeadStep, ProbabilityStep
from schemas.rounds.match_record import Band, DecisionRule


class ShownKind(Model):
    """One kind of decision, and how many rows of it are shown: a multiple of the floor."""

    band: Band
    lead: LeadStep | None
    probability: ProbabilityStep
    rule: DecisionRule
    rows: Annotated[int, Field(ge=1)]


class ShownKinds(Document):
    """All kinds of decision of which rows are shown."""

    KIND: ClassVar[str] = "summary of a match record"

    kinds: tuple[ShownKind, ...]
