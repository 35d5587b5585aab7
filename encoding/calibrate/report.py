"""A calibration as a document, as lines for the terminal, and as a page; it holds shares and rates only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from encoding.calibrate.calibration import Calibration, Passes
from encoding.calibrate.prediction import AUTO, REVIEW, Prediction
from encoding.report import Section, Verdict, paragraph, render_page, table, verdicts

VERSION: Final = "blindlink/calibration/2"

_HEADER = (
    "passes", "rows of a block", "met", "strangers met", "linked", "wrong of 1,000", "review of 1,000"
)  # fmt: skip
_EXPLAINED = (
    "Met: the part of true pairs that share a cell; no threshold finds more. Strangers met: by a record of the"
    f" smaller file. Linked: the part of true pairs that are linked without review, from probability {AUTO}."
    " Wrong: of 1,000 such links. Review: pairs held back for a person, from probability"
    f" {REVIEW}, for 1,000 records of the smaller file."
)
_LIMITS = (
    "The other agency's mistakes are assumed, not known, and the strangers are made of your own file. Twins,"
    " siblings and people who are in a file twice are counted as the profile expects them. Hold the prediction"
    " against a sample of links that people have checked, once there is one."
)


def document(found: Calibration) -> dict[str, Any]:
    """Return the calibration as JSON."""
    return {
        "version": VERSION,
        "own_records": found.setting.own_records,
        "partner_records": found.setting.partner_records,
        "expected_share": found.setting.expected_share,
        "errors": found.errors,
        "mistakes": {name: round(rate, 5) for name, rate in found.mistakes.table().items()},
        "copies": found.n_copies,
        "recommended": {
            "profile": found.recommended.profile[0],
            "block_cap": found.recommended.best.block_cap,
            "sentence": sentence(found),
        },
        "sets": [
            {
                "profiles": [name for name, _ in one.profiles],
                "zip": one.has_zip,
                "passes": list(one.passes),
                "keys": one.keys,
                "caps": [_numbers(each) for each in one.predictions],
            }
            for one in found.sets
        ],
    }


def sentence(found: Calibration) -> str:
    """Return the recommendation in plain words."""
    one, best = found.recommended, found.recommended.best
    name, cap = one.profile
    other_cap = (
        "" if cap == best.block_cap else f", with block_cap {best.block_cap} in place of {cap}"
    )
    return (
        f"take the profile {name}{other_cap}: of 1,000 people who are in both files, about"
        f" {1000 * best.ceiling:.0f} meet and {1000 * best.recall:.0f} are linked without review;"
        f" of 1,000 such links about {best.wrong:.1f} are wrong, and {best.review:.0f} pairs for 1,000"
        " records of the smaller file wait for a person"
    )


def report_lines(found: Calibration) -> Iterator[str]:
    """Yield the report as lines of text."""
    setting = found.setting
    yield (
        f"{setting.own_records:,} records of yours, {setting.partner_records:,} of the other agency,"
        f" {found.errors} mistakes:"
    )
    yield f"  {sentence(found)}"
    yield f"  {'':<22} {'c':>3} {'met':>6} {'strangers':>10} {'linked':>7} {'wrong':>6} {'review':>7}"
    for name, cap, met, strangers, linked, wrong, review in _rows(found):
        yield (f"  {name:<22} {cap:>3} {met:>6} {strangers:>10} {linked:>7} {wrong:>6} {review:>7}")


def report_page(found: Calibration, file_name: str) -> str:
    """Return the report as one self-contained HTML file."""
    rates = [(name, f"{100 * rate:.2f} %") for name, rate in found.mistakes.table().items()]
    sections = [
        Section("Recommended", [verdicts([Verdict("note", sentence(found))])]),
        Section(
            "Sets of passes",
            [table("Expected", _HEADER, list(_rows(found))), paragraph(_EXPLAINED)],
        ),
        Section(
            f"Mistakes: {found.errors}",
            [table("Part of true pairs that differ so", ("mistake", "rate"), rates)],
        ),
        Section("What this does not say", [paragraph(_LIMITS)]),
    ]
    lead = f"{found.setting.own_records:,} by {found.setting.partner_records:,} records."
    return render_page(f"Passes for {file_name}", lead, sections, "Made by blindlink calibrate.")


def _rows(found: Calibration) -> Iterator[tuple[str, ...]]:
    for one in found.sets:
        for each in one.predictions:
            yield (
                _label(one, each), str(each.block_cap), f"{each.ceiling:.4f}",
                f"{each.neighbours:.2f}", f"{each.recall:.4f}", f"{each.wrong:.1f}",
                f"{each.review:.1f}",
            )  # fmt: skip


def _label(one: Passes, each: Prediction) -> str:
    """Return the profile that has just this cap, or else how its passes differ."""
    shipped = {cap: name for name, cap in one.profiles}
    return shipped.get(each.block_cap, "with ZIP" if one.has_zip else "without ZIP")


def _numbers(one: Prediction) -> dict[str, float]:
    return {
        "block_cap": one.block_cap,
        "ceiling": round(one.ceiling, 4),
        "neighbours": round(one.neighbours, 3),
        "recall": round(one.recall, 4),
        "wrong_per_1000_links": round(one.wrong, 2),
        "review_per_1000_records": round(one.review, 1),
    }
