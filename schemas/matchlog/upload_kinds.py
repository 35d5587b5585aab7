"""What match-log entries say of uploads: received, rejected, destroyed."""

from __future__ import annotations

from typing import Final

from schemas.documents.document import Model
from schemas.documents.ids import UPLOAD_PREFIX, Code, IsoDate, KeyIdHex, Name, Sha256Hex
from schemas.linkage.privacy_audit import PrivacyAudit
from schemas.linkage.run import RoundNumber
from schemas.matchlog.registry import ANALYSTS, Count, Kind, Ordinal, register
from schemas.rounds.upload import Signature, SignedManifest


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


UPLOAD_KINDS: Final = register(
    {
        "upload-received": Kind(UploadReceived, object_prefix=UPLOAD_PREFIX, duties=ANALYSTS),
        "upload-rejected": Kind(
            UploadRejected,
            object_prefix=UPLOAD_PREFIX,
            object_optional=True,
            outcomes=frozenset({"refused"}),
        ),
        "upload-destroyed": Kind(UploadDestroyed, object_prefix=UPLOAD_PREFIX, by="broker"),
    }
)
