"""Part of the independent verifier: who acts, by the pages of entry and signed-request alone."""

from __future__ import annotations

import re
from typing import Any

from blindlink_verify.agreements import Accord, checks, days, digest_of, timely
from blindlink_verify.entries import ASKED_PAGE, SIGNED, need, sha, unbase64

CELLS = [re.split(r" *\| *", row)[1:-1] for row in ASKED_PAGE.split("\n") if row.startswith("| `")]
ROWS = [(re.findall("`([^`]+)`", row[0]), row) for row in CELLS if len(row) == 5]
# Of kinds with two rows, the first says which field is null in it.
WHICH = {kind: which[0] for (kind, *which), _ in ROWS if which}
UNSIGNED_BY_OPERATOR = {
    *("run-cancelled", "destruction-begun", "destruction-countersigned", "destruction-stated"),
    *("legal-hold-set", "legal-hold-lifted"),
}
AGENTS = {"analyst", "approver", "recipient", "reviewer", "steward"}


def row_of(e: Any) -> list[str]:
    """Return the row of the page's table that an entry belongs to."""
    rows = [row for (kind, *_), row in ROWS if kind == e["kind"]]
    if len(rows) == 1:
        return rows[0]
    (row,) = (one for one in rows if ("else" in one[0]) == bool(e["body"][WHICH[e["kind"]]]))
    return row


def paths_of(e: Any, row: list[str]) -> list[str]:
    """Return the requests that an entry may come from."""
    paths = re.findall("`([A-Z]+ [^`]+)`", row[1])
    values = {**e["body"], **e}
    if e["body"].get("what") == "buckets":
        values["what"] = "asked"
    paths = [re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), path) for path in paths]
    release = e["body"].get("release", 1) if e["kind"] == "claims-received" else 1
    return paths if release == 1 else [f"{paths[0]}?release={release}"]


def states(e: Any, row: list[str], policy: Any) -> list[Any]:
    """Return what the request of an entry may state."""
    body, said = e["body"], row[2]
    if said == "nothing":
        return [None]
    if "{" in said:
        (name,) = re.findall(r"\{(\w+)\}", said)
        return [{**body, **e}[name]]
    if said.startswith("the body"):
        left_out = re.findall(r"`(\w+)`", said)
        return [digest_of({name: body[name] for name in body if name not in left_out})]
    values = {**body, "act": e["kind"].removeprefix("legal-hold-").replace("lifted", "lift")}
    values.setdefault("order", None)
    if e["kind"] == "run-asked":
        spec = body["specification"]
        others = [x["party"] for x in spec["uploads"] if x["party"] != e["actor"]["party"]]
        need(len(others) == 1, "partner")
        values = {"round": spec["round"], "partner": others[0], "policy": spec["policy"]}
        agreed = [digest_of({**values, "policy": None})] if spec["policy"] == policy else []
        return [digest_of(values), *agreed]
    names = re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", said))
    return [digest_of({name: values[name] for name in names})]


class Persons:
    """Who acts in which role, and which requests were signed, with the batch that each belongs to."""

    def __init__(self) -> None:
        self.log = ""
        self.roles: dict[str, str] = {}
        self.requests: dict[str, int] = {}
        self.kinds: set[tuple[str, str]] = set()
        self.sent: dict[str, Any] = {}

    def take(self, e: Any, t: Any, accord: Accord, replay: Any) -> None:
        """Take any entry, after the other rules."""
        if e["kind"] == "log-started":
            self.log = e["body"]["origin"]
        if e["kind"] == "party-enrolled":
            self.roles[e["body"]["party"]] = e["body"]["role"]
        if e["kind"] == "upload-received":
            self.sent[e["object"]] = e
        if e["kind"] not in SIGNED:
            return
        signed, row = e["actor"]["signed"], row_of(e)
        runs_broker = self.runs_broker(e, accord)
        if e["kind"] == "destruction-begun" and not runs_broker:
            body = e["body"]
            there = replay.undoing.there
            whose = there[body["upload"]][2] if body["upload"] else {body["party"]}
            need(e["actor"]["party"] in whose, "destroyed by a stranger")
        if e["kind"] == "run-cancelled" and not runs_broker:
            linked = [x["party"] for x in replay.runs[e["object"]]["spec"]["uploads"]]
            need(e["actor"]["party"] in linked, "cancelled by a stranger")
        if runs_broker:
            return
        duties = AGENTS if row[3] == "any" else set(re.split(r"; of|, ", row[3])) & AGENTS
        if "blind" in row[3] and e["object"] in replay.blind:
            duties.add("analyst")
        person = self.may_act(e, accord, replay.signers, duties)
        if e["kind"] in ("round-opened", "round-superseded", "run-cancelled"):
            need(e["actor"]["party"] in t["providers"], "provider")
        if signed is None and self.follows_upload(e, t):
            return
        need(signed is not None, "unsigned")
        request = signed["request"]
        need(request["asks"] in paths_of(e, row), "asks")
        if row[2] != "not looked at":
            need(request["sha256"] in states(e, row, t and t["policy"]), "states")
        need([request["log"], request["project"]] == [self.log, e["project"]], "place")
        need(row[4] == "any" or request["agreement"] == e["agreement"], "agreement of the request")
        head, shown = request["head"], replay.leaves[e["project"]]
        need(
            not head or (head["place"] < e["place"] and shown[head["place"]] == head["leaf"]),
            "fork",
        )
        checks("request", request, signed["signature"], person["signing_key"])
        timely(e, request["at"])
        batch = self.requests.setdefault(digest_of(request), e["batch"])
        use = digest_of(request), e["kind"]
        need(batch == e["batch"] and use not in self.kinds, "request twice")
        if e["kind"] != "legal-hold-lifted":
            self.kinds.add(use)

    def has_role(self, e: Any, signers: Any) -> None:
        """Check the role in which anybody acts, before the entry is taken."""
        party, role = e["actor"]["party"], e["actor"]["role"]
        person = signers.persons.get(e["actor"]["person"])
        if party == "broker":
            need(role in ("broker", "operator"), "role")
        elif person and person["party"] == party:
            apart = {"auditor", "operator"} & set(person["duties"])
            need(role == (min(apart) if apart else "agency"), "role")
        else:
            need(role == self.roles[party], "role")

    def may_act(self, e: Any, accord: Accord, signers: Any, duties: set[str]) -> Any:
        person = signers.of(e)
        need(duties & set(person["duties"]), "duty")
        bound = e["agreement"]
        if bound in accord.proposed and e["kind"] != "agreement-proposed":
            listed = accord.roster(bound, e["actor"])
            need(listed is not None, "roster")
            need(sha(unbase64(listed["signing_key"])).hex() in person["had"], "listed keys")
            need(duties & set(listed["duties"]), "listed duty")
        return person

    def runs_broker(self, e: Any, accord: Accord) -> bool:
        if e["kind"] not in UNSIGNED_BY_OPERATOR:
            return False
        parties = accord.proposed[e["agreement"]]["parties"]
        operators = [p["name"] for p in parties if p["kind"] == "operator"]
        return e["actor"]["party"] in ["broker", *operators]

    def follows_upload(self, e: Any, t: Any) -> bool:
        if e["kind"] != "run-asked":
            return False
        spec = e["body"]["specification"]
        last = max((self.sent[x["upload"]] for x in spec["uploads"]), key=lambda one: one["seq"])
        follows = last["seq"] + 1 == e["seq"] and last["time"][:10] in days(e)
        same = [last["request"], last["actor"]["party"], last["actor"]["person"]]
        asked = [e["request"], e["actor"]["party"], e["actor"]["person"]]
        return spec["policy"] == t["policy"] and follows and same == asked
