"""A project in a sample log whose agreement has a clerical review, told from the question to the supplement."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from samples.log import SampleLog
from samples.parties import ANN, CW, K12, signing_key
from samples.signed_log import SignedProject, accord_of

from schemas.agreement.agreement import Agreement
from schemas.matchlog import release_kinds, review_kinds, round_kinds, run_kinds
from schemas.matchlog.entry import Actor, Entry
from schemas.rounds.review import ReviewStatement, SignedReviewStatement
from schemas.rounds.rounds import ListedClaims

SIGHT = "sight"
REVIEW = {
    "reviewer": "county-cw",
    "persons": 1,
    "first": 200,
    "weekly": 10,
    "bucket": 20,
    "days": 14,
    "consent": None,
}
SHOWN = {"party": "school-district", "name": "First name", "use": "shown"}


def reviewed_agreement(project: str = SIGHT, **changes: Any) -> Agreement:
    """The example's agreement with a review by the persons of the first agency."""
    fields: dict[str, Any] = {
        "project": project,
        "review": REVIEW,
        "elements": [SHOWN],
        "approvals": {
            "runs": "each",
            "parties": ["county-cw"],
            "asker_suffices": True,
            "releases": False,
        },
    }
    return accord_of(**{**fields, **changes})


class ReviewedProject(SignedProject):
    """The project `sight`, agreed on, with a round that is open; `run` is the newest one."""

    def __init__(self, log: SampleLog, project: str = SIGHT, **changes: Any) -> None:
        super().__init__(log, project)
        self.agree(reviewed_agreement(project, **changes))
        self.run = ""
        self.round = 1
        self.deadline = ""
        self.numbers: dict[str | None, int] = {}
        self.claims: dict[str, str] = {}

    def linked(self, **changes: Any) -> Entry:
        """Link the pair in the open round, and ask about what is sent to review; returns the question."""
        self.log.rounds(self.project).ensure_open()
        asked = self.ask()
        self.approve(ANN, asked)
        self.finish(asked)
        self.run, self.round = asked.object or "", self.log.rounds(self.project).number
        self.numbers, self.claims = {}, {}
        return self.ask_review(**changes)

    def asked(self, **changes: Any) -> review_kinds.ReviewAsked:
        """The body that asks about the newest run."""
        days = self.log.terms[self.project].review.days  # type: ignore[union-attr]
        fields: dict[str, Any] = {
            "round": self.round,
            "reviewer": "county-cw",
            "asked": "school-district",
            "charged": 50,
            "questions_sha256": "71" * 32,
            "buckets_sha256": "62" * 32,
            "deadline": self.log.now(timedelta(days=days)),
        }
        return review_kinds.ReviewAsked(**{**fields, **changes})

    def ask_review(self, **changes: Any) -> Entry:
        """Ask about the newest run."""
        body = self.asked(**changes)
        self.deadline = body.deadline
        return self.about(body)

    def fetch(self, what: str = "questions", who: Actor = CW, **changes: Any) -> Entry:
        """Let a person have a file of the review."""
        digest = {"questions": "71" * 32, "buckets": "62" * 32}.get(what) or self.log.digest()
        fields = {"round": self.round, "what": what, "sha256": digest, **changes}
        return self.about(review_kinds.ReviewFetched.model_validate(fields), who)

    def answer(self, who: Actor = K12, *, by: Actor | None = None, **changes: Any) -> Entry:
        """Let a person of the asked agency answer with cards; `by` is who acts, if another."""
        signed = self.stated(who, "cards", **changes)
        body = review_kinds.ReviewAnswered(round=self.round, signed=signed)
        return self.about(body, by or who)

    def decide(
        self, who: Actor = CW, *, by: Actor | None = None, counts: Any = None, **changes: Any
    ) -> Entry:
        """Let a reviewer decide; `by` is who acts, if another."""
        signed = self.stated(who, "decisions", **changes)
        shown = dict.fromkeys(("accepted", "rejected", "unsure")) | (counts or {})
        body = review_kinds.ReviewDecided.model_validate(
            {"round": self.round, "signed": signed, **shown}
        )
        return self.about(body, by or who)

    def stated(
        self, who: Actor, about: str, *, key: bytes | None = None, **changes: Any
    ) -> SignedReviewStatement:
        """A person's signed statement about the review, numbered on from their last."""
        number = 1 if about == "cards" else self.numbers.get(who.person, 0) + 1
        fields: dict[str, Any] = {
            "about": about,
            "project": self.project,
            "agreement": self.log.agreements[self.project],
            "round": self.round,
            "run": self.run,
            "party": who.party,
            "person": who.person,
            "number": number,
            "sha256": self.log.digest(),
            "is_last": about == "cards",
            "at": self.log.now(),
        }
        statement = ReviewStatement.model_validate({**fields, **changes})
        if about == "decisions":
            self.numbers[who.person] = statement.number
        signing = signing_key(key) if key else self.log.key_of(who.person or "")
        return SignedReviewStatement.of(statement, signing)

    def ended(self, **changes: Any) -> review_kinds.ReviewEnded:
        """The body that ends the review, with something accepted."""
        fields: dict[str, Any] = {
            "round": self.round,
            "reason": "decided",
            "accepted": None,
            "rejected": None,
            "open": None,
            "release": 2,
            "match_record_root": self.log.digest(),
            "openings": self.log.openings("county-cw", "school-district"),
        }
        if changes.get("release", 2) is None:
            fields |= {"match_record_root": None, "openings": ()}
        return review_kinds.ReviewEnded.model_validate({**fields, **changes})

    def end(self, **changes: Any) -> Entry:
        """End the review."""
        return self.about(self.ended(**changes))

    def supplement(self, number: int = 2, parties: Any = ("county-cw", "school-district")) -> Any:
        """Prepare the releases of what was accepted, for both parties."""
        return [self.prepare(party, number) for party in parties]

    def prepare(self, recipient: str, number: int = 2, **changes: Any) -> Entry:
        """Prepare one release of what was accepted."""
        fields: dict[str, Any] = {
            "run": self.run,
            "number": number,
            "recipient": recipient,
            "mode": "linked",
            "space": "shared",
            "matches": None,
            "sha256": self.log.digest(),
        }
        body = release_kinds.ReleasePrepared(**{**fields, **changes})
        return self.log.append(body, project=self.project, object=self.log.id("rel"))

    def claim(self, who: Actor, release: int = 2, **changes: Any) -> Entry:
        """Receive a party's claims for its partner, about a supplement."""
        other = next(one.party for one in (CW, K12) if one.party != who.party)
        partner = changes.pop("partner", other)
        entry = self.log.rounds(self.project).claim(
            who, partner, **{"release": release, "round": self.round, **changes}
        )
        assert isinstance(entry.body, round_kinds.ClaimsReceived)
        self.claims[who.party] = entry.body.sha256
        return entry

    def closing(self, release: int = 2, **changes: Any) -> review_kinds.SupplementClosed:
        """The body that closes a supplement with the claims that are there."""
        partner = {"county-cw": "school-district", "school-district": "county-cw"}
        listed = tuple(
            ListedClaims(party=party, partner=partner[party], sha256=sha256)
            for party, sha256 in sorted(self.claims.items())
        )
        fields = {"round": self.round, "release": release, "claims": listed, **changes}
        return review_kinds.SupplementClosed.model_validate(fields)

    def close_supplement(self, release: int = 2, **changes: Any) -> Entry:
        """Close a supplement."""
        return self.about(self.closing(release, **changes))

    def close_round(self) -> Entry:
        """Let both claim for the round's first release, and close it."""
        rounds = self.log.rounds(self.project)
        rounds.claim_all()
        return rounds.close()

    def about(self, body: Any, who: Actor | None = None, **fields: Any) -> Entry:
        """Append an entry about the newest run, by the broker itself where nobody is named."""
        written = {"object": self.run, **({} if who is None else {"actor": who}), **fields}
        return self.log.append(body, project=self.project, **written)

    def destroy(self) -> None:
        """Destroy what came for the round and what was made of it."""
        mine = [one for one in self.log.entries if one.project == self.project]
        for entry in mine:
            if entry.kind == "release-prepared":
                self.log.destroy_release(entry)
            elif entry.kind == "upload-received":
                self.log.destroy(entry)


def everything_reviewed(log: SampleLog) -> None:
    """Add a project in which every kind of entry about clerical review occurs; before `everything_signed`."""
    project = ReviewedProject(log)
    project.linked()
    project.fetch("buckets", K12)
    project.answer()
    project.fetch("questions")
    project.fetch("cards")
    project.decide()
    project.close_round()
    project.decide(is_last=True)
    ended = project.end()
    fetched = project.supplement()
    log.fetch(fetched[0], CW)
    log.fetch(fetched[1], K12)
    project.claim(CW)
    project.claim(K12)
    project.claim(CW)
    project.close_supplement()
    body = run_kinds.MatchRecordDestroyed(root=ended.body.match_record_root, reason="asked")  # type: ignore[attr-defined]
    project.about(body)
    log.moment += timedelta(days=7)
    log.rounds(SIGHT).open()
    project.linked()
    log.moment += timedelta(days=14)
    project.end(reason="deadline", release=None)
    project.destroy()
