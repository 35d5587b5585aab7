"""Bar charts as inline SVG: here the geometry, in `templates/charts.html` the drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from schemas.shared.page import nice_ticks

WIDTH: Final = 560
HEIGHT: Final = 260
LEFT: Final = 56
RIGHT: Final = 12
TOP: Final = 34
BOTTOM: Final = 40
_LABEL_WIDTH: Final = 44
_HIDDEN_HEIGHT: Final = 10


@dataclass(frozen=True, slots=True)
class Value:
    """One bar to draw: what it stands for, how high, and its kind (a class of the style sheet).

    `number` is None for a count that is not shown, which is drawn as an empty frame.
    """

    label: str
    number: int | None
    kind: str = "auto"


@dataclass(frozen=True, slots=True)
class Mark:
    """A line across the chart, such as a bound, after this share of the bars' width (0 to 1)."""

    label: str
    share: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar as it is drawn, in units of the picture; `label` is empty where there is no room for it."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its label: `at` is x of a mark, or y of a tick."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A bar chart, ready to be drawn. `name` is unique on its page; title and description are read aloud."""

    name: str
    title: str
    description: str
    axis: str
    bars: tuple[Bar, ...]
    ticks: tuple[Line, ...]
    marks: tuple[Line, ...]


def bar_chart(
    name: str,
    values: Sequence[Value],
    *,
    title: str,
    description: str,
    axis: str,
    marks: Sequence[Mark] = (),
) -> Chart:
    """Lay out a chart of these values, from left to right."""
    ticks = nice_ticks(max((value.number or 0 for value in values), default=0))
    scale = (HEIGHT - TOP - BOTTOM) / ticks[-1]
    base = HEIGHT - BOTTOM
    width = WIDTH - LEFT - RIGHT
    step = width / max(len(values), 1)
    every = max(1, -(-_LABEL_WIDTH // max(int(step), 1)))
    return Chart(
        name=name,
        title=title,
        description=description,
        axis=axis,
        bars=tuple(
            _bar(value, LEFT + at * step, step, base, scale, has_label=at % every == 0)
            for at, value in enumerate(values)
        ),
        ticks=tuple(Line(round(base - tick * scale, 1), f"{tick:,}") for tick in ticks),
        marks=tuple(Line(round(LEFT + mark.share * width, 1), mark.label) for mark in marks),
    )


def _bar(value: Value, x: float, step: float, base: float, scale: float, *, has_label: bool) -> Bar:
    is_hidden = value.number is None
    height = _HIDDEN_HEIGHT if value.number is None else value.number * scale
    number = "not shown" if value.number is None else f"{value.number:,}"
    return Bar(
        x=round(x + step * 0.08, 1),
        y=round(base - height, 1),
        width=round(step * 0.84, 1),
        height=round(height, 1),
        kind="hidden" if is_hidden else value.kind,
        label=value.label if has_label else "",
        title=f"{value.label}: {number}",
    )
