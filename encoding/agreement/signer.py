"""What a person signs about an agreement with their own keys; it is verified before it leaves.

Each statement names the one of the same party before it, as this agency knows it. An agency that believes a
broker about that may leave out, by its own signature, a halt or a revocation of its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from encoding.agreement.kept_agreements import KeptAgreements, OwnWord
from encoding.errors import AgreementError, AgreementUntrustedError
from encoding.people.identity import Identity
from schemas.agreement.agreement import Agreement
from schemas.agreement.negotiation import LastWord
from schemas.agreement.statement import (
    Act,
    ApprovalRevocation,
    Consent,
    Counsel,
    Notice,
    RunApproval,
    SignedStatement,
    StandingApproval,
    Statement,
    Step,
)
from schemas.documents.errors import SignatureError
from schemas.documents.ids import APPROVAL_PREFIX, utc_text
from schemas.linkage.run import MatchingPolicy, RunSpecification
from schemas.signing.identity import IdentityHistory, SignedKeyChange
from schemas.signing.signed_times import CLOCK_SKEW


def require_last(word: LastWord, known: KeptAgreements, party: str) -> None:
    """Make sure that what a broker says was a party's last statement can be the last.

    What others of the party have signed elsewhere may be unknown here, so that a later one counts.

    Raises:
        AgreementUntrustedError: the party has signed something after it.
    """
    said = {one.sha256: one for one in _own(known, party)}
    newest = max((one.at for one in said.values()), default="")
    before = {one.before for one in said.values()}
    same = said.get(word.sha256 or "")
    is_older = word.sha256 in before or (word.at or "") < newest
    if said and (is_older or (same is not None and same.at != word.at)):
        raise AgreementUntrustedError(
            f"the broker leaves out what {party} has signed since, such as a halt or a revocation",
            hint="nothing was signed; ask the operator by telephone, and keep your copies of the log",
        )


def _own(known: KeptAgreements, party: str) -> Iterator[OwnWord]:
    """Yield what the party has signed that a broker has shown here; a consent may never have come to it."""
    yield from known.words
    for kept in known.agreements:
        for signed in kept.notices:
            if signed.statement.party == party:
                yield OwnWord.of(signed.statement)


# Of a party that has signed nothing in the project.
NOTHING_YET: Final = LastWord(sha256=None, at=None)
# The other person's clock may have been ahead of the broker's, which this computer's may be behind.
_MOST_AHEAD: Final = 2 * CLOCK_SKEW


@dataclass(frozen=True, slots=True)
class Signer:
    """A person who signs about one agreement; `changes` lead from the keys that it lists to the own ones.

    `before` is what the party signed last in the project.

    Raises, from every method:
        AgreementError: the agreement does not list this person, these keys, or the duty that it needs.
        AgreementUntrustedError: the party's last word is of a time that is yet to come.
    """

    own: Identity
    agreement: Agreement
    changes: tuple[SignedKeyChange, ...] = ()
    before: LastWord = NOTHING_YET

    def consent(self, counsel: Counsel | None, now: datetime) -> SignedStatement:
        """Consent to the agreement, word for word, with the party's counsel where it needs one."""
        return self._sign(Consent(counsel=counsel, **self._frame(now)))

    def notice(self, act: Act, reason: str, now: datetime) -> SignedStatement:
        """Halt the linkage, lift the own halt, or leave."""
        return self._sign(Notice(act=act, reason=reason, **self._frame(now)))

    def approve(
        self, step: Step, specification: RunSpecification, now: datetime, days: int
    ) -> SignedStatement:
        """Approve a step of a run by exactly this specification, for so many days."""
        return self._sign(
            RunApproval(
                approval=_new_id(),
                step=step,
                run=specification.run,
                specification_sha256=specification.digest(),
                expires=utc_text(now + timedelta(days=days)),
                **self._frame(now),
            )
        )

    def approve_in_advance(
        self, policy: MatchingPolicy, until: str, runs: int, now: datetime
    ) -> SignedStatement:
        """Approve so many runs of a policy, through a day."""
        return self._sign(
            StandingApproval(
                approval=_new_id(),
                policy_sha256=policy.digest(),
                until=until,
                runs=runs,
                **self._frame(now),
            )
        )

    def revoke(self, approval: str, now: datetime) -> SignedStatement:
        """Take a standing approval back."""
        return self._sign(ApprovalRevocation(approval=approval, **self._frame(now)))

    def _frame(self, now: datetime) -> dict[str, Any]:
        public, before = self.own.public, self.before
        if before.at is not None and before.at > utc_text(now + _MOST_AHEAD):
            # What is signed now would be dated no earlier, and so later than all that is signed from then on.
            raise AgreementUntrustedError(
                f"the broker says that {public.party} signed something at {before.at}, which is yet to come",
                hint="nothing was signed; look at this computer's clock, or call the operator",
            )
        return {
            "project": self.agreement.project,
            "agreement": self.agreement.digest(),
            "party": public.party,
            "person": public.person,
            "before": before.sha256,
            # No earlier, should another person's clock be ahead.
            "at": max(utc_text(now), before.at or ""),
        }

    def _sign(self, statement: Statement) -> SignedStatement:
        signed = SignedStatement.of(statement, self.own.keys.signing_key, changes=self.changes)
        try:
            signed.verify(self.agreement)
        except SignatureError as exc:
            raise AgreementError(
                f"you cannot sign this: {exc}",
                hint="see who can: blindlink agreement show",
            ) from exc
        return signed


def changes_since(
    agreement: Agreement, own: Identity, shown: Iterable[IdentityHistory]
) -> tuple[SignedKeyChange, ...]:
    """Return the changes that lead from the keys that an agreement lists for a person to their own.

    Args:
        shown: histories of keys as a directory shows them; what a broker changed in them verifies nowhere.
    """
    listed = agreement.person(own.public.person)
    if listed is None or listed.signing_key == own.public.signing_key:
        return ()
    for history in shown:
        if history.newest().person != own.public.person:
            continue
        old_keys = [change.change.old_key for change in history.changes]
        if listed.signing_key in old_keys:
            return history.changes[old_keys.index(listed.signing_key) :]
    return ()


def _new_id() -> str:
    return f"{APPROVAL_PREFIX}-{secrets.token_hex(16)}"
