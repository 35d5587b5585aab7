"""Proof of destruction: the broker's certificate, and what persons sign about destroying.

A certificate lists every object whose key was destroyed, what remains and why, and whose own copies have not
been accounted for. A party's person counter-signs it; each party states what it has deleted itself. A legal
hold forbids destruction until it is lifted. Spec page: `schemas/spec/destruction.md`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Final, Literal, Self, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field, StringConstraints, model_validator

from schemas.documents.canonical import MAX_INTEGER
from schemas.documents.document import Document, Model
from schemas.documents.errors import SignatureError
from schemas.documents.ids import (
    CERTIFICATE_PREFIX,
    UPLOAD_PREFIX,
    Code,
    Name,
    RandomId,
    Sha256Hex,
    UtcTime,
    is_name,
    is_random_id,
)
from schemas.documents.texts import Line
from schemas.signing.identity import Duty, PersonIdText, PublicIdentity
from schemas.signing.signatures import Signed

SIGNATURE_KIND: Final = "destruction"
# A project's objects of many years are destroyed as they fall due, each time under a certificate.
MAX_OBJECTS: Final = 4096

# `project` is all that the broker holds of it, `party` one party's uploads and what was made of them,
# `upload` one upload and what was made of it, `expired` what fell due.
Scope = Literal["project", "party", "upload", "expired"]
ObjectKind = Literal["upload", "release", "match-record", "claims", "review", "delivery"]
Method = Literal["crypto-erase"]
RemainderKind = Literal["match-log", "receipts", "key-copies", "other-uploads", "held", "shares"]
LocalKind = Literal[
    "handle-map", "container", "link-table", "extract", "received", "secret", "backup"
]
HoldAct = Literal["set", "lift"]

_OF_PROVIDER: Final[tuple[LocalKind, ...]] = ("container", "handle-map", "secret")
_OF_RECIPIENT: Final[tuple[LocalKind, ...]] = ("extract", "link-table", "received")

Count = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
CertificateId = Annotated[str, StringConstraints(pattern=rf"^{CERTIFICATE_PREFIX}-[0-9a-f]{{32}}$")]


class DestroyedObject(Model):
    """One object and how it ended.

    `object` is its id, `party` whose it was (null for a match record), `sha256` the digest of its content;
    `count` its records or matches, null below the floor and for what is not counted. `pieces` is the number of
    encrypted pieces that were removed. `created` is null where that was not noted. `entry` is
    the index of the log entry that says so, null where the kind has none. `method` `crypto-erase`: the only
    key was destroyed (NIST SP 800-88).
    """

    object: RandomId
    kind: ObjectKind
    party: Name | None
    sha256: Sha256Hex
    count: Count | None
    pieces: Count
    created: UtcTime | None
    destroyed: UtcTime
    entry: Count | None
    method: Method

    @model_validator(mode="after")
    def _was_there_before(self) -> Self:
        if self.created is not None and self.destroyed < self.created:
            raise ValueError("an object is destroyed before it was made")
        return self


class Remainder(Model):
    """What is still there, why, how many of it (null: not counted), and until when (null: no end is set)."""

    what: RemainderKind
    why: Line
    count: Count | None
    until: UtcTime | None


class Outstanding(Model):
    """What a party holds itself and has not stated that it is deleted."""

    party: Name
    what: LocalKind


def owed_after(
    scope: Scope, subject: str | None, *, providers: Iterable[str], holders: Iterable[str]
) -> tuple[Outstanding, ...]:
    """Return what parties may hold themselves of what was destroyed, in order.

    What falls due one by one leaves the tables of a linkage that goes on, so nothing is asked for.

    Args:
        providers: those of the terms that bind the project.
        holders: the parties that got matches of the scope.
    """
    if scope == "expired":
        return ()
    owed = {(party, what) for party in holders for what in _OF_RECIPIENT}
    giving = {"project": tuple(providers), "party": (subject,)}.get(scope, ())
    owed |= {(party, what) for party in giving if party is not None for what in _OF_PROVIDER}
    return tuple(Outstanding(party=party, what=what) for party, what in sorted(owed))


class Certificate(Document):
    """The broker's statement that it destroyed these objects; its log's key signs it.

    `subject` is the party or upload of the scope, null for the others. `asked_by` is the party that wanted
    it, `person` its person; both null where a rule did, which `reason` names. `paper` is the number of the
    paper agreement, null where none is known.
    """

    KIND: ClassVar[str] = "certificate of destruction"

    version: Literal["blindlink/destruction-certificate/1"] = "blindlink/destruction-certificate/1"
    certificate: CertificateId
    log: Annotated[str, StringConstraints(pattern=r"^[!-*,-~]+$", max_length=200)]
    operator: Name
    software: Code
    project: Name
    agreement: Sha256Hex
    paper: Line | None
    scope: Scope
    subject: Annotated[str, Field(max_length=40)] | None
    reason: Code
    asked_by: Name | None
    person: RandomId | None
    asked: UtcTime
    finished: UtcTime
    objects: Annotated[tuple[DestroyedObject, ...], Field(max_length=MAX_OBJECTS)]
    remains: Annotated[tuple[Remainder, ...], Field(max_length=16)]
    outstanding: Annotated[tuple[Outstanding, ...], Field(max_length=512)]

    @model_validator(mode="after")
    def _says_what_it_is_about(self) -> Self:
        if not _is_subject(self.scope, self.subject):
            raise ValueError("the subject is not one of this scope")
        if (self.asked_by is None) != (self.person is None):
            raise ValueError("who asked is a person of a party")
        if not self.asked <= self.finished:
            raise ValueError("a destruction ends before it was asked for")
        ids = [found.object for found in self.objects]
        if ids != sorted(set(ids)):
            raise ValueError("objects must be listed once each, in the order of their ids")
        if any(found.destroyed > self.finished for found in self.objects):
            raise ValueError("an object is destroyed after the end")
        owed = [(owing.party, owing.what) for owing in self.outstanding]
        if owed != sorted(set(owed)):
            raise ValueError("what is outstanding must be listed once each, in order")
        return self


class Countersignature(Document):
    """A party's person has read the certificate of this digest, and found nothing that contradicts it."""

    KIND: ClassVar[str] = "counter-signature"

    version: Literal["blindlink/destruction-countersignature/1"] = (
        "blindlink/destruction-countersignature/1"
    )
    certificate: CertificateId
    sha256: Sha256Hex
    project: Name
    party: Name
    person: PersonIdText
    at: UtcTime


class DeletedItem(Model):
    """Something that a party deleted itself: the digest of the file, null where it could not be read."""

    what: LocalKind
    sha256: Sha256Hex | None
    size_bytes: Count
    deleted: UtcTime


class KeptItem(Model):
    """Something of a project that a party keeps, and why."""

    what: LocalKind
    why: Line


class LocalStatement(Document):
    """A party states what it deleted of a project, and what it keeps; files are named by digest only.

    `certificate` is that of the broker which asks for it, null where there is none.
    """

    KIND: ClassVar[str] = "statement of destruction"

    version: Literal["blindlink/destruction-statement/1"] = "blindlink/destruction-statement/1"
    project: Name
    certificate: CertificateId | None
    party: Name
    person: PersonIdText
    deleted: Annotated[tuple[DeletedItem, ...], Field(max_length=1024)]
    none_left: Annotated[tuple[LocalKind, ...], Field(max_length=7)]
    kept: Annotated[tuple[KeptItem, ...], Field(max_length=64)]
    at: UtcTime

    @model_validator(mode="after")
    def _does_not_contradict_itself(self) -> Self:
        if list(self.none_left) != sorted(set(self.none_left)):
            raise ValueError("what none is left of must be listed once each, in order")
        if {kept.what for kept in self.kept} & set(self.none_left):
            raise ValueError("something is kept of which none is left")
        return self


class HoldNotice(Document):
    """A party forbids, or allows again, that anything of a project is destroyed; `order` says on what ground.

    A hold is lifted by the party that set it.
    """

    KIND: ClassVar[str] = "legal hold"

    version: Literal["blindlink/legal-hold/1"] = "blindlink/legal-hold/1"
    project: Name
    party: Name
    person: PersonIdText
    act: HoldAct
    order: Line
    at: UtcTime


Said: TypeAlias = Countersignature | LocalStatement | HoldNotice

_DUTIES: Final[dict[type[Document], frozenset[Duty]]] = {
    Countersignature: frozenset({"steward", "reviewer"}),
    LocalStatement: frozenset({"steward", "analyst", "recipient"}),
    HoldNotice: frozenset({"steward"}),
}


class SignedDestruction(Signed):
    """What a person said about destruction, with their public keys and the signature of kind `destruction`.

    The keys stand beside it so that it can be read alone; whether they are the person's is for the reader to
    compare, with a pinned fingerprint or with the match log's entry of the enrolment.
    """

    KIND: ClassVar[str] = "signed statement of destruction"
    BODY: ClassVar[str] = "said"
    SIGNED_AS: ClassVar[str] = SIGNATURE_KIND

    said: Annotated[Said, Field(discriminator="version")]
    identity: PublicIdentity

    def verify(self) -> PublicIdentity:
        """Return the keys of the person who signed.

        Raises:
            SignatureError: they are another person's, that person lacks the duty, or the signature is not
                over this.
        """
        said, identity = self.said, self.identity
        if (said.party, said.person) != (identity.party, identity.person):
            raise SignatureError("the statement is signed by someone else than it says")
        if not _DUTIES[type(said)] & set(identity.duties):
            raise SignatureError("the person does not have the duty that the statement needs")
        self.require_signature(identity.verifier())
        return identity


def sign_destruction(
    said: Said, identity: PublicIdentity, key: Ed25519PrivateKey
) -> SignedDestruction:
    """Return what a person says, signed.

    Raises:
        SignatureError: they are not who says it, or lack the duty.
    """
    signed = SignedDestruction.of(said, key, identity=identity)
    signed.verify()
    return signed


def duties_for(said: type[Document]) -> frozenset[Duty]:
    """Return the duties of which a person needs one to say it."""
    return _DUTIES[said]


def _is_subject(scope: Scope, subject: str | None) -> bool:
    if scope == "party":
        return subject is not None and is_name(subject)
    if scope == "upload":
        return subject is not None and is_random_id(subject, UPLOAD_PREFIX)
    return subject is None
