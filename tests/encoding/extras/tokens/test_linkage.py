"""Records of exact tokens linked by their patterns: against the slow way, and where the EM of a run ends."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.random import default_rng

from app.matching.blocks.decisions import Band
from app.matching.blocks.resolution import Resolution
from app.matching.blocks.weights import Model, PatternTable, fit_weights
from encoding.extras.tokens import linkage as token_linkage
from encoding.extras.tokens.linkage import Tokens, link_tokens
from schemas.linkage.link_quality import wrong_links

RULES = ("T1", "T2", "T3", "T4", "T5")


def linked(run: Resolution) -> set[tuple[int, int]]:
    pairs = run.rows(Band.AUTO)
    return set(zip(pairs["smaller"].tolist(), pairs["larger"].tolist(), strict=True))


def levels_of(one: list[int], other: list[int]) -> tuple[int, ...]:
    return tuple(
        0 if not a or not b else 1 if a == b else 2 for a, b in zip(one, other, strict=True)
    )


def drawn(seed: int, n: int) -> Tokens:
    return default_rng(seed).integers(0, 6, (n, len(RULES)))


def test_pairs_and_patterns_are_those_of_the_slow_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_linkage, "_AT_ONCE", 7)
    a, b = drawn(1, 20), drawn(2, 31)
    run, *_ = link_tokens(RULES, a, b)
    slow = {
        (i, j): levels_of(one, other)
        for (i, one), (j, other) in product(enumerate(a.tolist()), enumerate(b.tolist()))
        if 1 in levels_of(one, other)
    }
    levels = dict(zip(run.table.codes, run.table.levels, strict=True))
    found = [(int(p["smaller"]), int(p["larger"])) for p in run.rows()]
    assert len(found) == len({*found})
    assert {at: levels[int(p["code"])] for at, p in zip(found, run.rows(), strict=True)} == slow
    assert sum(run.table.pairs) == len(slow)


def test_a_token_of_too_many_records_brings_nobody_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(token_linkage, "_MOST_ALIKE", 3)
    a = np.array([[1, 7], [2, 0]])
    b = np.array([[1, 7]] * 2 + [[n, 7] for n in (10, 11)] + [[2, 8]])
    run, of_a, of_b, _ = link_tokens(("T1", "T5"), a, b)
    assert len(run.rows()) == 3
    # Where another token does, the common one still tells whether they agree.
    assert set(run.table.levels) == {(1, 1), (1, 0)}
    assert (of_a.keyed.tolist(), of_a.sent.tolist()) == ([3, 1], [1, 1])
    assert of_b.sent.tolist() == [1, 1, 1, 1, 3]


def test_weights_are_where_the_em_ends() -> None:
    strangers = {(1, 3): 40.0, (2, 3): 5.0, (3, 3): 0.5}
    found = {(1, 3): 60, (2, 3): 50, (3, 3): 900}
    n_pairs = 10**6
    matches, totals = token_linkage._weigh(found, strangers)
    u = (0.0, *(strangers[one] / n_pairs for one in found))
    flat = (0.0, *(1 / 3 for _ in found))
    model = Model((flat,), (u,), ((0.0,) * 4,), 0.0, 0, (), 0)
    table = PatternTable((1, 2, 3), ((1,), (2,), (3,)), tuple(found.values()))
    fitted = fit_weights(model, table, n_pairs=n_pairs, prior_matches=500)
    assert fitted.expected == pytest.approx(matches, rel=1e-6)
    assert fitted.total == pytest.approx(totals, abs=2)


def test_agreement_on_a_common_name_alone_links_nobody() -> None:
    # Seven hundred names in two files of strangers; nothing else is the same.
    a, b = (np.arange(1, 4001).reshape(-1, 5) + add for add in (0, 100_000))
    for some, seed in ((a, 1), (b, 2)):
        some[:, 4] = default_rng(seed).integers(1, 701, len(some))
    run, *_ = link_tokens(RULES, a, b)
    assert len(run.rows()) > 700
    assert linked(run) == set()


def test_where_names_are_few_whole_names_are_counted_too() -> None:
    # Each full name and date of birth is one of eight hundred, and the Social Security numbers all differ.
    some = np.arange(1, 10001).reshape(-1, 5)
    some[:, [0, 2, 4]] = default_rng(1).integers(1, 801, (len(some), 1))
    run, *_ = link_tokens(RULES, some[:1000], some[1000:])
    assert len(run.rows()) > 1000
    assert linked(run) == set()


def test_a_few_records_are_enough_for_whole_agreement() -> None:
    a = np.arange(1, 11).reshape(2, 5)
    b = np.concatenate([a, a[:1] + 50])
    run, *_ = link_tokens(RULES, a, b)
    assert linked(run) == {(0, 0), (1, 1)}


def test_rules_of_other_names_are_counted_in_the_file() -> None:
    rules = ("A", "B")
    a = np.arange(1, 2001).reshape(-1, 2)
    run, *_ = link_tokens(rules, a, np.concatenate([a, a + 10**6]))
    assert len(linked(run)) == len(a)
    crowd = default_rng(1).integers(1, 40, (900, 2))
    run, *_ = link_tokens(rules, crowd[:400], crowd[400:])
    assert linked(run) == set()


def test_of_three_equal_records_none_is_linked_without_a_person() -> None:
    people, others = np.arange(1, 301).reshape(-1, 5), np.arange(1001, 1101).reshape(-1, 5)
    baby = np.full((3, 5), 999)
    for n_ours, n_theirs in ((3, 3), (3, 1), (1, 3)):
        ours = np.concatenate([people, baby[:n_ours]])
        run, *_ = link_tokens(RULES, ours, np.concatenate([people, others, baby[:n_theirs]]))
        assert linked(run) == {(at, at) for at in range(len(people))}
        assert run.n_in_band(Band.REVIEW) == min(n_ours, n_theirs), (n_ours, n_theirs)


def test_two_files_of_strangers_tell_that_all_links_may_be_wrong() -> None:
    # As many people by one full name and date of birth as in files a hundred times as large.
    some = np.arange(1, 15001).reshape(-1, 5)
    some[:, [0, 2, 4]] = default_rng(2).integers(1, 10**6, (len(some), 1))
    some[:, [1, 3]] = 0
    run, *_, more_wrong = link_tokens(RULES, some[:1000], some[1000:])
    assert linked(run)
    assert wrong_links(round(100 * more_wrong)).high >= len(linked(run))


def test_one_person_twice_by_the_social_security_number_is_no_stranger_nor_alike_by_chance() -> (
    None
):
    a = np.arange(1, 1001).reshape(200, 5)
    b = np.concatenate([a, a, np.arange(5001, 9001).reshape(800, 5)])
    run, *_, more_wrong = link_tokens(RULES, a, b)
    assert len(linked(run)) == 200
    assert run.expected_false_matches < 0.01
    assert more_wrong < 1
    *_, more_wrong = link_tokens(RULES, a[:, :3], b[:, :3])
    assert more_wrong > 60


def test_names_of_rules_count_for_nothing_unless_all_are_published() -> None:
    some = default_rng(1).integers(1, 2000, (900, 1))
    run, *_ = link_tokens(("T2",), some[:400], some[400:], are_published=False)
    assert linked(run) == set()


def test_the_order_of_rows_changes_no_decision() -> None:
    rng = default_rng(3)
    a = rng.integers(1, 10**6, (300, 5))
    b = np.concatenate([np.where(rng.random((200, 5)) < 0.2, 0, a[:200]), a[:150] + 10**7])
    order = rng.permutation(len(b))
    place = np.argsort(order)
    run, turned = link_tokens(RULES, a, b)[0], link_tokens(RULES, a, b[order])[0]
    assert linked(turned) == {(one, int(place[other])) for one, other in linked(run)}
    assert turned.table == run.table
    assert turned.weights == run.weights
