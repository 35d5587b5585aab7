"""Chapter 6, `release.md`, `deliveries.md`, `secret-share.md`: what goes out, to whom, and how final it is."""

from types import SimpleNamespace
from typing import Any

from blindlink_verify.approvals import release_is_approved, run_of
from blindlink_verify.basics import later, need
from blindlink_verify.persons import acting
from blindlink_verify.rounds import space_of
from blindlink_verify.runs import of_mode
from blindlink_verify.state import Log, Project


def release_prepared(log: Log, p: Project, e: Any) -> None:
    b, number = e.body, e.body.get("number", 1)
    agency, mode = b.get("agency"), b.get("mode", "blind")
    run = log.runs.get(b["run"])
    fits = run and run.project == e.project and run.stage == "finished"
    need(fits, "release-without-run", "the run has finished, in this project")
    run = run_of(log, e)
    need(number in run.batches, "supplement-unasked", "its review has ended with this number")
    made, code = (b["recipient"], agency, number), "release-twice"
    is_new = made not in run.made and e.object not in log.releases
    need(is_new, code, "none of this id, nor of this run and number for this recipient, before")
    need(run.batches[number] == e.batch, "release-late", "it is in the batch of the end")
    recipient = {"party": b["recipient"], "mode": mode, "space": b["space"]}
    if e.kind == "blind-release-prepared":
        fits = agency in run.pair
    else:
        fits = mode == "count" or b["recipient"] in of_mode(run, "linked")
    fits = fits and recipient in run.recipients
    need(fits, "release-to-stranger", "it is for one of the recipients, or by an agency of the pair")
    matches = b.get("matches")
    need(matches is None or matches >= p.terms["floor"], "below-floor", "`matches` is not below the floor")
    fits = run.matches[number] == matches if mode == "linked" else not matches
    need(fits, "release-matches", "`matches` is the number at the end, or none in a total")
    run.made.add(made)
    one = SimpleNamespace(project=e.project, run=run, recipient=recipient, sha256=b["sha256"])
    one.fetched_by, one.is_blind = agency or b["recipient"], agency is not None
    one.seq, one.is_there, one.is_fetched = e.seq, True, False
    log.releases[e.object] = one


def release_there(log: Log, e: Any) -> Any:
    one = log.releases[e.object]
    need(one.project == e.project, "fetch-unprepared", "it was prepared in this project")
    need(one.sha256 == e.body["sha256"], "fetch-digest", "the digest is its own")
    need(one.is_there, "release-destroyed", "it is not destroyed")
    return one


def release_fetched(log: Log, p: Project, e: Any) -> None:
    one, t = log.releases[e.object], p.terms
    own = one.project != e.project or e.party == e.body["recipient"] == one.fetched_by
    need(own, "fetch-by-stranger", "the actor's party is its recipient, or its agency")
    release_there(log, e)
    need(one.run.round not in p.superseded, "round-superseded", "the round of its run was not superseded")
    fits = one.recipient in t["recipients"] and set(one.run.pair) <= set(t["providers"])
    need(fits, "fetch-unagreed", "the terms name its recipient, and both agencies as providers")
    release_is_approved(p, one.run)
    need(e.early_day <= log.things["release", e.object].due, "fetch-late", "the last day is not over")
    if one.run.round == p.n_rounds:
        p.round.is_fetched = True
    one.is_fetched = True
    wait_for_cosigners(log, p, e, one.seq)


def release_verified(log: Log, p: Project, e: Any) -> None:
    one = log.releases[e.object]
    own = e.party == e.body["recipient"] == one.fetched_by and one.is_fetched
    need(own or one.project != e.project, "verify-unfetched", "the party has fetched it before")
    release_there(log, e)


def release_destroyed(log: Log, p: Project, e: Any) -> None:
    release_there(log, e).is_there = False


def wait_for_cosigners(log: Log, p: Project, e: Any, made: int) -> None:
    """What is fetched under terms whose `finality` has `delays_release` waits for cosigners."""
    finality, t = p.terms["finality"], p.terms
    if finality and finality["delays_release"]:
        parties = [*t["providers"], *t["auditors"], *(one["party"] for one in t["recipients"])]
        log.awaited.setdefault((made, finality["cosigners"], frozenset(parties)), e.seq)


def all_final(log: Log, cosigned: dict[str, dict[str, int]]) -> None:
    """Of each that was fetched, so many have cosigned a checkpoint larger than the index of its making."""
    # A party cosigns by a key that bears its name, and that a person enrolled for it has or had.
    signed = [
        (person.party, size)
        for person in log.persons.values()
        for key, size in cosigned.get(person.party, {}).items()
        if key in person.had
    ]
    if len(dict(signed)) >= 64:
        return  # The bundle had no room for more: not a fault, but it does not show.
    for (made, needed, parties), index in log.awaited.items():
        so_far = {party for party, size in signed if size > made} & parties
        need(len(so_far) >= needed, "release-not-final", "enough parties have cosigned it", index)


def share_entry(log: Log, p: Project, e: Any) -> None:
    b, providers, code = e.body, p.terms["providers"], "share-by-stranger"
    need(e.party in providers, code, "the actor's party is a provider")
    need(b["epoch"] - p.terms["epoch"] in (0, 1), "share-epoch", "the epoch is that of the terms or the next")
    if e.kind == "share-relayed":
        fits = b["sender"] == e.party and b["recipient"] in {*providers} - {e.party}
        need(fits, code, "the sender is the actor's party, the recipient another provider")
        need(b["share"] not in log.shares, "share-twice", "no share of this id before")
        log.shares[b["share"]] = [e.project, b["epoch"], b["recipient"], b["sha256"]]
    elif e.kind == "share-fetched":
        fits = log.shares[b["share"]] == [e.project, b["epoch"], e.party, b["sha256"]]
        need(fits, "share-unknown", "it was relayed to the actor's party, of this epoch and digest")


def carrier(log: Log, e: Any, party: str, duties: set[str]) -> None:
    code = "delivery-by-stranger"
    fits = e.party == party and duties & set(acting(log, e, code).duties)
    need(fits, code, "the actor is of the delivery's party, and has the duty")


def pairs_for(p: Project, giver: str, receiver: str) -> list[frozenset[str]]:
    """The pairs by whose matches columns may go this way, of which there are some."""
    code, t, agreement = "delivery-unagreed", p.terms, p.agreement
    ways = [(one["giver"], one["receiver"]) for one in agreement["directions"]]
    shared = {one["party"] for one in agreement["elements"] if one["use"] == "shared"}
    fits = giver != receiver and (giver, receiver) in ways and giver in shared
    need(fits, code, "the agreement has a direction, and a data element of use `shared`")
    providers = set(t["providers"])
    if {giver, receiver} <= providers:
        pairs = [frozenset([giver, receiver])] if space_of(t, [giver, receiver]) else []
    else:
        blind = {one["party"] for one in t["recipients"] if one["mode"] == "blind"}
        others = {one for one, to in ways if to == receiver and one != giver} & shared & providers
        fits = receiver in blind and giver in providers
        pairs = [frozenset([giver, other]) for other in others] if fits else []
    need(pairs, code, "both are recipients in one space, or `recipient` is blind and has another giver")
    return pairs


def delivery_received(log: Log, p: Project, e: Any) -> None:
    b, way = e.body, (e.party, e.body["recipient"])
    carrier(log, e, e.party, {"analyst", "recipient"})
    pairs = pairs_for(p, *way)
    fits = b["round"] == max(p.linked.get(pair, -1) for pair in pairs)
    need(fits, "delivery-round", "`round` is the last that was closed with a finished run of the two")
    mine = [one for one in p.deliveries.values() if one.way == way]
    n_before = sum(one.round == b["round"] for one in mine)
    fits = e.object not in p.deliveries and b["number"] == n_before + 1
    need(fits, "delivery-order", "none of this id; `number` is one more than the last one's")
    # It takes the place of the one before it from this party to this recipient.
    for one in mine:
        one.due = min(one.due, later(e.day, 1)) if one.is_current else one.due
        one.is_current = False
    one = SimpleNamespace(way=way, round=b["round"], sha256=b["sha256"], seq=e.seq)
    one.is_current, one.is_there, one.is_fetched, one.is_opened = True, True, False, False
    one.due = later(e.day, p.terms["keep_links_days"] + 1)
    p.deliveries[e.object] = one


def delivery_there(p: Project, e: Any) -> Any:
    one = p.deliveries[e.object]
    need(one.is_there, "delivery-destroyed", "it was not destroyed")
    need(one.sha256 == e.body["sha256"], "delivery-digest", "the digest is its own")
    return one


def to_recipient(log: Log, p: Project, e: Any) -> Any:
    one, code = delivery_there(p, e), "delivery-by-stranger"
    need(e.body["recipient"] == one.way[1], code, "the body's recipient is its own")
    carrier(log, e, one.way[1], {"recipient"})
    return one


def delivery_fetched(log: Log, p: Project, e: Any) -> None:
    one = to_recipient(log, p, e)
    need(one.is_current, "delivery-order", "no later one has taken its place")
    pairs_for(p, *one.way)
    need(e.early_day <= one.due, "fetch-late", "the earlier of the days is at most its last day")
    one.is_fetched = True


def delivery_opened(log: Log, p: Project, e: Any) -> None:
    one, code = to_recipient(log, p, e), "delivery-unopened"
    need(one.is_fetched and not one.is_opened, code, "it was fetched before, and was not stated to be opened")
    need((e.body["fault"] is None) == (e.outcome == "done"), code, "`failed` exactly if `fault` is not null")
    one.is_opened = e.outcome == "done"


def delivery_destroyed(log: Log, p: Project, e: Any) -> None:
    one, code, reason = delivery_there(p, e), "delivery-reason", e.body["reason"]
    need((reason == "replaced") != one.is_current, code, "`replaced` exactly if a later one has come")
    need(reason != "expired" or not one.is_fetched, code, "`expired` only if it was never fetched")
    one.is_there = False
