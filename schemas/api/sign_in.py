"""The bodies with which persons come to the broker: enrolment, tokens, and whose keys a project's are.

Spec pages: `schemas/spec/identity.md`, `schemas/spec/sign-in.md`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from schemas.documents.document import Document
from schemas.signing.identity import IdentityHistory, PersonIdText, SignedIdentity

# The path of the token endpoint behind the broker's address: claim and proof name both together.
TOKEN_PATH: Final = "/v1/token"  # noqa: S105 - a path
GRANT_TYPE: Final = "client_credentials"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

PersonState = Literal["awaiting", "active", "revoked"]


class EnrolmentRequest(Document):
    """A person's public keys, with the one-time code that the operator gave them."""

    KIND: ClassVar[str] = "enrolment request"

    code: Annotated[str, Field(max_length=100)]
    identity: SignedIdentity


class EnrolmentView(Document):
    """How far an enrolment is: `awaiting` until the operator has compared the fingerprint."""

    KIND: ClassVar[str] = "enrolment"

    person: PersonIdText
    state: PersonState
    fingerprint: str


class TokenRequest(Document):
    """The fields of the form with which a person asks for a token (RFC 6749 §4.4, RFC 7523 §2.2)."""

    KIND: ClassVar[str] = "token request"

    grant_type: Literal["client_credentials"]
    client_assertion_type: Literal["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    client_assertion: str


class TokenAnswer(Document):
    """A new token (RFC 6749 §5.1); of type `DPoP` where the request came with a proof."""

    KIND: ClassVar[str] = "token"

    access_token: Annotated[str, Field(min_length=1, max_length=512)]
    token_type: Literal["Bearer", "DPoP"]
    expires_in: Annotated[int, Field(ge=1, le=86_400)]


class IdentityList(Document):
    """The persons of a project's parties with their keys, by party and person.

    Anyone who reads it from the broker holds each against a fingerprint that came another way.
    """

    KIND: ClassVar[str] = "identity list"

    identities: tuple[IdentityHistory, ...]
