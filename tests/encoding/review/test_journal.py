"""The journal of a reviewer: every step kept, nothing sent twice, and what was sent stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from encoding.errors import (
    BrokerRefusedError,
    BrokerUnreachableError,
    NotAuthorisedError,
    WorkspaceError,
)
from encoding.people.identity import Identity, new_identity
from encoding.review.errors import DecisionError
from encoding.review.journal import STEPS, Diary, Journal, JournalFile, Looked
from encoding.review.verdicts import Verdicts
from schemas.rounds.review import StatedDecisions

NOW = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
RUN = f"run-{'0' * 32}"
AGREEMENT = "c" * 64
OWN: Identity = new_identity("welfare", ("reviewer",), NOW)
PAIRS = [
    Looked(reference=f"{n:032x}", record=f"{n:032x}", digest="d" * 32, name=f"{n:012x}")
    for n in range(4)
]


class Desk:
    """A journal in a folder, and a broker that takes decisions, or does not."""

    def __init__(self, folder: Path) -> None:
        person = OWN.public.person
        self.file = JournalFile(folder / "journal.sealed", "demo", RUN, person, bytes(32))
        self.came: list[StatedDecisions] = []
        self.faults: list[Exception] = []

    def diary(self) -> Diary:
        """Open the journal as the next command does."""
        first = Journal(
            project="demo",
            agreement=AGREEMENT,
            run=RUN,
            round=3,
            partner="schools",
            person=OWN.public.person,
        )
        return Diary(self.file.read() or first, self.file.write)

    def post(self, stated: StatedDecisions) -> None:
        # A fault after the broker has taken it: the answer is lost.
        if stated not in self.came:
            self.came.append(stated)
        if self.faults:
            raise self.faults.pop()

    def send(self, *, is_last: bool = False) -> int:
        return self.diary().send(self.post, OWN, NOW, is_last=is_last)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def sent(desk: Desk) -> list[list[tuple[str, str, str]]]:
    return [
        [(d.reference[-1], d.verdict, d.reason) for d in one.decisions.decisions]
        for one in desk.came
    ]


def test_each_step_to_which_a_card_is_opened_is_counted_and_kept(desk: Desk) -> None:
    for step in (1, 1, 2):
        desk.diary().open([PAIRS[0]], step)
    desk.diary().open(PAIRS, 3)
    looked = [desk.diary().looked(one.reference) for one in PAIRS]
    assert [one and one.opened for one in looked] == [(2, 1, 1), *[(0, 0, 1)] * 3]
    assert [one and STEPS[one.step] for one in looked] == ["all"] * 4
    assert STEPS[PAIRS[0].step] == "closed"


def test_a_decision_can_be_made_otherwise_and_taken_back_until_it_is_sent(desk: Desk) -> None:
    desk.diary().decide([(PAIRS[0], "accept", "same-person")], NOW)
    desk.diary().decide([(PAIRS[0], "reject", "other-person")], NOW)
    desk.diary().decide([(PAIRS[1], "unsure", "wrong-data")], NOW)
    desk.diary().take_back(PAIRS[1].reference)
    assert desk.send() == 1
    assert sent(desk) == [[("0", "reject", "other-person")]]
    for change in (
        lambda: desk.diary().decide([(PAIRS[0], "accept", "same-person")], NOW),
        lambda: desk.diary().take_back(PAIRS[0].reference),
        lambda: desk.diary().take_back(PAIRS[1].reference),
    ):
        with pytest.raises(DecisionError):
            change()


def test_of_several_decisions_none_is_taken_if_one_cannot_be(desk: Desk) -> None:
    desk.diary().decide([(PAIRS[0], "accept", "same-person")], NOW)
    desk.send()
    with pytest.raises(DecisionError, match="was sent"):
        desk.diary().decide(
            [(PAIRS[1], "accept", "same-person"), (PAIRS[0], "reject", "other-person")], NOW
        )
    assert desk.diary().unsent() == ()


def test_batches_are_numbered_and_signed_and_the_last_one_says_so(desk: Desk) -> None:
    desk.diary().decide([(PAIRS[2], "accept", "same-by-document")], NOW)
    assert (desk.send(), desk.send()) == (1, 0)
    desk.diary().decide([(PAIRS[1], "unsure", "wrong-data")], NOW + timedelta(hours=1))
    assert (desk.send(is_last=True), desk.send(is_last=True)) == (1, 0)
    statements = [one.signed.statement for one in desk.came]
    assert [(one.number, one.is_last) for one in statements] == [(1, False), (2, True)]
    for one in desk.came:
        one.signed.verify(OWN.public)
        assert one.signed.statement.sha256 == one.decisions.digest()
    with pytest.raises(DecisionError, match="you have finished this review"):
        desk.diary().decide([(PAIRS[3], "accept", "same-person")], NOW)


def test_who_has_nothing_to_say_can_end_all_the_same(desk: Desk) -> None:
    assert desk.send(is_last=True) == 0
    assert sent(desk) == [[]]
    assert desk.diary().journal.is_finished


def lose_an_answer(desk: Desk) -> None:
    """Send a decision, of which nobody learns whether it has come."""
    desk.diary().decide([(PAIRS[0], "accept", "same-person")], NOW)
    desk.faults = [BrokerUnreachableError("lost")]
    with pytest.raises(BrokerUnreachableError):
        desk.send()


def test_an_answer_that_is_lost_sends_the_same_bytes_again(desk: Desk) -> None:
    lose_an_answer(desk)
    # It may be there: it cannot be taken back any more.
    with pytest.raises(DecisionError):
        desk.diary().take_back(PAIRS[0].reference)
    desk.diary().decide([(PAIRS[1], "reject", "wrong-data")], NOW)
    assert desk.send() == 2
    assert [[one[0] for one in batch] for batch in sent(desk)] == [["0"], ["1"]]
    assert [one.signed.statement.number for one in desk.came] == [1, 2]


def test_the_log_says_whether_a_batch_has_come_and_a_journal_from_a_backup_is_not_gone_on_with(
    desk: Desk, tmp_path: Path
) -> None:
    lose_an_answer(desk)
    diary = desk.diary()
    diary.settle([])
    assert diary.journal.waiting is not None
    diary.settle([one.signed for one in desk.came])
    assert (diary.journal.waiting, diary.journal.sent, diary.unsent()) == (None, 1, ())
    assert desk.send() == 0
    (tmp_path / "journal.sealed").unlink()
    with pytest.raises(DecisionError, match="was restored since"):
        desk.diary().settle([one.signed for one in desk.came])


def test_what_may_have_come_is_not_taken_back_by_a_refusal_that_does_not_say_it_has_not(
    tmp_path: Path,
) -> None:
    for number, fault in enumerate(
        (
            BrokerRefusedError("the broker answered with status 503 and no reason"),
            BrokerRefusedError("too much is asked at once", problem="too-many-requests"),
            NotAuthorisedError("nobody is signed in", problem="not-authenticated"),
            BrokerRefusedError("a new agreement is in force", problem="not-in-force"),
        )
    ):
        (tmp_path / str(number)).mkdir()
        desk = Desk(tmp_path / str(number))
        desk.diary().decide([(PAIRS[0], "reject", "other-person")], NOW)
        desk.faults = [fault]
        with pytest.raises(BrokerRefusedError):
            desk.send()
        with pytest.raises(DecisionError):
            desk.diary().take_back(PAIRS[0].reference)
        desk.diary().settle([one.signed for one in desk.came])
        kept = Verdicts(partner="schools").with_journals([desk.diary().journal])
        assert {*kept.rejections(1)} == {PAIRS[0].record}, fault


def test_what_the_broker_refuses_can_be_changed_again(desk: Desk) -> None:
    for problem in ("decisions-refused", "review-over", "signature-refused", "statement-refused"):
        desk.diary().decide([(PAIRS[0], "accept", "same-person")], NOW)
        desk.faults = [BrokerRefusedError("it is not taken", problem=problem)]
        with pytest.raises(BrokerRefusedError):
            desk.send()
        desk.diary().take_back(PAIRS[0].reference)
        assert desk.diary().journal.sent == 0, problem


@pytest.mark.parametrize("is_lost", [False, True])
def test_what_was_sent_first_counts_and_not_what_was_decided_first(
    desk: Desk, is_lost: bool
) -> None:
    """One person settles a question: the broker goes by what comes first."""
    other = new_identity("welfare", ("reviewer",), NOW)
    first = desk.diary().journal.model_copy(update={"person": other.public.person})
    quick, slow = Diary(first, lambda _: None), desk.diary()
    slow.decide([(PAIRS[0], "reject", "other-person")], NOW)
    if is_lost:
        # It never comes, and waits to be sent again.
        with pytest.raises(BrokerUnreachableError):
            slow.send(unreachable, OWN, NOW, is_last=False)
    quick.decide([(PAIRS[0], "accept", "same-person")], NOW + timedelta(hours=1))
    quick.send(desk.post, other, NOW + timedelta(hours=1), is_last=False)
    slow.send(desk.post, OWN, NOW + timedelta(hours=2), is_last=False)
    kept = Verdicts(partner="schools").with_journals([slow.journal, quick.journal])
    assert kept.rejections(1) == {}


def unreachable(_: StatedDecisions) -> None:
    raise BrokerUnreachableError("the broker does not answer")


def test_a_decision_is_of_the_records_as_they_were_shown_then(desk: Desk) -> None:
    desk.diary().decide([(PAIRS[0], "reject", "other-person")], NOW)
    edited = PAIRS[0].model_copy(update={"digest": "e" * 32})
    desk.diary().open([edited], 1)
    kept = desk.diary().looked(PAIRS[0].reference)
    assert kept is not None
    assert (kept.digest, kept.opened) == ("d" * 32, (1, 0, 0))
    desk.diary().decide([(edited, "reject", "other-person")], NOW)
    kept = desk.diary().looked(PAIRS[0].reference)
    assert kept is not None
    assert kept.digest == "e" * 32


def test_the_journal_is_sealed_for_its_person_and_run(desk: Desk, tmp_path: Path) -> None:
    desk.diary().decide([(PAIRS[0], "reject", "twins-or-siblings")], NOW)
    path = tmp_path / "journal.sealed"
    assert b"twins-or-siblings" not in path.read_bytes()
    other = JournalFile(path, "demo", RUN, f"per-{'9' * 32}", bytes(32))
    with pytest.raises(WorkspaceError):
        other.read()
