"""A trial of two files of exact tokens: what was found, and its page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.matching.blocks.weights import UNIT, probability
from encoding.blocks.assembly import MetPasses
from encoding.extras.tokens.files import TokenFile, common_rules
from encoding.extras.tokens.linkage import APART, PUBLISHED, SAME, link_tokens
from encoding.progress import Progress, silent
from encoding.trial.found import Found, measure, read_true_pairs
from encoding.trial.outcome import TOKENS, FileSide, Outcome
from encoding.trial.records import Looks, RecordIds
from encoding.trial.sections import WEIGHTS, render_trial
from encoding.trial.summary import outcome_document
from schemas.shared.page import (
    Markup,
    Section,
    Standing,
    paragraph,
    prose_table,
    table,
)

_MOST_PATTERNS: Final = 20
KEYLESS: Final = (
    "Tokens in hexadecimal digits are hashes without a secret, as OpenLinkToken writes them: anyone can find"
    " the people in them by trying names."
)
LIMITS: Final = (
    "Two tokens are the same or they are not. One typing mistake, nickname, or changed last name breaks every"
    " token made from it, and nothing shows that the two values were close.",
    "Anyone who has the files can see how often each token occurs, and can tell common names by that.",
    "Anyone who has the secret can make the token of any name and date, and find out who is in a file. Treat a"
    " file of tokens as personal data.",
    "A token cannot be turned into an encoding: start from rows of people. Run blindlink trial on two"
    " files with names and dates of birth. It also counts values that are close: docs/trial.md.",
)


_HOW_SURE: Final = (
    "The most that are likely wrong is told as if any two records of the larger file that agree as much as"
    " links do were two people; but if rules are T1 to T5 alone, the same T4 and another one are one person."
    " Nothing tells how many people have no token in common: at most all that are not linked, and those whose"
    " link is wrong."
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TokenTrial(Found):
    """Everything that a trial of two files of tokens reports.

    Attributes:
        files: the two files.
        rules: those that both have.
    """

    files: tuple[TokenFile, TokenFile]
    rules: tuple[str, ...]

    @property
    def remarks(self) -> tuple[str, ...]:
        """That nothing tells how sure the links are, and how many records of each file are equal to others."""
        larger = self.names[self.outcome.a_is_smaller]
        unknown = (
            f"How many links are wrong is not known. {larger} has too few records to tell how often two people"
            " agree as much, or too many that do: one person twice, or two people; tokens don't show which.",
        )
        return (() if self.outcome.is_wrong_known else unknown) + tuple(
            f"Records of {one.name} with the same tokens as another one: {one.n_repeated:,}, of people who are"
            " in it twice, or stand-ins for unknown names."
            for one in self.files
            if one.n_repeated
        )


def run_token_trial(
    files: tuple[TokenFile, TokenFile], *, truth: Path | None = None, progress: Progress = silent
) -> TokenTrial:
    """Link two files of tokens.

    Raises:
        InputError: they have no rule or no token in common, or the truth cannot be used.
    """
    a, b = files
    rules, names = common_rules(a, b), (a.name, b.name)
    true = None if truth is None else read_true_pairs(truth, names, (a.ids, b.ids))
    progress("comparing", 0.0, 0, "pairs")
    a_is_smaller = len(a.ids) <= len(b.ids)
    smaller, larger = (a, b) if a_is_smaller else (b, a)
    run, *met, more_wrong = link_tokens(
        rules,
        smaller.of_rules(rules),
        larger.of_rules(rules),
        are_published=_are_published(files),
    )
    progress("comparing", 1.0, run.n_candidates, "pairs")
    of_a, of_b = met if a_is_smaller else reversed(met)
    outcome = Outcome(len(rules), _side(a, of_a), _side(b, of_b), a_is_smaller, run, more_wrong)
    measured = None if true is None else measure(outcome, true)
    return TokenTrial(names, outcome, measured, files, rules)


def token_document(trial: TokenTrial) -> dict[str, Any]:
    """Return a trial of tokens as JSON; counts and names of rules, no record ID and no token."""
    files = [
        {
            "file": one.name,
            "records": len(one.ids),
            "rules": {
                rule: round(share, 4) for rule, share in zip(one.rules, one.shares, strict=True)
            },
            "without_secret": one.is_keyless,
            "repeated_records": one.n_repeated,
        }
        for one in trial.files
    ]
    return {"rules": list(trial.rules), "files": files} | outcome_document(trial)


def token_page(trial: TokenTrial) -> str:
    """Return the trial as one self-contained HTML file."""
    sections = (
        Section("How a pair is weighed", list(_weighing(trial))),
        Section("What tokens cannot do", [paragraph(one) for one in LIMITS]),
        Section("How the files were read", list(_reading(trial))),
    )
    doubts: list[tuple[Standing, str]] = []
    if any(one.is_keyless for one in trial.files):
        doubts.append(("warn", KEYLESS))
    holds = "counts and names of rules; no record and no token of the files"
    return render_trial(trial, doubts, _HOW_SURE, sections, holds)


def _are_published(files: tuple[TokenFile, TokenFile]) -> bool:
    return all(PUBLISHED.issuperset(one.rules) for one in files)


def _side(file: TokenFile, met: MetPasses) -> FileSide:
    looks = Looks.of(len(file.ids))
    looks.has_rows[:] = met.keyed != 0
    looks.unread.update((at, {TOKENS}) for at in np.flatnonzero(met.keyed == 0).tolist())
    return FileSide(RecordIds(file.ids, np.arange(len(file.ids))), looks, met)


def _weighing(trial: TokenTrial) -> Iterator[Markup]:
    yield paragraph(
        "Records that have the same token of a rule are compared. What counts is the pattern: which rules"
        " agree, and which differ. A pattern weighs much if far more pairs of the two files have it than would"
        f" by chance. Chance is counted in pairs of records of the larger file. {_twice(trial)} {WEIGHTS}"
    )
    run = trial.outcome.run
    rows = sorted(
        zip(run.weights.total, run.table.pairs, run.table.levels, strict=True), reverse=True
    )
    yield table(
        "Patterns of the pairs, the surest first",
        ("rules that agree", "differ", "are missing", "pairs", "match probability", "weight"),
        [
            (
                *(_named(trial.rules, levels, one) for one in (SAME, APART, 0)),
                f"{n:,}",
                f"{probability(total):.4f}",
                f"{total / UNIT:+.1f}",
            )
            for total, n, levels in rows[:_MOST_PATTERNS]
        ],
    )
    if len(rows) > _MOST_PATTERNS:
        yield paragraph(f"{len(rows) - _MOST_PATTERNS} more patterns are less sure.")


def _twice(trial: TokenTrial) -> str:
    if not _are_published(trial.files):
        return "People who are in it twice make links less sure, since a file has other rules than T1 to T5."
    return (
        "Pairs of one file that agree on T2, T3, or T4 (a full name or a Social Security number, with the date"
        " of birth) may be one person twice; those are left out, and chance is then at least one pair in ten"
        " billion."
    )


def _named(rules: tuple[str, ...], levels: tuple[int, ...], wanted: int) -> str:
    return " ".join(rule for rule, one in zip(rules, levels, strict=True) if one == wanted) or "-"


def _reading(trial: TokenTrial) -> Iterator[Markup]:
    for one in trial.files:
        yield prose_table(
            f"{one.name}: {len(one.ids):,} records",
            ("rule", "records that have its token"),
            [(rule, f"{share:.1%}") for rule, share in zip(one.rules, one.shares, strict=True)],
        )
