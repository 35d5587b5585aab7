"""Chapter 5, `statement.md`: approvals of runs and releases, one by one or standing."""

from typing import Any

from blindlink_verify.agreements import lists, statement_of
from blindlink_verify.basics import digest_of, moment, need
from blindlink_verify.state import Log, Project


def approves(p: Project, stated: Any) -> None:
    need(stated["party"] in p.terms["approvals"]["parties"], "approver", "the party is one that approves")
    need(stated["approval"] not in p.approvals, "approval-twice", "no approval of this id before")
    p.approvals.add(stated["approval"])


def run_approved(log: Log, p: Project, e: Any) -> None:
    run = run_of(log, e)
    stated = statement_of(log, p, e)
    approves(p, stated)
    fits = [stated["run"], stated["specification_sha256"]] == [e.object, run.digest]
    need(fits, "approval-specification", "run and digest are those of object and specification")
    need(stated["expires"] > e.early, "approval-expired", "`expires` is after early")
    is_short = (moment(stated["expires"]) - moment(stated["at"])).total_seconds() <= 30 * 86_400
    need(is_short, "approval-too-long", "`expires` is at most 30 days after `at`")
    if stated["step"] == "run":
        may_approve(run, e, stated["party"])
        run.until.append(stated["expires"])
        run.approved[stated["party"]] = None
        return
    # Step `release`: an approval that has expired is forgotten, until all parties have approved.
    rule, let_go = p.terms["approvals"], run.let_go
    if not let_go.keys() >= set(rule["parties"]):
        let_go = {party: until for party, until in let_go.items() if until > e.early}
    fits = run.stage == "finished" and let_go.get(stated["party"], "") <= e.time
    code = "approval-out-of-place"
    need(fits and rule["releases"], code, "the terms ask for it, the run has finished, it is the first")
    need(stated["person"] not in run.senders, "approval-by-uploader", "the person sent none of its uploads")
    run.let_go = {**let_go, stated["party"]: stated["expires"]}


def may_approve(run: Any, e: Any, party: str) -> None:
    fits = run.stage == "asked" and party not in run.approved
    code = "approval-out-of-place"
    need(fits, code, "the run has not started or ended, and the party has not approved it")
    need(all(until > e.early for until in run.until), "approval-expired", "no approval has expired")


def standing_approved(log: Log, p: Project, e: Any) -> None:
    stated = statement_of(log, p, e)
    approves(p, stated)
    need(p.terms["approvals"]["runs"] == "standing", "standing-not-agreed", "the terms let approvals stand")
    p.standing[stated["approval"]] = {**stated, "used": set()}


def standing_revoked(log: Log, p: Project, e: Any) -> None:
    stated = statement_of(log, p, e)
    is_own = p.standing[stated["approval"]]["party"] == stated["party"]
    need(is_own, "standing-unknown", "it is one of the party")
    del p.standing[stated["approval"]]


def standing_used(log: Log, p: Project, e: Any) -> None:
    run, one = run_of(log, e), p.standing[e.body["approval"]]
    need(one["party"] == e.body["party"], "standing-unknown", "it is one of the body's party")
    may_approve(run, e, one["party"])
    code = "standing-beyond"
    need(still_counts(p, one, e.agreement), code, "it names the entry's agreement, or one so alike")
    fits = one["policy_sha256"] == digest_of(run.policy) and one["until"] >= run.day
    need(fits, code, "it names the run's policy, and ends no sooner than the run was asked for")
    need(len(one["used"]) < one["runs"], code, "fewer than `runs` runs use it")
    one["used"].add(e.object)
    run.approved[one["party"]] = e.body["approval"]


def still_counts(p: Project, stated: Any, now: str) -> bool:
    """It is of what binds, or of one from which that differs in persons alone; that lists its person."""
    if not lists(p.proposed[now], stated["party"], stated["person"], "approver"):
        return False
    while now != stated["agreement"]:
        if (p.proposed[now].get("amends") or {"only": None})["only"] != "persons":
            return False
        now = p.proposed[now]["previous"]
    return True


def release_is_approved(p: Project, run: Any) -> None:
    rule = p.terms["approvals"]
    fits = not rule["releases"] or set(rule["parties"]) <= run.let_go.keys()
    need(fits, "release-unapproved", "where the terms ask for it, each party has approved the release")


def run_of(log: Log, e: Any, *, at_any_time: bool = False) -> Any:
    """The run that an entry is about; no run outlives the agreement that it was asked for under."""
    run = log.runs[e.body.get("run", e.object)]
    need(run.project == e.project, "run-unknown", "the run was asked for in this project")
    is_its = at_any_time or run.agreement == e.agreement
    need(is_its, "run-agreement", "the entry's agreement is that of the run's specification")
    return run
