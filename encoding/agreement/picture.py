"""The data flow of an agreement as a picture: agencies, broker, recipients, auditors, and what goes where."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from schemas.agreement.agreement import Agreement
from schemas.shared.page import Markup, scrolling

_WIDTH: Final = 720
_BOX: Final = 190
_LINE: Final = 15
_GAP: Final = 22
_LEFT, _MIDDLE, _RIGHT = 1, 265, _WIDTH - _BOX - 1
_RECEIVES: Final = {
    "linked": "match IDs of its own matches",
    "blind": "sealed match IDs of all records",
    "count": "one number",
    "none": "nothing",
}


@dataclass(frozen=True, slots=True)
class _Box:
    """A box in user units: where it is, and the lines in it, of which the first is its title."""

    x: int
    y: float
    lines: tuple[str, ...]

    @property
    def height(self) -> float:
        return len(self.lines) * _LINE + 14

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def data_flow(agreement: Agreement) -> Markup:
    """Return the picture as a figure with inline SVG; each label in it also stands in a table beside it."""
    givers = _column(
        _LEFT,
        [
            (name, ("names, birth dates, record IDs and the secret stay here",))
            for name in agreement.names("agency")
        ],
    )
    takers = _column(
        _RIGHT,
        [
            (name, tuple(_received(agreement, name)))
            for name in agreement.names()
            if any(_received(agreement, name))
        ],
    )
    tallest = max(_bottom(givers), _bottom(takers), 100.0)
    operator = agreement.operator.name
    broker = _box(_MIDDLE, 0, operator, ("the broker compares encodings, without names or secret",))
    broker = _Box(_MIDDLE, (tallest - broker.height) / 2, broker.lines)
    auditors = _column(
        _MIDDLE,
        [(name, ("checks the match log",)) for name in agreement.names("auditor")],
        top=max(tallest, broker.y + broker.height) + 46,
    )
    height = max(_bottom(auditors), tallest) + 2
    drawn = [
        *(_arrow(_LEFT + _BOX, box.middle, _MIDDLE, broker.middle) for box in givers),
        *(_label(_LEFT + _BOX + 6, _beside(box, broker), "encodings") for box in givers),
        *(_arrow(_MIDDLE + _BOX, broker.middle, _RIGHT, box.middle) for box in takers),
        *(_label(_RIGHT - 10, _beside(box, broker), "release", "end") for box in takers),
        *(_log_arrow(broker, box) for box in auditors[:1]),
        *(_draw(box) for box in (*givers, broker, *takers, *auditors)),
    ]
    caption = (
        "Where data goes: encodings to the broker, match IDs and the columns listed to the recipients,"
        " the match log to auditors"
    )
    svg = (
        f'<svg style="min-width:36rem" viewBox="0 0 {_WIDTH} {height:.0f}" role="img" '
        f'aria-label="{escape(caption)}">{_TIP}{"".join(drawn)}</svg>'
    )
    return Markup(
        f"<figure>{scrolling('Chart: where data goes', svg)}<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _received(agreement: Agreement, party: str) -> Iterator[str]:
    """Yield what a party receives: matches, columns of linked people, and what its reviewers are shown."""
    yield from (
        f"receives {_RECEIVES[one.mode]}" for one in agreement.recipients if one.party == party
    )
    for giver in agreement.names("agency"):
        columns = agreement.handed_over(giver, party)
        if agreement.delivering(giver, party):
            yield f"of linked people, from {giver}: {', '.join(columns)}"
    review = agreement.review
    for giver in agreement.names("agency") if review and review.reviewer == party else ():
        if giver != party and (columns := agreement.columns(giver, "shown")):
            yield f"of pairs under review, from {giver}: {', '.join(columns)}"


_TIP: Final = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto"><path d="M0 0L8 4L0 8Z" style="fill:var(--soft)"/></marker></defs>'
)


def _column(x: int, entries: Sequence[tuple[str, tuple[str, ...]]], top: float = 1) -> list[_Box]:
    boxes: list[_Box] = []
    for title, notes in entries:
        boxes.append(_box(x, top, title, notes))
        top += boxes[-1].height + _GAP
    return boxes


def _box(x: int, y: float, title: str, notes: tuple[str, ...]) -> _Box:
    lines = [line for note in notes for line in textwrap.wrap(note, 29)]
    return _Box(x, y, (*textwrap.wrap(title, 24), *lines))


def _bottom(boxes: Sequence[_Box]) -> float:
    return boxes[-1].y + boxes[-1].height if boxes else 0.0


def _draw(box: _Box) -> str:
    frame = (
        f'<rect x="{box.x}" y="{box.y:.1f}" width="{_BOX}" height="{box.height:.1f}" rx="6" '
        'style="fill:var(--band);stroke:var(--soft)"/>'
    )
    texts = []
    for number, line in enumerate(box.lines):
        weight = ' font-weight="bold"' if number == 0 else ""
        texts.append(
            f'<text x="{box.x + 10}" y="{box.y + 17 + number * _LINE:.1f}"{weight}>{escape(line)}</text>'
        )
    return frame + "".join(texts)


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    middle = (x1 + x2) / 2
    return (
        f'<path d="M{x1} {y1:.1f}C{middle} {y1:.1f} {middle} {y2:.1f} {x2 - 2} {y2:.1f}" '
        'style="fill:none;stroke:var(--soft)" marker-end="url(#tip)"/>'
    )


def _beside(box: _Box, broker: _Box) -> float:
    """Return the height of a label at a box's arrow, on the side to which the arrow does not turn."""
    return box.middle + (15 if box.middle > broker.middle else -6)


def _label(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _log_arrow(broker: _Box, auditor: _Box) -> str:
    x, start, end = _MIDDLE + _BOX / 2, broker.y + broker.height, auditor.y
    return (
        f'<path d="M{x} {start:.1f}L{x} {end - 2:.1f}" style="fill:none;stroke:var(--soft)" '
        'marker-end="url(#tip)"/>'
    ) + _label(x + 8, (start + end) / 2 + 4, "match log")
