"""Part of `rule_verifier`: destruction and holds, written from schemas/spec/entry.md alone."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from twins.verifier.agreements import before
from twins.verifier.entries import need

DESTROYING = {
    *("upload-destroyed", "release-destroyed", "match-record-destroyed", "delivery-destroyed"),
}


class Undoing:
    """What has been begun, certified and held up; `there` is what each project has, by entry."""

    def __init__(self) -> None:
        self.begun: dict[str, Any] = {}
        self.certified: set[str] = set()
        self.held: dict[str, Any] = {}
        self.lifted: dict[str, str] = defaultdict(str)
        self.there: dict[Any, Any] = {}

    def take(self, e: Any, t: Any) -> None:
        """Take any entry, after the other rules."""
        kind, obj, body, project = e["kind"], e["object"], e["body"], e["project"]
        if kind in DESTROYING or kind == "destruction-begun":
            need(not self.is_held(project, t), "held")
        if kind == "upload-received":
            self.there[obj] = [project, "upload", e["actor"]["party"], e["seq"]]
        elif kind in ("release-prepared", "blind-release-prepared"):
            owner = body.get("agency", body["recipient"])
            self.there[obj] = [project, "release", owner, e["seq"]]
        elif kind == "delivery-received":
            owners = {e["actor"]["party"], body["recipient"]}
            self.there[obj] = [project, "delivery", owners, e["seq"]]
        elif kind == "run-asked":
            self.there[obj, "asked"] = [project, "run", None, e["seq"]]
        elif kind in ("run-finished", "review-ended") and body["match_record_root"]:
            made = [project, "match record", None, self.there[obj, "asked"][3]]
            self.there[obj, body["match_record_root"]] = made
        elif kind in DESTROYING:
            del self.there[(obj, body["root"]) if "root" in body else obj]
        elif kind == "destruction-begun":
            need(obj not in self.begun, kind)
            need((body["scope"] == "party") == bool(body["party"]), kind)
            need((body["scope"] == "upload") == bool(body["upload"]), kind)
            if body["upload"]:
                need(self.there[body["upload"]][:2] == [project, "upload"], kind)
            self.begun[obj] = e
        elif kind == "destruction-certified":
            need(self.begun[obj]["project"] == project and obj not in self.certified, kind)
            self.nothing_is_left(self.begun[obj])
            self.certified.add(obj)
        elif kind in ("destruction-countersigned", "destruction-stated") and obj:
            need(self.begun[obj]["project"] == project and obj in self.certified, kind)
        elif kind == "record-withdrawn":
            need(e["actor"]["party"] in t["providers"], kind)
        elif kind == "legal-hold-set":
            need((project, obj) not in self.held, kind)
            self.held[project, obj] = e["actor"]["party"]
        elif kind == "legal-hold-lifted":
            need(self.held[project, obj] == e["actor"]["party"], kind)
            self.held[project, obj] = None
            self.lifted[project] = e["time"][:10]

    def is_held(self, project: Any, terms: Any) -> bool:
        stands = any(name == project and party for (name, _), party in self.held.items())
        return stands or terms["has_legal_hold"]

    def last_day(self, project: Any, day: str) -> str:
        """The later of a day and the grace after a hold."""
        lifted = self.lifted[project]
        return max(day, before(lifted, -1)) if lifted else day

    def nothing_is_left(self, begun: Any) -> None:
        scope, party, upload = (begun["body"][name] for name in ("scope", "party", "upload"))
        for obj, (project, what, owner, seq) in self.there.items():
            if (project, what) == (begun["project"], "run") or seq > begun["seq"]:
                continue
            meant = {
                "project": project == begun["project"] and what != "run",
                "party": project == begun["project"] and party in owners(owner),
                "upload": obj == upload,
                "expired": False,
            }
            need(not meant[scope], "left")

    def end(self, time: str) -> None:
        for obj, begun in self.begun.items():
            due = before(begun["time"][:10], -1)
            need(obj in self.certified or time[:10] <= due, "destruction not certified")


def owners(owner: Any) -> set[Any]:
    return owner if isinstance(owner, set) else {owner}
