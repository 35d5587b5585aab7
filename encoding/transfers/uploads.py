"""Sends the outbox to the broker, part by part, waits for its check, and brings home the receipt.

Whatever was interrupted goes on where it stopped: stored parts are not sent again, and an upload that the
broker checks, or whose answer was lost, is recognised by its container and manifest.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from encoding.broker.checks import wait_for_check
from encoding.broker.client import BrokerClient
from encoding.errors import (
    BrokerAnswerError,
    BrokerRefusedError,
    ConfigError,
    ProjectChangedError,
)
from encoding.log.receipts import KeptReceipt, verify_upload_receipt
from encoding.log.trust import Trust
from encoding.packing.outbox import Outbox
from encoding.people.identity import Identity
from encoding.progress import Progress
from encoding.rounds.nonces import Nonces
from encoding.rounds.turns import Turn
from schemas.agreement.agreement import ProjectTerms
from schemas.api.bodies import UploadRequest, UploadView
from schemas.api.projects import ProjectView
from schemas.rounds.receipt import Receipt
from schemas.rounds.upload import Manifest, Signature, SignedManifest
from schemas.signing.signatures import sign_document

Wait = Callable[[str], None]
"""Returns once the upload of this id, whose commit was asked for, is committed."""

PARTNER_ROOT: Final = "partner-root"
"""The broker's word for a manifest that does not state the partner's container as it is now."""


def send_outbox(
    client: BrokerClient,
    outbox: Outbox,
    view: ProjectView,
    *,
    trust: Trust,
    sending: Sending,
    progress: Progress,
    sleep: Callable[[float], None] = time.sleep,
) -> KeptReceipt:
    """Upload a container, commit it under its signed manifest, and keep the verified receipt.

    How long the broker's check of it takes, the size of the container decides.

    Raises:
        ProjectChangedError: the encodings were made for another profile or epoch than the project's.
        NonceSpentError: other encodings have left for this turn.
        ReceiptError, LogError: the broker does not prove that it has logged the upload.
        AgencyError: as `BrokerClient`.
    """
    manifest = restate(outbox.manifest, view)
    wait = partial(wait_for_check, client, progress=progress, sleep=sleep)
    kept = _find_sent(client, manifest, trust, wait)
    if kept is None:
        # Before the first byte leaves: from here on, no other container goes out for this turn.
        sending.spend(manifest.container_sha256)
        upload = _open(client, outbox, manifest)
        _send_parts(client, outbox, upload, progress)
        signed, receipt = _commit(
            client, upload.upload, manifest, trust=trust, sending=sending, wait=wait
        )
        kept = _keep(receipt, upload.upload, signed, trust)
    trust.log.check(client)
    return kept


def _commit(
    client: BrokerClient,
    upload: str,
    manifest: Manifest,
    *,
    trust: Trust,
    sending: Sending,
    wait: Wait,
) -> tuple[SignedManifest, Receipt]:
    """Sign and commit; once more where the partner, who commits once, has done so in between."""
    signed = sending.sign(manifest)
    # The one that is committed may not be stated again: the partner may have uploaded since.
    trust.receipts.keep_manifest(upload, signed)
    try:
        return signed, _checked(client, upload, signed, wait)
    except BrokerRefusedError as refusal:
        if refusal.problem != PARTNER_ROOT:
            raise
    signed = sending.sign(manifest)
    trust.receipts.keep_manifest(upload, signed)
    return signed, _checked(client, upload, signed, wait)


def _checked(client: BrokerClient, upload: str, signed: SignedManifest, wait: Wait) -> Receipt:
    """Ask for the commit, wait until the parts are checked, and return the receipt."""
    client.commit_upload(upload, signed)
    wait(upload)
    return client.upload_receipt(upload)


def restate(manifest: Manifest, view: ProjectView) -> Manifest:
    """Return the manifest under the terms in force: new terms alone never ask for re-encoding."""
    terms = view.terms
    if (manifest.profile, manifest.epoch) != (view.profile.digest(), terms.epoch):
        raise ProjectChangedError(
            "these encodings were made by different rules or with a different secret from the"
            " project's current ones",
            hint="ask for a new round: blindlink round --correct",
        )
    check_party(terms, manifest.party, manifest.population)
    return manifest.model_copy(update={"agreement": view.agreement})


@dataclass(frozen=True, slots=True)
class Sending:
    """How a container may leave: its nonce is spent on it, and who sends it signs for it.

    `partner_root` asks for the root of the partner's container, and `last_message` is the digest of the newest
    sealed message seen: null where there is none.
    """

    nonces: Nonces
    turn: Turn
    signer: Identity
    partner_root: Callable[[], str | None]
    last_message: str | None

    def spend(self, container: str) -> None:
        """Mark the nonce of the turn as spent on a container, durably."""
        self.nonces.require(self.turn.own_nonce.number, self.turn.own_nonce.nonce)
        self.nonces.spend(
            self.turn.own_nonce.number,
            round_number=self.turn.round,
            partner=self.turn.partner,
            container=container,
        )

    def sign(self, manifest: Manifest) -> SignedManifest:
        """Return the manifest as it is committed now, with the person's signature."""
        stated = {"partner_root": self.partner_root(), "last_message": self.last_message}
        said = manifest.model_copy(update=stated)
        public = self.signer.public
        signature = Signature(
            party=public.party,
            person=public.person,
            key=public.key_sha256(),
            signature=sign_document("manifest", said.to_json(), self.signer.keys.signing_key),
        )
        return SignedManifest(manifest=said, signatures=(signature,))


def check_party(terms: ProjectTerms, party: str, population: str) -> None:
    """Make sure that the terms let this party upload this population.

    Raises:
        ConfigError: they do not.
    """
    if party not in terms.providers:
        raise ConfigError(
            f"the project {terms.project} does not name {party} as an agency that uploads",
            hint="compare the section [project] of your settings with the agreement",
        )
    if population != terms.population:
        raise ConfigError(
            f"the agreement is about the population {terms.population}, but your settings say {population}",
            hint="compare the section [input] of your settings with the agreement",
        )


def _find_sent(
    client: BrokerClient, manifest: Manifest, trust: Trust, wait: Wait
) -> KeptReceipt | None:
    """Return the receipt of an upload of exactly this container whose commit was asked for before.

    A command that was killed after that left the manifest and no receipt: the check is waited for, and the
    receipt fetched now. None where there is none, or the check has ended without a commit.
    """
    for upload in client.uploads(manifest.project).uploads:
        is_this = (upload.party, upload.round, upload.partner, upload.container_sha256) == (
            manifest.party,
            manifest.round,
            manifest.partner,
            manifest.container_sha256,
        )
        signed = trust.receipts.find_manifest(upload.upload) if is_this else None
        if is_this and upload.state == "checking" and signed is not None:
            try:
                wait(upload.upload)
            except BrokerRefusedError:
                # Told once more where the commit is asked for again, unless it was mended meanwhile.
                return None
        if is_this and upload.state in ("checking", "committed"):
            kept = trust.receipts.find(upload.upload)
            if kept is None and signed is not None:
                receipt = client.upload_receipt(upload.upload)
                return _keep(receipt, upload.upload, signed, trust)
            return kept
    return None


def _open(client: BrokerClient, outbox: Outbox, manifest: Manifest) -> UploadView:
    parts = outbox.container.parts
    request = UploadRequest.from_row(
        manifest,
        head_bytes=parts.head_bytes,
    )
    upload = client.open_upload(manifest.project, request)
    if upload.parts != parts.n_parts:
        raise BrokerAnswerError("the broker asks for parts that the container does not have")
    return upload


def _send_parts(
    client: BrokerClient, outbox: Outbox, upload: UploadView, progress: Progress
) -> None:
    parts, size = outbox.container.parts, outbox.manifest.container_bytes
    stored = set(client.stored_parts(upload.upload).stored)
    sent = start = 0
    with outbox.container.path.open("rb") as file:
        for number in range(parts.n_parts):
            length = parts.length(number)
            if number not in stored:
                file.seek(start)
                client.put_part(upload.upload, number, file.read(length))
            start += length
            sent += length
            _report(progress, sent, size)


def _report(progress: Progress, sent: int, size: int) -> None:
    progress("uploading", sent / size, sent, "bytes")


def _keep(receipt: Receipt, upload: str, signed: SignedManifest, trust: Trust) -> KeptReceipt:
    verify_upload_receipt(receipt, upload, signed.manifest, trust.keys)
    # Pinned before it is kept: anyone who shows this receipt later holds the log to it.
    trust.log.pin(receipt.checkpoint.encode("utf-8"))
    kept = KeptReceipt(receipt, signed)
    trust.receipts.keep(kept)
    return kept
