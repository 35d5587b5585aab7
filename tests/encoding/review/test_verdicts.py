"""What was decided is remembered of a pair of records as they were, and keeps apart what was rejected."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from encoding.packing.memory import Rejections
from encoding.review.journal import Choice, Journal, Looked
from encoding.review.verdicts import PairName, Verdicts, VerdictsFile, settled
from schemas.rounds.review import REASONS, Verdict

ONE, TWO = f"per-{'1' * 32}", f"per-{'2' * 32}"


def choice(verdict: Verdict, at: int = 1, batch: int | None = 1) -> Choice:
    time = f"2026-11-20T22:30:{at:02}Z"
    return Choice(verdict=verdict, reason=REASONS[verdict][0], at=time, batch=batch)


def journal(
    *made: tuple[int, str, int, Choice | None], number: int = 1, person: str = ONE
) -> Journal:
    """Each made of record, its digest, the name on the card, and what was decided."""
    looked = tuple(
        Looked(
            reference=f"{number:016x}{record:016x}",
            record=f"{record:032x}",
            digest=digest * 32,
            name=f"{name:012x}",
            choice=decided,
        )
        for record, digest, name, decided in made
    )
    return Journal(
        project="demo",
        agreement="c" * 64,
        run=f"run-{number:032x}",
        round=number,
        partner="schools",
        person=person,
        looked=looked,
    )


def remembered(*journals: Journal) -> Verdicts:
    verdicts = Verdicts(partner="schools")
    for one in journals:
        verdicts = verdicts.with_journals([one])
    return verdicts


def names(verdicts: Verdicts, persons: int = 1) -> dict[int, tuple[str, list[int]]]:
    return {
        int(record, 16): (found.digest[0], [int(name, 16) for name in found.names])
        for record, found in verdicts.rejections(persons).items()
    }


def test_what_was_rejected_is_remembered_by_record_digest_and_name() -> None:
    verdicts = remembered(
        journal(
            (1, "a", 7, choice("reject")),
            (2, "a", 8, choice("accept")),
            (3, "a", 9, choice("unsure")),
            (4, "a", 10, None),
            (5, "a", 11, choice("reject", batch=None)),
        )
    )
    assert names(verdicts) == {1: ("a", [7])}
    assert verdicts.rejections(1) == {f"{1:032x}": Rejections("a" * 32, (f"{7:012x}",))}
    assert [one.choice.verdict for one in verdicts.decided] == [
        "reject", "accept", "unsure", "reject",
    ]  # fmt: skip


def test_names_come_in_the_order_of_rounds_and_the_newest_state_of_a_record_counts_alone() -> None:
    verdicts = remembered(
        journal((1, "a", 7, choice("reject")), number=1),
        journal((1, "a", 6, choice("reject")), number=2),
        journal((1, "a", 7, choice("reject")), number=3),
        journal((2, "a", 7, choice("reject")), number=1),
        journal((2, "b", 6, choice("reject")), number=4),
    )
    assert names(verdicts) == {1: ("a", [6, 7]), 2: ("b", [6])}


def test_the_same_journal_again_changes_nothing_and_its_later_state_counts() -> None:
    first = journal((1, "a", 7, choice("reject", batch=None)))
    later = journal((1, "a", 7, choice("reject")))
    verdicts = remembered(first)
    assert names(verdicts) == {}
    assert remembered(first, first) == verdicts
    assert names(verdicts.with_journals([later])) == {1: ("a", [7])}
    assert remembered(first, later, later) == remembered(later)


def test_what_was_taken_back_is_not_remembered_and_what_was_sent_is() -> None:
    """The nightly job keeps what was decided by then, though it was not sent."""
    decided = journal((1, "a", 7, choice("unsure", batch=None)), (2, "a", 8, choice("reject")))
    verdicts = remembered(decided, journal((1, "a", 7, None)))
    assert [int(one.record, 16) for one in verdicts.decided] == [2]


def test_one_person_settles_a_question_or_two_who_agree() -> None:
    reject, accept, unsure = (partial(choice, one) for one in ("reject", "accept", "unsure"))
    for choices, one, two in (
        ([], None, None),
        ([unsure()], None, None),
        ([reject()], "reject", None),
        ([reject(batch=None)], None, None),
        ([reject(2), accept(1)], "accept", None),
        ([reject(2), unsure(1), reject(3)], "reject", "reject"),
        ([accept(1), accept(2)], "accept", "accept"),
        ([reject(1), accept(2), accept(3), reject(4)], "reject", "accept"),
    ):
        assert (settled(choices, 1), settled(choices, 2)) == (one, two), choices


def test_where_two_must_agree_what_one_rejected_does_not_count() -> None:
    verdicts = remembered(
        journal((1, "a", 7, choice("reject")), (2, "a", 8, choice("reject"))),
        journal((1, "a", 7, choice("accept", 2)), (2, "a", 8, choice("reject", 2)), person=TWO),
    )
    assert names(verdicts, persons=2) == {2: ("a", [8])}
    assert names(verdicts, persons=1) == {1: ("a", [7]), 2: ("a", [8])}


def test_a_pair_that_comes_again_shows_what_was_decided_of_it() -> None:
    verdicts = remembered(
        journal((1, "a", 7, choice("unsure")), number=1),
        journal((1, "a", 7, choice("accept")), number=2, person=TWO),
    )
    found = verdicts.of(PairName(f"{1:032x}", "a" * 32, f"{7:012x}"))
    assert [(one.round, one.person, one.choice.verdict) for one in found] == [
        (1, ONE, "unsure"),
        (2, TWO, "accept"),
    ]
    assert verdicts.of(PairName(f"{1:032x}", "b" * 32, f"{7:012x}")) == ()


def test_what_is_remembered_is_sealed(tmp_path: Path) -> None:
    path = tmp_path / "kept.sealed"
    file = VerdictsFile(path, "demo", "schools", bytes(32))
    assert file.read() == Verdicts(partner="schools")
    verdicts = remembered(journal((1, "a", 7, choice("reject"))))
    file.write(verdicts)
    assert file.read() == verdicts
    assert b"reject" not in path.read_bytes()
