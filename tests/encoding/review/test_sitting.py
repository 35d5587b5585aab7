"""A sitting: which pairs a person may decide, how far each card is open, and what they are not shown again."""

from __future__ import annotations

from pathlib import Path

from samples.sittings import ELEMENTS, NOW, PEOPLE, REVIEWER, sitting

from encoding.review.journal import Choice
from encoding.review.sitting import open_cases
from encoding.review.verdicts import Decided, Verdicts
from schemas.documents.ids import Handle
from schemas.rounds.review import Question, Reference, Verdict


def decided(place: int, verdict: Verdict, digest: str | None = None, number: int = 2) -> Decided:
    reason = {"accept": "same-person", "reject": "other-person", "unsure": "wrong-data"}[verdict]
    return Decided(
        round=number,
        record=f"{place:032x}",
        digest=digest or f"{place:032x}",
        name=f"{place:012x}",
        person=REVIEWER.public.person,
        choice=Choice(verdict=verdict, reason=reason, at="2026-11-13T22:30:00Z", batch=1),  # type: ignore[arg-type]
    )


def test_the_own_record_is_whole_and_the_card_is_opened_step_by_step(tmp_path: Path) -> None:
    found = sitting(tmp_path)
    case = found.cases[0]
    shown = []
    for _ in range(5):
        compared = case.compared(found.looked(case).step)
        assert [one.own for one in compared] == list(PEOPLE[0][0])
        shown.append(compared[0].theirs)
        found.open(case)
    assert shown == ["••••••", "C···", "········a", "Christina", "Christina"]
    assert [one.name for one in compared] == list(ELEMENTS)
    assert case.only_own() == (("zip", "00234"),)
    # As it was left, in the next command too.
    assert sitting(tmp_path).looked(case).opened == (1, 1, 3)


def test_the_standing_counts_what_is_decided_and_what_is_left(tmp_path: Path) -> None:
    found = sitting(tmp_path)
    found.decide(found.cases[0], "accept", "same-person", NOW)
    found.decide(found.cases[2], "unsure", "wrong-data", NOW)
    standing = sitting(tmp_path).standing()
    assert (standing.pairs, standing.decided, standing.unsent, standing.left) == (4, 2, 2, 2)


def test_what_the_person_was_unsure_of_is_not_shown_again_unless_asked_for_or_changed(
    tmp_path: Path,
) -> None:
    verdicts = Verdicts(
        partner="schools",
        decided=(decided(0, "unsure"), decided(1, "unsure", digest="f" * 32), decided(2, "accept")),
    )
    found = sitting(tmp_path, verdicts=verdicts)
    assert [case.number for case in found.cases] == [2, 3, 4]
    assert found.again == 1
    assert [len(case.earlier) for case in found.cases] == [0, 1, 0]
    everything = sitting(tmp_path, verdicts=verdicts, again=True)
    assert [case.number for case in everything.cases] == [1, 2, 3, 4]
    everything.decide(everything.cases[0], "accept", "same-person", NOW)
    assert len(sitting(tmp_path, verdicts=verdicts).cases) == 4


def test_what_another_person_was_unsure_of_is_shown_and_what_has_left_is_told(
    tmp_path: Path,
) -> None:
    other = decided(0, "unsure").model_copy(update={"person": f"per-{'8' * 32}"})
    found = sitting(tmp_path, verdicts=Verdicts(partner="schools", decided=(other,)))
    assert [len(case.earlier) for case in found.cases] == [1, 0, 0, 0]
    assert [case.has_left for case in found.cases] == [False, False, False, True]
    assert "Ortiz" not in repr(found) + repr(found.cases)


def test_a_pair_of_which_a_side_is_missing_cannot_be_decided(tmp_path: Path) -> None:
    case = sitting(tmp_path).cases[0]
    question = Question(Reference(bytes(16)), Handle(bytes(16)), 0)
    for records, cards in (({}, {question.reference: case.card}), ({case.record: case.own}, {})):
        found = open_cases(
            [question],
            {question.handle: case.record},
            records,
            cards,
            verdicts=Verdicts(partner="schools"),
            person=REVIEWER.public.person,
        )
        assert found == ()
