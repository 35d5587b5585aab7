"""Part of the independent verifier: agreements and approvals, by the pages of entry, agreement, statement."""

from __future__ import annotations

import base64
import hashlib
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from blindlink_verify.entries import canonical, need, sha, unbase64

DUTIES = {"consent": "steward", "notice": "steward"}
ACTS = {"suspended": "suspend", "resumed": "resume", "withdrawn": "withdraw"}
STATED = {
    "agreement-signed": "consent",
    "run-approved": "run-approval",
    "standing-approved": "standing-approval",
    "standing-revoked": "approval-revocation",
}


def digest_of(value: Any) -> str:
    return sha(canonical(value)).hex()


def early(e: Any) -> str:
    moment = datetime.fromisoformat(e["time"]) - timedelta(minutes=1)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def days(e: Any) -> tuple[str, str]:
    return e["time"][:10], early(e)[:10]


def timely(e: Any, at: str, since: str | None = None) -> None:
    """Check the time at which something in an entry was signed, about what goes on since a time, if given."""
    moment, skew = datetime.fromisoformat(e["time"]), timedelta(minutes=5)
    first = moment - timedelta(days=2) if since is None else datetime.fromisoformat(since) - skew
    need(first <= datetime.fromisoformat(at) <= moment + skew, "time of what is signed")


def before(day: str, n: int) -> str:
    return (date.fromisoformat(day) - timedelta(days=n)).isoformat()


def names(agreement: Any, kind: str | None = None) -> list[str]:
    return [p["name"] for p in agreement["parties"] if kind in (None, p["kind"])]


def terms_of(agreement: Any) -> dict[str, Any]:
    """Return the terms that follow from an agreement, by the names on the page of project terms."""
    same = (
        "project",
        "epoch",
        "profile",
        "policy",
        "policy_range",
        "spaces",
        "approvals",
        "review",
    )
    kept, limits = agreement["retention"], agreement["limits"]
    return {
        **{name: agreement[name] for name in (*same, "finality", "start", "end")},
        **{name: value for name, value in limits.items() if name != "budget"},
        "round_budget": limits["budget"],
        **{name: agreement["schedule"][name] for name in ("frequency", "due", "round_days")},
        "purpose": agreement["purpose"]["code"],
        "population": agreement["population"]["code"],
        "as_of_max_age_days": agreement["population"]["max_age_days"],
        "as_of_max_gap_days": agreement["population"]["max_gap_days"],
        "providers": names(agreement, "agency"),
        "auditors": names(agreement, "auditor"),
        "recipients": [
            {name: r[name] for name in ("party", "mode", "space")} for r in agreement["recipients"]
        ],
        "keep_encodings_days": kept["keep_encodings_days"],
        "keep_links_days": kept["keep_links_days"],
        "destroy_by": kept["destroy_by"],
        "has_legal_hold": kept["legal_hold"] is not None,
    }


def holders(agreement: Any) -> list[tuple[str, str]]:
    return [(p["name"], p["holder"]) for p in agreement["parties"] if p["kind"] == "agency"]


def asked(agreement: Any) -> list[str]:
    """Return the parties that have to sign an agreement."""
    party = (agreement.get("amends") or {"party": None})["party"]
    return names(agreement) if party is None else [party]


def lists(agreement: Any, name: str, person: str, duty: str) -> bool:
    return any(
        one["person"] == person and duty in one["duties"]
        for party in agreement["parties"]
        if party["name"] == name
        for one in party["persons"]
    )


def may_follow(last: Any, agreement: Any) -> bool:
    if last is None:
        return bool(agreement["number"] == 1)
    same = last["profile"] == agreement["profile"] and holders(last) == holders(agreement)
    narrow = agreement.get("amends")
    return (narrow is None or keeps(last, agreement, narrow)) and (
        len(set(names(last)) - set(names(agreement))) <= 1
        and [agreement["log"], agreement["project"]] == [last["log"], last["project"]]
        and agreement["number"] == last["number"] + 1
        and agreement["previous"] == digest_of(last)
        and agreement["epoch"] - last["epoch"] in ((0, 1) if same else (1,))
    )


def keeps(last: Any, agreement: Any, narrow: Any) -> bool:
    """Tell whether an amendment changes no more than it says."""
    frame = ("number", "previous", "amends", "epoch")
    before, after = ({k: v for k, v in one.items() if k not in frame} for one in (last, agreement))
    if narrow["only"] == "persons":
        for one in (before, after):
            one["parties"] = [
                {k: v for k, v in party.items() if k not in ("persons", "holder")}
                if party["name"] == narrow["party"]
                else party
                for party in one["parties"]
            ]
        return before == after
    free = ("policy", "schedule", "limits", "start", "end", "retention")
    terms = [terms_of(one) for one in (last, agreement)]
    order = [sorted(one["files"], key=lambda f: (-f["most"], f["party"])) for one in terms]
    left = [date.fromisoformat(one["destroy_by"]) - date.fromisoformat(one["end"]) for one in terms]
    old, new = last["retention"], agreement["retention"]
    return (
        all(after.get(k) == before.get(k) for k in {*before, *after} - {*free})
        and allows(terms[0], agreement["policy"])
        and {**last["limits"], "files": [], "privacy": {}}
        == {**agreement["limits"], "files": [], "privacy": {}}
        and [f["party"] for f in order[0]] == [f["party"] for f in order[1]]
        and all(new[k] <= old[k] for k in ("keep_encodings_days", "keep_links_days"))
        and left[1] <= left[0]
        and new["legal_hold"] == old["legal_hold"]
    )


def allows(terms: Any, policy: Any) -> bool:
    chosen, agreed = dict(policy), terms["policy"]
    if chosen == agreed:
        return True
    inside = terms["policy_range"] is not None and all(
        Fraction(terms["policy_range"][f"{name}_from"])
        <= Fraction(policy[name])
        <= Fraction(terms["policy_range"][f"{name}_to"])
        for name in ("auto", "review")
    )
    return inside and {**chosen, "auto": agreed["auto"], "review": agreed["review"]} == agreed


def checks(kind: str, document: Any, signature: str, key: str) -> None:
    message = f"blindlink/v1/{kind}\n".encode() + canonical(document)
    Ed25519PublicKey.from_public_bytes(unbase64(key)).verify(unbase64(signature), message)


def signing_key(signed: Any, agreement: Any) -> str:
    """Return the key by which a statement counts under an agreement, or raise."""
    stated = signed["statement"]
    what = stated["version"].split("/")[1]
    need(
        [stated["project"], stated["agreement"]] == [agreement["project"], digest_of(agreement)],
        what,
    )
    (person,) = (
        one
        for party in agreement["parties"]
        if party["name"] == stated["party"]
        for one in party["persons"]
        if one["person"] == stated["person"]
    )
    need(DUTIES.get(what, "approver") in person["duties"], "duty")
    if what == "consent":
        need(stated["party"] in asked(agreement), "not asked")
        need(stated["counsel"] is not None or agreement.get("amends") is not None, "counsel")
    for each in signed["changes"]:
        change, new = each["change"], each["change"]["successor"]
        kept = ("party", "person", "duties")
        need([person[n] for n in kept] == [new[n] for n in kept], "successor")
        need(change["person"] == person["person"], "person")
        need(change["old_key"] == person["signing_key"] != new["signing_key"], "old key")
        need(person["receiving_key"] != new["receiving_key"], "receiving key")
        checks("key-rotation", change, each["old_signature"], person["signing_key"])
        checks("key-rotation", change, each["new_signature"], new["signing_key"])
        person = new
    kind = "agreement" if what in DUTIES else "approval"
    checks(kind, stated, signed["signature"], person["signing_key"])
    return str(person["signing_key"])


class Accord:
    """One project's agreements, halts and approvals."""

    def __init__(self) -> None:
        self.proposed: dict[str, Any] = {}
        self.consents: dict[str, set[str]] = {}
        # Which of these signed by stewards whom no version before lists.
        self.new_stewards: dict[str, set[str]] = {}
        self.left: set[str] = set()
        # Start, digest, terms; what has come into force, in that order.
        self.binding: list[tuple[str, str, Any]] = []
        self.began: list[str] = []
        self.words: dict[str, tuple[str, str]] = {}
        self.halted: set[str] = set()
        self.standing: dict[str, Any] = {}
        self.ids: set[str] = set()

    def terms(self, e: Any) -> Any:
        """Return the terms that an entry is held to; None where nothing binds and none are named."""
        found = []
        for day in days(e):
            begun = [b for b in self.binding if b[0] <= day]
            found.append(begun[-1] if begun else (None, None, None))
        (terms,) = [b[2] for b in found if b[1] == e["agreement"]][:1]
        return terms

    def terms_on(self, day: str) -> Any:
        """Return the terms that bind on a day, and from which day they do."""
        (*_, last) = [n for n, binding in enumerate(self.binding) if binding[0] <= day]
        return self.binding[last][2], self.began[last]

    def last(self) -> Any:
        return self.proposed[self.binding[-1][1]] if self.binding else None

    def in_force(self, e: Any, terms: Any) -> None:
        need(any(terms["start"] <= day <= terms["end"] for day in days(e)), "dates")
        need(e["agreement"] not in self.left, "withdrawn")
        need(not self.halted & set(names(self.proposed[e["agreement"]])), "suspended")

    def signed(self, e: Any, signers: Any) -> Any:
        """Check what an entry holds signed; returns the statement."""
        signed, kind = e["body"]["signed"], e["kind"]
        stated = signed["statement"]
        need(stated["version"] == f"blindlink/{STATED.get(kind, 'notice')}/1", kind)
        need(
            [stated["party"], stated["person"]] == [e["actor"]["party"], e["actor"]["person"]], kind
        )
        need(e["agreement"] in self.proposed, kind)
        key = signing_key(signed, self.proposed[e["agreement"]])
        digest = hashlib.sha256(base64.b64decode(key)).hexdigest()
        need(signers.of(e)["signing"] == digest, "key")
        before, at = self.words.get(stated["party"], (None, ""))
        need(stated["before"] == before and stated["at"] >= at, "order")
        self.words[stated["party"]] = digest_of(stated), stated["at"]
        timely(e, stated["at"])
        return stated

    def take(self, e: Any, signers: Any, log: str) -> None:
        """Take an entry of the log of this origin, whose kind begins with `agreement-`."""
        what, digest = e["kind"].removeprefix("agreement-"), e["agreement"]
        if what == "proposed":
            agreement = e["body"]["agreement"]
            need(digest == digest_of(agreement) and digest not in self.proposed, what)
            need([agreement["log"], agreement["project"]] == [log, e["project"]], what)
            need(may_follow(self.last(), agreement), what)
            stewards = [
                [party["name"], person["person"]]
                for party in agreement["parties"]
                for person in party["persons"]
                if "steward" in person["duties"]
            ]
            need([e["actor"]["party"], e["actor"]["person"]] in stewards, what)
            self.is_amendable(agreement)
            if any(e["actor"]["party"] in names(self.proposed[b[1]]) for b in self.binding):
                self.is_steward_now(e)
            self.proposed[digest], self.consents[digest] = agreement, set()
            return
        agreement = self.proposed[digest]
        if what == "signed":
            stated = self.signed(e, signers)
            need(
                may_follow(self.last(), agreement) and stated["party"] not in self.consents[digest],
                what,
            )
            self.is_amendable(agreement)
            self.is_no_newcomer(agreement, e["actor"], signers.of(e)["had"])
            self.consents[digest].add(stated["party"])
        elif what == "in-force":
            need(e["body"] == {"number": agreement["number"], "start": agreement["start"]}, what)
            need(may_follow(self.last(), agreement), what)
            need(self.is_complete(digest), what)
            self.is_amendable(agreement)
            self.binding.append((agreement["start"], digest, terms_of(agreement)))
            self.began.append(max(agreement["start"], e["time"][:10]))
        else:
            self.notice(e, self.signed(e, signers), what)

    def is_complete(self, digest: str) -> bool:
        """Tell whether all who have to sign an agreement have consented to it."""
        return self.consents[digest] == set(asked(self.proposed[digest]))

    def roster(self, bound: str | None, actor: Any) -> Any:
        """Return a person as the roster of their party lists them; None binds before anything has begun."""
        in_force = [digest for _, digest, _ in self.binding]
        place = 0 if bound is None else in_force.index(bound)
        naming = [
            (at, party)
            for at, digest in enumerate(in_force)
            for party in self.proposed[digest]["parties"]
            if party["name"] == actor["party"]
        ]
        newer = [party for at, party in naming if at >= place]
        is_named = any(at == place for at, _ in naming)
        rest = [] if is_named else [party for at, party in naming if at < place][-1:]
        for party in [*newer, *rest]:
            for person in party["persons"]:
                if person["person"] == actor["person"]:
                    return person
        return None

    def is_steward_now(self, e: Any) -> None:
        """Check that who acts about an agreement is on the roster of the earlier of the days."""
        begun = [b[1] for b in self.binding if b[0] <= min(days(e))]
        listed = self.roster(begun[-1] if begun else None, e["actor"])
        need(listed is not None and "steward" in listed["duties"], "roster")

    def is_amendable(self, agreement: Any) -> None:
        """Check that nobody has left what is amended."""
        need(agreement.get("amends") is None or self.binding[-1][1] not in self.left, "left")

    def is_no_newcomer(self, agreement: Any, actor: Any, had: Any) -> None:
        """Check that who signs was a steward of the party, but for one party whose stewards are all gone."""
        naming = [
            party
            for _, digest, _ in self.binding
            for party in self.proposed[digest]["parties"]
            if party["name"] == actor["party"]
        ]
        if not naming:
            return
        before = {p["person"]: p for p in naming[-1]["persons"] if "steward" in p["duties"]}
        known = before.get(actor["person"])
        if known is not None and sha(unbase64(known["signing_key"])).hex() in had:
            return
        need(agreement.get("amends") is None, "newcomer")
        need(not any(lists(agreement, actor["party"], p, "steward") for p in before), "newcomer")
        gone = set(names(self.last())) - set(names(agreement))
        others = self.new_stewards.setdefault(digest_of(agreement), set())
        others.add(actor["party"])
        need(len(others | gone) == 1, "newcomer")

    def stands(self, stated: Any, now: str) -> bool:
        """Tell whether an approval is of what binds, or of a version that differs in persons alone."""
        current = self.proposed[now]
        if not lists(current, stated["party"], stated["person"], "approver"):
            return False
        while now != stated["agreement"]:
            narrow = self.proposed[now].get("amends") or {"only": None}
            if narrow["only"] != "persons":
                return False
            now = self.proposed[now]["previous"]
        return True

    def notice(self, e: Any, stated: Any, what: str) -> None:
        forced = [b[1] for b in self.binding]
        party = stated["party"]
        self.is_steward_now(e)
        need(stated["act"] == ACTS[what], what)
        need(e["agreement"] in forced and e["agreement"] not in self.left, what)
        if what == "withdrawn":
            for digest, consents in self.consents.items():
                if digest in forced and party in names(self.proposed[digest]):
                    self.left.add(digest)
                elif digest not in forced:
                    consents.discard(party)
                    self.new_stewards.get(digest, set()).discard(party)
            return
        need((party in self.halted) == (what == "resumed"), what)
        self.halted ^= {party}

    def approve(self, e: Any, stated: Any, terms: Any, run: Any) -> None:
        """Take an approval, of one run or standing."""
        rule = terms["approvals"]
        need(stated["party"] in rule["parties"], "approver")
        need(stated["approval"] not in self.ids, "approval twice")
        self.ids.add(stated["approval"])
        if run is None:
            need(rule["runs"] == "standing", "standing")
            self.standing[stated["approval"]] = {**stated, "used": set(), "revoked": False}
            return
        need(stated["run"] == e["object"] == run["spec"]["run"], "run")
        need(stated["specification_sha256"] == digest_of(run["spec"]), "specification")
        need(stated["expires"] > early(e), "expired")
        at, until = (datetime.fromisoformat(stated[name]) for name in ("at", "expires"))
        need(until - at <= timedelta(days=30), "too long")
        if stated["step"] == "run":
            need(run["open"] and not run["attempt"], "step")
            need(stated["party"] not in run["approved"], "step")
            need(all(until > early(e) for until in run.setdefault("until", [])), "expired")
            run["until"].append(stated["expires"])
            run["approved"][stated["party"]] = None
        else:
            need(rule["releases"] and run.get("done"), "step")
            let_go = run["let-go"]
            if not let_go.keys() >= set(rule["parties"]):
                let_go = {party: until for party, until in let_go.items() if until > early(e)}
            need(let_go.get(stated["party"], "") <= e["time"], "step")
            need(stated["person"] not in run["senders"], "step")
            run["let-go"] = {**let_go, stated["party"]: stated["expires"]}

    def revoke(self, stated: Any) -> None:
        one = self.standing[stated["approval"]]
        need(one["party"] == stated["party"] and not one["revoked"], "revoked")
        one["revoked"] = True

    def use(self, e: Any, run: Any) -> None:
        one = self.standing[e["body"]["approval"]]
        need(one["party"] == e["body"]["party"] and not one["revoked"], "standing")
        need(run["open"] and not run["attempt"] and one["party"] not in run["approved"], "step")
        need(all(until > early(e) for until in run.get("until", [])), "expired")
        need(self.stands(one, e["agreement"]) and one["until"] >= run["day"], "standing")
        need(one["policy_sha256"] == digest_of(run["spec"]["policy"]), "policy")
        need(len(one["used"]) < one["runs"], "number")
        one["used"].add(e["object"])
        run["approved"][one["party"]] = e["body"]["approval"]

    def may_start(self, terms: Any, run: Any) -> None:
        for party in terms["approvals"]["parties"]:
            used = run["approved"][party]
            need(used is None or not self.standing[used]["revoked"], "unapproved")

    def may_leave(self, terms: Any, run: Any) -> None:
        rule = terms["approvals"]
        needed = set(rule["parties"]) if rule["releases"] else set()
        need(needed <= run["let-go"].keys(), "unapproved")

    def give_back(self, run: str) -> None:
        for one in self.standing.values():
            one["used"].discard(run)
