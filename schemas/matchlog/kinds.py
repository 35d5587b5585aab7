"""What each kind of match-log entry says: one body model a kind, and one table that names them all.

Bodies hold ids, digests, counts at or above the floor, and the documents that were agreed or asked for:
never an encoding, a handle or a pair. Spec page: `schemas/spec/entry.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.documents.canonical import MAX_INTEGER
from schemas.documents.document import Model
from schemas.documents.ids import (
    CERTIFICATE_PREFIX,
    DELIVERY_PREFIX,
    HOLD_PREFIX,
    RELEASE_PREFIX,
    RUN_PREFIX,
    UPLOAD_PREFIX,
    Code,
    IsoDate,
    KeyIdHex,
    Name,
    Origin,
    PartyName,
    RandomId,
    Sha256Hex,
    UtcTime,
)
from schemas.linkage.link_quality import Concordance
from schemas.linkage.privacy_audit import PrivacyAudit
from schemas.linkage.run import ReleaseMode, ReleaseNumber, RoundNumber, RunSpecification
from schemas.matchlog.agreement_kinds import (
    AgreementInForce,
    AgreementProposed,
    AgreementResumed,
    AgreementSigned,
    AgreementSuspended,
    AgreementWithdrawn,
    ProjectOpened,
    RunApproved,
    StandingApproved,
    StandingRevoked,
    StandingUsed,
)
from schemas.matchlog.delivery_kinds import (
    DeliveryDestroyed,
    DeliveryFetched,
    DeliveryOpened,
    DeliveryReceived,
)
from schemas.matchlog.destruction_kinds import (
    DestructionBegun,
    DestructionCertified,
    DestructionCountersigned,
    DestructionStated,
    LegalHoldLifted,
    LegalHoldSet,
    RecordWithdrawn,
)
from schemas.matchlog.party_digests import PartyDigests
from schemas.matchlog.review_kinds import (
    ReviewAnswered,
    ReviewAsked,
    ReviewDecided,
    ReviewEnded,
    ReviewFetched,
    SupplementClosed,
)
from schemas.matchlog.round_kinds import (
    ClaimsReceived,
    NoncesOffered,
    RoundClosed,
    RoundOpened,
    RoundSuperseded,
    StatementReceived,
)
from schemas.rounds.upload import Signature, SignedManifest
from schemas.signing.identity import Duty, SignedKeyChange, SigningKeyText
from schemas.signing.secret_share import SignedConfirmation, SignedShare

Outcome = Literal["done", "refused", "failed"]

Count = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Ordinal = Annotated[int, Field(ge=1, le=MAX_INTEGER)]
KeyText = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=300)]
SignatureText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/=]{88}$")]


class LogStarted(Model):
    """The first entry of every log: its name, its first key, and the software that writes it."""

    origin: Origin
    key: KeyText
    software: Code


class ConfigurationChanged(Model):
    """The broker's settings are now those of this digest; `changed` names them, never their values."""

    digest: Sha256Hex
    changed: Annotated[tuple[Code, ...], Field(max_length=64)]
    software: Code


class PartyEnrolled(Model):
    """A party may act from here on; `fingerprint` is its key's SHA-256, null where it has none yet."""

    party: PartyName
    role: Code
    fingerprint: Sha256Hex | None


class PersonEnrolled(Model):
    """A person of a party may act from here on, with these keys, which somebody has compared with the person.

    The signing key stands whole, so that whoever reads the log can verify what it signs; the receiving key is
    named by the SHA-256 of its raw bytes.
    """

    party: Name
    person: RandomId
    duties: Annotated[tuple[Code, ...], Field(max_length=64)]
    signing_key: SigningKeyText
    receiving_key: Sha256Hex


SIGN_ON: Final = "sign-on"


class SignInRefused(Model):
    """How many sign-ins were refused in the hour that begins at `hour`.

    `party` is whom they claimed to be of, null where it was nobody who is known.
    """

    party: Name | None
    hour: UtcTime
    count: Ordinal


class RoleChanged(Model):
    """A role was given to a person, or taken from one who was enrolled."""

    party: Name
    person: RandomId
    role: Code
    change: Literal["granted", "revoked"]


class KeyRotated(Model):
    """A key was replaced; `use` says what for. Digests only; null where there was or will be none.

    A person's keys are of use `signing` and `receiving`, the digests those of the raw bytes; a link with a
    single sign-on is of use `SIGN_ON`, its digests commitments. `signed` is the change of both keys that the
    person signed; it stands in the entry of the signing key, and is null in all others.
    """

    party: Name
    person: RandomId | None
    use: Code
    old: Sha256Hex | None
    new: Sha256Hex | None
    signed: SignedKeyChange | None


class ShareRelayed(Model):
    """One holder's share of an epoch's secret is kept for another holder, who alone can open it.

    `holders` is the digest of all holders, `sha256` that of the signed share.
    """

    epoch: Ordinal
    share: RandomId
    sender: Name
    recipient: Name
    holders: Sha256Hex
    sha256: Sha256Hex

    @classmethod
    def of(cls, signed: SignedShare, share: str) -> ShareRelayed:
        """Return what the log says of a share that has this id."""
        said = signed.share
        return cls(
            epoch=said.holders.epoch,
            share=share,
            sender=said.sender,
            recipient=said.recipient,
            holders=said.holders.digest(),
            sha256=signed.digest(),
        )


class ShareFetched(Model):
    """A share was handed to its recipient, and cannot be replaced any more."""

    epoch: Ordinal
    share: RandomId
    sha256: Sha256Hex


class SharesWithdrawn(Model):
    """A holder begins an epoch's secret anew: what it has sent and confirmed does not count any more."""

    epoch: Ordinal


class SecretConfirmed(Model):
    """A holder states that it has made an epoch's secret; `key_id` names the secret without revealing it.

    `sha256` is the digest of the signed confirmation.
    """

    epoch: Ordinal
    holders: Sha256Hex
    key_id: KeyIdHex
    sha256: Sha256Hex

    @classmethod
    def of(cls, signed: SignedConfirmation) -> SecretConfirmed:
        """Return what the log says of a confirmation."""
        said = signed.confirmation
        return cls(
            epoch=said.epoch,
            holders=said.holders,
            key_id=said.key_id,
            sha256=signed.digest(),
        )


class UploadReceived(Model):
    """An upload is stored durably. What it states is what the agency's manifest vouched for.

    `root` is that of the container, `partner_root` that of the partner's where it was there before. `key_id`
    names the secret without revealing it; `privacy_audit` is null where the file is too small for one.
    `signature` is the person's over the manifest.
    """

    epoch: Ordinal
    round: RoundNumber
    partner: Name
    records: Count
    container_sha256: Sha256Hex
    root: Sha256Hex
    partner_root: Sha256Hex | None
    size_bytes: Count
    profile: Sha256Hex
    key_id: KeyIdHex
    as_of: IsoDate
    population: Code
    privacy_audit: PrivacyAudit | None
    manifest_sha256: Sha256Hex
    signature: Signature

    @classmethod
    def of(cls, signed: SignedManifest) -> UploadReceived:
        """Return what the log says of the upload of a manifest."""
        manifest = signed.manifest
        return cls(
            epoch=manifest.epoch,
            round=manifest.round,
            partner=manifest.partner,
            records=manifest.records,
            container_sha256=manifest.container_sha256,
            root=manifest.root,
            partner_root=manifest.partner_root,
            size_bytes=manifest.container_bytes,
            profile=manifest.profile,
            key_id=manifest.key_id,
            as_of=manifest.as_of,
            population=manifest.population,
            privacy_audit=manifest.privacy_audit,
            manifest_sha256=manifest.digest(),
            signature=signed.signatures[0],
        )


class UploadRejected(Model):
    """An upload was refused; `rule` is the code of the rule it broke."""

    rule: Code


class UploadDestroyed(Model):
    """The key of an upload was destroyed, and with it the encodings; `reason` says why then."""

    container_sha256: Sha256Hex
    reason: Code


class RunAsked(Model):
    """A run was asked for, by exactly this specification."""

    specification_sha256: Sha256Hex
    specification: RunSpecification

    @model_validator(mode="after")
    def _digest_fits(self) -> Self:
        if self.specification.digest() != self.specification_sha256:
            raise ValueError("the digest is not that of the specification")
        return self


class RunStarted(Model):
    """A worker began, or began again: `attempt` counts from 1."""

    attempt: Ordinal


class RunFinished(Model):
    """A run's result is stored. A count below the floor is null, as where agencies may not know it.

    `openings` are the files with which parties can open commitments of the match record. `expected_false`, in
    hundredths of a link, and `concordance` tell of the linked pairs, and are null where their number is.
    """

    specification_sha256: Sha256Hex
    auto_pairs: Count | None
    expected_false: Count | None
    concordance: Annotated[tuple[Concordance, ...], Field(max_length=16)] | None
    match_record_root: Sha256Hex
    openings: PartyDigests
    software: Code


class MatchRecordDestroyed(Model):
    """The key of a run's match record was destroyed, and with it all openings; `reason` says why then."""

    root: Sha256Hex
    reason: Code


class RunFailed(Model):
    """A run ended without a result; `code` is a stable reason."""

    code: Code
    attempt: Ordinal


class RunCancelled(Model):
    """A run was stopped by a person or a rule before it had a result."""

    reason: Code


class ReleasePrepared(Model):
    """The matches of one run are ready for one recipient; `matches` is null below the floor.

    `number` counts the releases of the round: 1 has what the run linked, a supplement what reviewers accepted.
    """

    run: RandomId
    number: ReleaseNumber
    recipient: Name
    mode: ReleaseMode
    space: Name
    matches: Count | None
    sha256: Sha256Hex


class BlindReleasePrepared(Model):
    """Match IDs for one recipient are ready, sealed beside every record of one agency, which fetches them.

    No count: as many match IDs as the agency's upload has records, whatever the run found.
    """

    run: RandomId
    recipient: Name
    agency: Name
    space: Name
    sha256: Sha256Hex


class ReleaseFetched(Model):
    """A release is about to leave: this entry commits before its first byte does.

    `recipient` is the party that fetches it: of a blind release the agency whose records it is about.
    """

    recipient: Name
    sha256: Sha256Hex


class ReleaseVerified(Model):
    """The party that fetched a release states that it is whole: it has this digest, and the log proves it."""

    recipient: Name
    sha256: Sha256Hex


class ReleaseDestroyed(Model):
    """The key of a release was destroyed, and with it the match IDs; `reason` says why then."""

    sha256: Sha256Hex
    reason: Code


class RequestRefused(Model):
    """How many requests of a party in the project were refused for one reason in the hour from `hour` on.

    `why` is the refusal's code, `clause` the clause that it named, null where it named none.
    """

    party: Name
    why: Code
    clause: Code | None
    hour: UtcTime
    count: Ordinal


class Exported(Model):
    """The log (or a register made of it) was handed out; an export of the log ends with this."""

    what: Code


class LogKeyRotated(Model):
    """Checkpoints after this entry's batch are signed by `new`; the batch's own is still signed by `old`.

    `possession` is the new key's signature of kind `key-rotation` over {"log", "new", "old"}.
    """

    old: KeyText
    new: KeyText
    possession: SignatureText


@dataclass(frozen=True, slots=True)
class Kind:
    """What an entry of one kind must look like.

    `object_prefix` is that of the id in `object`, or null where the kind has no object. `in_project` is
    null where entries of the kind occur both inside a project and outside any. `object_optional` is for
    what can be refused before it has an id, `is_unbound` for what happens in a project before an agreement
    binds it. `duties` are those of which a person needs one to do it, by a signed request that the entry holds;
    null where the body holds all that is signed, or where the broker acts. `by` is who alone writes it: the
    broker itself, or whoever runs it by its own commands; null where others do, or persons too.
    """

    body: type[Model]
    in_project: bool | None = True
    object_prefix: str | None = None
    object_optional: bool = False
    is_unbound: bool = False
    outcomes: frozenset[Outcome] = frozenset({"done"})
    max_bytes: int = 4096
    duties: tuple[Duty, ...] | None = None
    by: Literal["broker", "operator"] | None = None


_DONE_OR_REFUSED: Final = frozenset[Outcome]({"done", "refused"})
# A document of many parties, or a statement with sixteen changes of keys, is embedded whole, so that the
# auditor replays what was really asked for.
_DOCUMENT_BYTES: Final = 48 * 1024
# C2SP tlog-tiles give an entry at most 65,535 bytes.
_AGREEMENT_BYTES: Final = 60 * 1024

# Whoever has a part in the linkage; not who watches it or runs the broker.
_AGENTS: Final = ("analyst", "approver", "recipient", "reviewer", "steward")
_ANALYSTS: Final = ("analyst",)
_RECIPIENTS: Final = ("recipient",)
# What is sealed for another party tells its carrier nothing, so that analysts may carry it.
_CARRIERS: Final = ("analyst", "recipient")

KINDS: Final[dict[str, Kind]] = {
    "log-started": Kind(LogStarted, in_project=False, by="broker"),
    "configuration-changed": Kind(ConfigurationChanged, in_project=False, by="broker"),
    "party-enrolled": Kind(PartyEnrolled, in_project=False, by="operator"),
    "person-enrolled": Kind(PersonEnrolled, in_project=False, by="operator"),
    "sign-in-refused": Kind(
        SignInRefused, in_project=False, outcomes=frozenset({"refused"}), by="broker"
    ),
    "role-changed": Kind(RoleChanged, in_project=False, by="operator"),
    "key-rotated": Kind(KeyRotated, in_project=False, max_bytes=_DOCUMENT_BYTES),
    "project-opened": Kind(ProjectOpened, is_unbound=True, by="operator"),
    "agreement-proposed": Kind(AgreementProposed, max_bytes=_AGREEMENT_BYTES, duties=("steward",)),
    "agreement-signed": Kind(AgreementSigned, max_bytes=_DOCUMENT_BYTES),
    "agreement-in-force": Kind(AgreementInForce, by="broker"),
    "agreement-suspended": Kind(AgreementSuspended, max_bytes=_DOCUMENT_BYTES),
    "agreement-resumed": Kind(AgreementResumed, max_bytes=_DOCUMENT_BYTES),
    "agreement-withdrawn": Kind(AgreementWithdrawn, max_bytes=_DOCUMENT_BYTES),
    "share-relayed": Kind(ShareRelayed, duties=_AGENTS),
    "share-fetched": Kind(ShareFetched, duties=_AGENTS),
    "shares-withdrawn": Kind(SharesWithdrawn, duties=_AGENTS),
    "secret-confirmed": Kind(SecretConfirmed, duties=_AGENTS),
    "nonces-offered": Kind(NoncesOffered),
    "round-opened": Kind(RoundOpened, max_bytes=_DOCUMENT_BYTES, duties=_ANALYSTS),
    "round-superseded": Kind(RoundSuperseded, duties=_ANALYSTS),
    "claims-received": Kind(ClaimsReceived, duties=_CARRIERS),
    "statement-received": Kind(StatementReceived, duties=_CARRIERS),
    "round-closed": Kind(RoundClosed, max_bytes=_DOCUMENT_BYTES, by="broker"),
    "upload-received": Kind(UploadReceived, object_prefix=UPLOAD_PREFIX, duties=_ANALYSTS),
    "upload-rejected": Kind(
        UploadRejected,
        object_prefix=UPLOAD_PREFIX,
        object_optional=True,
        outcomes=frozenset({"refused"}),
    ),
    "upload-destroyed": Kind(UploadDestroyed, object_prefix=UPLOAD_PREFIX, by="broker"),
    "run-asked": Kind(
        RunAsked,
        object_prefix=RUN_PREFIX,
        outcomes=_DONE_OR_REFUSED,
        max_bytes=_DOCUMENT_BYTES,
        duties=_ANALYSTS,
    ),
    "run-approved": Kind(RunApproved, object_prefix=RUN_PREFIX, max_bytes=_DOCUMENT_BYTES),
    "standing-approved": Kind(StandingApproved, max_bytes=_DOCUMENT_BYTES),
    "standing-revoked": Kind(StandingRevoked, max_bytes=_DOCUMENT_BYTES),
    "standing-used": Kind(StandingUsed, object_prefix=RUN_PREFIX, by="broker"),
    "run-started": Kind(RunStarted, object_prefix=RUN_PREFIX, by="broker"),
    "run-finished": Kind(RunFinished, object_prefix=RUN_PREFIX, by="broker"),
    "review-asked": Kind(ReviewAsked, object_prefix=RUN_PREFIX, by="broker"),
    "review-answered": Kind(ReviewAnswered, object_prefix=RUN_PREFIX),
    "review-fetched": Kind(
        ReviewFetched, object_prefix=RUN_PREFIX, duties=("analyst", "recipient", "reviewer")
    ),
    "review-decided": Kind(ReviewDecided, object_prefix=RUN_PREFIX),
    "review-ended": Kind(ReviewEnded, object_prefix=RUN_PREFIX, by="broker"),
    "supplement-closed": Kind(
        SupplementClosed, object_prefix=RUN_PREFIX, max_bytes=_DOCUMENT_BYTES, by="broker"
    ),
    "match-record-destroyed": Kind(MatchRecordDestroyed, object_prefix=RUN_PREFIX, by="broker"),
    "run-failed": Kind(
        RunFailed, object_prefix=RUN_PREFIX, outcomes=frozenset({"failed"}), by="broker"
    ),
    "run-cancelled": Kind(RunCancelled, object_prefix=RUN_PREFIX, duties=("analyst", "approver")),
    "release-prepared": Kind(ReleasePrepared, object_prefix=RELEASE_PREFIX, by="broker"),
    "blind-release-prepared": Kind(BlindReleasePrepared, object_prefix=RELEASE_PREFIX, by="broker"),
    "release-fetched": Kind(
        ReleaseFetched, object_prefix=RELEASE_PREFIX, outcomes=_DONE_OR_REFUSED, duties=_CARRIERS
    ),
    "release-verified": Kind(ReleaseVerified, object_prefix=RELEASE_PREFIX, duties=_CARRIERS),
    "release-destroyed": Kind(ReleaseDestroyed, object_prefix=RELEASE_PREFIX, by="broker"),
    "delivery-received": Kind(DeliveryReceived, object_prefix=DELIVERY_PREFIX, duties=_CARRIERS),
    "delivery-fetched": Kind(DeliveryFetched, object_prefix=DELIVERY_PREFIX, duties=_RECIPIENTS),
    "delivery-opened": Kind(
        DeliveryOpened,
        object_prefix=DELIVERY_PREFIX,
        outcomes=frozenset({"done", "failed"}),
        duties=_RECIPIENTS,
    ),
    "delivery-destroyed": Kind(DeliveryDestroyed, object_prefix=DELIVERY_PREFIX, by="broker"),
    "request-refused": Kind(
        RequestRefused, is_unbound=True, outcomes=frozenset({"refused"}), by="broker"
    ),
    "destruction-begun": Kind(
        DestructionBegun, object_prefix=CERTIFICATE_PREFIX, duties=("analyst", "steward")
    ),
    "destruction-certified": Kind(
        DestructionCertified, object_prefix=CERTIFICATE_PREFIX, by="broker"
    ),
    "destruction-countersigned": Kind(
        DestructionCountersigned, object_prefix=CERTIFICATE_PREFIX, duties=("reviewer", "steward")
    ),
    "destruction-stated": Kind(
        DestructionStated,
        object_prefix=CERTIFICATE_PREFIX,
        object_optional=True,
        duties=("analyst", "recipient", "steward"),
    ),
    "record-withdrawn": Kind(RecordWithdrawn, duties=("analyst", "steward")),
    "legal-hold-set": Kind(LegalHoldSet, object_prefix=HOLD_PREFIX, duties=("steward",)),
    "legal-hold-lifted": Kind(LegalHoldLifted, object_prefix=HOLD_PREFIX, duties=("steward",)),
    "exported": Kind(Exported, in_project=None, is_unbound=True),
    "log-key-rotated": Kind(LogKeyRotated, in_project=False, by="operator"),
}

KIND_OF_BODY: Final[dict[type[Model], str]] = {kind.body: name for name, kind in KINDS.items()}

# Names that later versions give a body; a reader of this version refuses them by name.
RESERVED: Final = frozenset(
    {
        "log-succeeded",
    }
)

MAX_ENTRY_BYTES: Final = max(kind.max_bytes for kind in KINDS.values())
