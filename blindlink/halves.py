"""`blindlink.check`, `encode`, and `match`: a table, and both halves of a linkage with bytes between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

from blindlink.linkage import HOW_TO_NAME, ProfileName
from blindlink.tables import Given, take
from encoding.errors import HalvesError
from encoding.profiles.catalog import shipped_profile
from encoding.progress import Progress, silent
from encoding.records.read_once import Readings, reading_once
from encoding.trial.guess import Guess
from encoding.trial.halves import HandlePair, RoundKey, encode_half, match_halves
from encoding.trial.records import read_rows
from encoding.trial.trial import check_source, profile_for, refuse_faults
from schemas.documents.errors import FormatError
from schemas.linkage.fields import NumberKind
from schemas.linkage.profile import Side


@dataclass(frozen=True, slots=True)
class Check:
    """What a table is like before it is encoded.

    Attributes:
        findings: what is worth saying, the worst first: `stop`, `warn`, or `note`, and a sentence.
        counts: the same in numbers, as `blindlink check --json` gives them.
    """

    findings: tuple[tuple[Literal["stop", "warn", "note"], str], ...]
    counts: Mapping[str, Any] = field(repr=False)

    @property
    def is_fit(self) -> bool:
        """Whether nothing stops the table from being encoded."""
        return all(standing != "stop" for standing, _ in self.findings)


class Rehearsal:
    """What two sides agree on before they encode: a profile, and the key of one round.

    The key is drawn when this is made, and cannot be taken out: both sides are encoded in one process.
    Agencies that may not show each other their files agree on a secret in a project.

    Args:
        profile: `children`, or `generic-person` for people of any age.
        sex: whether both tables have the sex.
        number: the known number that both have, `student-id`, `case-number`, or `ssn`; None: none.
    """

    def __init__(
        self,
        profile: ProfileName = "children",
        *,
        sex: bool = True,
        number: NumberKind | None = None,
    ) -> None:
        self._key = RoundKey(shipped_profile(profile, sex=sex, number=number))
        self.name: ProfileName = profile


@dataclass(frozen=True, slots=True)
class Encoded:
    """One side, encoded.

    Attributes:
        sent: what goes to the broker, as bytes by name: the `container`, and, of the larger side, the `counts`
            that its agency signs. Protected personal data still.
        record_ids: what stays at home: the record ID of each handle.
        n_not_compared: records that no row could be made of.
    """

    sent: Mapping[str, bytes] = field(repr=False)
    record_ids: Mapping[str, object] = field(repr=False)
    n_not_compared: int


@dataclass(frozen=True, slots=True)
class Matches:
    """What a broker finds.

    Attributes:
        pairs: two handles each, with weight in bits, probability, and band; the likeliest first.
        n_candidates: pairs of records that were compared.
        expected_wrong: how many of the links are of two people, by their probabilities.
    """

    pairs: tuple[HandlePair, ...] = field(repr=False)
    n_candidates: int
    expected_wrong: float


def check(
    table: Any,
    *,
    columns: Mapping[str, str] | None = None,
    dates: str | None = None,
    profile: ProfileName = "children",
    as_of: date | None = None,
) -> Check:
    """Look a table through as `blindlink check` does: missing and odd cells, dates, blocks, duplicates.

    Args:
        table: as `link` takes it, and so are the others.
        columns: None: guessed.
        dates: None: told by the cells.
        profile: whom the table is about.
        as_of: None: today, in UTC.
    Raises:
        Error: it cannot be read, or a first name, a last name, or a date of birth is missing.
    Example:
        `blindlink.check(clients).findings`
    """
    today = as_of or datetime.now(tz=UTC).date()
    given = take(table, "the table")
    guess = _guessed(given, profile, today, columns, dates)
    source = given.source(guess.layout)
    with reading_once(Readings({source.file.reading: read_rows(source)})):
        report = check_source(profile_for(profile, [guess]), source, today)
    said = tuple((one.standing, one.sentence()) for one in report.findings)
    return Check(said, report.document(shareable=False))


def encode(
    table: Any,
    rehearsal: Rehearsal,
    *,
    side: Side,
    columns: Mapping[str, str] | None = None,
    dates: str | None = None,
    as_of: date | None = None,
    progress: Progress = silent,
) -> Encoded:
    """Encode one side as its agency would, into the bytes that it would upload.

    Args:
        table: as `link` takes it, and so are the others.
        rehearsal: of both sides.
        side: `larger` of the table with more records, `smaller` of the other one.
        columns: None: guessed.
        dates: None: told by the cells.
        as_of: None: today, in UTC.
        progress: called with a step, a share from 0 to 1, a count, and its unit.
    Raises:
        Error: `halves` where this side was encoded under it before; else as `link`.
    Example:
        `sent = blindlink.encode(pupils, rehearsal, side="larger").sent`
    """
    today = as_of or datetime.now(tz=UTC).date()
    given = take(table, f"the {side} table")
    source = given.source(_guessed(given, rehearsal.name, today, columns, dates).layout)
    half = encode_half(rehearsal._key, side, source, today, progress)
    originals = given.originals(source)
    ids = {handle: originals.get(one, one) for handle, one in half.record_ids.items()}
    return Encoded(half.sent, ids, half.n_not_compared)


def match(
    smaller: Mapping[str, bytes], larger: Mapping[str, bytes], rehearsal: Rehearsal
) -> Matches:
    """Compare what two sides sent, as a broker does: it takes the profile of the rehearsal, and no key.

    Args:
        smaller: `sent` of the smaller side.
        larger: `sent` of the larger side.
        rehearsal: whose profile both were encoded by.
    Raises:
        Error: `halves` where the bytes are damaged, or not of these two sides.
    Example:
        `blindlink.match(one.sent, other.sent, rehearsal).pairs`
    """
    try:
        pairs, run = match_halves(rehearsal._key.profile, smaller, larger)
    except FormatError as exc:
        raise HalvesError(str(exc)) from None
    return Matches(tuple(pairs), run.n_candidates, run.expected_false_matches)


def _guessed(
    given: Given,
    profile: ProfileName,
    today: date,
    columns: Mapping[str, str] | None,
    dates: str | None,
) -> Guess:
    guess = given.guess(shipped_profile(profile), today, columns, dates)
    refuse_faults([guess], lambda: HOW_TO_NAME)
    return guess
