"""Attacks that no goal hangs on: each finds what is there, and all of them report."""

from __future__ import annotations

import numpy as np
from samples.strangers import strangers

from encoding.extras.attacks.beside import Sizes, attack_beside
from encoding.extras.attacks.distances import guess_name_pairs
from encoding.extras.attacks.insiders import ask_as_agency
from encoding.extras.attacks.known_pairs import attack_known_pairs, person_tokens, signs
from encoding.extras.attacks.page import TRIED, sections
from encoding.extras.attacks.plain import plain_clks
from encoding.extras.attacks.spread import spread_traits
from encoding.privacy_audit.attributes import pair_features
from encoding.privacy_audit.graph import Edges
from encoding.privacy_audit.refinement import SharedCells


def test_each_attack_is_told_on_the_page_and_in_lines(scene) -> None:
    graph = scene.shared_cells()
    linked = np.unique(graph.between.left, return_index=True)[1]
    features = pair_features(graph, scene.labels, linked)
    sizes = Sizes(n_plain=700, n_known=(200,), n_probes=100)
    beside = attack_beside(scene, graph, linked, features, sizes)
    assert beside.plain.known_pairs[0].share > 0.8
    assert [was(beside) for *_, was in TRIED] == [True] * len(TRIED)
    (line,) = beside.lines()
    assert line.startswith("As plain CLKs, ")
    (note,) = beside.notes()
    assert "asked about 100 named people" in note
    plain, others = sections(beside, ())
    assert (plain.heading, others.heading) == (
        "The same people as plain CLKs",
        "Attacks without a goal",
    )


def test_plain_clks_are_open_to_regression_and_random_bits_are_not(students) -> None:
    people = np.arange(1_200)
    tokens = person_tokens(students, people)
    plain = attack_known_pairs(signs(plain_clks(students, people)), tokens, 300)
    assert plain.share > 0.9
    random = np.random.default_rng(1).integers(0, 256, (1_200, 128), dtype=np.uint8)
    assert attack_known_pairs(signs(random), tokens, 300).n_right <= 8


def test_the_mean_of_several_meetings_is_sharper_than_one(scene, pair) -> None:
    found = guess_name_pairs(scene.shared_cells(), scene.labels, pair.smaller, pair.larger)
    if found is not None:
        assert found.error_mean < found.error_once


def test_whoever_may_link_may_ask(scene, children) -> None:
    found = ask_as_agency(scene, strangers(children, 200, seed=77), 200)
    assert found.n_told > 0.9 * found.n_probes
    assert found.n_dates_found > 0.5 * found.n_dates


def test_traits_spread_from_known_children_along_equal_tags(scene) -> None:
    lane = scene.labels.columns.index("sex")
    shown = np.zeros((2, len(scene.labels.columns)), dtype=np.int8)
    shown[0, lane] = 1
    n = np.ones(2, dtype=np.int64)
    within = Edges(
        np.array([0, 0]),
        np.array([1, 2]),
        n.astype(np.uint64),
        n,
        shown,
        np.zeros((2, 3), np.float32),
    )
    none = np.empty(0, dtype=np.int64)
    apart = Edges(none, none, none.astype(np.uint64), none, shown[:0], within.distance[:0])
    graph = SharedCells(4, 0, apart, within)
    values = {"sex": np.array(["F", "F", "M", "M"])}
    known = np.array([True, False, False, False])
    (found,) = spread_traits(graph, scene.labels, values, known, none)
    assert (found.n, found.n_told, found.n_right) == (3, 1, 1)
