"""Parameters in paths: their form stands in the OpenAPI document, and a malformed one names nothing."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from schemas.documents.ids import (
    CERTIFICATE_PREFIX,
    DELIVERY_PREFIX,
    NAME_PATTERN,
    RELEASE_PREFIX,
    RUN_PREFIX,
    SHA256_PATTERN,
    SHARE_PREFIX,
    UPLOAD_PREFIX,
)
from schemas.rounds.delivery import MAX_DELIVERIES

ProjectPath = Annotated[str, Path(pattern=NAME_PATTERN, min_length=2, max_length=40)]
UploadPath = Annotated[str, Path(pattern=f"^{UPLOAD_PREFIX}-[0-9a-f]{{32}}$")]
RunPath = Annotated[str, Path(pattern=f"^{RUN_PREFIX}-[0-9a-f]{{32}}$")]
ReleasePath = Annotated[str, Path(pattern=f"^{RELEASE_PREFIX}-[0-9a-f]{{32}}$")]
DeliveryPath = Annotated[str, Path(pattern=f"^{DELIVERY_PREFIX}-[0-9a-f]{{32}}$")]
DeliveryNumberPath = Annotated[int, Path(ge=1, le=MAX_DELIVERIES)]
CertificatePath = Annotated[str, Path(pattern=f"^{CERTIFICATE_PREFIX}-[0-9a-f]{{32}}$")]
RoundPath = Annotated[int, Path(alias="round", ge=1, le=10**6)]
PartyPath = Annotated[str, Path(pattern=NAME_PATTERN, min_length=2, max_length=40)]
PartnerPath = Annotated[str, Path(pattern=NAME_PATTERN, min_length=2, max_length=40)]
SpacePath = Annotated[str, Path(pattern=NAME_PATTERN, min_length=2, max_length=40)]
SharePath = Annotated[str, Path(pattern=f"^{SHARE_PREFIX}-[0-9a-f]{{32}}$")]
# The id of the last thing that a list gave: what is older is given next.
Before = Annotated[str | None, Query(pattern=r"^[a-z]{3}-[0-9a-f]{32}$")]
PartNumber = Annotated[int, Path(ge=0, le=2**31 - 1)]
DigestPath = Annotated[str, Path(pattern=SHA256_PATTERN)]
