"""Chapter 5, `agreement.md` and `statement.md`: agreements, who signs them, what binds, who halts."""

from datetime import date
from fractions import Fraction
from typing import Any

from blindlink_verify.basics import digest_of, is_signed, key_digest, need, timely
from blindlink_verify.persons import acting
from blindlink_verify.state import Log, Project

STATEMENTS = {"agreement-signed": "consent", "run-approved": "run-approval"}
STATEMENTS |= {"standing-approved": "standing-approval", "standing-revoked": "approval-revocation"}
ACTS = {"suspended": "suspend", "resumed": "resume", "withdrawn": "withdraw"}
# Fields of an agreement that stand in its terms as they are.
SAME = "project epoch profile policy policy_range spaces approvals finality review start end"


def names(agreement: Any, kind: str | None = None) -> list[str]:
    return [p["name"] for p in agreement["parties"] if kind in (None, p["kind"])]


def terms_of(agreement: Any) -> dict[str, Any]:
    """The project terms that follow from an agreement, by the names of `project-terms.md`."""
    kept, limits, schedule = (agreement[n] for n in ("retention", "limits", "schedule"))
    recipients = agreement["recipients"]
    return {
        **{name: agreement[name] for name in SAME.split()},
        **{name: value for name, value in limits.items() if name != "budget"},
        "round_budget": limits["budget"],
        **{name: schedule[name] for name in ("frequency", "due", "round_days")},
        "purpose": agreement["purpose"]["code"],
        "population": agreement["population"]["code"],
        "as_of_max_age_days": agreement["population"]["max_age_days"],
        "as_of_max_gap_days": agreement["population"]["max_gap_days"],
        "providers": names(agreement, "agency"),
        "auditors": names(agreement, "auditor"),
        "recipients": [{n: r[n] for n in ("party", "mode", "space")} for r in recipients],
        **{n: kept[n] for n in ("keep_encodings_days", "keep_links_days", "destroy_by")},
        "has_legal_hold": kept["legal_hold"] is not None,
    }


def bound_on(p: Project, day: str) -> int:
    """What binds on a day: of what has come into force and started, the last one; -1: nothing."""
    return max((n for n, (start, *_) in enumerate(p.binding) if start <= day), default=-1)


def bind(p: Project, e: Any) -> None:
    """The entry's agreement is that of what binds on one of its days, or null where nothing does."""
    both = bound_on(p, e.day), bound_on(p, e.early_day)
    found = [p.binding[n] if n >= 0 else (None, None, None) for n in both]
    terms = [terms for _, digest, terms in found if digest == e.agreement]
    need(terms, "agreement", "the agreement is that of what binds on one of the days")
    if terms[0]:
        p.terms, p.agreement = terms[0], p.proposed[e.agreement]


def in_force(p: Project, e: Any) -> None:
    t = p.terms
    fits = any(t["start"] <= day <= t["end"] for day in (e.day, e.early_day))
    need(fits, "not-in-force", "one of the days is from the terms' start to their end")
    need(e.agreement not in p.left, "withdrawn", "no party has withdrawn from what binds")
    need(not (p.halted & set(names(p.agreement))), "suspended", "none of its parties halts the project")


def asked(agreement: Any) -> list[str]:
    """The parties that have to sign an agreement."""
    party = (agreement.get("amends") or {"party": None})["party"]
    return names(agreement) if party is None else [party]


def persons_of(agreement: Any, party: str) -> list[Any]:
    return [p for one in agreement["parties"] if one["name"] == party for p in one["persons"]]


def lists(agreement: Any, party: str, person: str, duty: str) -> bool:
    own = persons_of(agreement, party)
    return any(one["person"] == person and duty in one["duties"] for one in own)


def follows_last(p: Project, agreement: Any) -> None:
    last = p.last_agreement()
    fits = agreement["number"] == 1 if last is None else may_follow(last, agreement)
    need(fits, "agreement-order", "it may follow the agreement that came into force last")
    fits = agreement.get("amends") is None or p.binding[-1][1] not in p.left
    need(fits, "agreement-order", "with `amends` it does not follow one that a party has left")


def holders(agreement: Any) -> list[tuple[str, str]]:
    return [(p["name"], p["holder"]) for p in agreement["parties"] if p["kind"] == "agency"]


def may_follow(last: Any, agreement: Any) -> bool:
    narrow = agreement.get("amends")
    # Where the profile differs, or the agencies or their holders do, the epoch is the next.
    know = [
        {p["name"]: p["holder"] for p in one["parties"] if p["kind"] == "agency"} for one in (last, agreement)
    ]
    same = last["profile"] == agreement["profile"] and [*know[0].items()] == [*know[1].items()]
    return (
        [agreement["log"], agreement["project"]] == [last["log"], last["project"]]
        and agreement["number"] == last["number"] + 1
        and agreement["previous"] == digest_of(last)
        and agreement["epoch"] - last["epoch"] in ((0, 1) if same else (1,))
        # It leaves out at most one of the parties of the one before.
        and len(set(names(last)) - set(names(agreement))) <= 1
        and (narrow is None or keeps(last, agreement, narrow))
    )


def keeps(last: Any, agreement: Any, narrow: Any) -> bool:
    """Whether an amendment changes no more than it says, beside number, previous, amends and epoch."""
    frame = ("number", "previous", "amends", "epoch")
    old, new = ({k: v for k, v in one.items() if k not in frame} for one in (last, agreement))
    if narrow["only"] == "persons":
        for one in (old, new):
            own, other = narrow["party"], {"persons": None, "holder": None}
            one["parties"] = [{**p, **other} if p["name"] == own else p for p in one["parties"]]
        return old == new
    free = {"policy", "schedule", "limits", "start", "end", "retention"}
    terms = [terms_of(one) for one in (last, agreement)]
    limits = [{**one["limits"], "files": [], "privacy": {}} for one in (last, agreement)]
    left = [date.fromisoformat(t["destroy_by"]) - date.fromisoformat(t["end"]) for t in terms]
    kept = last["retention"], agreement["retention"]
    return (
        all(new.get(k) == old.get(k) for k in {*old, *new} - free)
        and allows(terms[0], agreement["policy"])
        # Of the limits the sizes of files and `privacy` alone change, and not which agency has the larger file.
        and limits[0] == limits[1]
        and by_size(terms[0]) == by_size(terms[1])
        # Nothing is kept longer, and `destroy_by` does not move by more days than `end` does.
        and all(kept[1][k] <= kept[0][k] for k in ("keep_encodings_days", "keep_links_days"))
        and left[1] <= left[0]
        and kept[1]["legal_hold"] == kept[0]["legal_hold"]
    )


def by_size(terms: Any) -> list[str]:
    """The providers, the one with the larger file first."""
    files = sorted(terms["files"], key=lambda file: (-file["most"], file["party"]))
    return [file["party"] for file in files]


def allows(terms: Any, policy: Any) -> bool:
    """The agreed policy, or one that differs in `auto` and `review` alone, within the agreed range."""
    agreed, within = terms["policy"], terms["policy_range"]
    if policy == agreed:
        return True
    inside = within is not None and all(
        Fraction(within[f"{n}_from"]) <= Fraction(policy[n]) <= Fraction(within[f"{n}_to"])
        for n in ("auto", "review")
    )
    return inside and {**policy, "auto": agreed["auto"], "review": agreed["review"]} == agreed


def statement_of(log: Log, p: Project, e: Any) -> Any:
    """Check what an entry holds signed; returns the statement."""
    signed, stated = e.body["signed"], e.body["signed"]["statement"]
    need([stated["party"], stated["person"]] == [e.party, e.person], "signer", "the statement is the actor's")
    agreement = p.proposed[e.agreement]
    what = STATEMENTS.get(e.kind, "notice")
    person = acting(log, e, "signer-key")
    key = key_that_signed(signed, stated, what, agreement)
    need(person.keys["signing"] == key_digest(key), "signer-key", "it is signed with the key in use")
    before, at = p.words.get(e.party, (None, ""))
    need(stated["before"] == before and stated["at"] >= at, "statement-order", "`before` is the one before")
    timely(e, stated["at"])
    p.words[e.party] = digest_of(stated), stated["at"]
    return stated


def key_that_signed(signed: Any, stated: Any, what: str, agreement: Any) -> str:
    """The statement counts under the agreement; returns the key that it is signed with."""
    code = "statement-signature"
    its = [f"blindlink/{what}/1", agreement["project"], digest_of(agreement)]
    fits = [stated[name] for name in ("version", "project", "agreement")] == its
    need(fits, code, "the statement is of the kind that is asked for, about this agreement")
    duty = "steward" if what in ("consent", "notice") else "approver"
    need(lists(agreement, stated["party"], stated["person"], duty), code, "the person is listed with the duty")
    if what == "consent":
        need(stated["party"] in asked(agreement), code, "the party has to sign the agreement")
        need(stated["counsel"] is not None or agreement.get("amends") is not None, code, "counsel is named")
    listed = persons_of(agreement, stated["party"])
    (person,) = (one for one in listed if one["person"] == stated["person"])
    # From the key that is listed, signed changes of keys lead to the one that signs.
    for each in signed["changes"]:
        change, new = each["change"], each["change"]["successor"]
        fits = change["person"] == person["person"] and all(
            person[n] == new[n] for n in ("party", "person", "duties")
        )
        fits = fits and change["old_key"] == person["signing_key"] != new["signing_key"]
        need(fits and person["receiving_key"] != new["receiving_key"], code, "each change leads to new keys")
        holds = is_signed("key-rotation", change, each["old_signature"], person["signing_key"])
        holds = holds and is_signed("key-rotation", change, each["new_signature"], new["signing_key"])
        need(holds, code, "both keys have signed the change")
        person = new
    kind = "agreement" if what in ("consent", "notice") else "approval"
    need(is_signed(kind, stated, signed["signature"], person["signing_key"]), code, "its signature holds")
    return str(person["signing_key"])


def roster(p: Project, bound: str | None, e: Any) -> Any:
    # The list of authorized users is the list of the party's persons in the agreement that binds, or in one
    # that came into force after it; of a party that none of these names, in the last one that did. Where
    # nothing binds, any will do.
    forced = [digest for _, digest, _ in p.binding]
    place = 0 if bound is None else forced.index(bound)
    naming = [n for n, digest in enumerate(forced) if e.party in names(p.proposed[digest])]
    rest = [] if place in naming else [n for n in naming if n < place][-1:]
    for n in [*(n for n in naming if n >= place), *rest]:
        for person in persons_of(p.proposed[forced[n]], e.party):
            if person["person"] == e.person:
                return person
    return None


def on_roster(p: Project, e: Any, bound: str | None, duties: set[str], person: Any = None) -> None:
    listed = roster(p, bound, e)
    need(listed, "person-unlisted", "the party's list of authorized users names the person")
    fits = person is None or key_digest(listed["signing_key"]) in person.had
    need(fits, "person-unlisted", "it does so under a key that the person has or had in the log")
    need(duties & set(listed["duties"]), "person-duty", "it does so with one of the duties")


def is_steward_now(p: Project, e: Any) -> None:
    """What binds is here what does on the earlier of the days."""
    n = bound_on(p, e.early_day)
    on_roster(p, e, p.binding[n][1] if n >= 0 else None, {"steward"})


def agreement_proposed(log: Log, p: Project, e: Any) -> None:
    agreement = e.body["agreement"]
    fits = [agreement["log"], agreement["project"]] == [log.origin, e.project]
    fits = fits and e.agreement == digest_of(agreement)
    need(fits, "agreement", "log, project and digest of the agreement are those of the entry")
    need(e.agreement not in p.proposed, "agreement-twice", "it was not proposed before")
    need(lists(agreement, e.party, e.person, "steward"), "agreement-proposer", "it lists the actor as steward")
    if any(e.party in names(p.proposed[digest]) for _, digest, _ in p.binding):
        is_steward_now(p, e)
    follows_last(p, agreement)
    p.proposed[e.agreement], p.consents[e.agreement] = agreement, set()


def agreement_signed(log: Log, p: Project, e: Any) -> None:
    statement_of(log, p, e)
    agreement, consents = p.proposed[e.agreement], p.consents[e.agreement]
    follows_last(p, agreement)
    need(e.party not in consents, "agreement-signed-twice", "the party has not consented before")
    is_no_newcomer(p, e, agreement, acting(log, e, "signer-key").had)
    consents.add(e.party)
    if is_complete(p, e.agreement):
        log.consented = e


def is_complete(p: Project, digest: str) -> bool:
    """Whether all who have to sign an agreement have consented to it."""
    return p.consents[digest] == set(asked(p.proposed[digest]))


def is_no_newcomer(p: Project, e: Any, agreement: Any, had: set[str]) -> None:
    """The last version in force that names the party lists who signs for it as a steward, or one exception."""
    naming = [p.proposed[d] for _, d, _ in p.binding if e.party in names(p.proposed[d])]
    if not naming:
        return
    before = {one["person"]: one for one in persons_of(naming[-1], e.party) if "steward" in one["duties"]}
    if e.person in before and key_digest(before[e.person]["signing_key"]) in had:
        return
    code = "agreement-newcomer"
    need(agreement.get("amends") is None, code, "who signs was a steward before, or no amendment")
    is_listed = any(lists(agreement, e.party, one, "steward") for one in before)
    need(not is_listed, code, "who signs was a steward before, or it lists none of those")
    gone = set(names(p.last_agreement())) - set(names(agreement))
    others = p.newcomers[e.agreement]
    others.add(e.party)
    need(len(others | gone) == 1, code, "new stewards sign for one party alone, and none is left out")


def agreement_in_force(log: Log, p: Project, e: Any) -> None:
    agreement = p.proposed[e.agreement]
    fits = e.body == {"number": agreement["number"], "start": agreement["start"]}
    need(fits, "agreement", "number and start are the agreement's")
    follows_last(p, agreement)
    need(is_complete(p, e.agreement), "agreement-unsigned", "every party has consented")
    for one in agreement["parties"]:
        fits = (log.roles[one["name"]] == "operator") == (one["kind"] == "operator")
        need(fits, "agreement-operator", "the operator was enrolled as one, and no other party")
    p.binding.append((agreement["start"], e.agreement, terms_of(agreement)))
    p.began.append(max(agreement["start"], e.day))


def noticed(log: Log, p: Project, e: Any) -> None:
    stated, what = statement_of(log, p, e), e.kind.removeprefix("agreement-")
    code, forced = "notice-out-of-place", [digest for _, digest, _ in p.binding]
    fits = stated["act"] == ACTS[what] and e.agreement in forced and e.agreement not in p.left
    need(fits, code, "it has come into force, and no party has withdrawn from it")
    is_steward_now(p, e)
    if what != "withdrawn":
        need((e.party in p.halted) == (what == "resumed"), code, "who resumes halts it, who suspends does not")
        p.halted ^= {e.party}
        return
    # A withdrawal ends every agreement in force that names the party, and voids its other consents.
    for digest, consents in p.consents.items():
        if digest in forced and e.party in names(p.proposed[digest]):
            p.left.add(digest)
        elif digest not in forced:
            consents.discard(e.party)
            p.newcomers[digest].discard(e.party)


def project_opened(log: Log, p: Project, e: Any) -> None:
    need(set(e.body["parties"]) <= set(log.roles), "stranger", "its parties were enrolled")
