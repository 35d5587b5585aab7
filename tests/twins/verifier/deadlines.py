"""Part of `rule_verifier`: what is overdue, written from the pages of entry, overdue and rounds alone."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

from twins.timetable import round_due, upload_due
from twins.verifier.entries import need

RUN, CERTIFICATE, NUMBER = "run-[0-9a-f]{32}", "crt-[0-9a-f]{32}", "[1-9][0-9]{0,6}"
FORMS = {
    "round": (f"round-{NUMBER}", ["analyst"]),
    "upload": (f"round-{NUMBER}", ["analyst"]),
    "approval": (RUN, ["approver"]),
    "cosignature": (RUN, ["analyst", "auditor", "recipient"]),
    "review": (RUN, ["analyst", "reviewer"]),
    "destruction": (f"kept|{CERTIFICATE}", ["analyst", "recipient", "operator"]),
    "certificate": (CERTIFICATE, ["operator"]),
    "agreement": ("agreement", ["steward"]),
    "key": (f"secret-{NUMBER}|key-ring", ["analyst", "operator"]),
    "witness": ("log", ["analyst"]),
}


def later(moment: str, days: int) -> str:
    found = datetime.fromisoformat(moment) + timedelta(days=days)
    return found.strftime("%Y-%m-%dT%H:%M:%SZ")


class Deadlines:
    """What was noted before."""

    def __init__(self) -> None:
        self.noted: set[Any] = set()

    def take(self, e: Any, t: Any, replay: Any) -> None:
        body, project = e["body"], e["project"]
        form, duties = FORMS[body["what"]]
        need(re.fullmatch(form, body["object"]) and body["duty"] in duties, "form")
        need(e["actor"]["party"] == "broker" and body["party"] in replay.parties, "who")
        need(body["since"] <= e["time"], "early")
        key = (project, *(body[name] for name in ("what", "object", "party", "since")))
        need(key not in self.noted, "twice")
        self.noted.add(key)
        need((project is None) == (body["object"] == "key-ring"), "project")
        if project is None:
            return
        accord = replay.accords[project]
        if body["what"] not in ("destruction", "certificate"):
            accord.in_force(e, t)
        need(self.owed(e, t, replay, accord), "owed")

    def owed(self, e: Any, t: Any, replay: Any, accord: Any) -> Any:
        body, project, turns = e["body"], e["project"], replay.turns[e["project"]]
        what, thing, party, since = (body[name] for name in ("what", "object", "party", "since"))
        is_ours = replay.runs.get(thing, {}).get("project") == project
        if what == "round":
            regular = [one["day"] for one in turns.opened if one["corrects"] is None]
            lasts = regular[-1:] or accord.bound_days(e)
            dues = [round_due(t, last) for last in lasts]
            is_next = not turns.is_open and thing == f"round-{len(turns.opened) + 1}"
            return is_next and party in t["providers"] and since in dues
        if what == "upload":
            if not turns.is_open or thing != f"round-{len(turns.opened)}":
                return False
            found = turns.opened[-1]
            pairs = [(pair["larger"], pair["smaller"]) for pair in found["pairs"]]
            owed = {own for pair in pairs for own in (pair, pair[::-1])} - set(found["roots"])
            lacking = {own for own, _ in owed}
            return party in lacking and since == upload_due(t, found["moment"])
        if what == "approval":
            run, rule = replay.runs.get(thing), t["approvals"]
            if not is_ours or not rule or party not in rule["parties"] or since[:10] <= run["day"]:
                return False
            if run["open"] and not run["attempt"]:
                return party not in run["approved"]
            let_go = run["let-go"]
            is_whole = let_go.keys() >= set(rule["parties"])
            stands = let_go.get(party, "") > e["time"]
            return run.get("done") and rule["releases"] and not is_whole and not stands
        if what == "cosignature":
            finality = t["finality"]
            return is_ours and replay.runs[thing].get("done") and finality and finality["cosigners"]
        if what == "review":
            review = replay.reviews[project].of.get(thing)
            if review is None or review["ended"]:
                return False
            deadline = review["asked"]["deadline"]
            if not review["answered"]:
                owed = ["analyst", review["asked"]["asked"], later(review["since"], days=1)]
                return owed == [body["duty"], party, since]
            if [body["duty"], party] != ["reviewer", review["asked"]["reviewer"]]:
                return False
            last = later(deadline, days=-3)
            early, late = (max(later(one, days=1), last) for one in review["answered"])
            return early <= since <= late
        undoing = replay.undoing
        if what == "destruction" and thing == "kept":
            return not undoing.is_held(project, t)
        if what in ("destruction", "certificate"):
            begun = undoing.begun.get(thing)
            is_certified = thing in undoing.certified
            return begun and begun["project"] == project and is_certified == (what == "destruction")
        if what == "agreement":
            last = date.fromisoformat(accord.binding[-1][2]["end"]) - timedelta(days=30)
            return since == f"{last}T00:00:00Z"
        is_epoch = what == "witness" or thing == f"secret-{t['epoch']}"
        return is_epoch and party in t["providers"]
