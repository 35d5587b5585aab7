"""What a receipt proves, by its bytes and the log's keys alone: that the log says this of that."""

from __future__ import annotations

from dataclasses import dataclass

from encoding.errors import ReceiptError
from schemas.documents.errors import FormatError
from schemas.matchlog.checkpoint import Checkpoint
from schemas.matchlog.entry import Entry
from schemas.matchlog.log_keys import LogKeys
from schemas.matchlog.proof import verify_receipt
from schemas.matchlog.registry import Kinds
from schemas.matchlog.release_kinds import RELEASE_KINDS, BlindReleasePrepared, ReleasePrepared
from schemas.rounds.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Proven:
    """What a receipt proves: the entry, and the checkpoint under which it stands."""

    entry: Entry
    checkpoint: Checkpoint


def prove_entry(receipt: Receipt, keys: LogKeys, kinds: Kinds) -> Proven:
    """Return what a receipt of an entry of one of these kinds proves.

    Raises:
        ReceiptError: it proves nothing.
    """
    try:
        return Proven(*verify_receipt(receipt, keys, kinds))
    except FormatError as exc:
        raise ReceiptError(f"the receipt proves nothing: {exc}") from exc


def prove_subject(receipt: Receipt, subject: str, keys: LogKeys, kinds: Kinds) -> Proven:
    """Return what a receipt about this id proves; raises as `prove_entry`."""
    if receipt.subject != subject:
        raise ReceiptError("the receipt is about something you did not ask for")
    return prove_entry(receipt, keys, kinds)


def verify_release_receipt(
    receipt: Receipt, release: str, party: str, keys: LogKeys, sha256: str | None = None
) -> Proven:
    """Check that the log holds this release for this party to fetch; with `sha256`, of exactly that file.

    Raises:
        ReceiptError: it does not prove that.
    """
    proven = prove_subject(receipt, release, keys, RELEASE_KINDS)
    body = proven.entry.body
    if not isinstance(body, (ReleasePrepared, BlindReleasePrepared)) or _fetched_by(body) != party:
        raise ReceiptError("the receipt is not about a release to this agency")
    if sha256 is not None and body.sha256 != sha256:
        raise ReceiptError("what was fetched is not what the match log records")
    return proven


def _fetched_by(body: ReleasePrepared | BlindReleasePrepared) -> str:
    return body.agency if isinstance(body, BlindReleasePrepared) else body.recipient
