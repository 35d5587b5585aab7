"""Where rounds stand, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.rounds import PairProgress, RoundList, RoundView


def round_lines(listed: RoundList) -> Iterator[str]:
    """Yield lines about the newest round, and whether another one may begin."""
    if not listed.rounds:
        yield "No round has been made yet."
    else:
        yield from _round(listed.rounds[0])
    if listed.due:
        yield "A new round may begin now: blindlink refresh"
    elif listed.waiting_for:
        yield f"A new round waits for {', '.join(listed.waiting_for)}."


def _round(found: RoundView) -> Iterator[str]:
    states = {
        "open": f"is open until {found.deadline}",
        "closed": "is closed",
        "superseded": f"was corrected; round {found.superseded_by} takes its place",
    }
    yield f"Round {found.round}, opened {found.opened}, {states[found.state]}."
    for pair in found.progress:
        yield f"  {pair.larger} and {pair.smaller}: {_pair(pair)}"


def _pair(pair: PairProgress) -> str:
    roots = {pair.larger: pair.root_larger, pair.smaller: pair.root_smaller}
    missing = [party for party, root in roots.items() if root is None]
    if missing:
        return f"waits for the upload of {' and '.join(missing)}"
    if pair.run is None:
        return "both have uploaded"
    claimed = sorted(one.party for one in pair.claims)
    said = f"claims of {' and '.join(claimed)}" if claimed else "no claims yet"
    return f"run {pair.run}, {said}"
