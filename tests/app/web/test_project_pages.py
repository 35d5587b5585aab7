"""Timeline, access matrix and destruction list: what they say is what is so."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from rigs.agreed import sign_roster
from rigs.enrolled import EnrolledPerson, revoke
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, Linkage
from rigs.shown_pages import csv_rows
from rigs.signed import Accord
from samples.round_files import random_people

from app.clock import utc_text
from app.web.access import ACTIONS
from app.worker.sweeper import Sweeper
from schemas.signing.identity import Duty

# What a run leaves behind, by due date and name.
MADE = ["match IDs", "match IDs", "match record"]
TIMELINE = f"/projects/{PROJECT}/timeline"


def entries_of(linkage: Linkage, project: str | None = PROJECT) -> list[dict[str, Any]]:
    return [entry for entry in reversed(linkage.log_entries()) if entry["project"] == project]


def test_the_timeline_its_twins_and_its_filter_hold_what_the_log_has(
    finished: Any, visitor: Any
) -> None:
    found = visitor.get(f"{TIMELINE}.json").json()["entries"]
    assert found == entries_of(finished.linkage)
    # That it is taken away is the first of what it holds.
    assert found[0]["kind"] == "exported"
    rows = csv_rows(visitor.get(f"{TIMELINE}.csv"))
    assert [json.loads(row["entry"]) for row in rows] == entries_of(finished.linkage)
    # A filter means the same on the page and in its twins.
    query = f"party={SCHOOL}&kind=upload-received&outcome=done&since=2026-09-01&until=2026-09-01"
    expected = [
        entry["seq"]
        for entry in entries_of(finished.linkage)
        if entry["kind"] == "upload-received" and entry["actor"]["party"] == SCHOOL
    ]
    assert len(expected) == 1
    page = visitor.get(f"{TIMELINE}?{query}")
    shown = [int(number) for number in re.findall(r'href="/log/entries/(\d+)"', page.text)]
    twin = visitor.get(f"{TIMELINE}.json?{query}").json()
    table = csv_rows(visitor.get(f"{TIMELINE}.csv?{query}"))
    assert shown == expected
    assert [entry["seq"] for entry in twin["entries"]] == expected
    assert [int(row["seq"]) for row in table] == expected
    assert twin["filter"]["party"] == SCHOOL
    # The permanent link and the twins repeat the filter and nothing else.
    text = visitor.get(f"{TIMELINE}?kind=run-asked&party=&x=%22%3E%3Cscript%3E").text
    assert f'<a rel="bookmark" href="{TIMELINE}?kind=run-asked">' in text
    assert f'href="{TIMELINE}.csv?kind=run-asked"' in text
    assert '"><script>' not in text
    # What concerns the whole broker has a timeline too.
    found = visitor.get("/log/entries.json").json()["entries"]
    assert found == entries_of(finished.linkage, None)
    assert "enrolled" in visitor.get("/log/entries").text
    # The timeline of a run is what the log says of it.
    run = finished.ids["run"]
    found = visitor.get(f"{TIMELINE}.json?object={run}").json()["entries"]
    assert [entry["kind"] for entry in found] == [
        "run-finished",
        "run-started",
        "standing-used",
        "run-asked",
    ]
    # A malformed filter is refused without repeating it.
    for query in MALFORMED:
        page = visitor.get(f"{TIMELINE}?{query}")
        assert page.status_code == 422, query
        if query.startswith("before"):
            assert "<h1>A parameter is missing or malformed</h1>" in page.text
        else:
            assert "wanted is" in page.text
            assert '<form class="filter"' in page.text
            assert visitor.get(f"{TIMELINE}.csv?{query}").status_code == 422
        assert query.partition("=")[2] not in page.text
    # A slip in a filter keeps the rest of it.
    page = visitor.get(f"{TIMELINE}?person=bob&since=2026-09-01&until=2026-13-01&party=operator")
    assert page.status_code == 422
    assert 'name="since" value="2026-09-01"' in page.text
    assert 'name="party" list="parties" value="operator"' in page.text
    assert "Person: wanted is an id or its beginning" in re.sub(r"<[^>]+>", "", page.text)
    assert "To: wanted is a day that there is" in re.sub(r"<[^>]+>", "", page.text)
    assert "Nothing fits the filter" not in page.text


def test_pages_of_the_timeline_follow_each_other_without_gap_and_a_twin_is_read_piece_by_piece(
    finished: Any, visitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.pages.timeline.ENTRIES_A_PAGE", 3)
    everything = [entry["seq"] for entry in entries_of(finished.linkage)]
    downward, last = walked(visitor, TIMELINE, "next")
    assert [seq for page in downward for seq in page] == everything
    upward, _ = walked(visitor, last, "prev")
    assert [seq for page in upward[::-1] for seq in page] == everything
    # A twin has all that the page's address begins with, not only what is on the page.
    path, _, query = last.partition("?")
    rest = visitor.get(f"{path}.csv?{query}")
    assert [int(row["seq"]) for row in csv_rows(rest)] == downward[-1]
    # A twin is read piece by piece without gap.
    monkeypatch.setattr("app.web.pages.timeline.ENTRIES_A_PIECE", 2)
    found = visitor.get(f"{TIMELINE}.json").json()["entries"]
    assert found == entries_of(finished.linkage)


def walked(visitor: Any, path: str, rel: str) -> tuple[list[list[int]], str]:
    """Return the entries of each page from a path on, and the last page's path."""
    pages = []
    while True:
        text = visitor.get(path).text
        pages.append([int(seq) for seq in re.findall(r'href="/log/entries/(\d+)"', text)])
        onward = re.search(rf'rel="{rel}" href="([^"]+)"', text)
        if onward is None:
            return pages, path
        path = onward.group(1).replace("&amp;", "&")


MALFORMED = (
    "party=UPPER", "kind=%3Cb%3E", "since=yesterday", "since=2026-13-01", "person=bob", "before=-4711",
    "object=run1", "outcome=unheard-of", "to=tomorrow",
)  # fmt: skip


def test_a_person_on_the_timeline_leads_to_what_they_did(
    accord: Accord, signed_visitor: Any
) -> None:
    accord.propose()
    accord.consent("ann")
    page = signed_visitor.get(TIMELINE).text
    (link, *_) = re.findall(rf'<td><a href="({TIMELINE}\?person=per-[0-9a-f]{{32}})">', page)
    assert signed_visitor.get(link).status_code == 200


def test_the_access_matrix_is_what_the_broker_does(finished: Any, visitor: Any) -> None:
    """Each answer of the matrix is held against the route itself; no is a refusal by role or by part."""
    linkage = finished.linkage
    matrix = visitor.get(f"/projects/{PROJECT}/access.json").json()["access"]
    assert {(row["party"], row["role"]) for row in matrix} == {
        (CHILD_WELFARE, "agency"),
        (SCHOOL, "agency"),
        (AUDITOR, "auditor"),
        ("operator", "operator"),
    }
    for row in matrix:
        for action in ACTIONS:
            # Not the route but the agreement says whose approvals are asked for: the next test.
            if action.words == "Approve a run":
                continue
            # These terms have no review: tests/app/web/test_review_pages.py.
            if action.route[1].startswith("/v1/reviews/"):
                assert row["may"][action.words] == "no"
                continue
            # Nor do they list columns that may go: tests/app/web/test_delivery_pages.py.
            if "/deliveries/{partner}" in action.route[1]:
                assert row["may"][action.words] == "no"
                continue
            said = row["may"][action.words]
            answer = act(linkage, visitor, finished, action.route, row["party"], row["role"])
            is_refused = answer.status_code in {401, 403, 404}
            assert is_refused == (said == "no"), (row["party"], action.words, answer.status_code)


def test_under_a_signed_agreement_the_matrix_names_who_signs_and_with_which_duty(
    agreed: Accord, signed_visitor: Any
) -> None:
    answer = signed_visitor.get(f"/projects/{PROJECT}/access.json").json()
    may = {(row["party"], row["role"]): row["may"] for row in answer["access"]}
    run = ask_under(agreed)
    stewards = {CHILD_WELFARE: "ann", SCHOOL: "kim", AUDITOR: "sue", "operator": "eve"}
    for (party, _), allowed in may.items():
        assert allowed["Sign an amendment"] == "yes"
        assert agreed.notice(stewards[party], "suspend").status_code == 200
        assert agreed.notice(stewards[party], "resume", at=later(agreed)).status_code == 200
        approved = agreed.approve(stewards[party], run).status_code == 200
        assert approved == (allowed["Approve a run"] == "yes"), party
    duties = {person["person"]: person["duties"] for person in answer["persons"]}
    for person in agreed.persons.values():
        assert duties[person.id] == list(person.identity.public.duties)
    page = signed_visitor.get(f"/projects/{PROJECT}/access").text
    assert "<td>steward or analyst or operator</td>" in page
    assert "<td>steward</td>" in page
    assert "<td>approver</td>" in page


def ask_under(accord: Accord) -> dict[str, Any]:
    accord.upload_both()
    run: dict[str, Any] = accord.run()
    assert run["state"] == "awaiting"
    return run


def later(accord: Accord) -> str:
    accord.founded.clock.move(seconds=1)
    return utc_text(accord.founded.clock())


def test_whoever_carries_sealed_link_ids_is_named_and_their_recipient_fetches_nothing(
    make_linkage: Any, visit_as_auditor: Any
) -> None:
    from app.web.access import access_matrix
    from schemas.linkage.run import Recipient

    linkage = make_linkage()
    sealed = (Recipient(party="research-office", mode="blind", space="shared"),)
    agreement = linkage.agreement.model_copy(update={"recipients": sealed})
    at = [action.words for action in ACTIONS].index("Fetch releases")
    answers = {row.party: row.answers[at] for row in access_matrix(agreement, "operator")}
    assert answers == {
        CHILD_WELFARE: "sealed, for research-office",
        SCHOOL: "sealed, for research-office",
        "research-office": "no",
        AUDITOR: "no",
        "operator": "no",
    }


def act(
    linkage: Linkage, visitor: Any, finished: Any, route: tuple[str, str], party: str, role: str
) -> Any:
    """Do what the route does as the party, on things of its own where it has any."""
    method, pattern = route
    release = finished.ids["release"]
    for found in linkage.get(f"/v1/projects/{PROJECT}/releases", party, role).json()["releases"]:
        release = found["release"] if found["recipient"] == party else release
    upload = finished.ids["upload"]
    for found in linkage.get(f"/v1/projects/{PROJECT}/uploads", party, role).json()["uploads"]:
        upload = found["upload"] if found["party"] == party else upload
    partner = linkage.partner_of(party) if party in linkage.terms.providers else SCHOOL
    ids = {**finished.ids, "release": release, "upload": upload, "partner": partner}
    path = pattern.format(**ids)
    if not path.startswith("/v1"):
        return visitor.get(path, party, role)
    if path.endswith("/bundle"):
        path = f"{path}?project={PROJECT}"
    if method == "PUT":
        headers = linkage.as_party(party, role) | {"content-type": "application/octet-stream"}
        return linkage.client.put(path, content=b"sealed", headers=headers)
    body: dict[str, Any] = {}
    if path.endswith("/uploads"):
        provider = party if party in linkage.terms.providers else CHILD_WELFARE
        body = linkage.container(random_people(linkage.rng, 5), provider).request()
    given = {"json": body} if method == "POST" and "cancel" not in path else {}
    return linkage.client.request(method, path, headers=linkage.as_party(party, role), **given)


def test_a_party_that_only_receives_may_not_upload_or_ask(
    make_linkage: Any, visit_as_auditor: Any
) -> None:
    from schemas.linkage.run import Recipient

    recipients = (
        Recipient(party=CHILD_WELFARE, mode="linked", space="shared"),
        Recipient(party="research-office", mode="count", space="shared"),
    )
    linkage = make_linkage(recipients=recipients)
    answer = visit_as_auditor(linkage, f"/projects/{PROJECT}/access.json").json()
    rows = {row["party"]: row["may"] for row in answer["access"]}
    assert rows["research-office"]["Upload encodings"] == "no"
    assert rows["research-office"]["Fetch releases"] == "its own (count, link-ID set shared)"
    assert rows[SCHOOL]["Fetch releases"] == "no"


def test_who_is_on_no_roster_of_a_project_does_not_act_in_it(
    linkage: Linkage, visitor: Any
) -> None:
    other, leaver = (
        EnrolledPerson.confirmed(linkage.founded, linkage.client, CHILD_WELFARE, "analyst")
        for _ in range(2)
    )
    steward = linkage.person(CHILD_WELFARE).identity
    for change in (
        {"joining": [leaver.identity.public], "leaving": ()},
        {"joining": (), "leaving": [leaver.id]},
    ):
        sign_roster(linkage.broker, PROJECT, steward, **change)
    for one in (other, leaver):
        assert one.call("GET", f"/v1/projects/{PROJECT}").status_code == 404
    persons = visitor.get(f"/projects/{PROJECT}/access.json").json()["persons"]
    valid = {person["person"]: person["is_valid"] for person in persons}
    assert other.id not in valid
    assert (valid[leaver.id], valid[steward.public.person]) == (False, True)


def test_persons_are_listed_by_id_with_whether_they_can_act(finished: Any, visitor: Any) -> None:
    linkage = finished.linkage
    steward = linkage.person(CHILD_WELFARE).identity
    duties: tuple[Duty, ...] = ("steward", "analyst", "approver", "reviewer", "recipient")
    by_duty = {
        duty: EnrolledPerson.confirmed(linkage.founded, linkage.client, CHILD_WELFARE, duty)
        for duty in duties
    }
    joining = [one.identity.public for one in by_duty.values()]
    sign_roster(linkage.broker, PROJECT, steward, joining=joining, leaving=())
    taken = set()
    for duty, person in by_duty.items():
        linkage.act_as(person)
        answer = linkage.put_claims(CHILD_WELFARE, SCHOOL, content=duty.encode(), number=1)
        assert answer.status_code in {200, 403}, answer.text
        taken |= {duty} if answer.status_code == 200 else set()
    (said,) = (one.duties for one in ACTIONS if one.words.startswith("Exchange claims"))
    assert set(said) == taken
    # Persons are listed by id with whether they can act.
    school, welfare = linkage.person(SCHOOL), linkage.person(CHILD_WELFARE)
    revoke(linkage.founded, school.id)
    persons = visitor.get(f"/projects/{PROJECT}/access.json").json()["persons"]
    valid = {person["person"]: person["is_valid"] for person in persons}
    assert valid[school.id] is False
    assert valid[welfare.id] is True


def held(visitor: Any) -> list[dict[str, Any]]:
    return list(visitor.get(f"/projects/{PROJECT}/retention.json").json()["held"])


def test_what_is_held_is_listed_until_it_is_destroyed(finished: Any, visitor: Any) -> None:
    linkage = finished.linkage
    assert [due["what"] for due in held(visitor)] == ["encodings"] * 2 + MADE
    assert [due["days_left"] for due in held(visitor)] == [30, 30, 90, 90, 90]
    linkage.founded.clock.move(days=31)
    visitor.cookies.clear()
    assert [due["state"] for due in held(visitor)] == ["overdue"] * 2 + ["held"] * 3
    Sweeper(linkage.broker).sweep()
    assert [due["what"] for due in held(visitor)] == MADE
    page = visitor.get(f"{TIMELINE}?kind=upload-destroyed").text
    assert page.count("destroyed an upload") == 2


def test_a_project_of_which_nothing_is_held_says_so_and_lists_what_is_unfinished(
    linkage: Linkage, visitor: Any
) -> None:
    assert held(visitor) == []
    page = visitor.get(f"/projects/{PROJECT}/retention").text
    assert "The broker holds nothing of this project." in page
    # An unfinished upload is on the list.
    linkage.open_round()
    content = linkage.container(random_people(linkage.rng, 5), CHILD_WELFARE)
    linkage.send(content, CHILD_WELFARE)
    assert [due["what"] for due in held(visitor)] == ["encodings of an unfinished upload"]


def test_what_is_held_and_charted_is_what_the_runs_left(finished: Any, visitor: Any) -> None:
    page = visitor.get(f"/runs/{finished.ids['run']}")
    assert '<svg class="chart"' not in page.text
    assert "No step of match weight is shown" in page.text
    steps = visitor.get(f"/runs/{finished.ids['run']}.json").json()["histogram"]
    starts = [step["start"] for step in steps]
    assert starts == list(range(starts[0], starts[0] + len(starts)))
    assert all(step["pairs"] is None for step in steps)
    # Runs are charted from the second result on.
    path = f"/projects/{PROJECT}/runs"
    assert "<svg" not in visitor.get(path).text
    finished.linkage.upload_both()
    finished.linkage.work()
    assert visitor.get(path).text.count("<rect") == 2
