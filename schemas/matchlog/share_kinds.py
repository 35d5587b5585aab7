"""What match-log entries say of an epoch's secret: its shares relayed and fetched, begun anew, confirmed."""

from __future__ import annotations

from typing import Final

from schemas.documents.document import Model
from schemas.documents.ids import KeyIdHex, Name, RandomId, Sha256Hex
from schemas.matchlog.registry import AGENTS, Kind, Ordinal, register
from schemas.signing.secret_share import SignedConfirmation, SignedShare


class ShareRelayed(Model):
    """One holder's share of an epoch's secret is kept for another holder, who alone can open it.

    `holders` is the digest of all holders, `sha256` that of the signed share.
    """

    epoch: Ordinal
    share: RandomId
    sender: Name
    recipient: Name
    holders: Sha256Hex
    sha256: Sha256Hex

    @classmethod
    def of(cls, signed: SignedShare, share: str) -> ShareRelayed:
        """Return what the log says of a share that has this id."""
        said = signed.share
        return cls(
            epoch=said.holders.epoch,
            share=share,
            sender=said.sender,
            recipient=said.recipient,
            holders=said.holders.digest(),
            sha256=signed.digest(),
        )


class ShareFetched(Model):
    """A share was handed to its recipient, and cannot be replaced any more."""

    epoch: Ordinal
    share: RandomId
    sha256: Sha256Hex


class SharesWithdrawn(Model):
    """A holder begins an epoch's secret anew: what it has sent and confirmed does not count any more."""

    epoch: Ordinal


class SecretConfirmed(Model):
    """A holder states that it has made an epoch's secret; `key_id` names the secret without revealing it.

    `sha256` is the digest of the signed confirmation.
    """

    epoch: Ordinal
    holders: Sha256Hex
    key_id: KeyIdHex
    sha256: Sha256Hex

    @classmethod
    def of(cls, signed: SignedConfirmation) -> SecretConfirmed:
        """Return what the log says of a confirmation."""
        said = signed.confirmation
        return cls(
            epoch=said.epoch,
            holders=said.holders,
            key_id=said.key_id,
            sha256=signed.digest(),
        )


SHARE_KINDS: Final = register(
    {
        "share-relayed": Kind(ShareRelayed, duties=AGENTS),
        "share-fetched": Kind(ShareFetched, duties=AGENTS),
        "shares-withdrawn": Kind(SharesWithdrawn, duties=AGENTS),
        "secret-confirmed": Kind(SecretConfirmed, duties=AGENTS),
    }
)
