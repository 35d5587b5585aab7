"""Part of the independent verifier: destruction and holds, written from schemas/spec/entry.md alone."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from blindlink_verify.agreements import before, days, early
from blindlink_verify.entries import need

DESTROYING = {
    *("upload-destroyed", "release-destroyed", "match-record-destroyed", "delivery-destroyed"),
}


class Undoing:
    """What has been begun, certified and held up; `there` is what projects have: whose, since when, till when.

    `under_way` are runs that wait or are, likewise. Whose: parties, and for what was made of uploads their
    parties and the uploads themselves.
    """

    def __init__(self) -> None:
        self.begun: dict[str, Any] = {}
        self.certified: dict[str, str] = {}
        self.compared: dict[str, Any] = {}
        self.held: dict[Any, Any] = {}
        self.set: dict[Any, str] = {}
        self.lifted: dict[str, str] = defaultdict(str)
        self.there: dict[Any, Any] = {}
        self.under_way: dict[str, Any] = {}
        self.opened: dict[str, int] = {}
        self.withdrawn: dict[Any, int] = defaultdict(int)
        # The reviews that go on, as far as a destruction has to end them.
        self.reviews: dict[str, Any] = {}

    def take(self, e: Any, t: Any) -> None:
        """Take any entry, after the other rules."""
        kind, obj, body, project = e["kind"], e["object"], e["body"], e["project"]
        if kind in ("run-finished", "run-failed", "run-cancelled"):
            self.under_way.pop(obj, None)
        if kind in DESTROYING or kind == "destruction-begun":
            need(not self.is_held(project, t), "held")
        if kind == "round-opened":
            self.opened[project] = e["seq"]
        elif kind == "round-superseded":
            for one in self.there.values():
                if one[0] == project and one[1] != "delivery" and one[3] > self.opened[project]:
                    one[4] = min(one[4], last(e, 0))
        elif kind == "upload-received":
            due = last(e, t["keep_encodings_days"])
            self.there[obj] = [project, "upload", {obj, e["actor"]["party"]}, e["seq"], due]
        elif kind in ("release-prepared", "blind-release-prepared"):
            owners = self.compared.get(body["run"], set()) | {body.get("agency", body["recipient"])}
            due = last(e, t["keep_links_days"])
            self.there[obj] = [project, "release", owners, e["seq"], due]
        elif kind == "release-fetched":
            need(days(e)[1] <= self.there[obj][4], "too late")
        elif kind == "delivery-received":
            owners = {e["actor"]["party"], body["recipient"]}
            self.there[obj] = [project, "delivery", owners, e["seq"], "9999"]
        elif kind == "run-asked":
            uploads = body["specification"]["uploads"]
            self.compared[obj] = {one[name] for one in uploads for name in ("party", "upload")}
            self.under_way[obj] = [project, "run", self.compared[obj], e["seq"], "9999"]
        elif kind in ("run-finished", "review-ended") and body["match_record_root"]:
            due = last(e, t["keep_links_days"])
            made = [project, "match record", self.compared[obj], e["seq"], due]
            self.there[obj, body["match_record_root"]] = made
        elif kind in DESTROYING:
            gone = self.there[(obj, body["root"]) if "root" in body else obj]
            due = min(gone[4], before(t["destroy_by"], -1))
            is_by_time = body["reason"] in ("retention", "superseded", "destroy-by")
            need(not is_by_time or e["time"][:10] >= before(due, 2), "destroyed early")
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
            self.certified[obj] = body["sha256"]
        elif kind in ("destruction-countersigned", "destruction-stated") and obj:
            need(self.begun[obj]["project"] == project and obj in self.certified, kind)
            need(body.get("sha256", self.certified[obj]) == self.certified[obj], kind)
        elif kind == "record-withdrawn":
            need(e["actor"]["party"] in t["providers"], kind)
            self.withdrawn[project, e["actor"]["party"]] = e["seq"]
        elif kind == "legal-hold-set":
            need((project, obj) not in self.held, kind)
            self.held[project, obj] = e["actor"]["party"]
            self.set[project, obj] = early(e)
        elif kind == "legal-hold-lifted":
            need(self.held[project, obj] == e["actor"]["party"], kind)
            signed = e["actor"]["signed"]
            need(not signed or signed["request"]["at"] >= self.set[project, obj], kind)
            self.held[project, obj] = None
            self.lifted[project] = e["time"][:10]
        if kind == "review-asked":
            self.reviews[obj] = [project, self.compared[obj], e["seq"]]
        elif kind == "review-ended":
            self.reviews.pop(obj, None)

    def is_held(self, project: Any, terms: Any) -> bool:
        stands = any(name == project and party for (name, _), party in self.held.items())
        return stands or terms["has_legal_hold"]

    def last_day(self, project: Any, day: str, accord: Any) -> str:
        """The later of a day and the grace after a hold, of a party or of terms that bind no longer."""
        ended = [self.lifted[project]] if self.lifted[project] else []
        for number, (_, _, terms) in enumerate(accord.binding):
            later = accord.began[number + 1 :]
            ended += [min(later)] if terms["has_legal_hold"] and later else []
        return max([day, *(before(one, -1) for one in ended)])

    def nothing_is_left(self, begun: Any) -> None:
        scope, party, upload = (begun["body"][name] for name in ("scope", "party", "upload"))
        there = [*self.there.values(), *self.under_way.values()]
        left = [(project, owners, seq) for project, _, owners, seq, _ in there]
        for project, owners, seq in [*left, *self.reviews.values()]:
            if project != begun["project"] or seq > begun["seq"]:
                continue
            meant = {
                "project": True,
                "party": party in owners,
                "upload": upload in owners,
                "expired": False,
            }
            need(not meant[scope], "left")

    def end(self, time: str) -> None:
        for obj, begun in self.begun.items():
            due = before(begun["time"][:10], -1)
            need(obj in self.certified or time[:10] <= due, "destruction not certified")


def last(e: Any, kept: int) -> str:
    return before(e["time"][:10], -kept - 1)
