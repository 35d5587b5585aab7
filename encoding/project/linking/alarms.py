"""Alarms about closed rounds: kept, told once where the next round catches up, else given up by a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from encoding.errors import AgencyError, NotReadyError
from encoding.ledger.errors import LinkAlarmError, MessageUnreadableError
from encoding.ledger.values import Turn
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session
from encoding.rounds.kept_alarms import MAX_SENTENCE, Alarms, GivenUp, KeptAlarm
from schemas.documents.ids import utc_text
from schemas.documents.printable import printable


def keep_alarm(session: Session, turn: Turn, alarm: LinkAlarmError) -> KeptAlarm:
    """Keep an alarm about a closed release, and return it; one that is kept about the release stays.

    A message that cannot be read costs the release, as one that has not come in time does. Whatever contradicts
    itself, or the log, stops the next rounds until someone gives the release up.
    """
    with session.workspace.lock():
        alarms = Alarms(session.workspace, session.project)
        kept = alarms.of(turn)
        is_over = isinstance(alarm, MessageUnreadableError)
        if kept is None or (is_over and not kept.is_over):
            kept = KeptAlarm(
                round=turn.round,
                release=turn.release,
                code=alarm.code,
                sentence=printable(str(alarm))[:MAX_SENTENCE],
                at=utc_text(session.now()),
                is_over=is_over,
                given_up=None,
                # What stops ends each command by itself.
                is_told=not is_over,
            )
            alarms.keep(kept)
        return kept


def is_given_up(session: Session, turn: Turn) -> bool:
    """Tell whether a person has given a release up."""
    return any(one.turn == turn and one.given_up is not None for one in _kept(session))


def refuse_given_up(session: Session, turn: Turn) -> None:
    """Refuse to go on with a release that a person has given up."""
    if is_given_up(session, turn):
        raise NotReadyError(
            f"round {turn.round} was given up here, and the next one catches up",
            hint="see: blindlink status",
        )


def give_up_round(session: Session, number: int, reason: str) -> None:
    """Give up what stops because of an alarm in a closed round: it is not applied here."""
    person = unlock_own(session).public.person
    given_up = GivenUp(person=person, at=utc_text(session.now()), reason=reason)
    with session.workspace.lock():
        alarms = Alarms(session.workspace, session.project)
        stops = [one for one in alarms.all() if one.round == number and not one.is_over]
        if not stops:
            raise NotReadyError(
                f"no alarm stops round {number} here: a round is given up once it is closed, and a command has"
                " ended with exit code 9 because of it",
                hint="see: blindlink status",
            )
        changes = {"is_over": True, "given_up": given_up}
        alarms.keep(*(one.model_copy(update=changes) for one in stops))


def alarm_sentences(session: Session, after: int) -> tuple[str, ...]:
    """Return in sentences which releases of rounds after this one were not applied here because of an alarm."""
    said = (_sentence(one) for one in _kept(session) if one.round > after)
    return tuple(f"{one[0].upper()}{one[1:]}." for one in said)


def lost_between(session: Session, after: int, until: int) -> list[KeptAlarm]:
    """Return what was not applied of rounds after one until another, because of an alarm, in order."""
    return [one for one in _kept(session) if one.is_over and after < one.round <= until]


@contextmanager
def alarms_told(session: Session) -> Iterator[None]:
    """Let a command end with each alarm that costs a release once, when it has done all else."""
    try:
        yield
    except AgencyError as exc:
        alarm = _untold(session)
        if alarm is None:
            raise
        session.warn(str(exc))
        raise alarm from exc
    alarm = _untold(session)
    if alarm is not None:
        raise alarm


def _kept(session: Session) -> tuple[KeptAlarm, ...]:
    with session.workspace.lock():
        return Alarms(session.workspace, session.project).all()


def _untold(session: Session) -> LinkAlarmError | None:
    """Return what is to be told, and keep that it is."""
    with session.workspace.lock():
        alarms = Alarms(session.workspace, session.project)
        untold = [one for one in alarms.all() if not one.is_told]
        if not untold:
            return None
        alarms.keep(*(one.model_copy(update={"is_told": True}) for one in untold))
    return MessageUnreadableError(
        _sentence(untold[0]),
        hint="what was sent is kept, unopened, in the workspace's folder said; ask the other agency about it",
    )


def _sentence(one: KeptAlarm) -> str:
    which = (
        f"round {one.round}" if one.release == 1 else f"release {one.release} of round {one.round}"
    )
    if one.given_up is not None:
        end = f"it was given up on {one.given_up.at[:10]}, and the next round goes on"
    elif one.is_over:
        end = "the next round catches up"
    else:
        command = f"blindlink links --give-up-round {one.round} REASON"
        end = f"it stops the next rounds until someone gives it up: {command}"
    return f"{which} is not applied here: {one.sentence}; {end}"
