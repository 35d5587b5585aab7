"""What the match log says of a round besides its opening: whether it counts, and what was sent in it.

The entries are those that the broker shows of the project. They keep to the rules of the log, so that a
round is opened when it is due, with nonces of its own, and closed once, and a person asked for its correction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from encoding.errors import RoundUnprovenError, UnseenAgreementError
from encoding.ledger.messages import Listed, claims_stream, statement_stream
from encoding.ledger.values import MessagePlace, Turn
from schemas.documents.document import Model
from schemas.documents.errors import SignatureError
from schemas.matchlog.entry import Entry
from schemas.matchlog.person_kinds import KeyRotated, RoleChanged
from schemas.matchlog.review_kinds import SupplementClosed
from schemas.matchlog.round_kinds import (
    ClaimsReceived,
    NoncesOffered,
    RoundClosed,
    RoundOpened,
    RoundSuperseded,
    StatementReceived,
)
from schemas.matchlog.run_kinds import RunFinished
from schemas.matchlog.upload_kinds import UploadReceived
from schemas.rounds.rounds import SupplementView
from schemas.signing.identity import PublicIdentity

_TELL: Final = (
    "nothing was encoded or stored; call the other agencies and the operator of the broker"
)
_Body = TypeVar("_Body", bound=Model)


@dataclass(frozen=True, slots=True)
class RoundHistory:
    """The rounds of a project, as all entries about it, and those of none, tell them."""

    entries: tuple[Entry, ...]

    def refuse_superseded(self, number: int) -> None:
        """Refuse a round that was corrected, or never opened.

        Raises:
            RoundUnprovenError: it was.
        """
        for _, body in self._told(RoundSuperseded):
            if body.round == number:
                raise RoundUnprovenError(
                    f"the match log shows that round {number} was corrected: round {body.by} takes its"
                    " place",
                    hint="repeat the command; if it fails again, the broker shows a round that is not valid",
                )
        if all(body.round != number for _, body in self._told(RoundOpened)):
            raise RoundUnprovenError(
                f"the match log does not show that round {number} was opened", hint=_TELL
            )

    def closing_of(self, number: int) -> RoundClosed:
        """Return which claims and statements count in a round.

        Raises:
            RoundUnprovenError: it was not closed, or was corrected.
        """
        self.refuse_superseded(number)
        for _, body in self._told(RoundClosed):
            if body.round == number:
                return body
        raise RoundUnprovenError(
            f"the match log does not show that round {number} was closed", hint=_TELL
        )

    def supplement_closing_of(self, number: int, supplement: SupplementView) -> SupplementClosed:
        """Return which claims count in a supplementary release of a round.

        Raises:
            RoundUnprovenError: it was not closed, or the round does not count.
        """
        self.closing_of(number)
        for entry, body in self._told(SupplementClosed):
            found = body.round, body.release, entry.object
            if found == (number, supplement.release, supplement.run):
                return body
        raise RoundUnprovenError(
            "the match log does not show that the supplementary release was closed", hint=_TELL
        )

    def refuse_unfinished(self, run: str, specification_sha256: str) -> None:
        """Refuse what a run found that the log does not show as finished: by its rules it was approved, then.

        Raises:
            RoundUnprovenError: it does not, or not by this specification.
        """
        logged = [b.specification_sha256 for at, b in self._told(RunFinished) if at.object == run]
        if specification_sha256 not in logged:
            raise RoundUnprovenError(
                "the match log does not show that the run has finished", hint=_TELL
            )

    def upload_of(self, number: int, party: str, partner: str) -> UploadReceived | None:
        """Return what a party has uploaded for a partner in a round; None: nothing."""
        for entry, body in self._told(UploadReceived):
            if (body.round, entry.actor.party, body.partner) == (number, party, partner):
                return body
        return None

    def refuse_unfit(self, number: int, agreements: Collection[str]) -> None:
        """Refuse to encode for a round that is over, or that is of an agreement not known here.

        Args:
            number: the round's.
            agreements: the digests of those of the project that all have signed.
        Raises:
            RoundUnprovenError: it is not the newest, or was closed or corrected.
            UnseenAgreementError: it was opened under an agreement that is not among these.
        """
        self.refuse_superseded(number)
        *_, (opening, newest) = self._told(RoundOpened)
        if newest.round != number or any(one.round == number for _, one in self._told(RoundClosed)):
            raise RoundUnprovenError(f"the match log shows that round {number} is over", hint=_TELL)
        for entry in (opening, *self._corrections(newest)):
            if entry.agreement not in agreements:
                # An amendment may have come into force since the command looked.
                raise UnseenAgreementError(
                    f"round {number} was opened under an agreement that this agency does not have",
                    hint=f"repeat the command; if it fails again: {_TELL}",
                )

    def keys_at(self, entry: Entry, listed: PublicIdentity) -> PublicIdentity:
        """Return a person as they were when an entry was made: with keys that have followed those listed."""
        for at, body in self._told(KeyRotated):
            if at.seq < entry.seq and body.signed is not None:
                with suppress(SignatureError):
                    listed = body.signed.verify(listed)
        return listed

    def voided_since(self, party: str, number: int | None) -> bool:
        """Tell whether a party has voided its nonces since a round was opened, as after a restore."""
        begun = (at.seq for at, body in self._told(RoundOpened) if body.round == number)
        since = 0 if number is None else next(begun, 0)
        offers = ((at, body.signed.offer) for at, body in self._told(NoncesOffered))
        return any(at.seq > since and o.party == party and o.void_below > 1 for at, o in offers)

    def was_revoked(self, entry: Entry, person: str) -> bool:
        """Tell whether a person could not act any more when an entry was made."""
        return any(
            at.seq < entry.seq and (body.person, body.change) == (person, "revoked")
            for at, body in self._told(RoleChanged)
        )

    def _corrections(self, opened: RoundOpened) -> Iterator[Entry]:
        """Yield the entry that says which round an opening corrects, if it corrects one."""
        return (at for at, body in self._told(RoundSuperseded) if body.round == opened.corrects)

    def _told(self, kind: type[_Body]) -> Iterator[tuple[Entry, _Body]]:
        return ((entry, entry.body) for entry in self.entries if isinstance(entry.body, kind))


def round_history(entries: Iterable[Entry], project: str) -> RoundHistory:
    """Return the rounds of a project; `entries` are what the log shows of it, and of no project, in order."""
    return RoundHistory(tuple(one for one in entries if one.project in (project, None)))


@dataclass(frozen=True, slots=True)
class LoggedMessage:
    """A message as the log has it: by which entry, of which release, and at which place of its stream."""

    entry: Entry
    turn: Turn
    place: MessagePlace


def logged_stream(entries: Iterable[Entry], space: str, stream: str) -> list[LoggedMessage]:
    """Return the messages of a stream, in order."""
    found = []
    for entry in entries:
        body, party = entry.body, entry.actor.party
        if isinstance(body, ClaimsReceived):
            of, turn = claims_stream(party, body.partner), Turn(body.round, body.release)
        elif isinstance(body, StatementReceived) and body.space == space:
            of, turn = statement_stream(party), Turn(body.round, 1)
        else:
            continue
        if of == stream:
            found.append(LoggedMessage(entry, turn, MessagePlace(body.sequence, body.sha256)))
    return found


def find_message(
    stream: Sequence[LoggedMessage], turn: Turn, sha256: str
) -> tuple[LoggedMessage, Listed] | None:
    """Return a message of a release as the log has it, and its place in the stream; None if it is not there.

    What comes before it may be of a release that was never applied here: it need not have been read.
    """
    for number, one in enumerate(stream):
        if (one.turn, one.place.sha256) == (turn, sha256):
            return one, Listed(one.place, stream[number - 1].place if number else None)
    return None
