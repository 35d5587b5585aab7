"""Where rounds stand, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from schemas.agreement.agreement import ProjectTerms
from schemas.rounds.rounds import PairProgress, RoundList, RoundView

BEGIN: Final = "blindlink refresh --begin"


def is_on_request(terms: ProjectTerms, newest: RoundView | None) -> bool:
    """Tell whether the next round begins when someone asks for it alone; the first one begins by itself."""
    return terms.frequency == "on-request" and newest is not None


def round_lines(listed: RoundList, terms: ProjectTerms) -> Iterator[str]:
    """Yield lines about the newest round, and whether another one may begin."""
    newest = listed.rounds[0] if listed.rounds else None
    if newest is None:
        yield "No round has been made yet."
    else:
        yield from _round(newest)
    if listed.due:
        yield f"A new round may begin now: {BEGIN if is_on_request(terms, newest) else 'blindlink refresh'}"
    elif listed.waiting_for:
        yield f"A new round waits for {', '.join(listed.waiting_for)}."


def why_nothing_ran(found: RoundView, pair: PairProgress, party: str) -> str:
    """Say why a pair of a party has no run in a round."""
    partner = pair.smaller if party == pair.larger else pair.larger
    missing = _missing(pair)
    if found.state == "superseded":
        return f"nothing was run with {partner}: round {found.superseded_by} takes the place of this one"
    if found.state == "closed":
        late = " and ".join(missing) or "nobody"
        return f"nothing was run with {partner}: the round was closed, and {late} had not uploaded by then"
    if missing:
        what = "upload" if len(missing) == 1 else "uploads"
        waits = f"waiting for the {what} of {' and '.join(missing)} until {found.deadline}"
    else:
        waits = "the broker has yet to ask for it"
    return f"nothing was run with {partner} yet: {waits}"


def _missing(pair: PairProgress) -> list[str]:
    roots = {pair.larger: pair.root_larger, pair.smaller: pair.root_smaller}
    return sorted(party for party, root in roots.items() if root is None)


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
    missing = _missing(pair)
    if missing:
        return f"waits for the upload of {' and '.join(missing)}"
    if pair.run is None:
        return "both have uploaded"
    claimed = sorted(one.party for one in pair.claims)
    said = f"claims of {' and '.join(claimed)}" if claimed else "no claims yet"
    return f"run {pair.run}, {said}"
