"""One run from end to end, as the match log tells it, from the agreement to the closing of its round."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from schemas.matchlog.agreement_kinds import AgreementInForce, RunApproved, StandingUsed
from schemas.matchlog.entry import Entry
from schemas.matchlog.release_kinds import BlindReleasePrepared, ReleasePrepared
from schemas.matchlog.review_kinds import ReviewEnded
from schemas.matchlog.round_kinds import (
    ClaimsReceived,
    RoundClosed,
    RoundOpened,
    RoundSuperseded,
)
from schemas.matchlog.run_kinds import MatchRecordDestroyed, RunAsked, RunFinished


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the way of a run's links: the entry that proves it, and what it says."""

    entry: int
    time: str
    what: str
    object: str = ""


@dataclass(slots=True)
class RunBook:
    """The steps of one run, in the order of the log; `root` and `openings` are what the end of it states.

    With `release` above 1 they are those that the end of its review states, with the release of this number.
    `uploads` are those that the run compared, by party, in round `round`.
    """

    run: str
    release: int = 1
    steps: list[Step] = field(default_factory=list)
    uploads: dict[str, str] = field(default_factory=dict)
    specification: str = ""
    round: int = 0
    root: str | None = None
    openings: dict[str, str] = field(default_factory=dict)
    _bound: dict[str, Step] = field(default_factory=dict)
    _received: dict[str, Step] = field(default_factory=dict)
    _rounds: dict[tuple[str, int], Step] = field(default_factory=dict)
    _project: str = ""
    _releases: set[str] = field(default_factory=set)

    def take(self, entry: Entry) -> None:
        """Take the next entry of a verified log."""
        body: Any = entry.body
        if entry.outcome != "done":
            return
        if isinstance(body, AgreementInForce):
            what = f"agreement {body.number} came into force, with all its signatures"
            self._bound[entry.of_agreement] = _step(entry, what)
        elif isinstance(body, RoundOpened):
            what = f"round {body.round} opened, with nonces of each pair's parties"
            self._rounds[entry.project or "", body.round] = _step(entry, what)
        elif isinstance(body, RoundClosed | RoundSuperseded) and self._is_of_round(entry, body):
            self.steps.append(_step(entry, _END_WORDS[entry.kind]))
        elif isinstance(body, ClaimsReceived) and self._is_of_round(entry, body):
            if {entry.actor.party, body.partner} == set(self.uploads):
                what = f"{entry.actor.party} sent {body.partner} its claims, sealed"
                self.steps.append(_step(entry, what))
        elif entry.kind == "upload-received":
            what = (
                f"{entry.actor.party} uploaded {body.records:,} records as of {body.as_of}"
                f" for {body.partner}"
            )
            self._received[entry.of_object] = _step(entry, what)
        elif entry.object == self.run:
            self._take_own(entry, body)
        elif isinstance(body, ReleasePrepared | BlindReleasePrepared) and body.run == self.run:
            self._releases.add(entry.of_object)
            agency = getattr(body, "agency", None)
            beside = f", sealed beside the records of {agency}" if agency else ""
            self.steps.append(_step(entry, f"a release for {body.recipient} was ready{beside}"))
        elif entry.object in self._releases:
            self._take_release(entry)

    def _take_own(self, entry: Entry, body: Any) -> None:
        if isinstance(body, RunAsked):
            self._take_asked(entry, body)
        elif isinstance(body, RunApproved):
            what = f"{entry.actor.party} approved the {body.signed.statement.step}"  # type: ignore[union-attr]
            self.steps.append(_step(entry, what))
        elif isinstance(body, StandingUsed):
            self.steps.append(_step(entry, f"a standing approval of {body.party} was used"))
        elif isinstance(body, RunFinished):
            self._take_end(1, body)
            self.steps.append(_step(entry, "the run finished; its match record is fixed"))
        elif isinstance(body, ReviewEnded):
            if body.release is not None:
                self._take_end(body.release, body)
            self.steps.append(_step(entry, "the review ended"))
        elif entry.kind in _REVIEW_WORDS:
            self.steps.append(_step(entry, _REVIEW_WORDS[entry.kind].format(entry.actor.party)))
        elif isinstance(body, MatchRecordDestroyed):
            self.steps.append(_step(entry, "a match record was destroyed"))
        elif entry.kind == "run-started":
            self.steps.append(_step(entry, f"the run started, attempt {body.attempt}"))

    def _take_end(self, release: int, body: RunFinished | ReviewEnded) -> None:
        if release == self.release:
            self.root = body.match_record_root
            self.openings = {part.party: part.sha256 for part in body.openings}

    def _take_asked(self, entry: Entry, body: RunAsked) -> None:
        specification = body.specification
        self.specification = body.specification_sha256
        self.round, self._project = specification.round, specification.project
        self.uploads = {upload.party: upload.upload for upload in specification.uploads}
        bound = self._bound.get(specification.agreement)
        opened = self._rounds.get((specification.project, specification.round))
        known = [step for step in (bound, opened) if step is not None]
        known += [self._received[u] for u in self.uploads.values() if u in self._received]
        self.steps = [*known, _step(entry, f"{entry.actor.party} asked for the run")]

    def _is_of_round(
        self, entry: Entry, body: RoundClosed | RoundSuperseded | ClaimsReceived
    ) -> bool:
        return (entry.project, body.round) == (self._project, self.round)

    def _take_release(self, entry: Entry) -> None:
        words = {
            "release-fetched": f"{entry.actor.party} fetched it",
            "release-verified": f"{entry.actor.party} found it whole",
            "release-destroyed": "it was destroyed",
        }
        if entry.kind in words:
            self.steps.append(_step(entry, words[entry.kind]))


_END_WORDS: Final = {
    "round-closed": "the round closed with the claims that count",
    "round-superseded": "the round was corrected; what came of it does not count",
}


_REVIEW_WORDS: Final = {
    "review-asked": "pairs that are sent to review were put to reviewers",
    "review-answered": "{} answered with sealed cards",
    "review-decided": "a reviewer of {} decided",
    "supplement-closed": "the release of what was accepted closed with the claims that count",
}


def _step(entry: Entry, what: str) -> Step:
    return Step(entry.seq, entry.time, what, entry.object or "")
