"""Rounds in plain words: what one waits for, and whether another is due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.agreement.chapter_limits import listed
from schemas.rounds.rounds import RoundList, RoundState, RoundView

if TYPE_CHECKING:
    from app.rounds.views import RoundStand

# A class of the style sheet: no state is told by it alone.
STATE_MARKS: Final[dict[RoundState, tuple[str, str]]] = {
    "open": ("wait", "open"),
    "closed": ("good", "closed"),
    "superseded": ("plain", "corrected"),
}


def round_sentence(view: RoundView | RoundStand) -> str:
    """Return in a sentence what a round waits for, or how it ended."""
    if view.state == "superseded":
        return f"It does not count: round {view.superseded_by} took its place."
    if view.state == "closed":
        return "Link IDs follow from the claims below, and from no others."
    waiting = sorted(
        {
            party
            for one in view.progress
            for party, root in ((one.larger, one.root_larger), (one.smaller, one.root_smaller))
            if root is None
        }
    )
    if waiting:
        return f"It waits for uploads of {listed(waiting)}."
    return "All uploads are there. It waits for runs, and for what recipients tell each other."


def due_sentence(document: RoundList) -> str:
    """Return whether a new round may be opened now, and who has no unspent nonce."""
    ready = "A new round may be opened now." if document.due else "No new round is due now."
    if not document.waiting_for:
        return ready
    lacking = listed(document.waiting_for)
    return f"{ready} Without an unspent nonce, and so left out of a new round: {lacking}."
