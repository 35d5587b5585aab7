"""Who carries shares and confirmations between agencies: never trusted, since they may lose or change them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from encoding.broker.client import BrokerClient
from encoding.errors import BrokerRefusedError, ShareError
from encoding.files import refuse_to_overwrite
from encoding.secret.share_file import FIRST_LINE, Carried, read_share_file, write_share_file
from schemas.signing.identity import IdentityHistory
from schemas.signing.secret_share import SignedConfirmation, SignedShare


class Carrier(Protocol):
    """What the commands need of the person who carries."""

    def persons(self) -> Sequence[IdentityHistory]:
        """Return the persons whom the carrier shows as those of the project's parties; none if it cannot."""

    def withdraw(self, epoch: int) -> None:
        """Take back what this agency has sent and confirmed of an epoch, where that can be done."""

    def send_shares(self, shares: Sequence[SignedShare]) -> str:
        """Send shares, and say in a sentence what became of them."""

    def send_confirmation(self, signed: SignedConfirmation) -> None:
        """Send the own confirmation."""

    def confirmations(self, epoch: int) -> Sequence[SignedConfirmation]:
        """Return what all holders, this agency too, have confirmed of an epoch; none if it cannot."""

    def fetch(self, epoch: int) -> Carried:
        """Return what the others have sent to this agency of one epoch, unchecked."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """Files that people carry.

    Attributes:
        party: this agency's name.
        to_file: what is sent is written there; null: nothing is sent.
        from_files: what the others sent is read from there.
    """

    party: str
    to_file: Path | None
    from_files: tuple[Path, ...] = ()

    def persons(self) -> Sequence[IdentityHistory]:
        """Return nobody: their keys came with their fingerprints."""
        return ()

    def withdraw(self, epoch: int) -> None:
        """Do nothing: what was handed on cannot be taken back."""

    def send_shares(self, shares: Sequence[SignedShare]) -> str:
        """Write shares into the file."""
        self._write(Carried(shares=tuple(shares)))
        return f"the shares are in {self.to_file}; hand it to each of the other agencies"

    def send_confirmation(self, signed: SignedConfirmation) -> None:
        """Write the confirmation into the file, if there is one."""
        self._write(Carried(confirmations=(signed,)))

    def confirmations(self, epoch: int) -> Sequence[SignedConfirmation]:  # noqa: ARG002
        """Return nothing: files bring what others have confirmed when it is accepted."""
        return ()

    def fetch(self, epoch: int) -> Carried:  # noqa: ARG002 - a file of another epoch is refused with its reason
        """Read the files; a file holds the shares of all recipients, of which this agency's are taken.

        Raises:
            ShareError: a file cannot be used, or there is nothing for this agency in it.
        """
        found = Carried()
        for path in self.from_files:
            carried = read_share_file(path)
            mine = tuple(one for one in carried.shares if one.share.recipient == self.party)
            if not mine and not carried.confirmations:
                raise ShareError(f"there is nothing for {self.party} in {path}")
            found += Carried(mine, carried.confirmations)
        return found

    def _write(self, carried: Carried) -> None:
        if self.to_file is not None:
            refuse_to_overwrite(self.to_file, own_start=FIRST_LINE, force=False)
            write_share_file(self.to_file, carried)


@dataclass(frozen=True, slots=True)
class ByBroker:
    """The broker, which keeps what it cannot open until the recipient asks for it.

    Attributes:
        client: a connection to it.
        project: in which project.
        party: this agency's name.
    """

    client: BrokerClient
    project: str
    party: str

    def persons(self) -> Sequence[IdentityHistory]:
        """Return whom the broker lists; only keys with a trusted fingerprint are taken from there."""
        return self.client.identities(self.project).identities

    def withdraw(self, epoch: int) -> None:
        """Have the broker forget what this agency has sent and confirmed.

        Raises:
            BrokerRefusedError: all holders have confirmed the secret.
        """
        self.client.withdraw_shares(self.project, epoch)

    def send_shares(self, shares: Sequence[SignedShare]) -> str:
        """Send the shares."""
        for signed in shares:
            self.client.send_share(self.project, signed)
        recipients = ", ".join(signed.share.recipient for signed in shares)
        return (
            f"the shares for {recipients} are at the broker, which cannot open them;"
            " next: blindlink secret accept"
        )

    def send_confirmation(self, signed: SignedConfirmation) -> None:
        """Send the confirmation to all other holders."""
        self.client.send_confirmation(self.project, signed)

    def confirmations(self, epoch: int) -> Sequence[SignedConfirmation]:
        """Return everybody's confirmations, as the broker shows them."""
        return self.client.confirmations(self.project, epoch).confirmations

    def fetch(self, epoch: int) -> Carried:
        """Fetch all shares that were sent to this agency, and everybody's confirmations."""
        listed = self.client.shares(self.project, epoch).shares
        mine = [view.share for view in listed if view.recipient == self.party]
        fetched = (self._share(share) for share in mine)
        return Carried(
            tuple(signed for signed in fetched if signed is not None),
            tuple(self.confirmations(epoch)),
        )

    def _share(self, share: str) -> SignedShare | None:
        try:
            return self.client.fetch_share(share)
        except BrokerRefusedError as exc:
            # Once this agency has confirmed the secret, nothing is kept for it any more.
            if exc.problem == "share-served":
                return None
            raise
