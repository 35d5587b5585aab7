"""Chapter 6, "Rules" of `entry.md`: what holds for every entry, and which file has the rules of which kind."""

from typing import Any

from blindlink_verify import agreements, approvals, destruction, persons, releases, reviews, rounds, runs
from blindlink_verify.basics import need
from blindlink_verify.entries import KINDS
from blindlink_verify.requests import by_whom
from blindlink_verify.state import Log, Project

CHAPTERS = (rounds, persons, agreements, approvals, runs, releases, reviews, destruction)
# The rules of a kind are the function of its name, or one that it shares with another kind.
STEPS = {name.replace("_", "-"): step for chapter in CHAPTERS for name, step in vars(chapter).items()}
STEPS |= dict.fromkeys(
    ["share-relayed", "share-fetched", "shares-withdrawn", "secret-confirmed"], releases.share_entry
)
STEPS |= {f"agreement-{what}": agreements.noticed for what in agreements.ACTS}
STEPS |= {"run-cancelled": runs.run_failed, "blind-release-prepared": releases.release_prepared}
STEPS |= {"destruction-stated": destruction.destruction_countersigned}
# What the broker alone does: in its own name, or in its or its operator's.
BY_BROKER = """
log-started configuration-changed sign-in-refused agreement-in-force round-closed upload-destroyed
standing-used run-started run-finished run-failed review-asked review-ended supplement-closed
match-record-destroyed release-prepared blind-release-prepared release-destroyed delivery-destroyed
request-refused destruction-certified
"""
BY_OPERATOR = "party-enrolled person-enrolled role-changed project-opened log-key-rotated"
# What happens only within the dates of the terms, and while no party has withdrawn or halts the project.
IN_FORCE = """
share-relayed share-fetched secret-confirmed nonces-offered round-opened round-superseded claims-received
statement-received upload-received run-asked run-approved standing-approved standing-used run-started
run-finished release-prepared blind-release-prepared release-fetched review-asked review-fetched
review-answered review-decided delivery-received delivery-fetched
"""


def follow(log: Log, e: Any) -> None:
    """Hold an entry to every rule, and take it."""
    runs.all_released(log, e.batch)
    is_first = e.seq == 0
    need((e.kind == "log-started") == is_first, "log-start", "`log-started` is entry 0, and no other")
    need(e.time >= log.time, "time-runs-back", "its time is not before that of the entry before")
    log.time = e.time
    in_its_place(log, e)
    if e.kind == "project-opened":
        need(e.project not in log.projects, "project-twice", "no project of the name before")
        log.projects[e.project] = Project()
    p = log.projects[e.project] if e.project else log.nowhere
    if e.project and not e.kind.startswith("agreement-"):
        agreements.bind(p, e)
    for_its_purpose(p, e)
    by_its_actor(log, e)
    if log.consented:
        first = log.consented
        same = [first.project, first.agreement, first.batch] == [e.project, e.agreement, e.batch]
        fits = same and e.kind == "agreement-in-force"
        need(fits, "agreement-withheld", "all have consented: it comes into force in the same batch")
        log.consented = None
    if e.outcome == "refused":
        return
    if e.kind in IN_FORCE.split():
        agreements.in_force(p, e)
    if e.kind in destruction.DESTROYING or e.kind == "destruction-begun":
        is_held = p.terms["has_legal_hold"] or any(p.holds.values())
        need(not is_held, "hold-broken", "nothing holds the project")
    if step := STEPS.get(e.kind):
        step(log, p, e)
    if e.kind == "log-started":
        log.origin = e.body["origin"]
    by_whom(log, p, e)
    if e.kind in destruction.DESTROYING:
        destruction.destroyed(log, p, e)
    destruction.keep(log, p, e)
    log.uploaded = e if e.kind == "upload-received" else None


def in_its_place(log: Log, e: Any) -> None:
    """Each entry names the one before it of its project, and the newest of none."""
    own, broad = log.leaves[e.project], log.leaves[None][-32:].hex()
    fits = e.place == len(own) // 32 and (e.previous or "") == own[-32:].hex()
    fits = fits and e.broker_wide == (broad if e.project else None)
    need(fits, "place", "place and leaf hashes are those of the entries that are shown")
    own += bytes.fromhex(e.leaf)


def for_its_purpose(p: Project, e: Any) -> None:
    kind = KINDS[e.kind]
    if e.project is None or e.kind == "project-opened":
        may: set[Any] = {None}
    elif e.kind == "agreement-proposed":
        may = {e.body["agreement"]["purpose"]["code"]}
    elif e.kind.startswith("agreement-"):
        may = {p.proposed[e.agreement]["purpose"]["code"]}
    else:
        may = {terms["purpose"] for _, _, terms in p.binding}
        may |= {None} if kind.is_unbound or kind.project == "either" else set()
    need(e.purpose in may, "purpose", "its purpose is that of an agreement, or null where it may be")


def by_its_actor(log: Log, e: Any) -> None:
    need(e.party == "broker" or e.party in log.roles, "stranger", "its party was enrolled before")
    runs_it = e.party == "broker" or log.roles[e.party] == e.role == "operator"
    if e.kind == "key-rotated" and e.body["use"] not in ("signing", "receiving"):
        own = [e.party, e.person] == [e.body["party"], e.body["person"]]
        fits = runs_it or (own and e.body["use"] == "sign-on")
    elif e.kind in BY_OPERATOR.split():
        fits = runs_it
    else:
        fits = e.kind not in BY_BROKER.split() or e.party == "broker"
    need(fits, "broker-only", "what the broker alone does is in its own name, or its operator's")
    person = log.persons.get(e.person)
    if e.party == "broker":
        roles = {"broker", "operator"}
    elif person and person.party == e.party:
        roles = {"auditor", "operator"} & set(person.duties) or {"agency"}
    else:
        roles = {log.roles[e.party]}
    need(e.role in roles, "actor-role", "its role is that of the party, or of the person's duty")


def end(log: Log, cosigned: dict[str, dict[str, int]]) -> None:
    """What holds after the last entry; `cosigned` has up to which size each key of a witness has signed."""
    first = log.consented
    sentence = "all have consented: it comes into force in the same batch"
    need(first is None, "agreement-withheld", sentence, first and first.seq)
    runs.all_released(log, None)
    destruction.all_destroyed(log)
    releases.all_final(log, cosigned)
    reviews.reviews_have_ended(log)
