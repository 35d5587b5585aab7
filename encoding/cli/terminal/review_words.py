"""Where clerical reviews stand, and each pair of one, in words and as documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from encoding.review.journal import STEPS
from encoding.review.sitting import Sitting
from schemas.documents.printable import printable
from schemas.rounds.review import ReviewView
from schemas.shared.amounts import counted


def standing_document(sitting: Sitting) -> dict[str, object]:
    """Return how far the review is."""
    standing = sitting.standing()
    return {
        "run": sitting.review.run,
        "round": sitting.review.round,
        "partner": sitting.review.asked,
        "deadline": sitting.deadline,
        "pairs": standing.pairs,
        "decided": standing.decided,
        "unsent": standing.unsent,
        "left": standing.left,
        "missing": standing.missing,
        "again": standing.again,
        "finished": sitting.diary.journal.is_finished,
    }


def standing_lines(sitting: Sitting) -> Iterator[str]:
    """Yield how far the review is, in sentences."""
    standing, other = sitting.standing(), sitting.review.asked
    until = sitting.deadline[:16].replace("T", " ")
    where = f"pairs with {other} in round {sitting.review.round}"
    done = f"{standing.decided:,} of {standing.pairs:,} are decided"
    yield f"{where}: {done}; decisions count until {until} UTC"
    if standing.unsent:
        yield f"{counted(standing.unsent, 'decision')} not sent yet; to send: blindlink review --send"
    if standing.again:
        yield f"{standing.again:,} pairs that you were unsure of before are not shown; --again shows them"
    if standing.missing:
        yield (
            f"{standing.missing:,} pairs cannot be decided here: your file no longer has the record, or the"
            " card can't be trusted"
        )


def review_line(view: ReviewView) -> str:
    """Return where a review stands."""
    states = {
        "asked": f"waits for the cards of {view.asked}",
        "answered": f"{view.questions or 0:,} pairs; decisions count until {view.deadline}",
        "ended": "is over",
    }
    return f"round {view.round} with {view.asked}: {states[view.state]}"


def listed(views: Sequence[ReviewView], sitting: Sitting) -> dict[str, object]:
    """Return the reviews, and each pair of the one that waits."""
    pairs = []
    for case in sitting.cases:
        looked = sitting.looked(case)
        choice = looked.choice
        pairs.append(
            {
                "pair": case.number,
                "record_id": case.own.record_id,
                "opened": STEPS[looked.step],
                "verdict": choice and choice.verdict,
                "reason": choice and choice.reason,
                "sent": sitting.diary.is_sent(case.reference),
            }
        )
    return {"reviews": [one.to_json() for one in views], "pairs": pairs}


def pair_lines(sitting: Sitting) -> Iterator[str]:
    """Yield a line for each pair: number, own record ID, how far its card was opened, what was decided."""
    yield f"{'pair':>5}  {'record ID':<20} {'card':<12} decision"
    for case in sitting.cases:
        looked = sitting.looked(case)
        decided = (
            "" if looked.choice is None else f"{looked.choice.verdict}, {looked.choice.reason}"
        )
        sent = ", sent" if sitting.diary.is_sent(case.reference) else ""
        record_id = printable(case.own.record_id)
        yield f"{case.number:>5}  {record_id:<20} {STEPS[looked.step]:<12} {decided}{sent}".rstrip()
