"""Steps about who acts: enrolled, on their party's list of authorized users, with the duty, by a request that
they signed.
"""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Final, NoReturn

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from schemas.api.logged_requests import asked_for, is_in_place, is_under_agreement, run_digest
from schemas.documents.errors import SignatureError
from schemas.documents.ids import BROKER, utc_text
from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.run_kinds import RunAsked
from schemas.rules.breach import Evidence
from schemas.rules.log_state import LogState, PersonState
from schemas.rules.steps import break_off, days_of, listed_by, project_of
from schemas.signing.signed_request import SignedRequest
from schemas.signing.signed_times import LONGEST, is_timely

# What is done by commands of the operator, by the broker itself or by the operator's people, whom no
# agreement need list. All else is an agency's, an auditor's or a recipient's, and nobody acts for these.
BY_OPERATOR: Final = frozenset(
    {
        "run-cancelled",
        "destruction-begun",
        "destruction-countersigned",
        "destruction-stated",
        "legal-hold-set",
        "legal-hold-lifted",
    }
)
# Anyone who sends these has read the project's log before, and can say what of it.
STATING: Final = frozenset({"upload-received", "claims-received", "statement-received"})
# In which rounds there are, and whether they are linked, those have a say whose records they compare.
OF_PROVIDERS: Final = frozenset({"round-opened", "round-superseded", "run-cancelled"})


def is_persons(log: LogState, entry: Entry) -> None:
    """What a person does is done by one who may, and who has signed the request for it."""
    duties, signed = KINDS[entry.kind].duties, entry.actor.signed
    if duties is None or runs_broker(log, entry):
        return
    person = may_act(log, entry, duties)
    project = log.projects[entry.of_project]
    if entry.kind in OF_PROVIDERS and entry.actor.party not in project.terms.providers:
        message = "a party opens, corrects or cancels something whose records the terms do not take"
        break_off("not-a-provider", message, entry, project.seq)
    if signed is None and _follows_upload(log, entry):
        return
    if signed is None:
        break_off("request-unsigned", "someone acts who has not signed for it", entry, person.seq)
    if not asked_for(entry).is_what(signed.request) or not _has_policy(log, entry, signed):
        _unsigned(entry, "someone acts on a request for something else", person)
    _is_here(log, entry, signed)
    try:
        signed.require_signature(public_key(person))
    except SignatureError as exc:
        _unsigned(entry, f"a signed request does not count: {exc}", person)
    _saw_this_log(log, entry, signed)
    _is_new(log, entry, signed)


def may_act(log: LogState, entry: Entry, duties: tuple[str, ...]) -> PersonState:
    """Return the person who acts: enrolled for the party, not revoked, with one of the duties."""
    actor = entry.actor
    person = log.persons.get(actor.person or "")
    if person is None or person.party != actor.party:
        break_off("person-unknown", "someone acts who was not enrolled for the party", entry)
    if person.revoked is not None:
        message = "someone acts after their access ended"
        break_off("person-revoked", message, entry, person.revoked)
    if set(duties).isdisjoint(person.duties):
        break_off("person-duty", "someone acts without the duty for it", entry, person.seq)
    # Who proposes an agreement may be of a party that has no list of authorized users yet: its own step looks.
    if entry.kind != "agreement-proposed":
        _is_listed(log, entry, person, duties)
    return person


def public_key(person: PersonState) -> Ed25519PublicKey:
    """Return the key by which a person signs now."""
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(person.signing_key))


def _is_listed(log: LogState, entry: Entry, person: PersonState, duties: tuple[str, ...]) -> None:
    project = log.projects[entry.of_project]
    listed = listed_by(project, project.binding, entry)
    if listed.key_sha256() not in person.history:
        message = "someone acts whom the agreement lists for the party with other keys"
        break_off("person-unlisted", message, entry, person.seq)
    if set(duties).isdisjoint(listed.duties):
        message = "someone acts without the duty that the agreement would have to give them"
        break_off("person-duty", message, entry, project.seq)


def runs_broker(log: LogState, entry: Entry) -> bool:
    """Tell whether the broker acts, or the party that runs it, in what either of them does unasked."""
    if entry.kind not in BY_OPERATOR:
        return False
    operator = project_of(log, entry).binding.agreement.operator
    return entry.actor.party in (BROKER, operator.name)


def _follows_upload(log: LogState, entry: Entry) -> bool:
    """Tell whether a run was asked for, as agreed, at once by the request that brought its second upload."""
    if entry.kind != "run-asked":
        return False
    said = entry.body_as(RunAsked).specification
    states = [log.uploads[one.upload] for one in said.uploads]
    last = max(states, key=lambda state: state.seq)
    is_agreed = said.policy == log.projects[said.project].terms.policy
    # One transaction writes both: nothing comes between, and it is of one day.
    follows = last.seq + 1 == entry.seq and last.day in days_of(entry)
    return (
        is_agreed
        and follows
        and (last.request, last.party, last.person)
        == (entry.request, entry.actor.party, entry.actor.person)
    )


def _has_policy(log: LogState, entry: Entry, signed: SignedRequest) -> bool:
    """Tell whether a run has the agreed policy, or its request names the one that it has."""
    if entry.kind != "run-asked":
        return True
    body = entry.body_as(RunAsked)
    policy = body.specification.policy
    if signed.request.sha256 == run_digest(body, entry.actor.party, policy):
        return True
    return policy == log.projects[body.specification.project].terms.policy


def _is_here(log: LogState, entry: Entry, signed: SignedRequest) -> None:
    """A request was made at this log, in the entry's project and, but for some kinds, under its agreement."""
    if not is_in_place(signed.request, log.origin, entry.project):
        message = "someone acts on a request that they made in another project, or at another log"
        break_off("request-elsewhere", message, entry)
    if not is_under_agreement(entry, signed.request):
        message = "someone acts on a request that they made under another agreement"
        break_off("request-agreement", message, entry, project_of(log, entry).seq)


def _saw_this_log(log: LogState, entry: Entry, signed: SignedRequest) -> None:
    """Who signed a request has seen no other entry of the project than this log shows."""
    head = signed.request.head
    if head is None:
        log.headless += entry.kind in STATING
        return
    shown = log.leaves[entry.project].at(head.place)
    if shown != head.leaf or head.place >= entry.place:
        message = f"{entry.actor.party} has seen another entry at place {head.place} of the project"
        fork: Evidence = {
            "head_place": head.place,
            "head_leaf": head.leaf,
            "leaf": shown or None,
        }
        break_off("fork", message, entry, more=fork)


def _is_new(log: LogState, entry: Entry, signed: SignedRequest) -> None:
    """A request was signed shortly before its entry, and stands in entries of one batch only, one of a kind.

    But a party that lifts its holds lifts all of them by one request.
    """
    moment, at = datetime.fromisoformat(entry.time), signed.request.at
    if not is_timely(at, moment):
        break_off("request-late", "a signed request is of another time than its entry", entry)
    if log.requests_day != entry.time[:10]:
        log.requests_day, oldest = entry.time[:10], utc_text(moment - LONGEST)
        log.requests = {key: one for key, one in log.requests.items() if one[2] >= oldest}
    key = bytes.fromhex(signed.request.digest())
    batch, seq, _, kinds = log.requests.setdefault(key, (entry.batch, entry.seq, at, ()))
    if batch != entry.batch or entry.kind in kinds:
        break_off("request-twice", "a signed request is used again", entry, seq)
    if entry.kind != "legal-hold-lifted":
        log.requests[key] = (batch, seq, at, (*kinds, entry.kind))


def _unsigned(entry: Entry, message: str, person: PersonState) -> NoReturn:
    break_off("request-unsigned", message, entry, person.seq)
