"""Part of the independent verifier: clerical review and supplements, by the pages of review and entry alone."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from blindlink_verify.agreements import checks, early, timely
from blindlink_verify.entries import need
from blindlink_verify.rounds import Turns, space_of

STATEMENT = [
    *("about", "agreement", "at", "is_last", "number", "party", "person", "project", "round"),
    *("run", "sha256", "version"),
]
DUTY = {"review-decided": ["reviewer"], "review-answered": ["analyst", "recipient"]}
FILES = {
    "questions": ["recipient", "reviewer"],
    "cards": ["reviewer"],
    "buckets": ["analyst", "recipient"],
}


class Reviews:
    """The reviews of one project by their runs, and its supplements by round and number."""

    def __init__(self) -> None:
        self.of: dict[str, Any] = {}
        self.supplements: dict[tuple[int, int], Any] = {}
        self.closed_early: list[int] = []

    def take(self, e: Any, t: Any, agreement: Any, runs: Any, turns: Turns, signers: Any) -> None:
        kind, body = e["kind"], e["body"]
        run = runs[e["object"]]
        need(run["project"] == e["project"], kind)
        if kind == "supplement-closed":
            self.close(e)
            return
        need(kind == "review-ended" or e["agreement"] == run["spec"]["agreement"], "agreement")
        need(body["round"] == run["spec"]["round"], "round")
        if kind == "review-asked":
            self.ask(e, t, agreement, run, turns)
            return
        review = self.of[e["object"]]
        need(not review["ended"], "ended")
        if kind == "review-ended":
            self.end(e, t, run, review, turns)
            return
        what = FILES[body["what"]] if kind == "review-fetched" else DUTY[kind]
        need(early(e) < review["asked"]["deadline"], "deadline")
        rule = t["approvals"]
        needed = set(rule["parties"]) if rule["releases"] else set()
        need(needed <= run["let-go"].keys(), "unapproved")
        self.acts(e, review, agreement, what, signers)
        if kind == "review-fetched":
            turns.opened[body["round"] - 1]["left"] = True
            if body["what"] == "cards":
                need(review["answered"], "cards that are not there")
            else:
                need(body["sha256"] == review["asked"][f"{body['what']}_sha256"], "file")
            return
        stated = self.stated(e, signers)
        timely(e, stated["at"], review["since"])
        if kind == "review-answered":
            need(stated["about"] == "cards" and not review["answered"], "cards twice")
            need(stated["number"] == 1 and stated["is_last"], "cards once")
            review["answered"] = early(e), e["time"]
            return
        need(review["answered"], "decided before the cards")
        before = review["said"][stated["person"]]
        need(stated["about"] == "decisions" and stated["number"] == len(before) + 1, "number")
        need(not any(before), "after the last")
        told = {body[name] for name in ("accepted", "rejected", "unsure")}
        need(told == {None}, "decisions are told")
        before.append(stated["is_last"])

    def ask(self, e: Any, t: Any, agreement: Any, run: Any, turns: Turns) -> None:
        body, clause = e["body"], t.get("review")
        pair = [upload["party"] for upload in run["spec"]["uploads"]]
        need(agreement is not None and clause, "no review is agreed on")
        need(body["reviewer"] == clause["reviewer"], "reviewer")
        need(sorted([body["reviewer"], body["asked"]]) == sorted(pair), "pair")
        need(run.get("done") and e["object"] not in self.of, "run")
        need(run["batches"][1] == e["batch"], "asked later")
        need(body["round"] == len(turns.opened) not in turns.superseded, "round")
        floor_holds(t, body["charged"])
        need(0 < body["charged"] <= self.left(clause, body, e["time"]), "more than agreed")
        begun = datetime.fromisoformat(body["deadline"]) - timedelta(days=clause["days"])
        since = begun.strftime("%Y-%m-%dT%H:%M:%SZ")
        need(early(e) <= since <= e["time"], "deadline")
        self.of[e["object"]] = {
            "asked": body,
            "persons": clause["persons"],
            "time": e["time"],
            "since": since,
            "answered": False,
            "said": defaultdict(list),
            "ended": False,
        }

    def left(self, clause: Any, body: Any, time: str) -> int:
        """How many questions may be asked: week by week, by counting each."""
        who = body["reviewer"], body["asked"]
        before = [
            (datetime.fromisoformat(one["time"][:10]), one["asked"]["charged"])
            for one in self.of.values()
            if (one["asked"]["reviewer"], one["asked"]["asked"]) == who
        ]
        if not before:
            return int(clause["first"])
        begun, today = before[0][0], datetime.fromisoformat(time[:10])
        later = begun + timedelta(weeks=8)
        if today < later:
            return int(clause["first"] - sum(n for _, n in before))
        # The week of today, and the seven before it that are not among the first.
        week = later
        while week + timedelta(weeks=1) <= today:
            week += timedelta(weeks=1)
        weeks = [week - timedelta(weeks=n) for n in range(8)]
        kept = [one for one in weeks if one >= later]
        return int(len(kept) * clause["weekly"] - sum(n for day, n in before if day >= kept[-1]))

    def acts(self, e: Any, review: Any, agreement: Any, what: list[str], signers: Any) -> None:
        actor = e["actor"]
        side = "reviewer" if "reviewer" in what else "asked"
        need(actor["party"] == review["asked"][side], "party")
        signers.of(e)
        listed = [
            set(person["duties"])
            for party in agreement["parties"]
            if party["name"] == actor["party"]
            for person in party["persons"]
            if person["person"] == actor["person"]
        ]
        need(len(listed) == 1 and listed[0] & set(what), "duty")

    def stated(self, e: Any, signers: Any) -> Any:
        signed, actor = e["body"]["signed"], e["actor"]
        stated = signed["statement"]
        need(sorted(stated) == STATEMENT, "statement")
        need(stated["version"] == "blindlink/review-statement/1", "statement")
        need([stated["project"], stated["run"]] == [e["project"], e["object"]], "statement")
        need(stated["round"] == e["body"]["round"], "statement")
        need(stated["agreement"] == e["agreement"], "statement")
        need([stated["party"], stated["person"]] == [actor["party"], actor["person"]], "who")
        checks("review-statement", stated, signed["signature"], signers.of(e)["signing_key"])
        return stated

    def end(self, e: Any, t: Any, run: Any, review: Any, turns: Turns) -> None:
        body, deadline = e["body"], review["asked"]["deadline"]
        n_said = sum(bool(statements) for statements in review["said"].values())
        needs = body["reason"] == "decided" or body["release"] is not None
        need(not needs or n_said >= review["persons"], "too few decided")
        is_due = e["time"] >= deadline if body["reason"] == "deadline" else early(e) < deadline
        need(is_due, "time of the end")
        need(body["open"] is None, "decisions are told")
        floor_holds(t, body["accepted"], body["rejected"])
        left = review["asked"]["charged"] - (body["accepted"] or 0) - (body["rejected"] or 0)
        need(left >= 0, "more than asked")
        need(body["rejected"] is None or left == 0 or left >= t["floor"], "decisions are told")
        need(body["reason"] != "destroyed" or body["release"] is None, "released")
        need((body["release"] is None) == (body["match_record_root"] is None), "match record")
        opening = {one["party"] for one in body["openings"]}
        need(opening == (run["opening"] if body["match_record_root"] else set()), "openings")
        review["ended"] = True
        if body["release"] is not None:
            need(e["agreement"] == run["spec"]["agreement"], "agreement")
            numbers = [number for of, number in self.supplements if of == body["round"]]
            need(body["release"] == max(numbers, default=1) + 1, "number of the release")
            run["records"].append(body["match_record_root"])
            run["matches"][body["release"]] = body["accepted"]
            run["batches"][body["release"]] = e["batch"]
            pair = tuple(upload["party"] for upload in run["spec"]["uploads"])
            self.supplements[body["round"], body["release"]] = {
                "run": e["object"],
                "pair": pair,
                "space": turns.opened[body["round"] - 1]["spaces"][pair],
                "claims": {},
                "open": True,
            }

    def claim(self, party: str, body: Any, t: Any) -> None:
        one = self.supplements[body["round"], body["release"]]
        need(one["open"] and sorted([party, body["partner"]]) == sorted(one["pair"]), "supplement")
        need(one["space"] and one["space"] == space_of(t, one["pair"]), "owes none")
        one["claims"][party, body["partner"]] = body["sha256"]

    def close(self, e: Any) -> None:
        body = e["body"]
        one = self.supplements[body["round"], body["release"]]
        need(one["open"] and one["run"] == e["object"], "supplement")
        listed = {(c["party"], c["partner"]): c["sha256"] for c in body["claims"]}
        need(listed == one["claims"], "claims")
        if one["space"] and len(listed) < 2:
            self.closed_early.append(e["batch"])
        one["open"] = False

    def open_round(self, e: Any) -> None:
        need(all(review["ended"] for review in self.of.values()), "a review is open")
        need(not any(one["open"] for one in self.supplements.values()), "a supplement is open")
        need(set(self.closed_early) <= {e["batch"]}, "closed early")
        self.closed_early = []

    def finish(self, time: str) -> None:
        """Look at what should have happened by the time of the last entry."""
        need(not self.closed_early, "closed early")
        for review in self.of.values():
            due = datetime.fromisoformat(review["asked"]["deadline"]) + timedelta(days=1)
            need(review["ended"] or time[:10] <= due.strftime("%Y-%m-%d"), "overdue")


def floor_holds(t: Any, *counts: Any) -> None:
    need(all(count is None or count >= t["floor"] for count in counts), "floor")
