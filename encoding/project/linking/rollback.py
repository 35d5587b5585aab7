"""A rollback as a person of this agency signs it, and carries it out with what all others have signed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from encoding.errors import NotReadyError
from encoding.files import refuse_to_overwrite, write_durably
from encoding.ledger.book import Ledger
from encoding.ledger.errors import RollbackError
from encoding.ledger.ledger_file import held_as_of
from encoding.ledger.values import Turn
from encoding.people.identity import Identity
from encoding.project.agreement.agreements import trusted_peers
from encoding.project.agreement.project_view import last_seen
from encoding.project.agreement.rosters import on_their_roster
from encoding.project.context import (
    Known,
)
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session
from encoding.rounds.api import RoundsApi
from schemas.agreement.chapter_limits import listed
from schemas.documents.errors import FormatError, SignatureError
from schemas.documents.ids import utc_text
from schemas.rounds.rollback import PairLedger, Release, Rollback, SignedRollback
from schemas.signing.identity import PublicIdentity

_START: Final = b'{"rollback":'
_MAX_BYTES: Final = 1024 * 1024
_DUTY: Final = "recipient"


@dataclass(frozen=True, slots=True)
class RollbackWord:
    """To which round, why, what others have signed, and where to write what is signed here."""

    round: int
    reason: str
    theirs: tuple[Path, ...]
    output: Path


@dataclass(frozen=True, slots=True)
class RollbackDone:
    """What was signed, for whom, and whether the ledger has gone back."""

    signed: SignedRollback
    output: Path
    others: tuple[str, ...]
    has_gone_back: bool

    def document(self) -> dict[str, Any]:
        """Return it as a document."""
        said = self.signed.rollback
        return {
            "round": said.to.round,
            "from_round": said.applied.round + 1,
            "subject": said.subject(),
            "file": str(self.output),
            "done": self.has_gone_back,
        }

    def remarks(self) -> Iterator[str]:
        """Yield what was done, and what comes next."""
        said, others = self.signed.rollback, listed(self.others)
        if self.has_gone_back:
            yield (
                f"the ledger is back to where it was after round {said.to.round}; this counts from"
                f" round {said.applied.round + 1} on, and {others} must do the same before that"
            )
            yield f"hand {self.output} to {others}, if they do not have it yet"
        else:
            yield f"signed; nothing has changed yet. Hand {self.output} to {others}"
            yield "then give the command again, with what they sign: --with THEIRS"


def roll_back(session: Session, word: RollbackWord) -> RollbackDone:
    """Sign, and carry out what all have signed; the same command again is safe."""
    refuse_to_overwrite(word.output, own_start=_START)
    desk, own = last_seen(session), unlock_own(session)
    if _DUTY not in own.public.duties:
        raise RollbackError(f"only a person with the duty {_DUTY} can do this")
    if not desk.is_lasting:
        raise RollbackError("link IDs of this agency's link-ID set are new in each round")
    others = _other_recipients(desk)
    if word.theirs:
        _refuse_open_round(session)
    with session.workspace.lock():
        kept = desk.ledger_file
        ledger = kept.read()
        said = _stated(desk, ledger, own, word)
        signed = SignedRollback.of(said, own.keys.signing_key)
        theirs = tuple(_received(session, said, others, path) for path in word.theirs)
        missing = sorted({*others} - {one.rollback.party for one in theirs})
        if theirs and missing:
            raise RollbackError(f"{listed(missing)} has not signed, and all recipients must")
        # Once it is there, what was signed may be handed over whatever happens.
        write_durably(word.output, signed.to_canonical())
        if theirs and ledger.rolled_back is None:
            turn = Turn(*said.to.place())
            proof = b"[" + b",".join(one.to_canonical() for one in (signed, *theirs)) + b"]"
            ledger.roll_back(
                turn,
                held_as_of(ledger, turn),
                sha256=said.subject(),
                signed=proof.decode("utf-8"),
            )
            kept.write(ledger)
    return RollbackDone(signed, word.output, others, ledger.rolled_back is not None)


def _refuse_open_round(session: Session) -> None:
    """Refuse to go back while a round is open: what was said of it would be of another ledger."""
    with session.connect() as client:
        session.trust(client)
        newest = next(iter(RoundsApi(client, session.project).rounds().rounds), None)
    if newest is not None and newest.state == "open":
        raise NotReadyError(
            f"round {newest.round} is open: ledgers go back between rounds",
            hint="finish it first: blindlink refresh; once it is closed, all sign anew",
        )


def _other_recipients(desk: Known) -> tuple[str, ...]:
    space = desk.required_space
    others = tuple(
        one.party
        for one in desk.view.terms.recipients
        if (one.space, one.mode) == (space, "linked") and one.party != desk.session.party
    )
    if not others:
        raise RollbackError(
            "nobody else receives in this agency's link-ID set, with whom it could go back"
        )
    return others


def _stated(desk: Known, ledger: Ledger, own: Identity, word: RollbackWord) -> Rollback:
    """Return what this person signs."""
    session, last = desk.session, ledger.last
    turns = [event.turn for event in ledger.events if event.kind == "applied"]
    to = max((turn for turn in turns if turn.round == word.round), default=None)
    if to is None or last is None:
        raise RollbackError(f"this agency's ledger knows nothing of round {word.round}")
    if to == last:
        raise RollbackError(f"round {word.round} is the newest one: there is nothing to go back to")
    ledgers = tuple(_pair_ledgers(ledger, to))
    if not ledgers:
        raise RollbackError(f"no other agency has confirmed the link IDs of round {word.round}")
    said = Rollback(
        project=session.project,
        space=desk.required_space,
        to=Release(**to._asdict()),
        applied=Release(**last._asdict()),
        ledgers=ledgers,
        party=session.party,
        person=own.public.person,
        reason=word.reason,
        at=utc_text(session.now()),
    )
    if ledger.rolled_back not in (None, said.subject()):
        raise RollbackError("this agency's ledger has gone back to another round already")
    return said


def _pair_ledgers(ledger: Ledger, to: Turn) -> Iterator[PairLedger]:
    """Yield what the ledger said of each pair after a release."""
    newest: dict[tuple[str, str], tuple[Turn, str]] = {}
    for event in ledger.events:
        if event.kind == "digest" and event.turn <= to:
            one, another = event.text.split(" ")
            newest[one, another] = event.turn, event.raw.hex()
    for pair, (turn, digest) in sorted(newest.items()):
        yield PairLedger(pair=pair, **turn._asdict(), digest=digest)


def _received(session: Session, own: Rollback, others: Sequence[str], path: Path) -> SignedRollback:
    """Return what another recipient has signed."""
    try:
        with path.open("rb") as file:
            signed = SignedRollback.from_canonical(file.read(_MAX_BYTES))
    except (OSError, FormatError) as exc:
        raise RollbackError(f"{path} is not a rollback that someone has signed") from exc
    said = signed.rollback
    if said.party not in others:
        raise RollbackError(f"{path} is not of another recipient of this link-ID set")
    known = trusted_peers(session, ()).trusted_of(said.party, ())
    trusted = on_their_roster(session, said.party, known)
    if not any(_has_signed(signed, one) for one in trusted):
        raise RollbackError(
            f"{path} is not signed by a person of {said.party} whose keys are trusted, with the duty {_DUTY}"
        )
    if not own.agrees_with(said):
        raise RollbackError(
            f"{said.party} has signed something else: another round, other link IDs in it, or at another time",
            hint="compare the numbers of the rounds; after each new round, all must sign again",
        )
    return signed


def _has_signed(signed: SignedRollback, person: PublicIdentity) -> bool:
    if person.person != signed.rollback.person or _DUTY not in person.duties:
        return False
    try:
        signed.verify(person)
    except SignatureError:
        return False
    return True
