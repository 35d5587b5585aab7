"""Chapter 4, `rounds.md` and `entry.md`: nonces, rounds, claims, statements; and when a round is due."""

from datetime import date, timedelta
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from blindlink_verify.agreements import by_size
from blindlink_verify.basics import is_signed, later, need, shifted, timely
from blindlink_verify.entries import MEASURES
from blindlink_verify.persons import signs
from blindlink_verify.requests import may_act
from blindlink_verify.state import Log, Pair, Project

PERIODS = {"daily": 1, "weekly": 7, "monthly": 28, "quarterly": 90, "yearly": 365}
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
OFFER = ["at", "first", "nonces", "party", "person", "project", "version", "void_below"]


def next_day(terms: Any, last: str) -> str | None:
    """The first day on which the round after one of a day may be opened; None: there is no period."""
    if terms["frequency"] not in PERIODS:
        return None
    wanted = weekday_of(terms["due"])
    day = date.fromisoformat(last)
    while wanted is not None and WEEKDAYS[day.weekday()] != wanted:
        day -= timedelta(days=1)
    day += timedelta(days=PERIODS[terms["frequency"]])
    while wanted is not None and WEEKDAYS[day.weekday()] != wanted:
        day += timedelta(days=1)
    return day.isoformat()


def weekday_of(due: str | None) -> str | None:
    """`due` is a weekday and a time, a time, or null."""
    words = (due or "").split()
    return words[0] if len(words) == 2 else None


def space_of(terms: Any, pair: Any) -> Any:
    """The link-ID set in which both of a pair are recipients of mode `linked`, or None."""
    found = [one["space"] for one in terms["recipients"] if one["party"] in pair and one["mode"] == "linked"]
    return found[0] if len(found) == 2 and found[0] == found[1] else None


def open_round(p: Project, number: int, code: str) -> Any:
    need(p.is_open and number == p.n_rounds, code, "`round` is the one that is open")
    return p.round


def pair_of(round_: Any, one: str, other: str, code: str) -> Pair:
    """The two are a pair of the round; returned with the larger file first."""
    pair = (one, other) if (one, other) in round_.spaces else (other, one)
    need(pair in round_.spaces, code, "the two parties are a pair of the round")
    return pair


def in_time(p: Project, e: Any) -> None:
    need(e.early_day <= later(p.round.deadline[:10], 1), "round-deadline", "its deadline is a day over at most")


def nonces_offered(log: Log, p: Project, e: Any) -> None:
    signed, code = e.body["signed"], "nonce-stranger"
    offer, party = signed["offer"], e.party
    need(sorted(offer) == OFFER and offer["version"] == "blindlink/nonces/1", "malformed", "it has its fields")
    fits = party in p.terms["providers"]
    fits = fits and [offer[n] for n in ("project", "party", "person")] == [e.project, party, e.person]
    need(fits, code, "party and person are the actor's, a provider's")
    person = signs(log, e, signed["signature"], code)
    holds = is_signed("nonces", offer, signed["signature"]["signature"], person.signing_key)
    need(holds, code, "the signature verifies")
    timely(e, offer["at"])
    may_act(log, p, e, {"analyst"})
    code, nonces = "nonce-order", [bytes.fromhex(nonce) for nonce in offer["nonces"]]
    fits = offer["first"] == p.n_offered[party] + 1 and 1 <= offer["void_below"] <= offer["first"]
    need(fits, code, "`first` is one more than the number of nonces that the party has offered")
    need(len(set(nonces) - p.nonces) == len(nonces) <= 16, code, "none of the nonces was offered before")
    # Those below `void_below` that no round has used are void, all others that none has used *unspent*.
    kept = {n: one for n, one in p.unspent[party].items() if n >= offer["void_below"]}
    p.unspent[party] = {**kept, **dict(enumerate(offer["nonces"], offer["first"]))}
    p.n_offered[party] += len(nonces)
    p.nonces |= set(nonces)


def round_opened(log: Log, p: Project, e: Any) -> None:
    b, t = e.body, p.terms
    fits = not p.is_open and b["round"] == p.n_rounds + 1
    need(fits, "round-order", "no round is open, and the number is one more than the last one's")
    corrects = p.n_rounds if p.n_rounds in p.superseded else None
    need(b["corrects"] == corrects, "round-superseded", "`corrects` is the superseded one, or null")
    days, began = t["round_days"], shifted(b["deadline"], days=-t["round_days"])
    if corrects is None and p.regular_day:
        day = next_day(t, p.regular_day)
        need(day is None or e.day >= day, "round-due", "the later of the days is the next day")
        is_once = t["frequency"] == "once" and p.has_linked
        need(not is_once, "round-due", "where it is `once`, no round was closed with a finished run")
    if t["round_budget"]:
        first = later(e.day, 1 - t["round_budget"]["days"])
        recent = [day for day in p.opened_on if day >= first]
        need(len(recent) < t["round_budget"]["rounds"], "round-budget", "the budget lets one more be opened")
    need(e.early <= began <= e.time, "round-deadline", f"`deadline` is `round_days` ({days}) after this moment")
    for pair in b["pairs"]:
        sides = (pair["larger"], pair["smaller"])
        at = [by_size(t).index(side) if side in by_size(t) else -1 for side in sides]
        need(-1 < at[0] < at[1], "round-pair", "a pair is two providers, the larger file first")
        for side in ("larger", "smaller"):
            use_nonce(p, pair[side], pair[f"nonce_{side}"])
    need(all(review.has_ended for review in p.reviews.values()), "review-late", "every review of it has ended")
    fits = not p.supplements and set(p.closed_early) <= {e.batch}
    need(fits, "supplement-closing", "every supplement is closed")
    for run in [log.runs[run] for runs in p.round.runs.values() for run in runs]:
        # What rules ask of a run while its round goes on, and no longer.
        run.policy, run.recipients, run.uploads, run.sizes = None, [], [], []
    both = [(pair["larger"], pair["smaller"]) for pair in b["pairs"]]
    # The *space* of a pair is by the terms of the entry that opened the round.
    p.round = SimpleNamespace(spaces={pair: space_of(t, pair) for pair in both})
    p.round.deadline, p.round.seq, p.round.n_releases = b["deadline"], e.seq, 1
    p.round.is_fetched = False
    p.round.roots, p.round.runs, p.round.claims, p.round.statements = {}, {}, {}, {}
    p.n_rounds, p.is_open, p.closed_early = b["round"], True, {}
    p.reviews.update(dict.fromkeys(p.reviews, SimpleNamespace(has_ended=True, seq=0)))
    p.regular_day = p.regular_day if corrects else began[:10]
    p.opened_on.append(e.day)


def use_nonce(p: Project, party: str, used: Any) -> None:
    unspent = p.unspent[party]
    fits = unspent and [used["number"], used["nonce"]] == [*min(unspent.items())]
    need(fits, "round-nonce", "it is the unspent one of its party with the lowest number")
    del unspent[used["number"]]


def audit_counts(b: Any, side: str, limits: Any) -> None:
    """`manifest.md`: a privacy audit counts for its upload; null where the file is too small for one."""
    audit, n, code = b["privacy_audit"], b["records"], "upload-audit"
    if audit is None:
        need(n < 500, code, "a file of 500 records or more has an audit")
        return
    found = {one["measure"]: Fraction(one["mean"]) for one in audit["figures"]}
    is_full = audit["scope"] == "full" and audit["draws"] >= 3 and audit["structure"] == 0
    need(is_full and set(MEASURES.split()[:6]) <= set(found), code, "it is full, by all measures")
    fits = limits is None or all(mean <= Fraction(limits[one]) for one, mean in found.items())
    need(fits, code, "no figure is above the limit that the terms have for it")
    fits = (audit["profile"], audit["side"]) == (b["profile"], side)
    fits = fits and 3 * audit["records"] <= 4 * n <= 5 * audit["records"]
    need(fits, code, "it is of the upload's profile, side and, to a quarter, records")


def has_linked(log: Log, p: Project, pair: Pair) -> bool:
    return any(log.runs[run].stage == "finished" for run in p.round.runs.get(pair, []))


def owing(log: Log, p: Project) -> dict[Pair, str]:
    """The pairs of the round that *owe claims*, with their spaces: a run of theirs has finished."""
    return {pair: space for pair, space in p.round.spaces.items() if space and has_linked(log, p, pair)}


def statements_due(log: Log, p: Project) -> set[tuple[str, str]]:
    """Where more than one pair of a space owe claims: each of their parties, with the space."""
    pairs = owing(log, p)
    many = [space for space in pairs.values() if [*pairs.values()].count(space) > 1]
    return {(party, space) for pair, space in pairs.items() if space in many for party in pair}


def claims_received(log: Log, p: Project, e: Any) -> None:
    b, sides, code = e.body, (e.party, e.body["partner"]), "claims-round"
    if b["release"] == 1:
        round_ = open_round(p, b["round"], code)
        pair = pair_of(round_, *sides, code)
        need(pair in owing(log, p), code, "the two are a pair of the round that owes claims")
        space, claims = round_.spaces[pair], round_.claims
    else:
        need((b["round"], b["release"]) in p.supplements, code, "the supplement is open")
        one = p.supplements[b["round"], b["release"]]
        need(set(sides) == set(one.pair) and one.space, code, "the two are its pair, and have a space")
        pair, space, claims = one.pair, one.space, one.claims
    need(space_of(p.terms, pair) == space, code, "by the terms, too, both are recipients in that space")
    claims[sides] = b["sha256"]
    in_order(p, sides, b["sequence"])


def in_order(p: Project, way: tuple[str, ...], sequence: int) -> None:
    p.sequence[way] += 1
    need(sequence == p.sequence[way], "claims-order", "`sequence` is one more than the last one, or 1")


def statement_received(log: Log, p: Project, e: Any) -> None:
    b, place, code = e.body, (e.party, e.body["space"]), "claims-round"
    round_ = open_round(p, b["round"], code)
    need(place in statements_due(log, p), code, "pairs of the space owe claims, the party in one of them")
    fits = any(
        space == b["space"] == space_of(p.terms, pair) and e.party in pair
        for pair, space in round_.spaces.items()
    )
    need(fits, code, "by the terms, too, both of a pair with the party are recipients in the space")
    in_order(p, (*place, "statement"), b["sequence"])
    round_.statements[place] = b["sha256"]


def round_closed(log: Log, p: Project, e: Any) -> None:
    b, round_ = e.body, open_round(p, e.body["round"], "round-order")
    claims = {(one["party"], one["partner"]): one["sha256"] for one in b["claims"]}
    statements = {(one["party"], one["space"]): one["sha256"] for one in b["statements"]}
    fits = [claims, statements] == [round_.claims, round_.statements]
    need(fits, "round-claims", "they are exactly the last claims and statements received")
    runs = {pair: [log.runs[run] for run in round_.runs.get(pair, [])] for pair in round_.spaces}
    fits = not any(run.stage in ("asked", "started") for one in runs.values() for run in one)
    need(fits, "round-order", "no run of the round waits or is under way")
    if e.time < round_.deadline:
        code = "round-deadline"
        need(all(runs.values()), code, "before the deadline, a run of every pair was asked for")
        sides = {way for pair in owing(log, p) for way in (pair, pair[::-1])}
        need(sides <= set(claims), code, "before the deadline, all claims that are owed are there")
        need(statements_due(log, p) <= set(statements), code, "else all statements that are due are there")
    for pair in round_.spaces:
        if has_linked(log, p, pair):
            p.has_linked, p.linked[frozenset(pair)] = True, b["round"]
    p.is_open = False


def round_superseded(log: Log, p: Project, e: Any) -> None:
    round_ = open_round(p, e.body["round"], "round-superseded")
    fits = e.body["by"] == e.body["round"] + 1 and not round_.is_fetched
    need(fits, "round-superseded", "`by` is one more, and nothing of its runs was fetched")
    p.superseded.add(e.body["round"])
    p.is_open = False
