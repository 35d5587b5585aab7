"""What the match log says of a round besides its opening: whether it counts, is due, has its nonces to itself.

The entries are those that the broker shows of the project, held to the pins. Each names the one before it, so
that none before the last one shown can be left out; what comes after it shows with the next receipt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from encoding.errors import RoundUnprovenError, UnseenAgreementError
from schemas.agreement.agreement import Agreement, ProjectTerms
from schemas.documents.errors import SignatureError
from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import KeyRotated, RoleChanged, UploadReceived
from schemas.matchlog.review_kinds import ReviewEnded, SupplementClosed
from schemas.matchlog.round_kinds import NoncesOffered, RoundClosed, RoundOpened, RoundSuperseded
from schemas.rounds.rounds import SupplementView
from schemas.rounds.timetable import next_day
from schemas.signing.identity import PublicIdentity, SignedKeyChange

_TELL: Final = (
    "nothing was encoded or stored; call the other agencies and the operator of the broker"
)


@dataclass(frozen=True, slots=True)
class _Opened:
    """An opening, the day of it in UTC, and the agreement under which it was."""

    body: RoundOpened
    day: date
    agreement: str | None


@dataclass(slots=True)
class RoundHistory:
    """The rounds of a project as the log shows them: openings in their order, and which rounds are over.

    `key_changes` are those that persons have signed, each with the number of its entry, in order.
    `corrections` are the entries that say that a round was corrected, by its number. `accepted` are the runs
    whose clerical review ended with a supplementary release, by round and its number. `closings` and
    `supplements` are what rounds and supplementary releases were closed with, `received` the uploads by round,
    party and partner: the log's verifier takes one of each, and a broker may have logged more. `revoked` are
    persons who may not act any more, with the number of the entry since which. `entries` are all that was read.
    """

    openings: list[_Opened] = field(default_factory=list)
    key_changes: list[tuple[int, SignedKeyChange]] = field(default_factory=list)
    corrections: dict[int, Entry] = field(default_factory=dict)
    closings: dict[int, list[RoundClosed]] = field(default_factory=dict)
    accepted: dict[tuple[int, int], str] = field(default_factory=dict)
    supplements: dict[tuple[int, int, str], list[SupplementClosed]] = field(default_factory=dict)
    received: dict[tuple[int, str, str], list[UploadReceived]] = field(default_factory=dict)
    revoked: dict[str, int] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    def take(self, entry: Entry) -> None:
        """Take the next entry of the project, or of none: changes of keys are of no project."""
        self.entries.append(entry)
        body = entry.body
        if isinstance(body, RoundOpened):
            day = date.fromisoformat(entry.time[:10])
            self.openings.append(_Opened(body, day, entry.agreement))
        elif isinstance(body, RoundSuperseded):
            self.corrections[body.round] = entry
        elif isinstance(body, RoundClosed):
            self.closings.setdefault(body.round, []).append(body)
        elif isinstance(body, SupplementClosed):
            place = body.round, body.release, entry.object or ""
            self.supplements.setdefault(place, []).append(body)
        elif isinstance(body, UploadReceived):
            turn = body.round, entry.actor.party, body.partner
            self.received.setdefault(turn, []).append(body)
        elif isinstance(body, ReviewEnded) and body.release is not None:
            self.accepted.setdefault((body.round, body.release), entry.object or "")
        elif isinstance(body, KeyRotated) and body.signed is not None:
            self.key_changes.append((entry.seq, body.signed))
        elif isinstance(body, RoleChanged) and body.change == "revoked":
            self.revoked.setdefault(body.person, entry.seq)

    def refuse_superseded(self, number: int) -> None:
        """Refuse a round that was corrected, or that was opened more than once."""
        by = self._superseded_by(number)
        if by is not None:
            raise RoundUnprovenError(
                f"the match log shows that round {number} was corrected: round {by} takes its place",
                hint="repeat the command; if it fails again, the broker shows a round that is not valid",
            )
        if sum(one.body.round == number for one in self.openings) != 1:
            raise RoundUnprovenError(
                f"the match log does not show exactly one opening of round {number}", hint=_TELL
            )

    def closing_of(self, number: int) -> RoundClosed:
        """Return which claims and statements count in a round."""
        self.refuse_superseded(number)
        found = self.closings.get(number, [])
        if len(found) != 1:
            how = "shows more than once" if found else "does not show"
            raise RoundUnprovenError(
                f"the match log {how} that round {number} was closed", hint=_TELL
            )
        return found[0]

    def supplement_closing_of(self, number: int, supplement: SupplementView) -> SupplementClosed:
        """Return which claims count in a supplementary release of a round."""
        self.closing_of(number)
        if self.accepted.get((number, supplement.release)) != supplement.run:
            raise RoundUnprovenError(
                "the match log does not show that a clerical review ended with this supplementary release",
                hint=_TELL,
            )
        found = self.supplements.get((number, supplement.release, supplement.run), [])
        if len(found) != 1:
            raise RoundUnprovenError(
                "the match log does not show that the supplementary release was closed once",
                hint=_TELL,
            )
        return found[0]

    def upload_of(self, number: int, party: str, partner: str) -> UploadReceived | None:
        """Return what a party has uploaded for a partner in a round; None: nothing."""
        found = self.received.get((number, party, partner), [])
        if len(found) > 1:
            raise RoundUnprovenError(
                f"by the match log, {party} has uploaded for {partner} more than once in round {number}",
                hint=_TELL,
            )
        return found[0] if found else None

    def refuse_unfit(self, number: int, agreements: Mapping[str, Agreement], party: str) -> None:
        """Refuse to encode for a round that is over, not due, or uses a nonce of this party again."""
        self.refuse_superseded(number)
        *before, newest = self.openings
        if newest.body.round != number or number in self.closings:
            raise RoundUnprovenError(f"the match log shows that round {number} is over", hint=_TELL)
        own = _nonces(newest.body, party)
        if any(own & _nonces(one.body, party) for one in before):
            raise RoundUnprovenError(
                f"round {number} uses a random number that an earlier round has used", hint=_TELL
            )
        terms = _terms_of(newest, before, agreements)
        self._refuse_early(newest, before, terms)
        _refuse_beyond_budget(newest, before, terms)

    def correction_by(self, number: int) -> Entry | None:
        """Return the entry that says which round this one corrects; None: it corrects none."""
        corrected = next((o.body.corrects for o in self.openings if o.body.round == number), None)
        return None if corrected is None else self.corrections.get(corrected)

    def keys_at(self, entry: Entry, listed: PublicIdentity) -> PublicIdentity:
        """Return a person as they were when an entry was made: with keys that have followed those listed."""
        for seq, change in self.key_changes:
            if seq < entry.seq:
                with suppress(SignatureError):
                    listed = change.verify(listed)
        return listed

    def voided_since(self, party: str, number: int | None) -> bool:
        """Tell whether a party has voided its nonces since a round was opened, as after a restore."""
        begun = (
            one.seq
            for one in self.entries
            if isinstance(one.body, RoundOpened) and one.body.round == number
        )
        since = 0 if number is None else next(begun, 0)
        return any(
            isinstance(one.body, NoncesOffered)
            and one.body.signed.offer.party == party
            and one.body.signed.offer.void_below > 1
            for one in self.entries
            if one.seq > since
        )

    def was_revoked(self, entry: Entry, person: str) -> bool:
        """Tell whether a person could not act any more when an entry was made."""
        return self.revoked.get(person, entry.seq) < entry.seq

    def _superseded_by(self, number: int) -> int | None:
        entry = self.corrections.get(number)
        return entry.body.by if entry and isinstance(entry.body, RoundSuperseded) else None

    def _refuse_early(
        self, newest: _Opened, before: Iterable[_Opened], terms: ProjectTerms
    ) -> None:
        body = newest.body
        if body.corrects is not None:
            by, correction = self._superseded_by(body.corrects), self.corrections.get(body.corrects)
            # One transaction makes both: else an earlier agreement's request would do for the correction.
            if by != body.round or correction is None or correction.agreement != newest.agreement:
                raise RoundUnprovenError(
                    f"round {body.round} corrects one that the match log does not show as corrected",
                    hint=_TELL,
                )
            return
        regular = [one.day for one in before if one.body.corrects is None]
        due = next_day(terms, regular[-1]) if regular else None
        if due is not None and newest.day < due:
            raise RoundUnprovenError(
                f"round {body.round} was opened before it was due by the agreement's schedule",
                hint=_TELL,
            )


def round_history(entries: Iterable[Entry], project: str) -> RoundHistory:
    """Return the rounds of a project."""
    found = RoundHistory()
    for entry in entries:
        if entry.project in (project, None):
            found.take(entry)
    return found


def _terms_of(
    newest: _Opened, before: Iterable[_Opened], agreements: Mapping[str, Agreement]
) -> ProjectTerms:
    """Return the terms under which the newest round was opened, which no earlier opening has left behind."""
    numbers = {digest: one.number for digest, one in agreements.items()}
    agreement = agreements.get(newest.agreement or "")
    if agreement is None:
        # An amendment may have come into force since the command looked.
        raise UnseenAgreementError(
            f"round {newest.body.round} was opened under an agreement that this agency does not have",
            hint=f"repeat the command; if it fails again: {_TELL}",
        )
    if any(numbers.get(one.agreement or "", 0) > agreement.number for one in before):
        raise RoundUnprovenError(
            f"round {newest.body.round} was opened under an agreement that had been replaced",
            hint=_TELL,
        )
    return agreement.terms()


def _refuse_beyond_budget(newest: _Opened, before: Iterable[_Opened], terms: ProjectTerms) -> None:
    budget = terms.round_budget
    if budget is None:
        return
    # As broker and verifier count: whole days in UTC, and corrections too.
    first = newest.day - timedelta(days=budget.days - 1)
    if sum(one.day >= first for one in before) >= budget.rounds:
        raise RoundUnprovenError(
            f"round {newest.body.round} was opened beyond the number of rounds that the agreement allows:"
            f" {budget.rounds} within {budget.days} days",
            hint=_TELL,
        )


def _nonces(body: RoundOpened, party: str) -> set[str]:
    found = set()
    for pair in body.pairs:
        if party == pair.larger:
            found.add(pair.nonce_larger.nonce)
        elif party == pair.smaller:
            found.add(pair.nonce_smaller.nonce)
    return found
