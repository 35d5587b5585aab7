"""Charts as inline SVG, in user units; every number in them also stands in a table beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate

from schemas.shared.page.blocks import Markup, scrolling

_WIDTH = 720
_LABELS = 190
_ROW = 24
# An upright chart: how wide it is, and where its columns begin, end at most, and stand.
_COLUMNS, _LEFT, _TOP, _BASE = 560, 56, 34, 220
# About as many lines as can be read off.
_MOST_TICKS = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its share of the longest possible, from 0 to 1, and what is beside it; `is_bad` colors it."""

    label: str
    share: float
    text: str
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """One upright column; `count` is None where it is not shown, `kind` a class of the style sheet."""

    label: str
    count: int | None
    kind: str = "auto"


def bar_chart(caption: str, bars: Sequence[Bar]) -> Markup:
    """Return horizontal bars under each other."""
    room = _WIDTH - _LABELS - 110
    pieces = []
    for row, bar in enumerate(bars):
        top = row * _ROW
        width = _clip(bar.share) * room
        color = "bad" if bar.is_bad else "auto"
        pieces.append(
            f'<text x="{_LABELS - 8}" y="{top + 16}" text-anchor="end">{escape(bar.label)}</text>'
            f'<rect class="{color}" x="{_LABELS}" y="{top + 4}" width="{width:.1f}" height="16"/>'
            f'<text x="{_LABELS + width + 6:.1f}" y="{top + 16}">{escape(bar.text)}</text>'
        )
    return _figure(caption, max(len(bars), 1) * _ROW, "".join(pieces))


def counts_chart(caption: str, whole: int, counts: Sequence[tuple[str, int, int]]) -> Markup:
    """Return bars of counts beside the whole of which each is a part: the least and the most it may be."""
    return bar_chart(
        caption,
        [
            Bar(
                label,
                most / max(1, whole),
                f"{least:,} to {most:,}"
                if least != most
                else f"{most:,} ({most / max(1, whole):.1%})",
                is_bad="wrong" in label,
            )
            for label, least, most in counts
        ],
    )


def waterfall_chart(caption: str, steps: Sequence[tuple[str, float]], *, total: str) -> Markup:
    """Return bars that each begin where the one above ends, and one from zero to the end of all."""
    ends = [0.0, *accumulate(amount for _, amount in steps)]
    low, high = min(ends), max(ends)
    scale = (_WIDTH - _LABELS - 110) / max(high - low, 1e-9)
    zero = _LABELS - low * scale
    bars = [
        (name, begin, end) for (name, _), begin, end in zip(steps, ends, ends[1:], strict=False)
    ]
    bars.append((total, 0.0, ends[-1]))
    pieces = [
        f'<line class="axis" x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{len(bars) * _ROW}"/>'
    ]
    for row, (name, begin, end) in enumerate(bars):
        top, left = row * _ROW, _LABELS + (min(begin, end) - low) * scale
        width = abs(end - begin) * scale
        color = "auto" if end >= begin else "bad"
        pieces.append(
            f'<text x="{_LABELS - 8}" y="{top + 16}" text-anchor="end">{escape(name)}</text>'
            f'<rect class="{color}" x="{left:.1f}" y="{top + 4}" width="{width:.1f}" height="16"/>'
            f'<text x="{left + width + 6:.1f}" y="{top + 16}">{end - begin:+.1f}</text>'
        )
    return _figure(caption, len(bars) * _ROW, "".join(pieces))


def column_chart(
    caption: str,
    columns: Sequence[Column],
    *,
    axis: str = "",
    words: str = "",
    marks: Sequence[tuple[str, float]] = (),
) -> Markup:
    """Return upright columns side by side.

    Args:
        axis: what the columns are.
        words: what is read aloud after the caption.
        marks: lines across the chart, such as bounds, each after its share of the columns' width.
    """
    ticks = nice_ticks(max((column.count or 0 for column in columns), default=0))
    scale, wide = (_BASE - _TOP) / ticks[-1], _COLUMNS - _LEFT - 12
    step = wide / max(len(columns), 1)
    # A label needs some room of its own.
    every = max(1, -(-44 // max(int(step), 1)))
    pieces = [
        f'<line class="axis" x1="{_LEFT}" x2="{_COLUMNS - 12}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="soft" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:,}</text>'
        for tick in ticks
        for y in [_BASE - tick * scale]
    ]
    for place, column in enumerate(columns):
        label = column.label if place % every == 0 else ""
        pieces.append(_column(column, _LEFT + place * step, step, scale, label))
    for place, (label, share) in enumerate(marks):
        x, top = _LEFT + share * wide, 30 if place % 2 else 16
        # Two bounds may be close together: their labels are above each other.
        anchor = "end" if x > _COLUMNS - 80 else "start" if x < 120 else "middle"
        pieces.append(
            f'<line class="bound" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{_BASE}"/>'
            f'<text x="{x:.1f}" y="{top - 4}" text-anchor="{anchor}">{escape(label)}</text>'
        )
    pieces.append(
        f'<text class="soft" x="{_LEFT + wide / 2:.1f}" y="{_BASE + 36}" text-anchor="middle">'
        f"{escape(axis)}</text>"
    )
    return _figure(caption, _BASE + 42, "".join(pieces), width=_COLUMNS, words=words)


def _column(column: Column, x: float, step: float, scale: float, label: str) -> str:
    is_hidden = column.count is None
    height = 10 if column.count is None else column.count * scale
    number = "not shown" if column.count is None else f"{column.count:,}"
    drawn = (
        f'<rect class="{"hidden" if is_hidden else column.kind}" x="{x + step * 0.08:.1f}"'
        f' y="{_BASE - height:.1f}" width="{step * 0.84:.1f}" height="{height:.1f}">'
        f"<title>{escape(column.label)}: {number}</title></rect>"
    )
    if not label:
        return drawn
    return (
        f'{drawn}<text class="soft" x="{x + step / 2:.1f}" y="{_BASE + 16}" text-anchor="middle">'
        f"{escape(label)}</text>"
    )


def _figure(
    caption: str, height: int, content: str, *, width: int = _WIDTH, words: str = ""
) -> Markup:
    text = escape(caption)
    label = f"{text}. {escape(words)}" if words else text
    drawn = f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{label}">{content}</svg>'
    kind = ' class="columns"' if width == _COLUMNS else ""
    return Markup(
        f"<figure{kind}>{scrolling(f'Chart: {caption}', drawn)}<figcaption>{text}</figcaption></figure>"
    )


def nice_ticks(highest: int) -> list[int]:
    """Return whole numbers from 0 to `highest` or above, in steps of 1, 2 or 5 times a power of ten."""
    power = 1
    while True:
        for step in (power, 2 * power, 5 * power):
            n_steps = max(1, -(-highest // step))
            if n_steps <= _MOST_TICKS:
                return [step * at for at in range(n_steps + 1)]
        power *= 10


def _clip(share: float) -> float:
    return min(1.0, max(0.0, share))
