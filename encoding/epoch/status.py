"""How far an epoch's secret is, seen from one agency, in words and as a document."""

from __future__ import annotations

from dataclasses import dataclass

from encoding.epoch.exchange import differences
from encoding.epoch.self_test import Difference
from encoding.secret.kept_secret import KeptSecret
from encoding.secret.secret import spoken


@dataclass(frozen=True, slots=True)
class HolderStatus:
    """One holder: whether its share is here or was used, whether it confirmed, and what it has otherwise."""

    party: str
    person: str
    fingerprint: str
    has_shared: bool
    has_confirmed: bool
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class SecretStatus:
    """All holders; `key_id` is null before the secret is made. `party` is this agency's own name."""

    project: str
    epoch: int
    party: str
    key_id: str | None
    holders: tuple[HolderStatus, ...]

    def sentences(self) -> tuple[str, ...]:
        """Return the status in words, a sentence a line."""
        where = f"The secret of epoch {self.epoch} of {self.project}"
        if self.key_id is None:
            return (f"{where} is not made yet.", *map(self._sentence, self.holders))
        return (
            f"{where} is made; its key id is {spoken(self.key_id)}.",
            *map(self._sentence, self.holders),
        )

    def to_json(self) -> dict[str, object]:
        """Return the status as a document."""
        return {
            "project": self.project,
            "epoch": self.epoch,
            "key_id": self.key_id,
            "holders": [
                {
                    "party": holder.party,
                    "person": holder.person,
                    "fingerprint": holder.fingerprint,
                    "shared": holder.has_shared,
                    "confirmed": holder.has_confirmed,
                    "differences": [one.what for one in holder.differences],
                }
                for holder in self.holders
            ],
        }

    def _sentence(self, holder: HolderStatus) -> str:
        name = f"{holder.party} (you)" if holder.party == self.party else holder.party
        if holder.differences:
            return f"{name}: differs from yours: {'; '.join(one.sentence for one in holder.differences)}."
        if holder.has_confirmed:
            alike = "" if holder.party == self.party else ", and encodes as you do"
            return f"{name}: has confirmed the secret{alike}."
        if holder.has_shared:
            return f"{name}: has sent its share, and not confirmed yet."
        return f"{name}: its share is not here yet."


def status_of(kept: KeptSecret, party: str) -> SecretStatus:
    """Return how far the secret is.

    Args:
        kept: what this agency keeps of it.
        party: this agency's name.
    """
    found = differences(kept, party)
    senders = {party, *(signed.share.sender for signed in kept.received)}
    marks = kept.marks()
    return SecretStatus(
        project=kept.holders.project,
        epoch=kept.holders.epoch,
        party=party,
        key_id=None if marks is None else marks.key_id,
        holders=tuple(
            HolderStatus(
                party=holder.party,
                person=holder.person,
                fingerprint=holder.fingerprint,
                has_shared=kept.is_made or holder.party in senders,
                has_confirmed=kept.confirmation_of(holder.party) is not None,
                differences=tuple(one for one in found if one.party == holder.party),
            )
            for holder in kept.holders.holders
        ),
    )
