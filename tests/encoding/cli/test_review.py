"""Clerical review from the agencies' desks: cards, questions, decisions, and what comes of them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openpyxl import load_workbook
from rigs.desk import Desk
from rigs.near_broker import near_broker
from rigs.played_review import ASKED, CLAUSE, REVIEWER, Reviews, reviewed
from rigs.weeks import links, settle

from encoding.people.sealed_file import open_pieces
from encoding.workspace.workspace import open_workspace
from schemas.review import parse_card

HEAD = "ID,first,last,born,sex\n"
# Ana, Dee and Bo are linked; Abe and Cyrus are held back.
WELFARE = f"""{HEAD}rec_w1,Ana,Ortiz,2011-04-09,F
rec_w2,Dee,Lee,2015-01-15,F
rec_w3,Abe,Kerr,2010-08-06,M
rec_w4,Cyrus,Abbott,2010-02-03,M
rec_w5,Bo,Nguyen,2012-05-01,M
"""
SCHOOLS = f"""{HEAD}rec_s1,Ana,Ortiz,2011-04-09,F
rec_s2,Dee,Lee,2015-01-15,F
rec_s3,Abe,Kerr,2010-08-06,F
rec_s4,Silas,Abbott,2010-02-03,M
rec_s5,Bob,Nguyen,2012-05-01,M
rec_s6,Lea,Six,2008-07-08,F
rec_s7,Max,Seven,2008-06-08,M
rec_s8,Ned,Eight,2008-05-08,M
"""
ABE, CYRUS, BO = ("rec_w3", "rec_s3"), ("rec_w4", "rec_s4"), ("rec_w5", "rec_s5")


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Reviews:
    """One round is over, and nothing was asked yet; for copies."""
    with near_broker(tmp_path_factory.mktemp("settled") / "broker") as near:
        found = reviewed(near, welfare=WELFARE, schools=SCHOOLS)
        settle(near)
    return found


@pytest.fixture
def reviews(settled: Reviews, tmp_path: Path) -> Iterator[Reviews]:
    with near_broker(tmp_path / "broker", like=settled.near) as near:
        yield Reviews(near, CLAUSE, settled.agreement).attach()


@pytest.fixture
def welfare(reviews: Reviews) -> Desk:
    return reviews.desk(REVIEWER)


@pytest.fixture
def schools(reviews: Reviews) -> Desk:
    return reviews.desk(ASKED)


def edit(desk: Desk, old: str, new: str) -> None:
    path = desk.folder / "people.csv"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def answered(reviews: Reviews, *pairs: tuple[str, str]) -> None:
    """Ask about pairs, and let the asked agency's nightly job answer."""
    reviews.ask(*pairs)
    reviews.desk(ASKED).ok("refresh")


def decide(desk: Desk, **decisions: tuple[str, str]) -> None:
    """Fill in a workbook, by own record ID, and take it."""
    path = desk.folder / "decisions.xlsx"
    desk.ok("review", "--export", str(path), "--force")
    book = load_workbook(path)
    for row in book.active.iter_rows(min_row=2):
        verdict = decisions.get(row[1].value)
        if verdict is not None:
            row[-2].value, row[-1].value = verdict
    book.save(path)
    desk.ok("review", "--import", str(path))


def pairs_of(desk: Desk) -> dict[str, dict[str, Any]]:
    return {one["record_id"]: one for one in desk.json("review", "--list")["pairs"]}


def next_round(reviews: Reviews) -> None:
    reviews.near.move(days=7)
    settle(reviews.near)


def opened_cards(reviews: Reviews) -> dict[bytes, Any]:
    own = reviews.near.people[REVIEWER]
    return {
        handle: parse_card(b"".join(open_pieces(io.BytesIO(raw), own))).card
        for handle, raw in reviews.now.cards.items()
    }


def test_the_nightly_job_answers_for_whole_buckets_once(reviews: Reviews, schools: Desk) -> None:
    reviews.ask(ABE)
    result = schools.ok("refresh")
    assert "8 cards were sealed for the reviewers of welfare, for round 1" in result.stderr
    cards = opened_cards(reviews)
    assert len(cards) == 8
    fields = {one.fields[0].value: [f.value for f in one.fields] for one in cards.values()}
    assert fields["Abe"] == ["Abe", "Kerr", "2010-08-06", "F"]
    assert [one.name for one in next(iter(cards.values())).fields] == [
        "first_name", "last_name", "birth_date", "sex",
    ]  # fmt: skip
    n_before = len(reviews.near.courier.requests)
    assert "cards" not in schools.ok("refresh").stderr
    assert "PUT" not in {method for method, _ in reviews.near.courier.requests[n_before:]}


def test_nobody_but_the_reviewer_sees_a_value_and_nobody_at_all_a_record_id(
    reviews: Reviews, welfare: Desk
) -> None:
    answered(reviews, ABE, CYRUS)
    decide(welfare, rec_w3=("accept", "same-person"))
    welfare.ok("review", "--finish")
    passed = b"\n".join(reviews.near.courier.seen)
    assert not [
        word for word in (b"Kerr", b"Abbott", b"rec_w3", b"rec_s3", b"2010-08-06") if word in passed
    ]
    assert "Kerr" not in reviews.near.logs.getvalue()
    kept = list((welfare.folder / "workspace").rglob("*.sealed"))
    assert not [p for p in kept if b"Kerr" in p.read_bytes()]


def test_a_reviewer_sees_what_waits_and_what_was_done(reviews: Reviews, welfare: Desk) -> None:
    reviews.ask(ABE, CYRUS)
    waiting = welfare.type("review", "--export", str(welfare.folder / "x.csv"))
    assert (waiting.exit_code, "schools has yet to send its cards" in waiting.stderr) == (7, True)
    assert "waits for the cards of schools" in welfare.ok("review", "--list").stdout
    reviews.desk(ASKED).ok("refresh")
    assert "2 pairs with schools wait for your reviewers" in welfare.ok("refresh").stderr
    assert {one["opened"] for one in pairs_of(welfare).values()} == {"closed"}
    decide(welfare, rec_w3=("reject", "other-person"))
    found = pairs_of(welfare)
    assert found["rec_w3"] | {"pair": 0} == {
        "pair": 0,
        "record_id": "rec_w3",
        "opened": "all",
        "verdict": "reject",
        "reason": "other-person",
        "sent": False,
    }
    assert found["rec_w4"]["verdict"] is None
    standing = welfare.json("review", "--send")
    assert (standing["pairs"], standing["decided"], standing["unsent"]) == (2, 1, 0)
    assert pairs_of(welfare)["rec_w3"]["sent"]


def stage(desk: Desk) -> tuple[str, str | None]:
    found = desk.json("status")
    return found["sentences"][-1], found["next"]


def test_status_says_what_a_review_waits_for(
    reviews: Reviews, welfare: Desk, schools: Desk
) -> None:
    reviews.ask(ABE, CYRUS)
    assert stage(welfare)[0].startswith("Pairs were held back: schools has yet to send the cards")
    wanted = ("The reviewers of welfare wait for cards of your records.", "blindlink refresh")
    assert stage(schools) == wanted
    schools.ok("refresh")
    assert "Round 1 is over" not in stage(schools)[0]
    said, command = stage(welfare)
    assert (
        said == "2 pairs with schools wait for your reviewers until 2026-12-04, or the next round."
    )
    assert command == "blindlink review"
    decide(welfare, rec_w3=("accept", "same-person"))
    welfare.ok("review", "--finish")
    assert stage(welfare)[0].startswith("Reviewers have accepted pairs of this round")
    settle(reviews.near)
    assert "Reviewers" not in stage(welfare)[0]


def test_what_was_accepted_is_linked_at_both_and_stays_so(
    reviews: Reviews, welfare: Desk, schools: Desk
) -> None:
    before = links(welfare)
    answered(reviews, ABE, CYRUS)
    decide(welfare, rec_w3=("accept", "same-person"), rec_w4=("reject", "other-person"))
    welfare.ok("review", "--finish")
    assert schools.type("refresh").exit_code == 7
    settle(reviews.near)
    now, there = links(welfare), links(schools)
    assert now.keys() == {*before, "rec_w3"}
    assert before.items() <= now.items()
    assert now["rec_w3"] == there["rec_s3"]
    next_round(reviews)
    assert links(welfare) == now
    # Also where the link is made by hand.
    welfare.ok("links")
    assert links(welfare) == now


def test_what_was_rejected_is_kept_apart_until_a_record_changes(
    reviews: Reviews, welfare: Desk, schools: Desk
) -> None:
    assert {"rec_w1", "rec_w2", "rec_w5"} == links(welfare).keys()
    answered(reviews, BO)
    decide(welfare, rec_w5=("reject", "other-person"))
    welfare.ok("review", "--finish")
    for desk, old, new in (
        (welfare, "rec_w5,Bo,", "rec_w5,Boe,"),
        (schools, "rec_s5,Bob,", "rec_s5,Bo,"),
    ):
        next_round(reviews)
        assert links(welfare).keys() == {"rec_w1", "rec_w2"}
        edit(desk, old, new)
        next_round(reviews)
        assert links(welfare).keys() == {"rec_w1", "rec_w2", "rec_w5"}
        edit(desk, new, old)


def test_a_record_that_has_left_or_was_withdrawn_has_a_card_without_a_value(
    reviews: Reviews, schools: Desk, welfare: Desk
) -> None:
    reviews.ask(ABE, CYRUS)
    edit(schools, "rec_s3,Abe,Kerr,2010-08-06,F\n", "")
    schools.ok("withdraw-record", "--record", "rec_s4", "--yes")
    schools.ok("refresh")
    values = [[f.value for f in one.fields] for one in opened_cards(reviews).values()]
    assert values.count([""] * 4) == 2
    assert len(values) == 8
    assert len(pairs_of(welfare)) == 2


def test_who_asks_is_told_of_the_cards_that_were_made(reviews: Reviews, schools: Desk) -> None:
    answered(reviews, ABE)
    found = schools.json("disclosures", "--record", "rec_s7")["disclosures"]
    assert (found[-1]["what"], found[-1]["receiver"]) == ("card", REVIEWER)
    assert "whether it was shown is not known here" in found[-1]["sentence"]
    never = schools.json("disclosures", "--record", "nobody")["disclosures"]
    assert "card" not in {one["what"] for one in never}


def test_a_missing_column_is_told_before_anything_is_sealed(
    reviews: Reviews, schools: Desk
) -> None:
    reviews.ask(ABE)
    edit(schools, ",sex", ",gender")
    result = schools.type("review", "--answer")
    assert result.exit_code == 3
    assert "no column sex, which the agreement lets reviewers see" in result.stderr
    nightly = schools.type("refresh")
    assert nightly.exit_code == 3
    assert reviews.now.cards == {}
    edit(schools, ",gender", ",sex")
    assert schools.json("review", "--answer") == {"answered": 1}
    assert len(reviews.now.cards) == 8


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("asked", "lists other buckets than the broker asks for"),
        ("reviews", "shows another review than the broker"),
    ],
)
def test_what_the_log_does_not_list_is_not_answered(
    reviews: Reviews, schools: Desk, what: str, said: str
) -> None:
    reviews.ask(ABE)
    real = reviews.near.courier.before

    def lie(request: httpx2.Request) -> httpx2.Response | None:
        response = real(request)
        if response is None or not request.url.path.endswith(what):
            return response
        shown = json.loads(response.read())
        if what == "asked":
            shown["buckets"] = ["00000000", *shown["buckets"]]
        else:
            shown["reviews"][0]["deadline"] = "2027-01-01T00:00:00Z"
        return httpx2.Response(200, json=shown)

    reviews.near.courier.before = lie
    result = schools.type("review", "--answer")
    assert (result.exit_code, said in result.stderr) == (1, True), result.stderr
    assert reviews.now.cards == {}


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["00000000"], "asks for a bucket that this agency has not"),
        ([f"{number:08x}" for number in range(51)], "more buckets than the agreement allows"),
    ],
)
def test_a_bucket_that_is_none_is_not_answered(
    reviews: Reviews, schools: Desk, labels: list[str], said: str
) -> None:
    reviews.ask(ABE, labels=labels)
    result = schools.type("review", "--answer")
    assert (result.exit_code, said in result.stderr) == (1, True), result.stderr
    assert reviews.now.cards == {}


def test_questions_and_cards_that_do_not_fit_are_not_shown(reviews: Reviews, welfare: Desk) -> None:
    answered(reviews, ABE, CYRUS)
    good = reviews.now.questions
    for questions, said in (
        (good.replace(b" 0", b" 1", 1), "lists other questions than the broker shows"),
        (b"", "lists other questions"),
    ):
        reviews.now.questions = questions
        result = welfare.type("review", "--list")
        assert (result.exit_code, said in result.stderr) == (1, True), result.stderr
    reviews.now.questions = good
    one = dict([*reviews.now.handles.items()][:1])
    reviews.now.handles, both = one, reviews.now.handles
    result = welfare.type("review", "--list")
    assert "does not show one card for each question" in result.stderr
    reviews.now.handles = both
    assert len(pairs_of(welfare)) == 2


def test_a_card_of_another_run_is_left_out_and_said(reviews: Reviews, welfare: Desk) -> None:
    answered(reviews, ABE, CYRUS)
    handle = reviews.handle(ASKED, 1, "rec_s3")
    signed = reviews.forged(handle, run=f"run-{'0' * 32}")
    reviews.now.cards[handle] = signed
    result = welfare.ok("review", "--list")
    assert "1 of 2 cards cannot be trusted, and are not shown" in result.stderr
    assert pairs_of(welfare).keys() == {"rec_w4"}


def test_only_a_reviewer_of_the_reviewers_agency_opens_cards(
    reviews: Reviews, welfare: Desk, schools: Desk
) -> None:
    answered(reviews, ABE)
    result = schools.type("review", "--list")
    assert (result.exit_code, "the people of welfare decide" in result.stderr) == (1, True)
    near = reviews.near
    other = near.person(REVIEWER, "analyst", "recipient")
    welfare.own, near.people["other"] = other, other
    result = welfare.type("review", "--list")
    assert (result.exit_code, "do not have the duty reviewer" in result.stderr) == (4, True)


def test_the_screen_needs_a_terminal_and_one_thing_is_done_at_a_time(welfare: Desk) -> None:
    result = welfare.type("review")
    assert (result.exit_code, "needs a terminal" in result.output) == (2, True)
    result = welfare.type("review", "--send", "--list")
    assert (result.exit_code, "give either --list or --send" in result.output) == (2, True)


def test_without_the_extra_the_error_names_it(
    welfare: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("encoding.cli.commands.review.find_spec", lambda _: None)
    result = welfare.type("review")
    assert result.exit_code == 1
    assert "install blindlink[review]" in result.stderr


def test_an_answer_that_is_lost_sends_nothing_twice(reviews: Reviews, welfare: Desk) -> None:
    answered(reviews, ABE, CYRUS)
    decide(welfare, rec_w3=("accept", "same-person"))
    real, lost = reviews.near.courier.after, []

    def lose(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        return real(request, response)

    before = reviews.near.courier.before

    def take_and_lose(request: httpx2.Request) -> httpx2.Response | None:
        response = before(request)
        if request.url.path.endswith("/decisions") and not lost:
            lost.append(request)
            raise KeyboardInterrupt
        return response

    reviews.near.courier.before, reviews.near.courier.after = take_and_lose, lose
    assert welfare.type("review", "--send").exit_code != 0
    assert len(reviews.now.stated) == 1
    assert welfare.json("review", "--send")["unsent"] == 0
    assert len(reviews.now.stated) == 1
    decide(welfare, rec_w4=("unsure", "wrong-data"))
    welfare.ok("review", "--finish")
    assert [one.verdict for one in reviews.now.decided.values()].count("accept") == 1
    assert len(reviews.now.stated) == 2


def test_a_review_that_is_over_is_forgotten_and_what_was_decided_is_not(
    reviews: Reviews, welfare: Desk
) -> None:
    answered(reviews, ABE, CYRUS)
    decide(welfare, rec_w3=("reject", "other-person"), rec_w4=("unsure", "too-little-to-tell"))
    welfare.ok("review", "--finish")
    workspace = open_workspace(welfare.folder / "workspace")
    assert workspace.reviews("foster-pupils") == (reviews.now.view.run,)
    welfare.ok("refresh")
    assert workspace.reviews("foster-pupils") == ()
    assert workspace.journals("foster-pupils") == ()
    assert workspace.verdicts("foster-pupils", ASKED).exists()
    result = welfare.type("review", "--send")
    assert (result.exit_code, "no pairs wait for a decision" in result.stderr) == (1, True)
    assert "is over" in welfare.ok("review", "--list").stdout
    next_round(reviews)
    # Of a pair that is rejected the next round says nothing; what was unsure comes again.
    answered(reviews, CYRUS)
    assert pairs_of(welfare) == {}
    assert welfare.json("review", "--send")["again"] == 1
    assert "1 pairs that you were unsure of" in welfare.ok("review", "--send").stderr
    again = welfare.json("review", "--list", "--again")["pairs"]
    assert [one["record_id"] for one in again] == ["rec_w4"]
    edit(reviews.desk(ASKED), "rec_s4,Silas,", "rec_s4,Siras,")
    next_round(reviews)
    answered(reviews, CYRUS)
    assert pairs_of(welfare).keys() == {"rec_w4"}


def test_decisions_come_too_late_once_the_next_round_is_opened(
    reviews: Reviews, welfare: Desk
) -> None:
    answered(reviews, ABE)
    decide(welfare, rec_w3=("accept", "same-person"))
    reviews.move(reviews.now, state="ended")
    result = welfare.type("review", "--send")
    assert "no pairs wait for a decision" in result.stderr
    assert reviews.now.stated == []


def test_the_own_record_that_has_left_cannot_be_decided(reviews: Reviews, welfare: Desk) -> None:
    answered(reviews, ABE, CYRUS)
    edit(welfare, "rec_w3,Abe,Kerr,2010-08-06,M\n", "")
    result = welfare.ok("review", "--send")
    assert "1 pairs cannot be decided here" in result.stderr
    assert pairs_of(welfare).keys() == {"rec_w4"}


def test_exported_files_are_known_to_whoever_destroys(reviews: Reviews, welfare: Desk) -> None:
    answered(reviews, ABE)
    path = welfare.folder / "decisions.csv"
    welfare.ok("review", "--export", str(path))
    again = welfare.type("review", "--export", str(path))
    assert (again.exit_code, "is there already" in again.stderr) == (1, True)
    listed = json.loads((welfare.folder / "workspace" / "written.json").read_bytes())
    assert {"project": "foster-pupils", "what": "received", "path": str(path)} in listed["files"]


def test_a_file_that_is_refused_changes_nothing(reviews: Reviews, welfare: Desk) -> None:
    answered(reviews, ABE, CYRUS)
    path = welfare.folder / "decisions.csv"
    welfare.ok("review", "--export", str(path))
    text = path.read_text("utf-8-sig").replace("Abe,", "Abel,", 1)
    path.write_text(text.replace(",,\n", ",accept,same-person\n"), "utf-8")
    result = welfare.type("review", "--import", str(path))
    assert (result.exit_code, "is not that of the pair" in result.stderr) == (3, True)
    assert welfare.json("review", "--send")["decided"] == 0


def test_two_windows_of_one_person_are_one_too_many(reviews: Reviews, welfare: Desk) -> None:
    answered(reviews, ABE)
    person = reviews.near.people[REVIEWER].public.person
    workspace = open_workspace(welfare.folder / "workspace")
    with workspace.review_lock(person):
        result = welfare.type("review", "--list")
        assert "another blindlink command is using this workspace" in result.stderr
        # The nightly job goes on.
        welfare.ok("refresh")
    assert len(pairs_of(welfare)) == 1
