"""Chapter 6, `review.md` and `entry.md`: what people are asked to decide, what comes of it, and supplements."""

from collections import defaultdict
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from blindlink_verify.agreements import persons_of
from blindlink_verify.approvals import release_is_approved, run_of
from blindlink_verify.basics import is_signed, later, need, shifted, timely
from blindlink_verify.persons import acting
from blindlink_verify.releases import wait_for_cosigners
from blindlink_verify.runs import check_openings
from blindlink_verify.state import Log, Project

STATEMENT = "about agreement at is_last number party person project round run sha256 version"
# Of whom of which party each is: the reviewer's, or the one that is asked.
DUTIES = dict.fromkeys(["review-decided", "cards"], ("reviewer", {"reviewer"}))
DUTIES |= dict.fromkeys(["review-answered", "buckets"], ("asked", {"analyst", "recipient"}))
DUTIES |= {"questions": ("reviewer", {"recipient", "reviewer"})}


def review_asked(log: Log, p: Project, e: Any) -> None:
    b, clause, run, code = e.body, p.terms["review"], run_of(log, e), "review-unasked"
    need(b["round"] == run.round, "review-order", "`round` is the run's own")
    fits = clause and b["reviewer"] == clause["reviewer"] and {b["reviewer"], b["asked"]} == set(run.pair)
    need(fits, code, "the agreement has a review, by `reviewer`; it and `asked` are the run's two parties")
    fits = run.batches.get(1) == e.batch and b["round"] == p.n_rounds not in p.superseded
    fits = fits and e.object not in p.reviews
    need(fits, code, "the run has finished in the same batch, in the last round; none was asked before")
    is_enough = b["charged"] >= max(1, p.terms["floor"])
    need(is_enough, "below-floor" if b["charged"] else "review-beyond", "`charged` is 1, and the floor")
    charged = p.charged[b["reviewer"], b["asked"]]
    fits = b["charged"] <= questions_left(clause, charged, e.time)
    need(fits, "review-beyond", "`charged` is at most what is left of the clause's allowance")
    since = shifted(b["deadline"], days=-clause["days"])
    need(e.early <= since <= e.time, "review-late", "`deadline` is the clause's `days` after this moment")
    charged.append((e.time, b["charged"]))
    review = SimpleNamespace(asked=b, needed=clause["persons"], since=since, seq=e.seq)
    review.answered, review.has_ended, review.said = False, False, defaultdict(list)
    p.reviews[e.object] = review


def questions_left(clause: Any, charged: list[tuple[str, int]], time: str) -> int:
    """`review.md`: `first` in 8 weeks, then `weekly` a week, of which what is left is kept for 8 weeks."""
    before = [(datetime.fromisoformat(at[:10]), n) for at, n in charged]
    if not before:
        return int(clause["first"])
    begun, today = before[0][0], datetime.fromisoformat(time[:10])
    after = begun + timedelta(weeks=8)
    if today < after:
        return int(clause["first"] - sum(n for _, n in before))
    # The week of today, and the seven before it that are not among the first.
    week = after + (today - after) // timedelta(weeks=1) * timedelta(weeks=1)
    kept = [one for n in range(8) if (one := week - timedelta(weeks=n)) >= after]
    return int(len(kept) * clause["weekly"] - sum(n for day, n in before if day >= kept[-1]))


def review_of(log: Log, p: Project, e: Any) -> tuple[Any, Any]:
    """`round` is the run's own, and a review of it was asked and has not ended."""
    run = run_of(log, e, at_any_time=e.kind == "review-ended" and e.body["release"] is None)
    need(e.body["round"] == run.round, "review-order", "`round` is the run's own")
    review = p.reviews[e.object]
    code = "review-order" if e.kind == "review-ended" else "review-late"
    need(not review.has_ended, code, "the review has not ended")
    return run, review


def acted(log: Log, p: Project, e: Any) -> tuple[Any, Any]:
    """What persons do in a review: who, until when, and after which approvals."""
    run, review = review_of(log, p, e)
    side, duties = DUTIES[e.body["what"] if e.kind == "review-fetched" else e.kind]
    need(e.party == review.asked[side], "review-duty", "the actor is of the reviewer's or asked party")
    acting(log, e, "review-duty")
    listed = [one for one in persons_of(p.agreement, e.party) if one["person"] == e.person]
    fits = len(listed) == 1 and duties & set(listed[0]["duties"])
    need(fits, "review-duty", "the agreement that binds lists the actor with the duty")
    need(e.early < review.asked["deadline"], "review-late", "early is before the deadline")
    release_is_approved(p, run)
    return run, review


def review_fetched(log: Log, p: Project, e: Any) -> None:
    _, review = acted(log, p, e)
    what = e.body["what"]
    fits = review.answered if what == "cards" else e.body["sha256"] == review.asked[f"{what}_sha256"]
    need(fits, "review-file", "it is the file that was asked about; cards come after the answer")
    p.round.is_fetched = True
    wait_for_cosigners(log, p, e, review.seq)


def said(log: Log, p: Project, e: Any) -> tuple[Any, Any]:
    """A review statement: whose it is, how it is signed, and when."""
    _, review = acted(log, p, e)
    signed, stated, code = e.body["signed"], e.body["signed"]["statement"], "review-statement"
    is_one = sorted(stated) == STATEMENT.split() and stated["version"] == "blindlink/review-statement/1"
    need(is_one, "malformed", "a review statement has its fields and version")
    fields = "project", "agreement", "round", "run", "party", "person"
    its = [e.project, e.agreement, e.body["round"], e.object, e.party, e.person]
    need([stated[name] for name in fields] == its, code, "the statement is about the entry and its actor's")
    key = log.persons[e.person].signing_key
    holds = is_signed("review-statement", stated, signed["signature"], key)
    need(holds, code, "the signature verifies with the person's key of use `signing`")
    timely(e, stated["at"], since=review.since)
    return review, stated


def review_answered(log: Log, p: Project, e: Any) -> None:
    review, stated = said(log, p, e)
    fits = stated["about"] == "cards" and stated["number"] == 1 and stated["is_last"]
    need(fits, "review-order", "the statement is about cards")
    need(not review.answered, "review-order", "there is none before")
    review.answered = True


def review_decided(log: Log, p: Project, e: Any) -> None:
    review, stated = said(log, p, e)
    need(review.answered, "review-order", "the cards have come")
    before, code = review.said[e.person], "review-order"
    fits = stated["about"] == "decisions" and stated["number"] == len(before) + 1
    need(fits and not any(before), code, "`number` is one more, and none before was the last")
    told = [e.body[name] for name in ("accepted", "rejected", "unsure")]
    need(told == [None] * 3, "decisions-told", "no count is shown")
    before.append(stated["is_last"])


def review_ended(log: Log, p: Project, e: Any) -> None:
    b, (run, review), code = e.body, review_of(log, p, e), "review-order"
    accepted, rejected, floor = b["accepted"], b["rejected"], p.terms["floor"]
    needs = b["reason"] == "decided" or b["release"] is not None
    fits = not needs or len([one for one in review.said.values() if one]) >= review.needed
    need(fits, code, "at least as many persons have decided as the clause says")
    deadline = review.asked["deadline"]
    fits = e.time >= deadline if b["reason"] == "deadline" else e.early < deadline
    need(fits, "review-late", "it ends at the deadline for that reason, before it for any other")
    need(b["open"] is None, "decisions-told", "`open` is null")
    fits = all(count is None or count >= floor for count in (accepted, rejected))
    need(fits, "below-floor", "`accepted` and `rejected` are not below the floor")
    left = review.asked["charged"] - (accepted or 0) - (rejected or 0)
    need(left >= 0, "review-beyond", "together they are at most what was charged")
    need(rejected is None or left == 0 or left >= floor, "decisions-told", "what is left is 0, or the floor")
    fits = b["release"] is None or (b["reason"] != "destroyed" and b["release"] == p.round.n_releases + 1)
    need(fits, code, "`release` is null, or one more than the round's release before")
    fits = (b["release"] is None) == (b["match_record_root"] is None)
    fits = fits and (b["match_record_root"] or not b["openings"])
    need(fits, "match-record-unknown", "it has a match record if `release` is not null, openings with one")
    review.has_ended = True
    if b["release"] is None:
        return
    check_openings(b, run)
    run.records.append(b["match_record_root"])
    run.matches[b["release"]], run.batches[b["release"]] = accepted, e.batch
    p.round.n_releases = b["release"]
    # The supplement of this round and number is open from here on.
    one = SimpleNamespace(run=e.object, pair=run.pair, space=p.round.spaces[run.pair], claims={})
    p.supplements[b["round"], b["release"]] = one


def supplement_closed(log: Log, p: Project, e: Any) -> None:
    run_of(log, e, at_any_time=True)
    place = e.body["round"], e.body["release"]
    one = p.supplements[place]
    need(one.run == e.object, "supplement-unasked", "the supplement is of this run")
    listed = {(c["party"], c["partner"]): c["sha256"] for c in e.body["claims"]}
    need(listed == one.claims, "round-claims", "`claims` are exactly the last ones received")
    if one.space and len(listed) < 2:
        # A round is opened in the same batch.
        p.closed_early[e.batch] = e.seq
    del p.supplements[place]


def reviews_have_ended(log: Log) -> None:
    """After the last entry: no supplement was closed early; a review ends a day after its deadline."""
    for p in log.projects.values():
        code, sentence = "supplement-closing", "where claims are missing, a round is opened in its batch"
        need(not p.closed_early, code, sentence, min(p.closed_early.values(), default=None))
        for review in p.reviews.values():
            fits = review.has_ended or log.time[:10] <= later(review.asked["deadline"][:10], 1)
            need(fits, "review-late", "each review has ended a day after its deadline", review.seq)
