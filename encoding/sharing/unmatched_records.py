"""The list of own records without a link, with reasons that someone can act on; the worst data come first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.files import write_csv
from encoding.ledger.values import Reason
from encoding.packing.handles import RecordKeys
from encoding.packing.snapshot import Look, Snapshot, is_mostly_dropped
from encoding.recipe.record_faults import Fault
from encoding.sharing.change_report import CAUSES, look_in
from schemas.documents.printable import inert

UNMATCHED_HEADER: Final = ("record_id", "compared_by", "reasons", "explanation")
UNMATCHED_START: Final = f"{','.join(UNMATCHED_HEADER)}\n".encode()

SENTENCES: Final[Mapping[str, str]] = {
    "withdrawn": CAUSES["withdrawn"],
    "not-yet-encoded": "the record came into the file after it was encoded: the next round compares it",
    "not-encoded": "no row of the record can be encoded: the list of --skip-invalid names them",
    "no-key": "too much of the record is missing for it ever to be compared",
    "no-birth-date": "there is no date of birth",
    "no-last-name": "there is no last name",
    "no-first-name": "there is no first name",
    "default-date": "the date of birth is 1 January, which often means that the day is unknown",
    "block-too-large": "so many records share its values that it was left out of most comparisons",
    "below-school-age": "the child is younger than 5",
    "above-school-age": "the person is older than 22",
    "held-for-review": CAUSES["held-for-review"],
    "unlinked": "an agency unlinked it, and has not linked it again",
    "ruled-out": CAUSES["ruled-out"],
    "two-records": CAUSES["two-records"],
    "waits": "it is matched, and gets a link ID once the other agency's claims are there",
}
NOTHING_WRONG: Final = "nothing is wrong with the record here"

FAULT_REASONS: Final[Mapping[Fault, str]] = {
    Fault.NO_BIRTH_DATE: "no-birth-date",
    Fault.NO_LAST_NAME: "no-last-name",
    Fault.NO_FIRST_NAME: "no-first-name",
    Fault.DEFAULT_DATE: "default-date",
    Fault.TOO_YOUNG: "below-school-age",
    Fault.TOO_OLD: "above-school-age",
}
_OF_DATA: Final = frozenset({"not-encoded", "no-key", "block-too-large", *FAULT_REASONS.values()})
_OF_LEFT_OUT: Final[Mapping[Reason, str]] = {
    "vetoed": "ruled-out",
    "cut": "two-records",
    "pending": "waits",
}


@dataclass(frozen=True, slots=True)
class Unmatched:
    """One record without a link: by how many passes it was compared, of how many, and what may be why."""

    record_id: str = field(repr=False)
    n_compared: int
    n_passes: int
    reasons: tuple[str, ...]

    def order(self) -> tuple[int, int, int, str]:
        """Return the place in the list: faults of the data first, and of these what can hardly be compared."""
        rank = 0 if _OF_DATA.intersection(self.reasons) else 1 if self.reasons else 2
        n_compared = -1 if "not-encoded" in self.reasons else self.n_compared
        return rank, n_compared, -len(self.reasons), self.record_id


@dataclass(frozen=True, slots=True, repr=False)
class WithoutLink:
    """What is known of records without a link, by record key.

    Attributes:
        now: what was encoded in the round, by partner; empty where it was not kept: then nothing is said.
        left_out: records that a match gave nothing, and why; `pending` ones too.
        unlinked: records whose link ID an agency has retired.
        n_passes: how many passes the encoding profile has.
        undecided: records that wait for clerical review.
    """

    now: Mapping[str, Snapshot]
    left_out: Mapping[str, Reason]
    unlinked: Collection[str]
    n_passes: int
    undecided: Collection[str] = ()

    @property
    def lists_all(self) -> bool:
        """Whether records without any reason are listed too: in the smaller file most people have a match."""
        return any(one.side == "smaller" for one in self.now.values())

    def have_nothing(self, keys: RecordKeys) -> NDArray[np.bool_]:
        """Tell of which records nothing is to be said, by what was encoded alone; shape (n,)."""
        if self.lists_all:
            return np.zeros(len(keys.high), dtype=np.bool_)
        plain = [one.are_plain(keys) for one in self.now.values()]
        return np.logical_or.reduce(plain) if plain else np.ones(len(keys.high), dtype=np.bool_)

    def concerns(self, key: str) -> bool:
        """Tell whether something else is known of a record than what was encoded."""
        return key in self.left_out or key in self.unlinked or key in self.undecided

    def of(self, key: str, record_id: str, *, is_withdrawn: bool) -> Unmatched | None:
        """Return what is said of a record; None where nothing is, and most records have no match anyway."""
        look = look_in(self.now, key)
        reasons = ("withdrawn",) if is_withdrawn else tuple(self._reasons(key, look))
        if not reasons and not self.lists_all:
            return None
        n_compared = look.n_sent if look is not None else 0
        return Unmatched(record_id, n_compared, self.n_passes, reasons)

    def _reasons(self, key: str, look: Look | None) -> Iterable[str]:
        if look is None:
            if self.now:
                yield "not-yet-encoded"
            return
        if not look.is_encoded:
            yield "not-encoded"
            return
        if not look.n_keyed:
            yield "no-key"
        yield from (reason for fault, reason in FAULT_REASONS.items() if look.faults & fault)
        if is_mostly_dropped(look.n_keyed, look.n_sent):
            yield "block-too-large"
        if key in self.undecided:
            yield "held-for-review"
        if key in self.unlinked:
            yield "unlinked"
        left_out = self.left_out.get(key)
        if left_out is not None and left_out in _OF_LEFT_OUT:
            yield _OF_LEFT_OUT[left_out]


def write_unmatched(path: Path, found: Iterable[Unmatched]) -> int:
    """Write the list in place of the former one, in one step, the worst first; returns how many there are."""
    rows = sorted(found, key=Unmatched.order)
    write_csv(path, UNMATCHED_HEADER, map(unmatched_row, rows))
    return len(rows)


def unmatched_row(one: Unmatched, sentences: Mapping[str, str] = SENTENCES) -> tuple[str, ...]:
    """Return the line of a record, with its reasons in these words."""
    explanation = "; ".join(sentences[reason] for reason in one.reasons) or NOTHING_WRONG
    compared = f"{one.n_compared} of {one.n_passes} passes"
    return inert(one.record_id), compared, " ".join(one.reasons), explanation
