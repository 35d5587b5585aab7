"""What an auditor finds after two weeks: a signed agreement, releases, a destruction, and what waits."""

from __future__ import annotations

from typing import Any

from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL
from rigs.signed import OPERATOR, Accord
from samples.agreed import shown_elements
from samples.agreement import direction
from samples.round_files import Person, less_like, random_people

from schemas.agreement.agreement import Agreement
from schemas.agreement.clauses import Review
from schemas.api.bodies import CosignatureRequest, LogCheckpoint
from schemas.matchlog.checkpoint import cosign, parse_checkpoint
from schemas.signing.note import COSIGNER_KEY, NoteSigner

N_SMALLER, N_LARGER = 400, 900
# Of the people who are in both files, how many are written down otherwise, and how.
OTHERWISE: dict[str, int] = {
    "first name": 30, "surname": 26, "another surname": 24, "sex": 20, "day": 32, "doubtful": 28,
}  # fmt: skip
TITLES = {
    AUDITOR: "Office of the State Auditor",
    CHILD_WELFARE: "Department of Children and Families",
    OPERATOR: "State Data Center",
    SCHOOL: "Unified School District",
}


REVIEW = Review(
    reviewer=CHILD_WELFARE, persons=2, first=150, weekly=10, bucket=20, days=6, consent=None
)


def lay_out(accord: Accord) -> dict[str, str]:
    """Let two weeks pass; returns the ids of what there is then.

    The second run is final, an upload of the first week is destroyed, and a third run waits for an approval.
    """
    accord.agree(agreement_of(accord))
    accord.stand("ann", runs=10)
    given = accord.stand("lee", runs=10).json()["approvals"]
    (standing,) = (
        one["signed"]["statement"] for one in given if one["signed"]["statement"]["party"] == SCHOOL
    )
    uploads, runs = [], []
    for week in range(2):
        uploads.append(upload_similar(accord, n_common=280 + 12 * week))
        runs.append(accord.run_id())
        accord.work()
        fetch_newest(accord)
        review(accord, runs[-1], n_other=11 * week)
        accord.sleep(days=7, minutes=13 * week)
    for name in ("kim", "sue"):
        cosign_newest(accord, name)
    accord.notice("kim", "suspend", reason="A laptop is missing; it holds no file of this project.")
    accord.sleep(hours=3)
    accord.notice("kim", "resume", reason="The laptop was found.")
    path = f"/v1/uploads/{uploads[0]}/destruction"
    destroyed = accord.client.post(path, headers=accord.as_person("kim")).json()
    accord.take_back("lee", standing["approval"])
    upload_similar(accord, n_common=300)
    waiting = accord.run()
    assert waiting["state"] == "awaiting", waiting
    releases = accord.get(f"/v1/projects/{PROJECT}/releases", AUDITOR).json()["releases"]
    return {
        "project": PROJECT,
        "agreement": accord.agreement.digest(),
        "upload": uploads[1],
        "run": runs[1],
        "round": "2",
        "waiting": waiting["run"],
        "release": next(one["release"] for one in releases if one["number"] == 1),
        "certificate": destroyed["certificate"],
        "party": CHILD_WELFARE,
        "seq": str(accord.log_kinds().index("agreement-signed")),
    }


def agreement_of(accord: Accord) -> Agreement:
    """An agreement as two agencies may sign it, with legal names and legal bases."""
    raw = accord.agreement.to_json()
    parties: list[Any] = [
        {**party, "title": TITLES[party["name"]]}
        for party in raw["parties"]  # type: ignore[union-attr,index,call-overload]
    ]
    directions = [
        direction(CHILD_WELFARE, OPERATOR, "other", "Example Code § 12.3, foster care data"),
        direction(CHILD_WELFARE, SCHOOL, "other", "Example Code § 12.4, school stability"),
        direction(SCHOOL, CHILD_WELFARE, "ferpa-child-welfare"),
        direction(SCHOOL, OPERATOR, "ferpa-audit-evaluation"),
    ]
    limits: Any = raw["limits"]
    elements: Any = raw["elements"]
    return accord.first(
        parties=parties,
        directions=directions,
        limits={**limits, "floor": 10, "budget": {"rounds": 6, "days": 30}},
        finality={"cosigners": 2, "delays_release": False},
        review=REVIEW.model_dump(),
        elements=[*elements, *shown_elements(accord.terms.model_copy(update={"review": REVIEW}))],
    )


def upload_similar(accord: Accord, n_common: int) -> str:
    """Upload two files that have so many people in common, some of them written down otherwise.

    Returns the id of the schools' upload.
    """
    smaller = random_people(accord.rng, N_SMALLER)
    kinds = [kind for kind, n in OTHERWISE.items() for _ in range(n)]
    kinds += ["alike"] * (n_common - len(kinds))
    copies = [otherwise(person, kind) for person, kind in zip(smaller, kinds, strict=False)]
    larger = copies + random_people(accord.rng, N_LARGER - n_common)
    accord.end_round()
    accord.open_round()
    _, first = accord.upload(smaller, CHILD_WELFARE)
    receipt, second = accord.upload(larger, SCHOOL)
    accord.containers = (first, second)
    return str(receipt.subject)


def review(accord: Accord, run: str, n_other: int) -> None:
    """Let two persons decide what a run sent to review: of so many pairs they think otherwise."""
    accord.sleep(hours=5)
    accord.answer(run)
    accord.sleep(hours=20)
    references = [one.reference for one in accord.questions(run)]
    accord.fetch_cards(run)
    most = 2 * len(references) // 3
    first = dict.fromkeys(references[:most], "accept") | dict.fromkeys(references[most:], "reject")
    second = first | dict.fromkeys(references[most - n_other : most], "reject")
    for name, verdicts in (("bob", first), ("ann", second)):
        answer = accord.decide(run, verdicts, accord.persons[name], is_last=True)
        assert answer.status_code == 200, answer.text
        accord.sleep(hours=2)
    assert answer.json()["state"] == "ended"


def otherwise(person: Person, kind: str) -> Person:
    """Return a person as another agency may have written them down."""
    changes: dict[str, Person] = {
        "first name": {"first_name": person["first_name"][:-1]},
        "surname": {"surname_1": person["surname_1"][:-1]},
        "another surname": {"surname_1": person["surname_1"][::-1]},
        "sex": {"sex": ""},
        "day": {"birth_day_month": "0101" if person["birth_day_month"] != "0101" else "0202"},
        "alike": {},
    }
    return less_like(person) if kind == "doubtful" else person | changes[kind]


def fetch_newest(accord: Accord) -> None:
    """Let both agencies fetch their newest release."""
    for party in (CHILD_WELFARE, SCHOOL):
        releases = accord.get(f"/v1/projects/{PROJECT}/releases", party).json()["releases"]
        assert accord.get(f"/v1/releases/{releases[0]['release']}/file", party).status_code == 200


def cosign_newest(accord: Accord, name: str) -> None:
    """Let a person cosign the newest checkpoint."""
    person = accord.persons[name]
    headers = accord.as_person(name)
    answer = accord.client.get("/v1/log/checkpoint", headers=headers).json()
    checkpoint, note = parse_checkpoint(LogCheckpoint.from_json(answer).checkpoint.encode())
    party = person.identity.public.party
    signer = NoteSigner(party, person.identity.keys.signing_key, COSIGNER_KEY)
    line = cosign(note.text, signer, int(accord.founded.clock().timestamp())).line
    request = CosignatureRequest(size=checkpoint.size, key=signer.verifier_key.text, line=line)
    answer = accord.client.post("/v1/log/cosignatures", json=request.to_json(), headers=headers)
    assert answer.status_code == 200, answer.text
