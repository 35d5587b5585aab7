"""`blindlink.link`: two tables of people, both of which one person may see, linked on the spot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any, Final, Literal

from blindlink.tables import Columns, Given, Kind, make, take
from encoding.errors import TrialFilesError, TruthError
from encoding.files import refuse_to_overwrite, replacing
from encoding.profiles.catalog import shipped_profile
from encoding.progress import Progress, silent
from encoding.quality.evaluation import Evaluation, Truth
from encoding.trial.examples import Step
from encoding.trial.guess import WORDS
from encoding.trial.outcome import TRIAL_SENTENCES, TrialPair
from encoding.trial.page import FIELD_WORDS, LEVEL_WORDS, trial_page
from encoding.trial.summary import summary_lines
from encoding.trial.trial import (
    Trial,
    measure,
    profile_for,
    refuse_faults,
    refuse_one_file,
    refuse_other_years,
    require_known,
    run_trial,
)
from encoding.trial.words import UNPROTECTED
from schemas.documents.errors import FormatError
from schemas.shared.page import waterfall_chart

ProfileName = Literal["children", "generic-person"]
HOW_TO_NAME: Final = (
    'name the columns, such as left_columns={"first_name": "Given", "last_name": "Family",'
    ' "birth_date": "Born", "record_id": "ID"}'
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records that are linked, or held for a person to decide.

    Attributes:
        left: record ID in the first table, as it was given there.
        right: record ID in the second table.
        weight: match weight in bits: 0 is as likely as not, one more doubles the odds.
        probability: that the two are one person, from 0 to 1.
        band: `linked`, or `review`.
        reasons: how near each field is that both have, and why the pair is in its band; no value of a record.
    """

    left: object = field(repr=False)
    right: object = field(repr=False)
    weight: float
    probability: float
    band: Literal["linked", "review"]
    reasons: tuple[str, ...]
    _found: TrialPair = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Waterfall:
    """How the weight of a pair comes about; a notebook draws it.

    Attributes:
        steps: what each field adds, or takes off, in bits, from before anything is compared; and what it is.
        weight: their sum.
        probability: the match probability of that weight, from 0 to 1.
    """

    steps: tuple[tuple[str, float], ...]
    weight: float
    probability: float

    def _repr_html_(self) -> str:
        chart = waterfall_chart(
            f"match probability {self.probability:.4f}", self.steps, total="match weight"
        )
        return f"<style>{_CHART_STYLE}</style>{chart}"


_CHART_STYLE: Final = (
    "figure svg{max-width:720px;font:13px sans-serif;fill:currentColor}"
    ".auto{fill:#2f6f9f}.bad{fill:#b3541e}.axis{stroke:currentColor}"
)


class Links:
    """What was found in two tables.

    Tables are given back as the kind of the first one that was given; of a path or rows, as a list of mappings.
    """

    def __init__(self, trial: Trial, given: tuple[Given, Given]) -> None:
        self._trial, self._kind = trial, given[0].kind
        self._ids = tuple(
            one.originals(source) for one, source in zip(given, trial.sources, strict=True)
        )

    @property
    def n_linked(self) -> int:
        """How many pairs are linked."""
        return self._trial.outcome.n_linked

    @property
    def n_review(self) -> int:
        """How many pairs are held for a person to decide."""
        return self._trial.outcome.n_review

    @property
    def expected_wrong(self) -> float:
        """How many of the links are of two people, by their match probabilities."""
        return self._trial.outcome.run.expected_false_matches

    @cached_property
    def all_pairs(self) -> tuple[Pair, ...]:
        """All pairs as objects: those that are linked, then those for review, the likeliest first."""
        return tuple(map(self._pair, self._trial.outcome.pairs))

    @property
    def pairs(self) -> Any:
        """The same as a table: left_id, right_id, match_weight, match_probability, band, reasons."""
        return self._as(self._kind)

    def to_pandas(self) -> Any:
        """Return `pairs` as a pandas table. Raises `Error` where pandas is not installed."""
        return self._as("pandas")

    def to_polars(self) -> Any:
        """Return `pairs` as a polars table. Raises `Error` where polars is not installed."""
        return self._as("polars")

    def to_arrow(self) -> Any:
        """Return `pairs` as a pyarrow table. Raises `Error` where pyarrow is not installed."""
        return self._as("pyarrow")

    def review(self) -> Any:
        """Return the pairs for a person to decide as a table, with what was compared of both records.

        The columns of `pairs`, then left_first_name, right_first_name and the like, as the tables have them.
        """
        waiting = [one for one in self.all_pairs if one.band == "review"]
        columns = self._columns(waiting)
        sides = zip(("left", "right"), self._trial.tables, self._trial.sources, strict=True)
        cells = {}
        for at, (side, table, source) in enumerate(sides):
            rows = self._first_rows(at)
            ids = [(one._found.id_a, one._found.id_b)[at] for one in waiting]
            for name, header in source.layout.columns.items():
                cells[name, side] = [table.kept.cells[header][rows[one]] for one in ids]
        for name, side in sorted(cells, key=lambda key: (_ORDER.index(key[0]), key[1])):
            columns[f"{side}_{name}"] = cells[name, side]
        return make(columns, self._kind)

    def unmatched(self, side: Literal["left", "right"]) -> Any:
        """Return the records of a table that are not linked: record_id, reasons, explanation."""
        found = self._trial.outcome.unmatched("a" if side == "left" else "b")
        ids = self._ids[side == "right"]
        columns: Columns = {
            "record_id": [ids.get(one.record_id, one.record_id) for one in found],
            "reasons": [" ".join(one.reasons) for one in found],
            "explanation": [
                "; ".join(map(TRIAL_SENTENCES.__getitem__, one.reasons)) for one in found
            ],
        }
        return make(columns, self._kind)

    def evaluate(self, truth: Any) -> Evaluation:
        """Hold the links against all true pairs.

        Args:
            truth: a table or path whose first two columns are record IDs of the first and of the second table,
                or an iterable of pairs.
        Raises:
            Error: `truth` where a record ID is of neither table.
        """
        trial = self._trial
        true = Truth(tuple(_true_pairs(truth)), {})
        ids = (trial.outcome.a.records.ids, trial.outcome.b.records.ids)
        require_known(true, "the truth", trial.names, ids)
        return measure(trial.outcome, true).evaluation

    def waterfall(self, pair: Pair) -> Waterfall:
        """Return how the weight of a pair comes about, field by field."""
        steps = tuple((_words(one), one.bits) for one in self._trial.steps(pair._found))
        return Waterfall(steps, pair.weight, pair.probability)

    def report(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write a page that tells what was found, as `blindlink trial` does: it names nobody.

        The page speaks of the command's CSV files: `pairs` and `unmatched` have what they hold.

        Raises:
            Error: `output-exists` where there is a file, and `overwrite` is not set.
        """
        place = Path(path)
        refuse_to_overwrite(place, own_start=b"", force=overwrite)
        with replacing(place) as file:
            file.write(trial_page(self._trial).encode())
        return place

    def summary(self) -> str:
        """Return what a person wants to know first, in a few lines of counts."""
        return "\n".join((*summary_lines(self._trial), UNPROTECTED))

    def __repr__(self) -> str:
        return f"<blindlink.Links: {self.n_linked:,} linked, {self.n_review:,} for review>"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.summary())}</pre>"

    def _as(self, kind: Kind) -> Any:
        return make(self._columns(self.all_pairs), kind)

    def _columns(self, pairs: Sequence[Pair]) -> dict[str, Sequence[object]]:
        return {
            "left_id": [one.left for one in pairs],
            "right_id": [one.right for one in pairs],
            "match_weight": [one.weight for one in pairs],
            "match_probability": [one.probability for one in pairs],
            "band": [one.band for one in pairs],
            "reasons": ["; ".join(one.reasons) for one in pairs],
        }

    def _pair(self, found: TrialPair) -> Pair:
        fields = [_words(one) for one in self._trial.steps(found) if one.level]
        left, right = (
            ids.get(one, one) for ids, one in zip(self._ids, (found.id_a, found.id_b), strict=True)
        )
        reasons = (*fields, self._trial.outcome.why(found))
        return Pair(left, right, found.weight, found.chance, found.band, reasons, found)

    def _first_rows(self, at: int) -> dict[str, int]:
        """Return the first row of each record of a table."""
        records = (self._trial.outcome.a, self._trial.outcome.b)[at].records
        rows: dict[str, int] = {}
        for row, record in enumerate(records.of_row.tolist()):
            if record >= 0:
                rows.setdefault(records.ids[record], row)
        return rows


_ORDER: Final = tuple(WORDS)


def link(
    left: Any,
    right: Any,
    *,
    left_columns: Mapping[str, str] | None = None,
    right_columns: Mapping[str, str] | None = None,
    left_dates: str | None = None,
    right_dates: str | None = None,
    profile: ProfileName = "children",
    as_of: date | None = None,
    progress: Progress = silent,
) -> Links:
    """Link two tables of people as two agencies and a broker would, in this process.

    The person who calls it sees both tables, so nothing is protected from that person. The same tables give the
    same links. Encodings are in a temporary folder while it works; nothing leaves the machine.

    Args:
        left: a pandas, polars, or pyarrow table, a path to CSV, XLSX, or Parquet, or mappings, one a row.
        right: the other one; up to a million rows each.
        left_columns: from first_name, last_name, birth_date, and the like, and record_id, to the columns of
            `left`; those that are not named are not used. None: they are guessed, as by `blindlink trial`.
        right_columns: the same of `right`.
        left_dates: how `left` writes dates, such as MM/DD/YYYY; None: it is told by the cells.
        right_dates: the same of `right`.
        profile: `children`, or `generic-person` for people of any age.
        as_of: the day on which people are so and so old; None: today, in UTC.
        progress: called with a step, a share from 0 to 1, a count, and its unit.
    Returns:
        The links. A record without a column of IDs goes by the index of a pandas table, by the place of its row
        (from 0) in another one, and by the number of its row (from 1) in a file.
    Raises:
        Error: with the code `missing-column`, `file-empty`, `duplicate-index`, `cell`, `guess`, or another one
            of docs/exit-codes.md; its sentence names tables, rows and columns, and no cell.
    Example:
        `links = blindlink.link(clients, pupils)`
    """
    today = as_of or datetime.now(tz=UTC).date()
    given = take(left, "left"), take(right, "right")
    _refuse_one_table(given)
    base = shipped_profile(profile)
    guesses = (
        given[0].guess(base, today, left_columns, left_dates),
        given[1].guess(base, today, right_columns, right_dates),
    )
    refuse_faults(guesses, lambda: HOW_TO_NAME)
    names = (given[0].path.name, given[1].path.name)
    refuse_other_years(base, list(zip(names, guesses, strict=True)))
    sources = (given[0].source(guesses[0].layout), given[1].source(guesses[1].layout))
    try:
        trial = run_trial(
            profile_for(profile, guesses), sources, guesses, as_of=today, progress=progress
        )
    except FormatError as exc:
        raise TrialFilesError(str(exc)) from exc
    return Links(trial, given)


def _refuse_one_table(given: tuple[Given, Given]) -> None:
    one, other = given
    if one.table is None and other.table is None:
        refuse_one_file(one.path, other.path)
    elif one.table and other.table and one.table.kept.cells == other.table.kept.cells:
        raise TrialFilesError("left and right hold the same rows")


def _words(step: Step) -> str:
    name = FIELD_WORDS.get(step.name, step.name)
    return f"{name}: {LEVEL_WORDS[step.level]}" if step.level else name


def _true_pairs(truth: Any) -> Iterable[tuple[str, str]]:
    if isinstance(truth, Iterable) and isinstance(next(iter(truth), None), tuple):
        truth = [dict(enumerate(pair)) for pair in truth]
    cells = take(truth, "the truth").cells()
    if len(cells) < 2:
        raise TruthError(
            "the truth needs two columns: record IDs of the first table, and of the second"
        )
    first, second, *_ = cells.values()
    return zip(first, second, strict=True)
