"""A match log in memory, told as a story of weekly linkages, and its bundle: for tests of every reader.

It writes what a well-behaved broker would, with the formats alone and no database; its parts can be bent
before they are packed, as a dishonest broker would.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from samples.agreed import agreement_of
from samples.documents import stated_audit
from samples.parties import (
    BROKER,
    CW,
    HEALTH,
    K12,
    OPERATOR,
    PEOPLE,
    SIGNERS,
    identity,
    person_of,
    private_of,
    signing_key,
    terms_of,
)
from samples.rounds import SampleRounds
from samples.signed_log import SignedProject
from vectors.identity import private_bytes

from schemas.agreement.agreement import ProjectTerms
from schemas.agreement.statement import MAX_STANDING_RUNS
from schemas.api.logged_requests import asked_for
from schemas.documents.document import Model
from schemas.documents.merkle import Frontier, hash_leaf
from schemas.linkage.link_quality import Concordance
from schemas.linkage.run import Recipient, RunSpecification, RunUpload
from schemas.matchlog import (
    kinds,
    log_kinds,
    person_kinds,
    registry,
    release_kinds,
    review_kinds,
    run_kinds,
    share_kinds,
    upload_kinds,
)
from schemas.matchlog.agreement_kinds import StandingUsed
from schemas.matchlog.archive import END, pack_member
from schemas.matchlog.bundle import BundleManifest
from schemas.matchlog.checkpoint import Checkpoint, cosign, serialise_checkpoints, sign_checkpoint
from schemas.matchlog.entry import Actor, Entry, entry_bytes
from schemas.matchlog.party_digests import PartyDigest
from schemas.matchlog.tiles import UpperTiles, pack_entries, pack_hashes, tile_number, tiles_of
from schemas.signing.identity import KeyChange, SignedKeyChange, sign_key_change
from schemas.signing.note import COSIGNER_KEY, NoteSigner, parse_note
from schemas.signing.signatures import sign_document
from schemas.signing.signed_request import Request, SeenHead, SignedRequest

ORIGIN = "broker.example/log"
# A worker ends a run, or its review, in one batch with what is made of it.
ENDS = (run_kinds.RunFinished, review_kinds.ReviewEnded)
MADE = (release_kinds.ReleasePrepared, release_kinds.BlindReleasePrepared, review_kinds.ReviewAsked)
CONCORDANCE = Concordance(field="birth-date", apart=60, other=12, missing=None)


def signer(number: int, name: str = ORIGIN, kind: int = 1) -> NoteSigner:
    """A fixed key for tests."""
    seed = hashlib.sha256(f"sample key {number}".encode()).digest()
    return NoteSigner(name, Ed25519PrivateKey.from_private_bytes(seed), kind)


WITNESSES = (
    signer(100, "county-cw.example/witness", COSIGNER_KEY),
    signer(101, "school-district.example/witness", COSIGNER_KEY),
)


@dataclass
class Parts:
    """What a bundle is packed from; each part can be bent before that.

    `notes` holds (size, note) of every checkpoint, in the order in which they are packed.
    """

    entries: list[bytes | None]
    leaf_hashes: list[bytes]
    notes: list[tuple[int, bytes]]
    keys: list[str]
    cosigners: list[str] = field(default_factory=list)
    project: str | None = None
    newest: bytes | None = None

    def copy(self) -> Parts:
        """A copy whose lists can be bent."""
        return replace(
            self,
            entries=list(self.entries),
            leaf_hashes=list(self.leaf_hashes),
            notes=list(self.notes),
            keys=list(self.keys),
        )

    def members(self) -> Iterator[tuple[str, bytes]]:
        """The files of the bundle, in order."""
        size = len(self.leaf_hashes)
        manifest = BundleManifest(
            origin=ORIGIN,
            size=size,
            project=self.project,
            log_keys=tuple(self.keys),
            cosigner_keys=tuple(self.cosigners),
        )
        yield "bundle.json", manifest.to_canonical()
        frontier, upper = Frontier(), UpperTiles()
        for leaf_hash in self.leaf_hashes:
            upper.add(frontier.append(leaf_hash))
        n_tiles = len(list(tiles_of(size, 0)))
        for tile in tiles_of(size, 0):
            start, end = tile.index * 256, tile.index * 256 + tile.width
            is_last = tile.index == n_tiles - 1
            notes = [
                note
                for at, note in self.notes
                if start < at <= end or (is_last and at > end) or (tile.index == 0 and at < 1)
            ]
            yield tile.path, pack_hashes(self.leaf_hashes[start:end])
            yield tile.entries_path, pack_entries(self.entries[start:end])
            yield f"checkpoints/{tile_number(tile.index)}", serialise_checkpoints(notes)
        for tile, hashes in upper.tiles(size):
            yield tile.path, pack_hashes(hashes)
        yield "checkpoint", self.newest or self.notes[-1][1]

    def pack(self) -> bytes:
        """The bundle."""
        return pack_archive(self.members())


def pack_archive(members: Iterable[tuple[str, bytes]]) -> bytes:
    """An archive of these files."""
    return b"".join(pack_member(name, content) for name, content in members) + END


class SampleLog:
    """A log that grows by batches. `entries`, `leaf_hashes` and `notes` hold all of it."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.signers = [signer(0)]
        self.entries: list[Entry] = []
        self.raw: list[bytes] = []
        self.leaf_hashes: list[bytes] = []
        self.notes: list[tuple[int, bytes]] = []
        self.used_keys: list[str] = []
        self.frontier = Frontier()
        self.places: Counter[str | None] = Counter()
        # The leaf hash of the newest entry of each project, in hex.
        self.last: dict[str | None, str] = {}
        self.states_heads = True
        # Entries of another story than the one that is being told (`breaks.forks`).
        self.untold: set[int] = set()
        self.batch = 0
        self.moment = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
        self.enrolled: set[str] = set()
        self.terms: dict[str, ProjectTerms] = {}
        # The digest of what binds each project, and the party and id of each approval that stands for its runs.
        self.agreements: dict[str, str] = {}
        self.standing: dict[str, list[tuple[str, str]]] = {}
        self.keys: dict[str, Ed25519PrivateKey] = {}
        # Kinds that persons do without a signed request, as far as this broker is concerned.
        self.unsigned: frozenset[str] = frozenset()
        self.witnesses = list(WITNESSES)
        self.all_rounds: dict[str, SampleRounds] = {}
        key = self.signers[0].verifier_key.text
        self.append(log_kinds.LogStarted(origin=ORIGIN, key=key, software="blindlink-0.1.0"))

    def copy(self) -> SampleLog:
        """A log that goes on from here by itself; what cannot change is shared."""
        fixed: list[object] = [*self.entries, *(entry.body for entry in self.entries)]
        fixed += [*self.signers, *self.witnesses, *self.keys.values(), *self.terms.values()]
        return deepcopy(self, {id(one): one for one in fixed})

    def id(self, prefix: str) -> str:
        """A new id, the same for the same seed."""
        return f"{prefix}-{self.random.randbytes(16).hex()}"

    def digest(self) -> str:
        """A new digest, the same for the same seed."""
        return self.random.randbytes(32).hex()

    def now(self, later: timedelta = timedelta()) -> str:
        """The present time, or one so much later."""
        return (self.moment + later).strftime("%Y-%m-%dT%H:%M:%SZ")

    def rounds(self, project: str) -> SampleRounds:
        """The rounds of a project."""
        return self.all_rounds.setdefault(project, SampleRounds(self, project))

    def draft(self, body: Model, *, project: str | None = None, **fields: Any) -> Entry:
        """The entry that would come next; `fields` replace what would be written."""
        written: dict[str, Any] = {
            "kind": registry.KIND_OF_BODY[type(body)],
            "seq": len(self.entries),
            "batch": self.batch,
            "place": self.places[project],
            "previous": self.last.get(project),
            "broker_wide": self.last[None] if project else None,
            "time": self.now(),
            "request": self.id("req"),
            "actor": BROKER,
            "project": project,
            "agreement": self.agreements.get(project or ""),
            "purpose": None,
            "object": None,
            "outcome": "done",
            "body": body,
        }
        written |= fields
        if project and written["agreement"] and "purpose" not in fields:
            written["purpose"] = "foster-care-education"
        return self.signed(Entry(**written))

    def add(self, body: Model, *, project: str | None = None, **fields: Any) -> Entry:
        """Add one entry to the open batch; `fields` replace what would be written."""
        ended = self.entries and isinstance(self.entries[-1].body, ENDS + MADE)
        if ended and not isinstance(body, MADE):
            self.close()
        entry = self.draft(body, project=project, **fields)
        self.keep(entry, entry_bytes(entry))
        return entry

    def keep(self, entry: Entry, raw: bytes) -> None:
        """Add an entry to the open batch, by these bytes."""
        self.places[entry.project] += 1
        self.entries.append(entry)
        self.raw.append(raw)
        self.leaf_hashes.append(hash_leaf(raw))
        self.last[entry.project] = self.leaf_hashes[-1].hex()
        self.frontier.append(self.leaf_hashes[-1])

    def key_of(self, person: str) -> Ed25519PrivateKey:
        """The signing key of a person."""
        return self.keys.get(person) or signing_key(private_of(person))

    def signed(self, entry: Entry) -> Entry:
        """The entry with the request that its person signs for it, where they do."""
        actor, kind = entry.actor, kinds.KINDS[entry.kind]
        is_broker = actor.person is None or actor.party == "broker" or actor.signed is not None
        is_asked = kind.duties is not None and entry.kind not in self.unsigned
        if is_broker or not is_asked or entry.outcome == "refused":
            return entry
        asked = asked_for(entry)
        states = (asked.sha256 or (None,))[-1]
        request = Request(
            version="blindlink/request/3",
            log=ORIGIN,
            project=entry.project,
            agreement=entry.agreement,
            head=self.seen(entry),
            asks=asked.asks,
            sha256=states,
            nonce=self.random.randbytes(16).hex(),
            at=entry.time,
        )
        signed = SignedRequest.of(request, self.key_of(actor.person or ""))
        return entry.model_copy(update={"actor": actor.model_copy(update={"signed": signed})})

    def seen(self, entry: Entry) -> SeenHead | None:
        """What anyone who signs for an entry has seen of its project: all before it."""
        if entry.previous is None or not self.states_heads:
            return None
        return SeenHead(place=entry.place - 1, leaf=entry.previous)

    def close(self) -> None:
        """End the batch, if it has any entry, with its checkpoint."""
        if self.notes and self.notes[-1][0] == self.size:
            return
        signing = self.signers[-1]
        note = sign_checkpoint(Checkpoint(ORIGIN, self.size, self.frontier.root()), signing)
        if signing.verifier_key.text not in self.used_keys:
            self.used_keys.append(signing.verifier_key.text)
        self.notes.append((self.size, note))
        self.batch += 1

    def reopen(self) -> None:
        """Let the last batch go on with what comes next."""
        self.notes.pop()
        self.batch -= 1

    def append(self, body: Model, **fields: Any) -> Entry:
        """Add one entry as a batch of its own; but what a run or a review makes is in that of its end."""
        entry = self.add(body, **fields)
        if not isinstance(body, ENDS + MADE):
            self.close()
        return entry

    @property
    def size(self) -> int:
        return len(self.entries)

    def rotate_key(self, to: NoteSigner | None = None) -> None:
        """Hand the log over to the next key, or to this one."""
        new = to or signer(len(self.signers))
        old_text, new_text = self.signers[-1].verifier_key.text, new.verifier_key.text
        document = {"log": ORIGIN, "new": new_text, "old": old_text}
        possession = sign_document("key-rotation", document, new.private_key)
        self.append(log_kinds.LogKeyRotated(old=old_text, new=new_text, possession=possession))
        self.signers.append(new)

    def cosign(self, which: int | Actor, time_s: int = 1_790_000_000) -> None:
        """Let a witness, or a person with their own key, cosign the newest checkpoint."""
        if isinstance(which, Actor):
            key = self.key_of(which.person or "")
            self.witnesses.append(NoteSigner(which.party, key, COSIGNER_KEY))
            which = -1
        self.close()
        size, raw = self.notes[-1]
        note = parse_note(raw)
        signature = cosign(note.text, self.witnesses[which], time_s)
        self.notes[-1] = (size, replace(note, signatures=(*note.signatures, signature)).to_bytes())

    def parts(self, project: str | None = None) -> Parts:
        """What a bundle of the whole log, or of one project's view, is packed from."""
        self.close()
        entries: list[bytes | None] = [
            raw if project is None or entry.project in {None, project} else None
            for raw, entry in zip(self.raw, self.entries, strict=True)
        ]
        names = {s.name for _, raw in self.notes for s in parse_note(raw).signatures}
        witnesses = {w.verifier_key.text for w in self.witnesses if w.name in names}
        return Parts(
            entries=entries,
            leaf_hashes=list(self.leaf_hashes),
            notes=list(self.notes),
            keys=list(self.used_keys),
            cosigners=sorted(witnesses),
            project=project,
        )

    def bundle(self, project: str | None = None) -> bytes:
        """The bundle of the whole log, or of one project's view."""
        return self.parts(project).pack()

    # The story.

    def enrol(self, *actors: Actor) -> None:
        """Enrol parties that were not, each with its persons in one batch."""
        for actor in actors:
            if actor.party in self.enrolled:
                continue
            self.enrolled.add(actor.party)
            party = person_kinds.PartyEnrolled(party=actor.party, role=actor.role, fingerprint=None)
            self.add(party, actor=OPERATOR)
            for person in [one for one in PEOPLE if one.party == actor.party] or [actor]:
                self.add(person_of(person), actor=OPERATOR)
            self.close()

    def rotate(self, who: Actor, seed: int) -> SignedKeyChange:
        """Let a person replace their first keys by those of a seed."""
        old, new = identity(who), identity(who, private_bytes(seed))
        change = self.key_change(who, seed)
        uses, signed = ("signing", "receiving"), (change, None)
        for use, before, after, by in zip(
            uses, old.key_digests(), new.key_digests(), signed, strict=True
        ):
            rotated = {"use": use, "old": before, "new": after, "signed": by}
            body = person_kinds.KeyRotated(party=who.party, person=who.person, **rotated)
            self.append(body, actor=who)
        self.keys[old.person] = signing_key(private_bytes(seed))
        return change

    def key_change(self, who: Actor, seed: int) -> SignedKeyChange:
        """A change of a person's keys to those of a seed, signed by both, that stands in no entry yet."""
        old, new = identity(who), identity(who, private_bytes(seed))
        change = KeyChange(person=old.person, old_key=old.signing_key, successor=new, at=self.now())
        return sign_key_change(change, self.key_of(old.person), signing_key(private_bytes(seed)))

    def create_project(self, project: str, **changes: Any) -> SignedProject:
        """Let a project be agreed on with these terms, its runs approved in advance; opens its first round."""
        agreement = agreement_of(terms_of(project, **changes), map(identity, PEOPLE))
        made = SignedProject(self, project, agreement.names()).agree(agreement)
        self.standing[project] = [
            (party, made.stand(SIGNERS[party], runs=MAX_STANDING_RUNS)[1])
            for party in agreement.approvals.parties
        ]
        return made

    def received(
        self, project: str, actor: Actor, records: int = 2000, **changes: Any
    ) -> upload_kinds.UploadReceived:
        """The body that receives an upload for the open round."""
        rounds = self.rounds(project)
        partner = changes.pop("partner", None) or next(
            (one for one in self.terms[project].providers if one != actor.party), "county-cw"
        )
        side = "larger" if (actor.party, partner) in self.terms[project].pairs else "smaller"
        manifest = self.digest()
        epoch = self.terms[project].epoch
        secret = project if epoch == 1 else f"{project} {epoch}"
        fields: dict[str, Any] = {
            "epoch": epoch,
            "round": rounds.number,
            "partner": partner,
            "records": records,
            "container_sha256": self.digest(),
            "root": self.digest(),
            "partner_root": rounds.roots.get((partner, actor.party)),
            "size_bytes": records * 500,
            "profile": self.terms[project].profile,
            "key_id": hashlib.sha256(secret.encode()).hexdigest()[:16],
            "as_of": self.moment.strftime("%Y-%m-%d"),
            "population": "pupils",
            "privacy_audit": stated_audit(self.terms[project].profile, side, records),
            "manifest_sha256": manifest,
            "signature": rounds.signature(actor, "manifest", {"digest": manifest}),
        }
        return upload_kinds.UploadReceived.model_validate({**fields, **changes})

    def upload(
        self,
        project: str,
        actor: Actor,
        records: int = 2000,
        key_id: str | None = None,
        partner: str | None = None,
        **fields: Any,
    ) -> Entry:
        """Receive an upload, by default made with the project's secret."""
        given = {} if key_id is None else {"key_id": key_id}
        body = self.received(project, actor, records, partner=partner, **given)
        rounds = self.rounds(project)
        rounds.roots[actor.party, body.partner] = body.root
        written = {"project": project, "actor": actor, "object": self.id("upl"), **fields}
        entry = self.append(body, **written)
        rounds.received.append(entry)
        return entry

    def relay(self, actor: Actor, recipient: str, project: str = "foster", **changes: Any) -> Entry:
        """Keep a share of the secret from one sample agency for another."""
        fields: dict[str, Any] = {
            "epoch": 1,
            "share": self.id("shr"),
            "sender": actor.party,
            "recipient": recipient,
            "holders": self.digest(),
            "sha256": self.digest(),
        }
        body = share_kinds.ShareRelayed(**{**fields, **changes})
        return self.append(body, project=project, actor=actor)

    def fetch_share(self, relayed: Entry, actor: Actor, **changes: Any) -> Entry:
        """Let a party fetch a share."""
        assert isinstance(relayed.body, share_kinds.ShareRelayed)
        fields = relayed.body.model_dump(include={"epoch", "share", "sha256"})
        body = share_kinds.ShareFetched(**{**fields, **changes})
        return self.append(body, project=relayed.project, actor=actor)

    def specification(self, project: str, uploads: Iterable[Entry]) -> RunSpecification:
        """The specification of a run on these uploads, as the first sample agency asks for it."""
        terms = self.terms[project]
        place = {party: (-file.most, party) for file in terms.files for party in [file.party]}
        first, *_ = uploads = sorted(uploads, key=lambda one: place.get(one.actor.party, (0, "")))
        assert isinstance(first.body, upload_kinds.UploadReceived)
        return RunSpecification(
            run=self.id("run"),
            project=project,
            epoch=terms.epoch,
            round=first.body.round,
            agreement=self.agreements.get(project, "0" * 64),
            uploads=tuple(_run_upload(entry) for entry in uploads),
            profile=terms.profile,
            policy=terms.policy,
            recipients=terms.recipients,
            spaces=terms.spaces,
            floor=terms.floor,
            asked_by="county-cw",
            asked_at=self.now(),
        )

    def ask(self, specification: RunSpecification, **fields: Any) -> Entry:
        """Ask for a run, for which the approvals that stand are used."""
        body = run_kinds.RunAsked(
            specification_sha256=specification.digest(), specification=specification
        )
        written = {
            "project": specification.project,
            "actor": CW,
            "object": specification.run,
            **fields,
        }
        asked = self.add(body, **written)
        for party, approval in self.standing.get(specification.project, ()):
            if asked.outcome == "done":
                used = StandingUsed(party=party, approval=approval)
                self.add(used, project=asked.project, object=asked.object)
        self.close()
        return asked

    def start(self, asked: Entry, attempt: int = 1) -> Entry:
        """Start, or start again, a run."""
        return self.append(
            run_kinds.RunStarted(attempt=attempt), project=asked.project, object=asked.object
        )

    def finished(self, asked: Entry, **changes: Any) -> run_kinds.RunFinished:
        """The body that ends a run well."""
        assert isinstance(asked.body, run_kinds.RunAsked)
        recipients = asked.body.specification.recipients
        is_blind = any(recipient.mode == "blind" for recipient in recipients)
        pair = [upload.party for upload in asked.body.specification.uploads]
        opening = (
            found.party
            for found in recipients
            if found.mode == "blind" or (found.mode == "linked" and found.party in pair)
        )
        fields: dict[str, Any] = {
            "specification_sha256": asked.body.specification_sha256,
            "auto_pairs": None if is_blind else 1650,
            "expected_false": None if is_blind else 412,
            "concordance": None if is_blind else (CONCORDANCE,),
            "match_record_root": self.digest(),
            "openings": self.openings(*opening),
            "software": "blindlink-0.1.0",
        }
        return run_kinds.RunFinished(**{**fields, **changes})

    def openings(self, *parties: str) -> tuple[PartyDigest, ...]:
        """Files of openings for these parties."""
        return tuple(PartyDigest(party=party, sha256=self.digest()) for party in parties)

    def released(
        self, asked: Entry, recipient: str, **changes: Any
    ) -> release_kinds.ReleasePrepared:
        """The body that prepares a release."""
        fields: dict[str, Any] = {
            "run": asked.object,
            "number": 1,
            "recipient": recipient,
            "mode": "linked",
            "space": "shared",
            "matches": 1650,
            "sha256": self.digest(),
        }
        return release_kinds.ReleasePrepared(**{**fields, **changes})

    def create_blind_project(self, project: str, recipient: str = "county-cw") -> None:
        """Create a project in which both agencies provide, and one of them receives blindly."""
        blind = Recipient(party=recipient, mode="blind", space="shared")
        self.create_project(project, recipients=(blind,))

    def finish_blind(self, project: str) -> Entry:
        """Ask for a run of a blind project, start and finish it; returns the entry that asked for it."""
        uploads = [self.upload(project, CW), self.upload(project, K12)]
        asked = self.ask(self.specification(project, uploads))
        self.start(asked)
        self.append(self.finished(asked), project=project, object=asked.object)
        return asked

    def release_blind(self, asked: Entry, agency: str, **changes: Any) -> Entry:
        """Prepare the release with an agency's records for the recipient of a blind project."""
        fields: dict[str, Any] = {
            "run": asked.object,
            "recipient": self.terms[asked.project or ""].recipients[0].party,
            "agency": agency,
            "space": "shared",
            "sha256": self.digest(),
        }
        body = release_kinds.BlindReleasePrepared(**{**fields, **changes})
        return self.append(body, project=asked.project, object=self.id("rel"))

    def fetch(self, prepared: Entry, actor: Actor, **changes: Any) -> Entry:
        """Let a party fetch a release."""
        assert isinstance(
            prepared.body, (release_kinds.ReleasePrepared, release_kinds.BlindReleasePrepared)
        )
        fields = {"recipient": actor.party, "sha256": prepared.body.sha256, **changes}
        body = release_kinds.ReleaseFetched(**fields)
        return self.append(body, project=prepared.project, object=prepared.object, actor=actor)

    def verify(self, prepared: Entry, actor: Actor, **changes: Any) -> Entry:
        """Let a party state that a release is whole."""
        assert isinstance(
            prepared.body, (release_kinds.ReleasePrepared, release_kinds.BlindReleasePrepared)
        )
        fields = {"recipient": actor.party, "sha256": prepared.body.sha256, **changes}
        body = release_kinds.ReleaseVerified(**fields)
        return self.append(body, project=prepared.project, object=prepared.object, actor=actor)

    def destroy(self, received: Entry, reason: str = "asked") -> Entry:
        """Destroy an upload."""
        assert isinstance(received.body, upload_kinds.UploadReceived)
        body = upload_kinds.UploadDestroyed(
            container_sha256=received.body.container_sha256, reason=reason
        )
        return self.append(body, project=received.project, object=received.object)

    def linked(self, project: str) -> tuple[list[Entry], list[Entry]]:
        """Two uploads that a run has linked, and the releases of both parties."""
        uploads = [self.upload(project, CW), self.upload(project, K12)]
        asked = self.ask(self.specification(project, uploads))
        self.start(asked)
        return uploads, self.finish_run(asked)

    def destroy_release(self, prepared: Entry, **changes: Any) -> Entry:
        """Destroy a release."""
        assert isinstance(prepared.body, release_kinds.ReleasePrepared)
        fields = {"sha256": prepared.body.sha256, "reason": "asked", **changes}
        body = release_kinds.ReleaseDestroyed(**fields)
        return self.append(body, project=prepared.project, object=prepared.object)

    def destroy_match_record(self, finished: Entry, **changes: Any) -> Entry:
        """Destroy the match record of a run."""
        assert isinstance(finished.body, run_kinds.RunFinished)
        fields = {"root": finished.body.match_record_root, "reason": "asked", **changes}
        body = run_kinds.MatchRecordDestroyed(**fields)
        return self.append(body, project=finished.project, object=finished.object)

    def clear(self, project: str) -> None:
        """Destroy all uploads, releases and match records of a project that are left."""
        mine = [one for one in self.entries if one.project == project]
        gone = {(one.kind, one.object) for one in mine}
        for entry in mine:
            if (f"{entry.kind.partition('-')[0]}-destroyed", entry.object) in gone:
                continue
            if isinstance(entry.body, upload_kinds.UploadReceived):
                self.destroy(entry)
            elif isinstance(entry.body, release_kinds.ReleasePrepared):
                self.destroy_release(entry)
            elif (
                entry.kind == "run-finished"
                and ("match-record-destroyed", entry.object) not in gone
            ):
                self.destroy_match_record(entry)

    def export(self, project: str | None = None, actor: Actor = CW) -> Entry:
        """Log an export of the log."""
        body = log_kinds.Exported(what="log")
        return self.append(body, project=project, actor=actor)

    def finish_run(self, asked: Entry, **changes: Any) -> list[Entry]:
        """Finish a run and prepare its releases, in one batch, as the worker does."""
        assert isinstance(asked.body, run_kinds.RunAsked)
        project, specification = asked.project, asked.body.specification
        body = self.finished(asked, **changes)
        self.append(body, project=project, object=asked.object)
        pair = [upload.party for upload in specification.uploads]
        made = []
        for found in specification.recipients:
            fields = {"mode": found.mode, "space": found.space, "matches": body.auto_pairs}
            if found.mode == "count":
                fields["matches"] = None
            if found.mode == "count" or (found.mode == "linked" and found.party in pair):
                released = self.released(asked, found.party, **fields)
                made.append(self.append(released, project=project, object=self.id("rel")))
            elif found.mode == "blind":
                made += [self.release_blind(asked, agency) for agency in sorted(pair)]
        return made

    def week(self, project: str) -> None:
        """One weekly linkage from upload to destruction, with some mishaps; opens the next round."""
        self.moment += timedelta(days=7)
        rounds = self.rounds(project)
        rounds.ensure_open()
        if self.random.random() < 0.2:
            self.upload(project, CW)
            rounds.correct()
        uploads = [self.upload(project, CW), self.upload(project, K12, records=20_000)]
        if self.random.random() < 0.2:
            body = upload_kinds.UploadRejected(rule="wrong-profile")
            self.append(body, project=project, actor=K12, outcome="refused")
        asked = self.ask(self.specification(project, uploads))
        self.start(asked)
        if self.random.random() < 0.2:
            self.start(asked, attempt=2)
        prepared = self.finish_run(asked)
        self.moment += timedelta(hours=1)
        self.fetch(prepared[0], CW)
        if self.random.random() < 0.7:
            self.fetch(prepared[1], K12)
        for received in uploads:
            self.destroy(received)
        rounds.claim_all()
        if self.random.random() < 0.3:
            rounds.claim(CW, K12.party)
        rounds.close()
        rounds.open()


def story(
    seed: int | SampleLog = 0, n_weeks: int = 4, projects: tuple[str, ...] = ("foster",)
) -> SampleLog:
    """A log of some weeks of linkage in each project, with a key hand-over and witnesses on the way.

    It is told in a new log of a seed, or in one that has just begun.
    """
    log = SampleLog(seed) if isinstance(seed, int) else seed
    log.append(
        log_kinds.ConfigurationChanged(
            digest=log.digest(), changed=("listen-port",), software="blindlink-0.1.0"
        )
    )
    log.enrol(CW, K12)
    for project in projects:
        log.create_project(project)
    for week in range(n_weeks):
        for project in projects:
            log.week(project)
        if week % 3 == 1:
            log.cosign(week % 2)
        if week == n_weeks // 2:
            log.rotate_key()
            log.cosign(1)
    return log


def _run_upload(entry: Entry) -> RunUpload:
    assert isinstance(entry.body, upload_kinds.UploadReceived)
    assert entry.object is not None
    return RunUpload(
        party=entry.actor.party,
        upload=entry.object,
        container_sha256=entry.body.container_sha256,
        manifest_sha256=entry.body.manifest_sha256,
    )


def everything_else(log: SampleLog) -> None:
    """Add what a story may lack, so that every kind of entry occurs."""
    newcomer = CW.model_copy(update={"person": "per-" + "3" * 32})
    role = person_kinds.RoleChanged(
        party="county-cw", person=newcomer.person, role="agency", change="granted"
    )
    log.append(role, actor=OPERATOR)
    ring = person_kinds.KeyRotated(
        party="broker", person=None, use="key-ring", old=None, new=log.digest(), signed=None
    )
    log.append(ring, actor=OPERATOR)
    log.append(person_of(newcomer), actor=OPERATOR)
    log.rotate(newcomer, 62)
    for party in ("county-cw", None):
        hour = log.moment.strftime("%Y-%m-%dT%H:00:00Z")
        refused = person_kinds.SignInRefused(party=party, hour=hour, count=3)
        log.append(refused, outcome="refused")
    log.append(
        upload_kinds.UploadRejected(rule="wrong-profile"),
        project="foster",
        actor=K12,
        outcome="refused",
    )
    for clause in ("round-budget", None):
        hour = log.moment.strftime("%Y-%m-%dT%H:00:00Z")
        refused_request = log_kinds.RequestRefused(
            party="county-cw", why="round-budget", clause=clause, hour=hour, count=2
        )
        log.append(refused_request, project="foster", outcome="refused")
    relayed = log.relay(CW, "school-district")
    log.fetch_share(relayed, K12)
    log.append(share_kinds.SharesWithdrawn(epoch=2), project="foster", actor=K12)
    confirmed = share_kinds.SecretConfirmed(
        epoch=1, holders=log.digest(), key_id="0123456789abcdef", sha256=log.digest()
    )
    log.append(confirmed, project="foster", actor=K12)
    log.rounds("foster").ensure_open()
    uploads = [log.upload("foster", CW), log.upload("foster", K12)]
    failing = log.ask(log.specification("foster", uploads))
    log.start(failing)
    log.append(
        run_kinds.RunFailed(code="too-many-pairs", attempt=1),
        project="foster",
        object=failing.object,
        outcome="failed",
    )
    rounds = log.rounds("foster")
    cancelled = log.ask(log.specification("foster", uploads))
    log.append(
        run_kinds.RunCancelled(reason="by-request"),
        project="foster",
        object=cancelled.object,
        actor=CW,
    )
    linked = log.ask(log.specification("foster", uploads))
    log.start(linked)
    releases = log.finish_run(linked)
    for prepared in releases:
        actor = next(one for one in (CW, K12) if one.party == prepared.body.recipient)  # type: ignore[attr-defined]
        log.fetch(prepared, actor)
        log.verify(prepared, actor)
        log.destroy_release(prepared)
    log.destroy_match_record(log.entries[releases[0].seq - 1])
    for received in uploads:
        log.destroy(received)
    rounds.claim_all()
    rounds.close()
    rounds.open()
    log.upload("foster", CW)
    rounds.correct()
    rounds.offer(CW, 2, void_below=3)
    log.create_blind_project("study")
    asked = log.finish_blind("study")
    sealed = [log.release_blind(asked, actor.party) for actor in (CW, K12)]
    for prepared, actor in zip(sealed, (CW, K12), strict=True):
        log.fetch(prepared, actor)
    three_agencies(log)
    if len(log.signers) == 1:
        log.rotate_key()
        log.append(
            log_kinds.ConfigurationChanged(
                digest=log.digest(), changed=(), software="blindlink-0.1.0"
            )
        )


def create_trio(log: SampleLog, project: str = "trio") -> None:
    """Create a project of three agencies, all in one link-ID set."""
    providers = ("county-cw", "health-office", "school-district")
    log.create_project(project, providers=providers)


def link_pair(log: SampleLog, project: str, one: Actor, other: Actor) -> None:
    """Link the files of two parties in the open round, and let both fetch."""
    uploads = [
        log.upload(project, one, partner=other.party),
        log.upload(project, other, partner=one.party),
    ]
    specification = log.specification(project, uploads)
    asked = log.ask(specification.model_copy(update={"asked_by": one.party}), actor=one)
    log.start(asked)
    actors = {actor.party: actor for actor in (one, other)}
    for prepared in log.finish_run(asked):
        log.fetch(prepared, actors[prepared.body.recipient])  # type: ignore[attr-defined]


def three_agencies(log: SampleLog, project: str = "trio") -> None:
    """Add two rounds of three agencies: one in which all pairs are linked, one that runs out."""
    create_trio(log, project)
    rounds, actors = log.rounds(project), (CW, HEALTH, K12)
    for one, other in ((CW, HEALTH), (CW, K12), (HEALTH, K12)):
        link_pair(log, project, one, other)
    rounds.claim_all()
    for actor in (*actors, CW):
        rounds.state(actor)
    for received in rounds.received:
        log.destroy(received)
    rounds.close()
    rounds.open()
    link_pair(log, project, CW, HEALTH)
    rounds.claim(CW, HEALTH.party)
    log.upload(project, K12, partner=CW.party)
    for received in rounds.received:
        log.destroy(received)
    log.moment += timedelta(days=log.terms[project].round_days)
    rounds.close()
