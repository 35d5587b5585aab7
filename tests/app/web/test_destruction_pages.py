"""Destructions and legal holds on pages: what is gone, who still owes a statement, and what may not go."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from rigs.destroying import destroy, signed
from rigs.enrolled import EnrolledPerson
from rigs.linkage import CHILD_WELFARE, PROJECT
from rigs.shown_pages import words

from app.agreements.holds import set_hold
from app.worker.sweeper import Sweeper
from schemas.api.destruction import DestructionList
from schemas.reports.certificate import CertificateFile, verify_certificate
from schemas.rounds.destruction import Countersignature, LocalStatement

RETENTION = f"/projects/{PROJECT}/retention"


def test_a_destruction_stands_on_its_page_as_on_its_certificate(
    finished: Any, visitor: Any
) -> None:
    linkage = finished.linkage
    certificate = destroy(linkage, f"uploads/{finished.ids['upload']}", *owner(finished)).json()
    path = f"/destructions/{certificate['certificate']}"
    file = CertificateFile.from_json(visitor.get(f"{path}.json").json())
    check = verify_certificate(file, [linkage.broker.log.key])
    shown = words(visitor.get(path))
    assert check.certificate.digest() in shown
    assert "one upload, and what was made of it" in shown
    for one in check.certificate.objects:
        assert one.object[:12] in shown
    rows = list(csv.DictReader(io.StringIO(visitor.get(f"{path}.csv").text, newline="")))
    assert [row["object"] for row in rows] == [one.object for one in check.certificate.objects]
    assert {row["method"] for row in rows} == {"crypto-erase"}


def owner(finished: Any) -> tuple[str, str]:
    upload = finished.linkage.get(f"/v1/uploads/{finished.ids['upload']}", "operator", "operator")
    return upload.json()["party"], "agency"


def test_what_is_outstanding_and_who_has_counter_signed_stands_on_the_page_of_a_destruction(
    finished: Any, visitor: Any
) -> None:
    linkage = finished.linkage
    ann = linkage.person(CHILD_WELFARE)
    begun = destroy(linkage).json()
    number = begun["certificate"]
    path = f"/destructions/{number}"
    owed = f"{CHILD_WELFARE}: encodings, handle map, secret"
    assert owed in words(visitor.get(path))
    assert owed in words(visitor.get(RETENTION))
    said = signed(
        ann,
        LocalStatement,
        certificate=begun["certificate"],
        deleted=[],
        none_left=["container", "handle-map"],
        kept=[{"what": "secret", "why": "Another project <b>uses</b> it."}],
    )
    answer = linkage.client.post(
        f"/v1/projects/{PROJECT}/destruction-statements", json=said.to_json(), headers=bearer(ann)
    )
    assert answer.status_code == 200, answer.text
    page = visitor.get(path)
    shown = words(page)
    assert owed not in shown
    assert f"{CHILD_WELFARE}: secret" in shown
    assert "secret: Another project <b>uses</b> it." in shown
    assert "<b>uses" not in page.text
    # Who has counter signed is named.
    assert "Counter-signed by nobody yet" in words(visitor.get(path))
    signature = signed(
        ann, Countersignature, certificate=begun["certificate"], sha256=begun["sha256"]
    )
    linkage.client.post(
        f"/v1{path}/countersignatures", json=signature.to_json(), headers=bearer(ann)
    )
    assert f"Counter-signed by {CHILD_WELFARE}" in words(visitor.get(path))
    twin = visitor.get(f"{RETENTION}.json").json()
    (view,) = DestructionList.from_json({"destructions": twin["destructions"]}).destructions
    assert view.countersigned == (CHILD_WELFARE,)
    # Entries about holds and destructions are on the timeline.
    with linkage.broker.database.write() as session:
        set_hold(session, linkage.broker, linkage.founded.operator, PROJECT, "An order")
    timeline = visitor.get(f"/projects/{PROJECT}/timeline")
    assert f'href="/destructions/{number}"' in timeline.text
    assert "forbade destruction: An order" in words(timeline)
    certified = visitor.get(f"/projects/{PROJECT}/timeline?object={number}").text
    seq = re.search(r'href="/log/entries/(\d+)"', certified)
    assert seq is not None
    assert visitor.get(f"/log/entries/{seq[1]}").status_code == 200
    # To a stranger a destruction is as if it were not.
    linkage.founded.enrol("other-auditor")
    for twin in ("", ".json", ".csv"):
        foreign = visitor.get(f"{path}{twin}", "other-auditor", "auditor")
        none = visitor.get(f"/destructions/crt-{'0' * 32}{twin}", "other-auditor", "auditor")
        assert foreign.status_code == none.status_code == 404, twin


def bearer(person: EnrolledPerson) -> dict[str, str]:
    return {"authorization": f"Bearer {person.token(is_bound=False)}"}


def test_a_destruction_under_way_says_so(finished: Any, visitor: Any) -> None:
    from app.destruction.service import destroy_project

    linkage = finished.linkage
    with linkage.broker.database.write() as session:
        begun = destroy_project(session, linkage.broker, linkage.founded.operator, PROJECT).id
    for path in (RETENTION, f"/destructions/{begun}"):
        assert "under way" in words(visitor.get(path))
    assert visitor.get(f"/destructions/{begun}.json").json()["sha256"] is None


def test_a_legal_hold_is_shown_while_it_stands_and_after(finished: Any, visitor: Any) -> None:
    from app.agreements.holds import lift_holds

    linkage = finished.linkage
    operator = linkage.founded.operator
    with linkage.broker.database.write() as session:
        set_hold(session, linkage.broker, operator, PROJECT, "Order 7 of the county court")
    shown = words(visitor.get(RETENTION))
    assert "A legal hold forbids destroying anything" in shown
    assert "Order 7 of the county court" in shown
    assert visitor.get(f"{RETENTION}.json").json()["legal_holds"]["is_held"] is True
    with linkage.broker.database.write() as session:
        lift_holds(session, linkage.broker, operator, PROJECT)
    shown = words(visitor.get(RETENTION))
    assert "A legal hold forbids" not in shown
    assert "Order 7 of the county court" in shown


def test_what_a_legal_hold_keeps_is_not_said_to_be_about_to_go(finished: Any, visitor: Any) -> None:
    linkage = finished.linkage
    with linkage.broker.database.write() as session:
        set_hold(session, linkage.broker, linkage.founded.operator, PROJECT, "An order")
    linkage.founded.clock.move(days=31)
    visitor.cookies.clear()
    Sweeper(linkage.broker).sweep()
    held = visitor.get(f"{RETENTION}.json").json()["held"]
    assert [due["state"] for due in held].count("overdue") == 2
    shown = words(visitor.get(RETENTION))
    assert "about to be destroyed" not in shown
    assert shown.count("over; the legal hold keeps it") == 2


def test_a_run_offers_no_match_record_that_is_gone_and_says_why(
    finished: Any, visitor: Any
) -> None:
    path = finished.path("/runs/{run}")
    assert f'href="{path}/match-record"' in visitor.get(path).text
    destroy(finished.linkage)
    page = visitor.get(path)
    assert f'href="{path}/match-record"' not in page.text
    assert "The match record was destroyed on" in words(page)
    gone = visitor.get(f"{path}/match-record")
    assert gone.status_code == 410
    assert "before its time was over" in gone.text


def test_a_match_record_whose_time_is_over_was_kept_as_long_as_agreed(
    finished: Any, visitor: Any
) -> None:
    finished.linkage.founded.clock.move(days=90)
    shown = words(visitor.get(finished.path("/runs/{run}")))
    assert "The match record was kept as long as agreed" in shown
