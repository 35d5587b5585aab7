"""Who may do what in a project: the policy table and the terms together, as one matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, get_args

from app.security.policy import POLICY, RouteKey
from schemas.agreement.agreement import Agreement, ProjectTerms
from schemas.signing.identity import Duty, Role

NO: Final = "no"
YES: Final = "yes"
OWN: Final = "its own"


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done in a project.

    `route` is where; its row in the policy table names the roles. `part` says how far the terms let a party
    in one of those roles, as one of the words above or a few words more; None: the columns that the agreement
    lists say it. `duties`: a signed agreement lets only persons with one of these do it; none: everybody of the
    party.
    """

    words: str
    route: RouteKey
    part: Callable[[ProjectTerms, str, Role], str] | None
    duties: tuple[Duty, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessRow:
    """What one party may do in one role: one answer for each of `ACTIONS`, in their order."""

    party: str
    role: Role
    answers: tuple[str, ...]


def access_matrix(agreement: Agreement, operator: str) -> list[AccessRow]:
    """Return a row for each party that the terms name, and the operator, in each role that counts here."""
    terms = agreement.terms()
    receiving = {recipient.party for recipient in terms.recipients}
    seats: set[tuple[str, Role]] = {(party, "agency") for party in {*terms.providers, *receiving}}
    seats |= {(party, "auditor") for party in terms.auditors}
    seats.add((operator, "operator"))
    order = get_args(Role)
    return [
        AccessRow(
            party, role, tuple(_answer(action, agreement, terms, party, role) for action in ACTIONS)
        )
        for party, role in sorted(seats, key=lambda seat: (order.index(seat[1]), seat[0]))
    ]


def _answer(
    action: Action, agreement: Agreement, terms: ProjectTerms, party: str, role: Role
) -> str:
    if role not in POLICY[action.route].roles:
        return NO
    if action.part is None:
        return _delivers(agreement, party)
    return action.part(terms, party, role)


def _provides(terms: ProjectTerms, party: str, role: Role) -> str:
    return YES if role == "operator" or party in terms.providers else NO


def _receives(terms: ProjectTerms, party: str, _role: Role) -> str:
    found = []
    for recipient in terms.recipients:
        if recipient.mode == "blind" and party in terms.providers:
            # An agency carries what is sealed to someone else, who asks the broker for nothing.
            found.append(f"sealed, for {recipient.party}")
        elif recipient.party == party and recipient.mode not in {"blind", "none"}:
            found.append(f"{OWN} ({recipient.mode}, link-ID set {recipient.space})")
    return "; ".join(found) or NO


def _shares_links(terms: ProjectTerms, party: str, _role: Role) -> str:
    spaces = [one.space for one in terms.recipients if one.mode == "linked" and one.party == party]
    others = [
        one.party
        for one in terms.recipients
        if one.mode == "linked" and one.party != party and one.space in spaces
    ]
    return f"sealed, with {', '.join(others)}" if others else NO


def _delivers(agreement: Agreement, party: str) -> str:
    receiving = [one.party for one in agreement.recipients]
    found = [other for other in receiving if agreement.delivering(party, other)]
    return f"sealed, with {', '.join(found)}" if found else NO


def _approves(terms: ProjectTerms, party: str, _role: Role) -> str:
    return YES if party in terms.approvals.parties else NO


def _reviews(terms: ProjectTerms, party: str, _role: Role) -> str:
    return YES if terms.review is not None and party == terms.review.reviewer else NO


def _answers(terms: ProjectTerms, party: str, _role: Role) -> str:
    review = terms.review
    if review is None or party == review.reviewer:
        return NO
    return OWN if any({party, review.reviewer} == set(pair) for pair in terms.pairs) else NO


def _destroys(terms: ProjectTerms, party: str, role: Role) -> str:
    if role == "operator":
        return YES
    receives = any(recipient.party == party for recipient in terms.recipients)
    return OWN if party in terms.providers or receives else NO


def _of_its_own(terms: ProjectTerms, party: str, role: Role) -> str:
    if role == "operator":
        return YES
    return OWN if party in terms.providers else NO


def _sees_own(_terms: ProjectTerms, _party: str, role: Role) -> str:
    return OWN if role == "agency" else YES


def _always(_terms: ProjectTerms, _party: str, _role: Role) -> str:
    return YES


ACTIONS: Final = (
    Action("Sign an amendment", ("POST", "/v1/projects/{project}/consents"), _always, ("steward",)),
    Action("Suspend the linkage or leave", ("POST", "/v1/projects/{project}/notices"), _always, ("steward",)),
    Action("Open or correct a round", ("POST", "/v1/projects/{project}/rounds/{round}"),
           _provides, ("analyst",)),
    Action("Upload encodings", ("POST", "/v1/projects/{project}/uploads"), _provides, ("analyst",)),
    Action("Ask for a run again", ("POST", "/v1/projects/{project}/runs"), _provides, ("analyst",)),
    Action("Approve a run", ("POST", "/v1/runs/{run}/approvals"), _approves, ("approver",)),
    Action("Stop a run", ("POST", "/v1/runs/{run}/cancel"),
           _provides, ("analyst", "approver", "operator")),
    Action("Fetch releases", ("GET", "/v1/releases/{release}/file"), _receives, ("recipient", "analyst")),
    Action("Have everything destroyed", ("POST", "/v1/projects/{project}/destruction"),
           _destroys, ("steward", "operator")),
    Action("Have one upload destroyed", ("POST", "/v1/uploads/{upload}/destruction"),
           _of_its_own, ("steward", "analyst", "operator")),
    Action("Withdraw a record", ("POST", "/v1/projects/{project}/withdrawals"),
           _of_its_own, ("steward", "analyst")),
    Action("Set or lift a legal hold", ("POST", "/v1/projects/{project}/legal-holds"), _always, ("steward",)),
    Action("Exchange claims with other recipients",
           ("PUT", "/v1/projects/{project}/rounds/{round}/claims/{partner}"),
           _shares_links, ("recipient", "analyst")),
    Action("Deliver listed columns to other recipients",
           ("PUT", "/v1/projects/{project}/rounds/{round}/deliveries/{partner}/{number}"),
           None, ("recipient", "analyst")),
    Action("Send cards to reviewers", ("PUT", "/v1/reviews/{run}/cards"), _answers, ("analyst", "recipient")),
    Action("Decide pairs that are sent to review", ("POST", "/v1/reviews/{run}/decisions"),
           _reviews, ("reviewer",)),
    Action("See rounds", ("GET", "/v1/projects/{project}/rounds"), _always),
    Action("See that there are uploads", ("GET", "/v1/projects/{project}/uploads"), _sees_own),
    Action("See runs", ("GET", "/v1/projects/{project}/runs"), _always),
    Action("See reviews", ("GET", "/v1/projects/{project}/reviews"), _always),
    Action("See that there are releases", ("GET", "/v1/projects/{project}/releases"), _sees_own),
    Action("See that there are deliveries", ("GET", "/v1/projects/{project}/deliveries"), _sees_own),
    Action("Read match records", ("GET", "/v1/runs/{run}/match-record"), _always),
    Action("Read the match log", ("GET", "/v1/log/bundle"), _always),
    Action("Open these pages", ("GET", "/projects/{project}"), _always),
)  # fmt: skip
