"""Attack: what is known of some children spreads to those they meet, wherever a tag is equal.

Equal tags of sex and year of birth cut every connected part of the graph into kinds. One known child tells
the kind of all it meets with an equal tag: twins and siblings in the smaller file, namesakes in the larger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.privacy_audit.files import Numbers
from encoding.privacy_audit.graph import Edges
from encoding.privacy_audit.labels import Labels
from encoding.privacy_audit.refinement import SharedCells

_LANES: Final = {"sex": "sex", "birth year": "birth_year"}


@dataclass(frozen=True, slots=True)
class SpreadResult:
    """How far one trait spread.

    Attributes:
        name: of the trait.
        n: children who were not known.
        n_told: those who met a known one with an equal tag.
        n_right: those of them whose trait is that of the known one.
        gain: by how much the part of all children that is guessed rightly grows over chance.
    """

    name: str
    n: int
    n_told: int
    n_right: int
    gain: float


def spread_traits(
    graph: SharedCells,
    labels: Labels,
    values: Mapping[str, NDArray[np.str_]],
    known: NDArray[np.bool_],
    record_of: Numbers,
) -> tuple[SpreadResult, ...]:
    """Spread sex and birth year from known children."""
    found = []
    for name, lane in _LANES.items():
        if lane in labels.columns and name in values:
            at = labels.columns.index(lane)
            told = _told(graph, at, values[name], known, record_of)
            found.append(_counted(name, told, values[name], known))
    return tuple(found)


def _told(
    graph: SharedCells,
    lane: int,
    values: NDArray[np.str_],
    known: NDArray[np.bool_],
    record_of: Numbers,
) -> NDArray[np.str_]:
    """Return what each record is told to be; empty for nothing."""
    told = np.full(graph.n_smaller, "", dtype=values.dtype)
    within = graph.within
    links = [(within.left, within.right, within), (within.right, within.left, within)]
    links.append((record_of[graph.between.right], graph.between.left, graph.between))
    for source, other, edges in links:
        is_told = _equal(edges, lane) & (source >= 0) & known[source] & ~known[other]
        told[other[is_told]] = values[source[is_told]]
    return told


def _equal(edges: Edges, lane: int) -> NDArray[np.bool_]:
    equal: NDArray[np.bool_] = edges.nearest[:, lane] == 1
    return equal


def _counted(
    name: str, told: NDArray[np.str_], values: NDArray[np.str_], known: NDArray[np.bool_]
) -> SpreadResult:
    asked = ~known & (values != "")
    counts = np.unique(values[values != ""], return_counts=True)[1]
    chance = float(counts.max() / counts.sum()) if len(counts) else 0.0
    n, n_told = int(asked.sum()), int((asked & (told != "")).sum())
    n_right = int((asked & (told != "") & (told == values)).sum())
    return SpreadResult(name, n, n_told, n_right, (n_right - chance * n_told) / max(n, 1))
