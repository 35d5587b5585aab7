"""What is overdue in a project, in whose hands it is, and since when; nothing of a person is in it.

Broker and messages say the same of it. Spec page: `schemas/spec/overdue.md`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from schemas.documents.document import Document, Model
from schemas.documents.ids import CERTIFICATE_PREFIX, RUN_PREFIX, Code, Name, UtcTime, utc_text
from schemas.signing.identity import Duty

OverdueKind = Literal[
    "round", "upload", "approval", "cosignature", "review",
    "destruction", "certificate", "agreement", "key", "witness",
]  # fmt: skip

# The asked agency's cards are due so long after they were asked for; what is undecided is told so long before
# decisions count no more, and not sooner than this after the cards had come.
CARDS: Final = timedelta(days=1)
BEFORE_DEADLINE: Final = timedelta(days=3)
# An agreement is to be followed by another one this long before its end.
BEFORE_END: Final = timedelta(days=30)
MAX_TOLD: Final = 1000
MAX_SENTENCE: Final = 300

_WATCHED_BY_ALL: Final[frozenset[Duty]] = frozenset({"analyst", "recipient", "auditor"})
_ROUND: Final = r"round-[1-9][0-9]{0,6}"
_RUN: Final = rf"{RUN_PREFIX}-[0-9a-f]{{32}}"
_CERTIFICATE: Final = rf"{CERTIFICATE_PREFIX}-[0-9a-f]{{32}}"

# For each kind, what its object looks like, and which duty may have it in hand.
_FORMS: Final[Mapping[OverdueKind, tuple[str, frozenset[Duty]]]] = {
    "round": (_ROUND, frozenset({"analyst"})),
    "upload": (_ROUND, frozenset({"analyst"})),
    "approval": (_RUN, frozenset({"approver"})),
    "cosignature": (_RUN, _WATCHED_BY_ALL),
    "review": (_RUN, frozenset({"analyst", "reviewer"})),
    "destruction": (rf"kept|{_CERTIFICATE}", frozenset({"analyst", "recipient", "operator"})),
    "certificate": (_CERTIFICATE, frozenset({"operator"})),
    "agreement": ("agreement", frozenset({"steward"})),
    "key": (r"key-ring|secret-[1-9][0-9]{0,6}", frozenset({"analyst", "operator"})),
    "witness": ("log", frozenset({"analyst"})),
}


class Overdue(Model):
    """One thing that is overdue since a moment, and which party has it in hand, by a person with which duty.

    `object` says which one: `round-12`, the id of a run or certificate, `kept` (what the broker still holds),
    `agreement`, `secret-1` (of the epoch), `key-ring`, or `log`.
    """

    what: OverdueKind
    object: Code
    party: Name
    duty: Duty
    since: UtcTime

    @model_validator(mode="after")
    def _object_and_duty_are_of_the_kind(self) -> Self:
        form, duties = _FORMS[self.what]
        if not re.fullmatch(form, self.object):
            raise ValueError("the object is not one of the kind of thing that is overdue")
        if self.duty not in duties:
            raise ValueError("the duty has no such thing in hand")
        return self

    def words(self) -> str:
        """Return in one plain sentence what is overdue."""
        return f"{_SENTENCES[self.what](self)}."


class OverdueList(Document):
    """What is overdue in a project, as far as it concerns the caller: what is overdue longest comes first."""

    KIND: ClassVar[str] = "overdue list"

    project: Name
    overdue: tuple[Overdue, ...]


class ToldOverdue(Overdue):
    """The same in a message that leaves the broker; `project` is null for what concerns the whole broker."""

    project: Name | None
    sentence: Annotated[str, Field(min_length=1, max_length=MAX_SENTENCE)]


class OverdueMessage(Document):
    """What a broker tells a webhook; of a trial nothing is overdue. `broker` is its address."""

    KIND: ClassVar[str] = "overdue message"

    version: Literal["blindlink/overdue-message/1"] = "blindlink/overdue-message/1"
    broker: Annotated[str, Field(pattern=r"^https?://[!-~]{1,290}$")]
    at: UtcTime
    overdue: Annotated[tuple[ToldOverdue, ...], Field(max_length=MAX_TOLD)]


def since_end(end: str) -> str:
    """Return since when an agreement is to be followed by another one, by its last day."""
    return utc_text(datetime.fromisoformat(f"{end}T00:00:00+00:00") - BEFORE_END)


def since_undecided(answered: str, deadline: str) -> str:
    """Return since when pairs of a review that are not decided are told, by when the cards came."""
    cards = datetime.fromisoformat(answered) + CARDS
    return utc_text(max(cards, datetime.fromisoformat(deadline) - BEFORE_DEADLINE))


def plain_moment(time: str) -> str:
    """Return a moment as people read it, to the minute."""
    return f"{time[:10]} {time[11:16]} UTC"


def _number(found: Overdue) -> str:
    return found.object.rpartition("-")[2]


def _review(found: Overdue) -> str:
    if found.duty == "reviewer":
        return (
            f"Pairs that the run {found.object} sent to review wait for the reviewers of {found.party},"
            " and their time is almost over"
        )
    return (
        f"{found.party} has not sent cards for the review of the run {found.object}, which was due by "
        f"{plain_moment(found.since)}"
    )


def _destruction(found: Overdue) -> str:
    if found.object == "kept":
        return f"The broker still holds what was to be destroyed by {plain_moment(found.since)}"
    return (
        f"{found.party} has not stated that its own copies are deleted, which it owed by "
        f"{plain_moment(found.since)} (certificate {found.object})"
    )


def _agreement(found: Overdue) -> str:
    end = datetime.fromisoformat(found.since) + BEFORE_END
    return f"The agreement ends on {end.date().isoformat()}, and none that follows is signed"


def _key(found: Overdue) -> str:
    if found.object == "key-ring":
        return "The key ring's key has not been replaced for more than a year"
    return f"The secret of epoch {_number(found)} has not been replaced for more than a year"


_SENTENCES: Final[Mapping[OverdueKind, Callable[[Overdue], str]]] = {
    "round": lambda found: (
        f"Round {_number(found)} has not been opened, and was due by {plain_moment(found.since)}"
    ),
    "upload": lambda found: (
        f"{found.party} has not uploaded for round {_number(found)}, "
        f"which was due by {plain_moment(found.since)}"
    ),
    "approval": lambda found: (
        f"{found.party} has not approved the run {found.object} or its release, "
        f"which was due by {plain_moment(found.since)}"
    ),
    "cosignature": lambda found: (
        f"{found.party} has not cosigned the match log since the run {found.object} ended, "
        f"which was due by {plain_moment(found.since)}"
    ),
    "review": _review,
    "destruction": _destruction,
    "certificate": lambda found: (
        f"The destruction {found.object} has no certificate, which was due by "
        f"{plain_moment(found.since)}"
    ),
    "agreement": _agreement,
    "key": _key,
    "witness": lambda found: (
        "No party of the project has cosigned the match log's newer entries, "
        f"which was due by {plain_moment(found.since)}"
    ),
}
