"""What a broker holds rows, counts and links to before it believes them. Pure: nothing is read or stored.

`RowCheck` takes a container's rows once, part by part, when it is committed; `check_alone` takes a part as it
comes. Inside sealed bytes no check can see: an agency that encodes people whom it made up is bounded by numbers
only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.errors import (
    CountedPairsError,
    EmptyFileError,
    LinkedBeforeTwiceError,
    LinkRateError,
    RecordNumberError,
    RepeatedTokenError,
    RowCountError,
    RowOrderError,
    RowsDisagreeError,
    TwinPairsError,
)
from app.matching.blocks.levels import LevelRules
from app.matching.blocks.pairs import Met
from app.matching.blocks.rows import Rows, token_texts
from schemas.linkage.counts import FileCounts, published_counts, require_fit
from schemas.linkage.profile import EncodingProfile, Side

# An agency counts some millions. A claim of more could make a level that nobody reaches worth over 28 bits.
MOST_COUNTED: Final = 100_000_000


MOST_UNSTEADY: Final = Fraction(1, 20)
# Of so few links a larger share may be by chance: aliases of a few people.
FEW: Final = 20


class RowCheck:
    """Holds the rows of one container to the profile, part by part, in order.

    Args:
        profile: the encoding profile.
        side: which file of the pair it is.
        n_records: how many handles the container's table has.
    """

    def __init__(self, profile: EncodingProfile, side: Side, n_records: int) -> None:
        if n_records < 1:
            raise EmptyFileError("the container has no record")
        self._side = side
        self._rows_each = profile.rows(side)
        self._n_rows = np.zeros(n_records, dtype=np.uint32)
        self._last: Rows | None = None

    def add(self, rows: Rows) -> None:
        """Take the next rows.

        Raises:
            RowOrderError: they do not strictly increase in (token, record).
            RepeatedTokenError: two rows of the larger file have one token.
            RecordNumberError: a record is not in the table of handles.
            RowCountError: a record has more rows than the profile gives it.
        """
        if not len(rows):
            return
        joined = rows if self._last is None else np.concatenate([self._last, rows])
        _require_order(joined, self._side)
        _require_known(rows, len(self._n_rows))
        np.add.at(self._n_rows, rows["record"], 1)
        _require_at_most(self._rows_each, self._n_rows[rows["record"]])
        self._last = rows[-1:].copy()

    def finish(self) -> None:
        """Tell whether all rows were there.

        Raises:
            RowCountError: a record has fewer rows than the profile gives it.
        """
        if int(self._n_rows.min()) < self._rows_each:
            raise RowCountError(
                f"a record has fewer than the {self._rows_each} rows of the profile"
            )


def check_alone(rows: Rows, profile: EncodingProfile, side: Side, n_records: int) -> None:
    """Hold the rows of one part to the profile without the other parts, in the memory of that part.

    Raises:
        RowOrderError, RepeatedTokenError, RecordNumberError, RowCountError: as `RowCheck.add`.
    """
    if not len(rows):
        return
    _require_order(rows, side)
    _require_known(rows, n_records)
    _, n_rows = np.unique(rows["record"], return_counts=True)
    _require_at_most(profile.rows(side), n_rows)


def require_plausible(counts: FileCounts, profile: EncodingProfile, n_records: int) -> None:
    """Refuse counts that nobody can have counted: an agency that lies in them could make links of strangers.

    What the profile publishes of a field always passes. What is possible and yet false cannot be told from
    here: the agreed band of link rate bounds what it does, and the table of weights shows it.

    Args:
        counts: what the larger file's agency signed.
        profile: the encoding profile.
        n_records: how many records the file has.
    Raises:
        DocumentError: the counts are of other fields or levels.
        CountedPairsError: a field has more pairs of strangers than anybody counts.
        TwinPairsError: more pairs of twins than records.
    """
    require_fit(counts, profile)
    published = published_counts(profile, n_records)
    for one, field, known in zip(profile.fields, counts.fields, published.fields, strict=True):
        if not one.is_counted and field != known:
            raise CountedPairsError(
                f"field {field.field}: its counts are not those of the profile, and nobody counts it"
            )
        if sum(field.strangers) > MOST_COUNTED and field.strangers != known.strangers:
            raise CountedPairsError(
                f"field {field.field}: strangers are counted in at most {MOST_COUNTED:,} pairs"
            )
    if counts.twin_pairs > n_records:
        raise TwinPairsError("the file claims more pairs of twins than it has records")


def require_link_rate(n_linked: int, n_smaller: int, least: Fraction, most: Fraction) -> None:
    """Refuse links that are too few or too many for what was agreed.

    Args:
        n_linked: pairs linked without a person's decision.
        n_smaller: records of the smaller file.
        least: smallest agreed share of the smaller file's records, itself allowed.
        most: largest.
    Raises:
        LinkRateError: the share is outside.
    """
    if n_smaller < 1:
        raise EmptyFileError("the smaller file has no record")
    if not least <= Fraction(n_linked, n_smaller) <= most:
        raise LinkRateError("the share of linked records is outside the agreed band")


def _require_order(rows: Rows, side: Side) -> None:
    tokens = token_texts(rows)
    before, after = tokens[:-1], tokens[1:]
    same = before == after
    rising = (before < after) | (same & (rows["record"][:-1] < rows["record"][1:]))
    if not rising.all():
        raise RowOrderError("the rows do not increase in token, then in record number")
    if side == "larger" and same.any():
        raise RepeatedTokenError("two rows of the larger file have one token")


def _require_known(rows: Rows, n_records: int) -> None:
    if int(rows["record"].max()) >= n_records:
        raise RecordNumberError("a row names a record that the table of handles has not")


def _require_at_most(rows_each: int, n_rows: NDArray[np.integer]) -> None:
    if int(n_rows.max()) > rows_each:
        raise RowCountError(f"a record has more than the {rows_each} rows of the profile")


def require_steady(n_unsteady: int, n_linked: int) -> None:
    """Refuse links of which the meetings of too many contradict each other."""
    if n_unsteady > max(Fraction(FEW), MOST_UNSTEADY * n_linked):
        raise RowsDisagreeError("the rows of too many records disagree about them")


def linked_once(lots: Iterable[Met], rules: LevelRules, n_larger: int) -> Iterator[Met]:
    """Yield lots of pairs as they are, and look at which records were linked before."""
    is_linked = np.zeros(n_larger, dtype=bool)
    for lot in lots:
        before = lot[rules.are_same("linked-before", lot["code"])]
        n_records = min(len(np.unique(before[side])) for side in ("smaller", "larger"))
        if n_records < len(before) or is_linked[before["larger"]].any():
            raise LinkedBeforeTwiceError("a record was linked before to two records")
        is_linked[before["larger"]] = True
        yield lot
