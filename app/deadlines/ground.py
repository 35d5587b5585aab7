"""What is looked at in one project, and how long after a thing became due it counts as overdue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce
from app.clock import parse_utc, utc_text
from app.decisions.service import present_records
from app.deliveries.service import present_deliveries
from app.destruction.dues import Due, dues_of
from app.links.service import present_releases
from app.review.service import present_reviews
from app.rounds.service import present_messages
from app.security.actor import Actor
from app.uploads.service import present_uploads
from schemas.agreement.agreement import ProjectTerms
from schemas.reports.overdue import Overdue, OverdueKind
from schemas.signing.identity import Duty

# An approver, and anyone who cosigns, has a day; the broker destroys and certifies within a minute if all is
# well.
APPROVAL: Final = timedelta(days=1)
COSIGNATURE: Final = timedelta(days=1)
DESTRUCTION: Final = timedelta(hours=1)
CERTIFICATE: Final = timedelta(hours=1)
STATEMENT: Final = timedelta(days=14)
WITNESS: Final = timedelta(days=14)
# Who replaces keys once a year is never late: a year, and a month.
KEY: Final = timedelta(days=395)


def midnight(day: str) -> datetime:
    """Return the moment at which a day begins."""
    return parse_utc(f"{day}T00:00:00Z")


@dataclass(frozen=True)
class Ground:
    """A project that terms bind at `now`, in force or not.

    `versions` are the terms of all its signed agreements, the newest first, `cosigned` is how many entries of
    the match log each party has cosigned, and `unwitnessed` when the first entry of each project was made that
    none of its parties has. `operator` sees everything, and runs the broker.
    """

    session: Session
    now: datetime
    operator: Actor
    cosigned: Mapping[str, int]
    unwitnessed: Mapping[str, str]
    binding: TermsInForce
    versions: Sequence[TermsInForce]

    @property
    def terms(self) -> ProjectTerms:
        """What binds the project."""
        return self.binding.terms

    @property
    def bound(self) -> datetime:
        """From when on the terms bind."""
        return max(parse_utc(self.binding.signed), midnight(self.terms.start))

    @cached_property
    def dues(self) -> list[Due]:
        """All that is held of the project, what is due first at the top."""
        where = (self.session, self.operator, self.terms.project)
        return dues_of(
            utc_text(self.now),
            uploads=present_uploads(*where),
            releases=present_releases(*where),
            records=present_records(*where),
            messages=present_messages(*where),
            reviews=present_reviews(*where),
            deliveries=present_deliveries(*where),
        )

    def overdue(
        self,
        what: OverdueKind,
        thing: str,
        since: datetime,
        parties: Iterable[str],
        duty: Duty | None = None,
    ) -> Iterator[Overdue]:
        """Yield a thing as overdue for each of these parties, if it is by now.

        Args:
            duty: who has it in hand; None: anyone who looks after the party's part in the linkage.
        """
        if since > self.now:
            return
        for party in parties:
            yield Overdue(
                what=what,
                object=thing,
                party=party,
                duty=duty or self._duty_of(party),
                since=utc_text(since),
            )

    def _duty_of(self, party: str) -> Duty:
        if party in self.terms.providers:
            return "analyst"
        return "auditor" if party in self.terms.auditors else "recipient"
