"""One spoke's turn in a hub's night, in whatever process it is taken: what `blindlink refresh` does there."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from multiprocessing import parent_process
from pathlib import Path
from typing import Final, TypeAlias

from encoding.agreement.kept_agreements import read_kept
from encoding.errors import AgencyError, BrokerUnreachableError, OthersWaitedForError
from encoding.extras.hub.report import Outcome, State, keep_outcome, report_in
from encoding.extras.hub.sessions import SpokeSession
from encoding.project.delivering.exchange import ColumnsOrder
from encoding.project.linking.links_files import LinksOrder
from encoding.project.own_keys import unlock_own
from encoding.project.problem_words import message_of
from encoding.project.refresh import do_what_is_due
from encoding.project.session import UNATTENDED_S, Session
from encoding.project.source import Source
from encoding.records.read_once import FileWanted, Reading, Readings, reading_once
from encoding.workspace.workspace import open_workspace
from schemas.documents.ids import utc_text

# The error's code, the exit code, the sentence and the hint.
_Told: TypeAlias = tuple[str, int, str, str | None]

_MAX_SENTENCE: Final = 4_000
_CRASHED: Final = "check that the computer has enough memory, then: blindlink hub refresh"


@dataclass(frozen=True, slots=True)
class Errand:
    """What is to be done at a spoke: its settings, the agreement that its list names, and what of columns."""

    settings: Path
    project: str
    party: str
    agreement: str
    begin: bool
    columns: ColumnsOrder


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an errand; `wanted` is the file that has to be read first, null: none has."""

    errand: Errand
    outcome: Outcome | None
    wanted: Reading | None = None
    is_under_way: bool = False


class Worker:
    """Does errands one after the other, with keys that are unlocked once."""

    def __init__(self, like: Session, readings: Readings) -> None:
        self._like, self._readings = like, readings

    def do(self, errand: Errand) -> Done:
        """Do what is due at a spoke; whatever goes wrong is told and stays there."""
        session = SpokeSession(errand.settings, self._like)
        started, before = time.monotonic(), report_in(errand.settings.parent)
        try:
            with reading_once(self._readings):
                self._like.own = unlock_own(session)
                _, sentence = do_what_is_due(
                    session,
                    LinksOrder(Source()),
                    wait_s=0,
                    begin=errand.begin,
                    columns=errand.columns,
                    agreement=self._to_begin(errand),
                )
            # Links of a round that was closed meanwhile are written, too, before another is asked for.
            after = report_in(errand.settings.parent)
            state: State = "idle"
            if after is not None and after != before:
                state, linked = "linked", after.now.linked
                sentence = f"round {after.now.round}: {linked:,} records have a link ID"
            told: _Told = ("done", 0, sentence, None)
        except FileWanted as wanted:
            return Done(errand, None, wanted.reading)
        except Exception as exc:  # noqa: BLE001 - one spoke's fault is none of the others'
            state, told = _told(exc)
        outcome = _kept(errand, _outcome(session, errand, state, told, time.monotonic() - started))
        return Done(errand, outcome, is_under_way=outcome.code == "run-under-way")

    def crashed(self, errand: Errand) -> Outcome:
        """Return what is told of a spoke whose process ended, and keep it there."""
        session = SpokeSession(errand.settings, self._like)
        told = ("crashed", 1, "the process that worked on this spoke ended", _CRASHED)
        return _kept(errand, _outcome(session, errand, "failed", told, 0))

    def failed(self, errand: Errand, exc: Exception) -> Outcome:
        """Return what is told of a spoke whose errand could not begin, and keep it there."""
        session = SpokeSession(errand.settings, self._like)
        return _kept(errand, _outcome(session, errand, *_told(exc), 0))

    def _to_begin(self, errand: Errand) -> str | None:
        """Return the agreement that is to be kept, or whose secret is to be begun; None: both are done.

        A night may end between the two, as before the agreement's first day.
        """
        workspace = open_workspace(errand.settings.parent / "workspace")
        if workspace.epochs_with_secret(errand.project):
            return None
        last = read_kept(workspace.agreements(errand.project), errand.project).last_complete()
        return errand.agreement if last is None else last.digest


def _told(exc: Exception) -> tuple[State, _Told]:
    if isinstance(exc, AgencyError):
        return _state_of(exc), (exc.code, exc.exit_code, message_of(exc), exc.hint)
    return "failed", ("internal", 1, message_of(exc), None)


def _kept(errand: Errand, outcome: Outcome) -> Outcome:
    """Keep an outcome in the spoke's folder, and return it; where it cannot be kept, one that says why."""
    try:
        keep_outcome(errand.settings.parent, outcome)
    except (AgencyError, OSError) as exc:
        _, (code, exit_code, message, hint) = _told(exc)
        failure = {"code": code, "exit_code": exit_code, "message": message, "hint": hint}
        return outcome.model_copy(update={"state": "failed", **failure})
    return outcome


def _state_of(exc: AgencyError) -> State:
    if isinstance(exc, OthersWaitedForError):
        return "late"
    return "unreachable" if isinstance(exc, BrokerUnreachableError) else "failed"


def _outcome(
    session: SpokeSession,
    errand: Errand,
    state: State,
    told: _Told,
    seconds: float,
) -> Outcome:
    code, exit_code, message, hint = told
    report = report_in(errand.settings.parent)
    return Outcome(
        project=errand.project,
        party=errand.party,
        at=utc_text(session.now()),
        state=state,
        code=code,
        exit_code=exit_code,
        message=message[:_MAX_SENTENCE],
        hint=None if hint is None else hint[:_MAX_SENTENCE],
        warnings=tuple(one[:_MAX_SENTENCE] for one in session.warnings),
        seconds=round(seconds),
        round=None if report is None else report.now.round,
        linked_at=None if report is None else report.made,
        links=None if report is None else report.links.linked,
        new=None if report is None else report.links.new,
        ended=None if report is None else report.links.ended,
        changed=None if report is None else report.links.changed,
    )


# One a process, made when it begins.
_worker: Worker | None = None


def begin_process(readings: Readings) -> None:
    """Make this process one that does errands."""
    global _worker  # noqa: PLW0603 - a pool gives its processes no other place
    _worker = Worker(Session(is_quiet=True, patience_s=UNATTENDED_S), readings)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End as soon as the process that has begun this one does, killed or not: nobody asks for anything more."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def do_errand(errand: Errand) -> Done:
    """Do an errand in a process that has begun."""
    if _worker is None:
        raise RuntimeError("the process has not begun")
    return _worker.do(errand)
