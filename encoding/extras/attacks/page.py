"""What the audit's page shows of these attacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from encoding.extras.attacks.beside import Beside
from encoding.privacy_audit.results import Naming
from schemas.shared.page import Bar, Markup, Section, bar_chart, paragraph, table

# The last of each tells whether it was tried.
TRIED: Final[tuple[tuple[str, str, str, Callable[[Beside], bool]], ...]] = (
    ("Start from known people", "The broker with staff or a leaked list",
     "Knows up to 3,000 people's records and works outward from them, along the meetings and by regression.",
     lambda beside: bool(beside.known_pairs)),
    ("Guess names", "The broker with a list of names",
     "Averages the distances of two names over all their meetings and asks which pairs of names fit.",
     lambda beside: beside.name_pairs is not None),
    ("Ask by linking", "A dishonest agency", "Uploads made-up people and watches who links.",
     lambda beside: beside.agency is not None),
)  # fmt: skip
_PLAIN: Final = (
    "Plain CLKs use one key for a whole file. The same records were encoded that way too, and attacked by the"
    " classic attacks. Blindlink does not send plain CLKs to a project. Its own figures are those of the"
    " perfect register."
)


def sections(beside: Beside, naming: tuple[Naming, ...]) -> Iterator[Section]:
    """Yield what the page shows; `naming` is what attacks on Blindlink's own rows named."""
    own = {result.n_known: result.share for kind in naming[:1] for result in kind.results}
    yield Section("The same people as plain CLKs", list(_plain(beside, own)))
    others = [*_regressions(beside), *_spread(beside), *_names(beside)]
    if others:
        yield Section("Attacks without a goal", others)


def _plain(beside: Beside, own_shares: dict[int, float]) -> Iterator[Markup]:
    plain = beside.plain
    named = [(f"{one.n_known:,} known", one.n_known, one.share) for one in plain.known_pairs]
    if plain.resemblance is not None:
        named.append(("nobody known", 0, plain.resemblance.share))
    bars, rows = [], []
    for label, n_known, share in named:
        bars.append(Bar(f"{label}, plain", share, f"{share:.1%}", is_bad=True))
        own = own_shares.get(n_known)
        if own is not None:
            bars.append(Bar(f"{label}, Blindlink", own, f"{own:.1%}"))
        rows.append((label, f"{share:.1%}", "not tried" if own is None else f"{own:.1%}"))
    yield paragraph(_PLAIN)
    yield bar_chart("Share of the other people who were named at the first guess", bars)
    yield table("The same in numbers", ("the attacker", "as plain CLKs", "Blindlink"), rows)


def _regressions(beside: Beside) -> Iterator[Markup]:
    rows = [
        (
            *(f"{n:,}" for n in (one.n_known, one.n_tested, one.n_candidates, one.n_right)),
            f"{one.share:.2%}",
        )
        for one in beside.known_pairs
    ]
    if rows:
        header = ("known", "tested", "sought among", "right", "named")
        caption = "Linked children who were named by regression, without a register"
        yield table(caption, header, rows)


def _spread(beside: Beside) -> Iterator[Markup]:
    rows = [
        (one.name, f"{one.n:,}", f"{one.n_told:,}", f"{one.n_right:,}", f"{100 * one.gain:+.1f}")
        for one in beside.spread
    ]
    if rows:
        header = ("trait", "others", "told", "right", "points gained")
        caption = "Traits copied from 1,000 known children to those they meet with an equal tag"
        yield table(caption, header, rows)


def _names(beside: Beside) -> Iterator[Markup]:
    names = beside.name_pairs
    if names is not None:
        yield paragraph(
            f"Of {names.n:,} pairs of unequal first names that met, {names.right:.1%} were guessed from"
            f" their distance; by frequency alone, {names.chance:.1%}. One distance is off by"
            f" {names.error_once:.1f} of 64 bits, the mean of a pair's meetings by {names.error_mean:.1f}."
        )
