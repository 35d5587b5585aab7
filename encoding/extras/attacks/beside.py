"""All of these attacks on one scene, and their results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from encoding.extras.attacks.distances import NamePairResult, guess_name_pairs
from encoding.extras.attacks.insiders import DishonestAgency, ask_as_agency
from encoding.extras.attacks.known_pairs import (
    KnownPairsResult,
    attack_known_pairs,
    person_tokens,
    scaled,
)
from encoding.extras.attacks.plain import PlainResult, attack_plain
from encoding.extras.attacks.spread import SpreadResult, spread_traits
from encoding.privacy_audit.attributes import Features, attributes_of
from encoding.privacy_audit.files import Numbers
from encoding.privacy_audit.likeness import Likeness
from encoding.privacy_audit.refinement import SharedCells
from encoding.privacy_audit.scene import Scene
from schemas.linkage.privacy_audit import SMALLEST_AUDITED_FILE

_KNOWN: Final = 1_000
AGENCY_NOTE: Final = (
    "An agency that may link may also ask: asked about {n:,} named people, it learned of {told:,} whether they"
    " are in the other file, and found {found} of {dates} birth dates by trying every day of a year. One record"
    " can carry {rows} such guesses. The agreement bounds this by the number of records, the share of links"
    " that is released, and the number of rounds; it does not prevent it."
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is attacked.

    Attributes:
        n_plain: records that are also attacked as plain CLKs.
        n_known: how many people the attacker knows, in turn.
        n_matched: how many plain CLKs are attacked by resemblance; 0 leaves that out.
        n_probes: people about whom a dishonest agency asks; 0 leaves that out.
    """

    n_plain: int
    n_known: tuple[int, ...]
    n_matched: int = 0
    n_probes: int = 0


SIZES: Final = {
    "full": Sizes(n_plain=4_000, n_known=(200, 1_000, 3_000), n_matched=1_000, n_probes=1_000),
    "quick": Sizes(n_plain=1_500, n_known=(200,)),
}


@dataclass(frozen=True, slots=True)
class Beside:
    """What the attacks found; None or empty: not tried, or too few records for it.

    Attributes:
        spread: traits that spread from 1,000 known children to those they meet.
        name_pairs: names guessed from distances.
        known_pairs: linked children named by regression on what is seen of them.
        agency: what a dishonest agency can ask.
        plain: the same records as plain CLKs.
    """

    spread: tuple[SpreadResult, ...]
    name_pairs: NamePairResult | None
    known_pairs: tuple[KnownPairsResult, ...]
    agency: DishonestAgency | None
    plain: PlainResult

    def lines(self) -> Iterator[str]:
        """Yield what the terminal shows."""
        for result in self.plain.known_pairs:
            yield (
                f"As plain CLKs, {result.share:.0%} of the same people are named by someone who knows"
                f" {result.n_known:,}."
            )

    def notes(self) -> Iterator[str]:
        """Yield what must be known."""
        agency = self.agency
        if agency is not None:
            yield AGENCY_NOTE.format(
                n=agency.n_probes,
                told=agency.n_told,
                found=agency.n_dates_found,
                dates=agency.n_dates,
                rows=agency.rows_a_record,
            )


def attack_beside(
    scene: Scene,
    graph: SharedCells,
    linked: Numbers,
    features: Features,
    sizes: Sizes,
    *,
    seed: int = 1,
) -> Beside:
    """Attack what is shared; `linked` are the edges that lead from a child to its own record."""
    pair, records = scene.pair, graph.between.left[linked]
    tokens = person_tokens(pair.smaller, records)
    return Beside(
        spread=_spread(scene, graph, linked),
        name_pairs=guess_name_pairs(graph, scene.labels, pair.smaller, pair.larger),
        known_pairs=tuple(
            attack_known_pairs(scaled(features), tokens, known)
            for known in _enough(sizes.n_known, len(records))
        ),
        agency=_ask(scene, sizes.n_probes, seed),
        plain=attack_plain(
            pair.smaller if pair.smaller.n_records >= sizes.n_plain else pair.larger,
            sizes.n_plain,
            sizes.n_known,
            sizes.n_matched,
        ),
    )


def _enough(n_known: Sequence[int], n: int) -> Iterator[int]:
    return (known for known in n_known if known + SMALLEST_AUDITED_FILE // 2 <= n)


def _spread(scene: Scene, graph: SharedCells, linked: Numbers) -> tuple[SpreadResult, ...]:
    known = np.zeros(graph.n_smaller, dtype=bool)
    known[scene.draw.permutation(graph.n_smaller)[: min(_KNOWN, graph.n_smaller // 2)]] = True
    record_of = np.full(graph.n_larger, -1, dtype=np.int64)
    record_of[graph.between.right[linked]] = graph.between.left[linked]
    values = attributes_of(scene.pair.smaller, None)
    return spread_traits(graph, scene.labels, values, known, record_of)


def _ask(scene: Scene, n_probes: int, seed: int) -> DishonestAgency | None:
    if not n_probes:
        return None
    outsiders = Likeness(scene.pair.larger, seed + 7).strangers(n_probes, seed + 7)
    return ask_as_agency(scene, outsiders, n_probes)
