"""Charts as inline SVG, in user units; every number in them also stands in a table beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from encoding.report.blocks import Markup

_WIDTH = 720
_LABELS = 190
_ROW = 24


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its share of the longest possible, from 0 to 1, and what stands beside it.

    `mark` is where a dashed line shows a limit; None shows none. `is_bad` colours it.
    """

    label: str
    share: float
    text: str
    mark: float | None = None
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a line chart; x and y from 0 to 1 of the chart's ranges."""

    label: str
    points: Sequence[tuple[float, float]]


def bar_chart(caption: str, bars: Sequence[Bar]) -> Markup:
    """Return horizontal bars under each other."""
    room = _WIDTH - _LABELS - 110
    pieces = []
    for row, bar in enumerate(bars):
        top = row * _ROW
        width = _clip(bar.share) * room
        colour = "fill-bad" if bar.is_bad else "fill-one"
        pieces.append(
            f'<text x="{_LABELS - 8}" y="{top + 16}" text-anchor="end">{escape(bar.label)}</text>'
            f'<rect class="{colour}" x="{_LABELS}" y="{top + 4}" width="{width:.1f}" height="16"/>'
            f'<text x="{_LABELS + width + 6:.1f}" y="{top + 16}">{escape(bar.text)}</text>'
        )
        if bar.mark is not None:
            x = _LABELS + _clip(bar.mark) * room
            pieces.append(
                f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{top + 22}"/>'
            )
    return _figure(caption, max(len(bars), 1) * _ROW, "".join(pieces))


def column_chart(caption: str, columns: Sequence[tuple[str, int | None]]) -> Markup:
    """Return upright columns side by side; None is a count that is not shown."""
    height, base = 180, 150
    highest = max((count for _, count in columns if count is not None), default=0) or 1
    step = _WIDTH / max(len(columns), 1)
    every = max(1, -(-len(columns) // 16))
    pieces = [f'<line class="axis" x1="0" x2="{_WIDTH}" y1="{base}" y2="{base}"/>']
    for place, (label, count) in enumerate(columns):
        x, tall = place * step, (count or 0) / highest * (base - 10)
        pieces.append(
            f'<rect class="fill-one" x="{x + step * 0.1:.1f}" y="{base - tall:.1f}"'
            f' width="{step * 0.8:.1f}" height="{tall:.1f}"/>'
        )
        if place % every == 0:
            pieces.append(
                f'<text x="{x + step / 2:.1f}" y="{base + 18}" text-anchor="middle">{escape(label)}</text>'
            )
    return _figure(caption, height, "".join(pieces))


def line_chart(
    caption: str,
    lines: Sequence[Line],
    *,
    x_labels: Sequence[str],
    y_labels: Sequence[str],
    marks: Sequence[tuple[float, str]] = (),
) -> Markup:
    """Return lines over a common range.

    Args:
        caption: what the chart shows.
        lines: at most four.
        x_labels: spread evenly from the left end to the right.
        y_labels: spread evenly from the bottom to the top.
        marks: dashed uprights with their names.
    """
    left, top, wide, tall = 60, 24, _WIDTH - 80, 220
    pieces = [f'<rect class="axis" x="{left}" y="{top}" width="{wide}" height="{tall}"/>']
    for place, label in _spread(x_labels):
        pieces.append(
            f'<text x="{left + place * wide:.1f}" y="{top + tall + 18}"'
            f' text-anchor="middle">{escape(label)}</text>'
        )
    for place, label in _spread(y_labels):
        y = top + tall - place * tall
        pieces.append(
            f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>'
        )
    for place, name in marks:
        x = left + _clip(place) * wide
        pieces.append(
            f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{top + tall}"/>'
            f'<text x="{x:.1f}" y="{top - 8}" text-anchor="middle">{escape(name)}</text>'
        )
    for number, line in enumerate(lines):
        points = " ".join(
            f"{left + _clip(x) * wide:.1f},{top + tall - _clip(y) * tall:.1f}"
            for x, y in line.points
        )
        x = left + number * wide / len(lines)
        y = top + tall + 44
        pieces.append(
            f'<polyline class="line line-{number}" points="{points}"/>'
            f'<line class="line line-{number}" x1="{x:.1f}" x2="{x + 28:.1f}" y1="{y - 4}" y2="{y - 4}"/>'
            f'<text x="{x + 34:.1f}" y="{y}">{escape(line.label)}</text>'
        )
    return _figure(caption, top + tall + 54, "".join(pieces))


def _figure(caption: str, height: int, content: str) -> Markup:
    text = escape(caption)
    return Markup(
        f'<figure><svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{text}">'
        f"{content}</svg><figcaption>{text}</figcaption></figure>"
    )


def _clip(share: float) -> float:
    return min(1.0, max(0.0, share))


def _spread(labels: Sequence[str]) -> list[tuple[float, str]]:
    last = max(len(labels) - 1, 1)
    return [(place / last, label) for place, label in enumerate(labels)]
