"""Writes the vectors of agreements and signed statements from fixed seeds; the keys are for tests only.

An agreement is long, so a vector is the base and what differs from it: a place and the value there.

PYTHONPATH=tests:. python -m vectors.agreement
"""

from __future__ import annotations

from typing import Any

from samples.agreement import (
    AGREEMENT,
    PEOPLE,
    amended,
    consent,
    direction,
    identity,
    person_id,
    private,
    signed,
    stated,
)
from samples.documents import changed, without
from vectors.file import digest_of, listed, text_of, write_vectors
from vectors.identity import private_bytes, signature

Change = tuple[str, str, Any]

PARTIES: list[dict[str, Any]] = AGREEMENT["parties"]
CW, CENTER, K12, AUDITOR = range(4)
PERSON = "parties.0.persons.0"

REVIEW: dict[str, Any] = {
    "reviewer": "child-welfare", "persons": 1, "first": 200, "weekly": 10, "bucket": 20, "days": 14,
    "consent": None,
}  # fmt: skip
SHOWN: list[dict[str, Any]] = [
    {"party": "k12", "name": name, "use": "shown"} for name in ("first_name", "birth_date")
]
REVIEWED: dict[str, Any] = {"review": REVIEW, "elements": SHOWN}

STUDENT_ID = {"kind": "student-id", "basis": None, "citation": None}
SSN = {"kind": "ssn", "basis": "court-order", "citation": "In re Example, 2026"}


PRACTICE: dict[str, Any] = {"only": "practice", "party": None}
SECOND: dict[str, Any] = {"number": 2, "previous": "0" * 64}


def persons(party: str | None) -> dict[str, Any]:
    """Return what an amendment says that changes a party's persons alone."""
    return {"only": "persons", "party": party}


def numbered(number: dict[str, Any], column: str, use: str = "encoded") -> dict[str, Any]:
    """Return the clause of a known number, and the column that is listed for it."""
    listed = {"party": "k12", "name": column, "use": use}
    return {"known_number": number, "elements": [*AGREEMENT["elements"], listed]}


GOOD: list[Change] = [
    ("a known number", "", numbered(STUDENT_ID, "student_id")),
    ("a known number with its law", "", numbered(
        {"kind": "case-number", "basis": "other", "citation": "Example Code 12.5"}, "case_number"
    )),
    ("Social Security numbers", "", numbered(SSN, "ssn")),
    ("no paper agreement", "paper", None),
    ("a paper without its file", "paper.sha256", None),
    ("no range of probabilities", "policy_range", None),
    ("a count for the auditor", "recipients", [
        {"party": "child-welfare", "mode": "linked", "space": "shared", "onward": None},
        {"party": "k12", "mode": "blind", "space": "shared", "onward": None},
    ]),
    ("no auditor", "parties", PARTIES[:3]),
    ("no data element", "elements", []),
    ("a column that is counted alone", "elements.2.use", "counted"),
    ("a column that is shared and counted", "elements", [
        *AGREEMENT["elements"], {**AGREEMENT["elements"][2], "use": "counted"},
    ]),
    ("no limit on the as-of day", "population.max_age_days", None),
    ("a review", "", REVIEWED),
    ("a card that tells a place, by counsel's consent", "", {
        **REVIEWED,
        "review": {**REVIEW, "consent": "Moves within the county."},
        "elements": [{**SHOWN[0], "name": "Former ZIP"}],
    }),
    ("a review that lets the other agency know", "", {
        **REVIEWED, "review": {
            **REVIEW, "bucket": 1, "first": 10_000, "weekly": 1250, "consent": "Twins of one county.",
        },
    }),
    ("no budget of rounds", "limits.budget", None),
    ("any number of links may end at once", "limits.most_ended", None),
    ("no two links may end at once", "limits.most_ended", "0"),
    ("nobody may be named in the privacy audit", "limits.privacy.named", "0"),
    ("rounds of a day", "schedule.round_days", 1),
    ("files due on any day", "schedule.due", "06:30"),
    ("files due at no time", "schedule.due", None),
    ("two files of one size", "limits.files.0.most", 8_000_000),
    ("link IDs that are new in each round", "spaces.0.lifetime", "round"),
    ("each run is approved", "approvals.runs", "each"),
    ("one party approves", "approvals", {
        "runs": "each", "parties": ["k12"], "asker_suffices": True, "releases": True,
    }),
    ("a legal hold", "retention.legal_hold", "Order of the court of 1 September 2026"),
    ("three cosigners", "finality", {"cosigners": 3, "delays_release": True}),
    ("letters of other languages", "purpose.statement", "\u00c9coles et enfants plac\u00e9s"),
    ("one day", "end", "2026-09-01"),
    ("an amendment of practice", "", {**SECOND, "amends": PRACTICE}),
    ("an amendment of persons", "", {**SECOND, "amends": persons("k12")}),
]  # fmt: skip

BAD_FRAME: list[Change] = [
    ("a first agreement with a previous one", "previous", "0" * 64),
    ("a second agreement without a previous one", "number", 2),
    ("a first agreement in the second epoch", "epoch", 2),
    ("an end before the start", "end", "2026-08-31"),
    ("destruction before the end", "retention.destroy_by", "2027-08-30"),
    ("a log that ends as a written key does", "log", "broker.example/log+0f4d758f"),
    ("a log's name with a space", "log", "broker example/log"),
    ("an unknown field", "surprise", 1),
]
BAD_TEXTS: list[Change] = [
    ("a text with a line end", "purpose.statement", "one\ntwo"),
    ("a text with a mark that turns it round", "purpose.statement", "abc\u202edef"),
    ("a text with a space of no width", "purpose.statement", "abc\u200bdef"),
    ("a text with a hard space", "purpose.statement", "abc\u00a0def"),
    ("a text with a space at its end", "purpose.statement", "abc "),
    ("a text in another normal form", "purpose.statement", "E\u0301coles"),
    ("a basis without its citation", "directions.0.citation", None),
]
BAD_PARTIES: list[Change] = [
    ("parties out of order", "parties", PARTIES[::-1]),
    ("a party twice", "parties", [PARTIES[CW], *PARTIES]),
    ("no operator", "parties.1.kind", "recipient"),
    ("two operators", "parties.3.kind", "operator"),
    ("no agency", "parties", [PARTIES[CENTER], PARTIES[AUDITOR]]),
    ("a party without a steward", f"{PERSON}.duties", ["approver"]),
    ("a person of another party", f"{PERSON}.party", "k12"),
    ("persons out of order", "parties.0.persons", PARTIES[CW]["persons"][::-1]),
    ("a person twice", "parties.0.persons", [PARTIES[CW]["persons"][0]] * 2),
    ("a person of two parties", "parties.3.persons.0.person", person_id("kim")),
    ("two persons with one signing key", f"{PERSON}.signing_key", identity("kim")["signing_key"]),
    (
        "two persons with one receiving key",
        f"{PERSON}.receiving_key",
        identity("kim")["receiving_key"],
    ),
    ("a key of small order", f"{PERSON}.signing_key", "A" * 43 + "="),
    ("an agency without a holder of the secret", "parties.0.holder", None),
    ("a holder of another party", "parties.0.holder", person_id("kim")),
    ("an operator that holds the secret", "parties.1.holder", person_id("eve")),
    ("an element of a stranger", "elements.0.party", "vendor"),
    ("an element twice", "elements", [AGREEMENT["elements"][0]] * 2),
]
BAD_DISCLOSURES: list[Change] = [
    ("a known number that is not listed as encoded", "", numbered(STUDENT_ID, "student_id", "shared")),
    ("a known number of which another is listed", "", numbered(STUDENT_ID, "ssn")),
    ("Social Security numbers without a basis", "", numbered({**SSN, "basis": None}, "ssn")),
    ("Social Security numbers without a citation", "", numbered({**SSN, "citation": None}, "ssn")),
    ("a known number by another law without its citation", "", numbered(
        {**STUDENT_ID, "basis": "other"}, "student_id"
    )),
    ("a known number with a citation of no basis", "", numbered(
        {**STUDENT_ID, "citation": "Example Code 12.5"}, "student_id"
    )),
    ("no basis towards the operator", "directions", AGREEMENT["directions"][1:]),
    ("no basis towards the other agency", "directions", [
        each for each in AGREEMENT["directions"] if each["receiver"] != "k12"
    ]),
    ("a basis for nothing", "directions", [
        *AGREEMENT["directions"], direction("k12", "state-auditor", "consent"),
    ]),
    ("a basis of the operator's", "directions", [
        *AGREEMENT["directions"][:2], direction("data-center", "k12", "consent"),
        *AGREEMENT["directions"][2:],
    ]),
    ("directions out of order", "directions", AGREEMENT["directions"][::-1]),
    ("a direction twice", "directions", [AGREEMENT["directions"][0], *AGREEMENT["directions"]]),
    ("a basis towards a party that receives nothing", "recipients.0.mode", "none"),
    ("a party that discloses to itself", "directions.0.receiver", "child-welfare"),
    ("an operator that receives", "recipients.0.party", "data-center"),
    ("a stranger that receives", "recipients.1.party", "vendor"),
    ("links for a party without records", "recipients.1.party", "state-auditor"),
    ("a recipient twice", "recipients.1.party", "child-welfare"),
    ("a space that is not listed", "recipients.0.space", "elsewhere"),
]  # fmt: skip
BAD_LIMITS: list[Change] = [
    ("approvals by the operator", "approvals.parties", ["child-welfare", "data-center"]),
    ("approvals by a stranger", "approvals.parties", ["child-welfare", "vendor"]),
    ("approvals by the asker alone", "approvals.parties", ["k12"]),
    ("a party that approves without an approver", f"{PERSON}.duties", ["steward"]),
    ("a file of an agency that is not listed", "limits.files", AGREEMENT["limits"]["files"][:1]),
    ("a file of the operator", "limits.files.0.party", "data-center"),
    ("files out of order", "limits.files", AGREEMENT["limits"]["files"][::-1]),
    ("a least size above the most", "limits.files.0.least", 90_001),
    ("a budget of runs", "limits.budget", {"runs": 6, "days": 30}),
    ("a share above 1 that may end", "limits.most_ended", "1.01"),
    ("no limit for the privacy audit", "limits.privacy", None),
    ("a limit of the privacy audit above 1", "limits.privacy.named", "1.001"),
    ("a limit of the privacy audit that is left open", "limits.privacy.guessed_sex", None),
    ("a share in hundredths that may end", "limits.most_ended", 10),
    ("files due without saying so", "schedule.due", ""),
    ("files due at 24:00", "schedule.due", "sunday 24:00"),
    ("files due on no day of the week", "schedule.due", "someday 22:00"),
    ("files due when rounds are on request", "schedule.frequency", "on-request"),
    ("files due on a day of the week every day", "schedule.frequency", "daily"),
    ("a policy outside its range", "policy.auto", "0.96"),
    ("a review probability above the auto one", "policy.review", "0.91"),
    ("a link rate upside down", "policy.link_rate", {"least": "0.9", "most": "0.1"}),
    ("a review by two, of whom there is one", "", {**REVIEWED, "review": {**REVIEW, "persons": 2}}),
    (
        "a review by nine",
        "",
        {
            **REVIEWED,
            "parties": [
                {
                    **one,
                    "persons": [
                        *one["persons"],
                        *(
                            {
                                **identity("bob", seed=100 + number),
                                "person": f"per-{100 + number:032x}",
                            }
                            for number in range(8)
                        ),
                    ],
                }
                if one["name"] == "child-welfare"
                else one
                for one in AGREEMENT["parties"]
            ],
        },
    ),
    (
        "a review by an agency without reviewers",
        "",
        {
            "review": {**REVIEW, "reviewer": "k12"},
            "elements": [{**one, "party": "child-welfare"} for one in SHOWN],
        },
    ),
    (
        "cards of the reviewer's own agency",
        "",
        {**REVIEWED, "elements": [*SHOWN, {**SHOWN[0], "party": "child-welfare"}]},
    ),
    (
        "cards of 17 elements",
        "",
        {**REVIEWED, "elements": [{**SHOWN[0], "name": f"column {n}"} for n in range(17)]},
    ),
    (
        "a review beside a blind recipient",
        "",
        {
            **REVIEWED,
            "recipients": [{**AGREEMENT["recipients"][0], "mode": "blind"}],
            "directions": [one for one in AGREEMENT["directions"] if one["receiver"] != "k12"],
        },
    ),
    ("a review by a party that is no agency", "review", {**REVIEW, "reviewer": "auditor"}),
    ("a review without elements that cards show", "review", REVIEW),
    ("elements for cards that nobody looks at", "elements", SHOWN),
    (
        "a card that tells a place without consent",
        "",
        {**REVIEWED, "elements": [{**SHOWN[0], "name": "Home_Phone2"}]},
    ),
    ("more cards than can be sealed", "review", {**REVIEW, "bucket": 101}),
    ("more first questions than go without consent", "review", {**REVIEW, "first": 201}),
    ("more weekly questions than go without consent", "review", {**REVIEW, "weekly": 26}),
    ("more cosigners than parties", "finality.cosigners", 4),
    ("a wait for no cosigner", "finality.delays_release", True),
]
BAD_FRAME += [
    ("a first agreement that amends", "amends", PRACTICE),
    ("an amendment of nobody's persons", "", {**SECOND, "amends": persons(None)}),
    ("an amendment of a stranger's persons", "", {**SECOND, "amends": persons("vendor")}),
    ("an amendment of a party's practice", "", {**SECOND, "amends": {**PRACTICE, "party": "k12"}}),
]
BAD = [*BAD_FRAME, *BAD_TEXTS, *BAD_PARTIES, *BAD_DISCLOSURES, *BAD_LIMITS]


def successions() -> list[dict[str, Any]]:
    """Return amendments of the base, whether each may follow it, and whether it needs encoding anew."""
    new_agency = [
        {**party, "kind": "recipient", "holder": None} if party["name"] == "k12" else party
        for party in PARTIES
    ]
    new_holder = [
        {**party, "holder": person_id("ann")} if party["name"] == "child-welfare" else party
        for party in PARTIES
    ]
    new_keys = [
        {**party, "persons": [identity("kim", seed=21)]} if party["name"] == "k12" else party
        for party in PARTIES
    ]
    without_links = {
        "recipients": AGREEMENT["recipients"][:1],
        "limits": {**AGREEMENT["limits"], "files": AGREEMENT["limits"]["files"][:1]},
        "directions": [each for each in AGREEMENT["directions"] if each["giver"] != "k12"][:1],
    }
    cases: list[tuple[str, dict[str, Any], bool]] = [
        ("a later end", {"end": "2027-12-31"}, True),
        ("a new secret", {"epoch": 2}, True),
        ("another policy", {"policy": {**AGREEMENT["policy"], "auto": "0.95"}}, True),
        ("no auditor any more", {"parties": PARTIES[:3]}, True),
        ("another profile in a new epoch", {"profile": "b" * 64, "epoch": 2}, True),
        ("another profile in the same epoch", {"profile": "b" * 64}, False),
        ("an agency fewer, in the next epoch",
         {"parties": new_agency, "epoch": 2, **without_links}, True),
        ("an agency fewer, in the same epoch", {"parties": new_agency, **without_links}, False),
        ("another holder in the next epoch", {"parties": new_holder, "epoch": 2}, True),
        ("another holder in the same epoch", {"parties": new_holder}, False),
        ("other keys of a holder", {"parties": new_keys}, True),
        ("two epochs on", {"epoch": 3}, False),
        ("a number left out", {"number": 3}, False),
        ("the same number", {"number": 1, "previous": None}, False),
        ("another previous agreement", {"previous": "0" * 64}, False),
        ("another project", {"project": "other"}, False),
        ("another log", {"log": "broker.example/log-2"}, False),
        ("dates alone", {"end": "2027-06-30", "amends": PRACTICE,
                         "retention": {**AGREEMENT["retention"], "destroy_by": "2028-06-29"}}, True),
        ("a new secret alone", {"epoch": 2, "amends": PRACTICE}, True),
        ("an end that keeps all for longer after it", {"end": "2027-06-30", "amends": PRACTICE}, False),
        ("dates, and the floor", {"end": "2027-08-31", "amends": PRACTICE,
                                  "limits": {**AGREEMENT["limits"], "floor": 5}}, False),
        ("dates, and how many rounds there may be", {
            "end": "2027-08-31", "amends": PRACTICE,
            "limits": {**AGREEMENT["limits"], "budget": None}}, False),
        ("dates, and how many links may end at once", {
            "end": "2027-08-31", "amends": PRACTICE,
            "limits": {**AGREEMENT["limits"], "most_ended": None}}, False),
        ("a probability beyond the agreed range", {
            "policy": {**AGREEMENT["policy"], "auto": "0.96"}, "amends": PRACTICE,
            "policy_range": {**AGREEMENT["policy_range"], "auto_to": "0.97"}}, False),
        ("persons, called practice", {"parties": new_keys, "amends": PRACTICE}, False),
        ("persons of the party that says so", {"parties": new_keys, "amends": persons("k12")}, True),
        ("persons of another party", {"parties": new_keys, "amends": persons("child-welfare")}, False),
        ("a person who holds the secret, in the next epoch",
         {"parties": new_holder, "epoch": 2, "amends": persons("child-welfare")}, True),
        ("a person who holds the secret, in the same epoch",
         {"parties": new_holder, "amends": persons("child-welfare")}, False),
        ("persons, and the end",
         {"parties": new_keys, "end": "2027-07-31", "amends": persons("k12")}, False),
        ("persons, and the party's legal name", {"parties": [
            {**party, "title": "Other"} if party["name"] == "k12" else party for party in new_keys
        ], "amends": persons("k12")}, False),
    ]  # fmt: skip
    return [
        {
            "name": what,
            "changes": {"number": 2, "previous": digest_of(AGREEMENT), **changes},
            "may_follow": may_follow,
            "encodes_anew": may_follow and changes.get("epoch", 1) != 1,
        }
        for what, changes, may_follow in cases
    ]


def agreement_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/agreement.md`."""
    return {
        "spec": "agreement",
        "base": text_of(AGREEMENT),
        "sha256": digest_of(AGREEMENT),
        "good": [
            {"name": what, "place": place, "value": value, "sha256": digest_of(made)}
            for what, place, value in GOOD
            for made in [changed(AGREEMENT, place, value)]
        ],
        "bad": [{"name": what, "place": place, "value": value} for what, place, value in BAD],
        "needed": sorted(AGREEMENT.keys() - {"version"}),
        "successions": successions(),
    }


def approval(what: str, name: str = "ann", **fields: Any) -> dict[str, Any]:
    """Return an unsigned approval of one of three kinds."""
    given: dict[str, Any] = {"approval": "apv-" + "1" * 32}
    if what == "run-approval":
        given |= {
            "step": "run",
            "run": "run-" + "2" * 32,
            "specification_sha256": "3" * 64,
            "expires": "2026-09-08T12:00:00Z",
        }
    if what == "standing-approval":
        given |= {
            "policy_sha256": digest_of(AGREEMENT["policy"]),
            "until": "2027-08-31",
            "runs": 52,
        }
    return stated(what, name, **{**given, **fields})


def notice(name: str = "ann", **fields: Any) -> dict[str, Any]:
    """Return an unsigned notice."""
    return stated(
        "notice", name, **{"act": "suspend", "reason": "A breach is looked into.", **fields}
    )


def key_change(name: str, old: int, new: int) -> dict[str, Any]:
    """Return a change of a person's keys from those of one seed to another, signed by both."""
    change = {
        "person": person_id(name),
        "old_key": identity(name, seed=old)["signing_key"],
        "successor": identity(name, seed=new),
        "at": "2026-10-01T00:00:00Z",
    }
    return {
        "change": change,
        "old_signature": signature("key-rotation", change, private_bytes(old)),
        "new_signature": signature("key-rotation", change, private_bytes(new)),
    }


def good_statements() -> dict[str, dict[str, Any]]:
    """Return signed statements that count under the base agreement."""
    seed = PEOPLE["ann"][0]
    once, twice = key_change("ann", seed, 21), key_change("ann", 21, 22)
    return {
        "consent": consent("ann"),
        "consent of the operator": consent("eve"),
        "suspension": signed(notice(), private("ann")),
        "resumption": signed(notice(act="resume"), private("ann")),
        "withdrawal": signed(notice("sue", act="withdraw"), private("sue")),
        "approval of a run": signed(approval("run-approval"), private("ann")),
        "approval of a release": signed(
            approval("run-approval", "kim", step="release"), private("kim")
        ),
        "standing approval": signed(approval("standing-approval"), private("ann")),
        "revocation": signed(approval("approval-revocation"), private("ann")),
        "by a new key": signed(notice(), private_bytes(21), changes=[once]),
        "by a key after the new key": signed(notice(), private_bytes(22), changes=[once, twice]),
    }


def bad_statements() -> dict[str, dict[str, Any]]:
    """Return signed statements that do not count under the base agreement."""
    seed = PEOPLE["ann"][0]
    once, twice = key_change("ann", seed, 21), key_change("ann", 21, 22)
    theft = key_change("ann", 21, 22)
    forged = {**theft, "change": {**theft["change"], "old_key": once["change"]["old_key"]}}
    other = amended(end="2027-12-31")
    whole = consent("ann")
    return {
        "about another agreement": consent("ann", other),
        "of another project": signed(
            stated("consent", "ann", project="other", counsel=COUNSEL), private("ann")
        ),
        "by a person who is not listed": signed(
            stated("consent", "ann", person="per-" + "f" * 32, counsel=COUNSEL), private("ann")
        ),
        "for another party": signed(
            stated("consent", "ann", party="k12", counsel=COUNSEL), private("ann")
        ),
        "without the duty steward": consent("bob"),
        "a consent without counsel": consent("ann", counsel=None),
        "an approval without the duty approver": signed(
            approval("run-approval", "eve"), private("eve")
        ),
        "by another person's key": signed(whole["statement"], private("kim")),
        "as another kind of signature": {
            **whole, "signature": signature("approval", whole["statement"], private("ann")),
        },
        "another counsel than was signed": changed(whole, "statement.counsel.name", "Erin Cole"),
        "another day than was signed": changed(whole, "statement.at", "2026-08-26T12:00:00Z"),
        "by the old key after a change": signed(notice(), private("ann"), changes=[once]),
        "by a new key without the change": signed(notice(), private_bytes(21)),
        "changes out of order": signed(notice(), private_bytes(22), changes=[twice, once]),
        "a change left out": signed(notice(), private_bytes(22), changes=[twice]),
        "a change that the old key did not sign": signed(
            notice(), private_bytes(22), changes=[forged]
        ),
        "a change of somebody else's keys": signed(
            notice(), private_bytes(21), changes=[key_change("kim", PEOPLE["kim"][0], 21)]
        ),
    }  # fmt: skip


COUNSEL = consent("ann")["statement"]["counsel"]


def malformed_statements() -> dict[str, dict[str, Any]]:
    """Return documents that are not signed statements."""
    plain = consent("ann")
    return {
        "no counsel": without(plain, "statement.counsel"),
        "a counsel's day that does not exist": changed(
            plain, "statement.counsel.date", "2026-02-30"
        ),
        "an unknown field": changed(plain, "surprise", 1),
        "fields of another statement": changed(plain, "statement.act", "suspend"),
        "a number for a name": changed(plain, "statement.counsel.name", 7),
        "seventeen changes of keys": changed(
            plain, "changes", [key_change("ann", PEOPLE["ann"][0], 21)] * 17
        ),
    }


def statement_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/statement.md`; all are about the base of the agreement's."""
    return {
        "spec": "statement",
        "agreement": digest_of(AGREEMENT),
        "good": listed(good_statements()),
        "bad": listed(bad_statements()),
        "malformed": listed(malformed_statements()),
    }


if __name__ == "__main__":
    write_vectors("agreement", agreement_vectors())
    write_vectors("statement", statement_vectors())
