"""The first page lists what is overdue: for the operator all of it, for auditors that of their projects."""

from __future__ import annotations

import os
from typing import Any

from rigs.late import move_to, upload
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, MakeLinkage

from app.web.overdue_rows import overdue_rows

OPERATOR = ("operator", "operator")


def test_nothing_is_listed_where_nothing_is_overdue(visitor: Any) -> None:
    assert "Overdue" not in visitor.get("/projects").text
    assert visitor.get("/projects.json").json()["overdue"] == []


def test_a_late_upload_is_listed_with_who_has_it_in_hand(
    make_linkage: MakeLinkage, visit_as_auditor: Any
) -> None:
    linkage = make_linkage(frequency="weekly", due="sunday 22:00")
    move_to(linkage, "2026-09-06", "20:00:00")
    linkage.open_round()
    upload(linkage, CHILD_WELFARE)
    move_to(linkage, "2026-09-06", "23:30:00")
    page = visit_as_auditor(linkage, "/projects").text
    assert f"{SCHOOL} has not uploaded for round 1, which was due by 2026-09-06 22:00 UTC." in page
    assert f"<td>{SCHOOL}, analyst</td>" in page
    assert "1 h 30 min" in page
    (told,) = visit_as_auditor(linkage, "/projects.json").json()["overdue"]
    assert (told["project"], told["what"], told["party"]) == (PROJECT, "upload", SCHOOL)


def test_what_several_owe_alike_is_one_row(make_linkage: MakeLinkage) -> None:
    from app.deadlines.service import all_overdue

    linkage = make_linkage(frequency="weekly", due="sunday 22:00")
    linkage.offer_all()
    move_to(linkage, "2026-09-06", "22:00:30")
    with linkage.broker.database.read() as session:
        now = linkage.founded.clock()
        (row,) = overdue_rows(all_overdue(session, linkage.broker, now), now)
    assert row.owners == [f"{CHILD_WELFARE}, analyst", f"{SCHOOL}, analyst"]
    assert row.seconds == 30


def test_the_brokers_own_keys_are_for_whoever_runs_it(visitor: Any) -> None:
    linkage = visitor.linkage
    old = linkage.founded.clock().timestamp() - 400 * 86_400
    os.utime(linkage.broker.settings.ring_file, (old, old))
    assert "The key ring" in visitor.get("/projects", *OPERATOR).text
    assert "The key ring" not in visitor.get("/projects", AUDITOR, "auditor").text
