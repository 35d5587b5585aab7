"""Pages of agreements and approvals: who has signed, what it says, and whom the linkage waits for."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL
from rigs.shown_pages import csv_rows, words
from rigs.signed import COUNSEL, Accord
from samples.agreement import AGREEMENT

from schemas.agreement.negotiation import (
    AgreementList,
    AgreementView,
    PendingApprovals,
    StandingList,
)

LIST = f"/projects/{PROJECT}/agreements"
APPROVALS = f"/projects/{PROJECT}/approvals"
STRANGER = "other-auditor"


def page_of(accord: Accord) -> str:
    return f"{LIST}/{accord.agreement.digest()}"


def ask_for_a_run(accord: Accord) -> dict[str, Any]:
    accord.upload_both()
    run: dict[str, Any] = accord.ask().json()
    return run


def test_an_agreement_that_waits_says_for_whom(accord: Accord, signed_visitor: Any) -> None:
    accord.propose()
    accord.consent("ann")
    accord.consent("kim")
    shown = words(signed_visitor.get(page_of(accord)))
    assert "waits for the signature of operator and state-auditor" in shown
    assert f"{COUNSEL['name']}, {COUNSEL['title']}, {COUNSEL['date']}" in shown
    assert shown.count("not yet") == 2
    assert "link-ID set Its link ids are" not in shown
    assert "In the link-ID set" in shown
    assert "No agreement is in force." in words(signed_visitor.get(LIST))
    row = csv_rows(signed_visitor.get(f"{LIST}.csv"))[0]
    assert (row["state"], row["missing"]) == ("proposed", "operator state-auditor")


def test_an_agreement_in_force_is_said_clause_by_clause_and_its_twins_hold_all_that_was_signed(
    accord: Accord, signed_visitor: Any
) -> None:
    view = accord.agree()
    shown = words(signed_visitor.get(page_of(accord)))
    assert "in force" in shown
    assert "not yet" not in shown
    for text in (
        accord.agreement.purpose.statement,
        "Each disclosure and its legal basis",
        "a court's order",
        "A count below 3 is not shown",
        AGREEMENT["breach"]["instruction"],
        "Who could learn what",
        "The approval of the party that asked for a run does not suffice.",
    ):
        assert text in shown, text
    for person in accord.persons.values():
        assert person.identity.public.fingerprint() in shown
    assert words(signed_visitor.get(LIST)).count("in force") == 2
    # The twins of an agreement hold all that was signed.
    twin = AgreementView.from_json(signed_visitor.get(f"{page_of(accord)}.json").json())
    assert twin == view
    rows = csv_rows(signed_visitor.get(f"{page_of(accord)}.csv"))
    assert [row["value"] for row in rows if row["clause"] == "consent"] == [
        signed.to_canonical().decode() for signed in view.consents
    ]
    assert {row["clause"] for row in rows} >= set(accord.agreement.to_json())
    listed = AgreementList.from_json(signed_visitor.get(f"{LIST}.json").json())
    assert listed.in_force == accord.agreement.digest()
    # To an auditor who is not named an agreement is as if it were not.
    accord.founded.enrol(STRANGER)
    for path in (page_of(accord), LIST, APPROVALS):
        for twin in ("", ".json", ".csv"):
            foreign = signed_visitor.get(f"{path}{twin}", STRANGER, "auditor")
            none = signed_visitor.get(
                f"{path}{twin}".replace(PROJECT, "no-such-project"), STRANGER, "auditor"
            )
            assert foreign.status_code == none.status_code == 404


@pytest.mark.parametrize(
    ("act", "state", "said", "why"),
    [
        (
            "suspend",
            "suspended by school-district",
            "suspended the linkage",
            "suspended by school-district",
        ),
        ("withdraw", "ended, since a party has left", "left the agreement", "left the agreement"),
    ],
)
def test_a_notice_is_shown_with_its_reason_and_the_project_says_why_nothing_is_allowed(
    agreed: Accord, signed_visitor: Any, act: str, state: str, said: str, why: str
) -> None:
    agreed.notice("kim", act, reason="A laptop was lost.")
    shown = words(signed_visitor.get(page_of(agreed)))
    assert state in shown
    assert f"school-district {said} A laptop was lost." in shown
    project = words(signed_visitor.get(f"/projects/{PROJECT}"))
    assert "The terms are not in force today" in project
    assert why in project
    timeline = words(signed_visitor.get(f"/projects/{PROJECT}/timeline"))
    # A reason that ends with a full stop gets no second one.
    assert act != "suspend" or "suspended the linkage: A laptop was lost. " in timeline


def test_an_agreement_that_has_ended_or_was_replaced_says_so(
    agreed: Accord, signed_visitor: Any
) -> None:
    first = page_of(agreed)
    agreed.agree(agreed.amended(end="2027-12-31"))
    assert "another one took its place" in words(signed_visitor.get(first))
    listed = signed_visitor.get(f"{LIST}.csv")
    assert [row["state"] for row in csv_rows(listed)] == ["in-force", "replaced"]
    agreed.sleep(days=500)
    signed_visitor.cookies.clear()
    assert "ended on 2027-12-31" in words(signed_visitor.get(page_of(agreed)))


def test_before_an_agreement_binds_the_project_leads_to_what_is_proposed(
    accord: Accord, signed_visitor: Any
) -> None:
    accord.propose()
    assert f'href="/projects/{PROJECT}/agreements"' in signed_visitor.get("/projects").text
    listed = signed_visitor.get("/projects.json").json()
    assert [need["sentence"] for need in listed.pop("needs")] == [
        "Agreement 1 waits for signatures."
    ]
    assert listed == {"projects": [], "negotiated": [PROJECT], "overdue": []}
    for twin in ("", ".json", ".csv"):
        answer = signed_visitor.linkage.client.get(
            f"/projects/{PROJECT}{twin}",
            headers={"cookie": f"__Host-blindlink={signed_visitor.cookie(AUDITOR, 'auditor')}"},
            follow_redirects=False,
        )
        assert (answer.status_code, answer.headers["location"]) == (303, f"{LIST}{twin}")
    assert "proposed agreement 1" in words(signed_visitor.get(f"/projects/{PROJECT}/timeline"))
    # What is taken away is noted under no agreement, and the log still verifies.
    for twin in ("timeline.json", "disclosures.csv"):
        assert signed_visitor.get(f"/projects/{PROJECT}/{twin}").status_code == 200
    assert accord.log_entries()[-1]["agreement"] is None
    # Before an agreement a page says what it waits for.
    for page in ("uploads", "runs", "releases", "access", "retention"):
        answer = signed_visitor.get(f"/projects/{PROJECT}/{page}")
        if answer.status_code == 200:
            continue
        assert answer.status_code == 409
        assert "begins with an agreement that every party has signed" in answer.text
        assert f'<a href="{LIST}">Agreements</a>' in answer.text


def test_texts_of_an_agreement_are_escaped(accord: Accord, signed_visitor: Any) -> None:
    purpose = {"code": "school-support", "statement": "<script>alert(1)</script> & more"}
    accord.propose(accord.first(purpose=purpose))
    page = signed_visitor.get(page_of(accord)).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page


def test_what_waits_for_approvals_names_the_parties(awaiting: Accord, signed_visitor: Any) -> None:
    run = awaiting.run()
    assert run["state"] == "awaiting"
    shown = words(signed_visitor.get(APPROVALS))
    assert f"{CHILD_WELFARE}, {SCHOOL}" in shown
    awaiting.approve("ann", run)
    twin = signed_visitor.get(f"{APPROVALS}.json").json()
    (waiting,) = PendingApprovals.from_json(
        {"project": PROJECT, "pending": twin["pending"]}
    ).pending
    assert (waiting.run, waiting.step, waiting.missing) == (run["run"], "run", (SCHOOL,))
    (row,) = csv_rows(signed_visitor.get(f"{APPROVALS}.csv"))
    assert (row["what"], row["run"], row["party"]) == ("pending", run["run"], SCHOOL)
    awaiting.approve("lee", run)
    assert "Nothing waits for an approval." in words(signed_visitor.get(APPROVALS))


def test_a_run_shows_who_approved_it_and_how(agreed: Accord, signed_visitor: Any) -> None:
    agreed.stand("ann")
    run = ask_for_a_run(agreed)
    path = f"/runs/{run['run']}"
    assert "not yet" in words(signed_visitor.get(path))
    agreed.approve("lee", run)
    shown = words(signed_visitor.get(path))
    assert re.search(rf"the run {CHILD_WELFARE} \S+ \S+ per-\S+ in advance", shown)
    assert re.search(rf"the run {SCHOOL} \S+ \S+ per-\S+ for this run", shown)
    assert "not yet" not in shown.split("Who has approved it")[1].split("Its match record")[0]


def test_a_release_that_waits_is_shown_as_such(accord: Accord, signed_visitor: Any) -> None:
    rule = accord.agreement.to_json()["approvals"] | {"releases": True}
    accord.agree(accord.first(approvals=rule))
    accord.stand("ann")
    accord.stand("lee")
    run = ask_for_a_run(accord)
    accord.work()
    assert "the release of what it found" in words(signed_visitor.get(APPROVALS))
    shown = words(signed_visitor.get(f"/runs/{run['run']}"))
    assert f"the release of what it found {CHILD_WELFARE} not yet" in shown


@pytest.mark.parametrize("state", ["holds", "used up", "last day", "taken back", "does not bind"])
def test_an_approval_in_advance_says_whether_it_holds(
    agreed: Accord, signed_visitor: Any, state: str
) -> None:
    day = agreed.founded.clock().date().isoformat()
    given = agreed.stand("ann", runs=1, until=day if state == "last day" else agreed.agreement.end)
    approval = StandingList.from_json(given.json()).approvals[0].signed.statement
    if state == "used up":
        agreed.stand("lee")
        ask_for_a_run(agreed)
        agreed.work()
    elif state == "last day":
        agreed.sleep(days=1)
    elif state == "taken back":
        agreed.take_back("ann", approval.approval)  # type: ignore[union-attr]
    elif state == "does not bind":
        agreed.agree(agreed.amended(end="2027-12-31"))
    signed_visitor.cookies.clear()
    shown = words(signed_visitor.get(APPROVALS)).split("Approved in advance")[1]
    assert state in shown
    rows = csv_rows(signed_visitor.get(f"{APPROVALS}.csv"))
    (mine,) = [row for row in rows if row["id"] == approval.approval]  # type: ignore[union-attr]
    assert mine["used"] == ("1" if state == "used up" else "0")
    assert bool(mine["revoked"]) is (state == "taken back")
