"""The broker's part of clerical review, played beside a real broker: real bytes, signatures and log entries.

It answers the paths of the API about reviews and supplementary releases, and leaves all else to the broker.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import io
import json
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx2
from rigs.agency import SlowContainer, read_slowly
from rigs.desk import Desk
from rigs.near_broker import PROJECT, NearBroker, document, problem

from app.matchlog.draft import SOFTWARE, EntryDraft
from app.matchlog.proofs import entry_proof
from app.runs.repository import runs_of_project
from app.runs.view import view_of
from encoding.packing.handles import MapName, derive_map_keys, read_handle_map, record_keys
from encoding.people.sealed_file import Address, open_pieces, seal_pieces
from encoding.workspace.workspace import open_workspace
from schemas.api import ReleaseView, RunView
from schemas.clauses import Review
from schemas.document import Model
from schemas.errors import FormatError
from schemas.ids import Handle, MatchId, utc_text
from schemas.matchlog.entry import Actor
from schemas.matchlog.kinds import ReleasePrepared
from schemas.matchlog.review_kinds import (
    ReviewAnswered,
    ReviewAsked,
    ReviewDecided,
    ReviewEnded,
    SupplementClosed,
)
from schemas.matchlog.round_kinds import ClaimsReceived
from schemas.release import Match, ReleaseHeader, serialise_release
from schemas.review import (
    AskedBuckets,
    PairDecision,
    Question,
    QuestionsHeader,
    Reference,
    ReviewList,
    ReviewView,
    SignedCard,
    StatedDecisions,
    bucket_of,
    card_plain,
    parse_card,
    parse_stated_cards,
    serialise_cards,
    serialise_questions,
)
from schemas.rounds import ClaimsReceipt, ListedClaims, SupplementView
from schemas.upload import Receipt

REVIEWER, ASKED = "welfare", "schools"


@dataclass
class Asked:
    """One review: what is asked, the cards that came, what was decided, and the claims of its release."""

    view: ReviewView
    questions: bytes
    buckets: AskedBuckets
    handles: dict[str, tuple[Handle, Handle]]
    rows: dict[str, tuple[int, int]]
    cards: dict[bytes, bytes] = field(default_factory=dict)
    decided: dict[str, PairDecision] = field(default_factory=dict)
    stated: list[bytes] = field(default_factory=list)
    supplement: SupplementView | None = None


@dataclass
class PlayedReviews:
    """All reviews of a project; the newest one is `now`."""

    near: NearBroker
    clause: Review
    agreement: str
    asked: list[Asked] = field(default_factory=list)
    parties: dict[str, str] = field(default_factory=dict)
    releases: dict[str, tuple[ReleaseView, bytes, Receipt]] = field(default_factory=dict)
    claims: dict[tuple[int, str], bytes] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)

    def moved_to(self, near: NearBroker) -> PlayedReviews:
        """Return what was played so far, for a copy of the broker."""
        return PlayedReviews(
            near,
            self.clause,
            self.agreement,
            asked=copy.deepcopy(self.asked),
            releases=dict(self.releases),
            claims=dict(self.claims),
        ).attach()

    def attach(self) -> PlayedReviews:
        self.near.courier.before = self.answer
        self.near.courier.after = self.add
        return self

    @property
    def now(self) -> Asked:
        return self.asked[-1]

    def desk(self, party: str) -> Desk:
        return self.near.desks[party]

    # What the broker would do when a run has succeeded.

    def ask(
        self, *pairs: tuple[str, str], number: int | None = None, labels: Sequence[str] = ()
    ) -> Asked:
        """Ask about pairs by their record IDs: the reviewer's, then the asked agency's.

        `labels` are asked for in the place of those that a broker should ask for.
        """
        run = self.run(number)
        uploads = {one.party: one.upload for one in run.specification.uploads}
        round_ = run.specification.round
        sides = {party: self.container(party, round_) for party in (REVIEWER, ASKED)}
        handles, rows, listed = {}, {}, []
        for own, other in pairs:
            reference = Reference(secrets.token_bytes(16))
            both = self.handle(REVIEWER, round_, own), self.handle(ASKED, round_, other)
            met = [row_of(sides[p], h, sides[q], g) for (p, h), (q, g) in crossed(both)]
            handles[reference.hex()], rows[reference.hex()] = both, (met[0], met[1])
            listed.append(Question(reference, both[0], met[0]))
        named = {
            "project": PROJECT,
            "round": round_,
            "run": run.run,
            "reviewer": REVIEWER,
            "asked": ASKED,
        }
        questions = serialise_questions(
            QuestionsHeader(
                **named,
                upload=uploads[REVIEWER],
                questions=len(listed),
                created=utc_text(self.near.now),
            ),
            sorted(listed),
        )
        labels = sorted(labels or {bucket_of(other) for _, other in handles.values()})
        buckets = AskedBuckets(**named, upload=uploads[ASKED], buckets=tuple(labels))
        deadline = utc_text(self.near.now + timedelta(days=self.clause.days))
        body = ReviewAsked(
            round=round_,
            reviewer=REVIEWER,
            asked=ASKED,
            questions=len(listed),
            questions_sha256=hashlib.sha256(questions).hexdigest(),
            buckets_sha256=buckets.digest(),
            deadline=deadline,
        )
        self.log(body, object=run.run)
        view = ReviewView(
            **named,
            state="asked",
            deadline=deadline,
            questions=len(listed),
            buckets=len(labels),
            decided=0,
            release=None,
        )
        self.asked.append(Asked(view, questions, buckets, handles, rows))
        return self.now

    def end(self, *, release: bool = True) -> None:
        """End the newest review; what was accepted becomes a supplementary release of both agencies."""
        found = self.now
        accepted = [r for r, one in found.decided.items() if one.verdict == "accept"]
        number = 2 if accepted and release else None
        self.log(
            ReviewEnded(
                round=found.view.round,
                reason="decided",
                accepted=len(accepted),
                rejected=0,
                open=0,
                release=number,
            ),
            object=found.view.run,
        )
        self.move(found, state="ended", release=number)
        if number is None:
            return
        match_ids = {reference: MatchId(os.urandom(16)) for reference in accepted}
        for side, party in enumerate((REVIEWER, ASKED)):
            matches = {
                found.handles[r][side]: Match(match_ids[r], found.rows[r][side]) for r in accepted
            }
            self.release(found, party, matches)
        found.supplement = SupplementView(
            release=2,
            larger=ASKED,
            smaller=REVIEWER,
            run=found.view.run,
            state="open",
            claims=(),
            closing=None,
        )

    def close_supplement(self) -> None:
        """Close the newest supplementary release with the claims that are there."""
        found = self.now
        assert found.supplement is not None
        body = SupplementClosed(
            round=found.view.round, release=2, claims=tuple(found.supplement.claims)
        )
        closing = self.log(body, object=found.view.run)
        found.supplement = found.supplement.model_copy(
            update={"state": "closed", "closing": closing}
        )

    def release(self, found: Asked, party: str, matches: dict[Handle, Match]) -> None:
        run = self.run(found.view.round)
        upload = next(one for one in run.specification.uploads if one.party == party)
        partner = ASKED if party == REVIEWER else REVIEWER
        header = ReleaseHeader(
            release=f"rel-{secrets.token_hex(16)}",
            run=run.run,
            specification=run.specification_sha256,
            project=PROJECT,
            epoch=run.specification.epoch,
            round=found.view.round,
            number=2,
            agreement=run.specification.agreement,
            recipient=party,
            partner=partner,
            mode="linked",
            space="shared",
            upload=upload.upload,
            matches=len(matches),
            created=utc_text(self.near.now),
        )
        raw = b"".join(serialise_release(header, sorted(matches.items())))
        sha256 = hashlib.sha256(raw).hexdigest()
        body = ReleasePrepared(
            run=run.run,
            recipient=party,
            mode="linked",
            space="shared",
            matches=len(matches),
            sha256=sha256,
        )
        receipt = self.log(body, object=header.release)
        view = ReleaseView(
            release=header.release,
            run=run.run,
            round=header.round,
            number=2,
            project=PROJECT,
            recipient=party,
            partner=partner,
            mode="linked",
            space="shared",
            sha256=sha256,
            size_bytes=len(raw),
            matches=len(matches),
            created=header.created,
            fetched=None,
        )
        self.releases[header.release] = view, raw, receipt

    def forged(self, handle: Handle, **changes: Any) -> bytes:
        """Return the card of a handle with something changed, signed by its person and sealed again."""
        reader, signer = self.near.people[REVIEWER], self.near.people[ASKED]
        plain = b"".join(open_pieces(io.BytesIO(self.now.cards[handle]), reader))
        card = parse_card(plain).card.model_copy(update=changes)
        signed = SignedCard.of(card, signer.keys.signing_key)
        address = Address(ASKED, REVIEWER, (reader.public,), utc_text(self.near.now))
        return b"".join(seal_pieces([card_plain(signed)], address))

    def move(self, found: Asked, **changes: Any) -> None:
        found.view = found.view.model_copy(update=changes)

    # What the agencies have, which a broker knows from their containers.

    def run(self, number: int | None = None) -> RunView:
        """Return the run of a round, or the newest one that has succeeded."""
        with self.near.broker.database.read() as session:
            views = [view_of(one, self.near.operator) for one in runs_of_project(session, PROJECT)]
        return next(
            one
            for one in views
            if one.state == "succeeded" and number in (None, one.specification.round)
        )

    def handle(self, party: str, number: int, record_id: str) -> Handle:
        workspace = open_workspace(self.desk(party).folder / "workspace")
        keys = derive_map_keys(workspace.key(), PROJECT)
        name = MapName(PROJECT, number, ASKED if party == REVIEWER else REVIEWER)
        found = read_handle_map(workspace.handle_map(*name), name, keys).find(
            record_keys(keys, [record_id])
        )
        assert found.known[0], record_id
        return Handle(found.handles[0].tobytes())

    def container(self, party: str, number: int) -> SlowContainer:
        partner = ASKED if party == REVIEWER else REVIEWER
        workspace = open_workspace(self.desk(party).folder / "workspace")
        return read_slowly(workspace.container(PROJECT, number, partner).read_bytes())

    def log(self, body: Model, *, object: str | None, party: str | None = None) -> Receipt:
        """Append an entry, and return its receipt."""
        draft = EntryDraft(
            body,
            actor=SOFTWARE if party is None else self.actor(party),
            project=PROJECT,
            agreement=self.agreement,
            purpose="education-stability",
            object=object,
        )
        with self.near.broker.database.write() as session:
            (appended,) = self.near.broker.log.append(session, [draft])
            return entry_proof(session, appended.seq, appended.size).to_receipt(object)

    def actor(self, party: str) -> Actor:
        return Actor(party=party, person=self.near.people[party].public.person, role="agency")

    # The wire.

    def answer(self, request: httpx2.Request) -> httpx2.Response | None:
        """Answer in the broker's place where the path is one of reviews; None: let the broker answer."""
        parts = request.url.path.removeprefix("/v1/").split("/")
        party = self.caller(request)
        if parts[0] == "reviews":
            found = next(one for one in self.asked if one.view.run == parts[1])
            return self.about(found, parts[2], party, request)
        if parts[:1] == ["projects"] and parts[2:] == ["reviews"]:
            return document(
                ReviewList(reviews=tuple(self.seen(one, party) for one in self.asked[::-1]))
            )
        if parts[0] == "releases" and parts[1] in self.releases:
            return self.about_release(parts[1], parts[2])
        if request.url.params.get("release") == "2":
            return self.about_claims(int(parts[3]), parts[5], party, request)
        return None

    def add(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        """Add to the broker's answers what it does not know: supplementary releases."""
        path = request.url.path
        if path == "/v1/token" and response.status_code == 200:
            self.note_caller(request, response)
        if request.method == "GET" and re.fullmatch(
            rf"/v1/projects/{PROJECT}/(releases|rounds(/\d+)?)", path
        ):
            return self.with_supplements(path, self.caller(request), response)
        return response

    def with_supplements(self, path: str, party: str, response: httpx2.Response) -> httpx2.Response:
        if response.status_code != 200:
            return response
        shown = response.json()
        if path.endswith("/releases"):
            own = [view for view, _, _ in self.releases.values() if view.recipient == party]
            shown["releases"] = [one.to_json() for one in own[::-1]] + shown["releases"]
        for found in shown.get("rounds", [shown] if "pairs" in shown else []):
            found["supplements"] = [
                one.supplement.model_dump(mode="json")
                for one in self.asked
                if one.supplement is not None and one.view.round == found["round"]
            ]
            if found["state"] == "open":
                for one in self.asked:
                    if one.view.round < found["round"]:
                        self.round_is_over(one)
        return httpx2.Response(200, json=shown)

    def round_is_over(self, found: Asked) -> None:
        """A new round was opened: what is not done does not count any more."""
        if found.view.state != "ended":
            self.move(found, state="ended")
        if found.supplement is not None and found.supplement.state == "open":
            self.close_supplement()

    def seen(self, found: Asked, party: str) -> ReviewView:
        """Return a review as a party sees it."""
        hidden = {"questions": None, "decided": None} if party == ASKED else {"buckets": None}
        decided = {} if party == ASKED else {"decided": len(found.decided)}
        return found.view.model_copy(update=hidden | decided)

    def about(
        self, found: Asked, what: str, party: str, request: httpx2.Request
    ) -> httpx2.Response:
        side = ASKED if what == "asked" or request.method == "PUT" else REVIEWER
        if party != side:
            return problem(404, "not-found")
        try:
            if what == "questions":
                return httpx2.Response(200, content=found.questions)
            if what == "asked":
                return document(found.buckets)
            if what == "decisions":
                return self.take_decisions(found, request.read())
            if request.method == "PUT":
                return self.take_cards(found, request.read())
        except FormatError as exc:
            return problem(422, "invalid", detail=str(exc))
        passed_on = {
            bytes.fromhex(reference): found.cards[handles[1]]
            for reference, handles in found.handles.items()
        }
        return httpx2.Response(200, content=serialise_cards(passed_on.items()))

    def take_cards(self, found: Asked, raw: bytes) -> httpx2.Response:
        signed, cards = parse_stated_cards(raw)
        signed.verify(self.near.people[ASKED].public)
        table = self.container(ASKED, found.view.round).handles
        wanted = {handle for handle in table if bucket_of(handle) in found.buckets.buckets}
        if set(cards) != wanted:
            return problem(422, "cards-differ")
        if not found.cards:
            found.cards = cards
            self.log(
                ReviewAnswered(round=found.view.round, signed=signed),
                object=found.view.run,
                party=ASKED,
            )
            self.move(found, state="answered")
        return document(self.seen(found, ASKED))

    def take_decisions(self, found: Asked, raw: bytes) -> httpx2.Response:
        stated = StatedDecisions.from_canonical(raw)
        stated.signed.verify(self.near.people[REVIEWER].public)
        if raw in found.stated:
            return document(self.seen(found, REVIEWER))
        if found.view.state == "ended":
            return problem(409, "review-over", detail="the review has ended")
        if stated.signed.statement.number != len(found.stated) + 1:
            return problem(409, "statement-order")
        made = {one.reference: one for one in stated.decisions.decisions}
        if made.keys() & found.decided or not made.keys() <= found.handles.keys():
            return problem(409, "decided-before")
        found.decided |= made
        found.stated.append(raw)
        counts = {
            v: sum(one.verdict == v for one in made.values())
            for v in ("accept", "reject", "unsure")
        }
        self.log(
            ReviewDecided(
                round=found.view.round,
                signed=stated.signed,
                accepted=counts["accept"],
                rejected=counts["reject"],
                unsure=counts["unsure"],
            ),
            object=found.view.run,
            party=REVIEWER,
        )
        if stated.signed.statement.is_last:
            self.end()
        return document(self.seen(found, REVIEWER))

    def about_release(self, release: str, what: str) -> httpx2.Response:
        view, raw, receipt = self.releases[release]
        if what == "file":
            return httpx2.Response(200, content=raw)
        return document(receipt if what == "receipt" else view)

    def about_claims(
        self, number: int, partner: str, party: str, request: httpx2.Request
    ) -> httpx2.Response:
        if request.method == "GET":
            return httpx2.Response(200, content=self.claims[number, partner])
        found = next(one for one in self.asked if one.view.round == number)
        supplement = found.supplement
        assert supplement is not None
        if supplement.state == "closed":
            return problem(409, "claims-not-due")
        raw = request.read()
        sha256 = hashlib.sha256(raw).hexdigest()
        self.claims[number, party] = raw
        there = {one.party: one for one in supplement.claims}
        there[party] = ListedClaims(party=party, partner=partner, sha256=sha256)
        found.supplement = supplement.model_copy(
            update={"claims": tuple(there[name] for name in sorted(there))}
        )
        sequence = 1 + sum(
            (one["kind"], one["actor"]["party"]) == ("claims-received", party)
            for one in self.near.log_entries()
        )
        body = ClaimsReceived(
            round=number, release=2, partner=partner, sequence=sequence, sha256=sha256
        )
        self.log(body, object=None, party=party)
        if len(there) == 2:
            self.close_supplement()
        receipt = ClaimsReceipt(
            round=number, party=party, partner=partner, sha256=sha256, sequence=sequence
        )
        return document(receipt)

    def note_caller(self, request: httpx2.Request, response: httpx2.Response) -> None:
        """Note whose token this is: the person signs the claim for it."""
        claim = parse_qs(request.read().decode())["client_assertion"][0].split(".")[1]
        person = json.loads(base64.urlsafe_b64decode(claim + "=="))["iss"]
        (party,) = (p for p, one in self.near.people.items() if one.public.person == person)
        self.parties[response.json()["access_token"]] = party

    def caller(self, request: httpx2.Request) -> str:
        return self.parties.get(request.headers.get("authorization", "").partition(" ")[2], "")


def crossed(both: tuple[Handle, Handle]) -> Any:
    """Yield own and other side for the reviewer, and for the asked agency."""
    own, other = both
    yield (REVIEWER, own), (ASKED, other)
    yield (ASKED, other), (REVIEWER, own)


def row_of(own: SlowContainer, handle: Handle, other: SlowContainer, partner: Handle) -> int:
    """Return the place of the row of the own container in which the two records met first."""
    met = own.tokens_of(handle) & other.tokens_of(partner)
    assert met, "the two records share no row"
    number = own.handles.index(handle)
    return own.rows.index(next(row for row in own.rows if row[:2] == (min(met), number)))
