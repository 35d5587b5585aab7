"""The agreement that says what terms say, and the clauses that most terms of tests have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from samples.agreement import AGREEMENT, direction
from samples.documents import PRIVACY

from schemas.agreement.agreement import Agreement, ProjectTerms
from schemas.agreement.clauses import ApprovalRule, Finality
from schemas.signing.identity import PublicIdentity

SAME = (
    *("project", "profile", "policy", "policy_range", "spaces", "approvals", "finality", "review"),
    *("start", "end"),
)


def usual_clauses(approver: str) -> dict[str, Any]:
    """Return clauses by which one party approves runs, and may in advance, and that set no other limit."""
    return {
        "approvals": ApprovalRule(
            runs="standing", parties=(approver,), asker_suffices=True, releases=False
        ),
        "finality": Finality(cosigners=0, delays_release=False),
        "destroy_by": "2099-12-31",
    }


def agreement_of(
    terms: ProjectTerms, people: Iterable[PublicIdentity], **changes: Any
) -> Agreement:
    """Return the first agreement that says what terms say, with these fields of its JSON changed.

    Of the people, those of the parties that the terms name and of the operator are listed.
    """
    said, people = terms.to_json(), sorted(people, key=lambda one: one.person)
    operator = next(one.party for one in people if "operator" in one.duties)
    receivers = [one.party for one in terms.recipients if one.mode != "none"]
    receivers += [] if terms.review is None else [terms.review.reviewer]
    raw: dict[str, Any] = AGREEMENT | {name: said[name] for name in SAME}
    raw |= {
        "purpose": raw["purpose"] | {"code": terms.purpose},
        "parties": _parties(terms, operator, people),
        "directions": [
            direction(giver, receiver, "court-order")
            for giver in terms.providers
            for receiver in sorted({operator, *receivers})
            if receiver != giver
        ],
        "population": raw["population"]
        | {
            "code": terms.population,
            "max_age_days": terms.as_of_max_age_days,
            "max_gap_days": terms.as_of_max_gap_days,
        },
        "elements": shown_elements(terms),
        "recipients": [one | {"onward": None} for one in said["recipients"]],
        "schedule": {
            "frequency": terms.frequency,
            "due": terms.due,
            "round_days": terms.round_days,
            "note": None,
        },
        "limits": {
            "files": said["files"],
            "budget": said["round_budget"],
            "floor": terms.floor,
            "most_ended": terms.most_ended,
            "privacy": PRIVACY if terms.privacy is None else terms.privacy.model_dump(mode="json"),
        },
        "retention": {
            "keep_encodings_days": terms.keep_encodings_days,
            "keep_links_days": terms.keep_links_days,
            "destroy_by": terms.destroy_by,
            "legal_hold": "Order 26-114" if terms.has_legal_hold else None,
        },
    }
    return Agreement.from_json(raw | changes)


def without(agreement: Agreement, gone: str) -> dict[str, Any]:
    """Return the clauses by which all other agencies go on without one, with a new secret."""
    raw = agreement.to_json()
    files = [one for one in raw["limits"]["files"] if one["party"] != gone]
    return {
        "epoch": agreement.epoch + 1,
        "parties": [one for one in raw["parties"] if one["name"] != gone],
        "recipients": [one for one in raw["recipients"] if one["party"] != gone],
        "directions": [
            one for one in raw["directions"] if gone not in (one["giver"], one["receiver"])
        ],
        "elements": [one for one in raw["elements"] if one["party"] != gone],
        "limits": {**raw["limits"], "files": files},
    }


def shown_elements(terms: ProjectTerms) -> list[dict[str, str]]:
    """Return what the cards of each agency but the reviewer's show: names, date of birth and sex."""
    if terms.review is None:
        return []
    return [
        {"party": party, "name": name, "use": "shown"}
        for party in terms.providers
        if party != terms.review.reviewer
        for name in ("first_name", "last_name", "birth_date", "sex")
    ]


def _parties(
    terms: ProjectTerms, operator: str, people: Sequence[PublicIdentity]
) -> list[dict[str, Any]]:
    kinds = dict.fromkeys((one.party for one in terms.recipients), "recipient")
    kinds |= dict.fromkeys(terms.auditors, "auditor") | dict.fromkeys(terms.providers, "agency")
    kinds[operator] = "operator"
    made = []
    for name, kind in sorted(kinds.items()):
        own = [one for one in people if one.party == name]
        holder = next((one.person for one in own if "analyst" in one.duties), None)
        made.append(
            {
                "name": name,
                "kind": kind,
                "title": name.title(),
                "capacity": f"acts as {kind}",
                "contact": "Duty officer, 555-0100",
                "persons": [one.to_json() for one in own],
                "holder": holder if kind == "agency" else None,
            }
        )
    return made
