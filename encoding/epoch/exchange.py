"""The steps by which one agency comes to an epoch's secret: share, take what the others sent, make, confirm.

Every step is safe to repeat, and what it changed is on disk before it ends. Who carries the documents, the
broker or a person with a file, does not matter here, and is not trusted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from encoding.epoch.self_test import Difference, compare_self_tests, run_self_test
from encoding.errors import (
    NotReadyError,
    SecretLostError,
    SecretsDifferError,
    ShareError,
    ShareStartedError,
)
from encoding.people.identity import Identity
from encoding.secret.agreement import (
    Contribution,
    check_confirmation,
    check_share,
    confirm,
    has_secret,
    make_secret,
    open_shares,
    seal_share,
)
from encoding.secret.kept_secret import KeptSecret, kept_of, write_kept
from encoding.secret.secret import Marks
from encoding.secret.share_file import Carried
from encoding.workspace.workspace import Workspace
from schemas.linkage.profile import EncodingProfile
from schemas.signing.identity import PublicIdentity
from schemas.signing.secret_share import SecretHolders, SignedConfirmation, SignedShare


@dataclass(frozen=True, slots=True)
class Exchange:
    """One agency's part in one epoch's secret; call its steps under the workspace's lock.

    Attributes:
        workspace: where what is agreed so far is kept.
        holders: all holders, this agency's person among them.
        own: this agency's person, with private keys.
        others: the other holders' persons, by party; each was compared with a trusted fingerprint.
    """

    workspace: Workspace
    holders: SecretHolders
    own: Identity
    others: Mapping[str, PublicIdentity]

    @property
    def party(self) -> str:
        """This agency's name."""
        return self.own.public.party

    def share(self, now: datetime, *, again: bool = False) -> KeptSecret:
        """Draw this agency's contribution and seal it to the others, or return what was sealed before.

        Args:
            now: when, aware.
            again: forget what was agreed so far, and begin anew.
        Raises:
            ShareStartedError: it was begun with other holders; or, with `again`, all have confirmed the same.
        """
        kept = self.kept()
        if kept is not None and not again:
            self._refuse_other_holders(kept)
            return kept
        self.refuse_confirmed()
        contribution = Contribution.draw()
        sealed = [
            seal_share(contribution, self.holders, self.own, other, now)
            for other in self.others.values()
        ]
        return self._keep(KeptSecret.begin(self.holders, contribution, sealed))

    def receive(self, carried: Carried) -> KeptSecret:
        """Check what the others sent and keep it; all of it, or nothing.

        Raises:
            NotReadyError: this agency has not shared yet.
            SecretLostError: this agency has confirmed the secret, and does not have it.
            ShareError: something in it must not be trusted; the sentence says what.
        """
        self.refuse_lost(carried.confirmations)
        kept = self._begun()
        for signed in carried.shares:
            self._check(signed)
            if not kept.is_made:
                kept = kept.with_share(signed)
        for confirmation in carried.confirmations:
            party = confirmation.confirmation.party
            if party != self.party:
                check_confirmation(confirmation, self.holders, self._other(party))
                kept = kept.with_confirmation(confirmation)
        return self._keep(kept)

    def make(self) -> KeptSecret:
        """Make the secret, unless it is made already.

        Raises:
            NotReadyError: this agency has not shared yet.
            ShareMissingError: a holder's share is not here yet.
            ShareError: a share does not open.
        """
        kept = self._begun()
        own = kept.own_contribution()
        if own is None:
            return kept
        opened = open_shares(kept.received, self.holders, self.own, self.others)
        return self._keep(kept.with_secret(make_secret(self.holders, opened | {self.party: own})))

    def confirm(self, profile: EncodingProfile, now: datetime) -> SignedConfirmation:
        """Encode the built-in people and state what came out; the same statement as before where it is so.

        Raises:
            NotReadyError: the secret is not made yet.
            RecipeError, LinkageSchemaError: the profile cannot be used by this program.
        """
        kept = self._begun()
        marks = kept.marks()
        if marks is None:
            raise NotReadyError(
                "the secret is not made yet", hint="the next step is: blindlink secret accept"
            )
        test = run_self_test(profile, marks)
        former = kept.confirmation_of(self.party)
        if former is not None and former.confirmation.self_test == test:
            return former
        signed = confirm(marks, self.holders, self.own, test, now)
        self._keep(kept.with_confirmation(signed))
        return signed

    def refuse_confirmed(self) -> None:
        """Refuse to begin anew where all holders have confirmed the same secret, as far as is known here.

        Raises:
            ShareStartedError: it is so.
        """
        kept = self.kept()
        if kept is None or unconfirmed(kept):
            return
        # Holders that have made different secrets must be able to begin anew.
        if len({one.confirmation.key_id for one in kept.confirmations}) == 1:
            raise ShareStartedError(
                f"all holders have confirmed the secret of epoch {self.holders.epoch}, so it can't be replaced",
                hint="to make a new secret for a new epoch: blindlink secret share --next",
            )

    def refuse_lost(self, confirmed: Sequence[SignedConfirmation]) -> None:
        """Refuse to go on where this agency has confirmed the secret, and its workspace does not have it.

        Raises:
            SecretLostError: it is so.
        """
        refuse_lost(
            self.workspace, confirmed, self.holders.project, self.holders.parties, self.party
        )

    def kept(self) -> KeptSecret | None:
        """Return what is agreed so far; None before the first step."""
        return kept_of(self.workspace, self.holders.project, self.holders.epoch)

    def _begun(self) -> KeptSecret:
        kept = self.kept()
        if kept is None:
            raise NotReadyError(
                f"this agency has not sent its part of the secret of epoch {self.holders.epoch} yet",
                hint="the first step is: blindlink secret share",
            )
        self._refuse_other_holders(kept)
        return kept

    def _keep(self, kept: KeptSecret) -> KeptSecret:
        place = self.workspace.kept_secret(self.holders.project, self.holders.epoch)
        write_kept(place, kept, self.workspace.key())
        return kept

    def _check(self, signed: SignedShare) -> None:
        sender = self._other(signed.share.sender)
        check_share(signed, self.holders, self.party, sender)

    def _other(self, party: str) -> PublicIdentity:
        if party not in self.others:
            raise ShareError(f"{party} is not one of the other holders of this secret")
        return self.others[party]

    def _refuse_other_holders(self, kept: KeptSecret) -> None:
        if kept.holders == self.holders:
            return
        changed = sorted(
            party
            for party in {*kept.holders.parties, *self.holders.parties}
            if kept.holders.of(party) != self.holders.of(party)
        )
        raise ShareStartedError(
            f"the secret of epoch {self.holders.epoch} was begun with a different person or different keys of"
            f" {', '.join(changed)}",
            hint="to start over, all agencies type: blindlink secret share --again",
        )


def refuse_lost(
    workspace: Workspace,
    confirmed: Sequence[SignedConfirmation],
    project: str,
    holders: Collection[str],
    party: str,
) -> None:
    """Refuse to go on where a party has confirmed an epoch's secret, and its workspace does not have it.

    Args:
        workspace: the party's.
        confirmed: what is said to have been confirmed of one epoch; who lies here gains nothing but a refusal.
        project: which project.
        holders: all parties that hold the secret.
        party: which party.
    Raises:
        SecretLostError: it is so, as after an old backup was restored.
    """
    own = next((one for one in confirmed if one.confirmation.party == party), None)
    if own is None:
        return
    epoch = own.confirmation.epoch
    kept = kept_of(workspace, project, epoch)
    if kept is not None and kept.is_made:
        return
    again = "all agencies type: blindlink secret share --again"
    if {*holders} <= {one.confirmation.party for one in confirmed}:
        again = (
            "all agencies type: blindlink secret share --next, and sign an agreement with a new secret:"
            " blindlink agreement draft --amends AGREEMENT --set new_secret=true"
        )
    raise SecretLostError(
        f"this agency has confirmed the secret of epoch {epoch}, by what the broker shows, and this workspace"
        " does not have it: it was restored from a backup that was made before",
        hint=f"restore a later backup; if there is none, {again}",
    )


def unconfirmed(kept: KeptSecret) -> tuple[str, ...]:
    """Return the holders that have not confirmed the secret yet, this agency among them."""
    return tuple(party for party in kept.holders.parties if kept.confirmation_of(party) is None)


def differences(kept: KeptSecret, party: str) -> tuple[Difference, ...]:
    """Return what the other holders do not have or do as this agency does, as far as they have confirmed.

    Args:
        kept: what this agency keeps of the secret.
        party: this agency's name.
    """
    marks, own = kept.marks(), kept.confirmation_of(party)
    if marks is None or own is None:
        return ()
    found: list[Difference] = []
    for theirs in kept.confirmations:
        if theirs is not own:
            found.extend(_differences_from(theirs, own, marks))
    return tuple(found)


def refuse_differences(found: Sequence[Difference]) -> None:
    """Refuse to go on where agencies do not encode alike.

    Raises:
        SecretsDifferError: there is a difference; the sentence says which.
    """
    if not found:
        return
    hint = {
        "secret": "to start over, all agencies type: blindlink secret share --again",
        "version": "install the same version of blindlink everywhere, then: blindlink secret accept",
    }.get(found[0].what, "all agencies need the same project: blindlink secret accept, and compare")
    raise SecretsDifferError("; ".join(one.sentence for one in found), hint=hint)


def _differences_from(
    theirs: SignedConfirmation, own: SignedConfirmation, marks: Marks
) -> tuple[Difference, ...]:
    confirmation = theirs.confirmation
    return compare_self_tests(
        own.confirmation.self_test,
        confirmation.self_test,
        confirmation.party,
        is_same_secret=confirmation.key_id == marks.key_id and has_secret(marks, confirmation),
    )
