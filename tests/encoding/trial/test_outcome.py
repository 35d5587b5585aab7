"""Which records are linked, and why the others are not."""

from __future__ import annotations

from datetime import date

from encoding.trial.outcome import MISSED, TRIAL_SENTENCES
from encoding.trial.trial import Trial, run_trial


def reasons(tried: Trial) -> dict[str, tuple[str, ...]]:
    return {one.record_id: one.reasons for one in tried.outcome.unmatched("a")}


def test_pairs_of_one_person_are_linked_the_same_each_time(tried: Trial) -> None:
    again = run_trial(tried.profile, tried.sources, tried.guesses, as_of=date(2026, 11, 20))
    assert [*again.outcome.pairs] == [*tried.outcome.pairs]
    found = {(one.id_a, one.id_b): one for one in tried.outcome.pairs}
    assert {("same", "SAME"), ("typo", "TYPO")} <= found.keys()
    assert found["same", "SAME"].chance > found["typo", "TYPO"].chance > 0.9
    assert found["same", "SAME"].weight > found["typo", "TYPO"].weight > 3


REASONS = {
    "undated": ("no-birth-date", "no-key", "none-near"),
    "odd-date": ("unreadable-birth-date",),
    "odd-sex": ("unreadable-sex",),
    "nameless": ("no-name",),
    "new-year": ("default-date", "none-near"),
    "alone": ("none-near",),
    "one-name": ("no-last-name", "none-near"),
    "stranger": ("not-likely",),
}


def test_a_record_without_a_link_has_its_reason_and_every_reason_its_words(tried: Trial) -> None:
    found = reasons(tried)
    assert {record: found[record] for record in REASONS} == REASONS
    # Two records of one person are equally likely: one is for review.
    assert {found["twice"], found["twice-again"]} == {("held-for-review",), ("nearer-rival",)}
    for one in (*tried.outcome.unmatched("a"), *tried.outcome.unmatched("b")):
        assert one.reasons
        assert {*one.reasons} <= TRIAL_SENTENCES.keys()
    assert TRIAL_SENTENCES.keys() == MISSED.keys()


def test_a_missed_pair_is_counted_by_what_is_wrong_with_it(tried: Trial) -> None:
    assert tried.measured is not None
    assert tried.measured.evaluation.n_correct == 2
    assert tried.measured.missed == {"no-birth-date": 1}
    found = tried.outcome.missed_by_reason([("alone", "B1"), ("stranger", "STRANGER")])
    assert found == {"none-near": 1, "not-likely": 1}


def test_no_repr_holds_a_record(tried: Trial) -> None:
    outcome = tried.outcome
    shown = (
        f"{tried!r}{outcome!r}{outcome.a!r}{outcome.a.records!r}{outcome.pairs[0]!r}{outcome.run!r}"
    )
    assert not any(one in shown for one in ("same", "SAME", "Ortiz", "2012"))
