"""The broker's HTTP API as an agency uses it: typed questions and answers.

Every call may be repeated, and is where an answer is lost: parts and commits are idempotent, an upload is
opened under a key of its own, and asking for a run that is queued already gives that run.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterator
from typing import IO, Self, TypeVar

from encoding.broker.connection import Connection
from encoding.errors import BrokerAnswerError
from schemas.agreement.negotiation import (
    AgreementList,
    AgreementProposal,
    AgreementView,
    LastWord,
    PendingApprovals,
    RunApprovals,
    StandingList,
)
from schemas.agreement.statement import SignedStatement
from schemas.api.bodies import (
    CosignatureRequest,
    CosignatureStored,
    LogCheckpoint,
    PartList,
    PartStored,
    SessionLink,
    UploadList,
    UploadRequest,
    UploadView,
    WhoAmI,
)
from schemas.api.destruction import (
    DestructionList,
    DestructionView,
    HoldList,
    RecordWithdrawal,
    StatementTaken,
    WithdrawalTaken,
)
from schemas.api.logged_requests import body_digest, hold_digest, share_digest
from schemas.api.projects import ProjectView
from schemas.api.releases import ReleaseList, ReleaseVerification, ReleaseView
from schemas.api.runs import RunRequest, RunView
from schemas.api.sign_in import EnrolmentRequest, EnrolmentView, IdentityList
from schemas.documents.canonical import parse_json
from schemas.documents.document import Document
from schemas.documents.errors import FormatError
from schemas.matchlog.destruction_kinds import RecordWithdrawn
from schemas.matchlog.share_kinds import SecretConfirmed
from schemas.matchlog.upload_kinds import UploadReceived
from schemas.reports.certificate import CertificateFile
from schemas.reports.overdue import OverdueList
from schemas.rounds.destruction import HoldNotice, SignedDestruction
from schemas.rounds.receipt import Receipt
from schemas.rounds.upload import SignedManifest
from schemas.signing.identity import SignedKeyChange
from schemas.signing.secret_share import (
    ConfirmationList,
    ShareList,
    ShareView,
    SignedConfirmation,
    SignedShare,
)

Answer = TypeVar("Answer", bound=Document)
T = TypeVar("T")

# Two million openings.


class BrokerClient:
    """The API over one connection, which closing the client closes; a context manager.

    Raises, from every method:
        BrokerUnreachableError, NotAuthorisedError, BrokerRefusedError: as `Connection`.
        BrokerAnswerError: the answer breaks its format.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def reach(self) -> None:
        """Make sure that the broker is there, by what it says of itself to anybody."""
        self._connection.ask("GET", "openapi.json")

    def enrol(self, request: EnrolmentRequest) -> EnrolmentView:
        """Send a person's public keys with the operator's code; the same again is safe."""
        return self._post(EnrolmentView, "enrolments", request)

    def change_keys(self, change: SignedKeyChange) -> EnrolmentView:
        """Replace the caller's keys; the same change again is safe."""
        return self._post(EnrolmentView, "key-changes", change)

    def whoami(self) -> WhoAmI:
        """Return whom the broker takes the caller for."""
        return self._get(WhoAmI, "whoami")

    def new_page_link(self) -> SessionLink:
        """Return a one-time code that opens the broker's pages, within 60 s."""
        return self._ask(SessionLink, "session-links")

    def new_sign_on_link(self) -> SessionLink:
        """Return a one-time code that links a single sign-on with the caller's keys, within 60 s."""
        return self._ask(SessionLink, "sign-on-links")

    def identities(self, project: str, *, former: bool = False) -> IdentityList:
        """Return whose keys act in the project, as the broker says: a directory, not to be believed.

        `former`: those, too, who once did and were revoked.
        """
        query = "?former=true" if former else ""
        return self._get(IdentityList, f"projects/{project}/identities{query}")

    def project(self, project: str) -> ProjectView:
        """Return the project with its terms in force."""
        return self._get(ProjectView, f"projects/{project}")

    def send_share(self, project: str, signed: SignedShare) -> ShareView:
        """Send a sealed share to its recipient; the same again is safe."""
        return self._post(ShareView, f"projects/{project}/shares", signed, share_digest(signed))

    def shares(self, project: str, epoch: int) -> ShareList:
        """Return who has sent what to whom of an epoch's secret."""
        return self._get(ShareList, f"projects/{project}/shares?epoch={epoch}")

    def withdraw_shares(self, project: str, epoch: int) -> ShareList:
        """Withdraw what this party has sent and confirmed of an epoch's secret; again is safe."""
        path = f"projects/{project}/shares?epoch={epoch}"
        return _read(ShareList, self._connection.ask("DELETE", path))

    def fetch_share(self, share: str) -> SignedShare:
        """Return a share that was sent to this party; it may have been made by anybody."""
        return self._get(SignedShare, f"shares/{share}")

    def send_confirmation(self, project: str, signed: SignedConfirmation) -> ConfirmationList:
        """Send this party's confirmation of an epoch's secret; the same again is safe."""
        states = body_digest(SecretConfirmed.of(signed))
        return self._post(ConfirmationList, f"projects/{project}/confirmations", signed, states)

    def confirmations(self, project: str, epoch: int) -> ConfirmationList:
        """Return what the holders of an epoch's secret have confirmed; not checked."""
        return self._get(ConfirmationList, f"projects/{project}/confirmations?epoch={epoch}")

    def uploads(self, project: str) -> UploadList:
        """Return the uploads of the project that this party may see, newest first."""
        return self._get(UploadList, f"projects/{project}/uploads")

    def open_upload(self, project: str, request: UploadRequest) -> UploadView:
        """Open an upload, or find the open one for the same container."""
        return self._post(UploadView, f"projects/{project}/uploads", request)

    def stored_parts(self, upload: str) -> PartList:
        """Return which parts the broker has stored durably."""
        return self._get(PartList, f"uploads/{upload}/parts")

    def put_part(self, upload: str, number: int, content: bytes) -> PartStored:
        """Store one part; the broker checks its digest before it answers."""
        return self.put_bytes(PartStored, f"uploads/{upload}/parts/{number}", content)

    def commit_upload(self, upload: str, signed: SignedManifest) -> UploadView:
        """Let an upload be committed under its manifest, once its parts are checked; the same again is safe."""
        states = body_digest(UploadReceived.of(signed))
        return self._post(UploadView, f"uploads/{upload}/commit", signed, states)

    def upload(self, upload: str) -> UploadView:
        """Return one upload."""
        return self._get(UploadView, f"uploads/{upload}")

    def upload_receipt(self, upload: str) -> Receipt:
        """Return the receipt of a committed upload."""
        return self._get(Receipt, f"uploads/{upload}/receipt")

    def ask_run(self, project: str, request: RunRequest) -> RunView:
        """Ask once more for the run of a pair; one that waits, is under way or has succeeded is returned."""
        return self._post(RunView, f"projects/{project}/runs", request)

    def run(self, run: str) -> RunView:
        """Return one run."""
        return self._get(RunView, f"runs/{run}")

    def releases(self, project: str) -> ReleaseList:
        """Return what has been released to this party, newest first."""
        return self._get(ReleaseList, f"projects/{project}/releases")

    def fetch_release(self, release: str, size_bytes: int) -> bytes:
        """Return a release file; the caller holds its digest against the match log.

        Raises:
            BrokerAnswerError: it is longer or shorter than the broker itself has said.
        """

        def read(pieces: Iterator[bytes]) -> bytes:
            raw = bytearray()
            for piece in pieces:
                raw += piece
                if len(raw) > size_bytes:
                    break
            if len(raw) != size_bytes:
                raise BrokerAnswerError("the release is not as long as the broker said")
            return bytes(raw)

        return self._connection.stream("GET", f"releases/{release}/file", read)

    def verify_release(self, release: str, verified: ReleaseVerification) -> ReleaseView:
        """State that a release that was fetched is whole; the same again is safe."""
        return self._post(ReleaseView, f"releases/{release}/verification", verified)

    def release_receipt(self, release: str) -> Receipt:
        """Return the proof that the release is in the match log."""
        return self._get(Receipt, f"releases/{release}/receipt")

    def read_release_openings(self, release: str, read: Callable[[Iterator[bytes]], T]) -> T:
        """Read what opens this party's commitments in the match record as it comes, and return what was read.

        Args:
            read: takes the pieces to their end; called anew where the connection is lost on the way.
        """
        return self._connection.stream("GET", f"releases/{release}/openings", read)

    def read_sealed_openings(self, run: str, read: Callable[[Iterator[bytes]], T]) -> T:
        """Read what opens all agencies' commitments, sealed to this party; as `read_release_openings`."""
        return self._connection.stream("GET", f"runs/{run}/openings", read)

    def save_bundle(self, project: str, output: IO[bytes]) -> None:
        """Write this party's view of the match log to a file; the caller checks it."""

        def read(pieces: Iterator[bytes]) -> None:
            # From its start at each attempt.
            output.seek(0)
            output.truncate()
            output.writelines(pieces)

        self._connection.stream("GET", f"log/bundle?project={project}", read)

    def log_checkpoint(self, old_size: int) -> LogCheckpoint:
        """Return the log's newest checkpoint, with the proof that it extends the one of `old_size`."""
        return self._get(LogCheckpoint, f"log/checkpoint?old={old_size}")

    def cosign(self, request: CosignatureRequest) -> CosignatureStored:
        """Store this party's cosignature of a checkpoint; the same again is safe."""
        return self._post(CosignatureStored, "log/cosignatures", request)

    def agreements(self, project: str) -> AgreementList:
        """Return the project's agreements in short, as the broker says."""
        return self._get(AgreementList, f"projects/{project}/agreements")

    def agreement(self, project: str, digest: str) -> AgreementView:
        """Return an agreement with everything that was signed about it, unverified."""
        return self._get(AgreementView, f"projects/{project}/agreements/{digest}")

    def propose_agreement(self, project: str, proposal: AgreementProposal) -> AgreementView:
        """Propose an agreement to the parties that it names; the same again is safe."""
        states = proposal.agreement.digest()
        return self._post(AgreementView, f"projects/{project}/agreements", proposal, states)

    def last_word(self, project: str) -> LastWord:
        """Return what this party has signed last in the project, as the broker says."""
        return self._get(LastWord, f"projects/{project}/last-word")

    def sign_agreement(self, project: str, signed: SignedStatement) -> AgreementView:
        """Hand in a signed consent; the same again is safe."""
        return self._post(AgreementView, f"projects/{project}/consents", signed)

    def give_notice(self, project: str, signed: SignedStatement) -> AgreementView:
        """Hand in a signed suspension, resumption or withdrawal; the same again is safe."""
        return self._post(AgreementView, f"projects/{project}/notices", signed)

    def standing_approvals(self, project: str) -> StandingList:
        """Return the standing approvals of the project, unverified, newest first."""
        return self._get(StandingList, f"projects/{project}/standing-approvals")

    def approve_in_advance(self, project: str, signed: SignedStatement) -> StandingList:
        """Hand in a signed standing approval; the same again is safe."""
        return self._post(StandingList, f"projects/{project}/standing-approvals", signed)

    def revoke_approval(self, project: str, signed: SignedStatement) -> StandingList:
        """Hand in the signed revocation of a standing approval; the same again is safe."""
        return self._post(StandingList, f"projects/{project}/revocations", signed)

    def pending_approvals(self, project: str) -> PendingApprovals:
        """Return what waits to be approved in the project, oldest first."""
        return self._get(PendingApprovals, f"projects/{project}/pending-approvals")

    def run_approvals(self, run: str) -> RunApprovals:
        """Return who has approved a run and its release, unverified."""
        return self._get(RunApprovals, f"runs/{run}/approvals")

    def approve_run(self, run: str, signed: SignedStatement) -> RunApprovals:
        """Hand in the signed approval of a step of a run; the same again is safe."""
        return self._post(RunApprovals, f"runs/{run}/approvals", signed)

    def overdue(self, project: str) -> OverdueList:
        """Return what is overdue in the project: what this party owes, and what all wait for."""
        return self._get(OverdueList, f"projects/{project}/overdue")

    def destroy_own(self, project: str) -> DestructionView:
        """Have all destroyed that the broker holds of this party, and what was made of it; again is safe."""
        return self._ask(DestructionView, f"projects/{project}/destruction")

    def destroy_upload(self, upload: str) -> DestructionView:
        """Have an upload destroyed, and what was made of it; again is safe."""
        return self._ask(DestructionView, f"uploads/{upload}/destruction")

    def destructions(self, project: str) -> DestructionList:
        """Return the project's destructions, newest first, unverified."""
        return self._get(DestructionList, f"projects/{project}/destructions")

    def certificate(self, certificate: str) -> CertificateFile:
        """Return a certificate with all that was signed about it, unverified."""
        return self._get(CertificateFile, f"destructions/{certificate}")

    def countersign(self, certificate: str, signed: SignedDestruction) -> DestructionView:
        """Hand in a counter-signature; the same again is safe."""
        return self._post(DestructionView, f"destructions/{certificate}/countersignatures", signed)

    def state_destruction(self, project: str, signed: SignedDestruction) -> StatementTaken:
        """Hand in what this party states to have deleted; the same again is safe."""
        return self._post(StatementTaken, f"projects/{project}/destruction-statements", signed)

    def legal_holds(self, project: str) -> HoldList:
        """Return the project's legal holds, newest first, as the broker says."""
        return self._get(HoldList, f"projects/{project}/legal-holds")

    def change_hold(self, project: str, signed: SignedDestruction) -> HoldList:
        """Hand in a signed notice of a legal hold; the same again is safe."""
        said = signed.said
        states = None
        if isinstance(said, HoldNotice):
            states = hold_digest(said.act, said.order, signed.digest())
        return self._post(HoldList, f"projects/{project}/legal-holds", signed, states)

    def withdraw_record(self, project: str, withdrawal: RecordWithdrawal) -> WithdrawalTaken:
        """Have a record of this party left out of every later run; again is safe, and logged again."""
        # Nothing of the handle goes into the log but the commitment to it.
        states = body_digest(RecordWithdrawn(commitment=withdrawal.commitment()))
        return self._post(WithdrawalTaken, f"projects/{project}/withdrawals", withdrawal, states)

    def get(self, kind: type[Answer], path: str) -> Answer:
        """Return what a path of the API answers; for the parts of it that have a module of their own."""
        return self._get(kind, path)

    def post(self, kind: type[Answer], path: str, question: Document | None = None) -> Answer:
        """Return what the API answers to a question, or to none."""
        return self._ask(kind, path) if question is None else self._post(kind, path, question)

    def put_bytes(self, kind: type[Answer], path: str, content: bytes) -> Answer:
        """Send bytes to a path; the broker checks their digest before it answers."""
        digest = hashlib.sha256(content)
        encoded = base64.b64encode(digest.digest()).decode("ascii")
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Digest": f"sha-256=:{encoded}:",
        }
        states = digest.hexdigest()
        return _read(kind, self._connection.ask("PUT", path, content, headers, states=states))

    def get_bytes(self, path: str, most: int) -> bytes:
        """Return the bytes of a path.

        Raises:
            BrokerAnswerError: they are more than `most`.
        """

        def read(pieces: Iterator[bytes]) -> bytes:
            raw = bytearray()
            for piece in pieces:
                raw += piece
                if len(raw) > most:
                    raise BrokerAnswerError("the broker's answer is longer than it may be")
            return bytes(raw)

        return self._connection.stream("GET", path, read)

    def _ask(self, kind: type[Answer], path: str) -> Answer:
        return _read(kind, self._connection.ask("POST", path))

    def _get(self, kind: type[Answer], path: str) -> Answer:
        return _read(kind, self._connection.ask("GET", path))

    def _post(
        self, kind: type[Answer], path: str, question: Document, states: str | None = ""
    ) -> Answer:
        """Post a question; `states` is the digest that is signed, by default the question's own."""
        headers = {
            "Content-Type": "application/json",
            # One key for all attempts, so that a lost answer does not open a second upload.
            "Idempotency-Key": secrets.token_hex(16),
        }
        states = question.digest() if states == "" else states
        body = question.to_canonical()
        return _read(kind, self._connection.ask("POST", path, body, headers, states=states))


def _read(kind: type[Answer], body: bytes) -> Answer:
    try:
        return kind.from_json(parse_json(body))
    except FormatError as exc:
        raise BrokerAnswerError(f"the broker's answer breaks its format: {exc}") from exc
