"""Clerical review from the agencies' desks: cards, questions, decisions, and what comes of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openpyxl import Workbook, load_workbook
from rigs.agreed import sign_roster
from rigs.asking import ASKED, REVIEWER, Asking, asking
from rigs.desk import Desk
from rigs.enrolled import revoke
from rigs.moments import Moments
from rigs.near_broker import NearBroker, problem
from rigs.weeks import links, settle

from app.matchlog.draft import EntryDraft
from encoding.packing.handles import derive_map_keys, key_text, record_keys
from encoding.packing.memory import memory_key
from encoding.packing.withdrawals import Withdrawn
from encoding.people.identity import Identity
from encoding.people.sealed_file import Address, open_pieces, seal_pieces
from encoding.profiles.catalog import shipped_profile
from encoding.progress import silent
from encoding.records.agency_file import AgencyFile
from encoding.review.journal import Choice
from encoding.review.records import Reading, read_records
from encoding.review.verdicts import Decided, Verdicts, VerdictsFile
from encoding.workspace.workspace import Workspace, open_workspace
from schemas.matchlog.review_kinds import ReviewAsked
from schemas.rounds.review import (
    Card,
    CardField,
    SignedCard,
    card_plain,
    parse_card,
    parse_cards,
    serialise_cards,
)

PROJECT = "foster-pupils"


@pytest.fixture
def copied(held_back: Asking, tmp_path: Path) -> Iterator[Asking]:
    with asking(tmp_path / "broker", like=held_back) as made:
        yield made


@pytest.fixture
def near(copied: Asking) -> NearBroker:
    return copied.near


@pytest.fixture
def desks(near: NearBroker) -> dict[str, Desk]:
    return near.desks


@pytest.fixture
def answered(copied: Asking, schools: Desk, welfare: Desk) -> Asking:
    """The round is over, and the cards are there."""
    schools.ok("refresh")
    welfare.ok("refresh")
    return copied


def edit(desk: Desk, old: str, new: str) -> None:
    path = desk.folder / "people.csv"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


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


def pairs_of(desk: Desk, *words: str) -> dict[str, dict[str, Any]]:
    return {one["record_id"]: one for one in desk.json("review", "--list", *words)["pairs"]}


def opened_cards(asking: Asking) -> dict[str, Card]:
    """Open all cards that were sent, as the reviewer could if they came; by first name."""
    own = asking.near.people[REVIEWER]
    (cards,) = asking.sent_cards()
    found = [parse_card(b"".join(open_pieces(io.BytesIO(one), own))).card for one in cards.values()]
    assert len(found) == 7
    return {card.fields[0].value: card for card in found}


def workspace_of(desk: Desk) -> Workspace:
    return open_workspace(desk.folder / "workspace")


def stage(desk: Desk) -> tuple[str, str | None]:
    found = desk.json("status")
    return found["sentences"][-1], found["next"]


def test_a_reviewer_sees_what_waits_and_what_was_done(
    copied: Asking, welfare: Desk, schools: Desk
) -> None:
    waiting = welfare.type("review", "--export", str(welfare.folder / "x.csv"))
    assert (waiting.exit_code, "schools has yet to send its cards" in waiting.stderr) == (7, True)
    assert "waits for the cards of schools" in welfare.ok("review", "--list").stdout
    schools.ok("refresh")
    assert "2 pairs with schools wait for your reviewers" in welfare.ok("refresh").stderr
    refused = schools.type("review", "--list")
    assert (refused.exit_code, "the people of welfare decide" in refused.stderr) == (1, True)
    # Two windows of one person are one too many, and the nightly job goes on.
    person = copied.near.people[REVIEWER].public.person
    with workspace_of(welfare).review_lock(person):
        result = welfare.type("review", "--list")
        assert "another blindlink command is using this workspace" in result.stderr
        welfare.ok("refresh")
    # No card is opened for a file that is not written, and one that is written is known to the person who
    # destroys.
    for name, status in (("decisions.ods", 3), ("no-folder/decisions.csv", 1)):
        result = welfare.type("review", "--export", str(welfare.folder / name))
        assert result.exit_code == status, result.output
        assert {one["opened"] for one in pairs_of(welfare).values()} == {"closed"}
    path = welfare.folder / "decisions.csv"
    welfare.ok("review", "--export", str(path))
    assert {one["opened"] for one in pairs_of(welfare).values()} == {"all"}
    again = welfare.type("review", "--export", str(path))
    assert (again.exit_code, "is there already" in again.stderr) == (1, True)
    listed = json.loads((welfare.folder / "workspace" / "written.json").read_bytes())
    noted = [(one["project"], one["what"], one["path"]) for one in listed["files"]]
    assert (PROJECT, "received", str(path)) in noted
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
    # Keys that were replaced are found beside the file that is named.
    rae = str((welfare.folder / "identity.txt").rename(welfare.folder / "rae.txt"))
    welfare.ok("people", "rotate", "--identity", rae)
    assert len(pairs_of(welfare, "--identity", rae)) == 2
    # A person who is enrolled for the agency, and on no list of authorized users.
    other = copied.near.person(REVIEWER, "analyst", "recipient")
    copied.near.people["other"] = other
    welfare.own = other
    result = welfare.type("review", "--list")
    assert (
        result.exit_code,
        "whether the list of authorized users names you" in result.stderr,
    ) == (1, True)


def test_no_round_is_begun_by_hand_while_pairs_wait_for_reviewers(tmp_path: Path) -> None:
    # The next round would end the review.
    with asking(tmp_path / "broker", frequency="on-request") as made:
        assert made.reviewer.type("refresh").exit_code == 7
        # A column that reviewers may see is missed before anything is sent.
        edit(made.asked, ",sex", ",gender")
        said = "your file has no column sex, which the agreement lets reviewers see"
        result = made.asked.type("encode")
        assert said in result.stderr, result.stderr
        edit(made.asked, ",gender", ",sex")
        assert said not in made.asked.type("encode").stderr
        assert [desk.type("refresh").exit_code for desk in (made.asked, made.reviewer)] == [7, 7]
        settle(made.near)
        sentence, command = stage(made.reviewer)
        assert "2 pairs with schools wait for your reviewers" in sentence
        assert command == "blindlink review"
        decide(made.reviewer, rec_w3=("accept", "same-person"))
        made.reviewer.ok("review", "--finish")
        assert stage(made.reviewer)[1] == "blindlink refresh"
        settle(made.near)
        assert stage(made.reviewer)[1] == "blindlink refresh --begin"


def test_what_was_accepted_is_linked_at_both_and_stays_so(
    copied: Asking, welfare: Desk, schools: Desk
) -> None:
    assert stage(welfare)[0].startswith(
        "Pairs were sent to review: schools has yet to send the cards"
    )
    assert stage(schools)[0] == "The reviewers of welfare wait for cards of your records."
    result = schools.ok("refresh")
    assert "7 cards were sealed for the reviewers of welfare, for round 1" in result.stderr
    welfare.ok("refresh")
    assert "reviewers" not in stage(schools)[0]
    assert stage(welfare) == (
        "2 pairs with schools wait for your reviewers until 2026-12-04, or the next round.",
        "blindlink review",
    )
    before = links(welfare)
    decide(welfare, rec_w3=("accept", "same-person"), rec_w4=("reject", "other-person"))
    welfare.ok("review", "--finish")
    assert stage(welfare)[0].startswith("Reviewers have accepted pairs of this round")
    assert schools.type("refresh").exit_code == 7
    settle(copied.near)
    assert "eviewers" not in stage(welfare)[0]
    now, there = links(welfare), links(schools)
    assert now.keys() == {*before, "rec_w3"}
    assert before.items() <= now.items()
    assert now["rec_w3"] == there["rec_s3"]
    for _ in range(2):
        copied.near.move(days=7)
        settle(copied.near)
        assert links(welfare) == now
        # What was rejected is no candidate, and what was accepted is linked: nothing is asked.
        found = welfare.json("review", "--list")["reviews"]
        assert [one["state"] for one in found] == ["ended"]
    # Also where the link is made by hand.
    welfare.ok("links")
    assert links(welfare) == now
    # Nobody but the reviewer has seen a value, and nobody at all a record ID.
    passed = b"\n".join(copied.near.courier.seen)
    words = (b"Kerrigan", b"Mossberg", b"rec_w3", b"rec_s3", b"2010-08-06")
    assert [word for word in words if word in passed] == []
    assert "Kerrigan" not in copied.near.logs.getvalue()
    kept = list((welfare.folder / "workspace").rglob("*.sealed"))
    assert [path for path in kept if b"Kerrigan" in path.read_bytes()] == []


def reading_of(desk: Desk, **columns: str) -> tuple[Reading, str]:
    """Return how a desk's file is read, and the record key of one record of it."""
    workspace = workspace_of(desk)
    keys = derive_map_keys(workspace.key(), PROJECT)
    reading = Reading(
        AgencyFile(desk.folder / "people.csv", "ID"),
        shipped_profile("children", zip_code=False),
        {"first_name": "first", "last_name": "last", "birth_date": "born"},
        "YYYY-MM-DD",
        keys,
        memory_key(workspace.key(), PROJECT),
        Withdrawn(workspace.withdrawn(PROJECT), PROJECT, workspace.key()),
    )
    return reading, key_text(record_keys(keys, [columns["record"]]), 0)


def reject(desk: Desk, record: str, name: str) -> None:
    """Remember a rejection of a record under the name that stands on a card, as a review does."""
    reading, key = reading_of(desk, record=record)
    digest = read_records(reading, {key}, (), silent)[key].digest
    choice = Choice(verdict="reject", reason="other-person", at="2026-11-20T22:30:00Z", batch=1)
    decided = Decided(
        round=1, record=key, digest=digest, name=name, person=f"per-{'1' * 32}", choice=choice
    )
    workspace = workspace_of(desk)
    path = workspace.verdicts(PROJECT, ASKED)
    file = VerdictsFile(path, PROJECT, ASKED, workspace.key())
    file.write(Verdicts(partner=ASKED, decided=(decided,)))


@pytest.mark.long
def test_a_rejection_by_the_name_on_a_card_keeps_the_pair_apart_until_a_record_changes(
    answered: Asking, welfare: Desk, schools: Desk
) -> None:
    both = {"rec_w1", "rec_w2"}
    assert links(welfare).keys() == both
    reject(welfare, "rec_w2", opened_cards(answered)["Dee"].record)
    for desk in (welfare, schools):
        answered.near.move(days=7)
        settle(answered.near)
        assert links(welfare).keys() == {"rec_w1"}
        edit(desk, "Lee,2015-01-15,F", "Lee,2015-01-15,")
        answered.near.move(days=7)
        settle(answered.near)
        assert links(welfare).keys() == both
        edit(desk, "Lee,2015-01-15,", "Lee,2015-01-15,F")


def lie(change: Any) -> Any:
    """Return a change of an answer's JSON."""

    def changed(_: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        shown = response.json()
        change(shown)
        return httpx2.Response(200, json=shown)

    return changed


def test_whole_buckets_are_answered_for_once_and_only_what_the_log_lists(
    copied: Asking, schools: Desk
) -> None:
    lies: dict[str, tuple[str, Any, str]] = {
        "other buckets": (
            "/asked",
            lambda shown: shown["buckets"].insert(0, "00000000"),
            "lists different buckets from those the broker asks for",
        ),
        "another deadline": (
            "/reviews",
            lambda shown: shown["reviews"][0].update(deadline="2027-01-01T00:00:00Z"),
            "and the broker show different reviews",
        ),
        "another run": (
            "/reviews",
            lambda shown: shown["reviews"][0].update(run=f"run-{'0' * 32}"),
            "",
        ),
    }
    for name, (path, change, said) in lies.items():
        copied.meddle(path, lie(change))
        result = schools.type("review", "--answer")
        assert (result.exit_code, said in result.stderr) == (1, True), (name, result.stderr)
        copied.be_honest()
    # A missing column is told before anything is sealed.
    edit(schools, ",sex", ",gender")
    result = schools.type("review", "--answer")
    assert result.exit_code == 3
    assert "no column sex, which the agreement lets reviewers see" in result.stderr
    assert schools.type("refresh").exit_code == 3
    assert copied.sent_cards() == []
    edit(schools, ",gender", ",sex")
    assert schools.json("review", "--answer") == {"answered": 1}
    abe = opened_cards(copied)["Abe"]
    assert [(one.name, one.value) for one in abe.fields] == [
        ("first_name", "Abe"),
        ("last_name", "Kerrigan"),
        ("birth_date", "2010-08-06"),
        ("sex", "F"),
    ]
    assert "cards" not in schools.ok("refresh").stderr
    assert len(copied.sent_cards()) == 1
    # The agency is told of the cards that were made, if it asks.
    found = schools.json("disclosures", "--record", "rec_s7")["disclosures"]
    (card,) = [one for one in found if one["what"] == "card"]
    assert card["receiver"] == REVIEWER
    assert "whether it was shown is not known here" in card["sentence"]
    never = schools.json("disclosures", "--record", "nobody")["disclosures"]
    assert "card" not in {one["what"] for one in never}


def ask_as_well(asking: Asking) -> None:
    """Log one more request for cards in the round, about a run that never was."""
    near, run = asking.near, f"run-{'0' * 32}"
    entry = next(one for one in near.log_entries() if one["kind"] == "review-asked")
    draft = EntryDraft(
        ReviewAsked.model_validate_json(json.dumps(entry["body"])),
        **{name: entry[name] for name in ("project", "agreement", "purpose")},
        object=run,
    )
    with near.broker.database.write() as session:
        near.broker.log.append(session, [draft])


def test_no_card_is_sealed_for_a_run_that_the_log_does_not_show_as_finished(
    copied: Asking, schools: Desk
) -> None:
    """The budget of questions is one of the round, and not of each run that a broker invents."""
    ask_as_well(copied)
    refused = schools.type("review", "--answer")
    assert refused.exit_code == 1
    assert "a run is named that the project never asked for" in refused.stderr
    assert copied.sent_cards() == []


def forged(
    asking: Asking, change: Callable[[Card], dict[str, Any]], signer: Identity
) -> Callable[[httpx2.Request, httpx2.Response], httpx2.Response]:
    """Return a change of the broker's answer: the first card is another one, which this person signs."""
    own = asking.near.people[REVIEWER]

    def changed(_: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        cards = parse_cards(response.content)
        first = next(iter(cards))
        card = parse_card(b"".join(open_pieces(io.BytesIO(cards[first]), own))).card
        other = card.model_copy(update=change(card))
        plain = card_plain(SignedCard.of(other, signer.keys.signing_key))
        address = Address(ASKED, REVIEWER, (own.public,), "2026-11-20T22:30:00Z")
        cards[first] = b"".join(seal_pieces([plain], address))
        return httpx2.Response(200, content=serialise_cards(cards.items()))

    return changed


def test_a_card_or_question_that_is_not_as_agreed_is_left_out_and_said(
    answered: Asking, welfare: Desk, moments: Moments
) -> None:
    def other_questions(_: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        return httpx2.Response(200, content=response.content.replace(b" 0", b" 1", 1))

    def one_card(_: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        first = [*parse_cards(response.content).items()][:1]
        return httpx2.Response(200, content=serialise_cards(first))

    for path, change, said in (
        ("/questions", other_questions, "lists different questions from those the broker shows"),
        ("/cards", one_card, "there is not one card for each question"),
    ):
        answered.meddle(path, change)
        assert said in welfare.type("review", "--list").stderr
        answered.be_honest()
    before, begin = (welfare.folder / "links.csv").read_bytes(), moments.keep(answered.near)
    columns = "a card shows different columns from those the agreement lists"
    for name, (changes, said) in {
        "of another run": (lambda _: {"run": f"run-{'0' * 32}"}, "a card is of a different review"),
        "a column that is not listed": (
            lambda card: {"fields": (*card.fields, CardField(name="zip", value="00234"))},
            columns,
        ),
        "a column that is missing": (lambda card: {"fields": card.fields[:-1]}, columns),
    }.items():
        moments.go_to(answered.near, begin)
        answered.meddle("/cards", forged(answered, changes, answered.near.people[ASKED]))
        result = welfare.ok("review", "--list")
        told = f"1 of 2 cards cannot be trusted, and are not shown: {said}\n"
        assert told in result.stderr, name
        assert "00234" not in result.output, name
        assert len(pairs_of(welfare)) == 1, name
        path = welfare.folder / "decisions.csv"
        welfare.ok("review", "--export", str(path))
        assert len(path.read_text("utf-8").splitlines()) == 2, name
        answered.be_honest()
        assert (welfare.folder / "links.csv").read_bytes() == before, name
    moments.go_to(answered.near, begin)
    assert len(pairs_of(welfare)) == 2


@pytest.fixture
def colleague(tmp_path: Path) -> Iterator[tuple[Asking, Identity]]:
    """A review whose cards are there, and a person of the asked agency whom the reviewer's trusts."""
    with asking(tmp_path / "broker") as made:
        person = made.near.joining(ASKED, "analyst", "recipient")
        fingerprint = person.public.fingerprint().split()
        made.reviewer.ok("people", "trust", ASKED, *fingerprint, "--also")
        yield made, person


def leave(asking: Asking, person: Identity) -> None:
    near = asking.near
    near.move(minutes=1)
    gone = [person.public.person]
    sign_roster(near.broker, PROJECT, near.people[ASKED], joining=[], leaving=gone)


def ask(asking: Asking) -> None:
    """Let pairs be sent to review, and the asked agency seal its cards."""
    asking.run()
    asking.asked.ok("refresh")
    asking.reviewer.ok("refresh")


def test_a_card_of_somebody_who_had_left_before_is_not_shown(
    colleague: tuple[Asking, Identity],
) -> None:
    copied, former = colleague
    leave(copied, former)
    ask(copied)
    copied.meddle("/cards", forged(copied, lambda _: {"person": former.public.person}, former))
    said = "1 of 2 cards cannot be trusted, and are not shown: a card is not from a person"
    assert said in copied.reviewer.ok("review", "--list").stderr


def test_cards_that_somebody_signed_before_they_left_are_shown(
    colleague: tuple[Asking, Identity],
) -> None:
    copied, former = colleague
    copied.asked.own = former
    ask(copied)
    shown = pairs_of(copied.reviewer)
    assert len(shown) == 2
    leave(copied, former)
    assert pairs_of(copied.reviewer) == shown
    revoke(copied.near, former.public.person)
    assert pairs_of(copied.reviewer) == shown


def test_cards_count_on_when_keys_are_replaced_in_the_middle_of_a_review(
    copied: Asking, welfare: Desk, schools: Desk
) -> None:
    """Those that they were sealed to, and those that signed them."""
    for desk in (welfare, schools):
        desk.ok("people", "rotate")
    schools.ok("refresh")
    shown = pairs_of(welfare)
    assert len(shown) == 2
    for desk in (welfare, schools):
        desk.ok("people", "rotate")
        result = welfare.ok("review", "--list")
        assert "cannot be trusted" not in result.stderr, desk.party
        assert pairs_of(welfare) == shown, desk.party


def test_the_screen_needs_its_extra_and_a_terminal_and_one_thing_is_done_at_a_time(
    welfare: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = welfare.type("review")
    assert (result.exit_code, "needs a terminal" in result.output) == (2, True)
    result = welfare.type("review", "--send", "--list")
    assert (result.exit_code, "give either --list or --send" in result.output) == (2, True)
    monkeypatch.setattr("encoding.cli.commands.review.find_spec", lambda _: None)
    result = welfare.type("review")
    assert (result.exit_code, "pip install '.[review]'" in result.stderr) == (1, True)


@pytest.mark.parametrize("is_busy", [False, True])
def test_an_answer_that_is_lost_sends_nothing_twice(
    answered: Asking, welfare: Desk, is_busy: bool
) -> None:
    decide(welfare, rec_w3=("accept", "same-person"))

    def lose(_: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if is_busy:
            return problem(503, "busy", detail="The broker is busy.")
        raise KeyboardInterrupt

    answered.meddle("/decisions", lose)
    ended = welfare.type("review", "--send")
    assert (ended.exit_code != 0, "internal error" in ended.stderr) == (True, False)
    answered.be_honest()
    assert welfare.json("review", "--send")["unsent"] == 0
    decide(welfare, rec_w4=("unsure", "wrong-data"))
    welfare.ok("review", "--finish")
    kinds = answered.near.log_kinds()
    assert kinds.count("review-decided") == 2
    assert len({json.dumps(one) for one in answered.sent_decisions()}) == 2


@pytest.mark.long
def test_a_review_that_is_over_is_forgotten_and_what_was_decided_is_not(
    answered: Asking, welfare: Desk, schools: Desk
) -> None:
    decide(welfare, rec_w3=("unsure", "too-little-to-tell"), rec_w4=("unsure", "wrong-data"))
    welfare.ok("review", "--finish")
    workspace = workspace_of(welfare)
    assert len(workspace.reviews(PROJECT)) == len(workspace.journals(PROJECT)) == 1
    welfare.ok("refresh")
    assert workspace.reviews(PROJECT) == workspace.journals(PROJECT) == ()
    assert workspace.verdicts(PROJECT, ASKED).exists()
    result = welfare.type("review", "--send")
    assert (result.exit_code, "no pairs wait for a decision" in result.stderr) == (1, True)
    assert "is over" in welfare.ok("review", "--list").stdout
    # In the next round both come again, and of one a record has changed.
    edit(schools, "rec_s4,Ida,Mossberg", "rec_s4,Ida,Mossburg")
    answered.near.move(days=7)
    settle(answered.near)
    schools.ok("refresh")
    assert pairs_of(welfare).keys() == {"rec_w4"}
    result = welfare.ok("review", "--send")
    assert "1 pairs that you were unsure of before are not shown" in result.stderr
    assert pairs_of(welfare, "--again").keys() == {"rec_w3", "rec_w4"}


def test_what_cannot_be_decided_and_what_comes_after_the_deadline_does_not_count(
    answered: Asking, welfare: Desk
) -> None:
    # The own record that has left.
    path = welfare.folder / "people.csv"
    whole = path.read_text("utf-8")
    edit(welfare, "rec_w3,Abe,Kerrigan,2010-08-06,M\n", "")
    assert "1 pairs cannot be decided here" in welfare.ok("review", "--send").stderr
    assert pairs_of(welfare).keys() == {"rec_w4"}
    path.write_text(whole, "utf-8")
    decide(welfare, rec_w3=("accept", "same-person"))
    answered.near.move(days=15)
    answered.near.sweep()
    result = welfare.type("review", "--send")
    assert "no pairs wait for a decision" in result.stderr
    assert answered.sent_decisions() == []


def put(row: int, column: int, text: str) -> Callable[[list[list[str]]], None]:
    def change(rows: list[list[str]]) -> None:
        rows[row][column] = text

    return change


REFUSED: dict[str, Callable[[list[list[str]]], None]] = {
    "row 2: the column ours: first_name does not belong to this pair": put(1, 2, "Abel"),
    "row 3: it is not a pair of this review": put(2, 0, f"1-q{'f' * 32}"),
    "row 3: it is of round 9, and this review is of round 1": put(2, 0, f"9-q{'f' * 32}"),
    "formula": put(2, -2, '=IF(1,"accept","")'),
    "row 4: this pair is in row 2, too": lambda rows: rows.append(rows[1]),
}


def test_a_file_that_is_refused_changes_nothing(answered: Asking, welfare: Desk) -> None:
    before = (welfare.folder / "links.csv").read_bytes()
    for suffix in (".csv", ".xlsx"):
        path = welfare.folder / f"decisions{suffix}"
        welfare.ok("review", "--export", str(path))
        exported = read_rows(path)
        for row in exported[1:]:
            row[-2:] = "accept", "same-person"
        for said, change in REFUSED.items():
            rows = [[*row] for row in exported]
            change(rows)
            write_rows(path, rows)
            result = welfare.type("review", "--import", str(path))
            (fault, hint) = result.stderr.splitlines()
            assert (result.exit_code, said in fault) == (3, True), (suffix, fault)
            assert "nothing was imported" in hint
            for name in ("Kerrigan", "Mossberg", "Abel", "rec_"):
                assert name not in result.output, (suffix, said)
    assert welfare.json("review", "--send")["decided"] == 0
    assert (welfare.folder / "links.csv").read_bytes() == before


def read_rows(path: Path) -> list[list[str]]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [*csv.reader(file)]
    return [[one or "" for one in row] for row in load_workbook(path).active.values]


def write_rows(path: Path, rows: list[list[str]]) -> None:
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
        return
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
