"""A broker in memory, small enough to be read at once: the agency's commands are tested against it.

It keeps a real match log and real receipts, and links two records if one encoding of each is the same.
`before` sees every request and may answer it instead; `after` sees request and answer, and may lose it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.api import (
    CosignatureRequest,
    CosignatureStored,
    LogCheckpoint,
    PartList,
    PartStored,
    ProjectView,
    ReleaseList,
    ReleaseVerification,
    ReleaseView,
    RunCounts,
    RunList,
    RunProgress,
    RunRequest,
    RunView,
    UploadList,
    UploadRequest,
    UploadView,
)
from schemas.destruction_api import DestructionList
from schemas.document import Document, Model
from schemas.ids import Handle, LinkId
from schemas.matchlog.checkpoint import Checkpoint, sign_checkpoint, verify_cosignatures
from schemas.matchlog.entry import Actor, Entry, entry_bytes
from schemas.matchlog.hand_over import HandOver
from schemas.matchlog.kinds import LogKeyRotated, ReleasePrepared, UploadReceived
from schemas.matchlog.merkle import (
    consistency_proof,
    hash_leaf,
    hash_node,
    inclusion_proof,
    root_of,
)
from schemas.matchlog.note import NoteSigner, VerifierKey, parse_note
from schemas.matchlog.proof import LogProof
from schemas.problem import MEDIA_TYPE, TYPE_PREFIX, Problem
from schemas.release import ReleaseHeader, release_digest, serialise_release
from schemas.run import RunSpecification, RunUpload
from schemas.signing import sign_document
from schemas.upload import Receipt, SignedManifest, parse_header

TIME = "2026-11-20T22:30:00Z"
PART_BYTES = 64
Before = Callable[[httpx2.Request], httpx2.Response | None]
After = Callable[[httpx2.Request, httpx2.Response], httpx2.Response]


def new_id(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(16)}"


class Refusal(Exception):
    def __init__(self, status: int, code: str, **fields: Any) -> None:
        super().__init__(code)
        self.status, self.code, self.fields = status, code, fields


@dataclass
class Upload:
    view: UploadView
    parts: dict[int, bytes] = field(default_factory=dict)
    receipt: Receipt | None = None
    manifest_sha256: str = ""

    def container(self) -> bytes:
        return b"".join(self.parts[number] for number in sorted(self.parts))

    def encodings(self) -> Iterator[tuple[Handle, bytes]]:
        raw = self.container()
        parsed = parse_header(raw)
        for start in range(parsed.body_offset, len(raw), parsed.header.record_bytes):
            yield (
                Handle(raw[start : start + 16]),
                raw[start + 17 : start + parsed.header.record_bytes],
            )


@dataclass
class Log:
    """A match log that also knows how to lie."""

    name: str = "broker.test/log"
    signer: NoteSigner = field(init=False)
    entries: list[bytes] = field(default_factory=list)
    # The keys that were replaced, each with the size of the last checkpoint that it signed.
    former: list[tuple[int, NoteSigner]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.signer = NoteSigner(self.name, Ed25519PrivateKey.generate())

    @property
    def key(self) -> str:
        return self.signer.verifier_key.text

    def append(self, view: ProjectView, party: str, kind: str, subject: str, body: Model) -> int:
        seq = len(self.entries)
        entry = Entry(
            kind=kind,
            seq=seq,
            batch=seq,
            place=seq,
            time=TIME,
            request=new_id("req"),
            actor=Actor(party=party, person=None, role="agency"),
            project=view.project,
            agreement=view.agreement,
            purpose=None,
            object=subject,
            outcome="done",
            body=body,
        )
        self.entries.append(entry_bytes(entry))
        return seq

    def hand_over(self, **changes: Any) -> None:
        """Append the entry that names a new key, by which everything after it is signed."""
        new = NoteSigner(self.name, Ed25519PrivateKey.generate())
        names = {"log": self.name, "new": new.verifier_key.text, "old": self.key}
        possession = sign_document("key-rotation", names, new.private_key)
        body = LogKeyRotated(old=self.key, new=names["new"], possession=possession)
        seq = len(self.entries)
        entry = Entry(
            kind="log-key-rotated",
            seq=seq,
            batch=seq,
            place=seq,
            time=TIME,
            request=new_id("req"),
            actor=Actor(party="operator", person=None, role="operator"),
            project=None,
            agreement=None,
            purpose=None,
            object=None,
            outcome="done",
            body=body.model_copy(update=changes),
        )
        self.entries.append(entry_bytes(entry))
        self.former.append((seq + 1, self.signer))
        self.signer = new

    def signer_at(self, size: int) -> NoteSigner:
        return next((signer for last, signer in self.former if size <= last), self.signer)

    def checkpoint(self, size: int | None = None) -> str:
        size = len(self.entries) if size is None else size
        root = root_of(map(hash_leaf, self.entries[:size]))
        return sign_checkpoint(Checkpoint(self.name, size, root), self.signer_at(size)).decode()

    def hand_overs(self, old_size: int) -> tuple[HandOver, ...]:
        size = len(self.entries)
        return tuple(
            HandOver.of(
                LogProof(
                    self.entries[last - 1],
                    last - 1,
                    tuple(inclusion_proof(self._read, last - 1, last)),
                    self.checkpoint(last).encode(),
                )
            )
            for last, _ in self.former
            if old_size <= last < size
        )

    def receipt(self, index: int, subject: str) -> Receipt:
        size = len(self.entries)
        hashes = tuple(inclusion_proof(self._read, index, size))
        proof = LogProof(self.entries[index], index, hashes, self.checkpoint().encode())
        return proof.to_receipt(subject)

    def show(self, old_size: int) -> LogCheckpoint:
        size = len(self.entries)
        known = 0 < old_size <= size
        proof = consistency_proof(self._read, old_size, size) if known else []
        texts = tuple(base64.b64encode(value).decode() for value in proof)
        return LogCheckpoint(
            checkpoint=self.checkpoint(),
            old_size=old_size,
            proof=texts,
            log_key=self.signer_at(size).verifier_key.text,
            hand_overs=self.hand_overs(old_size),
        )

    def _read(self, nodes: Any) -> dict[Any, bytes]:
        return {node: self._node(*node) for node in nodes}

    def _node(self, level: int, index: int) -> bytes:
        if level == 0:
            return hash_leaf(self.entries[index])
        return hash_node(self._node(level - 1, 2 * index), self._node(level - 1, 2 * index + 1))


class BrokerDouble:
    """The broker; `tokens` names the party of each token."""

    def __init__(self, view: ProjectView) -> None:
        self.view = view
        self.log = Log()
        self.tokens = {f"bl_{party}": party for party in view.terms.providers}
        self.uploads: dict[str, Upload] = {}
        self.runs: dict[str, RunView] = {}
        self.releases: dict[str, tuple[ReleaseView, bytes, int]] = {}
        self.cosigned: dict[str, list[int]] = {}
        self.looks_until_done = 2
        self.run_ends = "succeeded"
        self.before: Before = lambda _: None
        self.after: After = lambda _, response: response
        self.requests: list[tuple[str, str]] = []

    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append((request.method, request.url.path))
        instead = self.before(request)
        if instead is not None:
            return instead
        try:
            party = self._party(request)
            response = self._route(request, party)
        except Refusal as refusal:
            response = problem(refusal)
        return self.after(request, response)

    def _party(self, request: httpx2.Request) -> str:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.tokens:
            raise Refusal(401, "token-unknown", detail="The token is not known or has expired.")
        return self.tokens[token]

    def _route(self, request: httpx2.Request, party: str) -> httpx2.Response:
        parts = request.url.path.removeprefix("/v1/").split("/")
        body = b"".join(request.stream)  # type: ignore[arg-type]
        match request.method, parts:
            case "GET", ["log", "checkpoint"]:
                return document(self.log.show(int(request.url.params["old"])))
            case "POST", ["log", "cosignatures"]:
                return document(
                    self._cosigned(party, CosignatureRequest.from_json(json.loads(body)))
                )
            case "GET", ["projects", _]:
                return document(self.view)
            case "GET", ["projects", _, "uploads"]:
                return document(self._list_uploads(party))
            case "POST", ["projects", _, "uploads"]:
                return document(self._open(party, UploadRequest.from_json(json.loads(body))), 201)
            case "GET", ["uploads", upload, "parts"]:
                return document(PartList(stored=tuple(sorted(self.uploads[upload].parts))))
            case "PUT", ["uploads", upload, "parts", number]:
                return document(self._put(upload, int(number), body, request))
            case "POST", ["uploads", upload, "commit"]:
                return document(self._commit(upload, SignedManifest.from_canonical(body)))
            case "GET", ["uploads", upload, "receipt"]:
                return document(self.uploads[upload].receipt)
            case "POST", ["projects", _, "runs"]:
                asked = RunRequest.from_json(json.loads(body))
                return document(self._ask_run(party, again=asked.again), 202)
            case "GET", ["projects", _, "runs"]:
                return document(RunList(runs=tuple(reversed(self.runs.values()))))
            case "GET", ["runs", run]:
                return document(self._look(run))
            case "GET", ["projects", _, "destructions"]:
                return document(DestructionList(destructions=()))
            case "GET", ["projects", _, "releases"]:
                mine = [view for view, _, _ in self.releases.values() if view.recipient == party]
                return document(ReleaseList(releases=tuple(reversed(mine))))
            case "GET", ["releases", release, "file"]:
                return httpx2.Response(200, content=iter([self.releases[release][1]]))
            case "POST", ["releases", release, "verification"]:
                return document(
                    self._verified(release, ReleaseVerification.from_json(json.loads(body)))
                )
            case "GET", ["releases", release, "receipt"]:
                return document(self.log.receipt(self.releases[release][2], release))
        raise Refusal(404, "not-found", detail="There is no such thing.")

    def _verified(self, release: str, verified: ReleaseVerification) -> ReleaseView:
        view, raw, index = self.releases[release]
        if release_digest(raw) != verified.sha256:
            raise Refusal(422, "other-file", detail="This is not the digest of the file.")
        view = view.model_copy(update={"verified": TIME})
        self.releases[release] = (view, raw, index)
        return view

    def _cosigned(self, party: str, request: CosignatureRequest) -> CosignatureStored:
        key = VerifierKey.from_text(request.key)
        text = self.log.checkpoint(request.size).partition("\n\n")[0] + "\n"
        note = parse_note(f"{text}\n{request.line}".encode())
        (found,) = verify_cosignatures(note, [key])
        if key.name != party:
            raise Refusal(403, "cosignature-refused", detail="The key is another party's.")
        self.cosigned.setdefault(party, []).append(request.size)
        time = datetime.fromtimestamp(found.time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return CosignatureStored(party=party, size=request.size, time=time)

    def _list_uploads(self, party: str) -> UploadList:
        mine = [each.view for each in self.uploads.values() if each.view.party == party]
        sent = {each.view.party for each in self.uploads.values() if each.view.state == "committed"}
        missing = tuple(p for p in self.view.terms.providers if p not in sent)
        return UploadList(uploads=tuple(reversed(mine)), waiting_for=missing)

    def _open(self, party: str, request: UploadRequest) -> UploadView:
        for upload in self.uploads.values():
            view = upload.view
            if (view.party, view.state) == (party, "open"):
                if view.container_sha256 == request.container_sha256:
                    return view
                raise Refusal(409, "upload-open", detail="Another upload is open.")
        view = UploadView(
            upload=new_id("upl"),
            project=self.view.project,
            party=party,
            state="open",
            part_bytes=PART_BYTES,
            parts=-(-request.container_bytes // PART_BYTES),
            container_sha256=request.container_sha256,
            container_bytes=request.container_bytes,
            records=None,
            encodings=None,
            created=TIME,
            committed=None,
        )
        self.uploads[view.upload] = Upload(view)
        return view

    def _put(self, upload: str, number: int, body: bytes, request: httpx2.Request) -> PartStored:
        digest = hashlib.sha256(body)
        expected = f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
        if request.headers["Content-Digest"] != expected:
            raise Refusal(400, "digest-differs", detail="The digest differs.")
        self.uploads[upload].parts[number] = body
        return PartStored(part=number, sha256=digest.hexdigest())

    def _commit(self, upload_id: str, signed: SignedManifest) -> Receipt:
        upload, manifest = self.uploads[upload_id], signed.manifest
        if upload.receipt is not None:
            return upload.receipt
        if hashlib.sha256(upload.container()).hexdigest() != manifest.container_sha256:
            raise Refusal(422, "container-digest", detail="The container has another digest.")
        body = UploadReceived(
            epoch=manifest.epoch,
            records=manifest.records,
            encodings=manifest.encodings,
            container_sha256=manifest.container_sha256,
            size_bytes=manifest.container_bytes,
            profile=manifest.profile,
            key_id=manifest.key_id,
            as_of=manifest.as_of,
            population=manifest.population,
            privacy_audit=None,
            manifest_sha256=manifest.digest(),
        )
        index = self.log.append(self.view, manifest.party, "upload-received", upload_id, body)
        upload.receipt = self.log.receipt(index, upload_id)
        upload.manifest_sha256 = manifest.digest()
        changes = {
            "state": "committed",
            "records": manifest.records,
            "encodings": manifest.encodings,
            "committed": TIME,
        }
        upload.view = upload.view.model_copy(update=changes)
        return upload.receipt

    def _ask_run(self, party: str, *, again: bool) -> RunView:
        newest = {
            each.view.party: each
            for each in self.uploads.values()
            if each.view.state == "committed"
        }
        missing = [name for name in self.view.terms.providers if name not in newest]
        if missing:
            detail = f"There is no upload of {missing[0]} yet."
            raise Refusal(409, "uploads-missing", detail=detail, hint="Wait for the other agency.")
        uploads = tuple(
            RunUpload(
                party=name,
                upload=each.view.upload,
                container_sha256=each.view.container_sha256,
                manifest_sha256=each.manifest_sha256,
            )
            for name, each in sorted(newest.items())
        )
        counting = {"queued", "running"} if again else {"queued", "running", "succeeded"}
        for view in reversed(self.runs.values()):
            if view.specification.uploads == uploads and view.state in counting:
                return view
        run, terms = new_id("run"), self.view.terms
        specification = RunSpecification(
            run=run,
            project=terms.project,
            epoch=terms.epoch,
            agreement=self.view.agreement,
            uploads=uploads,
            profile=terms.profile,
            policy=terms.policy,
            recipients=terms.recipients,
            spaces=terms.spaces,
            floor=terms.floor,
            asked_by=party,
            asked_at=TIME,
        )
        progress = RunProgress(
            stage="waiting", comparisons_done=0, comparisons_total=16, rate=0, seconds_left=None
        )
        self.runs[run] = RunView(
            run=run,
            project=terms.project,
            state="queued",
            specification=specification,
            specification_sha256=specification.digest(),
            progress=progress,
            counts=None,
            kernel=None,
            failure=None,
            created=TIME,
            finished=None,
        )
        self._looks_left = self.looks_until_done
        return self.runs[run]

    def _look(self, run: str) -> RunView:
        view = self.runs[run]
        if view.state not in {"queued", "running"}:
            return view
        self._looks_left -= 1
        if self._looks_left > 0:
            progress = view.progress.model_copy(
                update={"stage": "comparing", "comparisons_done": 8, "rate": 8, "seconds_left": 1}
            )
            view = view.model_copy(update={"state": "running", "progress": progress})
        elif self.run_ends == "succeeded":
            view = self._finish(view)
        else:
            failure = "too-many-pairs" if self.run_ends == "failed" else None
            view = view.model_copy(update={"state": self.run_ends, "failure": failure})
        self.runs[run] = view
        return view

    def _finish(self, view: RunView) -> RunView:
        handles_of: dict[bytes, dict[str, Handle]] = {}
        for part in view.specification.uploads:
            for handle, encoding in self.uploads[part.upload].encodings():
                handles_of.setdefault(encoding, {})[part.party] = handle
        everyone = set(self.view.terms.providers)
        groups = sorted(
            tuple(sorted(group.items()))
            for group in handles_of.values()
            if group.keys() == everyone
        )
        links = [(dict(group), LinkId(secrets.token_bytes(16))) for group in groups]
        for recipient in view.specification.recipients:
            found = {members[recipient.party]: link_id for members, link_id in links}
            self.release(view, recipient.party, found)
        counts = RunCounts(
            candidate_pairs=len(links), auto_pairs=len(links), review_pairs=0, groups=len(links)
        )
        progress = view.progress.model_copy(update={"stage": "done", "comparisons_done": 16})
        changes = {"state": "succeeded", "counts": counts, "progress": progress, "finished": TIME}
        return view.model_copy(update=changes)

    def release(self, run: RunView, party: str, links: dict[Handle, LinkId]) -> ReleaseView:
        upload = next(u.upload for u in run.specification.uploads if u.party == party)
        header = ReleaseHeader(
            release=new_id("rel"),
            run=run.run,
            specification=run.specification_sha256,
            project=run.project,
            epoch=run.specification.epoch,
            agreement=run.specification.agreement,
            recipient=party,
            mode="linked",
            space="shared",
            upload=upload,
            links=len(links),
            created=TIME,
        )
        raw = b"".join(serialise_release(header, sorted(links.items())))
        view = ReleaseView(
            release=header.release,
            run=run.run,
            project=run.project,
            recipient=party,
            mode="linked",
            space="shared",
            sha256=release_digest(raw),
            size_bytes=len(raw),
            links=len(links),
            created=TIME,
            fetched=None,
        )
        body = ReleasePrepared(
            run=run.run,
            recipient=party,
            mode="linked",
            space="shared",
            links=len(links),
            sha256=view.sha256,
        )
        index = self.log.append(self.view, "broker", "release-prepared", header.release, body)
        self.releases[header.release] = (view, raw, index)
        return view


def document(answer: Document | None, status: int = 200) -> httpx2.Response:
    if answer is None:
        raise Refusal(404, "not-found", detail="There is no such thing.")
    # As a stream, which the client reads as it does from a socket.
    return httpx2.Response(status, content=iter([answer.to_canonical()]))


def problem(refusal: Refusal) -> httpx2.Response:
    body = Problem(
        type=f"{TYPE_PREFIX}{refusal.code}",
        title="Refused",
        status=refusal.status,
        request=new_id("req"),
        **refusal.fields,
    )
    headers = {"Content-Type": MEDIA_TYPE}
    return httpx2.Response(refusal.status, content=iter([body.to_canonical()]), headers=headers)
