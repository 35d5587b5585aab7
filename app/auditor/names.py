"""Which projects and parties a log knows, so that a name which was typed wrong is no empty result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from app.auditor.errors import NameUnknownError
from schemas.matchlog.agreement_kinds import AgreementProposed
from schemas.matchlog.entry import Entry


@dataclass(slots=True)
class NamesBook:
    """Takes the entries of a verified log; `projects` and `parties` are the names in them."""

    projects: set[str] = field(default_factory=set)
    parties: set[str] = field(default_factory=set)

    def take(self, entry: Entry) -> None:
        """Take the next entry."""
        if entry.project is not None:
            self.projects.add(entry.project)
        self.parties.add(entry.actor.party)
        self.parties.update(_parties(entry))

    def require(self, project: str | None, party: str | None) -> None:
        """Refuse a name that no entry knows; None was not asked for.

        Raises:
            NameUnknownError: the log, as far as it is shown, has nothing of it.
        """
        if project is not None and project not in self.projects:
            raise NameUnknownError(f"no entry that is shown is of a project {project}")
        if party is not None and party not in self.parties:
            raise NameUnknownError(f"no entry that is shown knows a party {party}")


def _parties(entry: Entry) -> Iterator[str]:
    body = entry.body
    if isinstance(body, AgreementProposed):
        yield from body.agreement.names()
    for name in ("party", "recipient", "agency", "partner"):
        party = getattr(body, name, None)
        if party is not None:
            yield party
