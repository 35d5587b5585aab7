"""Part of the independent verifier: the rules that entries follow, written from schemas/spec/entry.md alone."""

from __future__ import annotations

import re
from collections import defaultdict
from fractions import Fraction
from typing import Any

from blindlink_verify.agreements import Accord, allows, before, days, digest_of
from blindlink_verify.deliveries import Deliveries
from blindlink_verify.destruction import Undoing
from blindlink_verify.entries import KINDS, PAGE, canonical, need, sha
from blindlink_verify.persons import Persons
from blindlink_verify.reviews import Reviews
from blindlink_verify.rounds import Signers, Turns

DATED = {
    *(
        "round-opened",
        "upload-received",
        "run-asked",
        "run-approved",
        "standing-approved",
        "standing-used",
    ),
    *(
        "run-started",
        "run-finished",
        "release-prepared",
        "blind-release-prepared",
        "release-fetched",
    ),
    *("review-asked", "review-fetched", "review-answered", "review-decided"),
    *("delivery-received", "delivery-fetched", "round-superseded"),
    *("share-relayed", "share-fetched", "secret-confirmed"),
    *("nonces-offered", "claims-received", "statement-received"),
}
# Whose own name the page asks for: the broker's, and its or its operator's.
OWN = re.findall(r"- What the broker alone does .*?\n- ", PAGE, re.DOTALL)[0].split("; it is")
BY_BROKER, BY_OPERATOR = (set(re.findall("`([a-z]+-[a-z-]+)`", one)) for one in OWN)


class Replay:
    def __init__(self) -> None:
        self.time, self.parties, self.leaves = "", {"broker"}, defaultdict[Any, list[str]](list)
        self.accords: dict[Any, Accord] = {}
        self.terms: dict[Any, Any] = defaultdict(lambda: None)
        self.uploads: dict[str, Any] = {}
        self.secrets: dict[Any, str] = {}
        self.sent: dict[str, Any] = {}
        self.placed: dict[str, Any] = {}
        self.runs: dict[str, Any] = {}
        self.releases: dict[str, Any] = {}
        self.run_of: dict[str, Any] = {}
        self.made_for: dict[str, Any] = {}
        self.fetched: set[str] = set()
        self.unreleased: list[Any] = []
        self.asked: dict[str, int] = {}
        self.awaited: list[Any] = []
        # The consent by which all have signed an agreement, if that is the entry before.
        self.consented: Any = None
        self.blind: set[str] = set()
        self.shares: dict[str, Any] = {}
        self.undoing = Undoing()
        self.signers = Signers()
        self.persons = Persons()
        self.reviews: dict[Any, Reviews] = defaultdict(Reviews)
        self.turns: dict[Any, Turns] = defaultdict(Turns)
        self.deliveries: dict[Any, Deliveries] = defaultdict(Deliveries)

    def take(self, e: Any, index: int) -> None:
        self.follow(e, index)
        if e["outcome"] != "refused":
            self.signers.take(e)
            project = e["project"]
            accord = self.accords[project] if project else Accord()
            self.persons.take(e, self.terms[project], accord, self)

    def all_released(self, batch: Any) -> None:
        for run in self.unreleased:
            need(run["batches"][1] == batch or set(owed(run)) <= set(run["to"]), "release missing")
        self.unreleased = [run for run in self.unreleased if run["batches"][1] == batch]

    def follow(self, e: Any, index: int) -> None:
        self.all_released(e["batch"])
        body, obj, kind, project = e["body"], e["object"], e["kind"], e["project"]
        party, t = e["actor"]["party"], self.terms[project]
        need((kind == "log-started") == (index == 0), "log-start")
        need(e["time"] >= self.time and party in self.parties, "time and actor")
        own, broad = self.leaves[project], self.leaves[None]
        need(e["place"] == len(own) and e["previous"] == (own[-1] if own else None), "place")
        need(e["broker_wide"] == (broad[-1] if project else None), "broker-wide")
        own.append(sha(b"\0", canonical(e)).hex())
        self.time = e["time"]
        need(may_write(e, self.persons.roles), "the broker's own")
        if kind == "project-opened":
            need(project not in self.accords, kind)
            need(set(body["parties"]) <= self.parties - {"broker"}, kind)
            self.accords[project] = Accord()
        accord = self.accords[project] if project else Accord()
        if project and not kind.startswith("agreement-"):
            t = accord.terms(e)
            self.terms[project] = t or self.terms[project]
        need(e["purpose"] in purposes(e, accord), "purpose")
        self.persons.has_role(e, self.signers)
        if self.consented:
            same = all(
                e[name] == self.consented[name] for name in ("project", "agreement", "batch")
            )
            need(kind == "agreement-in-force" and same, "withheld")
            self.consented = None
        if e["outcome"] == "refused":
            return
        if kind.startswith("agreement-"):
            accord.take(e, self.signers, self.persons.log)
            if kind == "agreement-in-force":
                for one in accord.proposed[e["agreement"]]["parties"]:
                    runs_broker = self.persons.roles[one["name"]] == "operator"
                    need(runs_broker == (one["kind"] == "operator"), "operator")
            if kind == "agreement-signed" and accord.is_complete(e["agreement"]):
                self.consented = e
            return
        if kind in DATED:
            accord.in_force(e, t)
        self.undoing.take(e, t)
        if kind == "party-enrolled":
            need(body["party"] not in self.parties, kind)
            self.parties.add(body["party"])
        elif kind == "person-enrolled":
            need(body["party"] in self.parties - {"broker"}, kind)
        elif kind in ("role-changed", "key-rotated"):
            need(body["party"] in self.parties, kind)
        elif kind.startswith(("share", "secret-")):
            need(party in t["providers"] and body["epoch"] - t["epoch"] in (0, 1), kind)
            self.take_share(kind, body, project, party, t["providers"])
        elif kind == "nonces-offered":
            self.signers.signed(e, body["signed"]["signature"])
            self.persons.may_act(e, accord, self.signers, {"analyst"})
            self.turns[project].offer(e, t, self.signers)
        elif kind == "round-opened":
            self.turns[project].open(e, t)
            self.reviews[project].open_round(e)
        elif kind == "round-superseded":
            self.turns[project].supersede(body)
        elif kind == "claims-received":
            self.turns[project].claim(party, body, t, self.runs, self.reviews[project])
        elif kind == "statement-received":
            self.turns[project].state(party, body, t, self.runs)
        elif kind == "round-closed":
            self.turns[project].close(e, self.runs)
        elif kind.startswith("review-") or kind == "supplement-closed":
            agreement = accord.proposed.get(e["agreement"])
            reviews, turns = self.reviews[project], self.turns[project]
            reviews.take(e, t, agreement, self.runs, turns, self.signers)
            if kind == "review-asked":
                self.asked[obj] = e["seq"]
            elif kind == "review-fetched":
                self.hand_out(t, self.asked[obj])
        elif kind.startswith("delivery-"):
            agreement = accord.proposed.get(e["agreement"])
            turns, deliveries = self.turns[project], self.deliveries[project]
            deliveries.take(e, t, agreement, turns, self.signers)
        elif kind == "upload-received":
            need(obj not in self.uploads and party in t["providers"], kind)
            need(all(body[n] == t[n] for n in ("profile", "epoch", "population")), kind)
            (size,) = [file for file in t["files"] if file["party"] == party]
            need(size["least"] <= body["records"] <= size["most"], kind)
            key = self.secrets.setdefault((project, body["epoch"]), body["key_id"])
            need(body["key_id"] == key, kind)
            other = [of for of, known in self.secrets.items() if of[0] == project and known == key]
            need(len(other) == 1, "secret of another epoch")
            self.signers.signed(e, body["signature"])
            self.turns[project].in_time(e, body["round"])
            self.turns[project].upload(party, body, t)
            age = t["as_of_max_age_days"]
            need(age is None or body["as_of"] >= before(days(e)[1], age), kind)
            need(body["as_of"] <= before(e["time"][:10], -1), kind)
            due = before(e["time"][:10], -t["keep_encodings_days"] - 1)
            self.uploads[obj] = stated_upload(project, party, body), due
            self.sent[obj] = e["actor"]["person"], body["as_of"], body["records"], t
            self.placed[obj] = [body["round"], party, body["partner"]]
        elif kind == "upload-destroyed":
            (owner, _, container, _), _ = self.uploads[obj]
            need((owner, container) == (project, body["container_sha256"]), kind)
            self.uploads[obj] = None
        elif kind == "run-asked":
            s = body["specification"]
            need(obj not in self.runs and digest_of(s) == body["specification_sha256"], kind)
            need(s["algorithm"] == "blindlink/matching/2", "algorithm")
            need([s["run"], s["asked_by"], s["agreement"]] == [obj, party, e["agreement"]], kind)
            need(all(s[n] == t[n] for n in ("project", "profile", "epoch", "floor")), kind)
            need(allows(t, s["policy"]), kind)
            need(all(s[n] == t[n] for n in ("recipients", "spaces")), kind)
            need(party in [x["party"] for x in s["uploads"]], kind)
            for x in s["uploads"]:
                stated = stated_upload(project, x["party"], x)
                need(self.uploads[x["upload"]][0] == stated, kind)
                _, _, records, then = self.sent[x["upload"]]
                need(all(then[n] == t[n] for n in ("profile", "epoch", "population")), kind)
                (size,) = [file for file in t["files"] if file["party"] == x["party"]]
                need(size["least"] <= records <= size["most"], kind)
            self.may_ask(s, t)
            self.turns[project].in_time(e, s["round"])
            self.turns[project].ask(obj, s, self.placed, self.runs)
            self.runs[obj] = {
                "project": project,
                "seq": e["seq"],
                "spec": s,
                "attempt": 0,
                "open": True,
                "to": [],
                "records": [],
                "matches": {},
                "sizes": [self.sent[x["upload"]][2] for x in s["uploads"]],
                "approved": {},
                "let-go": {},
                "day": days(e)[1],
                "senders": {self.sent[x["upload"]][0] for x in s["uploads"]},
            }
        elif kind == "run-approved":
            need(self.runs[obj]["project"] == project, kind)
            need(self.runs[obj]["spec"]["agreement"] == e["agreement"], kind)
            accord.approve(e, accord.signed(e, self.signers), t, self.runs[obj])
        elif kind == "standing-approved":
            accord.approve(e, accord.signed(e, self.signers), t, None)
        elif kind == "standing-revoked":
            accord.revoke(accord.signed(e, self.signers))
        elif kind == "standing-used":
            need(self.runs[obj]["project"] == project, kind)
            need(self.runs[obj]["spec"]["agreement"] == e["agreement"], kind)
            accord.use(e, self.runs[obj])
        elif kind == "match-record-destroyed":
            need(self.runs[obj]["project"] == project, kind)
            self.runs[obj]["records"].remove(body["root"])
        elif kind.startswith("run-"):
            self.move_run(e, self.runs[obj], t["floor"])
            goes_on = kind in ("run-started", "run-finished")
            same = self.runs[obj]["spec"]["agreement"] == e["agreement"]
            need(same or not goes_on, kind)
            if kind == "run-started":
                accord.may_start(t, self.runs[obj])
            elif kind != "run-finished":
                accord.give_back(obj)
        elif kind.endswith("release-prepared"):
            run, agency = self.runs[body["run"]], body.get("agency")
            mode = "blind" if agency else body["mode"]
            to = {"party": body["recipient"], "mode": mode, "space": body["space"]}
            need(run["project"] == project and run.get("done") and obj not in self.releases, kind)
            made = (to["party"], agency, body.get("number", 1))
            need(to in run["spec"]["recipients"] and made not in run["to"], kind)
            need(run["spec"]["agreement"] == e["agreement"], kind)
            need(run["batches"].get(made[2]) == e["batch"], kind)
            need(mode != "linked" or run["matches"][made[2]] == body["matches"], kind)
            need(mode != "count" or not body["matches"], kind)
            pair = [upload["party"] for upload in run["spec"]["uploads"]]
            need(agency in pair if agency else mode in ("linked", "count"), kind)
            need(mode != "linked" or to["party"] in pair, kind)
            need(agency or not 0 <= above(body["matches"]) < t["floor"], kind)
            run["to"].append(made)
            fetched_by = agency or to["party"]
            self.releases[obj] = [project, fetched_by, fetched_by, body["sha256"]]
            self.blind |= {obj} if agency else set()
            self.run_of[obj], self.made_for[obj] = run, to
        elif kind == "release-fetched":
            need(self.releases[obj] == [project, party, body["recipient"], body["sha256"]], kind)
            need(self.made_for[obj] in t["recipients"], kind)
            compared = {upload["party"] for upload in self.run_of[obj]["spec"]["uploads"]}
            need(compared <= {*t["providers"]}, kind)
            accord.may_leave(t, self.run_of[obj])
            self.hand_out(t, self.undoing.there[obj][3])
            self.turns[project].fetch(self.run_of[obj])
            self.fetched.add(obj)
        elif kind == "release-verified":
            need(self.releases[obj] == [project, party, body["recipient"], body["sha256"]], kind)
            need(obj in self.fetched, kind)
        elif kind == "release-destroyed":
            need(self.releases[obj][::3] == [project, body["sha256"]], kind)
            self.releases[obj] = [None]

    def hand_out(self, terms: Any, made: int) -> None:
        finality = terms["finality"]
        if finality and finality["delays_release"]:
            names = [*terms["providers"], *terms["auditors"]]
            names += [recipient["party"] for recipient in terms["recipients"]]
            self.awaited.append((made, finality["cosigners"], {*names}))

    def may_ask(self, specification: Any, terms: Any) -> None:
        described = sorted(self.sent[x["upload"]][1] for x in specification["uploads"])
        gap = terms["as_of_max_gap_days"]
        need(gap is None or described[0] >= before(described[-1], gap), "as-of")

    def take_share(self, kind: str, body: Any, project: str, party: str, holders: Any) -> None:
        if kind == "share-relayed":
            need(body["share"] not in self.shares and body["sender"] == party, kind)
            need(body["recipient"] != party and body["recipient"] in holders, kind)
            kept = [project, body["epoch"], body["recipient"], body["sha256"]]
            self.shares[body["share"]] = kept
        elif kind == "share-fetched":
            fetched = [project, body["epoch"], party, body["sha256"]]
            need(self.shares[body["share"]] == fetched, kind)

    def move_run(self, e: Any, run: Any, floor: int) -> None:
        kind, body, project, batch = e["kind"], e["body"], e["project"], e["batch"]
        need(run["project"] == project and run["open"], kind)
        need(kind != "run-failed" or body["attempt"] >= run["attempt"], kind)
        if kind == "run-started":
            need(body["attempt"] > run["attempt"], kind)
            self.goes_on(e, run)
            run["attempt"] = body["attempt"]
        elif kind == "run-finished":
            need(run["attempt"] and digest_of(run["spec"]) == body["specification_sha256"], kind)
            self.goes_on(e, run)
            auto = body["auto_pairs"]
            need(auto is None or auto >= floor, kind)
            told = [body["expected_false"] is not None, body["concordance"] is not None]
            need(told == [auto is not None] * 2, kind)
            need(auto is None or body["expected_false"] <= 100 * auto, kind)
            agreeing = body["concordance"] or []
            need(len({one["field"] for one in agreeing}) == len(agreeing), kind)
            for one in agreeing:
                shown = {n: one[n] for n in ("apart", "other", "missing") if one[n] is not None}
                apart, missing = shown.get("apart", 0), shown.get("missing", 0)
                parts = [*shown.values()]
                parts += [auto - apart - missing] if {"apart", "missing"} & {*shown} else []
                parts += [apart - shown["other"]] if {"apart", "other"} <= {*shown} else []
                need(all(part >= floor for part in parts), kind)
            modes = {r["party"]: r["mode"] for r in run["spec"]["recipients"]}
            need(auto is None or "blind" not in modes.values(), kind)
            run["opening"] = opening_for(run)
            need({one["party"] for one in body["openings"]} == run["opening"], "openings")
            run["matches"], run["batches"] = {1: auto}, {1: batch}
            self.is_agreed(run, auto)
            self.unreleased.append(run)
            run["records"] = [body["match_record_root"]]
        run["open"], run["done"] = kind == "run-started", kind == "run-finished"

    def goes_on(self, e: Any, run: Any) -> None:
        """Check what holds whenever a run starts or finishes."""
        project, uploads = e["project"], run["spec"]["uploads"]
        need(all(self.uploads[x["upload"]] for x in uploads), "uploads that are there")
        self.turns[project].in_time(e, run["spec"]["round"])
        for x in uploads:
            need(self.undoing.withdrawn[project, x["party"]] < run["seq"], "record withdrawn")

    def is_agreed(self, run: Any, auto: Any) -> None:
        """Hold the links that are shown of a run to its policy and its files."""
        policy, smaller = run["spec"]["policy"], run["sizes"][1]
        least, most = (Fraction(policy["link_rate"][name]) for name in ("least", "most"))
        need(auto is None or auto <= min(run["sizes"]), "one to one")
        need(auto is None or least * smaller <= auto <= most * smaller, "link rate")

    def end(self, cosigned: dict[str, dict[str, int]]) -> None:
        need(self.consented is None, "withheld")
        self.all_released(None)
        left = [(project, due) for project, _, _, _, due in self.undoing.there.values()]
        for project, deliveries in self.deliveries.items():
            left += [(project, one["due"]) for one in deliveries.of.values() if one["there"]]
        for project, due in left:
            accord = self.accords[project]
            terms, began = accord.terms_on(self.time[:10])
            if not self.undoing.is_held(project, terms):
                all_by = before(max(terms["destroy_by"], began), -1)
                for day in (due, all_by):
                    need(self.time[:10] <= self.undoing.last_day(project, day, accord), "left")
        signed = [
            (one["party"], size)
            for one in self.signers.persons.values()
            for key, size in cosigned.get(one["party"], {}).items()
            if key in one["had"]
        ]
        for made, needed, parties in self.awaited if len(dict(signed)) < 64 else []:
            so_far = {party for party, size in signed if size > made}
            need(len(so_far & parties) >= needed, "cosigners")
        self.undoing.end(self.time)
        for reviews in self.reviews.values():
            reviews.finish(self.time)


def may_write(e: Any, roles: dict[str, str]) -> bool:
    """Tell whether an entry of what the broker alone does is in its own name, or its operator's."""
    kind, body, actor = e["kind"], e["body"], e["actor"]
    runs_it = roles.get(actor["party"]) == "operator" == actor["role"]
    by_operator = bool(actor["party"] == "broker" or runs_it)
    if kind == "key-rotated":
        own = [actor["party"], actor["person"]] == [body["party"], body["person"]]
        if body["use"] in ("signing", "receiving"):
            return own
        return by_operator or (own and body["use"] == "sign-on")
    if kind in BY_OPERATOR:
        return by_operator
    return kind not in BY_BROKER or bool(actor["party"] == "broker")


def purposes(e: Any, accord: Accord) -> set[Any]:
    """Return what an entry may have as its purpose."""
    if e["project"] is None or e["kind"] == "project-opened":
        return {None}
    if e["kind"] == "agreement-proposed":
        return {e["body"]["agreement"]["purpose"]["code"]}
    if e["kind"].startswith("agreement-"):
        return {accord.proposed[e["agreement"]]["purpose"]["code"]}
    agreed = {terms["purpose"] for _, _, terms in accord.binding}
    _, where, *_ = KINDS[e["kind"]]
    return agreed | {None} if where == "either" or "*" in KINDS[e["kind"]][0] else agreed


def owed(run: Any) -> list[Any]:
    """Return for whom a run makes releases: recipient, whose records where it is blind, and number."""
    pair = [upload["party"] for upload in run["spec"]["uploads"]]
    to = {r["party"]: r["mode"] for r in run["spec"]["recipients"]}
    plain = [
        who for who, mode in to.items() if mode == "count" or (mode == "linked" and who in pair)
    ]
    blind = [(who, of, 1) for who, mode in to.items() if mode == "blind" for of in pair]
    return [*((who, None, 1) for who in plain), *blind]


def opening_for(run: Any) -> set[str]:
    """Return who can open a run's match record: all whom it makes a release for, but for totals."""
    counted = {r["party"] for r in run["spec"]["recipients"] if r["mode"] == "count"}
    return {who for who, *_ in owed(run)} - counted


def above(count: int | None) -> int:
    return -1 if count is None else count


def stated_upload(project: str, party: str, x: Any) -> list[str]:
    return [project, party, x["container_sha256"], x["manifest_sha256"]]
