"""A calibration as a document, as lines for the terminal, and as a page; it holds shares and rates only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from encoding.calibrate.calibration import Calibration, Passes
from encoding.calibrate.prediction import AUTO, REVIEW, Prediction
from schemas.shared.page import Section, findings, paragraph, render_page, table

VERSION: Final = "blindlink/calibration/2"

_HEADER = (
    "passes", "block cap", "met", "strangers met", "linked", "wrong of 1,000", "review of 1,000",
)  # fmt: skip
_EXPLAINED = (
    "Passes: an encoding profile, or one like it with another block cap. Block cap (c): how many records of the"
    " larger file may stand under one blocking key. Met: the part of true pairs that share a blocking key; no"
    " matching finds more. Strangers met: by a record of the smaller file. Linked: the part of true pairs that"
    f" are linked without review, from match probability {AUTO}. Wrong: of 1,000 such links. Review: pairs held"
    f" back for a person, from match probability {REVIEW}, for 1,000 records of the smaller file."
)
_MISTAKE_WORDS: Final = {
    "last_typo": "a slip of the keys in the last name",
    "last_changed": "another last name",
    "last_spelling": "a space, apostrophe or particle in the last name",
    "names_transposed": "first and last name changed over",
    "double_surname": "only one of two surnames, of those who have two",
    "first_nickname": "a nickname",
    "first_typo": "a slip of the keys in the first name",
    "first_variant": "a first name that sounds alike",
    "middle_as_first": "the middle name as first name",
    "middle_missing": "no middle name",
    "middle_differs": "another middle name",
    "birth_swapped": "day and month of birth changed over",
    "birth_digit": "a wrong digit in the date of birth",
    "birth_year": "another year of birth",
    "birth_placeholder": "January 1 as date of birth",
    "birth_estimated": "the 15th of a month as date of birth",
    "sex": "another sex",
    "placeholder_name": "a word for an unknown name",
    "zip_missing": "no ZIP code",
    "zip_near": "another ZIP code of the same three digits",
    "zip_far": "any other ZIP code",
    "number_missing": "no known number, where one is agreed on",
    "number_wrong": "a wrong number",
}
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
        f" of 1,000 such links about {best.wrong:.1f} are wrong, and {best.review:.1f} pairs for 1,000"
        " records of the smaller file wait for a person"
    )


def report_lines(found: Calibration) -> Iterator[str]:
    """Yield the report as lines of text."""
    yield f"{_setting(found)}:"
    yield f"  {sentence(found)}"
    rows = list(_rows(found))
    width = max(len(row[0]) for row in rows)
    yield f"  {'':<{width}} {'c':>3} {'met':>7} {'strangers':>10} {'linked':>7} {'wrong':>6} {'review':>7}"
    for name, cap, met, strangers, linked, wrong, review in rows:
        yield (
            f"  {name:<{width}} {cap:>3} {met:>7} {strangers:>10} {linked:>7} {wrong:>6} {review:>7}"
        )


def report_page(found: Calibration, file_name: str) -> str:
    """Return the report as one self-contained HTML file."""
    rates = [
        (_MISTAKE_WORDS[name], f"{rate:.2%}", name) for name, rate in found.mistakes.table().items()
    ]
    told = sentence(found)
    sections = [
        Section("Recommended", [findings([("note", f"{told[:1].upper()}{told[1:]}.")])]),
        Section(
            "Sets of passes",
            [table("Expected", _HEADER, list(_rows(found))), paragraph(_EXPLAINED)],
        ),
        Section(
            f"Mistakes: {found.errors}",
            [
                table(
                    "Part of true pairs that differ so",
                    ("mistake", "rate", "name in --json"),
                    rates,
                )
            ],
        ),
        Section("What this does not say", [paragraph(_LIMITS)]),
    ]
    lead = f"{_setting(found)}."
    return render_page(f"Passes for {file_name}", lead, sections, "Made by blindlink calibrate.")


def _setting(found: Calibration) -> str:
    setting = found.setting
    return (
        f"{setting.own_records:,} records of yours, {setting.partner_records:,} of the other agency,"
        f" {found.errors} mistakes"
    )


def _rows(found: Calibration) -> Iterator[tuple[str, ...]]:
    for one in found.sets:
        for each in one.predictions:
            yield (
                _label(one, each), str(each.block_cap), f"{each.ceiling:.2%}",
                f"{each.neighbours:.2f}", f"{each.recall:.2%}", f"{each.wrong:.1f}",
                f"{each.review:.1f}",
            )  # fmt: skip


def _label(one: Passes, each: Prediction) -> str:
    """Return the profile that has just this cap, or else the one that it differs from by its cap alone."""
    shipped = {cap: name for name, cap in one.profiles}
    return shipped.get(each.block_cap, f"like {one.profiles[0][0]}")


def _numbers(one: Prediction) -> dict[str, float]:
    return {
        "block_cap": one.block_cap,
        "ceiling": round(one.ceiling, 4),
        "neighbours": round(one.neighbours, 3),
        "recall": round(one.recall, 4),
        "wrong_per_1000_links": round(one.wrong, 2),
        "review_per_1000_records": round(one.review, 1),
    }
