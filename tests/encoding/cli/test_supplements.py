"""Supplementary releases: killed anywhere they go on, and what cannot be honest is stored nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rigs.asking import ASKED, REVIEWER, Asking, asking
from rigs.desk import Desk
from rigs.played_review import PlayedReviews
from rigs.weeks import links, settle

from encoding.cli.parts import link_steps
from encoding.ledger.ledger_file import LedgerFile
from encoding.rounds.round_memory import Said
from schemas.ids import MatchId
from schemas.release import Match

pytestmark = pytest.mark.long


class Killed(KeyboardInterrupt):
    pass


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Asking:
    """A pair was accepted, and neither agency's job has heard of its release yet; for copies."""
    with asking(tmp_path_factory.mktemp("decided") / "broker") as made:
        made.run()
        settle(made.near)
        path = made.reviewer.folder / "decisions.csv"
        made.reviewer.ok("review", "--export", str(path))
        lines = path.read_text("utf-8-sig").splitlines(keepends=True)
        text = "".join(
            line.replace(",,\n", ",accept,same-person\n") if "Abe" in line else line
            for line in lines
        )
        path.write_text(text, "utf-8")
        made.reviewer.ok("review", "--import", str(path))
        made.reviewer.ok("review", "--finish")
        assert made.near.log_kinds()[-2:] == ["release-prepared"] * 2
    return made


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


@pytest.fixture
def played(copied: Asking) -> PlayedReviews:
    """Whoever plays the broker's part, and can lie."""
    if copied.played is None:
        pytest.skip("the broker itself does not lie")
    return copied.played


def is_linked(asking: Asking) -> bool:
    """Tell whether both have the accepted pair under one link ID, beside what was linked before."""
    own, other = links(asking.reviewer), links(asking.asked)
    assert own["rec_w1"] == other["rec_s1"]
    assert ("rec_w3" in own) == ("rec_s3" in other)
    return "rec_w3" in own and own["rec_w3"] == other["rec_s3"]


@pytest.mark.parametrize("who", [REVIEWER, ASKED])
@pytest.mark.parametrize(
    ("owner", "name", "at"),
    [
        (LedgerFile, "write", 1),
        (LedgerFile, "write", 2),
        (LedgerFile, "write", 3),
        (Said, "keep", 1),
        (Said, "keep", 2),
        (link_steps, "write_links", 1),
    ],
    ids=["ledger 1", "ledger 2", "ledger 3", "said 1", "said 2", "links"],
)
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
    played: PlayedReviews, welfare: Desk, schools: Desk
) -> None:
    played.releases.clear()
    for party, record in ((REVIEWER, "rec_w5"), (ASKED, "rec_s5")):
        container, handle = played.container(party, 1), played.handle(party, 1, record)
        number = container.handles.index(handle)
        place = next(at for at, row in enumerate(container.rows) if row[1] == number)
        played.release(played.now, party, {handle: Match(MatchId(b"m" * 16), place)})
    codes = [desk.type("refresh").exit_code for desk in (welfare, schools, welfare)]
    assert codes == [7, 9, 9]
    assert links(welfare).keys() == {"rec_w1", "rec_w2"}
    assert links(schools).keys() == {"rec_s1", "rec_s2"}


def test_a_supplement_that_no_review_ended_with_is_refused(
    played: PlayedReviews, welfare: Desk, schools: Desk
) -> None:
    found = played.now
    assert found.supplement is not None
    found.supplement = found.supplement.model_copy(update={"run": f"run-{'0' * 32}"})
    for desk in (welfare, schools, welfare):
        result = desk.type("refresh")
    assert "does not show that" in result.stderr
    assert links(welfare).keys() == {"rec_w1", "rec_w2"}
