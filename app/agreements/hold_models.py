"""The table of legal holds."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

TIME = String(20)
RANDOM_ID = String(36)


class LegalHold(Base):
    """A hold on a project; it stands until `lifted`.

    `party` and `person` set it; `order` is the ground they gave. `document` is the signed statement that
    set it, `lifting` the one that lifted it; both are null where a command of the operator did.
    """

    __tablename__ = "legal_hold"

    id: Mapped[str] = mapped_column(RANDOM_ID, primary_key=True)
    project: Mapped[str] = mapped_column(ForeignKey("project.name"), index=True)
    party: Mapped[str] = mapped_column(ForeignKey("party.name"))
    person: Mapped[str] = mapped_column(RANDOM_ID)
    order: Mapped[str] = mapped_column("ground", String(200))
    made: Mapped[str] = mapped_column(TIME)
    lifted: Mapped[str | None] = mapped_column(TIME)
    document: Mapped[str | None] = mapped_column(Text)
    lifting: Mapped[str | None] = mapped_column(Text)
