"""The graph of shared cells: what real rows give, clever attacks against their slow twins, planted shapes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twins import shared_cells as slow

from app.matching.blocks.rows import ROW, join_rows
from encoding.privacy_audit.cells import meet
from encoding.privacy_audit.files import ClearFile
from encoding.privacy_audit.graph import Edges
from encoding.privacy_audit.labels import ABSENT, _common, expected_distance
from encoding.privacy_audit.refinement import SharedCells, follow, refine, tell_apart
from encoding.privacy_audit.reidentification import Chosen, Register, Target, _extend, name_records
from encoding.privacy_audit.row_bytes import sealed_rows
from encoding.privacy_audit.scene import Scene, rehearse_partner

NOBODY = np.empty(0, dtype=np.int64)


def edges(listed: list[slow.Edge]) -> Edges:
    each = sorted({(left, right): label for left, right, label in listed}.items())
    left = np.array([pair[0] for pair, _ in each], dtype=np.int64)
    right = np.array([pair[1] for pair, _ in each], dtype=np.int64)
    label = np.array([label for _, label in each], dtype=np.uint64)
    n = len(each)
    return Edges(
        left,
        right,
        label,
        np.ones(n, np.int64),
        np.ones((n, 1), np.int8),
        np.zeros((n, 1), np.float32),
    )


def tuples(made: Edges) -> list[slow.Edge]:
    return list(zip(made.left.tolist(), made.right.tolist(), made.label.tolist(), strict=True))


def listed_in(made: Edges, person: np.ndarray, n_larger: int, **slices: int) -> Register:
    """A register of people who meet as these edges say."""

    def some(people: Chosen, larger: Chosen) -> Edges:
        is_meant = np.ones(len(made), dtype=bool)
        for chosen, where in ((people, made.left), (larger, made.right)):
            is_meant &= True if chosen is None else chosen[where]
        return made.take(is_meant)

    return Register(some, person, n_larger, **slices)


def drawn_edges(n_left: int, n_right: int, n_labels: int = 3) -> st.SearchStrategy[list[slow.Edge]]:
    edge = st.tuples(
        st.integers(0, n_left - 1), st.integers(0, n_right - 1), st.integers(0, n_labels)
    )
    return st.lists(edge, max_size=30)


def partition(colours: list[object]) -> list[list[int]]:
    groups: dict[object, list[int]] = {}
    for place, colour in enumerate(colours):
        groups.setdefault(colour, []).append(place)
    return sorted(groups.values())


def test_meetings_are_those_of_real_rows(children, scene) -> None:
    # As the scene has it: who is in both files was linked before.
    pair = scene.pair
    assert sum(map(bool, pair.smaller.columns["linked_before_1"])) > 50
    met = meet(scene.keys_smaller, scene.keys_larger, children.block_cap, scene.draw)
    few = pair.smaller.take(np.arange(150))
    rows = [
        sealed_rows(children, file, side, bytes(32), np.arange(file.n_records)).view(ROW)
        for file, side in ((few, "smaller"), (pair.larger, "larger"))
    ]
    joined = join_rows(*rows)
    real = Counter(
        zip(
            rows[0]["record"][joined.smaller].tolist(),
            rows[1]["record"][joined.larger].tolist(),
            strict=True,
        )
    )
    ours = Counter(zip(met.left.tolist(), met.right.tolist(), strict=True))
    ours = Counter({pair: n for pair, n in ours.items() if pair[0] < 150})
    # Which rows stay of a block above the cap is drawn, by each for itself; how many do is not.
    assert Counter(left for left, _ in real.elements()) == Counter(
        left for left, _ in ours.elements()
    )
    assert (real - ours).total() < 0.1 * real.total()


def test_what_a_meeting_shows_is_what_real_rows_show(children, scene, pair) -> None:
    graph = scene.shared_cells()
    alike = graph.between.nearest[:, 0] == 44
    assert (graph.between.distance[alike, 0][graph.between.n_cells[alike] == 1] == 0).all()
    main = pair.smaller.main
    names = np.array([pair.smaller.columns["first_name"][at] for at in main.tolist()])
    others = np.array([pair.larger.columns["first_name"][at] for at in pair.larger.main.tolist()])
    once = np.bincount(pair.smaller.record)[graph.between.left] == 1
    same = names[graph.between.left] == others[graph.between.right]
    assert (same == alike)[once].mean() > 0.99


def test_the_expected_distance_is_that_of_drawn_filters() -> None:
    random = np.random.default_rng(1)
    for common in (0, 20, 40, 44):
        distances = []
        for _ in range(2_000):
            shared, one, other = (
                set(random.integers(0, 64, n).tolist()) for n in (common, 44 - common, 44 - common)
            )
            distances.append(len((shared | one) ^ (shared | other)))
        assert np.mean(distances) == pytest.approx(expected_distance(common, 44), abs=0.4)


def test_names_have_in_common_what_plain_loops_count(scene) -> None:
    calls = scene.labels._filters[0].calls()
    values = np.random.default_rng(1).integers(0, len(calls.start) - 1, (2, 2_000))
    left, right = np.concatenate([values, [values[0, :50]] * 2, np.zeros((2, 1), np.int64)], axis=1)

    def draws(value: int) -> dict[int, int]:
        here = slice(calls.start[value], calls.start[value + 1])
        return dict(zip(calls.words[here].tolist(), calls.draws[here].tolist(), strict=True))

    expected = [
        slow.common_draws(draws(one), draws(other)) if one and other else ABSENT
        for one, other in zip(left, right, strict=True)
    ]
    assert _common(calls, left, right).tolist() == expected
    assert {ABSENT, 0, 44} < set(expected)


@settings(max_examples=80)
@given(drawn_edges(6, 7), drawn_edges(6, 6), st.integers(0, 4))
def test_refinement_is_that_of_plain_loops(between, within, depth) -> None:
    ours = edges(between)
    inside = edges([(a, b, label) for a, b, label in within if a < b])
    found = refine(SharedCells(6, 7, ours, inside), depth)
    expected = slow.refine(6, 7, tuples(ours), tuples(inside), depth)
    for colours, twin in zip((found.smaller, found.larger), expected, strict=True):
        assert partition(colours.tolist()) == partition(twin)


# Two records that are told apart give a third one other names.
TWO_NAMES = (
    [(0, 0, 0), (0, 1, 3), (1, 0, 2), (2, 0, 0)],
    [(0, 0, 0), (0, 1, 3), (1, 0, 0), (2, 1, 0), (3, 1, 2)],
)


@settings(max_examples=80)
@example(*TWO_NAMES, 0, 1)
@given(drawn_edges(6, 7), drawn_edges(8, 7), st.integers(0, 3), st.integers(1, 8))
def test_seed_and_extend_is_that_of_plain_loops(seen, listed, n_known, at_once) -> None:
    ours, theirs = edges(seen), edges(listed)
    persons = np.array([0, 1, 2, 3, 4, 5, 6, 7])
    target = Target(ours, np.arange(6), np.arange(7))
    known = np.arange(n_known)
    found = _extend(target, listed_in(theirs, persons, 7, at_once=at_once), known)
    expected = slow.seed_and_extend(
        tuples(ours), tuples(theirs), persons.tolist(), {n: n for n in range(n_known)}, 5
    )
    assert {at: who for at, who in enumerate(found.tolist()) if who >= 0} == expected


def star(n: int) -> Edges:
    """Records that each meet one other by a label of their own: a planted weakness, as rarity tags are."""
    return edges([(at, at, at) for at in range(n)])


def test_labels_of_ones_own_name_everybody() -> None:
    none = edges([])
    graph = SharedCells(20, 20, star(20), none)
    assert tell_apart(graph).smaller == 1
    found = follow(graph, graph, np.arange(20), np.arange(20), np.arange(20) < 5)
    assert (found.larger, found.strangers) == (1, 0.25)
    target = Target(star(20), np.arange(20), np.arange(20))
    register = listed_in(star(20), np.arange(20), 20)
    assert name_records(target, register, NOBODY).share == 1


def test_equal_stars_name_nobody() -> None:
    same = edges([(at, at, 7) for at in range(20)])
    assert tell_apart(SharedCells(20, 20, same, edges([]))).smaller == 0
    target = Target(same, np.arange(20), np.arange(20))
    found = name_records(target, listed_in(same, np.arange(20), 20), NOBODY)
    assert (found.n_guessed, found.n_right) == (0, 0)


def test_a_known_record_leads_to_those_that_meet_the_same_one() -> None:
    # Two meet the same record; all stars look alike but for it.
    both = [(0, 0, 1), (1, 0, 2), (2, 1, 2), (3, 2, 2)]
    target = Target(edges(both), np.arange(4), np.arange(3))
    register = listed_in(edges(both), np.arange(4), 3)
    alone = name_records(Target(edges(both), np.arange(4), np.arange(3)), register, NOBODY)
    helped = name_records(target, register, np.array([0]))
    assert helped.n_right >= 1
    assert alone.n_right <= 2


def test_a_register_of_other_people_names_nobody(scene) -> None:
    graph = scene.shared_cells()
    register = scene.perfect_register()
    wrong = Register(register.edges, register.person + 10**6, register.n_larger)
    found = name_records(scene.target(graph), wrong, NOBODY)
    assert found.n_right == 0


def test_a_register_names_the_same_records_however_few_people_are_taken_at_once(scene) -> None:
    whole = scene.perfect_register()
    sliced = Register(whole.edges, whole.person, whole.n_larger, at_once=999)
    assert (whole.stars == sliced.stars).all()
    everybody = whole.edges(None, None)
    joined = sliced.edges_of(np.ones(len(whole.person), dtype=bool))
    assert tuples(everybody) == tuples(joined)
    assert (everybody.distance == joined.distance).all()
    # The broker sees just what the list foretells.
    n = 3_000
    target = Target(everybody.take(everybody.left < n), whole.person[:n], whole.person)
    found = name_records(target, whole, np.arange(50))
    assert found == name_records(target, sliced, np.arange(50))
    assert found.n_right > 10


def people_of(file: ClearFile) -> set[tuple[str, ...]]:
    names = ("first_name", "surname_1", "birth_date")
    return set(zip(*(file.columns[name] for name in names), strict=True))


def test_the_strangers_of_a_register_are_in_neither_file(children, students) -> None:
    pair = rehearse_partner(students.take(np.arange(500)), "smaller", 4_000, seed=3)
    scene = Scene(children, pair, seed=3)
    listed, who, _ = scene._partial(0.0, 0.5, mistaken=False, seed=3)
    assert len(who) == listed.n_records == 2_000
    assert len(people_of(listed) & (people_of(pair.smaller) | people_of(pair.larger))) < 5


def test_distances_single_out_one_of_many_like_stars() -> None:
    n = 30
    same = edges([(at, at, 7) for at in range(n)])
    shown = np.linspace(2, 60, n, dtype=np.float32)[:, None]
    cells = np.full(n, 9)
    ours = Edges(same.left, same.right, same.label, cells, same.nearest, shown)
    target = Target(ours, np.arange(n), np.arange(n))
    found = name_records(target, listed_in(ours, np.arange(n), n), NOBODY)
    assert found.share > 0.9
