"""One plain agreement with the keys of its persons, as JSON values: tests, vectors and pages start from it."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import rfc8785
from samples.documents import FILES, POLICY, PRIVACY
from vectors.identity import identity_of, private_bytes, signature

# Name -> seed of the keys, party, duties.
PEOPLE: dict[str, tuple[int, str, list[str]]] = {
    "ann": (11, "child-welfare", ["approver", "steward"]),
    "bob": (12, "child-welfare", ["analyst", "recipient", "reviewer"]),
    "eve": (13, "data-center", ["operator", "steward"]),
    "kim": (14, "k12", ["analyst", "approver", "recipient", "steward"]),
    "pat": (16, "k12", ["analyst"]),
    "sue": (15, "state-auditor", ["auditor", "steward"]),
}


def person_id(name: str) -> str:
    return f"per-{PEOPLE[name][0]:032x}"


def identity(name: str, *, seed: int | None = None) -> dict[str, Any]:
    """Return a person's public identity; with `seed`, with the keys of another one."""
    own, party, duties = PEOPLE[name]
    made = identity_of(private_bytes(own if seed is None else seed))
    return {**made, "party": party, "person": person_id(name), "duties": duties}


def private(name: str) -> bytes:
    return private_bytes(PEOPLE[name][0])


def party(name: str, kind: str, title: str, capacity: str, holder: str | None) -> dict[str, Any]:
    persons = [who for who, (_, of, _) in PEOPLE.items() if of == name]
    return {
        "name": name,
        "kind": kind,
        "title": title,
        "capacity": capacity,
        "contact": f"Duty officer of {title}, 555-0100",
        "persons": [identity(who) for who in persons],
        "holder": None if holder is None else person_id(holder),
    }


def direction(giver: str, receiver: str, basis: str, citation: str | None = None) -> dict[str, Any]:
    return {"giver": giver, "receiver": receiver, "basis": basis, "citation": citation}


AGREEMENT: dict[str, Any] = {
    "version": "blindlink/agreement/4",
    "project": "foster-k12",
    "log": "broker.example/log",
    "number": 1,
    "previous": None,
    "epoch": 1,
    "paper": {"number": "DSA 2026-014", "date": "2026-08-20", "sha256": "5" * 64},
    "purpose": {
        "code": "school-stability",
        "statement": "Know each week which pupils are in foster care, so that they keep their school.",
    },
    "parties": [
        party(
            "child-welfare",
            "agency",
            "Department of Children and Families",
            "holds the case records of children in foster care",
            "bob",
        ),
        party(
            "data-center",
            "operator",
            "State Data Center",
            "authorised representative of both agencies",
            None,
        ),
        party(
            "k12",
            "agency",
            "Department of Education",
            "holds the education records of all pupils",
            "kim",
        ),
        party(
            "state-auditor",
            "auditor",
            "Office of the State Auditor",
            "checks the match log under its own law",
            None,
        ),
    ],
    "directions": [
        direction(
            "child-welfare", "data-center", "other", "Example Code \u00a7 12.3, foster care data"
        ),
        direction("child-welfare", "k12", "other", "Example Code \u00a7 12.4, school stability"),
        direction("k12", "child-welfare", "ferpa-child-welfare"),
        direction("k12", "data-center", "ferpa-audit-evaluation"),
    ],
    "population": {
        "code": "foster-care.0-21",
        "definition": "Children placed away from home by court order, aged 0 to 21.",
        "as_of": "The file describes the evening before it is uploaded.",
        "max_age_days": 7,
        "max_gap_days": 7,
    },
    "elements": [
        {"party": "child-welfare", "name": "First name", "use": "encoded"},
        {"party": "k12", "name": "First name", "use": "encoded"},
        {"party": "k12", "name": "School", "use": "shared"},
    ],
    "profile": "a" * 64,
    "policy": POLICY,
    "policy_range": {
        "auto_from": "0.85",
        "auto_to": "0.95",
        "review_from": "0.02",
        "review_to": "0.2",
    },
    "spaces": [{"name": "shared", "lifetime": "lasting"}],
    "recipients": [
        {"party": "child-welfare", "mode": "linked", "space": "shared", "onward": None},
        {
            "party": "k12",
            "mode": "linked",
            "space": "shared",
            "onward": "The point of contact of the pupil's own school.",
        },
    ],
    "schedule": {
        "frequency": "weekly",
        "due": "sunday 22:00",
        "round_days": 7,
        "note": "Uploads by Sunday 22:00, run on Monday.",
    },
    "approvals": {
        "runs": "standing",
        "parties": ["child-welfare", "k12"],
        "asker_suffices": False,
        "releases": False,
    },
    "limits": {
        "files": FILES,
        "budget": {"rounds": 6, "days": 30},
        "floor": 10,
        "most_ended": "0.1",
        "privacy": PRIVACY,
    },
    "start": "2026-09-01",
    "end": "2027-08-31",
    "retention": {
        "keep_encodings_days": 30,
        "keep_links_days": 400,
        "destroy_by": "2028-08-31",
        "legal_hold": None,
    },
    "no_reidentification": True,
    "breach": {
        "hours": 24,
        "instruction": "Stop uploading, keep the workspace, and call the contacts.",
    },
    "finality": {"cosigners": 0, "delays_release": False},
    "review": None,
}


def digest_of(document: dict[str, Any]) -> str:
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest()


def amended(before: dict[str, Any] = AGREEMENT, **changes: Any) -> dict[str, Any]:
    """Return the next version of an agreement, with these fields changed."""
    after = copy.deepcopy(before)
    after.update(number=before["number"] + 1, previous=digest_of(before), **changes)
    return after


def stated(
    what: str, name: str, agreement: dict[str, Any] = AGREEMENT, **fields: Any
) -> dict[str, Any]:
    """Return an unsigned statement of a person about an agreement."""
    return {
        "version": f"blindlink/{what}/1",
        "project": agreement["project"],
        "agreement": digest_of(agreement),
        "party": PEOPLE[name][1],
        "person": person_id(name),
        "before": None,
        "at": "2026-08-25T12:00:00Z",
        **fields,
    }


def signed(statement: dict[str, Any], private_key: bytes, **more: Any) -> dict[str, Any]:
    """Return a statement with the signature of this key."""
    what = statement["version"].split("/")[1]
    kind = "agreement" if what in ("consent", "notice") else "approval"
    made = {
        "statement": statement,
        "changes": [],
        "signature": signature(kind, statement, private_key),
    }
    return {**made, **more}


def consent(name: str, agreement: dict[str, Any] = AGREEMENT, **fields: Any) -> dict[str, Any]:
    """Return a person's signed consent."""
    counsel = {"name": "Dana Cole", "title": "General counsel", "date": "2026-08-24"}
    return signed(
        stated("consent", name, agreement, **{"counsel": counsel, **fields}), private(name)
    )
