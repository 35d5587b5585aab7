"""A calibration as a document, as lines for the terminal, and as a page with the sweep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from encoding.calibrate.calibration import Calibration
from encoding.report import (
    Line,
    Section,
    Verdict,
    line_chart,
    paragraph,
    render_page,
    table,
    verdicts,
)

VERSION = "blindlink/calibration/1"

_LIMITS = (
    "The mistakes of the other agency are those of rehearsal data, not of its file, and the strangers are made"
    " of your own file. Hold the recommendation against a sample of links that people have checked, once there"
    " is one. Thresholds stand in the agreement: changing them needs signatures, and never a new encoding."
)


def document(calibration: Calibration) -> dict[str, Any]:
    """Return the calibration as JSON; thresholds as decimal texts, as an agreement holds them."""
    setting, advice = calibration.setting, calibration.recommendation
    sweep = calibration.forecast
    return {
        "version": VERSION,
        "own_records": setting.own_records,
        "other_records": setting.other_records,
        "expected_share": setting.expected_share,
        "policy": {
            "auto": decimal(advice.auto),
            "review": decimal(advice.review),
            "margin": decimal(advice.margin),
        },
        "single_threshold": decimal(advice.single),
        "is_safe": advice.is_safe,
        "expected": {
            "right": round(advice.n_right),
            "wrong": round(advice.n_wrong, 1),
            "review": round(advice.n_review),
        },
        "look_alikes_in_own_file": calibration.n_alike,
        "measured_on": {"copies": calibration.n_copied, "strangers": calibration.n_decoys},
        "sweep": [
            {
                "threshold": decimal(threshold),
                "right": round(float(right), 1),
                "wrong": round(float(wrong), 2),
            }
            for threshold, right, wrong in zip(sweep.plain, sweep.right, sweep.wrong, strict=True)
        ],
    }


def report_lines(calibration: Calibration) -> Iterator[str]:
    """Yield the report as lines of text."""
    setting, advice = calibration.setting, calibration.recommendation
    yield (
        f"recommended for {setting.own_records:,} records of yours"
        f" and {setting.other_records:,} of the other agency:"
    )
    yield f"  auto    {decimal(advice.auto):<6} linked at once, if it is also ahead by the margin"
    yield f"  review  {decimal(advice.review):<6} held back for a person's decision"
    yield f"  margin  {decimal(advice.margin)}"
    yield from (f"  {sentence}" for sentence in _expectations(calibration))


def report_page(calibration: Calibration, file_name: str) -> str:
    """Return the report as one self-contained HTML file; it holds aggregates only."""
    advice, sweep = calibration.recommendation, calibration.forecast
    lowest, highest = float(sweep.plain[0]), float(sweep.plain[-1])

    def place(threshold: object) -> float:
        return (float(threshold) - lowest) / max(highest - lowest, 1e-9)  # type: ignore[arg-type]

    lines = [
        Line(
            label, [(place(at), float(share)) for at, share in zip(sweep.plain, curve, strict=True)]
        )
        for label, curve in (
            ("right links among all", sweep.precision),
            ("true pairs found", sweep.recall),
        )
    ]
    chart = line_chart(
        "What one threshold alone would do, by threshold",
        lines,
        x_labels=[f"{lowest + (highest - lowest) * n / 5:.2f}" for n in range(6)],
        y_labels=["0 %", "25 %", "50 %", "75 %", "100 %"],
        marks=[(place(advice.review), "review"), (place(advice.auto), "auto")],
    )
    rows = [
        (decimal(at), f"{right:,.0f}", f"{wrong:,.1f}")
        for at, right, wrong in zip(sweep.plain, sweep.right, sweep.wrong, strict=True)
    ][::2]
    standing = "good" if advice.is_safe else "bad"
    found = [Verdict(standing, sentence) for sentence in _expectations(calibration)]  # type: ignore[arg-type]
    sections = [
        Section(
            "What to expect",
            [verdicts(found[:1] + [Verdict("note", v.sentence) for v in found[1:]])],
        ),
        Section("Sweep", [chart, table("Pairs expected", ("threshold", "right", "wrong"), rows)]),
        Section("What this does not say", [paragraph(_LIMITS)]),
    ]
    lead = f"auto {decimal(advice.auto)}, review {decimal(advice.review)}, margin {decimal(advice.margin)}"
    return render_page(
        f"Thresholds for {file_name}", lead, sections, "Made by blindlink calibrate."
    )


def decimal(number: object) -> str:
    """Return a threshold as an agreement writes it."""
    return f"{float(number):.3f}".rstrip("0").rstrip(".") or "0"  # type: ignore[arg-type]


def _expectations(calibration: Calibration) -> Iterator[str]:
    setting, advice = calibration.setting, calibration.recommendation
    share = f"if {setting.expected_share:.0%} of your records are in the other file"
    if not advice.is_safe:
        yield (
            "no threshold keeps wrong links below 2 in 1,000: link nothing without a person's decision"
        )
    yield (
        f"{share}, about {advice.n_right:,.0f} right and {advice.n_wrong:,.1f} wrong links at once,"
        f" and {advice.n_review:,.0f} pairs for review"
    )
    if calibration.n_alike:
        yield (
            f"{calibration.n_alike:,} of {calibration.n_copied:,} sampled records look like another record"
            " of your own file: the same person twice, or twins"
        )
