"""A remark after commands of the first days: what to do before the workspace is lost with one person."""

from __future__ import annotations

from encoding.project.session import Session
from encoding.workspace.custody import custody_advice


def advise_custody(session: Session) -> None:
    """Say what is left to do until a second person can open the workspace; nothing where it is done.

    Anyone who works without keys of their own, as in a trial, is not told: nothing can be sealed to them.
    """
    if session.own is None:
        return
    sentence = custody_advice(session.workspace)
    if sentence is not None:
        session.say(sentence)
