"""Clerical review on a linkage: what both agencies do, played with the formats and the real application."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from httpx2 import Response
from rigs.agreed import OPERATOR, amend, bind
from rigs.agreed_copies import agree, reach
from rigs.enrolled import EnrolledPerson
from rigs.linkage import CHILD_WELFARE, SCHOOL, Linkage, profile_of, terms_of
from rigs.persons import DUTIES, enrolled_person
from samples.agreed import agreement_of

from app.worker.sweeper import Sweeper
from encoding.people.identity import Identity
from schemas.agreement.agreement import Agreement, ProjectTerms
from schemas.agreement.clauses import Review
from schemas.documents.ids import utc_text
from schemas.rounds.review import (
    Decisions,
    PairDecision,
    Question,
    ReviewStatement,
    SignedReviewStatement,
    StatedDecisions,
    parse_cards,
    parse_questions,
    serialise_cards,
    stated_cards,
)

REVIEW = Review(
    reviewer=CHILD_WELFARE, persons=1, first=50, weekly=10, bucket=4, days=14, consent=None
)
RAW = "application/octet-stream"
REASON = {"accept": "same-person", "reject": "other-person", "unsure": "too-little-to-tell"}


@dataclass
class ReviewActs(Linkage):
    """What persons of both agencies do in a review."""

    # What the reviewer's agency does.

    def questions(self, run: str) -> tuple[Question, ...]:
        """Fetch the questions as the reviewer of child welfare."""
        answer = self.get(f"/v1/reviews/{run}/questions")
        assert answer.status_code == 200, answer.text
        return parse_questions(answer.content)[1]

    def fetch_cards(self, run: str) -> dict[bytes, bytes]:
        """Fetch the cards as the reviewer of child welfare."""
        answer = self.get(f"/v1/reviews/{run}/cards")
        assert answer.status_code == 200, answer.text
        assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
        return parse_cards(answer.content)

    def decisions(
        self,
        run: str,
        verdicts: Mapping[bytes, str],
        who: EnrolledPerson | None = None,
        number: int = 1,
        **changes: Any,
    ) -> StatedDecisions:
        """State decisions by their references; as the reviewer of child welfare where nobody is named."""
        decided = Decisions(
            run=run,
            decisions=tuple(
                PairDecision(reference=one.hex(), verdict=verdict, reason=REASON[verdict])
                for one, verdict in sorted(verdicts.items())
            ),
        )
        who = who or self.person(CHILD_WELFARE)
        fields = {"number": number, "sha256": decided.digest(), "is_last": False, **changes}
        return StatedDecisions(
            signed=self.state(run, "decisions", who, **fields), decisions=decided
        )

    def decide(
        self,
        run: str,
        verdicts: Mapping[bytes, str],
        who: EnrolledPerson | None = None,
        number: int = 1,
        **changes: Any,
    ) -> Response:
        """Send decisions."""
        return self.send_decisions(run, self.decisions(run, verdicts, who, number, **changes), who)

    def send_decisions(
        self, run: str, stated: StatedDecisions, who: EnrolledPerson | None = None
    ) -> Response:
        """Send decisions that were stated."""
        path = f"/v1/reviews/{run}/decisions"
        if who is None:
            return self.post_as(path, CHILD_WELFARE, stated.to_json())
        return who.call("POST", path, json=stated.to_json())

    # What the asked agency does.

    def asked(self, run: str, party: str = SCHOOL) -> tuple[str, ...]:
        """Fetch the buckets that the school, or another agency, is asked for."""
        answer = self.get(f"/v1/reviews/{run}/asked", party)
        assert answer.status_code == 200, answer.text
        return tuple(answer.json()["buckets"])

    def bucket_handles(self, run: str, party: str = SCHOOL) -> list[bytes]:
        """Return the handles of the buckets that an agency is asked for, in order."""
        labels = {bytes.fromhex(label) for label in self.asked(run, party)}
        return sorted(one for one in self.containers[1].handles if one[:4] in labels)

    def stated_cards(
        self, run: str, cards: Mapping[bytes, bytes], /, by: str = SCHOOL, **changes: Any
    ) -> bytes:
        """State cards as the school, or as another agency."""
        content = serialise_cards(cards.items())
        who = self.person(by)
        fields = {"number": 1, "is_last": True, "sha256": hashlib.sha256(content).hexdigest()}
        return stated_cards(self.state(run, "cards", who, **{**fields, **changes}), content)

    def put_cards(self, run: str, content: bytes, party: str = SCHOOL) -> Response:
        """Send cards."""
        headers = {**self.as_party(party), "content-type": RAW}
        return self.client.put(f"/v1/reviews/{run}/cards", content=content, headers=headers)

    def answer(self, run: str, party: str = SCHOOL) -> dict[bytes, bytes]:
        """Answer for all buckets, with cards of any bytes; returns them by handle."""
        cards = {handle: os.urandom(64) for handle in self.bucket_handles(run, party)}
        answer = self.put_cards(run, self.stated_cards(run, cards, by=party), party)
        assert answer.status_code == 200, answer.text
        assert answer.json()["state"] == "answered"
        return cards

    def state(
        self, run: str, about: str, who: EnrolledPerson, /, **fields: Any
    ) -> SignedReviewStatement:
        """State something about a review, signed."""
        public = who.identity.public
        statement = ReviewStatement.model_validate(
            {
                "about": about,
                "project": self.terms.project,
                "agreement": self.agreement.digest(),
                "round": self.round()["round"],
                "run": run,
                "party": public.party,
                "person": public.person,
                "at": utc_text(self.founded.clock()),
                **fields,
            }
        )
        return SignedReviewStatement.of(statement, who.identity.keys.signing_key)

    # What anyone sees.

    def review(self, party: str = CHILD_WELFARE, role: Any = "agency") -> dict[str, Any]:
        """Return the newest review as a party sees it."""
        path = f"/v1/projects/{self.terms.project}/reviews"
        return dict(self.get(path, party, role).json()["reviews"][0])

    def supplements(self) -> list[dict[str, Any]]:
        """Return the supplements of the newest round."""
        return list(self.round()["supplements"])

    def releases(self, party: str, number: int) -> list[dict[str, Any]]:
        """Return a party's releases of this number, of all rounds."""
        path = f"/v1/projects/{self.terms.project}/releases"
        found = self.get(path, party).json()["releases"]
        return [one for one in found if one["number"] == number]

    def sweep(self) -> None:
        """Let a sweeper do all that is due."""
        Sweeper(self.broker).sweep()


@dataclass
class Reviewing(ReviewActs):
    """A linkage whose agreement has a review by child welfare; `second` is another reviewer of it."""

    second: EnrolledPerson = field(init=False)
    people: list[Identity] = field(init=False)

    def add_project(self, terms: ProjectTerms) -> Agreement:
        """Let everyone sign the agreement, which lists two reviewers."""
        identity = enrolled_person(
            self.broker, self.founded.operator, CHILD_WELFARE, *DUTIES["agency"]
        )
        self.second = EnrolledPerson(self.founded, self.client, identity)
        receiving = {recipient.party for recipient in terms.recipients}
        self.people = [
            *(self.person(party).identity for party in sorted({*terms.providers, *receiving})),
            identity,
            *(self.person(party, "auditor").identity for party in terms.auditors),
            self.person(OPERATOR, "operator").identity,
        ]
        listed = [one.public for one in self.people]
        agreement = agreement_of(terms, listed, log=self.broker.log.key.name)
        bind(self.broker, self.founded.operator, agreement, self.profile, self.people)
        return agreement

    def amend(self, **changes: Any) -> None:
        """Let everyone sign the next version of the agreement."""
        self.agreement = amend(self.broker, self.agreement, self.profile, self.people, **changes)

    def hold_back(self, n_doubtful: int = 6, n_records: int = 30, n_common: int = 12) -> str:
        """Link two files of which so many pairs are sent to review; returns the run."""
        self.upload_both(n_records, n_common, n_doubtful)
        self.work()
        return self.run_id()


MakeReviewing = Callable[..., Reviewing]


@pytest.fixture
def make_reviewing(founded: Any, client: Any) -> Iterator[MakeReviewing]:
    """Return a function that lets the parties sign an agreement with a review, changed as `review` says.

    After the test, the auditor's verifier must find nothing wrong with the log, whatever was done.
    """
    made: list[Reviewing] = []

    def make(review: Mapping[str, Any] | None = None, **changes: Any) -> Reviewing:
        profile = profile_of()
        clause = REVIEW.model_copy(update=dict(review or {}))
        terms = terms_of(profile, **{"review": clause, **changes})
        one = Reviewing(founded, client, terms, profile)
        made.append(one)
        agree(one)
        return one

    yield make
    for one in made:
        one.check_log()


@pytest.fixture
def reviewing(ordinary_review: None, make_reviewing: MakeReviewing) -> Reviewing:
    """The project with an ordinary review."""
    return make_reviewing()


@pytest.fixture
def held_back(later_questions: None, reviewing: Reviewing) -> str:
    """A run of the project that has held six pairs back."""
    return reach(reviewing, lambda: reviewing.hold_back(6))


@dataclass(frozen=True)
class Answered:
    """A run that has held six pairs back, for which the cards have come, and its questions."""

    run: str
    questions: tuple[Question, ...]

    @property
    def references(self) -> list[bytes]:
        return [one.reference for one in self.questions]


@pytest.fixture
def answered(later_cards: None, reviewing: Reviewing) -> Answered:
    """The same, once the school has sent its cards and child welfare has fetched the questions."""

    def steps() -> Answered:
        run = reviewing.hold_back(6)
        reviewing.answer(run)
        return Answered(run, reviewing.questions(run))

    return reach(reviewing, steps)


__all__ = [
    "REVIEW",
    "Answered",
    "MakeReviewing",
    "Reviewing",
    "answered",
    "held_back",
    "make_reviewing",
    "reviewing",
]
