"""The page of deliveries: what went from whom to whom and what became of it, and nothing of what is in it."""

from __future__ import annotations

from typing import Any

from rigs.blind import RESEARCH
from rigs.delivering import Delivering, MakeDelivering
from rigs.destroying import destroy
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL
from rigs.shown_pages import csv_rows, words

from schemas.linkage.run import IdSpace, Recipient

PAGE = f"/projects/{PROJECT}/deliveries"


def test_before_the_first_one_the_page_says_so(
    make_delivering: MakeDelivering, visit_as_auditor: Any
) -> None:
    assert "Nothing has been delivered yet." in words(visit_as_auditor(make_delivering(), PAGE))


def test_it_says_what_became_of_each(delivering: Delivering, visit_as_auditor: Any) -> None:
    first = delivering.deliver(b"one")
    delivering.deliver(b"two", 2)
    answer = delivering.deliveries()[0]
    delivering.fetch(answer["delivery"])
    delivering.say(answer["delivery"], answer["sha256"])
    delivering.deliver(b"three", sender=CHILD_WELFARE, recipient=SCHOOL)
    shown = words(visit_as_auditor(delivering, PAGE))
    for said in ("opened", "replaced, and never fetched", "waits for its recipient"):
        assert said in shown, said
    twin = visit_as_auditor(delivering, f"{PAGE}.json").json()["deliveries"]
    rows = csv_rows(visit_as_auditor(delivering, f"{PAGE}.csv"))
    assert [one["delivery"] for one in twin] == [row["delivery"] for row in rows]
    assert twin[-1]["delivery"] == first
    assert twin[-1]["replaced"] is not None
    access = visit_as_auditor(delivering, f"/projects/{PROJECT}/access.json").json()["access"]
    may = {row["party"]: row["may"]["Deliver listed columns to other recipients"] for row in access}
    assert may[SCHOOL] == f"sealed, with {CHILD_WELFARE}"
    assert may["operator"] == "no"


def test_what_was_destroyed_before_its_time_is_not_said_to_have_expired(
    delivering: Delivering, visit_as_auditor: Any
) -> None:
    delivering.deliver()
    assert destroy(delivering).status_code == 200
    assert "destroyed, and never fetched" in words(visit_as_auditor(delivering, PAGE))


def test_what_nobody_fetched_in_time_has_expired(
    delivering: Delivering, visit_as_auditor: Any
) -> None:
    delivering.deliver()
    delivering.founded.clock.move(days=100)
    delivering.sweep()
    assert "expired, and never fetched" in words(visit_as_auditor(delivering, PAGE))


def test_the_access_matrix_names_a_blind_recipient_whom_agencies_deliver_to(
    make_delivering: MakeDelivering, visit_as_auditor: Any
) -> None:
    study = make_delivering(
        recipients=(Recipient(party=RESEARCH, mode="blind", space="research"),),
        spaces=(IdSpace(name="research", lifetime="lasting"),),
    )
    access = visit_as_auditor(study, f"/projects/{PROJECT}/access.json").json()["access"]
    may = {row["party"]: row["may"]["Deliver listed columns to other recipients"] for row in access}
    assert [may[SCHOOL], may[CHILD_WELFARE]] == [f"sealed, with {RESEARCH}"] * 2
    assert may[RESEARCH] == "no"


def test_it_is_on_the_list_of_what_is_held_and_in_the_register(
    delivering: Delivering, visit_as_auditor: Any
) -> None:
    delivery = delivering.deliver()
    delivering.fetch(delivery)
    held = visit_as_auditor(delivering, f"/projects/{PROJECT}/retention.json").json()
    assert any(one["object"] == delivery for one in held["held"])
    register = visit_as_auditor(delivering, f"/projects/{PROJECT}/disclosures.json").json()
    (line,) = [one for one in register["disclosures"] if one["what"] == "columns"]
    assert (line["giver"], line["receiver"], line["object"]) == (SCHOOL, CHILD_WELFARE, delivery)
    assert "sealed columns" in words(
        visit_as_auditor(delivering, f"/projects/{PROJECT}/disclosures")
    )
