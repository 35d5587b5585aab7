"""Supplementary releases: killed anywhere they go on, and what cannot be honest is stored nowhere."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from campaign.size import times
from rigs.asking import ASKED, REVIEWER, Asking, asking
from rigs.desk import Desk
from rigs.weeks import links, settle
from sqlalchemy.orm import Session

from app.broker import Broker
from app.review import ending
from app.review.held_pairs import HeldPair
from app.review.models import Review
from app.review.supplement import PreparedSupplement
from encoding.ledger.ledger_file import LedgerFile
from encoding.project.linking import links_files
from encoding.rounds.round_memory import Said

pytestmark = pytest.mark.long


class Killed(KeyboardInterrupt):
    pass


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Asking:
    """Two pairs wait for decisions; for copies."""
    with asking(tmp_path_factory.mktemp("waiting") / "broker") as made:
        made.run()
        settle(made.near)
    return made


@pytest.fixture(scope="module")
def decided(waiting: Asking, tmp_path_factory: pytest.TempPathFactory) -> Asking:
    """A pair was accepted, and neither agency's job has heard of its release yet; for copies."""
    with asking(tmp_path_factory.mktemp("decided") / "broker", like=waiting) as made:
        accept(made.reviewer, "Abe")
        assert made.near.log_kinds()[-2:] == ["release-prepared"] * 2
    return made


def accept(desk: Desk, *names: str, rejected: str = "") -> None:
    """Accept the pairs of these people, reject those of another, and leave the rest undecided."""
    path = desk.folder / "decisions.csv"
    desk.ok("review", "--export", str(path))
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    for row in rows:
        if {*names} & {*row}:
            row[-2:] = "accept", "same-person"
        if rejected in row:
            row[-2:] = "reject", "other-person"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    desk.ok("review", "--import", str(path))
    desk.ok("review", "--finish")


@pytest.fixture
def copied(decided: Asking, tmp_path: Path) -> Iterator[Asking]:
    with asking(tmp_path / "broker", like=decided) as made:
        yield made


@pytest.fixture
def welfare(copied: Asking) -> Desk:
    return copied.reviewer


@pytest.fixture
def schools(copied: Asking) -> Desk:
    return copied.asked


def is_linked(asking: Asking) -> bool:
    """Tell whether both have the accepted pair under one link ID, beside what was linked before."""
    own, other = links(asking.reviewer), links(asking.asked)
    assert own["rec_w1"] == other["rec_s1"]
    assert ("rec_w3" in own) == ("rec_s3" in other)
    return "rec_w3" in own and own["rec_w3"] == other["rec_s3"]


# A few at one of the two; in the full campaign all at both.
WRITES = {
    "ledger 1": (LedgerFile, "write", 1, REVIEWER),
    "ledger 2": (LedgerFile, "write", 2, None),
    "ledger 3": (LedgerFile, "write", 3, None),
    "said 1": (Said, "keep", 1, ASKED),
    "said 2": (Said, "keep", 2, None),
    "links": (links_files, "write_links", 1, REVIEWER),
}


@pytest.mark.parametrize(
    ("owner", "name", "at", "who"),
    [
        pytest.param(*write, who, id=f"{at}, {who}")
        for at, (*write, first) in WRITES.items()
        for who in (REVIEWER, ASKED)
        if who == first or times(quick=0, full=1)
    ],
)
@pytest.mark.campaign("kills-agency", database="sqlite")
def test_killed_before_a_write_the_next_night_goes_on(
    copied: Asking, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, at: int, who: str
) -> None:
    real: Callable[..., Any] = getattr(owner, name)
    calls: list[bool] = []
    is_armed = False

    def killing(*given: Any, **named: Any) -> Any:
        calls.append(is_armed)
        if is_armed and sum(calls) == at:
            raise Killed
        return real(*given, **named)

    monkeypatch.setattr(owner, name, killing)
    for _ in range(3):
        for party, desk in copied.near.desks.items():
            is_armed = party == who
            desk.type("refresh")
    is_armed = False
    assert sum(calls) >= at
    settle(copied.near)
    assert is_linked(copied)
    before = links(copied.reviewer)
    copied.near.move(days=7)
    settle(copied.near)
    assert links(copied.reviewer) == before


def test_who_waits_for_reviewers_is_told_and_then_what_they_accepted(
    waiting: Asking, tmp_path: Path
) -> None:
    with asking(tmp_path / "broker", like=waiting) as near:
        own = near.reviewer.folder
        told = csv_rows(own / "unmatched.csv")
        assert [row["record_id"] for row in told if "held-for-review" in row["reasons"]] == [
            "rec_w3",
            "rec_w4",
        ]
        other = csv_rows(near.asked.folder / "unmatched.csv")
        assert not [row for row in other if "held-for-review" in row["reasons"]]
        accept(near.reviewer, "Abe")
        settle(near.near)
        assert "rec_w3" not in {row["record_id"] for row in csv_rows(own / "unmatched.csv")}
        changes = {row["record_id"]: row["change"] for row in csv_rows(own / "changes.csv")}
        assert changes["rec_w3"] == "new"


def test_the_next_rounds_ask_nothing_again(waiting: Asking, tmp_path: Path) -> None:
    with asking(tmp_path / "broker", like=waiting) as made:
        accept(made.reviewer, "Abe", rejected="Ida")
        settle(made.near)
        for _ in range(2):
            made.near.move(days=7)
            settle(made.near)
            assert is_linked(made)
            assert "rec_w4" not in links(made.reviewer)
        assert made.near.log_kinds().count("round-opened") == 3
        assert made.near.log_kinds().count("review-asked") == 1
        # Until a record changes: then it may be someone else.
        path = made.asked.folder / "people.csv"
        path.write_text(path.read_text("utf-8").replace("Ida,Mossberg", "Ida,Mossburg"), "utf-8")
        made.near.move(days=7)
        settle(made.near)
        assert made.near.log_kinds().count("review-asked") == 2


def csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_by_hand_the_links_of_both_releases_are_written(welfare: Desk, schools: Desk) -> None:
    result = welfare.type("links")
    assert (result.exit_code, "schools has yet to send its claims" in result.stderr) == (7, True)
    assert links(welfare).keys() == {"rec_w1", "rec_w2"}
    schools.ok("links")
    welfare.ok("links", "-o", str(welfare.folder / "elsewhere.csv"))
    assert (welfare.folder / "elsewhere.csv").read_text().count("\n") == 4


def test_when_the_next_round_comes_first_the_pair_is_not_linked_and_nothing_is_wrong(
    copied: Asking, welfare: Desk
) -> None:
    assert welfare.type("refresh").exit_code == 7
    copied.near.move(days=7)
    # It opens the next round before the other agency's job has run.
    welfare.type("refresh")
    settle(copied.near)
    (closed,) = [e for e in copied.near.log_entries() if e["kind"] == "supplement-closed"]
    assert [one["party"] for one in closed["body"]["claims"]] == [REVIEWER]
    assert not is_linked(copied)
    for _ in range(2):
        copied.near.move(days=7)
        settle(copied.near)
    assert links(welfare).keys() == {"rec_w1", "rec_w2"}


def test_a_supplement_that_joins_strangers_is_an_alarm_at_both_and_stored_nowhere(
    waiting: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ending.prepare_supplement

    def lying(
        session: Session,
        broker: Broker,
        review: Review,
        accepted: Sequence[HeldPair],
        stack: ExitStack,
    ) -> PreparedSupplement | None:
        """Exchange the larger file's records of two accepted pairs."""
        one, two = accepted
        exchanged = [
            replace(
                own, handles=(other.handles[0], own.handles[1]), rows=(other.rows[0], own.rows[1])
            )
            for own, other in ((one, two), (two, one))
        ]
        return real(session, broker, review, exchanged, stack)

    monkeypatch.setattr(ending, "prepare_supplement", lying)
    with asking(tmp_path / "broker", like=waiting) as made:
        welfare, schools = made.reviewer, made.asked
        accept(welfare, "Abe", "Ida")
        codes = [desk.type("refresh").exit_code for desk in (welfare, schools, welfare)]
        assert codes == [7, 9, 9]
        assert links(welfare).keys() == {"rec_w1", "rec_w2"}
        assert links(schools).keys() == {"rec_s1", "rec_s2"}


def test_a_supplement_that_no_review_ended_with_is_refused(
    copied: Asking, welfare: Desk, schools: Desk
) -> None:
    def change(_: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        shown = response.json()
        for one in shown["supplements"]:
            one["run"] = f"run-{'0' * 32}"
        return httpx2.Response(200, json=shown)

    copied.meddle("/rounds/1", change)
    for desk in (welfare, schools, welfare):
        result = desk.type("refresh")
    assert "does not show that" in result.stderr
    assert links(welfare).keys() == {"rec_w1", "rec_w2"}
