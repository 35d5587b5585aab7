"""Receipts: proof that the broker has logged this agency's uploads, releases to it, and deliveries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from encoding.errors import ReceiptError
from encoding.files import write_durably
from encoding.log.proofs import Proven, prove_subject, verify_release_receipt
from schemas.documents.errors import FormatError
from schemas.documents.ids import DELIVERY_PREFIX, UPLOAD_PREFIX, is_random_id
from schemas.linkage.run import RunSpecification
from schemas.matchlog.delivery_kinds import DELIVERY_KINDS, DeliveryReceived
from schemas.matchlog.log_keys import LogKeys
from schemas.matchlog.upload_kinds import UPLOAD_KINDS, UploadReceived
from schemas.rounds.receipt import Receipt
from schemas.rounds.upload import Manifest, SignedManifest


@dataclass(frozen=True, slots=True)
class KeptReceipt:
    """A receipt of the workspace; `manifest` is null where it is not about an upload."""

    receipt: Receipt
    manifest: SignedManifest | None


@dataclass(frozen=True, slots=True)
class ReceiptFolder:
    """The folder in which receipts are kept, one file each, beside the manifest that each is about."""

    folder: Path

    def keep(self, kept: KeptReceipt) -> None:
        """Keep a receipt that has been verified."""
        subject = kept.receipt.subject
        if kept.manifest is not None:
            self.keep_manifest(subject or "", kept.manifest)
        write_durably(self.folder / f"{subject}.json", kept.receipt.to_canonical())

    def keep_manifest(self, upload: str, signed: SignedManifest) -> None:
        """Keep the manifest under which an upload is about to be committed."""
        write_durably(self._manifest_path(upload), signed.to_canonical())

    def find_manifest(self, upload: str) -> SignedManifest | None:
        """Return the manifest under which an upload was to be committed; None if there is none.

        Raises:
            ReceiptError: the file is damaged.
        """
        path = self._manifest_path(upload)
        return _read_manifest(path) if path.exists() else None

    def find(self, subject: str) -> KeptReceipt | None:
        """Return the receipt about an upload, release or delivery; None if there is none.

        Raises:
            ReceiptError: the file is damaged.
        """
        path = self.folder / f"{subject}.json"
        return read_kept(path) if path.exists() else None

    def all(self) -> Iterator[KeptReceipt]:
        """Yield every receipt, in the order of their subjects."""
        for path in sorted(self.folder.glob("???-*.json")):
            if not path.name.endswith(".manifest.json"):
                yield read_kept(path)

    def sent_for(self, specification: RunSpecification, party: str) -> dict[str, Manifest]:
        """Return a party's manifests by upload: that of the one that a run names, or all if it is not here."""
        named = [one.upload for one in specification.uploads if one.party == party]
        if not named:
            return {}
        found = self.find(named[0])
        kept = self.all() if found is None else [found]
        return {
            one.receipt.subject or "": one.manifest.manifest
            for one in kept
            if one.manifest is not None
        }

    def _manifest_path(self, upload: str) -> Path:
        return self.folder / f"{upload}.manifest.json"


def read_kept(path: Path) -> KeptReceipt:
    """Read a receipt file, with the manifest beside it if there is one.

    Raises:
        ReceiptError: missing or damaged.
    """
    manifest_path = path.with_name(f"{path.stem}.manifest.json")
    try:
        receipt = Receipt.from_canonical(path.read_bytes())
    except (OSError, FormatError) as exc:
        raise ReceiptError(f"the receipt {path.name} cannot be read, or is damaged") from exc
    manifest = _read_manifest(manifest_path) if manifest_path.exists() else None
    return KeptReceipt(receipt, manifest)


def _read_manifest(path: Path) -> SignedManifest:
    try:
        return SignedManifest.from_canonical(path.read_bytes())
    except (OSError, FormatError) as exc:
        raise ReceiptError(f"the manifest {path.name} cannot be read, or is damaged") from exc


def verify_kept(kept: KeptReceipt, party: str, keys: LogKeys) -> Proven:
    """Check a receipt of the workspace by itself, without the broker.

    Raises:
        ReceiptError: it proves nothing, or something else than what it is kept for.
    """
    subject = kept.receipt.subject
    if subject is None:
        raise ReceiptError("a receipt in the workspace is about something that is not kept here")
    if kept.manifest is not None:
        return verify_upload_receipt(kept.receipt, subject, kept.manifest.manifest, keys)
    if is_random_id(subject, UPLOAD_PREFIX):
        raise ReceiptError("the manifest that belongs to a receipt is missing")
    if is_random_id(subject, DELIVERY_PREFIX):
        return verify_delivery_receipt(kept.receipt, subject, party, keys)
    return verify_release_receipt(kept.receipt, subject, party, keys)


def verify_upload_receipt(
    receipt: Receipt, upload: str, manifest: Manifest, keys: LogKeys
) -> Proven:
    """Check that the log holds this upload, with exactly what the manifest states.

    Raises:
        ReceiptError: it does not prove that.
    """
    proven = prove_subject(receipt, upload, keys, UPLOAD_KINDS)
    entry = proven.entry
    body = entry.body
    if not isinstance(body, UploadReceived) or body.manifest_sha256 != manifest.digest():
        raise ReceiptError("the receipt is not about what this agency has sent")
    logged = (
        entry.project,
        entry.agreement,
        entry.actor.party,
        body.container_sha256,
        body.records,
    )
    stated = (
        manifest.project,
        manifest.agreement,
        manifest.party,
        manifest.container_sha256,
        manifest.records,
    )
    if logged != stated:
        raise ReceiptError("the match log and this agency's manifest differ")
    return proven


def verify_delivery_receipt(receipt: Receipt, delivery: str, party: str, keys: LogKeys) -> Proven:
    """Check that the log holds this delivery, from this party or to it.

    Raises:
        ReceiptError: it does not prove that.
    """
    proven = prove_subject(receipt, delivery, keys, DELIVERY_KINDS)
    body = proven.entry.body
    if not isinstance(body, DeliveryReceived) or party not in (
        proven.entry.actor.party,
        body.recipient,
    ):
        raise ReceiptError("the receipt is not about a delivery from or to this agency")
    return proven
