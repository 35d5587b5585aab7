"""What needs attention: what is broken, overdue, failed, refused or waiting, in one list, the worst first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, Final, TypeAlias

from sqlalchemy.orm import Session

from app.agreements.service import (
    TermsInForce,
    binding_terms,
    has_open_agreement,
    parties_of,
    projects_for,
    suspended_by,
    unbound_projects,
)
from app.agreements.views import agreement_list
from app.broker import Broker
from app.clock import parse_utc, utc_text
from app.deadlines.service import NO_PROJECT, Late, overdue_seen
from app.matchlog.timeline import EntryFilter, find_entries, refused_entries
from app.review.service import open_reviews_of
from app.rounds.service import failed_round_runs
from app.runs.approvals import pending_view
from app.runs.service import run_for, waiting_in_vain
from app.security.actor import Actor
from schemas.documents.ids import BROKER
from schemas.matchlog.entry import Entry
from schemas.reports.overdue import Overdue

# Refused requests are told so many days, among so many entries of a project at most.
REFUSED_DAYS: Final = 7
MAX_LOOKED_AT: Final = 2_000


class Rank(IntEnum):
    """How bad it is that something needs attention; the lowest is the worst."""

    BROKEN = 0
    OVERDUE = 1
    FAILED = 2
    REFUSED = 3
    WAITING = 4


STATE_WORDS: Final = {
    Rank.BROKEN: ("bad", "broken"),
    Rank.OVERDUE: ("bad", "overdue for"),
    Rank.FAILED: ("bad", "stopped"),
    Rank.REFUSED: ("refused", "refused"),
    Rank.WAITING: ("wait", "waiting for"),
}


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that needs attention.

    Attributes:
        project: empty for the broker as a whole.
        sentence: what it is.
        owners: who has it in hand: parties, each with the duty of the person who can do it.
        path: the page that says more.
        since: since when; None where that is not known.
    """

    rank: Rank
    project: str
    sentence: str
    owners: tuple[str, ...]
    path: str
    since: str | None = None

    def seconds(self, now: datetime) -> int | None:
        """Return for how long it has needed someone; None where that is not known."""
        if self.since is None:
            return None
        return max(0, int((now - parse_utc(self.since)).total_seconds()))

    def to_json(self) -> dict[str, Any]:
        """Return it as the JSON twin has it."""
        return {
            "state": self.rank.name.lower(),
            "project": self.project or None,
            "sentence": self.sentence,
            "owners": list(self.owners),
            "page": self.path,
            "since": self.since,
        }


@dataclass(frozen=True, slots=True)
class Scene:
    """Who looks, at which moment, and what is overdue for them in the projects that they may see.

    `refused` is what was refused lately, by project, of none under an empty name; None: it is looked for.
    `fault` is what is wrong with the match log, for a look at the whole broker.
    """

    session: Session
    broker: Broker
    actor: Actor
    now: datetime
    lates: list[Late] = field(default_factory=list)
    refused: dict[str, list[Entry]] | None = None
    fault: str | None = None

    def is_overdue(self, project: str, thing: str, party: str) -> bool:
        """Tell whether a party's part in a thing is told as overdue already."""
        return any(
            (late.project, late.overdue.object, late.overdue.party) == (project, thing, party)
            for late in self.lates
        )


Source: TypeAlias = Callable[[Scene, "TermsInForce"], Iterator[Need]]


def needs_seen(
    session: Session,
    broker: Broker,
    actor: Actor,
    now: datetime,
    lates: list[Late],
    *,
    fault: str | None,
) -> list[Need]:
    """Return all that needs attention, as far as the actor may see it, the worst first."""
    refused = refused_entries(session, _refused_since(now), MAX_LOOKED_AT)
    scene = Scene(session, broker, actor, now, lates, refused, fault)
    found = [*overdue_needs(lates), *_of_broker(scene), *_of_unsigned(scene)]
    for terms in projects_for(session, actor):
        for source in SOURCES:
            found += source(scene, terms)
    return sorted(
        found, key=lambda need: (need.rank, need.since or "", need.project, need.sentence)
    )


def needs_of_project(
    session: Session, broker: Broker, actor: Actor, now: datetime, terms: TermsInForce
) -> list[Need]:
    """Return what needs attention in one project, as far as the actor may see it, the worst first."""
    project = terms.terms.project
    lates = [late for late in overdue_seen(session, broker, actor, now) if late.project == project]
    scene = Scene(session, broker, actor, now, lates)
    found = [*overdue_needs(lates), *(need for source in SOURCES for need in source(scene, terms))]
    return sorted(found, key=lambda need: (need.rank, need.since or "", need.sentence))


def overdue_needs(lates: Iterable[Late]) -> Iterator[Need]:
    """Yield what is overdue; what several parties owe alike is one thing."""
    found: dict[tuple[str, str], list[Late]] = {}
    for late in lates:
        found.setdefault((late.project, late.overdue.words()), []).append(late)
    for (project, sentence), alike in found.items():
        one = alike[0].overdue
        owners = tuple(f"{late.overdue.party} ({late.overdue.duty})" for late in alike)
        since = min(late.overdue.since for late in alike)
        yield Need(Rank.OVERDUE, project, sentence, owners, _page_of(project, one), since)


def _page_of(project: str, one: Overdue) -> str:
    """Return the page that says more of something overdue."""
    if project == NO_PROJECT or one.what == "witness":
        return "/log"
    if one.what in {"approval", "cosignature"}:
        return f"/runs/{one.object}"
    if one.what == "review":
        return f"/reviews/{one.object}"
    parts = {
        "round": "/rounds",
        "upload": f"/rounds/{one.object.rpartition('-')[2]}",
        "agreement": "/agreements",
        "destruction": "/retention",
        "certificate": "/retention",
    }
    return f"/projects/{project}{parts.get(one.what, '')}"


def _of_broker(scene: Scene) -> Iterator[Need]:
    """Yield what is wrong with the broker as a whole; the disk is for the operator."""
    operator = f"{scene.broker.settings.operator} (operator)"
    if scene.fault is not None:
        sentence = f"The match log is not in order. {scene.fault}"
        yield Need(Rank.BROKEN, NO_PROJECT, sentence, (operator,), "/log")
    if scene.actor.role != "operator":
        return
    blobs = scene.broker.blobs
    if blobs.free_percent() < blobs.reserve_percent:
        sentence = "The broker's disk is nearly full: nothing is taken, and no run begins."
        yield Need(Rank.BROKEN, NO_PROJECT, sentence, (operator,), "/projects#broker")
    yield from _refused(scene, None, operator)


def _of_unsigned(scene: Scene) -> Iterator[Need]:
    """Yield the projects that have no agreement yet."""
    for project in unbound_projects(scene.session, scene.actor):
        proposed = list(_proposed(scene, project))
        yield from proposed
        if not proposed:
            sentence = "No agreement has been proposed yet."
            yield Need(
                Rank.WAITING,
                project,
                sentence,
                ("its parties (steward)",),
                _path(project, "agreements"),
            )


def _proposed(scene: Scene, project: str) -> Iterator[Need]:
    if not has_open_agreement(scene.session, project):
        return
    listed = agreement_list(scene.session, scene.actor, project, scene.now)
    for one in listed.agreements:
        if one.state == "proposed":
            owners = tuple(f"{party} (steward)" for party in one.missing)
            sentence = f"Agreement {one.number} waits for signatures."
            yield Need(Rank.WAITING, project, sentence, owners, _path(project, "agreements"))


def unsigned_amendments(scene: Scene, terms: TermsInForce) -> Iterator[Need]:
    """Yield agreements that wait for signatures."""
    yield from _proposed(scene, terms.terms.project)


def suspensions(scene: Scene, terms: TermsInForce) -> Iterator[Need]:
    """Yield that a party has suspended the linkage, which stops all of it."""
    project = terms.terms.project
    binding = binding_terms(scene.session, project, scene.now)
    if binding is None or binding.terms.end < utc_text(scene.now)[:10]:
        return
    parties = [*parties_of(binding.terms), scene.broker.settings.operator]
    halting = suspended_by(scene.session, project, parties)
    if halting:
        owners = tuple(f"{party} (steward)" for party in halting)
        yield Need(
            Rank.FAILED, project, "The linkage is suspended.", owners, _path(project, "agreements")
        )


def unattended_runs(scene: Scene, terms: TermsInForce) -> Iterator[Need]:
    """Yield runs that no worker works on."""
    operator = (f"{scene.broker.settings.operator} (operator)",)
    project = terms.terms.project
    for run in waiting_in_vain(scene.session, scene.actor, project, scene.now):
        pair = f"{run.larger} and {run.smaller}"
        sentence = f"The run of {pair} in round {run.round} waits for a worker, and none is alive."
        yield Need(Rank.BROKEN, project, sentence, operator, f"/runs/{run.id}", run.created)


def failed_runs(scene: Scene, terms: TermsInForce) -> Iterator[Need]:
    """Yield the runs of the last round that ended without a result."""
    project = terms.terms.project
    for name in failed_round_runs(scene.session, scene.actor, project):
        run, _ = run_for(scene.session, scene.actor, name)
        sentence = (
            f"The run of {run.larger} and {run.smaller} in round {run.round} failed: {run.failure}."
        )
        owners = tuple(f"{party} (analyst)" for party in (run.larger, run.smaller))
        yield Need(Rank.FAILED, project, sentence, owners, f"/runs/{run.id}", run.finished)


def refused_requests(scene: Scene, terms: TermsInForce) -> Iterator[Need]:
    """Yield which parties were refused something lately."""
    yield from _refused(scene, terms.terms.project, None)


def _refused(scene: Scene, project: str | None, owner: str | None) -> Iterator[Need]:
    since = _refused_since(scene.now)
    if scene.refused is not None:
        found: Sequence[Entry] = scene.refused.get(project or NO_PROJECT, [])
    else:
        wanted = EntryFilter(outcome="refused", since=since)
        found = find_entries(
            scene.session, project, wanted, limit=MAX_LOOKED_AT, max_scanned=MAX_LOOKED_AT
        ).entries
    of_party: dict[str, list[Entry]] = {}
    for entry in found:
        # What the broker sums up is told of the party that asked; another refusal, of who was refused.
        party = getattr(entry.body, "party", None) or entry.actor.party
        of_party.setdefault(party, []).append(entry)
    page = "/log/entries" if project is None else _path(project, "timeline")
    for party, entries in of_party.items():
        n_refused = sum(getattr(entry.body, "count", 1) for entry in entries)
        to = f"to {party}" if party != BROKER else "that named nobody who is known"
        what = "Refused" if project is not None else "Sign-ins refused"
        sentence = f"{what} {to} since {since}: {n_refused:,} times{_reasons(entries)}."
        owners = (owner or f"{party} (analyst)",)
        address = f"{page}?outcome=refused&since={since}"
        yield Need(Rank.REFUSED, project or NO_PROJECT, sentence, owners, address, entries[0].time)


def _refused_since(now: datetime) -> str:
    return utc_text(now - timedelta(days=REFUSED_DAYS))[:10]


def _reasons(entries: Iterable[Entry]) -> str:
    """Return for which reasons something was refused, by their codes; empty where none is told."""
    bodies = [entry.body for entry in entries]
    codes = {getattr(body, "why", None) or getattr(body, "rule", None) for body in bodies}
    told = sorted(code for code in codes if code)
    return f" ({', '.join(told)})" if told else ""


def open_approvals(scene: Scene, terms: TermsInForce) -> Iterator[Need]:
    """Yield what waits for approvals, and is not overdue yet."""
    project = terms.terms.project
    for one in pending_view(scene.session, project, terms, scene.now).pending:
        missing = [p for p in one.missing if not scene.is_overdue(project, one.run, p)]
        if missing:
            stated = one.specification
            pair = " and ".join(upload.party for upload in stated.uploads)
            step = "run" if one.step == "run" else "release of what was found by the run"
            sentence = f"The {step} of {pair} in round {stated.round} waits for approval."
            owners = tuple(f"{party} (approver)" for party in missing)
            yield Need(Rank.WAITING, project, sentence, owners, f"/runs/{one.run}", stated.asked_at)


def open_reviews(scene: Scene, terms: TermsInForce) -> Iterator[Need]:
    """Yield reviews that wait for cards or decisions, and are not overdue yet."""
    project = terms.terms.project
    for review in open_reviews_of(scene.session, project):
        waits_for_cards = review.answered is None
        party = review.asked if waits_for_cards else review.reviewer
        if scene.is_overdue(project, review.run, party):
            continue
        what = "cards" if waits_for_cards else "decisions"
        duty = "analyst" if waits_for_cards else "reviewer"
        sentence = f"The clerical review of round {review.round} waits for {what}."
        since = review.answered or review.created
        yield Need(
            Rank.WAITING, project, sentence, (f"{party} ({duty})",), f"/reviews/{review.run}", since
        )


def _path(project: str, part: str) -> str:
    return f"/projects/{project}/{part}"


SOURCES: Final[tuple[Source, ...]] = (
    unattended_runs, suspensions, failed_runs, refused_requests, open_approvals, open_reviews,
    unsigned_amendments,
)  # fmt: skip
