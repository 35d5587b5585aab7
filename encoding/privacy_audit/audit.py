"""Runs the attacks on what a broker would have of a file and a rehearsed partner's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from encoding.privacy_audit.attributes import (
    AttributeResult,
    Features,
    attributes_of,
    guess_attribute,
    pair_features,
)
from encoding.privacy_audit.files import ClearFile, Numbers
from encoding.privacy_audit.refinement import ShapeResult, SharedCells, follow, tell_apart
from encoding.privacy_audit.reidentification import NamingResult, Register, Target, name_records
from encoding.privacy_audit.results import Audit, AuditScope, Naming
from encoding.privacy_audit.row_bytes import SealedResult, attack_rows, sealed_rows
from encoding.privacy_audit.scene import Pair, Scene, rehearse_partner
from encoding.progress import Progress, silent
from schemas.linkage.privacy_audit import SMALLEST_AUDITED_FILE
from schemas.linkage.profile import EncodingProfile, Side

_CHANGED: Final = 0.02


def audit_file(
    profile: EncodingProfile,
    file: ClearFile,
    side: Side,
    scope: AuditScope,
    *,
    n_in_file: int | None = None,
    most_partner: int | None = None,
    groups: Sequence[str] | None = None,
    seed: int = 1,
    progress: Progress = silent,
) -> Audit:
    """Attack a file together with a partner's that is rehearsed.

    Args:
        profile: the encoding profile under attack.
        file: this agency's, or a sample of its records.
        side: whether it is the larger or the smaller file of the pair, by the agreement.
        scope: how much is attacked.
        n_in_file: how many records the whole file has; None: these are all.
        most_partner: how many records the partner's file has at most, by the agreement; None: not known.
        groups: ethnic group of each record, where the agency knows it and its file is the smaller one.
        seed: draws the partner, the keys and the attacker's luck.
        progress: told before each attack.
    """
    whole = max(n_in_file or 0, file.n_records)
    sampled = file.n_records / max(whole, 1)
    # Some records of a file may not be encodable, and those that are still count as the file.
    if whole < SMALLEST_AUDITED_FILE or file.n_records < SMALLEST_AUDITED_FILE // 2:
        return Audit(0, 0, sampled)
    progress("rehearsing a partner's file", 0.0, 0, "attacks")
    n_partner = scope.n_partner or _partner_size(side, whole, most_partner or whole * 50)
    pair = rehearse_partner(file, side, n_partner, seed, sampled=sampled)
    if groups is not None and side == "smaller":
        pair = Pair(pair.smaller, pair.larger, pair.who_smaller, pair.who_larger, groups)
    return audit_pair(profile, pair, scope, sampled=sampled, seed=seed, progress=progress)


def audit_pair(
    profile: EncodingProfile,
    pair: Pair,
    scope: AuditScope,
    *,
    sampled: float = 1.0,
    seed: int = 1,
    progress: Progress = silent,
) -> Audit:
    """Attack two files of which it is known who is in both."""
    progress("sharing cells", 0.1, 1, "attacks")
    scene = Scene(profile, pair, seed)
    graph = scene.shared_cells()
    linked = linked_edges(pair, graph)
    features = pair_features(graph, scene.labels, linked)
    records = graph.between.left[linked]
    progress("attacking rows", 0.3, 2, "attacks")
    sealed = _seal(scene, scope.n_sealed, seed)
    progress("guessing attributes", 0.4, 3, "attacks")
    guessed = _guess(pair, features, records)
    naming: tuple[Naming, ...] = ()
    apart = exact = followed = None
    if scope.registers:
        progress("naming people", 0.5, 4, "attacks")
        naming = tuple(_name(scene, graph, scope.n_known, seed))
        apart, exact = tell_apart(graph), tell_apart(scene.shared_cells(exact=True))
        followed = _follow(scene, graph, seed)
    return Audit(
        n_smaller=pair.smaller.n_records,
        n_larger=pair.larger.n_records,
        sampled=sampled,
        shown_larger=len(np.unique(graph.between.right)) / pair.larger.n_records,
        shown_linked=len(np.unique(graph.between.right[linked])) / pair.larger.n_records,
        sealed=sealed,
        apart=apart,
        apart_exact=exact,
        followed=followed,
        naming=naming,
        attributes=guessed,
    )


def _partner_size(side: Side, n_records: int, most: int) -> int:
    if side == "larger":
        return min(max(min(n_records // 50, most), SMALLEST_AUDITED_FILE), 60_000, n_records)
    return min(max(min(50 * n_records, most), SMALLEST_AUDITED_FILE), 200_000)


def linked_edges(pair: Pair, graph: SharedCells) -> Numbers:
    """Return the edges that lead from a child to its own record: one a child, the one with most cells."""
    edges = graph.between
    same = np.flatnonzero(pair.who_smaller[edges.left] == pair.who_larger[edges.right])
    order = same[np.lexsort((-edges.n_cells[same], edges.left[same]))]
    _, first = np.unique(edges.left[order], return_index=True)
    return order[first].astype(np.int64)


def _guess(pair: Pair, features: Features, records: Numbers) -> tuple[AttributeResult, ...]:
    values = attributes_of(pair.smaller, pair.groups)
    found = (guess_attribute(name, features, kind[records]) for name, kind in values.items())
    return tuple(result for result in found if result is not None)


def _name(scene: Scene, graph: SharedCells, n_known: Sequence[int], seed: int) -> list[Naming]:
    def perfect() -> Register:
        return scene.perfect_register()

    def partial(*, mistaken: bool) -> Register:
        return scene.partial_register(
            complete=0.9, with_strangers=0.1, mistaken=mistaken, seed=seed
        )

    kinds = (
        ("perfect", perfect),
        ("90% complete, with 10% strangers", lambda: partial(mistaken=False)),
        ("the same, with mistakes", lambda: partial(mistaken=True)),
    )
    target, found = scene.target(graph), []
    order = scene.draw.permutation(graph.n_smaller).astype(np.int64)
    known = [order[:n] for n in n_known if n + SMALLEST_AUDITED_FILE // 2 <= graph.n_smaller]
    for name, make in kinds:
        # One register at a time: that of a nation is large.
        found.append(Naming(name, _named(target, make(), known)))
    return found


def _named(
    target: Target, register: Register, known: Sequence[Numbers]
) -> tuple[NamingResult, ...]:
    return tuple(name_records(target, register, records) for records in known)


def _follow(scene: Scene, graph: SharedCells, seed: int) -> ShapeResult:
    after = scene.next_round(_CHANGED, seed)
    same = (np.arange(graph.n_smaller), np.arange(graph.n_larger))
    is_stranger = ~np.isin(scene.pair.who_larger, scene.pair.who_smaller)
    return follow(graph, after, *same, is_stranger)


def _seal(scene: Scene, n_records: int, seed: int) -> tuple[SealedResult, ...]:
    found = []
    for side, file in (("smaller", scene.pair.smaller), ("larger", scene.pair.larger)):
        drawn = scene.draw.permutation(file.n_records)[:n_records]
        some = file.take(np.sort(drawn).astype(np.int64))
        # As `encoding.packing` does: numbers follow random handles.
        numbers = scene.draw.permutation(some.n_records).astype(np.int64)
        key = scene.draw.bytes(32)
        rows = sealed_rows(scene.profile, some, side, key, numbers)  # type: ignore[arg-type]
        found.append(attack_rows(rows, numbers, seed))
    return tuple(found)
