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
# About as many lines as can be read off.
_MOST_TICKS = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its share of the longest possible, from 0 to 1, and what is beside it; `is_bad` colors it."""

    label: str
    share: float
    text: str
    is_bad: bool = False


def bar_chart(caption: str, bars: Sequence[Bar]) -> Markup:
    """Return horizontal bars under each other."""
    room = _WIDTH - _LABELS - 110
    pieces = []
    for row, bar in enumerate(bars):
        top = row * _ROW
        width = _clip(bar.share) * room
        color = "fill-bad" if bar.is_bad else "fill-one"
        pieces.append(
            f'<text x="{_LABELS - 8}" y="{top + 16}" text-anchor="end">{escape(bar.label)}</text>'
            f'<rect class="{color}" x="{_LABELS}" y="{top + 4}" width="{width:.1f}" height="16"/>'
            f'<text x="{_LABELS + width + 6:.1f}" y="{top + 16}">{escape(bar.text)}</text>'
        )
    return _figure(caption, max(len(bars), 1) * _ROW, "".join(pieces))


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
        color = "fill-one" if end >= begin else "fill-bad"
        pieces.append(
            f'<text x="{_LABELS - 8}" y="{top + 16}" text-anchor="end">{escape(name)}</text>'
            f'<rect class="{color}" x="{left:.1f}" y="{top + 4}" width="{width:.1f}" height="16"/>'
            f'<text x="{left + width + 6:.1f}" y="{top + 16}">{end - begin:+.1f}</text>'
        )
    return _figure(caption, len(bars) * _ROW, "".join(pieces))


def column_chart(
    caption: str, columns: Sequence[tuple[str, int | None]], *, axis: str = ""
) -> Markup:
    """Return upright columns side by side; None is a count that is not shown. `axis` names what they are."""
    left, top, base, height = 60, 10, 160, 202
    ticks = nice_ticks(max((count or 0 for _, count in columns), default=0))
    step = (_WIDTH - left) / max(len(columns), 1)
    every = max(1, -(-len(columns) // 16))
    pieces = [
        f'<line class="axis" x1="{left}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="soft" x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:,}</text>'
        for tick in ticks
        for y in [base - tick / ticks[-1] * (base - top)]
    ]
    for place, (label, count) in enumerate(columns):
        x, tall = left + place * step, (count or 0) / ticks[-1] * (base - top)
        pieces.append(
            f'<rect class="fill-one" x="{x + step * 0.1:.1f}" y="{base - tall:.1f}"'
            f' width="{step * 0.8:.1f}" height="{tall:.1f}"/>'
        )
        if place % every == 0:
            pieces.append(
                f'<text x="{x + step / 2:.1f}" y="{base + 18}" text-anchor="middle">{escape(label)}</text>'
            )
    pieces.append(
        f'<text class="soft" x="{(left + _WIDTH) / 2}" y="{base + 36}" text-anchor="middle">'
        f"{escape(axis)}</text>"
    )
    return _figure(caption, height, "".join(pieces))


def _figure(caption: str, height: int, content: str) -> Markup:
    text = escape(caption)
    drawn = f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{text}">{content}</svg>'
    return Markup(
        f"<figure>{scrolling(f'Chart: {caption}', drawn)}<figcaption>{text}</figcaption></figure>"
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
