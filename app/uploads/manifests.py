"""Checks a manifest against the upload, the terms, and what the partner has committed before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from app.agreements.service import TermsInForce
from app.matching.blocks.checks import require_plausible
from app.matching.blocks.errors import RowMatchingError
from app.uploads.errors import (
    AGREEMENT_DIFFERS,
    AS_OF,
    AS_OF_GAP,
    AS_OF_TOO_OLD,
    CONTAINER_ROOT,
    COUNTS_REFUSED,
    MANIFEST_DIFFERS,
    OTHER_EPOCH,
    OTHER_KEY,
    OTHER_PROFILE,
    PARTNER_ROOT,
    POPULATION_DIFFERS,
    PRIVACY_AUDIT,
    UploadRejectedError,
)
from app.uploads.models import Upload
from app.uploads.service import expected_of, refuse_size
from schemas.agreement.agreement import ProjectTerms
from schemas.documents.errors import DocumentError
from schemas.linkage.counts import SMALLEST_COUNTED_FILE
from schemas.linkage.privacy_audit import SMALLEST_AUDITED_FILE, AuditFault, audit_fault
from schemas.linkage.profile import EncodingProfile
from schemas.rounds.upload import Manifest, merkle_root

_AUDIT_FAULTS: Final[dict[AuditFault, str]] = {
    "missing": "The manifest states no privacy audit, which a file of"
    f" {SMALLEST_AUDITED_FILE} records or more needs.",
    "quick": "The privacy audit was a quick one; an upload needs the full one, with all its draws.",
    "structure": "The privacy audit found signs of structure in the bytes of rows.",
    "beyond": "The privacy audit found more than the agreement allows.",
    "other-profile": "The privacy audit was of another encoding profile.",
    "other-side": "The privacy audit was of the other file of the pair.",
    "other-size": "The privacy audit was of a file whose number of records differs by more than a quarter.",
}


def check_manifest(
    manifest: Manifest,
    upload: Upload,
    terms: TermsInForce,
    *,
    partner_root: str | None,
    partner: Manifest | None,
    today: date,
) -> None:
    """Check a manifest against everything that the broker knows without the parts."""
    agreed = terms.terms
    if manifest.agreement != terms.digest:
        raise UploadRejectedError(
            AGREEMENT_DIFFERS,
            "The manifest was made under other terms than those in force.",
            hint="read the agreement that binds now, then repeat the command",
        )
    if not upload.epoch == manifest.epoch == agreed.epoch:
        raise UploadRejectedError(OTHER_EPOCH, "The project is in another epoch.", clause="epoch")
    if not upload.profile == manifest.profile == agreed.profile:
        raise UploadRejectedError(
            OTHER_PROFILE, "The project has another encoding profile.", clause="profile"
        )
    if manifest.key_id != upload.key_id:
        raise UploadRejectedError(OTHER_KEY, "The manifest names another key id than the upload.")
    _check_statements(manifest, upload, terms)
    if manifest.partner_root != partner_root:
        raise UploadRejectedError(
            PARTNER_ROOT,
            "The manifest does not state the root of the partner's container as it is now.",
            hint="fetch the round again, state the root, and sign the manifest anew",
        )
    _check_as_of(manifest.as_of, agreed.as_of_max_age_days, today)
    if partner is not None:
        refuse_gap(manifest, partner, agreed)
    refuse_misfit(manifest, agreed)
    _check_counts(manifest, terms.profile)
    _check_audit(manifest, agreed)


def refuse_misfit(manifest: Manifest, agreed: ProjectTerms) -> None:
    """Check that what was uploaded is of the agreed population and within the agreed size."""
    if manifest.population != agreed.population:
        raise UploadRejectedError(
            POPULATION_DIFFERS, "The terms name another population.", clause="population"
        )
    refuse_size(agreed, manifest.party, manifest.records)


def refuse_gap(one: Manifest, other: Manifest, agreed: ProjectTerms) -> None:
    """Check that two files describe days as near as agreed; raises as-of-gap."""
    most = agreed.as_of_max_gap_days
    apart = abs((date.fromisoformat(one.as_of) - date.fromisoformat(other.as_of)).days)
    if most is not None and apart > most:
        raise UploadRejectedError(
            AS_OF_GAP,
            f"The files describe days more than {most} days apart.",
            clause="as-of-max-gap-days",
        )


def check_root(piece_digests: Sequence[str], manifest: Manifest) -> None:
    """Check that a container's pieces have the root that its manifest states."""
    if merkle_root(bytes.fromhex(digest) for digest in piece_digests) != manifest.root:
        raise UploadRejectedError(
            CONTAINER_ROOT, "The pieces do not have the root that the manifest states."
        )


def _check_statements(manifest: Manifest, upload: Upload, terms: TermsInForce) -> None:
    stated, expected = manifest.to_json(), expected_of(upload, terms).header
    expected |= {
        "container_sha256": upload.container_sha256,
        "container_bytes": upload.container_bytes,
    }
    if any(stated[name] != value for name, value in expected.items()):
        raise UploadRejectedError(
            MANIFEST_DIFFERS, "The manifest is about another container, party or round."
        )


def _check_as_of(as_of: str, max_age_days: int | None, today: date) -> None:
    # The agency's day may be ahead of UTC's.
    if date.fromisoformat(as_of) > today + timedelta(days=1):
        raise UploadRejectedError(AS_OF, "The as-of date lies in the future.")
    if max_age_days is not None and date.fromisoformat(as_of) < today - timedelta(max_age_days):
        raise UploadRejectedError(
            AS_OF_TOO_OLD,
            f"The file describes a day more than {max_age_days} days ago.",
            clause="as-of-max-age-days",
        )


def _check_counts(manifest: Manifest, profile: EncodingProfile) -> None:
    is_counted = manifest.side == "larger" and manifest.records >= SMALLEST_COUNTED_FILE
    if is_counted != (manifest.counts is not None):
        raise UploadRejectedError(
            COUNTS_REFUSED,
            f"The larger file is counted if it has {SMALLEST_COUNTED_FILE:,} records or more, and no other.",
        )
    if manifest.counts is None:
        return
    try:
        require_plausible(manifest.counts, profile, manifest.records)
    except (DocumentError, RowMatchingError) as exc:
        raise UploadRejectedError(COUNTS_REFUSED, f"The counts cannot be used: {exc}.") from exc


def _check_audit(manifest: Manifest, agreed: ProjectTerms) -> None:
    fault = audit_fault(
        manifest.privacy_audit,
        profile=manifest.profile,
        side=manifest.side,
        records=manifest.records,
        limits=agreed.privacy,
    )
    if fault is not None:
        raise UploadRejectedError(
            PRIVACY_AUDIT,
            _AUDIT_FAULTS[fault],
            hint=f"attack the file with: blindlink privacy-audit --side {manifest.side}; then encode it anew",
        )
