"""Sends the outbox to the broker, part by part, and brings home the receipt.

Whatever was interrupted goes on where it stopped: stored parts are not sent again, and an upload whose
answer was lost is recognised by its container and manifest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from encoding.client import BrokerClient
from encoding.errors import (
    BrokerAnswerError,
    ConfigError,
    ProjectChangedError,
    ReceiptError,
)
from encoding.outbox import Outbox
from encoding.pins import PinnedLog
from encoding.progress import Progress
from encoding.receipts import KeptReceipt, ReceiptFolder, verify_upload_receipt
from schemas.agreement import ProjectTerms
from schemas.api import ProjectView, UploadRequest, UploadView
from schemas.matchlog.log_keys import LogKeys
from schemas.upload import Manifest, Receipt, SignedManifest

MAX_PART_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Trust:
    """What answers are checked against, and where proof is kept."""

    log: PinnedLog
    receipts: ReceiptFolder

    @property
    def keys(self) -> LogKeys:
        """The log's keys as they are pinned now: while a command waits, the log may be handed over."""
        return self.log.keys()


def send_outbox(
    client: BrokerClient, outbox: Outbox, view: ProjectView, trust: Trust, progress: Progress
) -> KeptReceipt:
    """Upload the container, commit it under its manifest, and keep the verified receipt.

    Raises:
        ProjectChangedError: the encodings were made for another profile or epoch than the project's.
        ReceiptError, LogError: the broker does not prove that it has logged the upload.
        AgencyError: as `BrokerClient`.
    """
    manifest = restate(outbox.manifest, view)
    kept = _find_committed(client, manifest, trust)
    if kept is None:
        upload = _open(client, manifest)
        _send_parts(client, outbox, upload, progress)
        signed = SignedManifest(manifest=manifest)
        receipt = client.commit_upload(upload.upload, signed)
        kept = _keep(receipt, upload.upload, signed, trust)
    trust.log.check(client)
    return kept


def restate(manifest: Manifest, view: ProjectView) -> Manifest:
    """Return the manifest under the terms in force: new terms alone never ask for re-encoding.

    Raises:
        ProjectChangedError: profile or epoch are others now, so the encodings do not fit.
    """
    terms = view.terms
    if (manifest.profile, manifest.epoch) != (view.profile.digest(), terms.epoch):
        raise ProjectChangedError(
            "the project now encodes by other rules or with another secret than these encodings were"
            " made with",
            hint="make them anew with: blindlink encode",
        )
    check_party(terms, manifest.party, manifest.population)
    return manifest.model_copy(update={"agreement": view.agreement})


def check_party(terms: ProjectTerms, party: str, population: str) -> None:
    """Make sure that the terms let this party upload this population.

    Raises:
        ConfigError: they do not.
    """
    if party not in terms.providers:
        raise ConfigError(
            f"the project {terms.project} does not name {party} as an agency that uploads",
            hint="compare the section [project] with the agreement",
        )
    if population != terms.population:
        raise ConfigError(
            f"the agreement is about the population {terms.population}, the settings say {population}",
            hint="compare the section [input] with the agreement",
        )


def _find_committed(client: BrokerClient, manifest: Manifest, trust: Trust) -> KeptReceipt | None:
    """Return the receipt of an upload of exactly this manifest; None if there is none yet."""
    signed = SignedManifest(manifest=manifest)
    for upload in client.uploads(manifest.project).uploads:
        if upload.party == manifest.party and upload.state == "committed":
            if upload.container_sha256 != manifest.container_sha256:
                return None  # Newest first: what was committed before the newest is of no more use.
            receipt = client.upload_receipt(upload.upload)
            try:
                return _keep(receipt, upload.upload, signed, trust)
            except ReceiptError:
                return None  # The same encodings under an older manifest, such as last week's.
    return None


def _open(client: BrokerClient, manifest: Manifest) -> UploadView:
    request = UploadRequest(
        epoch=manifest.epoch,
        profile=manifest.profile,
        key_id=manifest.key_id,
        container_sha256=manifest.container_sha256,
        container_bytes=manifest.container_bytes,
    )
    upload = client.open_upload(manifest.project, request)
    size = manifest.container_bytes
    if not 0 < upload.part_bytes <= MAX_PART_BYTES or upload.parts != -(-size // upload.part_bytes):
        raise BrokerAnswerError("the broker asks for parts that do not make up the container")
    return upload


def _send_parts(
    client: BrokerClient, outbox: Outbox, upload: UploadView, progress: Progress
) -> None:
    size, part = outbox.manifest.container_bytes, upload.part_bytes
    stored = set(client.stored_parts(upload.upload).stored)
    missing = [number for number in range(upload.parts) if number not in stored]
    unsent = sum(min(part, size - number * part) for number in missing)
    _report(progress, size - unsent, size)
    with outbox.container.open("rb") as file:
        for number in missing:
            file.seek(number * part)
            content = file.read(part)
            client.put_part(upload.upload, number, content)
            unsent -= len(content)
            _report(progress, size - unsent, size)


def _report(progress: Progress, sent: int, size: int) -> None:
    progress("uploading", sent / size, sent, "bytes")


def _keep(receipt: Receipt, upload: str, signed: SignedManifest, trust: Trust) -> KeptReceipt:
    verify_upload_receipt(receipt, upload, signed.manifest, trust.keys)
    # Pinned before it is kept: whoever shows this receipt later holds the log to it.
    trust.log.hold(receipt.checkpoint.encode("utf-8"))
    kept = KeptReceipt(receipt, signed)
    trust.receipts.keep(kept)
    return kept
