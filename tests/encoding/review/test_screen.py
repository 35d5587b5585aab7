"""The screen of a review, by the keyboard alone: what it shows, keeps and sends."""

from __future__ import annotations

import asyncio
import errno
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from samples.sittings import NOW, REVIEWER, sitting
from textual import events
from textual.widgets import Static

from encoding.errors import BrokerUnreachableError
from encoding.review.journal import JournalFile
from encoding.review.screen import ReviewApp
from encoding.review.sitting import Sent, Sitting
from schemas.rounds.review import StatedDecisions


class Seat:
    """Anyone who sits before the screen, and the broker behind it."""

    def __init__(self, folder: Path, size: tuple[int, int] = (100, 40), **given: Any) -> None:
        self.folder, self.size, self.given = folder, size, given
        self.now: datetime = NOW
        self.came: list[StatedDecisions] = []
        self.fault: Exception | None = None
        self.shown: list[str] = []

    def sitting(self) -> Sitting:
        return sitting(self.folder, **self.given)

    def press(self, *keys: str) -> str:
        """Press keys one after another, and return what the screen shows then."""
        return asyncio.run(self._press(keys))

    def burst(self, *keys: str) -> str:
        """Press keys faster than the screen can follow."""
        return asyncio.run(self._press(keys, waits=False))

    async def _press(self, keys: tuple[str, ...], *, waits: bool = True) -> str:
        found = self.sitting()

        def send(is_last: bool) -> Sent:
            if self.fault is not None:
                raise self.fault
            n_sent = found.diary.send(self.came.append, REVIEWER, self.now, is_last=is_last)
            return Sent(n_sent, is_over=not found.standing().left)

        def clock() -> datetime:
            self.now += timedelta(seconds=10)
            return self.now

        app = ReviewApp(found, send, clock)
        async with app.run_test(size=self.size) as pilot:
            if not waits:
                for key in keys:
                    app.post_message(events.Key(key, key if len(key) == 1 else None))
            told: dict[str, str] = {}
            for key in keys if waits else ():
                await pilot.press(key)
                await settled(app, pilot.pause)
                # They go after some seconds by themselves.
                told |= {one.identity: one.message for one in app._notifications}
            await settled(app, pilot.pause)
            self.footer = "".join(
                segment.text for segment in app.screen_stack[0]._compositor.render_strips()[-1]
            ).strip()
            self.shown = [text(app, name) for name in ("head", "values", "state")]
            self.said = [*told.values()]
        return "\n".join(self.shown)

    def decided(self) -> list[tuple[int, str, str, bool]]:
        found = self.sitting()
        return [
            (case.number, choice.verdict, choice.reason, found.diary.is_sent(case.reference))
            for case in found.cases
            if (choice := found.looked(case).choice) is not None
        ]


async def settled(app: ReviewApp, pause: Callable[[], Awaitable[None]]) -> None:
    """Wait for what a key has begun: a question waits for its own answer."""
    await pause()
    for worker in list(app.workers):
        if worker.name == "_post":
            await worker.wait()
    await pause()


def text(app: ReviewApp, name: str) -> str:
    return str(app.screen_stack[0].query_one(f"#{name}", Static).content)


@pytest.fixture
def seat(tmp_path: Path) -> Seat:
    return Seat(tmp_path)


def test_the_card_is_closed_and_each_press_opens_a_step_with_signs_below_what_differs(
    seat: Seat,
) -> None:
    shown = seat.press()
    assert "Review with schools, round 3 · pair 1 of 4 · 0 decided, 0 not sent" in shown
    assert "until 2026-12-04 22:30 UTC" in shown
    assert "Christine" in shown
    assert "Christina" not in shown
    assert "09-04" not in shown
    assert "the card of schools is closed; press o to open it further" in shown
    assert "Your record ID: w0" in shown
    assert "C···" in seat.press("o")
    lines = seat.press("o").splitlines()
    assert "what differs is shown" in lines[-1]
    at = next(n for n, line in enumerate(lines) if line.startswith("first_name"))
    assert lines[at].endswith("differs")
    assert "········a" in lines[at]
    signs = lines[at + 1]
    assert {place for place, sign in enumerate(signs) if sign == "^"} == {
        lines[at].index("Christine") + 8,
        lines[at].index("········a") + 8,
    }
    assert "Christina" in seat.press("space")
    assert seat.press("o").splitlines()[-1] == "the card of schools: everything is shown"
    assert seat.sitting().diary.journal.looked[0].opened == (1, 1, 1)


def test_a_verdict_asks_for_its_reason_and_goes_on_to_the_next_pair(seat: Seat) -> None:
    shown = seat.press("o", "a", "2")
    assert "pair 2 of 4 · 1 decided, 1 not sent" in shown
    shown = seat.press("o", "r", "down", "enter", "u", "2", "b", "b")
    assert seat.decided() == [
        (1, "accept", "same-by-document", False),
        (2, "reject", "other-person", False),
        (3, "unsure", "wrong-data", False),
    ]
    assert "You decided: rejected, another person (not sent yet)." in shown


def test_help_escape_numbers_without_a_reason_and_verdicts_on_a_closed_card_decide_nothing(
    seat: Seat,
) -> None:
    seat.press("question_mark", "escape", "a", "1", "r", "1", *"oa", "escape", *"a3", "escape")
    assert seat.said == ["Look at the card first: press o to open it."] * 2
    assert seat.decided() == []
    seat.press("question_mark", "escape", "n", "u", "1")
    assert seat.decided() == [(2, "unsure", "too-little-to-tell", False)]


def test_a_decision_can_be_taken_back_until_it_is_sent(seat: Seat) -> None:
    seat.press("o", "a", "1", "b", "z", "z")
    assert seat.decided() == []
    assert seat.said[-1] == "there is no decision to undo"
    seat.press("a", "1", "s", "y", "b", "z", "a", "1")
    assert seat.decided() == [(1, "accept", "same-person", True)]
    assert "this decision was sent, so it can't be changed" in seat.said


def test_undo_takes_back_the_latest_decision_where_the_pair_has_none(seat: Seat) -> None:
    shown = seat.press("o", "a", "1", "u", "1", "n", "z")
    assert "pair 2 of 4 · 1 decided" in shown
    seat.press("u", "1", "b", "b", "z")
    assert seat.decided() == [(2, "unsure", "too-little-to-tell", False)]


def test_keys_that_come_faster_than_the_screen_decide_as_they_were_meant(seat: Seat) -> None:
    seat.burst("o", "a", "1", "o", "r", "2", "u", "1", "o", "a", "2")
    assert [one[1:3] for one in seat.decided()] == [
        ("accept", "same-person"),
        ("reject", "other-person"),
        ("unsure", "too-little-to-tell"),
        ("accept", "same-by-document"),
    ]


def test_sending_is_asked_for_twice_since_it_cannot_be_taken_back_and_the_rest_goes_on(
    seat: Seat,
) -> None:
    assert "1 decided, 1 not sent" in seat.press("o", "a", "1", "s", "n")
    assert seat.came == []
    assert "2 decided, 0 not sent" in seat.press("o", "r", "1", "s", "y", "s")
    assert seat.said == ["2 decisions were sent", "There is nothing to send."]
    assert [one.signed.statement.is_last for one in seat.came] == [False]


def test_what_cannot_be_sent_is_kept_and_said(seat: Seat) -> None:
    seat.fault = BrokerUnreachableError("the broker does not answer", hint="try again later")
    shown = seat.press("u", "1", "s", "y")
    assert seat.said == ["the broker does not answer; try again later"]
    assert "1 decided, 1 not sent" in shown
    seat.fault = None
    seat.press("s", "y")
    assert seat.decided() == [(1, "unsure", "too-little-to-tell", True)]


def test_what_cannot_be_kept_is_said_and_has_not_happened(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A screen stands open for days, and meanwhile the disk gets full, or the folder goes away."""
    seat.press("o", "a", "1")
    fault = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(JournalFile, "write", Mock(side_effect=fault))
    shown = seat.press("o", "u", "1", "b", "z", "s", "y")
    assert {*seat.said} == {"nothing can be kept in the workspace: no space left on device"}
    assert len(seat.said) == 4
    assert "1 decided, 1 not sent" in shown
    assert seat.came == []
    monkeypatch.undo()
    assert [one.step for one in seat.sitting().diary.journal.looked] == [1]
    assert seat.decided() == [(1, "accept", "same-person", False)]


def test_finishing_is_asked_for_once_more_and_is_the_last_word(seat: Seat) -> None:
    seat.press("u", "1", "f", "n")
    assert seat.came == []
    seat.press("f", "y")
    assert [one.signed.statement.is_last for one in seat.came] == [True]
    seat.press("u", "1")
    assert "you have finished this review, so you can't decide more pairs" in seat.said[0]


def test_one_goes_back_and_on_and_to_the_next_open_pair(seat: Seat) -> None:
    assert "pair 4 of 4" in seat.press("b")
    assert "pair 3 of 4" in seat.press("n", "right", "n", "right", "n", "u", "1", "b", "b", "j")
    # The next time goes on after the pair that was decided last; what was skipped comes at the end.
    assert "pair 3 of 4" in seat.press()
    seat.press("u", "1", "u", "1")
    assert "pair 1 of 4" in seat.press("u", "1")


def test_capitals_do_the_same_since_caps_lock_may_be_on(seat: Seat) -> None:
    seat.press("O", "A", "1", "O", "R", "1", "B", "Z", "F", "Y")
    assert seat.decided() == [(1, "accept", "same-person", True)]


def test_what_ends_the_review_ends_the_screen_and_is_said_before(seat: Seat) -> None:
    shown = seat.press(*("u", "1") * 3)
    assert "Every pair is decided" not in shown
    assert "Every pair is decided. Press f to send your decisions and finish." in seat.press(
        "u", "1"
    )
    seat.press("s", "y")
    assert seat.said == ["4 decisions were sent; the review is over"]


def test_sixty_columns_wrap_no_line_of_the_pair_and_show_how_to_get_help_and_out(
    tmp_path: Path,
) -> None:
    seat = Seat(
        tmp_path, size=(60, 24), people=[(("Ana", "Lee", "", "F"), ("Ana", "Lee", "", "F"))]
    )
    seat.press("o", "o")
    assert "both empty" in seat.shown[1]
    assert max(map(len, seat.shown[1].splitlines())) <= 56
    assert "? Help q Quit" in seat.footer


def test_the_guide_shows_the_screen_as_it_is_with_every_key_in_eighty_columns(
    tmp_path: Path,
) -> None:
    guide = (Path(__file__).parents[3] / "docs/review.md").read_text("utf-8")
    (picture,) = re.findall(r"```text\n(.*?)```", guide, re.DOTALL)
    seat = Seat(tmp_path, size=(80, 24))
    seat.press("o", "o")
    values, state = seat.shown[1:]
    lines = [line.strip() for line in picture.splitlines()]
    assert [line.strip() for line in values.splitlines()] == lines[2 : lines.index("", 10) + 2]
    assert lines[-2:] == [state, seat.footer]
    assert seat.shown[0].startswith(lines[0])
    assert seat.footer.startswith("o Open a Accept r Reject u Unsure")
    assert seat.footer.endswith("s Send")


def test_progress_tells_the_time_that_is_left(seat: Seat) -> None:
    assert "min left" not in seat.press("u", "1", "u", "1")
    assert "about 1 min left" in seat.press("u", "1", "b", "z", "u", "1", "b", "z", "u", "1")


def test_a_record_that_has_left_says_so_once_the_card_is_open(seat: Seat) -> None:
    shown = seat.press("b", "o")
    assert "no longer" not in shown
    assert "This record is no longer in the file of schools." in seat.press("b", "o")


def test_a_narrow_window_cuts_no_value(tmp_path: Path) -> None:
    long = "Bartholomew-Maximilian-Alexander Constantine de la Montgomery"
    person = (long, "Lee", "2011-04-09", "F")
    other = (long.replace("de la", "del"), "Lee", "2011-04-09", "F")
    shown = Seat(tmp_path, size=(64, 30), people=[(person, other)]).press("o", "o", "o")
    column = [line[17:30] for line in shown.splitlines() if line[17:30].strip(" ^")]
    assert long.replace(" ", "") in "".join(column).replace(" ", "")
    assert "^" in shown


def test_what_the_other_agency_wrote_steers_nothing(tmp_path: Path) -> None:
    evil = ("[red]\x1b[2J", "Lee[/]", "2011-04-09", "F")
    shown = Seat(tmp_path, people=[(("A", "Lee", "2011-04-09", "F"), evil)]).press("o", "o", "o")
    assert "[red]\\x1b[2J" in shown
    assert "Lee[/]" in shown
