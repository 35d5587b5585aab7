"""One entry of the match log: what happened, when, by whom, in which project, under which agreement.

An entry is canonical JSON; its leaf hash in the tree is over exactly those bytes. Its request id is 128
random bits, so that the bare hash of a withheld entry tells nothing. Spec page: `schemas/spec/entry.md`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeVar

from pydantic import (
    Field,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from schemas.documents.canonical import MAX_INTEGER, JsonValue, parse_canonical_object
from schemas.documents.document import Document, Model, describe_invalid, refuse_other_version
from schemas.documents.errors import CanonicalError, EntryError
from schemas.documents.ids import REQUEST_PREFIX, Code, Name, RandomId, Sha256Hex, UtcTime
from schemas.matchlog.registry import (
    MAX_ENTRY_BYTES,
    REGISTERED,
    RESERVED,
    Kind,
    Kinds,
    Outcome,
)
from schemas.signing.signed_request import SignedRequest

VERSION: Final = "blindlink/entry/2"

_Body = TypeVar("_Body", bound=Model)

Ordinal = Annotated[int, Field(ge=0, le=MAX_INTEGER)]


class Actor(Model):
    """Who acted: a party (`broker` for the broker itself), a person of it by opaque id, in which role.

    `person` is null where software acted, or where persons have no ids yet. `signed` is the request that the
    person signed, null where the kind of entry asks for none, and where the operator's own command acted.
    """

    party: Name
    person: RandomId | None
    role: Code
    signed: SignedRequest | None


class Entry(Document):
    """One entry.

    `seq` is the entry's place in the log and its leaf's index; `batch` numbers the transactions, and each
    batch ends with a checkpoint. `place` numbers the entries of one project, or those of none; `previous` is
    the leaf hash of the one before, `broker_wide`, in a project, that of the newest entry of none: so an entry
    fixes all that a reader of its project sees before it. `project`, `agreement` (its digest), `purpose` and
    `object` are null where the kind has none, `agreement` also where none binds the project yet.
    """

    KIND: ClassVar[str] = "log entry"

    version: Literal["blindlink/entry/2"] = VERSION
    kind: Code
    seq: Ordinal
    batch: Ordinal
    place: Ordinal
    previous: Sha256Hex | None
    broker_wide: Sha256Hex | None
    time: UtcTime
    request: RandomId
    actor: Actor
    project: Name | None
    agreement: Sha256Hex | None
    purpose: Code | None
    object: RandomId | None
    outcome: Outcome
    body: SerializeAsAny[Model]

    def body_as(self, kind: type[_Body]) -> _Body:
        """Return the body of an entry of this kind."""
        if not isinstance(self.body, kind):
            raise TypeError(f"the body of an entry of the kind {self.kind} is another one")
        return self.body

    @property
    def of_project(self) -> str:
        """The project of an entry whose kind has one."""
        return _given(self.project)

    @property
    def of_agreement(self) -> str:
        """The agreement of an entry whose kind has one."""
        return _given(self.agreement)

    @property
    def of_object(self) -> str:
        """What an entry is about whose kind has an object."""
        return _given(self.object)

    @field_validator("kind")
    @classmethod
    def _kind_is_known(cls, kind: str) -> str:
        if kind in RESERVED:
            raise ValueError("a kind that only later versions of this software can read")
        if kind not in REGISTERED:
            raise ValueError("an unknown kind of entry")
        return kind

    @field_validator("body", mode="plain")
    @classmethod
    def _body_is_of_kind(cls, body: Any, info: ValidationInfo) -> Model:
        kind = REGISTERED.get(info.data.get("kind", ""))
        if kind is None:
            raise ValueError("a body cannot be read without its kind")
        return body if type(body) is kind.body else kind.body.model_validate(body)

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        kind = REGISTERED[self.kind]
        if self.outcome not in kind.outcomes:
            raise ValueError("an outcome that this kind does not have")
        if kind.in_project is not None and kind.in_project != (self.project is not None):
            raise ValueError("a project where this kind has none, or none where it needs one")
        if (self.previous is None) != (self.place == 0):
            raise ValueError("an entry without the one before it, or the first one with one")
        if (self.broker_wide is None) != (self.project is None):
            raise ValueError("the newest entry of no project stands in those of projects")
        if self.project is None and self.agreement is not None:
            raise ValueError("an agreement without its project")
        if self.project is not None and self.agreement is None and not kind.is_unbound:
            raise ValueError("a project and its agreement go together")
        if self.actor.signed is not None and (kind.duties is None or self.outcome == "refused"):
            raise ValueError("a signed request where this kind, or a refusal, has none")
        # Both are random ids by their type; only what they name is left to look at.
        if not self.request.startswith(f"{REQUEST_PREFIX}-"):
            raise ValueError("the request is not a request id")
        if not _is_object_of(kind, self.object):
            raise ValueError("the object is not an id of what this kind is about")
        return self


def entry_bytes(entry: Entry) -> bytes:
    """Return the canonical bytes that the tree covers.

    Raises:
        EntryError: longer than its kind may be.
    """
    raw = entry.to_canonical()
    if len(raw) > REGISTERED[entry.kind].max_bytes:
        raise EntryError("an entry is longer than its kind may be")
    return raw


def parse_entry(raw: bytes, kinds: Kinds) -> Entry:
    """Read the bytes of one leaf that is of one of these kinds; a table given is a table loaded.

    Raises:
        EntryError: not canonical, another version, an unknown kind, or a field that breaks its rule; the
            message names the field, never its content.
    """
    if len(raw) > MAX_ENTRY_BYTES:
        raise EntryError("an entry is longer than its kind may be")
    try:
        value = parse_canonical_object(raw)
        entry = Entry.model_validate(_with_tuples(value) if b"[" in raw else value)
    except CanonicalError as exc:
        raise EntryError(f"log entry: {exc}") from exc
    except ValidationError as exc:
        refuse_other_version(Entry.KIND, exc)
        raise EntryError(f"log entry: {describe_invalid(exc)}") from None
    # Dictionaries compare much faster than an entry is written.
    if entry.to_json() != value:
        raise EntryError("log entry: a field is left out")
    if entry.kind not in kinds:
        raise EntryError("a log entry is not of a kind that belongs here")
    if len(raw) > kinds[entry.kind].max_bytes:
        raise EntryError("an entry is longer than its kind may be")
    return entry


def _given(value: str | None) -> str:
    if value is None:
        raise LookupError("an entry lacks what its kind has")
    return value


def _is_object_of(kind: Kind, object_id: str | None) -> bool:
    if object_id is None:
        return kind.object_prefix is None or kind.object_optional
    return kind.object_prefix is not None and object_id.startswith(f"{kind.object_prefix}-")


def _with_tuples(value: JsonValue) -> JsonValue:
    # The models are strict and hold tuples, which JSON does not have.
    if isinstance(value, dict):
        return {key: _with_tuples(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_with_tuples(item) for item in value)
    return value
