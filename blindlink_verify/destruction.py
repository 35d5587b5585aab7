"""Chapter 6, `destruction.md` and `entry.md`: last days, what is destroyed and certified, holds."""

from types import SimpleNamespace
from typing import Any

from blindlink_verify.agreements import bound_on
from blindlink_verify.basics import later, need
from blindlink_verify.state import Log, Project

DESTROYING = {f"{what}-destroyed": what for what in ("upload", "release", "match-record", "delivery")}


def thing(e: Any, owners: set[str], due: str = "9999") -> Any:
    """Something of a project: whose it is, parties and uploads, since which entry, and its last day."""
    return SimpleNamespace(project=e.project, owners=owners, seq=e.seq, due=due)


def last_day(p: Project, e: Any, what: str) -> str:
    return later(e.day, p.terms[f"keep_{what}_days"] + 1)


def keep(log: Log, p: Project, e: Any) -> None:
    """After the kind's own rule: note what is there from this entry on, and until which day."""
    b, kind, things = e.body, e.kind, log.things
    if kind == "upload-received":
        things["upload", e.object] = thing(e, {e.object, e.party}, last_day(p, e, "encodings"))
    elif kind == "run-asked":
        run = log.runs[e.object]
        run.owners = {*run.uploads, *run.pair}
        things["run", e.object] = thing(e, run.owners)
    elif kind in ("run-finished", "run-failed", "run-cancelled"):
        del things["run", e.object]
    elif kind in ("release-prepared", "blind-release-prepared"):
        owners = log.runs[b["run"]].owners | {b.get("agency", b["recipient"])}
        things["release", e.object] = thing(e, owners, last_day(p, e, "links"))
    elif kind == "delivery-received":
        things["delivery", e.object] = thing(e, {e.party, b["recipient"]})
    elif kind == "review-asked":
        things["review", e.object] = thing(e, log.runs[e.object].owners)
    elif kind == "round-superseded":
        for (what, _), one in things.items():
            if one.project == e.project and what != "delivery" and one.seq > p.round.seq:
                one.due = min(one.due, later(e.day, 1))
    elif kind == "review-ended":
        del things["review", e.object]
    if b.get("match_record_root"):
        owners = log.runs[e.object].owners
        things["match-record", e.object + b["match_record_root"]] = thing(e, owners, last_day(p, e, "links"))


def destroyed(log: Log, p: Project, e: Any) -> None:
    """After the kind's own rule: what is destroyed since its time is over was not destroyed before."""
    what = DESTROYING[e.kind]
    gone = log.things.pop((what, e.object + e.body.get("root", "")))
    due = p.deliveries[e.object].due if what == "delivery" else gone.due
    due = later(min(due, later(p.terms["destroy_by"], 1)), -2)
    is_by_time = e.body["reason"] in ("retention", "superseded", "destroy-by")
    need(not is_by_time or e.day >= due, "destroyed-early", "its last day, less 2, has come")


def destruction_begun(log: Log, p: Project, e: Any) -> None:
    b = e.body
    fits = (b["scope"] == "party") == bool(b["party"])
    fits = fits and (b["scope"] == "upload") == bool(b["upload"])
    need(fits, "malformed", "`party` and `upload` are there exactly in their scopes")
    need(e.object not in log.destructions, "destruction-twice", "no destruction of this id before")
    if b["upload"]:
        up = log.uploads[b["upload"]]
        need(up, "upload-destroyed", "the upload is not destroyed")
        need(up.project == e.project, "upload-unknown", "it was received in this project")
    begun = SimpleNamespace(project=e.project, scope=b, day=e.day, seq=e.seq, certified=None)
    log.destructions[e.object] = begun


def destruction_of(log: Log, e: Any) -> Any:
    begun = log.destructions[e.object]
    need(begun.project == e.project, "destruction-unknown", "it was begun in this project")
    return begun


def destruction_certified(log: Log, p: Project, e: Any) -> None:
    begun = destruction_of(log, e)
    need(not begun.certified, "destruction-twice", "it is not certified before")
    scope = begun.scope["scope"]
    for one in log.things.values():
        if one.project == begun.project and one.seq < begun.seq:
            is_meant = scope == "project" or begun.scope.get(scope) in one.owners
            code = "destruction-unfinished"
            need(not is_meant, code, "nothing of its scope is left of what was there")
    begun.certified = e.body["sha256"]


def destruction_countersigned(log: Log, p: Project, e: Any) -> None:
    if e.object is None:
        return
    begun = destruction_of(log, e)
    need(begun.certified, "destruction-unknown", "it was certified")
    fits = e.body.get("sha256", begun.certified) == begun.certified
    need(fits, "destruction-digest", "`sha256` is the one that was certified")


def record_withdrawn(log: Log, p: Project, e: Any) -> None:
    need(e.party in p.terms["providers"], "withdrawal-by-stranger", "the actor's party is a provider")
    p.withdrawn[e.party] = e.seq


def legal_hold_set(log: Log, p: Project, e: Any) -> None:
    need(e.object not in p.holds, "hold-twice", "no hold of this id before")
    p.holds[e.object] = e.party, e.early


def legal_hold_lifted(log: Log, p: Project, e: Any) -> None:
    hold = p.holds.get(e.object) or ("", "9999")
    is_there = p.holds.get(e.object) and (not e.signed or e.signed["request"]["at"] >= hold[1])
    need(is_there, "hold-unknown", "it was set in this project before, and not lifted")
    need(hold[0] == e.party, "hold-by-stranger", "it was set by the actor's party")
    p.holds[e.object], p.lifted = None, e.day


def all_destroyed(log: Log) -> None:
    """After the last entry: nothing is left after its last day, and each destruction is certified in a day."""
    today = log.time[:10]
    for begun in log.destructions.values():
        fits = begun.certified or today <= later(begun.day, 1)
        need(fits, "destruction-missing", "what was begun is certified a day later", begun.seq)
    for seq, (what, name) in sorted((one.seq, name) for name, one in log.things.items()):
        if what in ("run", "review"):
            continue
        one = log.things[what, name]
        p = log.projects[one.project]
        at = bound_on(p, today)
        terms = p.binding[at][2]
        if any(p.holds.values()) or terms["has_legal_hold"]:
            continue
        # Where a hold has ended, the days are at least that of the last end plus 1. It ends when it is lifted,
        # and that of terms on the first day on which terms after them may bind.
        ends = [min(p.began[n + 1 :], default="") for n, (*_, t) in enumerate(p.binding) if t["has_legal_hold"]]
        ended = [later(day, 1) for day in (p.lifted, *ends) if day]
        due = p.deliveries[name].due if what == "delivery" else one.due
        fits = today <= max(due, *ended, "")
        need(fits, "destruction-overdue", "the day is at most the last day of what is left", seq)
        due = later(max(terms["destroy_by"], p.began[at]), 1)
        need(today <= max(due, *ended, ""), "destroy-by", "the day is at most `destroy_by` plus 1", seq)
