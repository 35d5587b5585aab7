"""A founded broker with one project of two agencies, and their rounds through the real HTTP application."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from campaign.reports import KIND_VARIABLE
from httpx2 import Response
from rigs.agreed import OPERATOR, amend, approve_runs, bind
from rigs.agreed_copies import agree, reach
from rigs.enrolled import EnrolledPerson, log_entries
from rigs.persons import DUTIES, enrolled_person
from samples.agreed import agreement_of, usual_clauses
from samples.documents import stated_audit
from samples.round_files import (
    KEY_ID,
    Container,
    Person,
    build_container,
    profile_of_tests,
    random_people,
    two_files,
)
from starlette.testclient import TestClient

from app.auditor.verify import verify_bundle
from app.broker import Broker
from app.runs.commits import check_waiting
from app.worker.loop import Worker
from app.worker.sweeper import Sweeper
from encoding.blocks.keys import RoundName
from encoding.people.identity import Identity
from schemas.agreement.agreement import Agreement, ProjectTerms
from schemas.agreement.clauses import FileSize
from schemas.documents.ids import utc_text
from schemas.documents.problem import MEDIA_TYPE
from schemas.linkage.profile import EncodingProfile, Side
from schemas.linkage.run import IdSpace, LinkRate, MatchingPolicy, Recipient
from schemas.rounds.receipt import Receipt
from schemas.rounds.rounds import NonceOffer, SignedNonceOffer
from schemas.rounds.upload import Manifest, Signature, SignedManifest
from schemas.signing.identity import Role
from schemas.signing.signatures import sign_document

PROJECT = "foster-school"
CHILD_WELFARE, SCHOOL = "child-welfare", "school-district"
AUDITOR = "state-auditor"
POLICY = MatchingPolicy(
    auto="0.99",
    review="0.5",
    lead=10,
    twin_guard=False,
    prior_matches="0.5",
    link_rate=LinkRate(least="0", most="1"),
)


def profile_of() -> EncodingProfile:
    return profile_of_tests()


def terms_of(profile: EncodingProfile, **changes: Any) -> ProjectTerms:
    """Return terms of two agencies that both receive matches, in one link-ID set, with a floor of 3.

    The school's file is the larger one.
    """
    terms: dict[str, Any] = {
        "project": PROJECT,
        "purpose": "school-support",
        "providers": (CHILD_WELFARE, SCHOOL),
        "recipients": (
            Recipient(party=CHILD_WELFARE, mode="linked", space="shared"),
            Recipient(party=SCHOOL, mode="linked", space="shared"),
        ),
        "auditors": (AUDITOR,),
        "spaces": (IdSpace(name="shared", lifetime="lasting"),),
        "profile": profile.digest(),
        "policy": POLICY,
        "population": "pupils",
        "floor": 3,
        "start": "2026-01-01",
        "end": "2027-12-31",
        "keep_encodings_days": 30,
        "keep_links_days": 90,
    }
    terms |= changes
    terms.setdefault(
        "files",
        tuple(
            FileSize(party=party, least=1, most=2000 if party == SCHOOL else 1000)
            for party in terms["providers"]
        ),
    )
    return ProjectTerms(**usual_clauses(terms["providers"][0]) | terms)


@dataclass
class Linkage:
    """The project under a signed agreement, and what its parties do; `founded` is a fixture of tests/app.

    A party acts by a person of its own who has keys and all duties of the role; `agreement` is the newest, and
    `containers` are those of the newest round, the smaller file's first.
    """

    founded: Any
    client: TestClient
    terms: ProjectTerms
    profile: EncodingProfile
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    is_log_spoilt: bool = False
    agreement: Agreement = field(init=False)
    containers: tuple[Container, Container] = field(init=False)
    _persons: dict[tuple[str, Role], EnrolledPerson] = field(default_factory=dict)
    _tokens: dict[tuple[str, Role], tuple[str, datetime]] = field(default_factory=dict)

    @property
    def broker(self) -> Broker:
        return self.founded.broker

    @property
    def pair(self) -> tuple[str, str]:
        """The project's first pair, the party with the larger file first."""
        return self.terms.pairs[0]

    def create(self) -> Linkage:
        """Enrol everyone, and let them sign the agreement."""
        receiving = {recipient.party for recipient in self.terms.recipients}
        parties = {CHILD_WELFARE, SCHOOL, *self.terms.providers, *receiving}
        self.founded.enrol(*sorted(parties), *self.terms.auditors)
        self.agreement = self.add_project(self.terms)
        self.terms = self.agreement.terms()
        return self

    def add_project(self, terms: ProjectTerms) -> Agreement:
        """Let everyone sign the agreement of one more project, and return it."""
        agencies = {*terms.providers, *(recipient.party for recipient in terms.recipients)}
        people = [
            *(self.person(party).identity for party in sorted(agencies)),
            *(self.person(party, "auditor").identity for party in terms.auditors),
            self.person(OPERATOR, "operator").identity,
        ]
        listed = [one.public for one in people]
        agreement = agreement_of(terms, listed, log=self.broker.log.key.name)
        bind(self.broker, self.founded.operator, agreement, self.profile, people)
        return agreement

    def list_also(self, *people: Identity) -> None:
        """Let everyone sign an amendment that lists more persons, and approve runs under it."""
        raw: Any = self.agreement.to_json()["parties"]
        for party in raw:
            own = [one.public.to_json() for one in people if one.public.party == party["name"]]
            party["persons"] = sorted([*party["persons"], *own], key=lambda one: one["person"])
        known = [one.identity for one in self._persons.values()]
        self.agreement = amend(self.broker, self.agreement, self.profile, known, parties=raw)
        approve_runs(self.broker, self.agreement, known)

    # Who acts.

    def person(self, party: str, role: Role = "agency") -> EnrolledPerson:
        """Return the person who acts for a party in a role, new on first use."""
        if (party, role) not in self._persons:
            identity = enrolled_person(self.broker, self.founded.operator, party, *DUTIES[role])
            self._persons[party, role] = EnrolledPerson(self.founded, self.client, identity)
        return self._persons[party, role]

    def act_as(self, person: EnrolledPerson) -> None:
        """Let another person act for their agency from now on."""
        self._persons[person.identity.public.party, "agency"] = person
        self._tokens.clear()

    def as_party(self, party: str, role: Role = "agency") -> dict[str, str]:
        token, since = self._tokens.get((party, role), ("", datetime.min.replace(tzinfo=UTC)))
        if self.founded.clock() - since >= timedelta(minutes=9):
            token, since = self.person(party, role).token(is_bound=False), self.founded.clock()
            self._tokens[party, role] = token, since
        return {"authorization": f"Bearer {token}"}

    def sign_in_anew(self) -> None:
        """Use no token that was given before, as an agency whose token is refused."""
        self._tokens.clear()

    def signature(self, kind: str, document: Any, party: str) -> Signature:
        """Return the signature of an agency's person."""
        identity = self.person(party).identity
        return Signature(
            party=party,
            person=identity.public.person,
            key=identity.public.key_sha256(),
            signature=sign_document(kind, document.to_json(), identity.keys.signing_key),
        )

    # Rounds.

    def offer(
        self, party: str, n: int = 4, /, *, first: int | None = None, **changes: Any
    ) -> Response:
        """Offer nonces, numbered on from the last ones."""
        if first is None:
            first = int(self.get(self._path("nonces"), party).json()["next"])
        stated: dict[str, Any] = {
            "project": self.terms.project,
            "party": party,
            "person": self.person(party).id,
            "first": first,
            "nonces": tuple(os.urandom(32).hex() for _ in range(n)),
            "void_below": 1,
            "at": utc_text(self.founded.clock()),
        }
        offer = NonceOffer(**(stated | changes))
        signed = SignedNonceOffer(offer=offer, signature=self.signature("nonces", offer, party))
        return self.post_as(self._path("nonces"), party, signed.to_json())

    def offer_all(self) -> None:
        """Let every provider have unspent nonces."""
        for party in self.terms.providers:
            if self.get(self._path("nonces"), party).json()["unspent"] < 2:
                assert self.offer(party).status_code == 201

    def ask_round(self, party: str = CHILD_WELFARE, number: int | None = None) -> Response:
        """Ask for a round; by default the one that is open, or the next one."""
        if number is None:
            rounds = self.get(self._path("rounds"), self.terms.providers[0]).json().get("rounds")
            newest = rounds[0] if rounds else {"round": 0, "state": "none"}
            number = newest["round"] + (newest["state"] != "open")
        return self.post_as(self._path(f"rounds/{number}"), party)

    def open_round(self) -> dict[str, Any]:
        """Open the next round, or return the one that is open."""
        self.offer_all()
        answer = self.ask_round(self.terms.providers[0])
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def round(self, number: int | None = None) -> dict[str, Any]:
        """Return a round as the agencies see it; by default the newest, which is opened if there is none."""
        if number is not None:
            return dict(self.get(self._path(f"rounds/{number}")).json())
        rounds = self.get(self._path("rounds"), self.terms.providers[0]).json()["rounds"]
        return dict(rounds[0]) if rounds else self.open_round()

    def correct(self, number: int, party: str = CHILD_WELFARE) -> Response:
        path = self._path(f"rounds/{number}/corrections")
        return self.post_as(path, party, {"reason": "wrong-file"})

    def put_claims(
        self,
        party: str,
        partner: str,
        content: bytes = b"sealed",
        number: int | None = None,
        release: int = 1,
    ) -> Response:
        number = number or self.round()["round"]
        query = "" if release == 1 else f"?release={release}"
        return self.client.put(
            self._path(f"rounds/{number}/claims/{partner}{query}"),
            content=content,
            headers={**self.as_party(party), "content-type": "application/octet-stream"},
        )

    def get_claims(
        self, party: str, partner: str, number: int | None = None, release: int = 1
    ) -> Response:
        number = number or self.round()["round"]
        query = "" if release == 1 else f"?release={release}"
        return self.get(self._path(f"rounds/{number}/claims/{partner}{query}"), party)

    def put_statement(self, party: str, content: bytes = b"sealed") -> Response:
        return self.client.put(
            self._path("rounds/1/statements/shared"),
            content=content,
            headers={**self.as_party(party), "content-type": "application/octet-stream"},
        )

    def get_statement(self, party: str, sender: str) -> Response:
        return self.get(self._path(f"rounds/1/statements/shared?party={sender}"), party)

    def exchange_claims(self) -> None:
        """Let both parties of each pair of the round send their claims, which closes it."""
        view = self.round()
        for pair in view["pairs"]:
            for ends in ((pair["larger"], pair["smaller"]), (pair["smaller"], pair["larger"])):
                assert self.put_claims(*ends, number=view["round"]).status_code == 200

    # Uploads.

    def upload_of_all_pairs(self, people: list[Person]) -> None:
        """Open a round, and let each party send these people to each of its partners."""
        self.open_round()
        for larger, smaller in self.terms.pairs:
            self.upload(people, smaller, larger)
            self.upload(people, larger, smaller)

    def partner_of(self, party: str) -> str:
        """Return the other party of the project's first pair with this one."""
        pair = next(pair for pair in self.terms.pairs if party in pair)
        return pair[1] if pair[0] == party else pair[0]

    def name_of(self, party: str, partner: str, view: dict[str, Any]) -> RoundName:
        pair = next(
            one for one in view["pairs"] if {one["larger"], one["smaller"]} == {party, partner}
        )
        return RoundName(
            project=self.terms.project,
            epoch=self.terms.epoch,
            larger=pair["larger"],
            smaller=pair["smaller"],
            profile=self.terms.profile,
            number=view["round"],
            nonce_larger=bytes.fromhex(pair["nonce_larger"]["nonce"]),
            nonce_smaller=bytes.fromhex(pair["nonce_smaller"]["nonce"]),
        )

    def container(
        self, people: list[Person], party: str, /, partner: str | None = None, **header: Any
    ) -> Container:
        """Encode people for the round that is open, or the newest one."""
        partner = partner or self.partner_of(party)
        name = self.name_of(party, partner, self.round())
        side: Side = "larger" if party == name.larger else "smaller"
        review = self.terms.review
        bucket = review.bucket if review is not None and review.reviewer == partner else None
        return build_container(people, self.profile, name, side, header, bucket)

    def manifest(self, made: Container, party: str, /, **changes: Any) -> Manifest:
        header = made.header
        stated: dict[str, Any] = {
            **made.request(),
            "project": header.project,
            "party": party,
            "side": header.side,
            "agreement": self.agreement.digest(),
            "root": header.root,
            "partner_root": self._partner_root(header.round, header.partner, party),
            "last_message": None,
            "counts": None,
            "privacy_audit": stated_audit(header.profile, header.side, header.records),
            "as_of": "2026-08-31",
            "population": self.terms.population,
            "created": "2026-09-01T05:00:00Z",
            "software": "test-1",
        }
        del stated["head_bytes"]
        return Manifest(**{**stated, **changes})

    def _partner_root(self, number: int, partner: str, party: str) -> str | None:
        # Where there is no such round, nothing of it is refused for its root.
        for one in self.round(number).get("progress", []):
            if {one["larger"], one["smaller"]} == {party, partner}:
                side = "larger" if one["larger"] == partner else "smaller"
                return one[f"root_{side}"]
        return None

    def open(self, made: Container, party: str, key: str | None = None, **changes: Any) -> Response:
        headers = self.as_party(party) | ({} if key is None else {"idempotency-key": key})
        body = {**made.request(), **changes}
        return self.client.post(self._path("uploads"), json=body, headers=headers)

    def put(self, upload: str, number: int, part: bytes, party: str, **headers: str) -> Response:
        return self.client.put(
            f"/v1/uploads/{upload}/parts/{number}",
            content=part,
            headers={
                **self.as_party(party),
                "content-type": "application/octet-stream",
                "content-digest": content_digest(part),
                **headers,
            },
        )

    def signed_manifest(self, manifest: Manifest, party: str) -> SignedManifest:
        signature = self.signature("manifest", manifest, party)
        return SignedManifest(manifest=manifest, signatures=(signature,))

    def ask_commit(self, upload: str, manifest: Manifest, party: str) -> Response:
        return self.post_as(
            f"/v1/uploads/{upload}/commit", party, self.signed_manifest(manifest, party).to_json()
        )

    def commit(self, upload: str, manifest: Manifest, party: str) -> Response:
        """Ask for a commit and wait for the check; return the answer with the receipt, or the refusal."""
        return self.checked(self.ask_commit(upload, manifest, party), party)

    def checked(self, answer: Response, party: str) -> Response:
        """Wait for the check that was asked for; return the answer with the receipt, or the refusal."""
        if answer.status_code != 202:
            return answer
        upload = answer.json()["upload"]
        view = self.get(f"/v1/uploads/{upload}", party).json()
        while view["state"] == "checking":
            # As a worker does with what a broker that was killed has left.
            check_waiting(self.broker)
            view = self.get(f"/v1/uploads/{upload}", party).json()
        if view["refusal"] is not None:
            kind = {"content-type": MEDIA_TYPE}
            return Response(view["refusal"]["status"], json=view["refusal"], headers=kind)
        return self.get(f"/v1/uploads/{upload}/receipt", party)

    def send(self, made: Container, party: str) -> str:
        """Open an upload and send all of its parts; returns its id."""
        opened = self.open(made, party)
        assert opened.status_code == 201, opened.text
        upload = str(opened.json()["upload"])
        for number, part in enumerate(made.parts):
            answer = self.put(upload, number, part, party)
            assert answer.status_code == 200, answer.text
        return upload

    def upload(
        self, people: list[Person], party: str, partner: str | None = None
    ) -> tuple[Receipt, Container]:
        """Send and commit a container of these people."""
        made = self.container(people, party, partner)
        answer = self.commit(self.send(made, party), self.manifest(made, party), party)
        assert answer.status_code == 200, answer.text
        return Receipt.from_json(answer.json()), made

    def end_round(self) -> None:
        """End the open round if anything was uploaded for it: by claims after its runs, else corrected."""
        view = self.round()
        if view["state"] != "open" or not any(
            one["root_larger"] or one["root_smaller"] for one in view["progress"]
        ):
            return
        runs = [one["run"] for one in view["progress"]]
        states = {run and self.get(f"/v1/runs/{run}").json()["state"] for run in runs}
        if states == {"succeeded"}:
            self.exchange_claims()
        else:
            self.offer_all()
            assert self.correct(view["round"]).status_code == 201

    def upload_both(
        self, n_records: int = 20, n_common: int = 12, n_doubtful: int = 0
    ) -> tuple[Container, Container]:
        """Open the next round and upload two files as `two_files` makes them, which starts the run.

        Returns the containers of the smaller and of the larger file.
        """
        larger, smaller = self.pair
        self.end_round()
        left, right = two_files(self.rng, n_records, n_common, n_doubtful)
        self.open_round()
        _, first = self.upload(left, smaller)
        _, second = self.upload(right, larger)
        self.containers = first, second
        return first, second

    # Runs.

    def ask(self, party: str = CHILD_WELFARE, key: str | None = None, **body: Any) -> Response:
        """Ask once more for the run of the newest round."""
        headers = self.as_party(party) | ({} if key is None else {"idempotency-key": key})
        partner = self.partner_of(party) if party in self.terms.providers else SCHOOL
        stated = {"partner": partner, **body}
        if "round" not in stated:
            stated["round"] = self.round()["round"]
        return self.client.post(self._path("runs"), json=stated, headers=headers)

    def run_id(self) -> str:
        """Return the id of the newest round's run."""
        return str(self.round()["progress"][0]["run"])

    def run(self, party: str = CHILD_WELFARE, role: Role = "agency") -> dict[str, Any]:
        """Return the newest round's run as a party sees it."""
        return dict(self.get(f"/v1/runs/{self.run_id()}", party, role).json())

    def work(self) -> None:
        """Let a worker do all that waits."""
        Worker(self.broker).work(until_idle=True)

    # The wire, and the log.

    def get(self, path: str, party: str = CHILD_WELFARE, role: Role = "agency") -> Response:
        return self.client.get(path, headers=self.as_party(party, role))

    def post_as(
        self, path: str, party: str = CHILD_WELFARE, body: Any = None, role: Role = "agency"
    ) -> Response:
        given = {} if body is None else {"json": body}
        return self.client.post(path, headers=self.as_party(party, role), **given)

    def _path(self, rest: str) -> str:
        return f"/v1/projects/{self.terms.project}/{rest}"

    def check_log(self) -> None:
        """Let the auditor's verifier replay the whole log, after a last sweep."""
        if not self.is_log_spoilt:
            Sweeper(self.broker).sweep()
            bundle = self.get("/v1/log/bundle", "operator", "operator")
            verify_bundle(io.BytesIO(bundle.content), log_key=self.broker.log.key)

    def log_kinds(self) -> list[str]:
        """Return the kinds of all entries of the match log, in order."""
        return [entry["kind"] for entry in self.log_entries()]

    def log_entries(self) -> list[dict[str, Any]]:
        """Return all entries of the match log, in order."""
        return log_entries(self)


MakeLinkage = Callable[..., Linkage]


@pytest.fixture(name="database_url")
def embedded_database(request: pytest.FixtureRequest) -> str:
    """SQLite alone, for what the kind of database hardly makes a difference to.

    BLINDLINK_TEST_DATABASE=postgres puts these tests on PostgreSQL instead, as `make campaign` does.
    """
    kind = os.environ.get(KIND_VARIABLE, "sqlite")
    assert kind in ("sqlite", "postgres"), f"{KIND_VARIABLE} is neither sqlite nor postgres"
    url: str = request.getfixturevalue(f"{kind}_url")
    return url


@pytest.fixture(
    name="database_url",
    params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
)
def either_database(request: pytest.FixtureRequest) -> str:
    """The test runs once on each kind of database; a module imports this in place of its folder's."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def make_linkage(founded: Any, client: Any) -> Iterator[MakeLinkage]:
    """Return a function that lets the parties sign the project's agreement, with some of its terms changed.

    After the test, the auditor's verifier must find nothing wrong with the log, whatever was done.
    """
    made: list[Linkage] = []

    def make(**changes: Any) -> Linkage:
        profile = profile_of()
        linkage = Linkage(founded, client, terms_of(profile, **changes), profile)
        agree(linkage)
        made.append(linkage)
        return linkage

    yield make
    for linkage in made:
        linkage.check_log()


@pytest.fixture
def linkage(ordinary_linkage: None, make_linkage: MakeLinkage) -> Linkage:
    """The project with its ordinary terms."""
    return make_linkage()


@pytest.fixture
def uploaded(later_uploads: None, linkage: Linkage) -> Linkage:
    """The linkage, whose both parties have uploaded for the first round, so that its run waits."""
    reach(linkage, lambda: bool(linkage.upload_both()))
    return linkage


@pytest.fixture
def released(later_releases: None, linkage: Linkage) -> Linkage:
    """The linkage, whose first run has succeeded."""

    def steps() -> None:
        linkage.upload_both()
        linkage.work()

    reach(linkage, steps)
    return linkage


def content_digest(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


__all__ = [
    "AUDITOR",
    "CHILD_WELFARE",
    "KEY_ID",
    "POLICY",
    "PROJECT",
    "SCHOOL",
    "Linkage",
    "MakeLinkage",
    "content_digest",
    "either_database",
    "embedded_database",
    "linkage",
    "make_linkage",
    "profile_of",
    "random_people",
    "released",
    "terms_of",
    "two_files",
    "uploaded",
]
