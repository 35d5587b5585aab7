"""What a person signs with each request that the match log will record: one envelope for all that persons do.

The log's entry holds it, so that nobody acts in a person's name without their key. Spec page:
`schemas/spec/signed-request.md`.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from schemas.documents.canonical import MAX_INTEGER
from schemas.documents.document import Document, Model
from schemas.documents.errors import DocumentError
from schemas.documents.ids import Name, Origin, Sha256Hex, UtcTime
from schemas.signing.signatures import Signed

HEADER: Final = "Blindlink-Request"
# A header's worth: as much as a request with the longest of paths and logs has, and half as much again.
MAX_HEADER_CHARACTERS: Final = 2048


class SeenHead(Model):
    """An entry of a project that someone has seen, and with it all before: its place and its leaf hash."""

    place: Annotated[int, Field(ge=0, le=MAX_INTEGER)]
    leaf: Sha256Hex


@dataclass(frozen=True, slots=True)
class Where:
    """Where someone acts, as far as they know it themselves: in which log and project, under which agreement.

    `head` is the newest entry of the project that they have seen. None: it is not known yet, or there is none.
    """

    log: str | None = None
    project: str | None = None
    agreement: str | None = None
    head: SeenHead | None = None


class Request(Document):
    """A request to the broker: method and path with query, the digest of what it states, and where it is made.

    `sha256` is null where the path says it all, and where what is stated is not for the log. `log` is the
    origin of the log that the sender has pinned, `agreement` the digest of the agreement that the sender holds
    for binding: ids in a path are the broker's, and name neither. `head` is what the sender has seen of the
    project: who is shown another entry at that place has proof of two stories. `nonce` is drawn anew for each,
    so that none is taken for another one.
    """

    KIND: ClassVar[str] = "request"

    version: Literal["blindlink/request/3"]
    log: Origin | None
    project: Name | None
    agreement: Sha256Hex | None
    head: SeenHead | None
    asks: Annotated[str, Field(pattern=r"^(GET|POST|PUT|DELETE) /v1/[!-~]+$", max_length=300)]
    sha256: Sha256Hex | None
    nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    at: UtcTime


def new_request(asks: str, sha256: str | None, at: str, where: Where) -> Request:
    """Return a request that none was before."""
    return Request(
        version="blindlink/request/3",
        log=where.log,
        project=where.project,
        agreement=where.agreement,
        head=where.head,
        asks=asks,
        sha256=sha256,
        nonce=secrets.token_hex(16),
        at=at,
    )


class SignedRequest(Signed):
    """A request with the signature of the person who makes it, which their key proves."""

    KIND: ClassVar[str] = "signed request"
    BODY: ClassVar[str] = "request"
    SIGNED_AS: ClassVar[str] = "request"

    request: Request

    def to_header(self) -> str:
        """Return it as a header carries it: base64url of the canonical bytes, without padding."""
        return base64.urlsafe_b64encode(self.to_canonical()).rstrip(b"=").decode("ascii")

    @classmethod
    def from_header(cls, text: str) -> SignedRequest:
        """Read what `to_header` wrote.

        Raises:
            DocumentError: it is something else.
        """
        if len(text) > MAX_HEADER_CHARACTERS or not text.isascii() or "=" in text:
            raise DocumentError(f"{cls.KIND}: too long, or not base64url")
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as exc:
            raise DocumentError(f"{cls.KIND}: too long, or not base64url") from exc
        return cls.from_canonical(raw)
