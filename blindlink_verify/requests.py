"""Chapter 5, `signed-request.md` and "By whom" in `entry.md`: who did it, with which duty, signed."""

import re
from typing import Any

from blindlink_verify.agreements import on_roster
from blindlink_verify.basics import digest_of, is_signed, later, need, timely
from blindlink_verify.persons import acting
from blindlink_verify.state import Log, Project

# Each line as in the table of the page: entry; request; what it states; one of which duties; and whether the
# request names the entry's agreement. Names in braces are fields of the entry, or else of its body.
TABLE = """
agreement-proposed | POST /v1/projects/{project}/agreements | {agreement} | steward | any
share-relayed | POST /v1/projects/{project}/shares | the body without share | any | the entry's
share-fetched | GET /v1/shares/{share} | nothing | any | the entry's
shares-withdrawn | DELETE /v1/projects/{project}/shares?epoch={epoch} | nothing | any | any
secret-confirmed | POST /v1/projects/{project}/confirmations | the body | any | the entry's
round-opened | POST /v1/projects/{project}/rounds/{round} | nothing | analyst | the entry's
round-opened corrects | POST /v1/projects/{project}/rounds/{corrects}/corrections | not looked at | analyst |
    the entry's
round-superseded | POST /v1/projects/{project}/rounds/{round}/corrections | reason | analyst | the entry's
claims-received | PUT /v1/projects/{project}/rounds/{round}/claims/{partner} | {sha256} | analyst, recipient |
    the entry's
statement-received | PUT /v1/projects/{project}/rounds/{round}/statements/{space} | {sha256} | analyst,
    recipient | the entry's
upload-received | POST /v1/uploads/{object}/commit | the body without signature | analyst | the entry's
run-asked | POST /v1/projects/{project}/runs | round, partner, policy | analyst | the entry's
run-cancelled | POST /v1/runs/{object}/cancel | nothing | analyst, approver | any
review-fetched | GET /v1/reviews/{object}/{what} | nothing | analyst, recipient, reviewer | the entry's
release-fetched | GET /v1/releases/{object}/file or GET /v1/releases/{object}/openings | nothing | recipient, or
    blind | the entry's
release-verified | POST /v1/releases/{object}/verification | sha256 | recipient, or blind | any
delivery-received | PUT /v1/projects/{project}/rounds/{round}/deliveries/{recipient}/{number} | {sha256} |
    analyst, recipient | the entry's
delivery-fetched | GET /v1/deliveries/{object}/file | nothing | recipient | the entry's
delivery-opened | POST /v1/deliveries/{object}/opening | sha256, fault | recipient | any
destruction-begun | POST /v1/projects/{project}/destruction | nothing | steward | any
destruction-begun upload | POST /v1/uploads/{upload}/destruction | nothing | analyst, steward | any
destruction-countersigned | POST /v1/destructions/{object}/countersignatures | {signed_sha256} | reviewer,
    steward | any
destruction-stated | POST /v1/projects/{project}/destruction-statements | {signed_sha256} | analyst, recipient,
    steward | any
record-withdrawn | POST /v1/projects/{project}/withdrawals | the body | analyst, steward | any
legal-hold-set | POST /v1/projects/{project}/legal-holds | act, order, signed_sha256 | steward | any
legal-hold-lifted | POST /v1/projects/{project}/legal-holds | act, order, signed_sha256 | steward | any
"""
# The field that is not null in a kind's second line.
SECOND = {"round-opened": "corrects", "destruction-begun": "upload"}
# "Any" is any duty but auditor and operator.
ANY = {"analyst", "approver", "recipient", "reviewer", "steward"}
UNSIGNED = "run-cancelled destruction-begun destruction-countersigned destruction-stated legal-hold-set"
UNSIGNED += " legal-hold-lifted"
LINES = [line.split(" | ") for line in re.sub(r"\n +", " ", TABLE.strip()).split("\n")]
ROWS = {name: tuple(rest) for name, *rest in LINES}
SIGNED_KINDS = {name.split(" ")[0] for name in ROWS}


def by_whom(log: Log, p: Project, e: Any) -> None:
    """After all other rules, for entries of these kinds that are not refused."""
    if e.kind not in SIGNED_KINDS:
        return
    # Who *runs the broker*, it or the operator that the agreement names, needs no `signed` in these kinds.
    parties = p.proposed[e.agreement]["parties"] if e.agreement in p.proposed else []
    runs_it = ["broker", *(one["name"] for one in parties if one["kind"] == "operator")]
    if e.kind in UNSIGNED.split() and e.party in runs_it:
        return
    if e.kind == "destruction-begun":
        up = e.body["upload"]
        own = e.party in (log.things["upload", up].owners if up else [e.body["party"]])
        need(own, "destruction-by-stranger", "the scope is the actor's own party, or its upload")
    if e.kind == "run-cancelled":
        need(e.party in log.runs[e.object].pair, "run-by-stranger", "the actor's party is of the run's pair")
    field = SECOND.get(e.kind)
    is_second = field and e.body[field] is not None
    paths, states, duties, agreement = ROWS[f"{e.kind} {field}" if is_second else e.kind]
    person = may_act(log, p, e, duties_of(log, e, duties))
    if e.kind in ("round-opened", "round-superseded", "run-cancelled"):
        need(e.party in p.terms["providers"], "not-a-provider", "the actor's party is a provider")
    if e.signed is None and follows_upload(log, p, e):
        return
    need(e.signed, "request-unsigned", "`signed` is there")
    request = e.signed["request"]
    need(request["asks"] in paths_of(e, paths), "request-unsigned", "it asks what the page says")
    if states != "not looked at":
        need(request["sha256"] in stated(e, states, p.terms), "request-unsigned", "it states what it must")
    holds = is_signed("request", request, e.signed["signature"], person.signing_key)
    need(holds, "request-unsigned", "it verifies with the person's key of use `signing`")
    here = [request["log"], request["project"]] == [log.origin, e.project]
    need(here, "request-elsewhere", "its `log` and `project` are those of the entry")
    fits = agreement == "any" or request["agreement"] == e.agreement
    need(fits, "request-agreement", "its `agreement` is the entry's")
    if head := request["head"]:
        leaves, at = log.leaves[e.project], 32 * head["place"]
        fits = head["place"] < e.place and leaves[at : at + 32].hex() == head["leaf"]
        need(fits, "fork", "its `head` is the place and leaf hash of an earlier entry")
    timely(e, request["at"], "request-late")
    for day in [day for day in log.requests if day < later(e.day, -4)]:
        del log.requests[day]  # Nothing signed then is timely any more.
    used = log.requests[request["at"][:10]]
    batch, kinds = used.setdefault(digest_of(request), (e.batch, set()))
    fits = batch == e.batch and (e.kind not in kinds or e.kind == "legal-hold-lifted")
    need(fits, "request-twice", "no entry of another batch, and none of the same kind, holds it")
    kinds.add(e.kind)


def may_act(log: Log, p: Project, e: Any, duties: set[str]) -> Any:
    """The actor *may act* with one of these duties; returns the person."""
    person = acting(log, e, "person-unknown", "person-revoked")
    need(duties & set(person.duties), "person-duty", "the person was enrolled for one of the duties")
    if e.agreement in p.proposed and e.kind != "agreement-proposed":
        on_roster(p, e, e.agreement, duties, person)
    return person


def duties_of(log: Log, e: Any, duties: str) -> set[str]:
    if duties != "recipient, or blind":
        return ANY if duties == "any" else set(duties.split(", "))
    return {"recipient", "analyst"} if log.releases[e.object].is_blind else {"recipient"}


def paths_of(e: Any, asks: str) -> list[str]:
    """The requests that an entry may come from."""
    values = {**e.body, **vars(e)}
    if e.body.get("what") == "buckets":
        values["what"] = "asked"
    paths = [re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), path) for path in asks.split(" or ")]
    release = e.body["release"] if e.kind == "claims-received" else 1
    return paths if release == 1 else [f"{paths[0]}?release={release}"]


def stated(e: Any, states: str, terms: Any) -> list[str | None]:
    """What the request of an entry may state, as the digest of it."""
    if states == "nothing":
        return [None]
    if states.startswith("{"):
        return [{**e.body, **vars(e)}[states.strip("{}")]]
    if states.startswith("the body"):
        without = states.removeprefix("the body").removeprefix(" without ")
        return [digest_of({name: value for name, value in e.body.items() if name != without})]
    if e.kind == "run-asked":
        spec = e.body["specification"]
        (partner,) = (x["party"] for x in spec["uploads"] if x["party"] != e.party)
        values = {"round": spec["round"], "partner": partner, "policy": spec["policy"]}
        # The specification's policy, or null, which asks for the agreed one.
        is_agreed = spec["policy"] == terms["policy"]
        return [digest_of(values), *([digest_of({**values, "policy": None})] if is_agreed else [])]
    act = e.kind.removeprefix("legal-hold-").replace("lifted", "lift")
    values = {"order": None, **e.body, "act": act}
    return [digest_of({name: values[name] for name in states.split(", ")})]


def follows_upload(log: Log, p: Project, e: Any) -> bool:
    """A run that comes by itself with the second upload of its pair has no request of its own."""
    sent = log.uploaded
    if e.kind != "run-asked" or sent is None:
        return False
    spec = e.body["specification"]
    same = [sent.request, sent.party, sent.person] == [e.request, e.party, e.person]
    is_its = sent.object in [x["upload"] for x in spec["uploads"]]
    on_day = sent.day in (e.day, e.early_day)
    return bool(same and is_its and on_day and spec["policy"] == p.terms["policy"])
