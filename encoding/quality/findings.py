"""What the counts mean: in order, worth a look, or a reason not to encode.

The limits are about twice the worst rates that studies of administrative files report (docs/check.md): above
them it is rarely the people who are unusual, and mostly the export that went wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from encoding.quality.counts import (
    BirthCounts,
    BlockCounts,
    ColumnCounts,
    Counts,
    NumberCounts,
)

# A share means nothing in a handful of rows: below this many nothing stops.
FLOOR = 10
# What was accepted once may grow by this much before it stops again.
_ACCEPTED_GROWTH = 1.25
_ROWS_CHANGED = "rows-changed"

Standing = Literal["stop", "warn", "note"]


@dataclass(frozen=True, slots=True)
class Limit:
    """From which share on a finding is worth a look, and from which on it stops; None never stops."""

    warn: float
    stop: float | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about the file; `column` is the file's name for a column, empty for the file as a whole.

    Attributes:
        rule: stable name, kebab-case.
        standing: `stop`, `warn` or `note`.
        said: the rest of a sentence that begins with the amount, or a whole sentence where nothing is counted.
        count: how many there are; None where nothing is counted.
        of: out of how many.
        unit: what is counted.
    """

    rule: str
    column: str
    standing: Standing
    said: str
    count: int | None = None
    of: int = 0
    unit: str = "rows"

    @property
    def key(self) -> str:
        """The name under which a finding is accepted."""
        return f"{self.rule}:{self.column}"

    @property
    def is_kept(self) -> bool:
        """Whether it stays accepted: a change of rows is measured against other rows the next time."""
        return self.rule != _ROWS_CHANGED

    @property
    def share(self) -> float:
        """The count as a share, from 0 to 1."""
        return (self.count or 0) / self.of if self.of else 0.0

    def sentence(self, *, shareable: bool = False) -> str:
        """Return the finding as one sentence; `shareable` hides small counts."""
        where = f"column {self.column}: " if self.column else ""
        if self.count is None:
            return f"{where}{self.said}"
        return f"{where}{amount(self.count, self.of, shareable=shareable)} {self.unit} {self.said}"


LIMITS: Mapping[str, Limit] = {
    "missing": Limit(0.01, 0.10),
    "placeholder": Limit(0.01, 0.10),
    "invalid": Limit(0.0, 0.05),
    "garbled": Limit(0.0, 0.02),
    "no-record-id": Limit(0.0, 0.05),
    "rows-refused": Limit(0.0, 0.10),
    "duplicates": Limit(0.03, 0.20),
    "shared-number": Limit(0.0, 0.10),
    "no-key": Limit(0.01, 0.10),
    "rows-dropped": Limit(0.05, 0.30),
    # By chance 0.27 % are born on 1 January and 3.3 % on a 15th; one day of 20 years is 0.014 %.
    "first-of-january": Limit(0.015, 0.10),
    "fifteenth": Limit(0.08, 0.25),
    "one-date": Limit(0.01, 0.10),
    "in-future": Limit(0.0, 0.02),
    "at-odds": Limit(0.01, 0.10),
    "too-old": Limit(0.02, None),
    _ROWS_CHANGED: Limit(0.10, 0.30),
}
_OPTIONAL: Mapping[str, Limit] = {
    "missing": Limit(0.5, None),
    "placeholder": Limit(0.5, None),
}
# In a file of a million records, the most for which a profile holds one row of a block, it is some 25 %.
_EXPECTED_SHARE = 0.30
# Most people have none of these.
_RARE = ("suffix", "alias_first", "alias_last")
_USUALLY_EMPTY: Mapping[str, Limit] = {
    "missing": Limit(1.0, None),
    "placeholder": Limit(0.5, None),
}
NO_SEX = (
    "no row has a sex, which the profile asks for, so each record has keys of both sexes: the operator sees"
    " something of 2.7% of the larger file where 1% is the goal; agree on a profile without it:"
    " blindlink schema children --no-sex"
)
_OF_MANY = ("first-of-january", "fifteenth", "one-date")


def judge(
    counts: Counts,
    *,
    former_rows: int | None = None,
    accepted: Mapping[str, float] | None = None,
) -> tuple[Finding, ...]:
    """Return what is worth saying, what stops first."""
    found = [
        *_in_columns(counts),
        *_in_rows(counts),
        *_in_numbers(counts.numbers),
        *_in_births(counts.births),
        *_in_blocks(counts.blocks, {one.name: one.header for one in counts.columns}),
        *_since_last_time(counts, former_rows),
    ]
    settled = [_settle(finding, accepted or {}) for finding in found]
    order = ("stop", "warn", "note")
    return tuple(sorted(settled, key=lambda finding: order.index(finding.standing)))


def amount(count: int, of: int, *, shareable: bool) -> str:
    """Return a count with its share; with `shareable`, small ones and those that leave few are not told."""
    if shareable and is_small(count, of):
        return f"fewer than {FLOOR} of {of:,}" if count < FLOOR else f"nearly all of {of:,}"
    return f"{count:,} of {of:,}" + (f" ({count / of:.1%})" if of else "")


def is_small(count: int, of: int) -> bool:
    """Return whether a count, or what it leaves of all, is too small to be told to others."""
    return 0 < count < FLOOR or 0 < of - count < FLOOR


def _in_columns(counts: Counts) -> Iterator[Finding]:
    for column in counts.columns:
        limits = dict(LIMITS)
        if not column.is_required:
            limits |= _USUALLY_EMPTY if column.name in _RARE else _OPTIONAL
        for rule, said, count in (
            ("missing", "are empty", column.missing),
            ("placeholder", 'hold a word for "unknown"', column.placeholder),
            ("invalid", _unreadable(column), column.invalid),
            (
                "garbled",
                "have letters that look as if read in the wrong text encoding",
                column.garbled,
            ),
        ):
            found = Finding(rule, column.header, "warn", said, count, counts.rows)
            yield from _measured(found, limits[rule])
    for name in counts.absent:
        yield Finding(
            "absent", "", "note", f"the file has no column for {name}: fewer links are found"
        )

    if counts.lacks_sex:
        yield Finding("no-sex", "", "warn", NO_SEX)


def _unreadable(column: ColumnCounts) -> str:
    if column.name == "birth_date":
        return "hold no date in the declared format with a possible year"
    return "hold something that cannot be read"


def _in_rows(counts: Counts) -> Iterator[Finding]:
    twice = "are probably in the file twice; list them with: blindlink check --duplicates duplicates.csv"
    for rule, said, count, of, unit in (
        ("no-record-id", "have no record ID", counts.rows_without_id, counts.rows, "rows"),
        ("rows-refused", "cannot be encoded", counts.rows_refused, counts.rows, "rows"),
    ):
        yield from _measured(Finding(rule, "", "warn", said, count, of, unit), LIMITS[rule])
    found = Finding("duplicates", "", "note", twice, counts.duplicates, counts.records, "records")
    if counts.duplicates:
        # Said even below the limit: most files have some.
        yield next(_measured(found, LIMITS["duplicates"]), found)


def _in_numbers(numbers: NumberCounts | None) -> Iterator[Finding]:
    if numbers is None:
        return
    said = "hold a number that another record also holds, so they are encoded without it"
    found = Finding(
        "shared-number", numbers.header, "warn", said, numbers.sharing, numbers.holders, "records"
    )
    yield from _measured(found, LIMITS["shared-number"])


def _in_births(births: BirthCounts) -> Iterator[Finding]:
    unknown = "which often means that the day is unknown"
    another = "differ from that of another row of the same record ID, which counts as one person"
    for rule, said, count in (
        ("first-of-january", f"are 1 January, {unknown}", births.first_of_january),
        ("fifteenth", f"are the 15th of a month, {unknown}", births.fifteenth),
        ("one-date", "are one and the same date", births.commonest),
        ("in-future", "are later than the day that the file describes", births.in_future),
        ("too-old", f"make the person older than {births.oldest}", births.too_old or 0),
        ("at-odds", another, births.at_odds),
    ):
        # In a small file any date is common.
        if rule in _OF_MANY and count < FLOOR:
            continue
        found = Finding(rule, "", "warn", said, count, births.dates, "dates of birth")
        yield from _measured(found, LIMITS[rule])


def _since_last_time(counts: Counts, former_rows: int | None) -> Iterator[Finding]:
    if former_rows is None:
        return
    direction = "more" if counts.rows > former_rows else "fewer"
    found = Finding(
        _ROWS_CHANGED,
        "",
        "warn",
        f"{direction} than at the last check",
        abs(counts.rows - former_rows),
        former_rows,
    )
    yield from _measured(found, LIMITS[_ROWS_CHANGED])


def _in_blocks(blocks: BlockCounts, header_of: Mapping[str, str]) -> Iterator[Finding]:
    never = "have no blocking key: too much of them is missing for them ever to be linked"
    found = Finding("no-key", "", "warn", never, blocks.keyless, blocks.records, "records")
    yield from _measured(found, LIMITS["no-key"])
    cap = "1 row" if blocks.cap == 1 else f"{blocks.cap} rows"
    for one in blocks.passes:
        # Up to a point, rows are left out because the file is large, which the profile expects.
        if not one.dropped_by and one.rows_dropped <= _EXPECTED_SHARE * one.keys:
            continue
        why = (
            "that share a few values of this column"
            if one.dropped_by
            else "of much the same values"
        )
        found = Finding(
            f"rows-dropped-{one.name}",
            " and ".join(header_of.get(name, name) for name in one.dropped_by),
            "warn",
            f"are in blocks of more than {cap} {why}; the larger file of a pair leaves them out",
            one.rows_dropped,
            one.keys,
            f"keys of the pass {one.name}",
        )
        yield from _measured(found, LIMITS["rows-dropped"])


def _measured(finding: Finding, limit: Limit) -> Iterator[Finding]:
    """Yield the finding if its share is above the limit."""
    count = finding.count or 0
    if not count or finding.share <= limit.warn:
        return
    is_too_much = limit.stop is not None and finding.share > limit.stop and count >= FLOOR
    yield replace(finding, standing="stop" if is_too_much else "warn")


def _settle(finding: Finding, accepted: Mapping[str, float]) -> Finding:
    # An earlier version kept accepted changes of rows, too: a file cut short passed by one that had grown.
    if finding.standing != "stop" or not finding.is_kept or finding.key not in accepted:
        return finding
    is_worse = finding.share > accepted[finding.key] * _ACCEPTED_GROWTH
    return finding if is_worse else replace(finding, standing="warn")
