"""How agencies agree on a secret that nobody who carries their messages can learn. No file, no network.

Each holder draws a contribution and seals it to each other holder; with every contribution, each of them
makes the same secret. Keys are never taken from a message: an identity that comes in here has been compared
with a pinned fingerprint. Spec page: `schemas/spec/secret-share.md`.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from encoding.errors import HoldersError, ShareError, ShareMissingError
from encoding.people.identity import Identity
from encoding.secret.secret import SECRET_BYTES, Marks, Secret
from schemas.documents.canonical import JsonValue
from schemas.documents.errors import DocumentError, SignatureError
from schemas.documents.ids import utc_text
from schemas.signing.identity import PublicIdentity, base64_bytes, base64_text
from schemas.signing.secret_share import (
    CONTRIBUTION_BYTES,
    SEALED_BYTES,
    TAG_BYTES,
    SecretHolders,
    SecretShare,
    SelfTest,
    ShareConfirmation,
    SignedConfirmation,
    SignedShare,
    holder_of,
    share_info,
)

SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_INFO: Final = b"blindlink/v1/shared-secret\n"


@dataclass(frozen=True, slots=True, eq=False)
class Contribution:
    """One holder's 32 random bytes; never printed, logged or pickled."""

    _value: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self._value) != CONTRIBUTION_BYTES:
            raise ShareError(f"a contribution has {CONTRIBUTION_BYTES} bytes")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a contribution is not pickled")

    @classmethod
    def draw(cls) -> Contribution:
        """Return a new random contribution."""
        return cls(secrets.token_bytes(CONTRIBUTION_BYTES))

    def to_bytes(self) -> bytes:
        """Return the bytes, to be sealed and for nothing else."""
        return self._value


def holders_of(project: str, epoch: int, identities: Iterable[PublicIdentity]) -> SecretHolders:
    """Return the holders of an epoch's secret, one person a party.

    Raises:
        HoldersError: fewer than two, two of one party, or two with the same keys.
    """
    in_order = sorted(map(holder_of, identities), key=lambda holder: holder.party)
    document: dict[str, JsonValue] = {
        "project": project,
        "epoch": epoch,
        "holders": [holder.model_dump() for holder in in_order],
    }
    try:
        return SecretHolders.from_json(document)
    except DocumentError as exc:
        raise HoldersError(f"these persons cannot share a secret: {exc}") from None


def seal_share(
    contribution: Contribution,
    holders: SecretHolders,
    sender: Identity,
    recipient: PublicIdentity,
    now: datetime,
) -> SignedShare:
    """Return the contribution, sealed to one other holder and signed.

    Raises:
        HoldersError: one of the two is not the holder that the list names.
    """
    for identity in (sender.public, recipient):
        if not holders.names(identity):
            raise HoldersError(f"the person of {identity.party} is not one of the holders")
    info = share_info(holders, sender.public.party, recipient.party)
    share = SecretShare(
        holders=holders,
        sender=sender.public.party,
        recipient=recipient.party,
        sealed=base64_text(SUITE.encrypt(contribution.to_bytes(), recipient.receiver(), info)),
        created=utc_text(now),
    )
    return SignedShare.of(share, sender.keys.signing_key)


def check_share(
    signed: SignedShare, holders: SecretHolders, recipient: str, sender: PublicIdentity
) -> SecretShare:
    """Return a share that was made for this recipient and these holders, by this very sender.

    Raises:
        ShareError: it was not; the sentence says what is wrong with it.
    """
    share = signed.share
    if share.recipient != recipient:
        raise ShareError(f"the share of {share.sender} was made for a different party")
    if share.holders != holders:
        raise ShareError(
            f"the share of {share.sender} is {_first_difference(share.holders, holders)}"
        )
    try:
        return signed.verify(sender)
    except SignatureError as exc:
        raise ShareError(
            f"the share of {share.sender} was not made by the person that you trust there: {exc}"
        ) from None


def open_share(
    signed: SignedShare, holders: SecretHolders, recipient: Identity, sender: PublicIdentity
) -> Contribution:
    """Return what a holder has contributed."""
    share = check_share(signed, holders, recipient.public.party, sender)
    sealed = base64_bytes(share.sealed, SEALED_BYTES)
    try:
        return Contribution(SUITE.decrypt(sealed, recipient.keys.receiving_key, share.info()))
    except (InvalidTag, ValueError):
        raise ShareError(
            f"the share of {share.sender} does not open with your keys",
            hint="if your keys were replaced since, start over: blindlink secret share --again",
        ) from None


def open_shares(
    shares: Iterable[SignedShare],
    holders: SecretHolders,
    recipient: Identity,
    senders: Mapping[str, PublicIdentity],
) -> dict[str, Contribution]:
    """Return what the others have contributed, by party.

    Raises:
        ShareError: as `open_share`; or a sender is not a holder, or has sent two.
    """
    opened: dict[str, Contribution] = {}
    for signed in shares:
        party = signed.share.sender
        if party in opened:
            raise ShareError(f"there are two shares of {party}")
        if party not in senders:
            raise ShareError(f"there is a share of {party}, which is not a holder of this secret")
        opened[party] = open_share(signed, holders, recipient, senders[party])
    return opened


def make_secret(holders: SecretHolders, contributions: Mapping[str, Contribution]) -> Secret:
    """Return the secret that all holders make of all contributions.

    Raises:
        ShareMissingError: a holder's contribution is not there; the sentence names the parties.
        ShareError: someone who is no holder has contributed.
    """
    missing = [party for party in holders.parties if party not in contributions]
    if missing:
        raise ShareMissingError(
            f"the secret cannot be made yet: the share of {', '.join(missing)} is missing",
            hint="ask them for: blindlink secret share",
        )
    if len(contributions) != len(holders.parties):
        raise ShareError("there is a share of someone who is not a holder of this secret")
    ikm = b"".join(contributions[party].to_bytes() for party in holders.parties)
    salt = bytes.fromhex(holders.digest())
    return Secret(HKDF(SHA256(), SECRET_BYTES, salt=salt, info=_INFO).derive(ikm))


def confirm(
    marks: Marks, holders: SecretHolders, holder: Identity, self_test: SelfTest, now: datetime
) -> SignedConfirmation:
    """Return the statement that this holder has this secret, and what its self-test gave."""
    unsigned = ShareConfirmation(
        project=holders.project,
        epoch=holders.epoch,
        party=holder.public.party,
        person=holder.public.person,
        holders=holders.digest(),
        key_id=marks.key_id,
        self_test=self_test,
        created=utc_text(now),
        tag=base64_text(bytes(TAG_BYTES)),
    )
    tagged = unsigned.model_copy(update={"tag": _tag(marks, unsigned)})
    return SignedConfirmation.of(tagged, holder.keys.signing_key)


def check_confirmation(
    signed: SignedConfirmation, holders: SecretHolders, sender: PublicIdentity
) -> ShareConfirmation:
    """Return a confirmation that this holder made for this secret's project, epoch and holders.

    Raises:
        ShareError: it is forged, or about another secret.
    """
    confirmation = signed.confirmation
    stated = (confirmation.project, confirmation.epoch, confirmation.holders)
    if stated != (holders.project, holders.epoch, holders.digest()):
        raise ShareError(
            f"the confirmation of {confirmation.party} is about a different epoch, project or list of holders"
        )
    try:
        return signed.verify(sender)
    except SignatureError as exc:
        raise ShareError(
            f"the confirmation of {confirmation.party} was not made by the person that you trust"
            f" there: {exc}"
        ) from None


def has_secret(marks: Marks, confirmation: ShareConfirmation) -> bool:
    """Tell whether a confirmation's tag was made with the secret of these marks."""
    expected = _tag(marks, confirmation)
    return hmac.compare_digest(confirmation.tag.encode("ascii"), expected.encode("ascii"))


def _tag(marks: Marks, confirmation: ShareConfirmation) -> str:
    return base64_text(hmac.digest(marks.confirm, confirmation.tagged_bytes(), "sha256"))


def _first_difference(theirs: SecretHolders, ours: SecretHolders) -> str:
    if theirs.project != ours.project:
        return "of another project"
    if theirs.epoch != ours.epoch:
        return f"of epoch {theirs.epoch}, and yours is {ours.epoch}"
    if theirs.parties != ours.parties:
        return f"for different holders from yours: {', '.join(theirs.parties)}"
    party = next(party for party in ours.parties if theirs.of(party) != ours.of(party))
    return f"for a person or keys of {party} that you do not trust"
