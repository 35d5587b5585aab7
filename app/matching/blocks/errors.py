"""Errors of the matching of rows.

RowMatchingError
├── EmptyFileError          a file has no record
├── RowOrderError           rows do not increase in (token, record)
├── RepeatedTokenError      two rows of the larger file have one token
├── RecordNumberError       a row names a record that the table of handles has not
├── RowCountError           a record has more or fewer rows than the profile gives it
├── PartError               a stored part does not hold whole rows, or other rows than was said of it
├── StoredMeetingsError     a stored range of meetings is cut off, changed, or of another range
├── CountedPairsError       a field has more pairs of strangers than anybody counts
├── TwinPairsError          more pairs of twins than records
├── LinkRateError           links are a share of the smaller file outside the agreed band
├── RowsDisagreeError       the rows of too many records say different things of them
└── LinkedBeforeTwiceError  a record meets two records as the one that it was linked to before

Each class states one broken rule; no message holds a token, a record number or an encoding.
"""

from __future__ import annotations

from schemas.documents.errors import FormatError


class RowMatchingError(FormatError):
    """Rows, counts or stored results that cannot be matched."""

    code = "row-matching"


class EmptyFileError(RowMatchingError):
    """A file has no record: there is nothing to match, and no rate to work out."""

    code = "empty-file"


class RowOrderError(RowMatchingError):
    """Rows do not strictly increase in (token, record number)."""

    code = "row-order"


class RepeatedTokenError(RowMatchingError):
    """Two rows of the larger file have one token, so that pairs could multiply."""

    code = "repeated-token"


class RecordNumberError(RowMatchingError):
    """A row names a record beyond the table of handles."""

    code = "record-number"


class RowCountError(RowMatchingError):
    """A record has more or fewer rows than the profile gives it: their number would say something of it."""

    code = "row-count"


class PartError(RowMatchingError):
    """A stored part does not hold whole rows, or other rows than was said of it."""

    code = "part"


class StoredMeetingsError(RowMatchingError):
    """A stored range of meetings is cut off, changed, or of another range."""

    code = "stored-meetings"


class CountedPairsError(RowMatchingError):
    """A field has more pairs of strangers than anybody counts."""

    code = "counted-pairs"


class TwinPairsError(RowMatchingError):
    """A file claims more pairs of twins than it has records."""

    code = "twin-pairs"


class LinkRateError(RowMatchingError):
    """The links are a share of the smaller file outside the agreed band: nothing is released."""

    code = "link-rate"


class RowsDisagreeError(RowMatchingError):
    """Meetings of one pair differ in sex, date, initial or ZIP, in more pairs than aliases explain."""

    code = "rows-disagree"


class LinkedBeforeTwiceError(RowMatchingError):
    """A record meets two records as the one that it was linked to before: link IDs are unique."""

    code = "linked-before-twice"
